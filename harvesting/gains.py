"""Gain harvesting: lots at a gain sold and the same shares bought back at once, where the whole sum is positive. Pure.

The wash-sale rule knows losses only, so a gain may be taken and the shares kept. What it buys is a higher basis: less
tax later. What it costs is the tax that the gain adds to this year, at the household's own brackets after netting: none
inside the 0 % long-term bracket, and where carried losses are used up what those are worth; and both legs.

``sum = gain x later rate - tax now - cost of both legs``, with the floors of the policy. ``harvesting.gain_search``
finds its optimum in whole shares over all lots together.

A lot is left alone where buying back is blocked by a loss sold in the last 30 days or a restriction; where tonight's
other proposals sell the security, or one identical to it; where a fill might be a loss, which the purchase would wash;
and where a loss of the same security may be worth taking in the next 30 days: the purchase would close its window.

Not in the sum: the holding period of the shares bought back begins anew, so what they gain in the first year is
short-term if they have to be sold in it; and what depends on adjusted gross income beside the net investment income
tax, such as premium credits and Medicare premiums.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from fractions import Fraction

from harvesting.economics import later_rate, to_the_cent
from harvesting.gain_search import Counts, Offer, Search, Terms
from harvesting.sales import selling_leg
from harvesting.types import ZERO, Book, LotKey, Sale, dollars_traded
from lots.coverage import Coverage
from lots.held_lots import basis_of, term_of
from lots.rounding import cents, terminating
from lots.types import Ledger, LotRow, Term
from lots.year_tax import TaxPosition, added_tax
from proposals.budgets import Gains, Usage, fits
from proposals.compliance import entries_of, washed_by
from proposals.costs import TradeCost, TradingCosts
from proposals.types import DraftTrade, Side, may_turn_loss

CENT = Decimal("0.01")
A_SHARE = Decimal("0.00000001")  # to which a gain a share is cut
REASON = "GAIN_HARVEST"


class GainOutcome(StrEnum):
    """The verdict on one lot at a gain; everything but TAKE is a reason for leaving it."""

    TAKE = "take"
    NOT_WORTH_IT = "not_worth_it"  # the sum does not reach the floor
    NEARLY_A_LOSS = "nearly_a_loss"  # a fill might be a loss
    BUY_BLOCKED = "buy_blocked"
    RESTRICTED = "restricted"  # must not be bought or sold in the account
    SOLD_TONIGHT = "sold_tonight"  # by another proposal of the night
    CLOSES_WINDOW = "closes_window"  # a loss of the same security may still be taken
    PRICE_JUMP = "price_jump"
    RESERVED = "reserved"
    WASHES = "washes"  # the tax engine's word
    TOO_SMALL = "too_small"  # less than one whole share, to sell or to buy back


@dataclass(frozen=True, slots=True, kw_only=True)
class GainSurroundings:
    """Everything around the gains. Texts are clauses for people; ids are primary keys."""

    tax: TaxPosition  # the year with everything on its way and tonight's other proposals
    costs: TradingCosts
    coverage: Coverage
    accounts: frozenset[int]  # whose sales are on the household's return
    usage: Usage | None = None  # None = there is no budget
    buy_blocked: Mapping[int, str] = field(default_factory=dict)
    restricted: Mapping[tuple[int, int], str] = field(default_factory=dict)  # account, security
    reserved: Mapping[LotKey, Decimal] = field(default_factory=dict)
    sold_tonight: frozenset[int] = frozenset()
    groups: tuple[frozenset[int], ...] = ()
    doubtful: Mapping[int, str] = field(default_factory=dict)
    washing: Mapping[int, str] = field(default_factory=dict)
    too_small: frozenset[tuple[int, int]] = frozenset()  # positions whose money buys no share

    def group_of(self, security: int) -> frozenset[int]:
        """The security with everything that is substantially identical to it."""
        own = frozenset({security})
        return own.union(*(group for group in self.groups if security in group))


@dataclass(frozen=True, slots=True)
class GainFinding:
    """The verdict on one lot at a gain in one sentence; ``gain`` in dollars is that of ``quantity``."""

    account: int
    security: int
    opening: int
    part: int
    outcome: GainOutcome
    detail: str
    quantity: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True)
class GainPair:
    """All sales of one position and the one purchase that their money pays for; never more shares than were sold."""

    number: int
    account: int
    security: int
    sales: tuple[Sale, ...]
    quantity: Decimal  # whole shares bought back
    price: Decimal
    amount: Decimal
    cost: TradeCost  # of both legs
    cash_left: Decimal

    @property
    def sold(self) -> Decimal:
        return sum((sale.quantity for sale in self.sales), ZERO)

    @property
    def gain(self) -> Decimal:
        return sum((gain_of(sale) for sale in self.sales), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class GainPlan:
    """What to take with its sum, to the cent, and why the rest is left."""

    pairs: tuple[GainPair, ...] = ()
    findings: tuple[GainFinding, ...] = ()
    gains: Gains = field(default_factory=Gains)
    later_tax: Decimal = ZERO  # avoided, at today's worth
    tax_now: Decimal = ZERO  # what carried losses are worth included
    cost: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.later_tax - self.tax_now - self.cost


def gain_of(sale: Sale) -> Decimal:
    """Dollars above basis."""
    return sale.amount - sale.basis


def clean_plan(book: Book, around: GainSurroundings, ledger: Ledger) -> GainPlan:
    """The plan in which the tax engine finds no wash sale: what it objects to is left out, the rest decided again."""
    while True:
        plan = find(book, around)
        washes = washed_by(ledger, entries_of(trades_of(plan), book.as_of)) if plan.pairs else ()
        if not washes:
            return plan
        traded = {pair.security for pair in plan.pairs}
        guilty = {one for wash in washes for one in around.group_of(wash.security)} & traded
        text = "The tax engine finds that buying it back would wash a loss (R5)."
        around = replace(
            around, washing={**around.washing, **dict.fromkeys(guilty or traded, text)}
        )


def find(book: Book, around: GainSurroundings) -> GainPlan:
    """What to take, and a finding for every lot at a gain in a taxable, tax-managed account."""
    while True:
        offers, findings = _offers(book, around)
        search = Search(offers, _terms(book, around))
        counts = search.best() if offers else ()
        lots = {(lot.opening, lot.part): lot for lot in book.lots}
        taken = [
            _sale(lots[offer.key], Decimal(count), book)
            for offer, count in zip(search.offers, counts, strict=True)
            if count
        ]
        pairs = _pairs(taken, book, around)
        small = {(pair.account, pair.security) for pair in pairs if not pair.quantity}
        if small:
            around = replace(around, too_small=around.too_small | small)
            continue
        left = tuple(_left(search, counts, book, around))
        return _plan(pairs, (*findings, *_taken(taken, book), *left), book, around)


def trades_of(plan: GainPlan) -> tuple[DraftTrade, ...]:
    """Pair by pair: the named lots sold, then the one purchase of the same security."""
    return tuple(trade for pair in plan.pairs for trade in _legs(pair))


def _legs(pair: GainPair) -> Iterator[DraftTrade]:
    for sale in pair.sales:
        yield selling_leg(sale, pair=pair.number, reason=REASON)
    yield DraftTrade(
        account=pair.account,
        security=pair.security,
        side=Side.BUY,
        quantity=pair.quantity,
        price=pair.price,
        reason=REASON,
        pair=pair.number,
    )


def _offers(book: Book, around: GainSurroundings) -> tuple[list[Offer], list[GainFinding]]:
    offers, findings = [], []
    closing = _with_losses(book, around)
    for lot in book.lots:
        account = book.accounts[lot.account]
        if lot.account not in around.accounts or not account.tax_managed:
            continue
        if not book.is_fresh(lot.security):
            continue
        sale = _sale(lot, lot.quantity, book)
        if gain_of(sale) <= ZERO:
            continue
        free = lot.quantity - around.reserved.get((lot.opening, lot.part), ZERO)
        shares = free.to_integral_value(ROUND_FLOOR)
        outcome, why = _refusal(sale, shares, closing, book, around)
        if outcome is None:
            offers.append(_offer(sale, int(shares), around))
        else:
            findings.append(_finding(sale, outcome, why))
    return offers, findings


def _refusal(
    sale: Sale, shares: Decimal, closing: frozenset[int], book: Book, around: GainSurroundings
) -> tuple[GainOutcome | None, str]:
    """Why a lot at a gain is left alone before anything is summed up."""
    security = sale.lot.security
    symbol = book.symbol(security)
    if security in around.buy_blocked:
        return (
            GainOutcome.BUY_BLOCKED,
            f"{symbol} cannot be bought back: {around.buy_blocked[security]}.",
        )
    if (sale.lot.account, security) in around.restricted:
        return GainOutcome.RESTRICTED, around.restricted[sale.lot.account, security]
    if around.group_of(security) & around.sold_tonight:
        return GainOutcome.SOLD_TONIGHT, f"Another proposal of this night sells {symbol}."
    if security in around.washing:
        return GainOutcome.WASHES, around.washing[security]
    if security in around.doubtful:
        return (
            GainOutcome.PRICE_JUMP,
            f"Nothing is decided on a doubtful price: {around.doubtful[security]}.",
        )
    if may_turn_loss(proceeds=sale.amount, basis=sale.basis):
        why = "A gain so small may be filled as a loss, which the purchase would wash."
        return GainOutcome.NEARLY_A_LOSS, why
    if security in closing:
        why = f"A loss of {symbol} may still be taken: buying it back would close its window for 30 days."
        return GainOutcome.CLOSES_WINDOW, why
    if shares < 1 and sale.lot.quantity >= 1:
        return GainOutcome.RESERVED, f"Other open proposals sell these shares of {symbol}."
    if shares < 1 or (sale.lot.account, security) in around.too_small:
        return GainOutcome.TOO_SMALL, "Less than one whole share can be sold or bought back."
    return None, ""


def _with_losses(book: Book, around: GainSurroundings) -> frozenset[int]:
    """Securities, or identical ones, of which a taxable account holds a loss above the policy's floor in dollars."""
    losses: dict[int, Decimal] = {}
    for lot in book.lots:
        if book.accounts[lot.account].is_taxable and lot.security in book.prices:
            sale = _sale(lot, lot.quantity, book)
            losses[lot.security] = losses.get(lot.security, ZERO) + max(sale.loss, ZERO)
    floor = book.rules.minimum_loss
    deep = {security for security, loss in losses.items() if loss > ZERO and loss >= floor}
    return frozenset(one for security in deep for one in around.group_of(security))


