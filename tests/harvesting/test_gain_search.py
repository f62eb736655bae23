"""The optimum of the gain harvest's sum: against every combination of whole shares of small households."""

from collections.abc import Callable
from decimal import Decimal as D
from fractions import Fraction as F
from itertools import product
from random import Random

import pytest

from accounts.types import FilingStatus
from harvesting.gain_search import Counts, Offer, Search, Terms
from harvesting.gain_tax import line
from lots.netting import YearInputs
from lots.rounding import terminating
from lots.types import Term
from lots.year_tax import TaxPosition, added_tax, position_at

POSITIONS = ((1, 1), (1, 2))


def table(rng: Random) -> TaxPosition:
    return TaxPosition(
        short_rate=D("0.408"),
        long_rate=D("0.238"),
        ordinary_rate=D("0.37"),
        loss_limit=D(3000),
        carried_loss_value=D(rng.choice(["0", "0.05", "0.12"])),
        short=D(rng.randrange(-3000, 2000)),
        long=D(rng.randrange(-6000, 2000)),
    )


def brackets(rng: Random) -> TaxPosition:
    """Near the end of the 0 % bracket of 2024, which is $94,050."""
    inputs = YearInputs(
        year=2024,
        filing_status=FilingStatus.MARRIED_JOINTLY,
        ordinary_taxable_income=D(rng.randrange(80_000, 96_000)),
        st_gain_loss=D(rng.randrange(-2000, 1000)),
        lt_gain_loss=D(rng.randrange(-4000, 2000)),
        lt_carryover_in=D(rng.choice([0, 0, 3000])),
        magi=D(110_000),
        nii=D(4000),
        state_rate=D(rng.choice(["0", "0.05"])),
    )
    return position_at(inputs, carried_loss_value=D("0.05"))


@pytest.mark.parametrize("make", [table, brackets])
@pytest.mark.parametrize("term", list(Term))
def test_the_line_is_the_added_tax_at_every_dollar(make, term):
    rng = Random(5)
    for _ in range(6):
        position = make(rng)
        drawn = line(position, term, F(20_000))
        for _ in range(25):
            gain = D(rng.randrange(0, 2_000_000)) / 100
            short, long = (gain, D(0)) if term is Term.SHORT else (D(0), gain)
            assert drawn.at(F(gain)) == F(added_tax(position, short=short, long=long))
    with pytest.raises(ValueError, match="off the line"):
        drawn.at(F(20_001))


def random_problem(rng: Random) -> tuple[list[Offer], Terms]:
    count = rng.choice([1, 2, 2, 3])
    most = {1: 60, 2: 14, 3: 7}[count]
    per_order, spread = F(rng.choice([0, 0, 1, 5])), F(rng.choice([0, 1, 5, 20]), 10_000)
    prices = {position: F(rng.randrange(20, 400)) for position in POSITIONS}
    offers = []
    for number in range(count):
        position = rng.choice(POSITIONS)
        offers.append(
            Offer(
                key=(number, 0),
                position=position,
                term=rng.choice([Term.SHORT, Term.LONG, Term.LONG]),
                shares=rng.randrange(1, most + 1),
                gain=prices[position] * F(rng.randrange(3, 90), 100) * rng.choice([1, 3, 10]),
                cost=2 * spread * prices[position],
            )
        )
    cap = F(rng.choice([10**9, 10**9, 500, 3000]))
    terms = Terms(
        tax=(table if rng.random() < 0.5 else brackets)(rng),
        later_rate=F(rng.choice([9, 15, 20, 30]), 100),
        cost=lambda position, shares: 2 * (per_order + spread * prices[position] * shares),
        first_floor=F(rng.choice([0, 10, 100])),
        further_floor=F(rng.choice([0, 5, 50])),
        fits=lambda short, long: short + long <= cap,
    )
    return offers, terms


def total_by_hand(offers: tuple[Offer, ...], terms: Terms) -> Callable[[Counts], F | None]:
    """The sum written down again, without the search's shortcuts; None = the budget takes it not."""

    def total(counts: Counts) -> F | None:
        pairs = list(zip(offers, counts, strict=True))
        short = sum((one.gain * n for one, n in pairs if one.term is Term.SHORT), F(0))
        long = sum((one.gain * n for one, n in pairs if one.term is Term.LONG), F(0))
        if not terms.fits(short, long):
            return None
        tax = added_tax(terms.tax, short=terminating(short), long=terminating(long))
        value = terms.later_rate * (short + long) - F(tax)
        for position in POSITIONS:
            lots = [n for one, n in pairs if one.position == position and n]
            if lots:
                value -= terms.cost(position, sum(lots))
                value -= terms.first_floor + terms.further_floor * (len(lots) - 1)
        return value

    return total


@pytest.mark.parametrize("seed", [222, 227, 228, *range(40)])
def test_no_combination_of_whole_shares_is_better_than_the_one_found(seed):
    offers, terms = random_problem(Random(seed))
    search = Search(offers, terms)
    total = total_by_hand(search.offers, terms)
    found = search.best()
    every = product(*(range(offer.shares + 1) for offer in search.offers))
    best = max(value for counts in every if (value := total(counts)) is not None)
    assert total(found) == best
    assert search.total(found) == best
