"""From one tax year to the next: carryovers by term, loss limits, and the tax of a year. By hand, and by netting."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from accounts.types import FilingStatus
from lots import netting
from lots.netting import YearInputs
from lots.rounding import terminating
from lots.year_tax import TaxPosition, position_at
from rebalancing.transition.tax_years import carried_out, next_year, tax_of_year
from tests.rebalancing.states import TAX


def year(short: str, long: str) -> TaxPosition:
    return replace(TAX, short=D(short), long=D(long))


@pytest.mark.parametrize(
    ("short", "long", "carried"),
    [
        ("5000", "9000", ("0", "0")),
        ("-2000", "9000", ("0", "0")),  # eaten by the gain
        ("-2000", "-500", ("0", "0")),  # inside the limit of 3,000
        ("-8000", "0", ("5000", "0")),
        ("0", "-8000", ("0", "5000")),
        ("-2000", "-8000", ("0", "7000")),  # the short loss is used first (R32)
        ("-8000", "-2000", ("5000", "2000")),
        ("-8000", "1000", ("4000", "0")),  # the long gain meets it, then the limit
        ("4000", "-9000", ("0", "2000")),
    ],
)
def test_a_loss_beyond_the_limit_is_carried_by_its_term(
    short: str, long: str, carried: tuple[str, str]
) -> None:
    found = carried_out(year(short, long))

    assert found == (D(carried[0]), D(carried[1]))
    opened = next_year(year(short, long))
    assert (opened.short, opened.long) == (-found[0], -found[1])


def test_the_lines_of_the_worksheet_agree_with_netting() -> None:
    """Every corner of the two terms, with income that can meet the whole limit."""
    for short in range(-9000, 9001, 1500):
        for long in range(-9000, 9001, 1500):
            inputs = YearInputs(
                year=2022,
                filing_status=FilingStatus.MARRIED_JOINTLY,
                ordinary_taxable_income=D(200_000),
                st_gain_loss=D(short),
                lt_gain_loss=D(long),
            )
            result = netting.net(inputs)
            expected = tuple(
                terminating(part) for part in (result.st_carryover_out, result.lt_carryover_out)
            )

            assert carried_out(year(str(short), str(long))) == expected
            exact = position_at(inputs, carried_loss_value=D("0.1"))
            assert carried_out(exact) == expected


def test_a_year_in_the_brackets_opens_with_the_carryover_and_its_own_limit() -> None:
    """Modified AGI loses last year's gain or loss and takes the new year's 3,000 off."""
    inputs = YearInputs(
        year=2022,
        filing_status=FilingStatus.MARRIED_JOINTLY,
        ordinary_taxable_income=D(300_000),
        st_gain_loss=D(-20_000),
        magi=D(317_000),  # 320,000 less the 3,000 of the loss
        nii=D(7_000),
    )
    opened = next_year(position_at(inputs, carried_loss_value=D("0.1")))

    assert opened.brackets is not None
    assert (opened.short, opened.long) == (D(-17_000), D(0))
    assert opened.brackets.st_carryover_in == 17_000
    assert (opened.brackets.magi, opened.brackets.nii) == (317_000, 7_000)
    assert opened.loss_limit == 3000
    later = opened
    for _ in range(6):
        later = next_year(later)
    assert later.brackets is not None
    assert (later.short, later.long) == (D(0), D(0))  # 17,000 is used up in six years
    assert (later.brackets.magi, later.brackets.nii) == (320_000, 10_000)


def test_gains_added_to_a_year_in_the_brackets_meet_what_was_carried() -> None:
    inputs = YearInputs(
        year=2022,
        filing_status=FilingStatus.SINGLE,
        ordinary_taxable_income=D(100_000),
        lt_carryover_in=D(10_000),
    )
    position = position_at(inputs, carried_loss_value=D("0.1"))
    sold = replace(position, long=position.long + D(8_000))

    assert carried_out(sold) == (D(0), D(0))  # 2,000 are left, inside the limit
    assert next_year(sold).long == D(0)


def test_the_tax_of_a_year_does_not_count_what_a_carried_loss_is_worth_later() -> None:
    assert tax_of_year(year("0", "10000")) == D("2380.000")
    assert tax_of_year(year("-10000", "0")) == D("-1110.00")  # 3,000 at 37 %
    assert tax_of_year(year("0", "0")) == D(0)
