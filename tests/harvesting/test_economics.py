"""A loss is worth the difference of two computations of the household's own year (T12, T13)."""

from decimal import Decimal

import pytest

from harvesting.economics import tax_saved
from lots.year_tax import carried_forward, carried_worth
from tests.harvesting.books import position


def saved(tax, short="0", long="0"):
    return tax_saved(tax, short_loss=Decimal(short), long_loss=Decimal(long))


def test_a_loss_against_gains_of_its_own_term_saves_at_that_rate():
    both = position(short="10000", long="10000")
    assert saved(both, short="5000") == Decimal("2040.000")
    assert saved(both, long="5000") == Decimal("1190.000")


def test_a_long_loss_beyond_the_long_gains_saves_at_the_short_rate():
    # 10,000 offset long gains at 23.8 %, the next 5,000 short gains at 40.8 %.
    assert saved(position(short="10000", long="10000"), long="15000") == Decimal("4420.000")


def test_a_short_loss_beyond_the_short_gains_saves_at_the_long_rate():
    # 10,000 at 40.8 %, the next 5,000 at 23.8 %.
    assert saved(position(short="10000", long="10000"), short="15000") == Decimal("5270.000")


def test_a_net_loss_within_the_limit_saves_at_the_ordinary_rate():
    assert saved(position(long="0"), short="3000") == Decimal("1110.00")


def test_a_loss_beyond_the_limit_is_worth_what_a_carried_loss_is():
    # 3,000 at 37 %, 47,000 at 12 cents: never 37 % of 50,000 (T13).
    assert saved(position(long="0"), short="50000") == Decimal("6750.00")


def test_with_the_limit_used_up_only_the_carried_value_is_left():
    assert saved(position(long="-3000"), long="50000") == Decimal("6000.00")


def test_married_filing_separately_uses_1500():
    assert saved(position(long="0", limit="1500"), short="3000") == Decimal("735.00")


def test_a_carryover_comes_before_the_harvest():
    # A carryover of 20,000 already cancels the gains of 20,000: the harvest meets ordinary income first.
    assert saved(position(short="20000", long="-20000"), short="4000") == Decimal("1230.00")


def test_carried_forward_counts_what_the_year_cannot_use():
    assert carried_forward(position(short="-1000", long="-2500")) == Decimal(500)
    assert carried_forward(position(short="-1000", long="-2000")) == Decimal(0)


def test_a_float_is_refused():
    with pytest.raises(TypeError, match="short_loss is a float"):
        tax_saved(position(), short_loss=1.5, long_loss=Decimal(0))  # type: ignore[arg-type]


def test_a_gain_that_goes_along_costs_what_it_adds_to_the_year():
    assert saved(position(short="1000"), short="-500") == Decimal("-204.000")


def test_what_carried_losses_are_worth_is_told_apart_from_this_years_tax():
    """$5,000 lost against no gain: $3,000 counts against income at 37 %, $2,000 is carried at 12 cents."""
    year = position(long="0")
    assert saved(year, short="5000") == Decimal("3000") * year.ordinary_rate + Decimal("240")
    assert carried_worth(year, short=Decimal(-5000), long=Decimal(0)) == Decimal("240")
    assert carried_worth(year, short=Decimal(-3000), long=Decimal(0)) == 0
