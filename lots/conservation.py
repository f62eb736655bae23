"""Whether stored rows keep what a ledger put in: shares, basis and losses, counted without the engine. Pure.

Shares (I1, I2) are exact but for the rounding of stored rows, 1e-8 a row; dollars (I3) but for 1e-4 a lot or sale. What
a sale brought, and where its disallowed loss went (I4, I5), ties exactly. Each violation is one sentence that names
account, security and transaction as people do.

Basis is compared market by market (``engine.identity.markets``): it flows from a loss into an identical security, and
with a corporate action into another one, and nowhere else. Where shares left as a gift, with basis that no row keeps,
less may be left than came in, never more; gifts received below their basis have two bases and are not compared.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from lots.booking import Names
from lots.engine.entry_checks import PURCHASES
from lots.engine.identity import markets
from lots.engine.splits import exact_ratio
from lots.rounding import STORED_MONEY, STORED_SHARES, plain
from lots.types import DisposalEvent, EntryKind, Ledger, LedgerEntry, LotRow, Treatment

_ZERO = Decimal(0)
_RECEIPTS = frozenset({EntryKind.RECEIVE, EntryKind.GIFT, EntryKind.INHERIT})
_OPENINGS = PURCHASES | _RECEIPTS
_WHOLE = frozenset({EntryKind.WORTHLESS, EntryKind.CASH_MERGER})
_SUCCEEDED = frozenset({EntryKind.RENAME, EntryKind.MERGE})
_FACTS = _SUCCEEDED | {EntryKind.SPLIT, EntryKind.SPIN_OFF}
_SOLD = frozenset({EntryKind.SELL, EntryKind.CASH_MERGER, EntryKind.WORTHLESS})

Place = tuple[str, str]  # account, security
FactKey = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class SoldRow:
    """One stored disposal: shares and dollars."""

    sale: int
    opening: int
    account: int
    security: int
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    disallowed: Decimal
    permanent: Decimal
    event: DisposalEvent


@dataclass(frozen=True, slots=True)
class WashRow:
    """One stored match of a loss with replacement shares."""

    sale: int
    replacement: int
    amount: Decimal
    treatment: Treatment


@dataclass(frozen=True, slots=True)
class StoredRows:
    """What is stored of one household."""

    lots: Sequence[LotRow]
    sold: Sequence[SoldRow]
    washes: Sequence[WashRow]


def violations(ledger: Ledger, rows: StoredRows, names: Names) -> Iterator[str]:
    """Every rule that the rows break, one sentence each."""
    tally = _Tally(ledger.entries, rows.sold)
    yield from _shares(tally, rows, names)
    yield from _openings(tally, rows, names)
    yield from _basis(ledger, rows, names)
    yield from _sales(ledger.entries, rows.sold, names)
    yield from _losses(rows, names)


# A stored row may name what is none of the household's: that is a violation to tell, no reason to stop.


def _account(names: Names, account: str) -> str:
    return names.accounts.get(account, "of another household")


def _security(names: Names, security: str) -> str:
    return names.securities.get(security, "a security that the household never traded")


def _entry(names: Names, entry: str) -> str:
    return names.entries.get(entry, "of another household")


class _Tally:
    """Shares by account and security, and what each opening can have become, in today's units."""

    def __init__(self, entries: Sequence[LedgerEntry], sold: Sequence[SoldRow]) -> None:
        self.held: defaultdict[Place, Fraction] = defaultdict(Fraction)
        self.opened: dict[str, dict[str, Fraction]] = {}  # entry -> security -> shares at most
        self._in_lieu: defaultdict[str, list[tuple[Place, Fraction]]] = defaultdict(list)
        self._sold: defaultdict[str, Fraction] = defaultdict(Fraction)
        for row in sold:
            self._sold[str(row.sale)] += Fraction(row.quantity)
            if row.event is DisposalEvent.CASH_IN_LIEU:
                place = (str(row.account), str(row.security))
                self._in_lieu[str(row.sale)].append((place, Fraction(row.quantity)))
        told: defaultdict[FactKey, list[LedgerEntry]] = defaultdict(list)
        for entry in entries:
            if entry.kind in _FACTS:
                told[_fact(entry)].append(entry)
        for entry in entries:
            if entry.kind in _FACTS:
                self._fact(entry, told.pop(_fact(entry), []))
            elif entry.security is not None:
                self._trade(entry, entry.security)

    def _trade(self, entry: LedgerEntry, security: str) -> None:
        shares, place = Fraction(entry.quantity), (entry.account, security)
        if entry.kind in _OPENINGS:
            self.held[place] += shares
            self.opened[entry.id] = {security: shares}
        elif entry.kind in (EntryKind.SELL, EntryKind.GIVE):
            self.held[place] -= shares
        elif entry.kind is EntryKind.TRANSFER:
            self.held[place] -= shares
            self.held[entry.to_account or "", security] += shares
        elif entry.kind in _WHOLE:
            self.held[place] -= shares or self._sold[entry.id]  # all there was, said or not

    def _fact(self, entry: LedgerEntry, told: Sequence[LedgerEntry]) -> None:
        """The first entry of a fact acts on every account; each of them may pay for a fraction."""
        if told:
            accounts = self._by_account()
            for holdings in (*accounts.values(), *self.opened.values()):
                _apply(entry, holdings)
            for account, holdings in accounts.items():
                self.held.update({(account, one): shares for one, shares in holdings.items()})
        # A split pays in each account's own turn, the others with the first entry.
        for paying in (entry,) if entry.kind is EntryKind.SPLIT else told:
            for place, shares in self._in_lieu[paying.id]:
                self.held[place] -= shares

    def _by_account(self) -> dict[str, dict[str, Fraction]]:
        accounts: defaultdict[str, dict[str, Fraction]] = defaultdict(dict)
        for (account, security), shares in self.held.items():
            accounts[account][security] = shares
        return accounts


