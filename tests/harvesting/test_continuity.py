"""Net dollars decide, so a cent more or less on a price changes what is taken by cents, not by whole trades."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harvesting.types import Book, HarvestRules, Outcome, PairFigures, Plan
from harvesting.types import Surroundings as Around
from harvesting.valuation import hurdle
from tests.harvesting.books import (
    AAA,
    BBB,
    CCC,
    DDD,
    SPOUSE,
    TAXABLE,
    around,
    book,
    days_ago,
    lot,
    only,
    outcomes,
    plan,
    position,
)

CENT = Decimal("0.01")
D = Decimal
# No floor on a loss: only the sum decides. A pair still has to be worth its hundred dollars, a further lot fifty.
BY_SUM = HarvestRules(minimum_loss=D(0), minimum_loss_fraction=D(0))
FOLLOWS = PairFigures(D("0.05"), D("0.9"), D(1), 252)
STATISTICS: dict[str, Any] = {
    "volatilities": {AAA: D("0.3"), BBB: D("0.2")},
    "pairs": dict.fromkeys(((AAA, CCC), (AAA, DDD), (BBB, CCC), (BBB, DDD)), FOLLOWS),
    "half_spreads": {AAA: D("0.0005"), BBB: D("0.0005"), CCC: D("0.0002")},
}


def worth(found: Plan, rules: HarvestRules) -> Decimal:
    """What the set that is taken is worth beyond what attention to its pairs and lots costs."""
    lots = {pair.number: len(pair.sales) for pair in found.pairs}
    assert not any(one.is_companion for one in found.candidates)
    return found.net - sum((hurdle(count, rules) for count in lots.values()), D(0))


LOTS = st.lists(
    st.tuples(
        st.sampled_from([AAA, BBB]),
        st.sampled_from([TAXABLE, SPOUSE]),
        st.integers(min_value=1, max_value=2000),  # shares
        st.integers(min_value=6000, max_value=14000),  # basis of a share, cents
        st.integers(min_value=40, max_value=330) | st.integers(min_value=400, max_value=900),
    ),
    min_size=1,
    max_size=4,
)
YEARS = st.sampled_from(
    [("0", "0"), ("0", "5000"), ("8000", "0"), ("-2500", "400000"), ("0", "-9000")]
)


def household(rows: list[tuple[int, int, int, int, int]], cents: int) -> Book:
    lots = tuple(
        lot(
            number, security, str(shares), str(shares * D(basis) / 100),
            account=account, acquired=days_ago(held),
        )
        for number, (security, account, shares, basis, held) in enumerate(rows, start=1)
    )  # fmt: skip
    return book(*lots, prices={AAA: str(D(cents) / 100)}, rules=BY_SUM)


def taken(found: Plan) -> set[int]:
    return {one.sale.lot.opening for one in found.candidates}


@settings(max_examples=60, deadline=None)
@given(LOTS, YEARS)
def test_where_a_cent_on_a_price_changes_the_lots_taken_it_changes_the_sum_by_cents(rows, year):
    """T14: the very cent at which a trade appears or goes is looked for; there it is worth nothing beside its floor."""
    surroundings = around(tax=position(short=year[0], long=year[1]), **STATISTICS)

    def at(cents: int) -> Plan:
        return plan(household(rows, cents), surroundings)

    low, high = 5500, 15000  # a loss on everything, and none on AAA
    assume(taken(at(low)) != taken(at(high)))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(at(middle)) == taken(at(low)) else (low, middle)
    here, there = at(low), at(high)
    moved = sum(shares for security, _, shares, _, _ in rows if security == AAA)
    rounding = CENT * 8 * len(rows)  # each of eight terms of a lot is shown to the cent
    assert abs(worth(here, BY_SUM) - worth(there, BY_SUM)) <= CENT * moved + rounding


def room_for_one(first: str, second: str) -> tuple[Book, Around]:
    """Two long-term lots of 100 and 1,000 shares at 80 with these losses in per cent, in a year that can use one."""
    lots = (
        lot(1, quantity="100", basis=str(8000 / (1 - D(first)))),
        lot(2, BBB, quantity="1000", basis=str(80000 / (1 - D(second)))),
    )
    rules = replace(BY_SUM, taxable_sale_chance=D(1))
    return book(*lots, rules=rules), around(tax=position(long="11500"))


@pytest.mark.parametrize(("first", "second"), [("0.149", "0.151"), ("0.151", "0.149")])
def test_two_lots_on_both_sides_of_a_percentage_are_ranked_by_dollars(first, second):
    """T14: 14.9 % and 15.1 %: the dollars of tax decide, whichever lot has the larger percentage."""
    found = plan(*room_for_one(first, second))
    terms = {one.opening: one.terms for one in found.findings if one.terms is not None}
    losses = {one.sale.lot.opening: one.sale.loss for one in found.candidates}
    # The larger gives nine tenths of what the year can use, 11,500 and 3,000, to a share.
    assert losses[2] > 9 * losses[1]
    assert abs(losses[1] + losses[2] - D(14500)) < 18
    assert terms[2].net > 4 * terms[1].net


def test_the_policys_own_floor_is_the_one_cut_off_and_its_sentence_names_it():
    """Whoever sets a floor in per cent wants it to cut: the lot just below says so, with both figures."""
    rules = replace(BY_SUM, minimum_loss_fraction=D("0.15"), year_end_easing=D(1))
    below = plan(book(lot(1, basis="9411"), rules=rules))  # 14.99 %
    assert only(below, Outcome.BELOW_FLOOR).detail.endswith("under the floor of 15.0 %.")
    assert outcomes(plan(book(lot(1, basis="9412"), rules=rules))) == {1: Outcome.TAKE}
    assert outcomes(plan(book(lot(1, basis="9411"), rules=BY_SUM))) == {1: Outcome.TAKE}
