"""The tax year with everything that comes first in it: the one rule for all that propose trades (R31)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.types import LotRow
from lots.year_tax import TaxPosition
from proposals.types import DraftProposal, DraftTrade, Intention, ProposalKind, Side, Status
from proposals.year_ahead import year_ahead
from tests.proposals.trades import BOUGHT, IRA, LOT, OLD, TAXABLE, TODAY, draft, purchase, sale

CORPORATION = 12
BOOKED = TaxPosition(
    short_rate=D("0.4"),
    long_rate=D("0.2"),
    ordinary_rate=D("0.35"),
    loss_limit=D(3000),
    carried_loss_value=D("0.12"),
    short=D(1000),
    long=D(-500),
)


def lot(quantity: str, basis: str, *, part: int = 0, **changes: object) -> LotRow:
    row = LotRow(LOT, part, TAXABLE, OLD, BOUGHT, BOUGHT, D(quantity), D(basis))
    return replace(row, **changes)  # type: ignore[arg-type]


def on_its_way(quantity: str, price: str = "80", **changes: object) -> Intention:
    """An approved sale of the lot."""
    trade = Intention(
        proposal=1,
        kind=ProposalKind.REBALANCE,
        status=Status.APPROVED,
        as_of=TODAY,
        account=TAXABLE,
        security=OLD,
        side=Side.SELL,
        quantity=D(quantity),
        price=D(price),
        opening=LOT,
        part=0,
        at_loss=False,
        pair=0,
    )
    return replace(trade, **changes)  # type: ignore[arg-type]


def added(
    *under_way: Intention, lots: tuple[LotRow, ...], drafts: tuple[DraftProposal, ...] = ()
) -> tuple[D | int, D | int]:
    """(short, long) that the trades add to the booked year."""
    ahead = year_ahead(
        BOOKED, under_way=under_way, drafts=drafts, lots=lots, accounts={TAXABLE}, as_of=TODAY
    )
    assert replace(ahead, short=BOOKED.short, long=BOOKED.long) == BOOKED  # nothing else moves
    return ahead.short - BOOKED.short, ahead.long - BOOKED.long


def test_with_nothing_on_its_way_the_year_is_the_booked_one():
    assert added(lots=(lot("20", "2000"),)) == (0, 0)


def test_what_is_approved_and_what_tonight_proposes_count_alike():
    lots = (lot("20", "2000"),)
    assert added(on_its_way("5"), lots=lots) == (-100, 0)
    assert added(lots=lots, drafts=(draft(sale("5")),)) == (-100, 0)
    assert added(on_its_way("5"), lots=lots, drafts=(draft(sale("5"), purchase()),)) == (-200, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (-400, 0)),
        ({"holding_start": date(2021, 12, 1)}, (0, -400)),
        ({"is_inherited": True}, (0, -400)),
        # A gift worth 1,700 when it was given: the loss is measured on that and counts its time from the gift.
        (
            {"loss_basis": D(1700), "loss_start": BOUGHT, "holding_start": date(2020, 1, 2)},
            (-100, 0),
        ),
        # A gift worth less than it brings: neither gain nor loss.
        ({"loss_basis": D(1500), "loss_start": BOUGHT}, (0, 0)),
    ],
)
def test_basis_and_term_are_those_of_the_lot_as_it_is_held(changes, expected):
    assert added(on_its_way("20"), lots=(lot("20", "2000", **changes),)) == expected


@pytest.mark.parametrize("account", [IRA, CORPORATION])
def test_what_another_return_reports_or_nobody_counts_nowhere(account):
    """R16, R18: a retirement account reports nothing, a controlled corporation its own sales."""
    elsewhere = (lot("20", "2000", account=account),)
    assert added(on_its_way("20", account=account), lots=elsewhere) == (0, 0)
    theirs = draft(sale("20", account=account))
    assert added(lots=elsewhere, drafts=(theirs,)) == (0, 0)


def test_two_sales_of_one_lot_count_no_more_shares_than_it_has():
    """T48: each alone would fit; the later one gets what the first has left."""
    lots = (lot("20", "2000"),)
    assert added(on_its_way("15"), on_its_way("15", proposal=2), lots=lots) == (-400, 0)
    assert added(on_its_way("15"), lots=lots, drafts=(draft(sale("15")),)) == (-400, 0)


def test_a_sale_of_shares_that_have_left_counts_nothing():
    assert added(on_its_way("20"), lots=()) == (0, 0)
    assert added(on_its_way("20"), lots=(lot("8", "800"),)) == (-160, 0)


def test_a_sale_reaches_the_other_part_of_a_lot_that_a_wash_sale_has_cut():
    """R15: 8 of the 20 took a disallowed loss of 40 in since the sale was approved; it still sells all 20."""
    parts = (lot("12", "1200"), lot("8", "840", part=1))
    assert added(on_its_way("20"), lots=parts) == (-440, 0)


def test_a_gain_is_counted_to_the_cent():
    """R2: 3 at 33.3333 bring 100.00, as the fill will."""
    assert added(on_its_way("3", "33.3333"), lots=(lot("3", "90"),)) == (10, 0)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=6),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_no_set_of_sales_realises_more_than_the_whole_lot_would(sales, first, second):
    lots = tuple(
        lot(str(shares), str(100 * shares), part=part)
        for part, shares in enumerate((first, second))
        if shares
    )
    trades = [on_its_way(str(shares)) for shares, approved in sales if approved]
    drafted: list[DraftTrade] = [sale(str(shares)) for shares, approved in sales if not approved]
    found = added(*trades, lots=lots, drafts=(draft(*drafted),) if drafted else ())
    sold = min(sum(shares for shares, _ in sales), first + second)
    assert found == (-20 * sold, 0)