def _fact(entry: LedgerEntry) -> FactKey:
    return (entry.kind, entry.security, entry.to_security, entry.trade_date)


def _apply(entry: LedgerEntry, holdings: dict[str, Fraction]) -> None:
    """What a fact of the market makes of holdings by security."""
    old, new = entry.security or "", entry.to_security or ""
    shares = holdings.get(old)
    if not shares:
        return
    became = shares * exact_ratio(entry.quantity)
    if entry.kind is EntryKind.SPLIT:
        holdings[old] = became
        return
    holdings[new] = holdings.get(new, Fraction(0)) + became
    if entry.kind in _SUCCEEDED:
        holdings[old] = Fraction(0)


def _shares(tally: _Tally, rows: StoredRows, names: Names) -> Iterator[str]:
    """I1: what came in less what went out is what is open."""
    stored: defaultdict[Place, Fraction] = defaultdict(Fraction)
    parts: defaultdict[Place, int] = defaultdict(int)
    for lot in rows.lots:
        place = (str(lot.account), str(lot.security))
        stored[place] += Fraction(lot.quantity)
        parts[place] += 1
    for place in sorted(stored.keys() | tally.held.keys()):
        expected, found = tally.held[place], stored[place]
        if abs(expected - found) > Fraction(STORED_SHARES) * (parts[place] + 1):
            yield (
                f"account {_account(names, place[0])}: {plain(found)} shares of "
                f"{_security(names, place[1])} are open, {plain(expected)} follow from its transactions (I1)"
            )


def _openings(tally: _Tally, rows: StoredRows, names: Names) -> Iterator[str]:
    """I2: no lot has more shares than were opened, none less than nothing, and no basis below nothing."""
    left: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for lot in rows.lots:
        name = _entry(names, str(lot.opening))
        if lot.quantity <= 0 or lot.basis < 0:
            yield (
                f"lot {name} has {plain(Fraction(lot.quantity))} shares at a basis of "
                f"{plain(Fraction(lot.basis))}: neither can be below nothing (I2)"
            )
        left[str(lot.opening), str(lot.security)] += Fraction(lot.quantity)
    for (opening, security), shares in sorted(left.items()):
        most = tally.opened.get(opening, {}).get(security, Fraction(0))
        if shares > most + Fraction(STORED_SHARES):
            yield (
                f"lot {_entry(names, opening)} has {plain(shares)} shares of {_security(names, security)}, "
                f"{plain(most)} were opened by transaction {_entry(names, opening)} (I2)"
            )


@dataclass(slots=True)
class _Flow:
    """Basis of one market in dollars."""

    came: Decimal = _ZERO
    went: Decimal = _ZERO
    rows: int = 0
    may_be_less: bool = False
    is_double: bool = False  # gifts below their basis


