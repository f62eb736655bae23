"""One market fact told twice: by the firm for every account at once, and later by a custodian for one of them.

Pure. A split, rename, merger or spin-off happens to a security, not to an account: whoever tells of it first books it,
and a later row of the same account is known by it. Two rows tell of one fact where account, kind, security, successor,
trade date, ratio and basis fraction are equal; a ratio without an end is compared as the fraction that it stands for.

Cash in lieu belongs to one account alone. A row that brings it where the booked one has none is new: it is booked
beside the fact, and the engine takes the two as one. Nobody can say which of two amounts is right: that is refused.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from accounts.canonical import decimal_text
from lots.booking import Key, RowProblem
from lots.engine.market_facts import MARKET_FACTS
from lots.engine.splits import exact_ratio
from lots.types import EntryKind, NewTransaction

_Core = tuple[int, EntryKind, int | None, int | None, date, Fraction, Decimal | None]


@dataclass(frozen=True, slots=True)
class BookedFact:
    """A booked market fact of one account."""

    key: Key
    kind: EntryKind
    security: int | None
    to_security: int | None
    trade_date: date
    ratio: Decimal
    basis_fraction: Decimal | None
    amount: Decimal

    @property
    def core(self) -> _Core:
        return (
            self.key[0], self.kind, self.security, self.to_security, self.trade_date,
            exact_ratio(self.ratio.normalize()), self.basis_fraction,
        )  # fmt: skip


@dataclass(slots=True)
class ToldAgain:
    """Key of a row -> key of the booked row that tells the same; and rows that contradict it."""

    known: dict[Key, Key] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)


def told_again(
    rows: Sequence[NewTransaction], booked: Iterable[BookedFact], known: Collection[Key]
) -> ToldAgain:
    """Which ``rows`` tell of facts that their account has ``booked``; ``known`` are the keys that are booked."""
    facts: dict[_Core, list[BookedFact]] = {}
    for fact in booked:
        facts.setdefault(fact.core, []).append(fact)
    result = ToldAgain()
    for row in rows:
        key = (row.account, row.external_id)
        if row.kind not in MARKET_FACTS or key in known:
            continue
        told = facts.get(_core(row))
        if not told:
            continue
        paid = next((fact for fact in told if fact.amount), told[0])
        if not row.amount or row.amount == paid.amount:
            result.known[key] = paid.key
        elif paid.amount:
            reason = (
                f"{paid.key[1]} has booked this {row.kind} with cash in lieu of {decimal_text(paid.amount)}, here "
                f"{decimal_text(row.amount)}: take the row out, or give it the amount that is booked"
            )
            result.problems.append(RowProblem(row.ordinal, "amount", reason))
    return result


def _core(row: NewTransaction) -> _Core:
    return (
        row.account, row.kind, row.security, row.to_security, row.trade_date,
        exact_ratio(row.quantity.normalize()), row.basis_fraction,
    )  # fmt: skip
