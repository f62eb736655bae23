"""What people type for dollars: grouped thousands are read, a comma anywhere else is refused."""

from decimal import Decimal as D

import pytest
from django import forms

from accounts.typed_dollars import DollarsField, ungrouped


@pytest.mark.parametrize(
    ("typed", "dollars"),
    [
        ("25000", D(25000)),
        ("25,000", D(25000)),
        (" $1,234,567.89 ", D("1234567.89")),
        ("$ 10", D(10)),
        ("0", D(0)),
        ("", None),
    ],
)
def test_dollars_as_people_write_them(typed: str, dollars: D | None) -> None:
    assert DollarsField("Tax").clean(typed) == dollars


@pytest.mark.parametrize("typed", ["1,5", "1,50,000", "1.234,56", "$", "-5", "ten", "NaN", "1.005"])
def test_what_is_no_sum_of_dollars_is_refused(typed: str) -> None:
    with pytest.raises(forms.ValidationError):
        DollarsField("Tax").clean(typed)


def test_a_comma_that_groups_no_thousands_stays() -> None:
    assert [ungrouped(text) for text in ("1,200", "1,5", "12,00.5")] == ["1200", "1,5", "12,00.5"]