def _offer(sale: Sale, shares: int, around: GainSurroundings) -> Offer:
    lot = sale.lot
    a_share = Fraction(gain_of(sale)) / Fraction(lot.quantity)
    gain = Fraction(terminating(a_share // Fraction(A_SHARE) * Fraction(A_SHARE)))
    both = _both_legs((lot.account, lot.security), shares, sale.price, around)
    return Offer(
        key=sale.key,
        position=(lot.account, lot.security),
        term=sale.term,
        shares=shares,
        gain=gain,
        cost=both / shares,
    )


def _terms(book: Book, around: GainSurroundings) -> Terms:
    known: dict[tuple[tuple[int, int], int], Fraction] = {}

    def cost(position: tuple[int, int], shares: int) -> Fraction:
        key = (position, shares)
        if key not in known:
            known[key] = _both_legs(position, shares, book.prices[position[1]].price, around)
        return known[key]

    # Amounts are cents and a gain a share is cut: a cent for every lot that may be sold keeps a budget whole.
    slack = CENT * len(book.lots)

    def within(short: Fraction, long: Fraction) -> bool:
        gains = Gains(
            terminating(short) + slack if short else ZERO,
            terminating(long) + slack if long else ZERO,
        )
        return fits(around.usage, gains)

    return Terms(
        tax=around.tax,
        later_rate=Fraction(later_rate(book.rules, around.tax)),
        cost=cost,
        first_floor=Fraction(book.rules.minimum_pair_benefit),
        further_floor=Fraction(book.rules.minimum_benefit),
        fits=within,
    )


def _both_legs(
    position: tuple[int, int], shares: int, price: Decimal, around: GainSurroundings
) -> Fraction:
    """Upper bound of what a position costs: the shares sold and as many bought back."""
    return 2 * Fraction(_cost(position, Decimal(shares), price, around).total)


def _cost(
    position: tuple[int, int], shares: Decimal, price: Decimal, around: GainSurroundings
) -> TradeCost:
    account, security = position
    amount = dollars_traded(shares, price)
    return around.costs.of(account=account, security=security, shares=shares, amount=amount)


def _sale(lot: LotRow, quantity: Decimal, book: Book) -> Sale:
    price = book.prices[lot.security].price
    amount = dollars_traded(quantity, price)
    basis = basis_of(lot, quantity, amount)
    term = term_of(lot, book.as_of, is_loss=amount < basis)
    return Sale(lot=lot, quantity=quantity, price=price, amount=amount, basis=basis, term=term)


def _pairs(taken: list[Sale], book: Book, around: GainSurroundings) -> tuple[GainPair, ...]:
    positions: dict[tuple[int, int], list[Sale]] = {}
    for sale in taken:
        positions.setdefault((sale.lot.account, sale.lot.security), []).append(sale)
    return tuple(
        _pair(number, position, positions[position], around)
        for number, position in enumerate(sorted(positions), start=1)
    )


def _pair(
    number: int, position: tuple[int, int], sales: list[Sale], around: GainSurroundings
) -> GainPair:
    """Buy back as many whole shares as the proceeds pay for, both costs taken off; the rest stays in cash."""
    price = sales[0].price
    sold = sum((sale.quantity for sale in sales), ZERO)
    selling = _cost(position, sold, price, around)
    money = sum((sale.amount for sale in sales), ZERO) - selling.total
    low, high = 0, int(sold)
    while low < high:
        middle = (low + high + 1) // 2
        cost = _cost(position, Decimal(middle), price, around).total
        if dollars_traded(Decimal(middle), price) + cost <= money:
            low = middle
        else:
            high = middle - 1
    quantity = Decimal(low)
    amount, buying = dollars_traded(quantity, price), _cost(position, quantity, price, around)
    return GainPair(
        number=number,
        account=position[0],
        security=position[1],
        sales=tuple(sorted(sales, key=lambda sale: sale.key)),
        quantity=quantity,
        price=price,
        amount=amount,
        cost=selling + buying,
        cash_left=to_the_cent(money - amount - buying.total),
    )


def _plan(
    pairs: tuple[GainPair, ...],
    findings: tuple[GainFinding, ...],
    book: Book,
    around: GainSurroundings,
) -> GainPlan:
    """The sum of what is traded, by one last difference of two computations of the year's tax."""
    gains = {
        term: sum(
            (gain_of(sale) for pair in pairs for sale in pair.sales if sale.term is term), ZERO
        )
        for term in Term
    }
    short, long = gains[Term.SHORT], gains[Term.LONG]
    rate = later_rate(book.rules, around.tax)
    return GainPlan(
        pairs=pairs,
        findings=findings,
        gains=Gains(short, long),
        later_tax=to_the_cent((short + long) * rate),
        tax_now=to_the_cent(added_tax(around.tax, short=short, long=long)),
        cost=to_the_cent(sum((pair.cost.total for pair in pairs), ZERO)),
    )


def _taken(taken: list[Sale], book: Book) -> Iterator[GainFinding]:
    for sale in taken:
        text = f"Taken: a {sale.term}-term gain of ${gain_of(sale):,.2f}."
        yield _finding(sale, GainOutcome.TAKE, text)


def _left(
    search: Search, counts: Counts, book: Book, around: GainSurroundings
) -> Iterator[GainFinding]:
    """Every offer of which nothing is sold, with what all of it would have brought beside the rest."""
    lots = {(lot.opening, lot.part): lot for lot in book.lots}
    for at, (offer, count) in enumerate(zip(search.offers, counts, strict=True)):
        if count:
            continue
        more = (*counts[:at], offer.shares, *counts[at + 1 :])
        sale = _sale(lots[offer.key], Decimal(offer.shares), book)
        brought = cents(search.net(more) - search.net(counts))
        later = to_the_cent(gain_of(sale) * later_rate(book.rules, around.tax))
        text = (
            f"A {offer.term}-term gain of ${gain_of(sale):,.2f} would avoid ${later:,.2f} of later tax; less "
            f"tax now and cost it brings ${brought:,.2f}, and fewer shares no more than their floor."
        )
        if not search.fits(more):
            text += " The household's budget of gains does not take all of it."
        yield _finding(sale, GainOutcome.NOT_WORTH_IT, text)


def _finding(sale: Sale, outcome: GainOutcome, detail: str) -> GainFinding:
    return GainFinding(
        account=sale.lot.account,
        security=sale.lot.security,
        opening=sale.lot.opening,
        part=sale.lot.part,
        outcome=outcome,
        detail=detail,
        quantity=sale.quantity,
        gain=gain_of(sale),
    )
