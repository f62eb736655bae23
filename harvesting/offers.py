"""What a household could sell at a loss today, lot by lot, and what has to be sold along. Pure.

An offer is a loss lot that passed the floors and that no restriction, reservation or bad figure forbids, cut to the
shares that may be sold: whole ones, unless the account trades fractions or all of the position goes. Where recent
purchases of the same order can go along, the offer requires them; those of them that would not be sold for their own
sake (too small a loss, or a gain) are companions. Where they cannot, the offer falls, unless the household prices
washes: then all loss lots of the identical group are offered together, with what the engine says would be deferred.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from harvesting import lookback
from harvesting.sales import (
    below_floor,
    finding_of,
    is_whole,
    plain_shares,
    resized,
    sale_of,
)
from harvesting.types import (
    ZERO,
    Book,
    Finding,
    LotKey,
    Outcome,
    Place,
    RecentPurchase,
    Sale,
    Surroundings,
)
from lots.types import LotRow

Verdicts = dict[LotKey, Finding]


@dataclass(frozen=True, slots=True)
class Offer:
    """A sale that can be made. It is made only together with all lot parts that it ``requires``."""

    sale: Sale
    requires: frozenset[LotKey] = frozenset()
    is_companion: bool = False  # never sold for its own sake
    deferred: Decimal = ZERO  # dollars of its loss that a strategic wash sale defers

    @property
    def key(self) -> LotKey:
        return self.sale.key

    @property
    def allowed(self) -> Decimal:
        """Dollars of its loss that count this year; negative for a companion's gain."""
        return self.sale.loss - self.deferred


@dataclass(frozen=True, slots=True)
class Offered:
    """The offers of a household by lot part, and the verdicts on the loss lots that are not offered."""

    offers: Mapping[LotKey, Offer]
    fallen: tuple[Finding, ...]
    # (account, security) of which a lot would be clean if everything went, a part of a recent share with it
    all_or_nothing: frozenset[Place] = frozenset()


def offered(
    book: Book,
    lots: Iterable[LotRow],
    around: Surroundings,
    *,
    entirely: Collection[Place] = (),
) -> Offered:
    """Offers of ``lots``, which passed the screen.

    In the positions ``entirely`` a lot may require that everything goes; elsewhere a part of a recent share stays.
    """
    fallen: list[Finding] = []
    wanted = {}
    for lot in lots:
        key = (lot.opening, lot.part)
        kept, findings = _sellable(lot, book, around)
        fallen += findings
        if kept is not None:
            wanted[key] = kept
    companions = _possible_companions(book, wanted, around)
    positions = _Positions(book, {**wanted, **companions}, entirely)
    offers, unclean = _clean(book, wanted, positions, around)
    return Offered(offers, (*fallen, *unclean.values()), frozenset(positions.all_or_nothing))


def _sellable(lot: LotRow, book: Book, around: Surroundings) -> tuple[Sale | None, list[Finding]]:
    """The shares of a loss lot that may be sold at all, and what stands against the others."""
    whole = sale_of(lot, lot.quantity, book)
    refusal = _refusal(lot, book, around)
    if refusal is not None:
        return None, [finding_of(whole, *refusal)]
    reserved = min(around.reserved.get((lot.opening, lot.part), ZERO), lot.quantity)
    findings = []
    if reserved:
        why = f"An open proposal sells {plain_shares(reserved)} shares of this lot already."
        findings.append(finding_of(sale_of(lot, reserved, book), Outcome.RESERVED, why))
    if reserved == lot.quantity:
        return None, findings
    free = sale_of(lot, lot.quantity - reserved, book)
    if why := below_floor(free, book):
        return None, [*findings, finding_of(free, Outcome.BELOW_FLOOR, why)]
    return free, findings


