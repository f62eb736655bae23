"""Renames, mergers and spin-offs of a household's securities as facts of the market.

Such a fact reaches every account of the household, whoever books it; splits have a book of their own
(``engine.splits``). The same fact booked in another account is the same fact, and brings that account's cash in lieu.
One account tells of a fact once, and once more if the second entry brings the cash that the first did not.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from lots.engine.identity import Identity
from lots.engine.splits import exact_ratio
from lots.errors import BadEntry, Unsupported
from lots.rounding import plain
from lots.types import DatedGroup, EntryKind, IdenticalGroups, LedgerEntry, Membership

MARKET_FACTS = (EntryKind.SPLIT, EntryKind.RENAME, EntryKind.MERGE, EntryKind.SPIN_OFF)
_ONE_FACT = timedelta(days=10)  # custodians may book one fact on different days

_Name = tuple[EntryKind, str, str]  # kind, old and new security


@dataclass(slots=True)
class Fact:
    """What happened to a security on a day."""

    kind: EntryKind
    security: str
    to_security: str
    trade_date: date
    ratio: Fraction
    fraction: Fraction  # spin-off: of the basis before all spin-offs of the day
    basis_moved: Fraction  # spin-off: of the basis as it is when this one's turn comes
    first: LedgerEntry  # the entry that tells of it first
    accounts: set[tuple[str, bool]] = field(default_factory=set)  # who told, and whether of cash
    # Account -> the entry with its cash, and the place of that entry in the ledger.
    paid: dict[str, tuple[LedgerEntry, int]] = field(default_factory=dict)


class MarketFacts:
    """Every rename, merger and spin-off of a household, told by entries that stand in order of date."""

    def __init__(self, entries: Sequence[LedgerEntry]) -> None:
        """Raises BadEntry for a contradiction, Unsupported for a merger that pays in stock and in cash."""
        self._begun: dict[str, Fact] = {}
        self._facts: dict[_Name, list[Fact]] = {}
        self._of_day: dict[tuple[EntryKind, str, date], list[Fact]] = {}
        told = [(place, entry) for place, entry in enumerate(entries) if entry.to_security]
        for place, entry in told:
            self._tell(entry, place)
        for entry in entries if self._facts else ():
            if entry.kind is EntryKind.CASH_MERGER:
                self._refuse_mixed(entry)

    def begun_by(self, entry: LedgerEntry) -> Fact | None:
        """The fact, if this is the entry that tells of it first."""
        return self._begun.get(entry.id)

    def _tell(self, entry: LedgerEntry, place: int) -> None:
        security, successor = entry.security or "", entry.to_security or ""
        facts = self._facts.setdefault((entry.kind, security, successor), [])
        fact = next((one for one in facts if one.trade_date == entry.trade_date), None)
        if fact is None:
            fact = self._begin(entry, security, successor, facts)
        _check_repeated(entry, fact)
        fact.accounts.add((entry.account, bool(entry.amount)))
        if entry.amount:
            fact.paid[entry.account] = entry, place

    def _begin(
        self, entry: LedgerEntry, security: str, successor: str, earlier: list[Fact]
    ) -> Fact:
        _check_late(entry, earlier)
        beside = self._of_day.setdefault((entry.kind, security, entry.trade_date), [])
        fraction = Fraction(entry.basis_fraction or 0)
        fact = Fact(
            kind=entry.kind,
            security=security,
            to_security=successor,
            trade_date=entry.trade_date,
            ratio=exact_ratio(entry.quantity),
            fraction=fraction,
            basis_moved=_basis_moved(entry, fraction, beside),
            first=entry,
        )
        if beside and entry.kind is not EntryKind.SPIN_OFF:
            raise BadEntry(
                entry=entry.id,
                problem=f"{security} becomes {successor} on {entry.trade_date}, and {beside[0].to_security} by entry "
                f"{beside[0].first.id}: it can become one of them only",
            )
        self._begun[entry.id] = fact
        beside.append(fact)
        earlier.append(fact)
        return fact

    def _refuse_mixed(self, entry: LedgerEntry) -> None:
        mergers = self._of_day.get((EntryKind.MERGE, entry.security or "", entry.trade_date))
        if mergers:
            raise Unsupported(
                f"{entry.security} is merged for stock by entry {mergers[0].first.id} and for cash here, on one day. A "
                "merger for stock and cash is not computed: the gain that is taxed depends on the value of what was "
                "received (IRC 356). Book a give of the old shares and a receive of the new ones, with the basis and "
                "the dates that the client's preparer reckons",
                rule="R19",
                entry=entry.id,
            )


def _basis_moved(entry: LedgerEntry, fraction: Fraction, beside: Sequence[Fact]) -> Fraction:
    """Part of the basis that is left when the spin-offs before this one on its day have taken theirs."""
    left = 1 - sum(fact.fraction for fact in beside)
    if fraction > left:
        raise BadEntry(
            entry=entry.id,
            problem=f"the spin-offs of {entry.security} on {entry.trade_date} move more than all of its basis",
        )
    return fraction / left if left else Fraction(0)


def _check_repeated(entry: LedgerEntry, fact: Fact) -> None:
    ratio, fraction = exact_ratio(entry.quantity), Fraction(entry.basis_fraction or 0)
    what = f"the {entry.kind} of {fact.security} into {fact.to_security} on {fact.trade_date}"
    if (ratio, fraction) != (fact.ratio, fact.fraction):
        raise BadEntry(
            entry=entry.id,
            problem=f"{what} is booked {_figures(ratio, fraction)} here and {_figures(fact.ratio, fact.fraction)} by "
            f"entry {fact.first.id}: it reaches every account of the household and has one ratio",
        )
    if (entry.account, bool(entry.amount)) in fact.accounts:
        raise BadEntry(
            entry=entry.id, problem=f"account {entry.account} books {what} twice: leave one out"
        )


def _figures(ratio: Fraction, fraction: Fraction) -> str:
    moved = f", moving {plain(fraction)} of the basis" if fraction else ""
    return f"at {plain(ratio)} new shares for one{moved}"


def _check_late(entry: LedgerEntry, earlier: Sequence[Fact]) -> None:
    """A rename told twice renames nothing more; a merger or spin-off told twice would double the shares."""
    if entry.kind is EntryKind.RENAME:
        return
    for fact in earlier:
        if entry.trade_date - fact.trade_date <= _ONE_FACT:
            raise BadEntry(
                entry=entry.id,
                problem=f"a {entry.kind} of {fact.security} into {fact.to_security} on {entry.trade_date} repeats "
                f"entry {fact.first.id}, the one of {fact.trade_date}: one {entry.kind} is booked on one date and "
                f"reaches every account of the household. Give this row the date {fact.trade_date}, or leave it out",
            )


def identity_of(groups: IdenticalGroups, entries: Sequence[LedgerEntry]) -> Identity:
    """The identical groups, with what renames and mergers add to them (``successions``).

    A renamed security belongs to its groups under every symbol that it has had, on every day.
    """
    told = [entry for entry in entries if entry.to_security]
    symbols = _symbols(told)
    known = [*groups, *successions(told)]
    if not symbols:
        return Identity(known)
    renamed = dict.fromkeys(symbols.values())
    return Identity(
        [*(_with_symbols(group, symbols) for group in known), *renamed],
        {security: min(names) for security, names in symbols.items()},
    )


def successions(entries: Sequence[LedgerEntry]) -> tuple[DatedGroup, ...]:
    """Each merged security and its successor, substantially identical from the day of the merger on.

    What was merged into it before is identical to the successor from then on too. Other members of its groups are not:
    another company's shares do not become identical because one of the two is bought.
    """
    pairs = []
    merged: dict[str, list[str]] = {}  # security -> what has become it
    for entry in entries:
        if entry.kind is EntryKind.MERGE:
            old, new = entry.security or "", entry.to_security or ""
            olds = [old, *merged.get(old, ())]
            merged.setdefault(new, []).extend(olds)
            pairs += [
                DatedGroup(tuple(Membership(one, since=entry.trade_date) for one in (before, new)))
                for before in olds
            ]
    return tuple(pairs)


def _symbols(entries: Sequence[LedgerEntry]) -> dict[str, frozenset[str]]:
    """Every symbol of a security that was renamed -> all its symbols."""
    found: dict[str, frozenset[str]] = {}
    for entry in entries:
        if entry.kind is EntryKind.RENAME:
            pair = frozenset((entry.security or "", entry.to_security or ""))
            names = pair.union(*(found.get(name, ()) for name in pair))
            found.update(dict.fromkeys(names, names))
    return found


def _with_symbols(
    group: DatedGroup | Collection[str], symbols: Mapping[str, frozenset[str]]
) -> DatedGroup | Collection[str]:
    """A member belongs under each of its symbols, with the same dates."""
    if not isinstance(group, DatedGroup):
        return frozenset().union(*(symbols.get(member, {member}) for member in group))
    return DatedGroup(
        tuple(
            Membership(symbol, since=member.since, until=member.until)
            for member in group.members
            for symbol in sorted(symbols.get(member.security, {member.security}))
        )
    )
