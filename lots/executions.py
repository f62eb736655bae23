"""One execution told twice: by the fill of an order, and by the custodian's statement.

Pure. Each of the two has an id of its own, and the fill knows more: the lots that the order named, and the order whose
purchases are one block (R9). So the fill is what is booked, and the statement's row is known by it. Two reports tell
of one execution where account, kind, security, trade date and quantity are equal and amount and fee agree to the cent;
price, lots, block, settlement day and memo are not asked.

Equal executions are told apart by counting: a fill makes one row of a file known, a second equal row is new.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from accounts.canonical import decimal_text
from lots.booking import Key, RowProblem
from lots.types import EntryKind, NewTransaction, Source

REPORTED = (EntryKind.BUY, EntryKind.SELL)  # what fills are
_CENT = Decimal("0.01")

_Core = tuple[int, EntryKind, int | None, date, Decimal]


@dataclass(frozen=True, slots=True)
class Execution:
    """A booked purchase or sale, as far as another report of it can be recognised."""

    key: Key
    source: Source
    kind: EntryKind
    security: int | None
    trade_date: date
    quantity: Decimal
    amount: Decimal
    fee: Decimal

    @property
    def core(self) -> _Core:
        return (self.key[0], self.kind, self.security, self.trade_date, self.quantity)


@dataclass(slots=True)
class Retold:
    """Key of a row -> key of the fill that is the same execution; and rows that cannot be told apart from one."""

    known: dict[Key, Key] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)


def retold(
    rows: Sequence[NewTransaction], booked: Iterable[Execution], known: Collection[Key]
) -> Retold:
    """Which ``rows`` tell of executions that are ``booked`` from the other source; ``known`` are the keys booked.

    A statement's row with a fill's own id, or with an id that is not booked, is known by the fill. Refused are: a row
    that differs from a fill in its fee alone, for nobody can say which is right; and a fill of what a statement has
    booked before, whose lots the statement did not know.
    """
    result = Retold()
    reports = _Reports(booked)
    statement = [row for row in rows if row.source is Source.STATEMENT and row.kind in REPORTED]
    for row in statement:
        _take_own(row, reports, result)
    new = [row for row in rows if row.kind in REPORTED and _key(row) not in known]
    unexplained = [row for row in new if row.source is Source.STATEMENT]
    unexplained = [row for row in unexplained if not _take_equal(row, reports, result)]
    for row in unexplained:
        if (fill := reports.take(row, Source.FILL, same_fee=False)) is not None:
            reason = (
                f"this looks like fill {fill.key[1]}, booked with a fee of {decimal_text(fill.fee)}, here "
                f"{decimal_text(row.fee)}: give the row the fill's fee and book the difference as a row of its own"
            )
            result.problems.append(RowProblem(row.ordinal, "fee", reason))
    for row in new:
        if row.source is not Source.FILL:
            continue
        if (before := reports.take(row, Source.STATEMENT, same_fee=False)) is not None:
            reason = (
                f"a statement has booked this execution already, as {before.key[1]}: take the fill out of the file "
                "and close its order"
            )
            result.problems.append(RowProblem(row.ordinal, "external_id", reason))
    return result


class _Reports:
    """Booked executions, each of which explains one row."""

    def __init__(self, booked: Iterable[Execution]) -> None:
        self.fills: dict[Key, Execution] = {}
        self._unused: dict[tuple[Source, _Core], list[Execution]] = {}
        for execution in booked:
            self._unused.setdefault((execution.source, execution.core), []).append(execution)
            if execution.source is Source.FILL:
                self.fills[execution.key] = execution

    def take(
        self, row: NewTransaction, source: Source, *, same_fee: bool = True
    ) -> Execution | None:
        """The unused execution nearest to the row in dollars, within the cent; it is used now."""
        core = (row.account, row.kind, row.security, row.trade_date, row.quantity)
        unused = self._unused.get((source, core), [])
        fitting = [one for one in unused if agrees(row, one, same_fee=same_fee)]
        if not fitting:
            return None
        nearest = min(
            fitting, key=lambda one: (abs(row.amount - one.amount), abs(row.fee - one.fee))
        )
        unused.remove(nearest)
        return nearest

    def use(self, execution: Execution) -> None:
        """Mark it used, where it is not yet."""
        unused = self._unused[execution.source, execution.core]
        if execution in unused:
            unused.remove(execution)


def agrees(row: NewTransaction, execution: Execution, *, same_fee: bool = True) -> bool:
    """Whether the row may tell of the execution."""
    core = (row.account, row.kind, row.security, row.trade_date, row.quantity)
    is_near = abs(row.amount - execution.amount) <= _CENT
    return core == execution.core and is_near and not (same_fee and _fees_differ(row, execution))


def _fees_differ(row: NewTransaction, execution: Execution) -> bool:
    return abs(row.fee - execution.fee) > _CENT


def _key(row: NewTransaction) -> Key:
    return row.account, row.external_id


def _take_own(row: NewTransaction, reports: _Reports, result: Retold) -> None:
    """A row with the id of a fill that it agrees with. One that contradicts it is a known id with other content."""
    fill = reports.fills.get(_key(row))
    if fill is not None and agrees(row, fill):
        reports.use(fill)
        result.known[fill.key] = fill.key


def _take_equal(row: NewTransaction, reports: _Reports, result: Retold) -> bool:
    """Whether a fill explains the row; the same line twice is explained by the same fill."""
    key = _key(row)
    if key in result.known:
        if not agrees(row, reports.fills[result.known[key]]):
            reason = "the id stands on an earlier line already with other content"
            result.problems.append(RowProblem(row.ordinal, "external_id", reason))
        return True
    fill = reports.take(row, Source.FILL)
    if fill is None:
        return False
    result.known[key] = fill.key
    return True
