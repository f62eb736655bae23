"""What happens to a security while somebody holds it: the part of the engine that no trade makes.

``Actions`` does to the books (``engine.books``) what an entry of one of these kinds says:

* SPLIT: lots are not touched (``engine.splits``); an ``amount`` is cash in lieu of the fraction of a share that the
  split left in the account.
* RENAME: lots move to the new symbol. It is the same security, on every day (``with_successors``).
* MERGE: a share becomes ``quantity`` shares of the successor; lots keep basis, dates and clocks (IRC 354, 358(a),
  1223(1)). From that day on the two are substantially identical, the cautious reading of a reorganisation; before, they
  are not. Of a loss before and a purchase after it, one old share answers to the shares that it became, as in a split
  (R23). Cash in lieu pays for the fraction among the shares received (Rev. Rul. 66-365).
* SPIN_OFF: ``basis_fraction`` of the basis of each lot part goes to its share of the new security, which has the
  dates and the clock of the parent's (IRC 355, 358(b)(2), 1223(1)): a new part of the same opening. Spin-offs of one
  parent on one day each take their fraction of the basis before them all.
* CASH_MERGER: the whole position is sold for ``amount``. For stock and cash together the taxed gain depends on values
  that no entry holds (IRC 356): refused (``engine.market_facts``).
* RETURN_OF_CAPITAL: ``amount`` is spread over the account's shares and lowers their basis; what exceeds the basis of a
  lot part is a gain of its term (IRC 301(c)(2), (3)).
* WORTHLESS: the whole position is sold for nothing on the last day of the year (IRC 165(g)).

None of them is an acquisition (R19): shares that come this way replace nothing, and shares that were a possible
replacement before stay one by their own purchase date. Cash in lieu, a cash merger and worthlessness are sales for the
wash-sale rule: their losses can be washed.

The first four are facts of the market: the first booking acts on every account of the household, a booking of the same
fact in another account only brings that account's cash in lieu (``engine.market_facts``).
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from accounts.canonical import decimal_text
from lots.engine.books import Books
from lots.engine.holdings import Opening, Part, Position, Sale
from lots.engine.market_facts import Fact, MarketFacts
from lots.engine.splits import exact_ratio
from lots.engine.units import Exact, Rate, normal, rate, ratio, whole
from lots.errors import BadEntry
from lots.rounding import plain
from lots.types import DisposalEvent, EntryKind, LedgerEntry


class Actions:
    """The corporate actions of one household's entries, which stand in order of date."""

    def __init__(self, entries: Sequence[LedgerEntry], books: Books) -> None:
        """Raises BadEntry for facts that contradict each other, Unsupported for stock and cash together."""
        self._books = books
        self._facts = MarketFacts(entries)

    def by_kind(self) -> Mapping[EntryKind, Callable[[LedgerEntry, int], None]]:
        """What each kind does with an entry and its place."""
        return {
            EntryKind.SPLIT: self._pay_for_split,
            EntryKind.RENAME: self._become,
            EntryKind.MERGE: self._become,
            EntryKind.SPIN_OFF: self._spin_off,
            EntryKind.CASH_MERGER: self._buy_out,
            EntryKind.RETURN_OF_CAPITAL: self._return_capital,
            EntryKind.WORTHLESS: self._write_off,
        }

    def _pay_for_split(self, entry: LedgerEntry, place: int) -> None:
        if entry.amount:
            position = self._books.position(entry.account, entry.security or "")
            self._pay_in_lieu(entry, place, position)

    def _become(self, entry: LedgerEntry, place: int) -> None:
        """All lots of the security move to its successor."""
        fact = self._facts.begun_by(entry)
        if fact is None:
            return
        units = self._units_for_one(entry, place)
        self._books.measures.add_successor(fact.security, fact.to_security, units)
        received = self._received(fact)
        openings: dict[Opening, None] = {}
        for account, arriving in received.items():
            held = self._books.position(account, fact.security)
            for part in _parts_before(held, place):
                opening = part.lot.opening
                part.lot.remove(part)
                _convert(part, units)
                arriving.lot_for(opening).add(part)
                openings[opening] = None
        for opening in openings:
            opening.scale = normal(opening.scale * units)
        self._hand_over(fact, received)

    def _spin_off(self, entry: LedgerEntry, place: int) -> None:
        """Every lot part has a child part in the new security, with a part of its basis."""
        fact = self._facts.begun_by(entry)
        if fact is None:
            return
        units = self._units_for_one(entry, place)
        received = self._received(fact)
        for account, arriving in received.items():
            held = self._books.position(account, fact.security)
            for part in _parts_before(held, place):
                opening = part.lot.opening
                child = _child(part, fact.basis_moved)
                _convert(child, units)
                arriving.lot_for(opening).add(child)
            held.ranking = None  # every basis has changed
        self._hand_over(fact, received)

    def _received(self, fact: Fact) -> dict[str, Position]:
        """Account -> a position for what it receives, apart from what it holds of the security already."""
        holders = [held.account for held in self._books.positions_of(fact.security)]
        return {account.id: Position(account, fact.to_security) for account in holders}

    def _hand_over(self, fact: Fact, received: Mapping[str, Position]) -> None:
        """Pay for fractions, then put what was received beside what is held."""
        for account, (entry, place) in fact.paid.items():
            arriving = received.get(account)
            if arriving is None or not arriving.held():
                raise _no_shares(entry, fact.security)
            self._pay_in_lieu(entry, place, arriving)
        for account, arriving in received.items():
            target = self._books.position(account, fact.to_security)
            for part in list(arriving.parts()):
                opening = part.lot.opening
                part.lot.remove(part)
                self._books.put_in(target, opening, part)

    def _units_for_one(self, entry: LedgerEntry, place: int) -> Fraction:
        """Base units of the new security for one of the old."""
        measures = self._books.measures
        old = measures.scale(entry.security or "", place)
        new = measures.scale(entry.to_security or "", place)
        return exact_ratio(entry.quantity) * new / old

    def _pay_in_lieu(self, entry: LedgerEntry, place: int, position: Position) -> None:
        """The fraction of a share in ``position`` is sold for the amount of the entry."""
        scale = self._books.measures.scale(position.security, place)
        held = position.held()
        fraction = normal(Fraction(held % scale))
        if not fraction:
            shares = plain(ratio(held, scale))
            raise BadEntry(
                entry=entry.id,
                problem=f"cash in lieu of {decimal_text(entry.amount)} is paid for a fraction of a share, but this "
                f"{entry.kind} leaves account {entry.account} with {shares} shares of {position.security} and no "
                "fraction: correct the ratio or the holdings, or book the cash as what it is",
            )
        net = whole(entry.amount, self._books.dollar)
        self._books.dispose(entry, place, position, fraction, net, DisposalEvent.CASH_IN_LIEU)

    def _buy_out(self, entry: LedgerEntry, place: int) -> None:
        self._sell_all(entry, place, DisposalEvent.CASH_MERGER)

    def _write_off(self, entry: LedgerEntry, place: int) -> None:
        self._sell_all(entry, place, DisposalEvent.WORTHLESS)

    def _sell_all(self, entry: LedgerEntry, place: int, event: DisposalEvent) -> None:
        """The whole position leaves for the amount. A quantity that is given must be all of it."""
        position, held, scale = self._held(entry, place)
        if entry.quantity and whole(entry.quantity, scale) != held:
            raise BadEntry(
                entry=entry.id,
                problem=f"a {entry.kind} takes the whole position: account {entry.account} holds "
                f"{plain(ratio(held, scale))} shares of {entry.security}, not {plain(Fraction(entry.quantity))}",
            )
        net = whole(entry.amount, self._books.dollar)
        self._books.dispose(entry, place, position, held, net, event)

    def _return_capital(self, entry: LedgerEntry, place: int) -> None:
        """Lower the basis share by share; what a part has no basis for is its gain."""
        position, held, scale = self._held(entry, place)
        paid = rate(whole(entry.amount, self._books.dollar), held)
        for part in position.parts():
            excess = _lowered(paid, part.rate)
            if excess[0] > 0:
                sale = Sale(entry, position, place, scale, excess, DisposalEvent.DISTRIBUTION)
                self._books.realize(sale, part, part.quantity)
            part.rate = _lowered(part.rate, paid)
            if part.gift is not None:
                value, given_on = part.gift
                part.gift = _lowered(value, paid), given_on
        position.ranking = None  # every basis has changed

    def _held(self, entry: LedgerEntry, place: int) -> tuple[Position, Exact, int]:
        """The account's position, its base units, and base units in a share."""
        security = entry.security or ""
        position = self._books.position(entry.account, security)
        held = position.held()
        if not held:
            raise _no_shares(entry, security)
        return position, held, self._books.measures.scale(security, place)


