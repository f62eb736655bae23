"""Law cases as files: reading one, running it through the engine, and comparing what came out with what should have.

A case is JSON: accounts, trades in order, groups of identical securities, symbols whose basis is averaged, and the
rows and lots to expect. Money and quantities are decimal strings; a missing or null expectation is not checked, an
empty list is. Settlement dates mean nothing (R6).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from accounts.types import AccountKind, OwnerKind
from lots.replay import replay
from lots.rounding import cents
from lots.types import (
    EntryKind,
    LedgerAccount,
    LedgerEntry,
    LotPick,
    OlderLotPolicy,
    OpenLot,
    Policy,
    RealizedLot,
    Relief,
    ReplayResult,
    Scope,
    TackingPolicy,
)

Row = dict[str, Any]

_KINDS = {
    "taxable": AccountKind.TAXABLE,
    "corp": AccountKind.TAXABLE,
    "ira": AccountKind.TRADITIONAL_IRA,
    "roth": AccountKind.ROTH_IRA,
}
_SIDES = {
    "buy": EntryKind.BUY,
    "vest": EntryKind.VEST,
    "drip": EntryKind.REINVEST,
    "sell": EntryKind.SELL,
    "receive": EntryKind.RECEIVE,
    "transfer": EntryKind.TRANSFER,
    "split": EntryKind.SPLIT,
}
_MONEY = {"proceeds", "basis", "gain", "disallowed", "allowed"}
_NUMBERS = _MONEY | {"qty"}
_REALIZED_ORDER = ("date", "account", "symbol", "acquired")
_OPEN_ORDER = ("acquired", "account", "holding_period_start")
_EXACT = Decimal("0.00")


def run(case: Row, policy: Policy = Policy()) -> ReplayResult:  # noqa: B008 - frozen
    """Replay the case."""
    averaged = frozenset(case.get("average_basis") or ())
    covered = {
        trade["symbol"]: Decimal(trade["multiplier"])
        for trade in case["trades"]
        if trade.get("multiplier")
    }
    entries = [_entry(trade) for trade in case["trades"]]
    entries = [
        replace(entry, multiplier=covered.get(str(entry.security), Decimal(1))) for entry in entries
    ]
    return replay(
        [_averaged(entry) if entry.security in averaged else entry for entry in entries],
        [_account(account) for account in case["accounts"]],
        case["substantially_identical_groups"],
        policy,
    )


def _account(raw: Row) -> LedgerAccount:
    corporate = raw["type"] == "corp"
    return LedgerAccount(
        id=raw["id"],
        kind=_KINDS[raw["type"]],
        owner=raw["owner"],
        owner_kind=OwnerKind.CORPORATION if corporate else OwnerKind.PERSON,
    )


def _averaged(entry: LedgerEntry) -> LedgerEntry:
    """Shares leave at the average basis, first in, first out whatever lots are named (R22b)."""
    if entry.kind not in (EntryKind.SELL, EntryKind.TRANSFER):
        return entry
    return replace(entry, relief=Relief.AVERAGE, picks=())


def _entry(raw: Row) -> LedgerEntry:
    picks = tuple(
        LotPick(lot=pick["lot"], quantity=Decimal(pick["qty"])) for pick in raw.get("lot_ids") or ()
    )
    quantity = (
        Decimal(raw["qty"])
        if raw.get("qty")
        else sum((pick.quantity for pick in picks), Decimal(0))
    )
    started = raw.get("hp_start")
    return LedgerEntry(
        id=raw["id"],
        trade_date=date.fromisoformat(raw["date"]),
        account=raw["account"],
        kind=_SIDES[raw["side"]],
        security=raw["symbol"],
        quantity=quantity,
        amount=_amount(raw, quantity),
        fee=Decimal(raw.get("fee") or 0),
        picks=picks,
        block=raw.get("block"),
        to_account=raw.get("to_account"),
        holding_start=date.fromisoformat(started) if started else None,
    )


def _amount(raw: Row, quantity: Decimal) -> Decimal:
    if raw.get("amount") is not None:
        return Decimal(raw["amount"])
    return quantity * Decimal(raw.get("price") or 0) * Decimal(raw.get("multiplier") or 1)


def failures(case: Row) -> list[str]:
    """Everything in which the engine differs from the case, in words; empty if nothing does."""
    found = _compare(case, run(case), case["expected"])
    others = case.get("holding_period_alternatives") or {}
    for method in (TackingPolicy.SUM, TackingPolicy.DATE):
        starts, terms = others.get(method.value), others.get(f"{method.value}_terms")
        if starts is None and terms is None:
            continue
        expected = _with_periods(case["expected"], starts, terms)
        result = run(case, Policy(tacking=method))
        found += [f"under {method.name}: {text}" for text in _compare(case, result, expected)]
        if found and not _compare(case, run(case), expected):
            found.append(f"you compute {method.name} where UNION is the default")
    for alternative in case.get("alternatives") or ():
        policy = _policy(alternative["policy"])
        different = _compare(case, run(case, policy), alternative["expected"])
        found += [f"under {alternative['policy']}: {text}" for text in different]
    return found + _broker_failures(case)


def _broker_failures(case: Row) -> list[str]:
    reported = case.get("broker_box_1g")
    if reported is None:
        return []
    rows = run(case, Policy(scope=Scope.BROKER)).realized
    total = sum((row.disallowed for row in rows), Fraction(0))
    if _close(Decimal(reported), total, _tolerance(case)):
        return []
    return [f"box 1g: expected {reported}, got {cents(total)}"]


def _policy(switches: Row) -> Policy:
    policy = Policy()
    for key, value in switches.items():
        if key == "hp":
            policy = replace(policy, tacking=TackingPolicy(value))
        elif key == "exclude_earlier_acquired":
            older = (
                OlderLotPolicy.ONLY_NEWER_THAN_SOLD if value else OlderLotPolicy.OLDER_LOT_COUNTS
            )
            policy = replace(policy, older_lot=older)
        else:
            raise ValueError(f"Unknown policy switch {key}={value!r}")
    return policy


def _with_periods(expected: Row, starts: Sequence[str] | None, terms: Sequence[str] | None) -> Row:
    """The expectation with starts and terms of another method, attached in the order of the file."""
    changed = dict(expected)
    if starts is not None and expected.get("open_lots") is not None:
        lots = zip(expected["open_lots"], starts, strict=True)
        changed["open_lots"] = [{**lot, "holding_period_start": start} for lot, start in lots]
    if terms is not None and expected.get("realized") is not None:
        rows = zip(expected["realized"], terms, strict=True)
        changed["realized"] = [{**row, "term": term} for row, term in rows]
    return changed


def _compare(case: Row, result: ReplayResult, expected: Row) -> list[str]:
    tolerance = _tolerance(case)
    found: list[str] = []
    if expected.get("realized") is not None:
        rows = [_realized_row(row) for row in result.realized]
        found += _best(expected["realized"], rows, _REALIZED_ORDER, tolerance)
    if expected.get("open_lots") is not None:
        lots = [_open_row(lot) for lot in result.open_lots]
        found += _best(expected["open_lots"], lots, _OPEN_ORDER, tolerance)
    lost = expected.get("permanently_disallowed")
    if lost is not None and not _close(Decimal(lost), result.permanently_disallowed, tolerance):
        found.append(
            f"permanently disallowed: expected {lost}, got {result.permanently_disallowed}"
        )
    return found


def _tolerance(case: Row) -> Decimal:
    return Decimal(case.get("rounding_tolerance") or _EXACT)


def _realized_row(row: RealizedLot) -> Row:
    return {
        "lot": (row.sale, row.lot),
        "date": row.trade_date.isoformat(),
        "account": row.account,
        "symbol": row.security,
        "qty": row.quantity,
        "acquired": row.acquired.isoformat(),
        "term": row.term.value,
        "proceeds": row.proceeds,
        "basis": row.basis,
        "gain": row.gain,
        "disallowed": row.disallowed,
        "allowed": row.allowed,
    }


def _open_row(lot: OpenLot) -> Row:
    return {
        "lot": lot.opening,
        "account": lot.account,
        "symbol": lot.security,
        "acquired": lot.acquired.isoformat(),
        "holding_period_start": lot.holding_start.isoformat(),
        "qty": lot.quantity,
        "basis": lot.basis,
    }


def _merged(rows: Iterable[Row]) -> list[Row]:
    """Parts of one lot with equal dates and equal basis per share count as one row.

    An expected row does not tell its lot: there it is the rest of what is told that has to be equal.
    """
    merged: dict[tuple[object, ...], Row] = {}
    for row in rows:
        words = (name for name in sorted(row) if name not in _NUMBERS)
        added = [name for name in row if name in _NUMBERS]
        key = (*(row[name] for name in words), Fraction(row["basis"]) / Fraction(row["qty"]))
        known = merged.get(key)
        merged[key] = dict(row) if known is None else {
            **row, **{name: Fraction(known[name]) + Fraction(row[name]) for name in added}
        }  # fmt: skip
    return list(merged.values())


def _best(
    expected: list[Row], rows: list[Row], order: tuple[str, ...], tolerance: Decimal
) -> list[str]:
    """Differences of the form that agrees best: a case may show parts of one lot apart or merged."""
    forms = [(expected, rows), (expected, _merged(rows))]
    if all(row.get(name) is not None for row in expected for name in {*row, "qty", "basis"}):
        forms.append((_merged(expected), _merged(rows)))
    return min((_compare_rows(wanted, got, order, tolerance) for wanted, got in forms), key=len)


def _compare_rows(
    expected: list[Row], actual: list[Row], order: tuple[str, ...], tolerance: Decimal
) -> list[str]:
    # Where the case is silent on something, both sides are sorted without it.
    told = (
        {name for name in expected[0] if all(row.get(name) is not None for row in expected)}
        if expected
        else set()
    )
    words = [key for key in order if key in told]
    numbers = [name for name in ("qty", "basis", "proceeds") if name in told]

    def place(row: Row) -> tuple[object, ...]:
        return (*(row[key] for key in words), *(Fraction(row[name]) for name in numbers))

    if len(expected) != len(actual):
        return [f"expected {len(expected)} rows, got {[_shown(row) for row in actual]}"]
    found = []
    for wanted, got in zip(sorted(expected, key=place), sorted(actual, key=place), strict=True):
        wrong = [
            f"{field} expected {value}, got {_shown(got)[field]}"
            for field, value in wanted.items()
            if value is not None and not _equal(field, value, got[field], tolerance)
        ]
        if wrong:
            found.append(f"{[got[key] for key in order]}: {'; '.join(wrong)}")
    return found


def _equal(field: str, expected: Any, actual: Any, tolerance: Decimal) -> bool:
    if field in _MONEY:
        return _close(Fraction(expected), actual, tolerance)
    if field in _NUMBERS:
        return bool(Fraction(expected) == actual)
    return bool(expected == actual)


def _close(expected: Fraction | Decimal, actual: Fraction, tolerance: Decimal) -> bool:
    return abs(Fraction(cents(actual)) - Fraction(expected)) <= Fraction(tolerance)


def _shown(row: Row) -> Row:
    return {key: cents(value) if key in _MONEY else str(value) for key, value in row.items()}
