"""Which losses to take, and why not each of the others. Pure: no database, no clock.

``screen`` needs lots and prices alone: it keeps the loss lots of taxable, tax-managed accounts that have a fresh price
and pass the floors in dollars and per cent. For most households nothing is left, and nothing more is looked at.

``find`` decides about what is left:

1. What may be sold at all, in whole shares, and cleanly: with what else has to go along (``harvesting.offers``).
2. Where its money may go (``harvesting.substitutes``); a lot without a destination falls, unless cash may be held.
3. What is worth more on a later day waits for it (``harvesting.timing``).
4. Of the rest the set of the highest sum is taken (``harvesting.choice``, ``harvesting.economics``), each account's
   money buying one share of its substitute at least.
5. Every other lot is told what stands against it beside that set (``harvesting.left_out``).

Every loss lot ends with one verdict, and with the sum of its terms where it could be priced, taken or not (N5).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from harvesting import choice, timing, valuation
from harvesting.choice import Best
from harvesting.economics import (
    dividend_cost,
    floors_on,
    later_rate,
    swap_back_risk,
    tracking_cost,
    window_opportunity,
)
from harvesting.left_out import left_out
from harvesting.offers import Offer, Offered, Verdicts, offered
from harvesting.planning import plan_of
from harvesting.sales import below_floor, finding_of, is_whole, sale_of, unpriced
from harvesting.substitutes import refusals_for, standing_refusals
from harvesting.types import (
    CASH,
    ZERO,
    Book,
    Finding,
    LotKey,
    Outcome,
    Place,
    Plan,
    Sale,
    Surroundings,
    Trading,
)
from harvesting.valuation import Charges, Destination, Problem
from lots.types import LotRow


def screen(book: Book) -> tuple[tuple[LotRow, ...], tuple[Finding, ...]]:
    """The lots that pass the floors, and a finding for every other loss lot of a taxable account."""
    passed, findings = [], []
    for lot in book.lots:
        if not book.accounts[lot.account].is_taxable:
            continue
        finding = _screened(lot, book)
        if finding is None:
            passed.append(lot)
        elif finding.loss > ZERO or finding.outcome is Outcome.NO_PRICE:
            findings.append(finding)
    return tuple(passed), tuple(findings)


def find(book: Book, lots: Sequence[LotRow], around: Surroundings) -> Plan:
    """What to take of ``lots``, which passed the screen, and a finding for each of them."""
    look = _Look(book, lots, around)
    best = choice.best(look.problem)
    return look.plan(best, _with_fractions(best, book, around))


def all_findings(screened: Iterable[Finding], plan: Plan) -> tuple[Finding, ...]:
    """One verdict a lot: what the screen put aside may still go along with what is taken."""
    decided = {(one.opening, one.part) for one in plan.findings}
    kept = (one for one in screened if (one.opening, one.part) not in decided)
    return (*kept, *plan.findings)


def passed_over(lots: Sequence[LotRow], book: Book, outcome: Outcome, why: str) -> list[Finding]:
    """One verdict for all the lots, which passed the screen."""
    return [finding_of(sale_of(lot, lot.quantity, book), outcome, why) for lot in lots]


class _Look:
    """One round: the offers that have a destination and need not wait, and the verdicts on the others."""

    def __init__(self, book: Book, lots: Sequence[LotRow], around: Surroundings) -> None:
        self._book, self._around = book, around
        self._later_rate = later_rate(book.rules, around.tax)
        self.others: Verdicts = {}
        self._legal: dict[int, tuple[int, ...]] = {}
        self._refused: dict[int, tuple[str, ...]] = {}
        found = self._offered(lots)
        self._fallen = found.fallen
        kept = self._leave_homeless(found.offers)
        kept = self._leave_waiting(kept)
        self.problem = self._problem(tuple(kept.values()))

    def _offered(self, lots: Sequence[LotRow]) -> Offered:
        """The offers; where a part of a recent share would stay, all of the position may go if that is worth more."""
        found = offered(self._book, lots, self._around)
        entirely = {
            place
            for place in sorted(found.all_or_nothing)
            if self._best_of(place, lots, entirely={place})
            > self._best_of(place, lots, entirely=set())
        }
        if entirely:
            found = offered(self._book, lots, self._around, entirely=entirely)
        self._look_for_destinations(found)
        return found

    def _best_of(
        self, place: Place, lots: Sequence[LotRow], *, entirely: Collection[Place]
    ) -> Decimal:
        """What the position is worth by itself."""
        here = [lot for lot in lots if (lot.account, lot.security) == place]
        found = offered(self._book, here, self._around, entirely=entirely)
        self._look_for_destinations(found)
        return choice.best(self._problem(tuple(found.offers.values()))).value

    def _look_for_destinations(self, found: Offered) -> None:
        self._legal, self._refused = _destinations(found.offers.values(), self._book, self._around)

    def _problem(self, offers: tuple[Offer, ...]) -> Problem:
        book, around = self._book, self._around
        return Problem(
            offers=offers,
            tax=around.tax,
            rules=book.rules,
            trading=Trading(
                prices={security: quote.price for security, quote in book.prices.items()},
                costs=around.costs,
                fractional=frozenset(
                    account for account, facts in book.accounts.items() if facts.trades_fractions
                ),
            ),
            legal=self._legal,
            groups={
                one.sale.lot.security: around.group_of(one.sale.lot.security) for one in offers
            },
            charges_of=partial(_charges_of, book=book, around=around, later_rate=self._later_rate),
            smallest_loss=floors_on(book.as_of, book.rules)[0],
            stays_sold=around.stays_sold,
        )

    def _leave_homeless(self, offers: Mapping[LotKey, Offer]) -> dict[LotKey, Offer]:
        """Without the securities whose money has nowhere to go."""
        kept = {}
        for key, offer in offers.items():
            security = offer.sale.lot.security
            if self._legal[security] or self._book.rules.parks_in_cash:
                kept[key] = offer
            elif not offer.is_companion:
                self.others[key] = self._homeless(offer.sale, self._refused[security])
        return kept

    def _homeless(self, sale: Sale, refused: Sequence[str]) -> Finding:
        symbol = self._book.symbol(sale.lot.security)
        if not refused:
            why = f"No substitute is mapped for {symbol}."
            return finding_of(sale, Outcome.NO_SUBSTITUTE, why)
        why = f"No substitute can be bought: {'; '.join(refused)}."
        return finding_of(sale, Outcome.SUBSTITUTE_BLOCKED, why)

    def _leave_waiting(self, offers: dict[LotKey, Offer]) -> dict[LotKey, Offer]:
        """Without what is worth more on a later day; where others need it, it may still go along."""
        needed = {key for one in offers.values() for key in one.requires}
        kept = {}
        for key, offer in offers.items():
            if offer.is_companion:
                kept[key] = offer
                continue
            terms = valuation.alone(offer, self._problem((offer,)), self._later_rate)
            later = timing.better_day(
                offer, terms, self._around, self._book.rules, self._book.as_of
            )
            if later is None:
                kept[key] = offer
                continue
            why = (
                f"Taken on {later.day} it is worth ${later.net:,.2f}, today ${terms.net:,.2f}: "
                f"wait until {later.day}."
            )
            finding = finding_of(offer.sale, Outcome.WAIT, why, terms=terms)
            self.others[key] = replace(finding, wait_until=later.day)
            if key in needed:
                kept[key] = replace(offer, is_companion=True)
        return {key: one for key, one in kept.items() if one.requires <= kept.keys()}

    def plan(self, best: Best, taken: Sequence[Sale]) -> Plan:
        """The plan with every figure, and a verdict on each lot that is left alone."""
        chosen = {one.key: one for one in best.offers}
        for offer in self.problem.offers:
            if offer.key not in chosen and not offer.is_companion:
                self.others[offer.key] = left_out(
                    offer, best, self.problem, self._book, self._later_rate
                )
        sold = {sale.key for sale in taken}
        fallen = [
            one
            for one in self._fallen
            if (one.opening, one.part) not in self.others and not _goes_after_all(one, sold)
        ]
        return plan_of(
            best,
            taken,
            (*fallen, *(one for key, one in self.others.items() if key not in sold)),
            book=self._book,
            around=self._around,
            problem=self.problem,
        )


def _charges_of(
    offer: Offer, to: Destination, *, book: Book, around: Surroundings, later_rate: Decimal
) -> Charges:
    """D, O, G, X and Q of an offer."""
    sale, rules, as_of = offer.sale, book.rules, book.as_of
    figures = around.pairs.get((sale.lot.security, to.security))
    parked = to.security == CASH
    return Charges(
        later=offer.allowed * later_rate,
        window=window_opportunity(
            sale, around, rules, as_of=as_of, is_last=to.is_last and not parked
        ),
        swap_back=ZERO if parked else swap_back_risk(sale, figures, around, rules),
        tracking=_tracking(sale, to, around, book),
        dividends=dividend_cost(sale, around, as_of=as_of),
    )


def _screened(lot: LotRow, book: Book) -> Finding | None:
    quote = book.prices.get(lot.security)
    symbol = book.symbol(lot.security)
    if quote is None:
        why = f"{symbol} has no price on or before {book.as_of}: its loss is unknown."
        return unpriced(lot, Outcome.NO_PRICE, why)
    sale = sale_of(lot, lot.quantity, book)
    if lot.security in book.delisted:
        since = book.delisted[lot.security]
        why = f"{symbol} no longer trades since {since}: it cannot be sold on the exchange."
        return finding_of(sale, Outcome.DELISTED, why)
    if not book.is_fresh(lot.security):
        limit = book.rules.maximum_price_age_days
        why = f"The last price of {symbol} is of {quote.day}, more than {limit} trading days old."
        return finding_of(sale, Outcome.STALE_PRICE, why)
    if not book.accounts[lot.account].tax_managed:
        why = f"{book.account(lot.account)} is not tax-managed."
        return finding_of(sale, Outcome.NOT_TAX_MANAGED, why)
    why = below_floor(sale, book)
    return finding_of(sale, Outcome.BELOW_FLOOR, why) if why else None


def _destinations(
    offers: Iterable[Offer], book: Book, around: Surroundings
) -> tuple[dict[int, tuple[int, ...]], dict[int, tuple[str, ...]]]:
    """Security -> what may be bought instead of it by rank, and why each of the others may not."""
    standing = standing_refusals(book, around)
    legal: dict[int, tuple[int, ...]] = {}
    refused: dict[int, tuple[str, ...]] = {}
    for security in {one.sale.lot.security for one in offers}:
        refusals = refusals_for(
            security, standing=standing, sold=frozenset(), book=book, around=around
        )
        ranked = around.substitutes.get(security, ())
        legal[security] = tuple(one for one in ranked if one not in refusals)
        refused[security] = (
            *(refusals[one] for one in ranked if one in refusals),
            *around.out_of_date.get(security, ()),
            *around.left.get(security, ()),
        )
    return legal, refused


def _tracking(sale: Sale, to: Destination, around: Surroundings, book: Book) -> Decimal:
    figures = around.pairs.get((sale.lot.security, to.security))
    if figures is None and to.security != CASH:
        return ZERO  # no statistics were given at all
    return tracking_cost(sale, figures, around, book.rules)


def _with_fractions(best: Best, book: Book, around: Surroundings) -> tuple[Sale, ...]:
    """The sales to make: a position that goes to its last whole share takes its fractions with it."""
    chosen = {one.key: one.sale for one in best.offers}
    positions: dict[tuple[int, int], list[LotRow]] = {}
    for lot in book.lots:
        positions.setdefault((lot.account, lot.security), []).append(lot)
    sales = dict(chosen)
    for place in {sale.place for sale in chosen.values()}:
        lots = positions[place]
        if all(_leaves(lot, chosen, around) for lot in lots):
            sales |= {(lot.opening, lot.part): sale_of(lot, lot.quantity, book) for lot in lots}
    return tuple(sales.values())


def _leaves(lot: LotRow, chosen: Mapping[LotKey, Sale], around: Surroundings) -> bool:
    """Whether nothing of the lot stays but a part of a share."""
    key = (lot.opening, lot.part)
    if around.reserved.get(key):
        return False
    sold = chosen[key].quantity if key in chosen else ZERO
    return lot.quantity - sold < 1 and (sold > ZERO or not is_whole(lot.quantity))


def _goes_after_all(finding: Finding, sold: Collection[LotKey]) -> bool:
    """A part of a share was too small by itself, and leaves with its whole position."""
    return finding.outcome is Outcome.TOO_SMALL and (finding.opening, finding.part) in sold
