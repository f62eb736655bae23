"""Lots against a custodian's statement: what counts on its day, and what is a difference."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from lots.position_check import (
    Break,
    Holdings,
    Standing,
    Statement,
    check,
    held_before,
    held_on,
    sentence,
)
from lots.replay import replay
from lots.types import IdenticalGroups, Ledger, LedgerAccount, LedgerEntry, Policy
from tests.lots.histories import busy_history
from tests.lots.household import ACCOUNTS, GROUPS, SECURITIES
from tests.lots.ledger import IRA, T, buy, sell, split

AAA, BBB = 7, 8
DAY = date(2026, 3, 31)


def statement(**shares: str) -> Statement:
    positions = {{"AAA": AAA, "BBB": BBB}[name]: Decimal(text) for name, text in shares.items()}
    return Statement(1, DAY, positions)


def test_lots_that_add_up_are_reconciled_within_the_tolerance():
    ours = {AAA: Fraction(100), BBB: Fraction(1, 3)}
    assert check(1, statement(AAA="100.001", BBB="0.3333"), ours).standing is Standing.RECONCILED


def test_a_difference_beyond_the_tolerance_is_told_with_both_figures_and_the_day():
    checked = check(1, statement(AAA="90"), {AAA: Fraction(100)})
    assert checked.standing is Standing.UNRECONCILED
    assert checked.breaks == (Break(AAA, Fraction(100), Decimal(90)),)
    assert checked.breaks[0].difference == 10
    assert sentence(checked, {AAA: "AAA"}) == "AAA: lots 100, custodian 90 on 2026-03-31"


def test_what_only_one_of_the_two_knows_is_a_difference_in_either_direction():
    checked = check(1, statement(BBB="5"), {AAA: Fraction(2)})
    assert sentence(checked, {AAA: "AAA", BBB: "BBB"}) == (
        "AAA: lots 2, custodian 0; BBB: lots 0, custodian 5 on 2026-03-31"
    )


def test_a_statement_of_nothing_agrees_with_an_account_of_nothing():
    assert check(1, statement(), {AAA: Fraction(0)}).standing is Standing.RECONCILED


def test_an_account_without_a_statement_is_neither_reconciled_nor_blocked():
    checked = check(1, None, {AAA: Fraction(100)})
    assert (checked.standing, checked.breaks) == (Standing.NO_STATEMENT, ())
    assert sentence(checked, {}) == ""


@pytest.mark.parametrize(
    ("theirs", "tolerance", "standing"),
    [
        ("100.001", "0.001", Standing.RECONCILED),
        ("100.0011", "0.001", Standing.UNRECONCILED),
        ("99.999", "0.001", Standing.RECONCILED),
        ("100.00000001", "0.00000001", Standing.RECONCILED),
        ("100.00000002", "0.00000001", Standing.UNRECONCILED),
    ],
)
def test_the_tolerance_is_the_callers(theirs, tolerance, standing):
    checked = check(1, statement(AAA=theirs), {AAA: Decimal(100)}, tolerance=Decimal(tolerance))
    assert checked.standing is standing


@pytest.mark.parametrize("tolerance", ["0", "0.000000001", "0.0011", "1"])
def test_a_tolerance_out_of_bounds_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        check(1, statement(), {}, tolerance=Decimal(tolerance))


def test_a_float_is_refused():
    with pytest.raises(TypeError):
        check(1, statement(), {AAA: 100.0})  # type: ignore[dict-item]


def numbered(*entries: LedgerEntry) -> Ledger:
    """The entries with numbers for names, as the database has them."""
    numbers = {"T": "1", "I": "2"}
    return Ledger(
        tuple(replace(one, account=numbers[one.account], security=str(AAA)) for one in entries),
        (replace(T, id="1"), replace(IRA, id="2")),
        (),
        Policy(),
    )


LEDGER = numbered(
    buy("1", "2026-01-02", 100, 10),
    buy("2", "2026-01-02", 10, 10, account="I"),
    sell("3", "2026-02-02", 30, 11),
    split("4", "2026-03-02", "2"),  # booked in one account, it reaches both
    sell("5", "2026-03-31", 40, 6),
    buy("6", "2026-04-01", 7, 6),
)


@pytest.mark.parametrize(
    ("day", "taxable", "ira"),
    [
        ("2026-01-01", None, None),
        ("2026-01-02", 100, 10),
        ("2026-02-01", 100, 10),
        ("2026-02-02", 70, 10),
        ("2026-03-02", 140, 20),
        ("2026-03-31", 100, 20),  # what is traded on the day of the statement counts
        ("2026-04-01", 107, 20),
    ],
)
def test_shares_are_those_of_the_day_in_the_units_of_the_day(day, taxable, ira):
    held = held_on(LEDGER, date.fromisoformat(day))
    assert held.get(1, {}).get(AAA) == taxable
    assert held.get(2, {}).get(AAA) == ira


def test_trades_are_taken_back_by_their_shares():
    today = held_on(LEDGER, date(2026, 12, 31))
    later = [one for one in LEDGER.entries if one.trade_date > date(2026, 3, 2)]
    assert held_before(today, later) == held_on(LEDGER, date(2026, 3, 2))


def test_a_split_in_between_takes_a_replay():
    later = [one for one in LEDGER.entries if one.trade_date > date(2026, 2, 2)]
    assert held_before(held_on(LEDGER, date(2026, 12, 31)), later) is None


def renumbered(history: list[LedgerEntry]) -> Ledger:
    """A drawn history with numbers for its accounts and securities."""
    accounts = {one.id: str(place) for place, one in enumerate(ACCOUNTS, start=1)}
    names = [*SECURITIES, *(e.to_security for e in history if e.to_security is not None)]
    securities = {name: str(place) for place, name in enumerate(dict.fromkeys(names), start=1)}
    groups: IdenticalGroups = [frozenset(securities[name] for name in group) for group in GROUPS]
    return Ledger(
        tuple(
            replace(
                one,
                account=accounts[one.account],
                to_account=accounts[one.to_account] if one.to_account else None,
                security=securities[one.security] if one.security else None,
                to_security=securities[one.to_security] if one.to_security else None,
            )
            for one in history
        ),
        tuple(replace(one, id=accounts[one.id]) for one in ACCOUNTS),
        tuple(groups),  # type: ignore[arg-type]
        Policy(),
    )


def test_taking_later_trades_back_says_what_a_replay_of_the_earlier_ones_says():
    """Random histories with splits, mergers, gifts and transfers: both roads meet, or the short one declines."""
    taken = declined = 0
    for seed in range(60):
        ledger = renumbered(busy_history(seed, longest=40))
        entries = sorted(ledger.entries, key=lambda entry: entry.trade_date)
        today = held_on(ledger, date.max)
        for day in Random(seed).sample(sorted({entry.trade_date for entry in entries}), k=3):
            short = held_before(today, [entry for entry in entries if entry.trade_date > day])
            if short is None:
                declined += 1
            else:
                taken += 1
                assert whole(short) == whole(held_on(ledger, day)), (seed, day)
    assert taken > 30
    assert declined > 30


def whole(held: Holdings) -> dict[tuple[int, int], Fraction]:
    return {
        (account, security): shares
        for account, own in held.items()
        for security, shares in own.items()
        if shares
    }


def test_todays_holdings_are_the_open_lots_of_a_full_replay():
    ledger = renumbered(busy_history(5))
    lots = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy).open_lots
    sums: dict[tuple[int, int], Fraction] = {}
    for lot in lots:
        key = (int(lot.account), int(lot.security))
        sums[key] = sums.get(key, Fraction(0)) + lot.quantity
    assert whole(held_on(ledger, date.max)) == sums


def test_accounts_without_an_entry_hold_nothing():
    empty = Ledger((), (LedgerAccount("1", T.kind, "ann"),), (), Policy())
    assert held_on(empty, DAY) == {}