def _refusal(lot: LotRow, book: Book, around: Surroundings) -> tuple[Outcome, str] | None:
    """Why nothing of the lot may be sold whatever else is done; None = it may."""
    symbol = book.symbol(lot.security)
    if lot.account in around.unreconciled:
        return Outcome.UNRECONCILED, _capital(around.unreconciled[lot.account])
    delisted = around.delisted.get(lot.security)
    if delisted is not None and delisted <= book.as_of:
        return Outcome.DELISTED, f"{symbol} has not traded since {delisted}."
    if lot.security in around.doubtful:
        return Outcome.PRICE_JUMP, f"{_capital(around.doubtful[lot.security])}."
    if (lot.account, lot.security) in around.no_sell:
        return Outcome.RESTRICTED, _capital(around.no_sell[lot.account, lot.security])
    return None


def _possible_companions(
    book: Book,
    wanted: Mapping[LotKey, Sale],
    around: Surroundings,
) -> dict[LotKey, Sale]:
    """Lots beside the wanted ones that could be sold entirely in the same order."""
    positions = {sale.place for sale in wanted.values()}
    return {
        (lot.opening, lot.part): sale
        for lot in book.lots
        if (lot.account, lot.security) in positions
        and (lot.opening, lot.part) not in wanted
        and not around.reserved.get((lot.opening, lot.part))
        and _refusal(lot, book, around) is None
        and ((sale := sale_of(lot, lot.quantity, book)).loss >= ZERO or not around.has_budget)
    }


def _clean(
    book: Book,
    wanted: Mapping[LotKey, Sale],
    positions: "_Positions",
    around: Surroundings,
) -> tuple[dict[LotKey, Offer], Verdicts]:
    """Offers that are clean with what they require, and the verdicts on the others."""
    near = lookback.by_security(around)
    offers: dict[LotKey, Offer] = {}
    fallen: Verdicts = {}
    for key, sale in wanted.items():
        conflict = positions.conflict(sale, near, around)
        if sale.lot.security in around.washing:
            why = around.washing[sale.lot.security]
            fallen[key] = finding_of(sale, Outcome.RECENT_PURCHASE, why)
        elif conflict.stays:
            fallen[key] = _washed(sale, conflict.stays, book)
        else:
            offers[key] = Offer(sale, conflict.along)
    for key, offer in _strategic(fallen, wanted, around, book).items():
        offers[key] = offer
        del fallen[key]
    _add_companions(offers, fallen, positions, near, around, book)
    return _in_whole_shares(offers, positions, fallen), fallen


def _add_companions(
    offers: dict[LotKey, Offer],
    fallen: Verdicts,
    positions: "_Positions",
    near: Mapping[int, list[RecentPurchase]],
    around: Surroundings,
    book: Book,
) -> None:
    """Add what offers require until nothing is missing; an offer whose companion would be washed itself falls."""
    washed: dict[LotKey, tuple[RecentPurchase, ...]] = {}
    while missing := {key for one in offers.values() for key in one.requires} - offers.keys():
        for key in sorted(missing):
            sale = positions.sales[key]
            conflict = positions.conflict(sale, near, around)
            offers[key] = Offer(sale, conflict.along, is_companion=True)
            if conflict.stays and sale.loss > ZERO:
                washed[key] = conflict.stays
    while washed:
        key, stays = washed.popitem()
        offer = offers.pop(key, None)
        if offer is not None and not offer.is_companion:
            fallen[key] = _washed(offer.sale, stays, book)
        washed |= {other: stays for other, one in offers.items() if key in one.requires}


