"""New transactions against those booked already: which are new, which are known, and what is told about a refusal.

Pure: the caller holds the locks and brings the facts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from accounts.canonical import canonical_text, decimal_text, sha256_of
from accounts.errors import LotwiseError
from lots.errors import LedgerError, Oversold, UnknownLot
from lots.replay import replay
from lots.types import DatedGroup, EntryKind, Ledger, LedgerEntry, NewTransaction, Pick

Key = tuple[int, str]  # account and external id: what makes a transaction the same one
CONTENT_VERSION = 1  # of rows that say no more than rows could when the first version was made
_CONTENT_VERSION_WITH_MORE = 2


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be booked. ``row`` is its ordinal; 0 stands for the booking as a whole."""

    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}, " if self.row else ""
        return f"{place}column {self.column}: {self.reason}"


class BookingError(LotwiseError):
    """Nothing was booked. ``problems`` names every row that stands in the way."""

    code = "booking_refused"
    status = 422

    def __init__(self, problems: Iterable[RowProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.row))
        more = len(self.problems) - 1
        super().__init__(f"{self.problems[0]}" + (f" (and {more} more)" if more else ""))


@dataclass(frozen=True, slots=True)
class KnownRow:
    """A booked transaction whose key a new row has too."""

    content_sha256: str
    kind: str
    trade_date: date
    quantity: Decimal
    amount: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class KnownOpening:
    """A booked transaction that a new row may name as a lot."""

    pk: int
    key: Key
    household: int


@dataclass(slots=True)
class Sorted:
    """Rows to write with their content hash and the openings they name, and the problems of the others."""

    new: list[NewTransaction] = field(default_factory=list)
    contents: dict[Key, str] = field(default_factory=dict)
    openings: dict[Key, list[Key]] = field(default_factory=dict)  # pick by pick
    problems: list[RowProblem] = field(default_factory=list)


class OpeningBook:
    """Finds the transaction that a pick names, among the booked ones and the new rows."""

    def __init__(
        self,
        rows: Sequence[NewTransaction],
        households: Mapping[int, int],
        booked: Iterable[KnownOpening],
    ) -> None:
        self._households = households
        self._by_pk: dict[int, KnownOpening] = {}
        self._bearers: dict[tuple[int, str], set[Key]] = {}  # by household and external id
        for opening in booked:
            self._by_pk[opening.pk] = opening
            self._bearers.setdefault((opening.household, opening.key[1]), set()).add(opening.key)
        for row in rows:
            bearer = (households[row.account], row.external_id)
            self._bearers.setdefault(bearer, set()).add((row.account, row.external_id))

    def find(self, row: NewTransaction, pick: Pick) -> Key | None:
        """By primary key; by id in the row's account; else the only bearer of the id in the household."""
        household = self._households[row.account]
        if isinstance(pick.opening, int):
            opening = self._by_pk.get(pick.opening)
            return opening.key if opening and opening.household == household else None
        bearers = self._bearers.get((household, pick.opening), set())
        own = (row.account, pick.opening)
        if own in bearers:
            return own
        return next(iter(bearers)) if len(bearers) == 1 else None


def sort_rows(
    rows: Sequence[NewTransaction],
    known: Mapping[Key, KnownRow],
    book: OpeningBook,
    retold: Mapping[Key, Key],
) -> Sorted:
    """Tell new rows from known ones. A key that comes back with other content is a problem.

    ``retold`` names the rows that are known by a fill, with its key; a lot that such a row opened is the fill's lot.
    """
    result = Sorted()
    lines: dict[Key, int] = {}
    for row in rows:
        key = (row.account, row.external_id)
        if key in retold:
            continue
        openings = [book.find(row, pick) for pick in row.picks]
        found = [retold.get(opening, opening) for opening in openings if opening is not None]
        if len(found) < len(openings):
            name = row.picks[openings.index(None)].opening
            reason = f"{name!r} names no transaction of the household, or more than one"
            result.problems.append(RowProblem(row.ordinal, "lots", reason))
            continue
        content = content_sha256(row, found)
        if key in known:
            if known[key].content_sha256 != content:
                reason = (
                    f"the id is booked already with other content{_difference(row, known[key])}"
                )
                result.problems.append(RowProblem(row.ordinal, "external_id", reason))
        elif key not in result.contents:
            result.new.append(row)
            result.contents[key] = content
            result.openings[key] = found
            lines[key] = row.ordinal
        elif result.contents[key] != content:
            reason = f"the id stands on line {lines[key]} already with other content"
            result.problems.append(RowProblem(row.ordinal, "external_id", reason))
    return result


def content_sha256(row: NewTransaction, openings: Sequence[Key]) -> str:
    """Hash of what a transaction says; its memo and its place in a file are no part of it.

    Nor is a relief method that comes from the account's standing order. A row without the fields that came later has
    the hash it always had: files booked before are known when they come again.
    """
    picks = [
        [account, external_id, pick.quantity, pick.part]
        for (account, external_id), pick in zip(openings, row.picks, strict=True)
    ]
    content = {
        "version": CONTENT_VERSION,
        "account": row.account,
        "external_id": row.external_id,
        "kind": row.kind,
        "trade_date": row.trade_date,
        "settle_date": row.settle_date,
        "security": row.security,
        "quantity": row.quantity,
        "price": row.price,
        "amount": row.amount,
        "fee": row.fee,
        "picks": picks,
        "block": row.block,
        "to_account": row.to_account,
        "holding_start": row.holding_start,
        "acquired": row.acquired,
    }
    more = {
        "relief": row.relief,
        "to_security": row.to_security,
        "basis_fraction": row.basis_fraction,
        "market_value": row.market_value,
    }
    if any(value is not None for value in more.values()):
        content |= {**more, "version": _CONTENT_VERSION_WITH_MORE}
    return sha256_of(canonical_text(content))