def _basis(ledger: Ledger, rows: StoredRows, names: Names) -> Iterator[str]:
    """I3: basis that came in, and losses moved into it, is open or was relieved."""
    market_of = markets(ledger.entries, ledger.groups)
    flows: defaultdict[str, _Flow] = defaultdict(_Flow)
    securities = {entry.id: entry.security or "" for entry in ledger.entries}

    def flow(security: str) -> _Flow:
        return flows[market_of.get(security, security)]

    for entry in ledger.entries:
        if entry.security is not None:
            _add_entry(flow(entry.security), entry)
    for lot in rows.lots:
        _went(flow(str(lot.security)), lot.basis)
    for row in rows.sold:
        of = flow(str(row.security))
        if row.event is DisposalEvent.DISTRIBUTION:
            of.came += row.proceeds - row.basis  # what was no return of basis
        else:
            _went(of, row.basis)
    for wash in rows.washes:
        if wash.treatment is Treatment.DEFERRED:
            flow(securities[str(wash.sale)]).came += wash.amount
    for market, one in sorted(flows.items()):
        gap = one.came - one.went
        if one.is_double or abs(gap) <= STORED_MONEY * (one.rows + 1):
            continue
        if gap < 0 or not one.may_be_less:
            yield (
                f"basis of {_market_name(market, market_of, names)}: {plain(Fraction(one.came))} came in with "
                f"purchases, receipts and disallowed losses, {plain(Fraction(one.went))} is open or was relieved (I3)"
            )


def _add_entry(flow: _Flow, entry: LedgerEntry) -> None:
    if entry.kind in _OPENINGS:
        flow.came += entry.amount + entry.fee
        flow.is_double |= entry.market_value is not None
    elif entry.kind is EntryKind.RETURN_OF_CAPITAL:
        flow.came -= entry.amount
    elif entry.kind is EntryKind.GIVE:
        flow.may_be_less = True


def _went(flow: _Flow, basis: Decimal) -> None:
    flow.went += basis
    flow.rows += 1


def _market_name(market: str, market_of: Mapping[str, str], names: Names) -> str:
    """The symbols of a market that the household traded."""
    members = [name for security, name in names.securities.items()
               if market_of.get(security, security) == market]  # fmt: skip
    return ", ".join(sorted(members)) or _security(names, market)


def _sales(entries: Sequence[LedgerEntry], sold: Sequence[SoldRow], names: Names) -> Iterator[str]:
    """I4: a sale's rows bring its proceeds and take its shares, and no row loses more than its loss."""
    by_sale: defaultdict[str, list[SoldRow]] = defaultdict(list)
    for row in sold:
        by_sale[str(row.sale)].append(row)
        if not 0 <= row.disallowed <= max(_ZERO, row.basis - row.proceeds) or not (
            0 <= row.permanent <= row.disallowed
        ):
            yield (
                f"sale {_entry(names, str(row.sale))}: {row.disallowed:,.2f} is disallowed, of which "
                f"{row.permanent:,.2f} for ever, of a gain of {row.proceeds - row.basis:,.2f} (I4)"
            )
    for entry in entries:
        if entry.kind not in _SOLD:
            continue
        rows = by_sale[entry.id]
        net = entry.amount - entry.fee
        proceeds = sum((row.proceeds for row in rows), _ZERO)
        if proceeds != net:
            yield (
                f"sale {_entry(names, entry.id)}: its lots bring {proceeds:,.2f}, the sale brought "
                f"{net:,.2f} after fees (I4)"
            )
        shares = sum((row.quantity for row in rows), _ZERO)
        if entry.kind is EntryKind.SELL and shares != entry.quantity:
            yield (
                f"sale {_entry(names, entry.id)}: its lots give {plain(Fraction(shares))} shares, "
                f"{plain(Fraction(entry.quantity))} were sold (I4)"
            )


def _losses(rows: StoredRows, names: Names) -> Iterator[str]:
    """I5: every disallowed dollar went into a replacement's basis or is gone for ever."""
    disallowed: defaultdict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (_ZERO, _ZERO))
    moved: defaultdict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (_ZERO, _ZERO))
    for row in rows.sold:
        whole, gone = disallowed[row.sale]
        disallowed[row.sale] = (whole + row.disallowed, gone + row.permanent)
    for wash in rows.washes:
        whole, gone = moved[wash.sale]
        lost = wash.amount if wash.treatment is Treatment.PERMANENT else _ZERO
        moved[wash.sale] = (whole + wash.amount, gone + lost)
    for sale in sorted(disallowed.keys() | moved.keys()):
        if disallowed[sale] != moved[sale]:
            (whole, gone), (matched, matched_gone) = disallowed[sale], moved[sale]
            yield (
                f"sale {_entry(names, str(sale))}: {whole:,.2f} is disallowed, {gone:,.2f} of it for ever; its "
                f"matches say {matched:,.2f} and {matched_gone:,.2f} (I5)"
            )
