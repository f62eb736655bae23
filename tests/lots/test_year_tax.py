"""The year's tax after netting: one exact figure per region, and what trades add."""

import random
from dataclasses import replace
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import pytest

from accounts.types import FilingStatus
from lots.netting import YearInputs
from lots.types import Term
from lots.year_tax import (
    TaxPosition,
    added_tax,
    carried_worth,
    loss_kinks,
    position_at,
    rate_lines,
    year_tax,
)


def position(short: str = "0", long: str = "0", **changes: D) -> TaxPosition:
    values: dict[str, Any] = {
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


def household(**money: int) -> YearInputs:
    return YearInputs(year=2026, filing_status=FilingStatus.SINGLE, **money)


def at(inputs: YearInputs) -> TaxPosition:
    return position_at(inputs, carried_loss_value=D("0.12"))


def test_rates_are_those_of_the_households_place_in_the_brackets() -> None:
    # 80,000: 22 % and 15 %; the NIIT is far away.
    found = at(household(ordinary_taxable_income=80000, magi=95000, st_gain_loss=1000))
    assert (found.short_rate, found.long_rate, found.ordinary_rate) == (
        D("0.22"),
        D("0.15"),
        D("0.22"),
    )
    assert (found.short, found.long, found.loss_limit) == (D(1000), D(0), D(3000))


def test_gains_so_far_move_the_household_up_the_brackets() -> None:
    found = at(
        household(ordinary_taxable_income=80000, magi=296000, nii=200000, st_gain_loss=200000)
    )
    assert (found.short_rate, found.long_rate) == (D("0.388"), D("0.188"))  # 35 %, 15 %, NIIT
    assert found.ordinary_rate == D("0.22")


def test_a_loss_that_ate_part_of_a_gain_leaves_the_rest_to_place_the_household() -> None:
    # 40,000 and a net long-term gain of 5,000: at 0 % up to 49,450, though the gain alone would pass it.
    found = at(household(ordinary_taxable_income=40000, lt_gain_loss=15000, st_gain_loss=-10000))
    assert found.long_rate == 0
    assert (found.short, found.long) == (D(-10000), D(15000))
    mirrored = at(household(ordinary_taxable_income=48000, lt_gain_loss=-9000, st_gain_loss=10000))
    assert mirrored.short_rate == D("0.12")  # 49,000, below 50,400


def test_a_net_loss_places_the_household_at_its_income() -> None:
    found = at(household(ordinary_taxable_income=80000, st_gain_loss=-40000))
    assert (found.short_rate, found.long_rate, found.ordinary_rate) == (
        D("0.22"),
        D("0.15"),
        D("0.22"),
    )


def test_the_limit_is_what_income_can_meet_of_it() -> None:
    assert at(household(ordinary_taxable_income=1000)).loss_limit == D(1000)
    assert at(household(ordinary_taxable_income=-500)).loss_limit == D(0)
    assert at(household(ordinary_taxable_income=-500)).ordinary_rate == 0


def test_a_position_with_brackets_is_priced_exactly_across_them() -> None:
    # 24 % above 105,700, 22 % below.
    inputs = household(ordinary_taxable_income=110000, magi=130000, st_gain_loss=10000)
    assert added_tax(at(inputs), short=D(-10000), long=D(0)) == D("-2400")
    lower = household(ordinary_taxable_income=100000, magi=130000, st_gain_loss=10000)
    assert added_tax(at(lower), short=D(-10000), long=D(0)) == D("-2286")  # 4,300 and 5,700
    assert at(lower).short_rate == D("0.24")


def test_losses_newly_carried_count_at_what_they_are_taken_to_be_worth() -> None:
    position = at(household(ordinary_taxable_income=80000, magi=95000, lt_gain_loss=4000))
    saved = added_tax(position, short=D(-9000), long=D(0))
    assert saved == D("-1500")  # 15 % of 4,000, 22 % of 3,000, 12 % of 2,000
    assert carried_worth(position, short=D(-9000), long=D(0)) == D("240")
    assert year_tax(position, short=D(-9000), long=D(4000)) == D("-900")  # than no gain at all


def test_loss_that_meets_no_income_is_carried_whole() -> None:
    position = at(household(ordinary_taxable_income=-500))
    assert added_tax(position, short=D(-1000), long=D(0)) == D("-120")
    assert carried_worth(position, short=D(-1000), long=D(0)) == D("120")


@pytest.mark.parametrize(("short", "long"), [(-2000, 0), (0, -4000), (1500, 2000), (-9000, 0)])
def test_inside_a_bracket_the_rates_of_the_position_say_the_same(short: int, long: int) -> None:
    exact = at(household(ordinary_taxable_income=80000, magi=95000, lt_gain_loss=4000))
    flat = replace(exact, brackets=None)
    assert added_tax(flat, short=D(short), long=D(long)) == added_tax(
        exact, short=D(short), long=D(long)
    )


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        added_tax(at(household()), short=1.5, long=D(0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="float"):
        year_tax(position(), short=1.5, long=D(0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="short_rate"):
        position(short_rate=0.408)  # type: ignore[arg-type]


def test_a_rate_outside_zero_to_one_or_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        position(long_rate=D("23.8"))
    with pytest.raises(ValueError, match="not a finite number"):
        position("NaN")


def _bracket_position(chance: random.Random) -> TaxPosition:
    ordinary = D(chance.choice([-20000, 0, 15000, 60000, 92000, 190000, 400000, 900000]))
    return position_at(
        YearInputs(
            year=chance.choice([2022, 2025, 2026]),
            filing_status=chance.choice(list(FilingStatus)),
            ordinary_taxable_income=ordinary + chance.randint(0, 9999),
            st_gain_loss=D(chance.choice([-9000, 0, 3000, 40000, 700000]) + chance.randint(0, 99)),
            lt_gain_loss=D(chance.choice([-5000, 0, 8000, 90000, 800000]) + chance.randint(0, 99)),
            st_carryover_in=D(chance.choice([0, 0, 4000])),
            qualified_dividends=D(chance.choice([0, 0, 7000])),
            magi=D(chance.choice([40000, 190000, 245000, 900000])),
            nii=D(chance.choice([0, 5000, 60000])),
            state_rate=D(chance.choice(["0", "0.05"])),
        ),
        carried_loss_value=D("0.12"),
    )


@pytest.mark.parametrize("seed", range(60))
def test_the_rate_changes_on_the_lines_of_the_year_and_nowhere_else(seed):
    """Along either term, from any point, each change of the rate crosses one of the three kinds of lines."""
    chance = random.Random(seed)
    start = _bracket_position(chance)
    lines = rate_lines(start)
    short, long = (chance.choice([0, 0, 2500, 30000, 300000]) for _ in range(2))
    moved = replace(start, short=start.short - short, long=start.long - long)
    together = [line - short - long for line in lines.both]
    for term, own in (
        (Term.SHORT, [line - short for line in lines.short]),
        (Term.LONG, [line - long for line in lines.long]),
    ):
        for kink in loss_kinks(moved, term=term, upto=D(2_000_000)):
            near = [
                line for line in (*own, *together) if abs(Fraction(kink) - line) < Fraction(1, 1000)
            ]
            assert near, f"{term}: {kink}"