class _Positions:
    """The shares of a household that could be sold today, by account and security."""

    def __init__(
        self, book: Book, sales: Mapping[LotKey, Sale], entirely: Collection[Place]
    ) -> None:
        self.sales = sales
        self.all_or_nothing: set[Place] = set()
        self._book = book
        self._entirely = entirely
        self._parts: dict[tuple[int, int], frozenset[LotKey]] = {}
        lots: dict[tuple[int, int], list[LotRow]] = {}
        for lot in book.lots:
            lots.setdefault((lot.account, lot.security), []).append(lot)
        for place, held in lots.items():
            self._parts[place] = frozenset((lot.opening, lot.part) for lot in held)
        self._entire = frozenset(
            key for key, sale in sales.items() if sale.quantity == sale.lot.quantity
        )

    def of(self, sale: Sale) -> frozenset[LotKey]:
        """All lot parts of the sale's position."""
        return self._parts[sale.place]

    def needs_all(self, sale: Sale) -> bool:
        """Whether the shares include a fraction that leaves only with the whole position."""
        fractions = self._book.accounts[sale.lot.account].trades_fractions
        return not fractions and not is_whole(sale.quantity)

    def conflict(
        self, sale: Sale, near: Mapping[int, list[RecentPurchase]], around: Surroundings
    ) -> lookback.Conflict:
        """The sale's conflict; where a fraction has to go along, everything of the position does."""
        purchases = near.get(sale.lot.security, [])
        place, position = sale.place, self.of(sale)
        whole = {key for key in position & self._entire if not self.needs_all(self.sales[key])}
        found = lookback.conflict_of(sale.lot, purchases, around, sellable=whole)
        if not found.stays or not position <= self._entire:
            return found
        everything = lookback.conflict_of(sale.lot, purchases, around, sellable=position)
        if everything.stays:
            return found
        if place not in self._entirely:
            self.all_or_nothing.add(place)
            return found
        return lookback.Conflict(position - {sale.key}, ())


def washed_sales(book: Book, found: Offered, around: Surroundings) -> tuple[Sale, ...]:
    """The sales that fell because purchases in taxable accounts would wash them, in shares that could be sold."""
    lots = {(lot.opening, lot.part): lot for lot in book.lots}
    sales = []
    for finding in found.fallen:
        if finding.outcome is not Outcome.RECENT_PURCHASE or finding.security in around.washing:
            continue
        sale = sale_of(lots[finding.opening, finding.part], finding.quantity, book)
        cut = _whole(sale, book)
        if cut is not None:
            sales.append(cut)
    return tuple(sales)


def _whole(sale: Sale, book: Book) -> Sale | None:
    """The sale in whole shares, unless its account trades fractions; None where nothing is left."""
    if is_whole(sale.quantity) or book.accounts[sale.lot.account].trades_fractions:
        return sale
    quantity = sale.quantity.to_integral_value(ROUND_FLOOR)
    return resized(sale, quantity) if quantity else None


def _washed(sale: Sale, stays: tuple[RecentPurchase, ...], book: Book) -> Finding:
    why = _capital(lookback.told(stays, book))
    return replace(
        finding_of(sale, lookback.outcome_of(stays, book), why),
        wait_until=lookback.free_from(stays),
    )


def _strategic(
    fallen: Verdicts, wanted: Mapping[LotKey, Sale], around: Surroundings, book: Book
) -> dict[LotKey, Offer]:
    """Where washes are priced: the washed lots of an identical group, all of them or none, as the engine was asked."""
    offers = {}
    for loss in around.deferred.values():
        keys = frozenset(loss.by_lot)
        if loss.is_permanent or not keys <= fallen.keys():
            continue  # a part of the group may be clean, or was asked about otherwise
        if any(fallen[key].outcome is not Outcome.RECENT_PURCHASE for key in keys):
            continue
        for key in keys:
            sale = _whole(wanted[key], book)
            assert sale is not None  # the engine was asked about it
            offers[key] = Offer(sale, keys - {key}, deferred=loss.by_lot[key])
    return offers


def _in_whole_shares(
    offers: Mapping[LotKey, Offer], positions: _Positions, fallen: Verdicts
) -> dict[LotKey, Offer]:
    """Cut to whole shares what no other sale needs to the last fraction."""
    needed = {key for offer in offers.values() for key in offer.requires}
    kept = {}
    for key, offer in offers.items():
        sale = offer.sale
        quantity = sale.quantity.to_integral_value(ROUND_FLOOR)
        if not positions.needs_all(sale):
            kept[key] = offer
        elif key in needed:
            kept[key] = replace(offer, requires=positions.of(sale) - {key})
        elif quantity:
            kept[key] = replace(offer, sale=resized(sale, quantity))
        else:
            why = f"{plain_shares(sale.quantity)} shares are less than one whole share to sell."
            fallen[key] = finding_of(sale, Outcome.TOO_SMALL, why)
    return kept


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
