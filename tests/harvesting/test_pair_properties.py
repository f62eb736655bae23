"""I23 over random pairs and random fills: one state each, nothing before day 31, both legs in balance."""

import itertools
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent
from harvesting.swap_back import decide
from harvesting.swap_back_drafts import draft
from lots.wash_sales import first_clear_date
from proposals import selectors, services
from proposals.models import HarvestedPair, Proposal
from proposals.types import PairState, ProposalKind, Side, Status
from tests.harvesting.books import AAA, BBB, TODAY
from tests.harvesting.test_pair_services import Back, approved, make_back
from tests.harvesting.test_swap_back import BUY_ORDER, ccc, pair, situation

MONEY = st.decimals(min_value=2, max_value=300, places=2)
PAIRS = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=60),  # days since its sales
        st.integers(min_value=0, max_value=120),  # shares left
        MONEY,  # basis a share
        st.integers(min_value=0, max_value=500),  # days held
        st.sampled_from(["", "stay"]),
        st.booleans(),  # a swap-back is under way
        st.booleans(),  # two originals
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(PAIRS, MONEY, st.sampled_from(["0", "0.03", "0.2"]), st.integers(0, 20_000))
def test_every_pair_has_one_state_and_every_swap_back_is_in_balance(rows, price, error, money):
    pairs, lots = [], []
    for number, (ago, shares, basis, held, waived, under_way, two) in enumerate(rows):
        sold_on, opening = TODAY - timedelta(days=ago), 50 + number
        originals = {AAA: Decimal(6000), BBB: Decimal(2000)} if two else {AAA: Decimal(8000)}
        pairs.append(
            pair(
                str(shares), order=BUY_ORDER + number, opening=opening, sold_on=sold_on,
                due_on=first_clear_date(sold_on), waived=waived, under_way=under_way,
                originals=originals, swapped=Decimal(number),
            )
        )  # fmt: skip
        if shares:
            day = TODAY - timedelta(days=held)
            lots.append(ccc(str(basis * shares), str(shares), opening=opening, acquired=day))
    around = situation(*lots, price=str(price), error=error, new_money={AAA: Decimal(money)})
    decisions = decide(pairs, around)

    assert [one.pair.order for one in decisions] == [
        one.order for one in sorted(pairs, key=lambda one: (one.due_on, one.proposal, one.pair))
    ]
    assert decide(reversed(pairs), around) == decisions
    for one in decisions:
        assert one.reason
        ended = one.state in (PairState.DONE, PairState.GONE)
        assert ended == (one.pair.shares == 0)
        if one.trades:
            assert one.state is PairState.PROPOSED
            assert one.pair.due_on <= TODAY
            assert not one.pair.waived
        if not ended and not one.pair.waived and one.pair.due_on > TODAY:
            assert one.state is PairState.WAITING
    _in_balance(decisions, around)


def _in_balance(decisions, around):
    """Dollar for dollar (T8): whole shares bought, less than one left over, no lot sold twice."""
    wanted: dict[tuple[int, int], Decimal] = {}
    for one in decisions:
        if one.back is None:
            continue
        assert one.back.net > 0
        sells = [trade for trade in one.trades if trade.side is Side.SELL]
        buys = [trade for trade in one.trades if trade.side is Side.BUY]
        proceeds, spent = (sum(trade.amount for trade in legs) for legs in (sells, buys))
        assert sum(trade.quantity for trade in sells) <= one.pair.shares
        assert all(trade.quantity == int(trade.quantity) for trade in buys)
        assert {trade.security for trade in buys} <= set(one.pair.originals)
        assert abs(proceeds - spent - one.back.cost - one.back.cash_left) <= Decimal("0.02")
        assert 0 <= one.back.cash_left <= Decimal("80.05")  # one share of AAA or BBB, and its cost
        for trade in sells:
            key = (trade.opening or 0, trade.part or 0)
            wanted[key] = wanted.get(key, Decimal(0)) + trade.quantity
    held = {(lot.opening, lot.part): lot.quantity for lot in around.book.lots}
    assert all(shares <= held[key] for key, shares in wanted.items())
    whole = draft(household=1, decisions=decisions, situation=around)
    assert (whole is not None) == any(one.back is not None for one in decisions)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_random_fills_and_nights_leave_one_row_a_pair_never_before_its_day(seed: int):
    """Each night a living pair has one row of that night; no swap-back before day 31 of its last fill."""
    chance = random.Random(seed)
    desk = make_back(sold=str(chance.randint(5, 20)), bought=str(chance.randint(3, 19)))
    (pair_,) = selectors.stand_ins(desk.household.pk)
    day = desk.harvest.as_of
    for _ in range(9):
        day = _next_weekday(day + timedelta(days=chance.randint(1, 9)))
        desk.stand_at(day, old=str(chance.randint(70, 90)), sub=str(chance.randint(70, 95)))
        before = HarvestedPair.objects.filter(state__in=("done", "gone")).exists()
        desk.night(day)
        row = desk.row()
        if before:
            break
        assert row.as_of == day
        assert row.due_on == first_clear_date(pair_.sold_on)
        going = Proposal.objects.filter(kind=ProposalKind.SWAP_BACK, status=Status.PENDING)
        assert (row.state == PairState.PROPOSED) == going.exists()
        assert (row.state == PairState.WAITING) == (day < row.due_on)
        assert selectors.overdue_pairs(desk.firm.pk, day) == []
        if going.exists() and chance.random() < 0.6:
            _fill_some(desk, approved(desk, going.get()), day, chance)
    states = AuditEvent.objects.filter(action__startswith="pair.").order_by("pk")
    actions = list(states.values_list("action", flat=True))
    assert all(one != two for one, two in itertools.pairwise(actions))


def _fill_some(desk: Back, proposal: Proposal, day: date, chance: random.Random) -> None:
    services.export_orders(user=desk.operations)
    rows = []
    for order in proposal.orders.order_by("pk"):
        shares = chance.randint(1, int(order.quantity))
        rows.append(
            (order, f"B-{order.pk}", day.isoformat(), str(shares), str(order.reference_price))
        )
    desk.fill(*rows)
    proposal.refresh_from_db()
    if proposal.status == Status.ORDERED:
        services.close_orders(user=desk.operations, public_id=proposal.public_id)


def _next_weekday(day: date) -> date:
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day
