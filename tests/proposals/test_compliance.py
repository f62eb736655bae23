"""The windows and the tax engine agree: what is not blocked never washes."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.types import AccountKind
from lots.errors import Oversold
from lots.replay import replay
from lots.types import EntryKind, Ledger, LedgerAccount, LedgerEntry, LotPick, LotRow, Policy
from proposals.compliance import entries_of, feasible, washed_by, with_entries
from proposals.types import DraftTrade, Intention, NewWash, ProposalKind, Side, Status
from proposals.windows import LossSale, Purchase, windows_on

START = date(2022, 1, 3)
GROUPS = (frozenset({"1", "2"}),)  # 1 and 2 are substantially identical, 3 stands alone
ACCOUNTS = (
    LedgerAccount("1", AccountKind.TAXABLE, "ann"),
    LedgerAccount("2", AccountKind.TAXABLE, "bob"),
    LedgerAccount("3", AccountKind.ROTH_IRA, "ann"),
)


def ledger(*entries: LedgerEntry) -> Ledger:
    return Ledger(entries=entries, accounts=ACCOUNTS, groups=GROUPS, policy=Policy())


def entry(
    entry_id: str,
    day: date,
    kind: EntryKind,
    *,
    account="1",
    security="1",
    quantity="10",
    price="100",
) -> LedgerEntry:
    shares = Decimal(quantity)
    return LedgerEntry(
        entry_id, day, account, kind, security, quantity=shares, amount=shares * Decimal(price)
    )


def sell(lot: int, *, quantity="10", price="90", account=1, security=1) -> DraftTrade:
    return DraftTrade(
        account=account,
        security=security,
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal(price),
        reason="test",
        opening=lot,
        part=0,
    )


def buy(*, quantity="10", price="90", account=1, security=1) -> DraftTrade:
    return DraftTrade(
        account=account,
        security=security,
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(price),
        reason="test",
    )


def test_lots_of_one_security_are_one_sale_and_sales_come_first():
    entries = entries_of([buy(security=3), sell(7), sell(8, quantity="5")], START)
    assert [e.kind for e in entries] == [EntryKind.SELL, EntryKind.BUY]
    assert entries[0].quantity == 15
    assert entries[0].amount == Decimal(1350)
    assert entries[0].picks == (LotPick("7", Decimal(10), 0), LotPick("8", Decimal(5), 0))
    assert [e.id for e in entries] == ["intended:1", "intended:2"]


def test_an_intended_purchase_in_an_ira_makes_a_booked_loss_permanent():
    day = START + timedelta(days=200)
    booked = ledger(
        entry("1", START, EntryKind.BUY),
        entry("2", day, EntryKind.SELL, price="80"),
    )
    intended = entries_of([buy(account=3, quantity="4")], day + timedelta(days=30))
    assert washed_by(booked, intended) == (
        NewWash("2", day, 1, 1, amount=Decimal("80.00"), permanent=Decimal("80.00")),
    )
    assert washed_by(booked, entries_of([buy(account=3)], day + timedelta(days=31))) == ()


def test_trades_that_cannot_be_made_are_refused():
    booked = ledger(entry("1", START, EntryKind.BUY))
    with pytest.raises(Oversold):
        washed_by(booked, entries_of([sell(1, quantity="11")], START))


def test_intentions_are_cut_to_the_shares_that_are_left():
    def intention(side: Side, quantity: str, opening: int | None) -> Intention:
        return Intention(
            proposal=1, kind=ProposalKind.HARVEST, status=Status.APPROVED, as_of=START, account=1,
            security=1, side=side, quantity=Decimal(quantity), price=Decimal(1), opening=opening,
            part=None if opening is None else 0, at_loss=False, pair=1,
        )  # fmt: skip

    lots = {(5, 0): LotRow(5, 0, 1, 1, START, START, Decimal(10), Decimal(1000))}
    kept = feasible(
        [
            intention(Side.SELL, "7", 5),
            intention(Side.SELL, "7", 5),
            intention(Side.SELL, "1", 6),
            intention(Side.BUY, "2", None),
        ],
        lots,
    )
    assert [(one.side, one.quantity) for one in kept] == [
        (Side.SELL, Decimal(7)),
        (Side.SELL, Decimal(3)),
        (Side.BUY, Decimal(2)),
    ]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 80),  # day
        st.booleans(),  # buy, else sell
        st.integers(1, 3),  # account
        st.integers(1, 3),  # security
        st.integers(1, 12),  # shares
        st.sampled_from([60, 80, 100, 120]),  # price
    ),
    min_size=1,
    max_size=9,
)


def followed(events) -> Ledger:
    """The events that are possible one after the other: sales of more than is held are left out."""
    booked = ledger()
    for number, (day, buying, account, security, shares, price) in enumerate(
        sorted(events, key=lambda event: event[0]), start=1
    ):
        event = entry(
            str(number),
            START + timedelta(days=day),
            EntryKind.BUY if buying else EntryKind.SELL,
            account=str(account),
            security=str(security),
            quantity=str(shares),
            price=str(price),
        )
        longer = with_entries(booked, [event])
        try:
            replay(longer.entries, ACCOUNTS, GROUPS)
        except Oversold:
            continue
        booked = longer
    return booked


@settings(max_examples=300, deadline=None, derandomize=True)
@given(EVENTS, st.integers(60, 115))
def test_whatever_replay_would_wash_is_blocked(events, day):
    booked = followed(events)
    today = max([START + timedelta(days=day), *(e.trade_date for e in booked.entries)])
    result = replay(booked.entries, ACCOUNTS, GROUPS)
    bought = {e.id: e for e in booked.entries if e.kind is EntryKind.BUY}
    found = windows_on(
        today,
        loss_sales=[
            LossSale(int(row.security), row.trade_date, Decimal(1), "a loss")
            for row in result.realized
            if row.gain < 0
        ],
        purchases=[
            Purchase(int(lot.security), bought[lot.opening].trade_date, Decimal(1), "bought", False)
            for lot in result.open_lots
        ],
        groups=[frozenset({1, 2})],
    )
    for security in (1, 2, 3):
        for account in (1, 2, 3):
            if washed_by(booked, entries_of([buy(account=account, security=security)], today)):
                assert security in found.buy_blocked
    for lot in result.open_lots:
        trade = DraftTrade(
            account=int(lot.account),
            security=int(lot.security),
            side=Side.SELL,
            quantity=Decimal(int(lot.quantity)) or Decimal(1),
            price=Decimal("0.01"),
            reason="test",
            opening=int(lot.opening),
            part=lot.part,
        )
        if washed_by(booked, entries_of([trade], today)):
            assert trade.security in found.sell_blocked