def _parts_before(held: Position, place: int) -> list[Part]:
    """Parts of what was opened before the action: on its day lots taken over come first, whatever their place."""
    return [part for part in held.parts() if part.lot.opening.order < place]


def _child(part: Part, fraction: Fraction) -> Part:
    """What a part receives in a spin-off, still in the parent's units; the part keeps the rest of the basis."""
    child = Part(
        part.lot,
        part.lot.opening.next_number(),
        part.holding_start,
        part.quantity,
        _times(part.rate, fraction),
    )
    child.matched, child.adjusted = part.matched, part.adjusted
    part.rate = _times(part.rate, 1 - fraction)
    if part.gift is not None:
        value, given_on = part.gift
        child.gift = _times(value, fraction), given_on
        part.gift = _times(value, 1 - fraction), given_on
    return child


def _convert(part: Part, units: Fraction) -> None:
    """Count the part in units of another security; its basis stays what it is."""
    part.quantity = normal(part.quantity * units)
    part.rate = _times(part.rate, 1 / units)
    if part.gift is not None:
        value, given_on = part.gift
        part.gift = _times(value, 1 / units), given_on


def _times(price: Rate, factor: Fraction) -> Rate:
    return price[0] * factor.numerator, price[1] * factor.denominator


def _lowered(price: Rate, by: Rate) -> Rate:
    """The rate less another one, not below zero."""
    left = price[0] * by[1] - by[0] * price[1]
    return (left, price[1] * by[1]) if left > 0 else (0, 1)


def _no_shares(entry: LedgerEntry, security: str) -> BadEntry:
    return BadEntry(
        entry=entry.id,
        problem=f"account {entry.account} holds no shares of {security} on {entry.trade_date} for this {entry.kind}",
    )
