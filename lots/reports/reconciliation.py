"""The household's answer beside the broker's Form 1099-B, row by row, with the reason of each difference (R27). Pure.

What a Form 1099-B shows follows from the same ledger under Scope.BROKER: an account sees its own purchases of the very
same security, no other account, no identical group. It sells the lots that were really sold: where a standing order
chose them by their basis, the household's choice is handed to the broker's replay, so that a difference is never a
difference of lots.

The household's disallowance is mostly the larger one, but that is no rule (R27): a replacement share that served
another loss first leaves the broker with a match that the household does not have.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from accounts.types import OwnerKind
from lots.derived import DISPOSAL_VALUES, derived_rows
from lots.replay import replay
from lots.reports.form_8949 import BrokerFigures
from lots.types import (
    DisposalEvent,
    EntryKind,
    Ledger,
    LedgerAccount,
    LotPick,
    RealizedLot,
    Relief,
    ReplayResult,
    Scope,
    Term,
    WashMatch,
)

ZERO = Fraction(0)
RowKey = tuple[str, str, int]  # sale, lot, part
LotKey = tuple[str, str]  # sale, lot
MatchKey = tuple[str, str, str]  # sale, lot, replacement
_CHOSEN_BY_BASIS = (Relief.HIFO, Relief.LOWEST_TAX)


class Reason(StrEnum):
    """Why a broker and the household do not agree on a disallowed loss or a basis."""

    RETIREMENT = "retirement"
    CORPORATION = "corporation"
    SPOUSE = "spouse"
    OTHER_ACCOUNT = "other_account"
    IDENTICAL = "identical"
    CHAIN = "chain"
    USED_ELSEWHERE = "used_elsewhere"
    NOT_REPORTED = "not_reported"
    NOT_KNOWN = "not_known"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]

    @property
    def rule(self) -> str:
        return _RULES[self]


_SENTENCES = {
    Reason.RETIREMENT: "A retirement account bought: gone for ever, and no broker sees it",
    Reason.CORPORATION: "A controlled corporation bought",
    Reason.SPOUSE: "The spouse bought",
    Reason.OTHER_ACCOUNT: "Another account of the owner bought",
    Reason.IDENTICAL: "A substantially identical security of another CUSIP was bought",
    Reason.CHAIN: "The basis carries other losses than the broker's, so the loss is another one",
    Reason.USED_ELSEWHERE: "The replacement shares are matched with another loss",
    Reason.NOT_REPORTED: "The broker reports no basis for these shares, so no box 1g either",
    Reason.NOT_KNOWN: "What the broker computes cannot be told: compare with the Form 1099-B",
}
_RULES = {
    Reason.RETIREMENT: "R16",
    Reason.CORPORATION: "R18",
    Reason.SPOUSE: "R18",
    Reason.OTHER_ACCOUNT: "R17",
    Reason.IDENTICAL: "R24",
    Reason.CHAIN: "R21",
    Reason.USED_ELSEWHERE: "R14",
    Reason.NOT_REPORTED: "R27",
    Reason.NOT_KNOWN: "R27",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Dollars of a difference, signed: more disallowed by the household is positive."""

    reason: Reason
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One lot in one sale; ``sum(differences) = disallowed - (box_1g or 0)``."""

    sale: str
    lot: str
    account: str
    security: str
    disallowed: Fraction  # of the household
    permanent: Fraction
    basis: Fraction
    term: Term | None  # None = parts of both terms
    box_1g: Fraction | None  # None: the broker reports no basis, or its figures are not known
    box_1e: Fraction | None
    box_2: Term | None
    differences: tuple[Difference, ...]

    @property
    def difference(self) -> Fraction:
        return self.disallowed - (self.box_1g or ZERO)

    @property
    def agrees(self) -> bool:
        """Whether the preparer can take the broker's figures as they are."""
        return not self.difference and not self.differences and self.box_2 is self.term


def broker_replay(ledger: Ledger, household: ReplayResult) -> ReplayResult:
    """What each account's broker computes, all accounts in one replay. Raises LedgerError."""
    chosen = _chosen(ledger, household)
    entries = [
        replace(entry, picks=_picks(chosen[entry.id])) if entry.id in chosen else entry
        for entry in ledger.entries
    ]
    policy = replace(ledger.policy, scope=Scope.BROKER)
    return replay(entries, ledger.accounts, (), policy)