def _difference(row: NewTransaction, known: KnownRow) -> str:
    """The first plain fact that differs, for the person who looks for it."""
    for name in ("kind", "trade_date", "quantity", "amount", "fee"):
        ours, theirs = getattr(known, name), getattr(row, name)
        if ours != theirs:
            if isinstance(ours, Decimal):
                ours, theirs = decimal_text(ours), decimal_text(theirs)
            return f": {name} {ours}, here {theirs}"
    return ""


@dataclass(frozen=True, slots=True)
class Names:
    """What people call the things of one household's ledger, by the ledger's ids."""

    accounts: Mapping[str, str]  # account number
    securities: Mapping[str, str]  # symbol
    entries: Mapping[str, str]  # external id


def engine_problem(
    ledger: Ledger, error: LedgerError, *, names: Names, rows: Mapping[str, int]
) -> RowProblem:
    """The engine's refusal of a ledger with new entries, as a problem of one of the new rows.

    ``rows`` gives the ordinal of each new entry. A new row can make an entry that was booked before impossible: then
    the first new row of the same shares is named.
    """
    told, labels = _renamed(ledger, names)
    entry = str(getattr(error, "entry", ""))
    reason = str(error).removeprefix(f"Entry {entry}: ")
    try:
        replay(told.entries, told.accounts, told.groups, told.policy)
    except LedgerError as readable:
        reason = str(readable).removeprefix(f"Entry {labels.get(entry, entry)}: ")
    reason += _became(told, labels.get(entry, entry), error)
    if entry in rows:
        return RowProblem(rows[entry], _column(error), reason)
    reason = f"with this row {labels.get(entry, entry)}, booked before, is impossible: {reason}"
    return RowProblem(_row_beside(ledger, entry, rows), _column(error), reason)


def _became(told: Ledger, failed: str, error: LedgerError) -> str:
    """Where shares are missing because they have become others: what, and when."""
    if not isinstance(error, Oversold | UnknownLot):
        return ""
    row = next((entry for entry in told.entries if entry.id == failed), None)
    if row is None:
        return ""
    for entry in told.entries:
        if (
            entry.kind in (EntryKind.RENAME, EntryKind.MERGE)
            and entry.security == row.security
            and entry.trade_date <= row.trade_date
        ):
            return f" {entry.security} became {entry.to_security} on {entry.trade_date}: name the shares so."
    return ""


def _column(error: LedgerError) -> str:
    if isinstance(error, Oversold):
        return "quantity"
    return "lots" if isinstance(error, UnknownLot) else "kind"


def _row_beside(ledger: Ledger, entry: str, rows: Mapping[str, int]) -> int:
    failed = next((known for known in ledger.entries if known.id == entry), None)
    beside = [
        rows[known.id]
        for known in ledger.entries
        if known.id in rows and failed is not None and known.security == failed.security
    ]
    return min(beside or rows.values(), default=0)


def _renamed(ledger: Ledger, names: Names) -> tuple[Ledger, dict[str, str]]:
    """The same ledger in people's names, so that the engine's own sentences can be shown."""
    bearers = Counter(names.entries.values())
    labels: dict[str, str] = {}
    for entry in ledger.entries:
        label = names.entries[entry.id]
        twin = f" of account {names.accounts[entry.account]}" if bearers[label] > 1 else ""
        labels[entry.id] = f"{label}{twin}"
    entries = tuple(_renamed_entry(entry, names, labels) for entry in ledger.entries)
    accounts = tuple(replace(account, id=names.accounts[account.id]) for account in ledger.accounts)
    groups = tuple(_renamed_group(group, names) for group in ledger.groups)
    return replace(ledger, entries=entries, accounts=accounts, groups=groups), labels


def _renamed_group(group: frozenset[str] | DatedGroup, names: Names) -> frozenset[str] | DatedGroup:
    def name(security: str) -> str:
        return names.securities.get(security, security)

    if isinstance(group, DatedGroup):
        return DatedGroup(
            tuple(replace(member, security=name(member.security)) for member in group.members)
        )
    return frozenset(map(name, group))


def _renamed_entry(entry: LedgerEntry, names: Names, labels: Mapping[str, str]) -> LedgerEntry:
    return replace(
        entry,
        id=labels[entry.id],
        account=names.accounts[entry.account],
        security=names.securities.get(entry.security or ""),
        to_account=names.accounts.get(entry.to_account or "", entry.to_account),
        to_security=names.securities.get(entry.to_security or "", entry.to_security),
        picks=tuple(replace(pick, lot=labels.get(pick.lot, pick.lot)) for pick in entry.picks),
    )
