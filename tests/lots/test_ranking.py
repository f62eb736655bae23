"""HIFO and LOWEST_TAX keep an order from sale to sale (R22b): it is the one that sorting every part anew gives."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lots.engine import relief as engine
from lots.engine.holdings import Part, Position, Sale
from lots.holding_period import term
from lots.replay import replay
from lots.types import EntryKind, LedgerEntry, Policy, Relief, Term
from tests.lots.histories import busy_history
from tests.lots.household import ACCOUNTS as HOUSEHOLD
from tests.lots.household import GROUPS, any_policy
from tests.lots.ledger import ACCOUNTS, buy, gift, sell, trade, transfer

BY_BASIS = (Relief.HIFO, Relief.LOWEST_TAX)
KINDS = ((Term.SHORT, True), (Term.LONG, True), (Term.LONG, False), (Term.SHORT, False))
HALF = Decimal("0.5")
in_order = engine._in_order


def sorted_anew(position: Position, relief: Relief, sale: Sale | None) -> list[Part]:
    """Every part, by a stable sort: what the ranking must give."""
    parts = list(position.parts())
    if relief is Relief.HIFO:
        return sorted(parts, key=lambda part: -Fraction(*part.rate))
    if sale is None:
        return parts
    return sorted(parts, key=lambda part: burden(part, sale))


def burden(part: Part, sale: Sale) -> tuple[int, Fraction]:
    basis, start = part.basis_sold_at(sale.rate)
    gain = Fraction(*sale.rate) - Fraction(*basis)
    length = term(date.fromordinal(start), sale.entry.trade_date)
    if part.lot.opening.is_inherited:
        length = Term.LONG
    return KINDS.index((length, gain < 0)), gain


def compared(position: Position, relief: Relief, sale: Sale | None) -> Iterable[Part]:
    """The engine's order; each part that a sale looks at is the one that sorting gives."""
    found = in_order(position, relief, sale)
    if relief not in BY_BASIS:
        return found
    return agreeing(found, sorted_anew(position, relief, sale))


def agreeing(found: Iterable[Part], expected: Sequence[Part]) -> Iterator[Part]:
    place = 0
    for place, part in enumerate(found, start=1):
        assert part is expected[place - 1]
        yield part
    assert place == len(expected), "parts are missing"


def check(entries: Iterable[LedgerEntry], policy: Policy = Policy(), accounts=ACCOUNTS):  # noqa: B008
    with patch.object(engine, "_in_order", compared):
        return replay(list(entries), accounts, GROUPS if accounts is HOUSEHOLD else (), policy)


def ordered(entries: Iterable[LedgerEntry], reliefs: Sequence[Relief], rng: Random):
    """The history with lots chosen by standing orders alone."""
    for entry in entries:
        if entry.kind in (EntryKind.SELL, EntryKind.TRANSFER, EntryKind.GIVE):
            yield replace(entry, relief=rng.choice(reliefs), picks=())
        else:
            yield entry


any_reliefs = st.sampled_from(
    [
        (Relief.HIFO,),
        (Relief.LOWEST_TAX,),
        (Relief.HIFO, Relief.HIFO, Relief.AVERAGE, Relief.FIFO),
        (Relief.LOWEST_TAX, Relief.LOWEST_TAX, Relief.LOWEST_TAX, Relief.AVERAGE, Relief.LIFO),
        BY_BASIS,
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), any_reliefs, st.booleans())
def test_every_sale_of_a_history_takes_parts_in_the_sorted_order(number, reliefs, gifts):
    rng = Random(number)
    if gifts:
        reliefs = [relief for relief in reliefs if relief is not Relief.AVERAGE]
    without = () if gifts else ("gift",)
    entries = busy_history(number, longest=90, corporation=number % 4 == 0, without=without)
    check(ordered(entries, reliefs, rng), any_policy(rng), HOUSEHOLD)


START = date(2024, 1, 2)
events = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell", "sell", "away", "back", "inherit", "gift"]),
        st.integers(1, 6),  # shares
        st.integers(8, 12),  # dollars: many bases are equal
        st.sampled_from([0, 0, 1, 20, 40, 200, 366]),
    ),
    min_size=10,
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(events, st.sampled_from(BY_BASIS), st.booleans())
def test_one_position_over_years_keeps_the_sorted_order(drawn, relief, gifts):
    """Equal bases, terms that turn, wash sales that raise basis and clock, shares that leave and come back."""
    held = {"T": 0, "T2": 0}
    entries, day = [], START
    for number, (what, shares, price, gap) in enumerate(drawn):
        day += timedelta(days=gap)
        id_, on = str(number), day.isoformat()
        account, other = ("T2", "T") if what == "back" else ("T", "T2")
        if what in ("sell", "away", "back"):
            shares = min(shares * 2, held[account])
            if not shares:
                continue
            held[account] -= shares
            if what == "sell":
                entries.append(sell(id_, on, shares, price, relief=relief))
                continue
            held[other] += shares
            entries.append(transfer(id_, on, shares, other, account=account, relief=relief))
            continue
        held["T"] += shares
        if what == "gift" and gifts:
            entries.append(gift(id_, on, shares, price, market_value=shares * (price - 2)))
        elif what == "inherit":
            entries.append(trade(EntryKind.INHERIT, id_, on, shares, price))
        else:
            entries.append(buy(id_, on, shares, price))
    check(entries)


@pytest.mark.parametrize("relief", BY_BASIS)
def test_spin_offs_and_returns_of_capital_change_the_order(relief):
    capital = trade(EntryKind.RETURN_OF_CAPITAL, "r", "2025-06-02", 0, 0)
    entries = [
        buy("a", "2025-01-06", 10, 30),
        buy("b", "2025-01-07", 10, 20),
        sell("s1", "2025-02-03", 1, 40, relief=relief),
        trade(
            EntryKind.SPIN_OFF, "x", "2025-03-03", 1, 0, to_security="N", basis_fraction=HALF
        ),  # a at 15, b at 10
        buy("c", "2025-03-04", 10, 12),
        sell("s2", "2025-05-05", 10, 40, relief=relief),
        replace(capital, amount=Decimal(19)),  # b at 9, c at 11
        buy("d", "2025-06-03", 10, 10),
        sell("s3", "2025-06-04", 10, 40, relief=relief),
    ]
    assert [(row.sale, row.lot, row.quantity) for row in check(entries).realized] == [
        ("s1", "a", 1),
        ("s2", "a", 9),
        ("s2", "c", 1),
        ("s3", "c", 9),
        ("s3", "d", 1),
    ]
