"""The year's tax after netting: one exact figure per region, and what trades add."""

from decimal import Decimal as D

import pytest

from accounts.types import FilingStatus
from lots.year_tax import TaxPosition, added_tax, capital_loss_limit, year_tax


def position(short: str = "0", long: str = "0", **changes: D) -> TaxPosition:
    values = {
        "short_rate": D("0.408"),
        "long_rate": D("0.238"),
        "ordinary_rate": D("0.37"),
        "loss_limit": D(3000),
        "carried_loss_value": D("0.12"),
        "short": D(short),
        "long": D(long),
    }
    return TaxPosition(**{**values, **changes})


@pytest.mark.parametrize(
    ("short", "long", "tax"),
    [
        ("1000", "2000", "884.000"),  # both gains at their own rates
        ("1000", "-400", "244.800"),  # what is left of a short gain after a long loss
        ("-400", "1000", "142.800"),  # what is left of a long gain after a short loss
        ("-1000", "-500", "-555.00"),  # net loss within the limit
        ("-1000", "500", "-185.00"),
        ("-3000", "0", "-1110.00"),  # exactly the limit
        ("-2000", "-6000", "-1710.00"),  # 3,000 against income, 5,000 carried
        ("0", "0", "0"),
    ],
)
def test_each_region_of_the_years_totals_has_its_rate(short: str, long: str, tax: str) -> None:
    assert year_tax(position(), short=D(short), long=D(long)) == D(tax)


def test_a_loss_is_worth_what_it_changes_from_the_year_so_far() -> None:
    assert added_tax(position("5000"), short=D(-2000), long=D(0)) == D("-816.000")
    assert added_tax(position("0", "5000"), short=D(-2000), long=D(0)) == D("-476.000")
    assert added_tax(position("-3000"), short=D(-2000), long=D(0)) == D("-240.00")
    assert added_tax(position("-3000"), short=D(0), long=D(0)) == 0


def test_married_filing_separately_has_half_the_loss_limit() -> None:
    assert capital_loss_limit(FilingStatus.MARRIED_SEPARATELY) == D(1500)
    assert capital_loss_limit(FilingStatus.MARRIED_JOINTLY) == D(3000)
    assert capital_loss_limit(FilingStatus.SINGLE) == D(3000)


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        year_tax(position(), short=1.5, long=D(0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="short_rate"):
        position(short_rate=0.408)  # type: ignore[arg-type]


def test_a_rate_outside_zero_to_one_or_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        position(long_rate=D("23.8"))
    with pytest.raises(ValueError, match="not a finite number"):
        position("NaN")
