"""What must not matter: names, order across dates, how an order was filled, the unit of shares, the time zone."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lots.derived import DISPOSAL_VALUES, WASH_VALUES, Rows, derived_rows
from lots.replay import replay
from lots.types import (
    EntryKind,
    LedgerAccount,
    LedgerEntry,
    LotPick,
    Policy,
    Relief,
    ReplayResult,
)
from tests.lots.handfuls import Sums, add
from tests.lots.histories import ACTIONS, CASH_IN_LIEU, busy_history
from tests.lots.household import ACCOUNTS, GROUPS, SECURITIES, any_policy
from tests.lots.test_invariants import any_history, drawn, lawful, run

RATIOS = (EntryKind.SPLIT, EntryKind.RENAME, EntryKind.MERGE, EntryKind.SPIN_OFF)
ROOT = Path(__file__).parents[2]


def picks_as(
    entry: LedgerEntry, name: Callable[[str], str], times: Decimal = Decimal(1)
) -> tuple[LotPick, ...]:
    return tuple(
        replace(pick, lot=name(pick.lot), quantity=pick.quantity * times) for pick in entry.picks
    )


def renamed(result: ReplayResult, name: Callable[[str], str]) -> ReplayResult:
    """The result as it would read with other names of accounts, securities and entries; lots in no order."""
    return replace(
        result,
        realized=tuple(
            replace(
                row,
                sale=name(row.sale),
                account=name(row.account),
                security=name(row.security),
                lot=name(row.lot),
            )
            for row in result.realized
        ),
        matches=tuple(
            replace(
                match,
                sale=name(match.sale),
                sold_lot=name(match.sold_lot),
                replacement=name(match.replacement),
                replacement_account=name(match.replacement_account),
            )
            for match in result.matches
        ),
    )


@lawful
@given(any_history, st.randoms(use_true_random=False))
def test_h10_order_across_dates_means_nothing(entries, rng):
    policy = any_policy(rng)
    days = sorted({entry.trade_date for entry in entries})
    rng.shuffle(days)
    shuffled = [entry for day in days for entry in entries if entry.trade_date == day]
    accounts = list(ACCOUNTS)
    rng.shuffle(accounts)
    assert replay(shuffled, accounts, GROUPS, policy) == run(entries, policy)


@lawful
@given(any_history, st.randoms(use_true_random=False))
def test_h10_names_of_accounts_securities_and_entries_mean_nothing(entries, rng):
    policy = any_policy(rng)
    names = {account.id: f"{9 - index} renamed" for index, account in enumerate(ACCOUNTS)}
    names |= {security: f"{security[::-1]}.X" for security in SECURITIES}
    names |= {entry.id: f"{rng.random()} {entry.id}" for entry in entries}

    def name(old: str) -> str:
        return names[old]

    other = replay(
        [
            replace(
                entry,
                id=name(entry.id),
                account=name(entry.account),
                security=name(str(entry.security)),
                to_account=entry.to_account and name(entry.to_account),
                to_security=entry.to_security and name(entry.to_security),
                picks=picks_as(entry, name),
            )
            for entry in entries
        ],
        [LedgerAccount(names[a.id], a.kind, a.owner, a.owner_kind) for a in ACCOUNTS],
        [frozenset(map(name, group)) for group in GROUPS],
        policy,
    )
    plain = run(entries, policy)
    assert renamed(plain, name).realized == other.realized
    assert renamed(plain, name).matches == other.matches
    lots = {
        replace(
            lot,
            opening=name(lot.opening),
            account=name(lot.account),
            security=name(lot.security),
            block=names.get(lot.block, lot.block),
        )
        for lot in plain.open_lots
    }
    assert lots == set(other.open_lots)


@lawful
@given(drawn(CASH_IN_LIEU, *ACTIONS), st.data())
def test_h9_a_new_purchase_leaves_sales_older_than_its_window_alone(entries, data):
    assume(entries)
    added = data.draw(st.sampled_from(entries))
    extra = replace(
        added,
        id="new",
        kind=EntryKind.BUY,
        quantity=Decimal(2),
        amount=Decimal(20),
        picks=(),
        block=None,
        relief=None,
        to_account=None,
        acquired=None,
        holding_start=None,
        market_value=None,
    )
    place = entries.index(added)
    before = run(entries)
    after = run([*entries[: place + 1], extra, *entries[place + 1 :]])
    safe = extra.trade_date - timedelta(days=30)
    assert [row for row in before.realized if row.trade_date < safe] == [
        row for row in after.realized if row.trade_date < safe
    ]


@lawful
@given(drawn(CASH_IN_LIEU), st.sampled_from([Decimal(3), Decimal("0.7"), Decimal(1000)]))
def test_h11_scaling_money_or_shares_scales_the_result(entries, k):
    plain = run(entries)
    dearer = run([money_times(entry, k) for entry in entries])
    larger = run([shares_times(money_times(entry, k), k) for entry in entries])
    factor = Fraction(k)
    for row, money, shares in zip(plain.realized, dearer.realized, larger.realized, strict=True):
        expected = replace(
            row,
            proceeds=row.proceeds * factor,
            basis=row.basis * factor,
            disallowed=row.disallowed * factor,
            permanent=row.permanent * factor,
        )
        assert money == expected
        assert shares == replace(expected, quantity=row.quantity * factor)
    for lot, money_lot, share_lot in zip(
        plain.open_lots, dearer.open_lots, larger.open_lots, strict=True
    ):
        assert money_lot.basis == share_lot.basis == lot.basis * factor
        assert share_lot.quantity == lot.quantity * factor
        assert money_lot.holding_start == share_lot.holding_start == lot.holding_start


def money_times(entry: LedgerEntry, k: Decimal) -> LedgerEntry:
    value = None if entry.market_value is None else entry.market_value * k
    return replace(entry, amount=entry.amount * k, fee=entry.fee * k, market_value=value)


def shares_times(entry: LedgerEntry, k: Decimal) -> LedgerEntry:
    if entry.kind in RATIOS:
        return entry
    return replace(entry, quantity=entry.quantity * k, picks=picks_as(entry, str, k))


@lawful
@given(drawn(CASH_IN_LIEU), st.data())
def test_a_split_of_everything_changes_no_dollar(entries, data):
    """Five for one of every security at any place: later trades are in smaller shares at smaller prices."""
    assume(entries)
    place = data.draw(st.integers(0, len(entries) - 1))
    on = entries[place].trade_date
    assume(not any(e.kind is EntryKind.SPLIT and e.trade_date == on for e in entries))
    # Retirement purchases of the day come before the split whatever their place (U6): leave such days alone.
    assume(not any(e.trade_date == on and e.account in ("ira", "401k") for e in entries))
    splits = [
        LedgerEntry(
            id=f"split {security}",
            trade_date=on,
            account="joint",
            kind=EntryKind.SPLIT,
            security=security,
            quantity=Decimal(5),
        )
        for security in SECURITIES
    ]
    smaller = [shares_times(entry, Decimal(5)) for entry in entries[place:]]
    plain, split = run(entries), run([*entries[:place], *splits, *smaller])
    later = {entry.id for entry in entries[place:]}
    for row, after in zip(plain.realized, split.realized, strict=True):
        assert after == replace(row, quantity=row.quantity * (5 if row.sale in later else 1))
    for lot, after_lot in zip(plain.open_lots, split.open_lots, strict=True):
        assert after_lot == replace(lot, quantity=lot.quantity * 5)
    assert [m.amount for m in plain.matches] == [m.amount for m in split.matches]


@lawful
@given(drawn("transfer", Relief.LIFO), st.data())
def test_i13_an_order_filled_in_two_pieces_is_one_order(entries, data):
    """LIFO would sell the second fill first, and a transfer one fill whole: there the fills are told apart."""
    named = {pick.lot for entry in entries for pick in entry.picks}
    orders = [
        e for e in entries if e.kind is EntryKind.BUY and e.quantity > 1 and e.id not in named
    ]
    assume(orders)
    order = data.draw(st.sampled_from(orders))
    order = replace(order, fee=Decimal(0), block=order.block or f"fills of {order.id}")
    price = order.amount / order.quantity
    first = Decimal(data.draw(st.integers(1, int(order.quantity) - 1)))
    rest = order.quantity - first
    fills = [
        replace(order, quantity=first, amount=first * price),
        replace(order, id=f"{order.id} again", quantity=rest, amount=rest * price),
    ]
    place = next(index for index, entry in enumerate(entries) if entry.id == order.id)
    whole = run([*entries[:place], order, *entries[place + 1 :]])
    filled = run([*entries[:place], *fills, *entries[place + 1 :]])
    assert sums(whole) == sums(filled)


def sums(result: ReplayResult) -> Sums:
    """Sales by dates and term, open lots by account and dates: what a tax return would show."""
    found: Sums = {}
    for row in result.realized:
        sold = ("sold", row.sale, row.acquired, row.holding_start, row.term)
        add(found, sold, (row.quantity, row.gain, row.disallowed, row.permanent))
    for lot in result.open_lots:
        held = ("held", lot.account, lot.security, lot.acquired, lot.holding_start)
        add(found, held, (lot.quantity, lot.basis))
    return found


@lawful
@given(any_history, st.randoms(use_true_random=False))
def test_i25_stored_parts_add_up_to_what_was_booked(entries, rng):
    """To the stored fraction of a cent: proceeds of a sale, and matches of a disposal."""
    numbers = {entry.id: str(index) for index, entry in enumerate(entries)}
    numbers |= {account.id: str(index) for index, account in enumerate(ACCOUNTS)}
    numbers |= {security: str(index) for index, security in enumerate(SECURITIES)}
    result = replay(
        [
            replace(
                entry,
                id=numbers[entry.id],
                account=numbers[entry.account],
                security=numbers[str(entry.security)],
                to_account=entry.to_account and numbers[entry.to_account],
                to_security=entry.to_security and numbers[entry.to_security],
                picks=picks_as(entry, numbers.__getitem__),
            )
            for entry in entries
        ],
        [LedgerAccount(numbers[a.id], a.kind, a.owner, a.owner_kind) for a in ACCOUNTS],
        [frozenset(numbers[security] for security in group) for group in GROUPS],
        any_policy(rng),
    )
    rows = derived_rows(result)
    proceeds = by_sale(rows.disposals, DISPOSAL_VALUES.index("proceeds"))
    for index, entry in enumerate(entries):
        if entry.kind is EntryKind.SELL:
            assert proceeds[index] == entry.amount - entry.fee
    disallowed = by_sale(rows.disposals, DISPOSAL_VALUES.index("disallowed"))
    matched = by_sale(rows.washes, WASH_VALUES.index("amount"))
    assert {sale: dollars for sale, dollars in disallowed.items() if dollars} == matched


def by_sale(rows: Rows, column: int) -> dict[int, Decimal]:
    found: dict[int, Decimal] = {}
    for (sale, *_), values in rows.items():
        dollars = values[column]
        assert isinstance(dollars, Decimal)
        found[sale] = found.get(sale, Decimal(0)) + dollars
    return found


def fingerprint() -> str:
    """A hash of everything that follows from fifty histories, with dates as they are printed."""
    digest = hashlib.sha256()
    for seed in range(50):
        digest.update(repr(replay(busy_history(seed), ACCOUNTS, GROUPS, Policy())).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_i8_the_time_zone_of_the_process_means_nothing(zone):
    run_there = subprocess.run(
        [
            sys.executable, "-c",
            "from tests.lots.test_symmetries import fingerprint; print(fingerprint())",
        ],
        cwd=ROOT,
        env={**os.environ, "TZ": zone, "PYTHONHASHSEED": str(len(zone))},
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    assert run_there.stdout.strip() == fingerprint()