def _chosen(ledger: Ledger, household: ReplayResult) -> dict[str, list[RealizedLot]]:
    """The lots of sales whose standing order looks at the basis, which differs between the two."""
    by_basis = {
        entry.id
        for entry in ledger.entries
        if entry.kind is EntryKind.SELL and entry.relief in _CHOSEN_BY_BASIS and not entry.picks
    }
    chosen: dict[str, list[RealizedLot]] = {}
    for row in (*household.realized, *household.retirement_disposals):
        if row.sale in by_basis:
            chosen.setdefault(row.sale, []).append(row)
    return chosen


def _picks(rows: Sequence[RealizedLot]) -> tuple[LotPick, ...]:
    """The lots of the rows as picks; none where shares have no exact decimal (after a 1-for-3 split, say)."""
    shares: dict[str, Fraction] = {}
    for row in rows:
        shares[row.lot] = shares.get(row.lot, ZERO) + row.quantity
    picks = []
    for lot, quantity in shares.items():
        exact = Decimal(quantity.numerator) / Decimal(quantity.denominator)
        if Fraction(exact) != quantity:
            return ()
        picks.append(LotPick(lot=lot, quantity=exact))
    return tuple(picks)


def as_stored(result: ReplayResult, sales: Collection[str]) -> tuple[RealizedLot, ...]:
    """The taxable rows of some sales rounded as stored ones are, so that equal answers are equal to the last digit."""
    wanted = ReplayResult(
        realized=tuple(row for row in result.realized if row.sale in sales),
        open_lots=(),
        matches=tuple(match for match in result.matches if match.sale in sales),
        policy=result.policy,
    )
    return tuple(
        _stored_lot(str(sale), str(lot), part, dict(zip(DISPOSAL_VALUES, values, strict=True)))
        for (sale, lot, part), values in derived_rows(wanted).disposals.items()
    )


def _stored_lot(sale: str, lot: str, part: int, row: Mapping[str, Any]) -> RealizedLot:
    dollars = ("quantity", "proceeds", "basis", "disallowed", "permanent")
    return RealizedLot(
        sale=sale,
        lot=lot,
        part=part,
        account=str(row["account_id"]),
        security=str(row["security_id"]),
        trade_date=row["trade_date"],
        acquired=row["acquired"],
        holding_start=row["holding_start"],
        term=Term(row["term"]),
        event=DisposalEvent(row["event"]),
        **{name: Fraction(row[name]) for name in dollars},
    )


def broker_figures(
    rows: Sequence[RealizedLot], brokers: Sequence[RealizedLot]
) -> dict[RowKey, BrokerFigures]:
    """The broker's figures for each of the household's rows.

    The two may cut one lot into different parts. Inside (sale, lot) both are laid side by side in their order and the
    broker's dollars go by shares, so the sums over a lot are the broker's own. A lot that the broker's replay sold in
    other numbers is left out.
    """
    theirs = _by_lot(brokers)
    found: dict[RowKey, BrokerFigures] = {}
    for key, ours in _by_lot(rows).items():
        pieces = theirs.get(key, [])
        if sum(row.quantity for row in ours) == sum(row.quantity for row in pieces):
            found.update(_overlay(ours, pieces))
    return found


def _overlay(
    ours: Sequence[RealizedLot], pieces: Sequence[RealizedLot]
) -> dict[RowKey, BrokerFigures]:
    found: dict[RowKey, BrokerFigures] = {}
    left = [(piece, piece.quantity) for piece in reversed(pieces)]
    for row in ours:
        wanted, basis, disallowed, terms = row.quantity, ZERO, ZERO, set()
        if not wanted and left:  # a distribution beyond the basis: no shares, one row a lot
            piece, _ = left.pop()
            basis, disallowed, terms = piece.basis, piece.disallowed, {piece.term}
        while wanted:
            piece, available = left.pop()
            taken = min(wanted, available)
            part = taken / piece.quantity
            basis, disallowed = basis + piece.basis * part, disallowed + piece.disallowed * part
            terms.add(piece.term)
            wanted -= taken
            if available > taken:
                left.append((piece, available - taken))
        found[_row_key(row)] = BrokerFigures(
            basis=basis, disallowed=disallowed, term=terms.pop() if len(terms) == 1 else None
        )
    return found


