from datetime import date
from decimal import Decimal

import pytest

from accounts.canonical import canonical_text, decimal_text
from accounts.types import Role


def test_keys_are_sorted_and_blanks_left_out():
    assert canonical_text({"b": 1, "a": [True, None]}) == '{"a":[true,null],"b":1}'


def test_equal_decimals_have_one_text():
    assert {decimal_text(Decimal(text)) for text in ("1.5", "1.50", "1.500")} == {"1.5"}
    assert decimal_text(Decimal("-0.00")) == "0"
    assert decimal_text(Decimal("1E+3")) == "1000"


def test_dates_and_enums_are_plain_words():
    assert canonical_text([date(2022, 12, 28), Role.ADVISER]) == '["2022-12-28","adviser"]'


def test_a_float_has_no_canonical_text():
    with pytest.raises(TypeError, match="float"):
        canonical_text({"price": 1.5})


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_has_no_canonical_text(word):
    with pytest.raises(ValueError, match="no canonical text"):
        canonical_text(Decimal(word))