def reconcile(
    *,
    rows: Sequence[RealizedLot],
    matches: Iterable[WashMatch],
    figures: Mapping[RowKey, BrokerFigures],
    accounts: Mapping[str, LedgerAccount],
    security_of: Mapping[str, str],
    seen: Collection[MatchKey] = (),
    not_reported: frozenset[RowKey] = frozenset(),
) -> tuple[Reconciled, ...]:
    """The household's rows beside their broker's, one line per sale and lot, in the order of ``rows``.

    ``matches`` are the household's, ``seen`` those that the broker makes too; ``security_of`` names the security that
    an entry acquired; ``not_reported`` are the rows whose basis the broker does not report.
    """
    by_lot: dict[LotKey, list[WashMatch]] = {}
    for match in matches:
        if match_key(match) not in seen:
            by_lot.setdefault((match.sale, match.sold_lot), []).append(match)
    return tuple(
        _reconciled(
            lot_rows,
            [
                (_reason(match, lot_rows[0], accounts, security_of), match.amount)
                for match in by_lot.get(key, ())
            ],
            figures,
            not_reported,
        )
        for key, lot_rows in _by_lot(rows).items()
    )


def match_key(match: WashMatch) -> MatchKey:
    """What tells a match of one replay in another, whatever parts the lots were cut into."""
    return match.sale, match.sold_lot, match.replacement


def _reconciled(
    rows: Sequence[RealizedLot],
    unseen: Sequence[tuple[Reason | None, Fraction]],
    figures: Mapping[RowKey, BrokerFigures],
    not_reported: frozenset[RowKey],
) -> Reconciled:
    first = rows[0]
    known = [figures[_row_key(row)] for row in rows if _row_key(row) in figures]
    is_reported = not any(_row_key(row) in not_reported for row in rows)
    is_told = is_reported and len(known) == len(rows)
    disallowed = sum((row.disallowed for row in rows), ZERO)
    basis = sum((row.basis for row in rows), ZERO)
    box_1g = sum((told.disallowed for told in known), ZERO) if is_told else None
    box_1e = sum((told.basis for told in known), ZERO) if is_told else None
    return Reconciled(
        sale=first.sale,
        lot=first.lot,
        account=first.account,
        security=first.security,
        disallowed=disallowed,
        permanent=sum((row.permanent for row in rows), ZERO),
        basis=basis,
        term=_only({row.term for row in rows}),
        box_1g=box_1g,
        box_1e=box_1e,
        box_2=_only({told.term for told in known}) if is_told else None,
        differences=_differences(disallowed - box_1g, unseen, moved=box_1e != basis)
        if box_1g is not None
        else (Difference(Reason.NOT_KNOWN if is_reported else Reason.NOT_REPORTED, disallowed),),
    )


def _differences(
    difference: Fraction, unseen: Sequence[tuple[Reason | None, Fraction]], *, moved: bool
) -> tuple[Difference, ...]:
    """The unseen matches, and what is left over: a loss measured on another basis, or shares that served elsewhere."""
    amounts: dict[Reason, Fraction] = {}
    for reason, amount in unseen:
        if reason is not None:
            amounts[reason] = amounts.get(reason, ZERO) + amount
    rest = difference - sum(amounts.values(), ZERO)
    if moved:
        amounts[Reason.CHAIN] = rest
    elif rest:
        amounts[Reason.USED_ELSEWHERE] = rest
    return tuple(Difference(reason, amounts[reason]) for reason in Reason if reason in amounts)


def _reason(
    match: WashMatch,
    row: RealizedLot,
    accounts: Mapping[str, LedgerAccount],
    security_of: Mapping[str, str],
) -> Reason | None:
    """Why the selling account's broker does not see the match; None = it does."""
    seller, buyer = accounts[row.account], accounts[match.replacement_account]
    if not buyer.kind.is_taxable:
        return Reason.RETIREMENT
    if (seller.owner, seller.owner_kind) != (buyer.owner, buyer.owner_kind):
        kinds = (seller.owner_kind, buyer.owner_kind)
        return Reason.CORPORATION if OwnerKind.CORPORATION in kinds else Reason.SPOUSE
    if seller.id != buyer.id:
        return Reason.OTHER_ACCOUNT
    if security_of.get(match.replacement, row.security) != row.security:
        return Reason.IDENTICAL
    return None


def _by_lot(rows: Iterable[RealizedLot]) -> dict[LotKey, list[RealizedLot]]:
    found: dict[LotKey, list[RealizedLot]] = {}
    for row in rows:
        found.setdefault((row.sale, row.lot), []).append(row)
    return found


def _row_key(row: RealizedLot) -> RowKey:
    return row.sale, row.lot, row.part


def _only(terms: set[Term | None] | set[Term]) -> Term | None:
    return next(iter(terms)) if len(terms) == 1 else None
