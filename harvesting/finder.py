"""Which losses to take, and why not each of the others. Pure: no database, no clock.

``screen`` needs lots and prices alone: it keeps the loss lots of taxable, tax-managed accounts that have a fresh price
and pass the floors in dollars and per cent. For most households nothing is left, and nothing more is looked at.

``find`` decides about what is left:

1. Shares that an open proposal sells are out; so is a security whose price moved as no price does.
2. Whole shares only, unless all of a position goes.
3. Nothing that a purchase of the last 30 days would wash (``harvesting.lookback``).
4. Each security goes into its first usable substitute (``harvesting.substitutes``). What is sold at a loss today is
   nobody's destination; where two would need each other, the larger loss stays and the smaller one waits.
5. What is left is valued one lot after the other, largest tax saved per dollar of cost first, each on the tax position
   that the lots before it have left. A lot stays only if it saves more than its cost by the floor.
6. The money of each account and substitute must buy one whole share at least.

A lot that fails 5 or 6 is out for good, and 2 to 5 are done again without it: its shares might have been the purchase
that 3 relied on to be sold along.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import partial

from harvesting import lookback
from harvesting.economics import after, both_legs, saved_by, to_the_cent
from harvesting.pairs import paired, share_of_cost
from harvesting.substitutes import Choice, choose, refusals_for, standing_refusals
from harvesting.types import (
    ZERO,
    Book,
    Candidate,
    Finding,
    LotKey,
    Outcome,
    Pair,
    Plan,
    Sale,
    Surroundings,
    dollars_traded,
)
from lots.held_lots import basis_of, term_of
from lots.rounding import cents, spread
from lots.types import LotRow

Verdicts = dict[LotKey, Finding]


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
    offered, findings = _offered(book, lots, around)
    declined: Verdicts = {}
    while True:
        live = {key: lot for key, lot in offered.items() if key not in declined}
        sales, destinations, waiting = _possible(book, live, around)
        taken, refused = _worth_taking(book, sales, destinations, around)
        pairs = paired(taken, destinations, book=book, around=around)
        refused.update(_too_small_to_pair(pairs, book))
        if not refused:
            break
        declined.update(refused)
    others = (*findings, *declined.values(), *waiting.values())
    return _plan(taken, destinations, pairs, others, book, around)


def passed_over(lots: Sequence[LotRow], book: Book, outcome: Outcome, why: str) -> list[Finding]:
    """One verdict for all the lots, which passed the screen."""
    return [_finding(_sale(lot, lot.quantity, book), outcome, why) for lot in lots]


def _screened(lot: LotRow, book: Book) -> Finding | None:
    quote = book.prices.get(lot.security)
    symbol = book.symbol(lot.security)
    if quote is None:
        why = f"{symbol} has no price on or before {book.as_of}: its loss is unknown."
        return _verdict(lot, Outcome.NO_PRICE, why, quantity=lot.quantity, loss=ZERO)
    sale = _sale(lot, lot.quantity, book)
    if lot.security in book.delisted:
        since = book.delisted[lot.security]
        why = f"{symbol} no longer trades since {since}: it cannot be sold on the exchange."
        return _finding(sale, Outcome.DELISTED, why)
    if not book.is_fresh(lot.security):
        limit = book.rules.maximum_price_age_days
        why = f"The last price of {symbol} is of {quote.day}, more than {limit} trading days old."
        return _finding(sale, Outcome.STALE_PRICE, why)
    if not book.accounts[lot.account].tax_managed:
        why = f"{book.account(lot.account)} is not tax-managed."
        return _finding(sale, Outcome.NOT_TAX_MANAGED, why)
    why = _below_floor(sale, book)
    return _finding(sale, Outcome.BELOW_FLOOR, why) if why else None


def _below_floor(sale: Sale, book: Book) -> str:
    """What the loss falls short of; empty = it passes."""
    floors = book.rules
    if sale.loss < floors.minimum_loss or sale.loss <= ZERO:
        return f"A loss of ${sale.loss:,.2f} is under the floor of ${floors.minimum_loss:,.2f}."
    if sale.loss < floors.minimum_loss_fraction * sale.basis:
        part = _percent(sale.loss / sale.basis)
        floor = _percent(floors.minimum_loss_fraction)
        return f"A loss of ${sale.loss:,.2f} is {part} of the basis, under the floor of {floor}."
    return ""


def _offered(
    book: Book, lots: Sequence[LotRow], around: Surroundings
) -> tuple[dict[LotKey, LotRow], list[Finding]]:
    """The lots cut down to the shares that are free to be sold, and what falls out at once."""
    offered: dict[LotKey, LotRow] = {}
    findings: list[Finding] = []
    for lot in lots:
        key = (lot.opening, lot.part)
        whole = _sale(lot, lot.quantity, book)
        if lot.security in around.doubtful:
            why = f"{_capital(around.doubtful[lot.security])}."
            findings.append(_finding(whole, Outcome.PRICE_JUMP, why))
            continue
        reserved = min(around.reserved.get(key, ZERO), lot.quantity)
        if reserved:
            gone = _sale(lot, reserved, book)
            why = f"An open proposal sells {_shares(reserved)} shares of this lot already."
            findings.append(_finding(gone, Outcome.RESERVED, why))
        if reserved == lot.quantity:
            continue
        free = _sale(lot, lot.quantity - reserved, book)
        if why := _below_floor(free, book):
            findings.append(_finding(free, Outcome.BELOW_FLOOR, why))
        else:
            offered[key] = lot
    return offered, findings


def _possible(
    book: Book, live: Mapping[LotKey, LotRow], around: Surroundings
) -> tuple[list[Sale], dict[LotKey, int], Verdicts]:
    """What the windows and the substitutes permit of ``live``: the sales, where each one's money goes, and the rest."""
    out: Verdicts = {}
    standing = standing_refusals(book, around)
    while True:
        lots = [lot for key, lot in live.items() if key not in out]
        sales, fallen = _in_whole_shares(book, lots, around)
        fallen.update(_washing(sales, book, around))
        if not fallen:
            destinations, fallen = _destinations(sales, standing, book, around)
        if not fallen:
            return sales, destinations, out
        out.update(fallen)


def _in_whole_shares(
    book: Book, lots: Iterable[LotRow], around: Surroundings
) -> tuple[list[Sale], Verdicts]:
    """Sales of whole shares; a position that goes entirely takes its fractions with it."""
    free = {(lot.opening, lot.part): _free(lot, around) for lot in lots}
    kept = {
        (lot.account, lot.security)
        for lot in book.lots
        if free.get((lot.opening, lot.part), ZERO) < lot.quantity
    }
    sales, fallen = [], {}
    for lot in lots:
        key = (lot.opening, lot.part)
        quantity = free[key]
        if (lot.account, lot.security) in kept:
            quantity = quantity.to_integral_value(ROUND_FLOOR)
        if quantity:
            sales.append(_sale(lot, quantity, book))
        else:
            why = f"{_shares(free[key])} shares are less than one whole share to sell."
            fallen[key] = _finding(_sale(lot, free[key], book), Outcome.TOO_SMALL, why)
    return sales, fallen


def _washing(sales: Sequence[Sale], book: Book, around: Surroundings) -> Verdicts:
    """Sales that a purchase of the last 30 days, or the engine's own verdict, forbids."""
    recent = lookback.blocked(sales, around)
    fallen = {}
    for sale in sales:
        if sale.key in recent:
            why = _capital(lookback.told(recent[sale.key], book))
            fallen[sale.key] = _finding(sale, Outcome.RECENT_PURCHASE, why)
        elif sale.lot.security in around.washing:
            why = around.washing[sale.lot.security]
            fallen[sale.key] = _finding(sale, Outcome.RECENT_PURCHASE, why)
    return fallen


def _destinations(
    sales: Sequence[Sale], standing: Mapping[int, str], book: Book, around: Surroundings
) -> tuple[dict[LotKey, int], Verdicts]:
    """The substitute of every sale; or, where some have none, the verdicts on those that fall out first."""
    securities = sorted({sale.lot.security for sale in sales})
    sold = frozenset(one for security in securities for one in around.group_of(security))
    refusals = partial(refusals_for, standing=standing, book=book, around=around)
    choices: dict[int, Choice] = {}
    hopeless: set[int] = set()
    stuck: set[int] = set()
    for security in securities:
        ranked = around.substitutes.get(security, ())
        choices[security] = choose(ranked, refusals(security, sold=sold))
        if choices[security].substitute is None:
            alone = choose(ranked, refusals(security, sold=frozenset()))
            (hopeless if alone.substitute is None else stuck).add(security)
    if not hopeless and not stuck:
        found = {security: choices[security].substitute for security in securities}
        return {sale.key: found[sale.lot.security] or 0 for sale in sales}, {}
    leaving = hopeless or {min(stuck, key=lambda one: (_loss_of(one, sales), one))}
    return {}, {
        sale.key: _homeless(sale, choices[sale.lot.security].refused, book, around)
        for sale in sales
        if sale.lot.security in leaving
    }


def _homeless(sale: Sale, refused: Sequence[str], book: Book, around: Surroundings) -> Finding:
    symbol = book.symbol(sale.lot.security)
    if not refused:
        why = f"No substitute is mapped for {symbol}."
        if unused := around.unused_mappings.get(sale.lot.security):
            why = f"No substitute of {symbol} may be used: {'; '.join(unused)}."
        return _finding(sale, Outcome.NO_SUBSTITUTE, why)
    refused = (*refused, *around.unused_mappings.get(sale.lot.security, ()))
    why = "; ".join(refused)
    return _finding(sale, Outcome.SUBSTITUTE_BLOCKED, f"No substitute can be bought: {why}.")


def _worth_taking(
    book: Book,
    sales: Sequence[Sale],
    destinations: Mapping[LotKey, int],
    around: Surroundings,
) -> tuple[list[Sale], Verdicts]:
    """Sales in the order of their value that clear the benefit floor one after the other, and those that do not."""
    costs = {sale.key: _highest_cost(sale, destinations[sale.key], around) for sale in sales}
    floor = book.rules.minimum_benefit
    taken: list[Sale] = []
    refused: Verdicts = {}
    year = around.tax
    for sale in sorted(sales, key=lambda one: _rank(one, costs[one.key], around)):
        saved, cost = saved_by(year, sale), costs[sale.key]
        if saved - cost >= floor:
            taken.append(sale)
            year = after(year, [sale])
            continue
        why = (
            f"It would save ${saved:,.2f} of tax at this household's rates after netting and cost "
            f"${cost:,.2f}; the net must reach ${floor:,.2f}."
        )
        finding = _finding(sale, Outcome.NO_BENEFIT, why)
        refused[sale.key] = replace(finding, tax_saved=to_the_cent(saved), cost=to_the_cent(cost))
    return taken, refused


def _rank(sale: Sale, cost: Decimal, around: Surroundings) -> tuple[Decimal, Decimal, LotKey]:
    """Most tax saved per dollar of cost first, on the year as it stands; the larger loss of equals first."""
    saved = saved_by(around.tax, sale)
    ratio = saved / cost if cost else Decimal("Infinity")
    return (-ratio, -sale.loss, sale.key)


def _highest_cost(sale: Sale, substitute: int, around: Surroundings) -> Decimal:
    spreads = around.half_spreads
    return both_legs(
        sale.amount,
        sold=spreads.get(sale.lot.security, ZERO),
        bought=spreads.get(substitute, ZERO),
    )


def _too_small_to_pair(pairs: Iterable[Pair], book: Book) -> Verdicts:
    fallen = {}
    for pair in pairs:
        if pair.quantity:
            continue
        symbol = book.symbol(pair.substitute)
        why = f"${pair.cash_left:,.2f} do not buy one share of {symbol} at ${pair.price:,.2f}."
        for sale in pair.sales:
            fallen[sale.key] = _finding(sale, Outcome.TOO_SMALL, why)
    return fallen


def _plan(
    taken: Sequence[Sale],
    destinations: Mapping[LotKey, int],
    pairs: Sequence[Pair],
    others: Iterable[Finding],
    book: Book,
    around: Surroundings,
) -> Plan:
    """Figures per lot that add up to the totals to the cent (largest remainder)."""
    marginals, year = [], around.tax
    for sale in taken:
        marginals.append(Fraction(saved_by(year, sale)))
        year = after(year, [sale])
    pair_of = {sale.key: pair for pair in pairs for sale in pair.sales}
    costs = [share_of_cost(sale, pair_of[sale.key], around) for sale in taken]
    total_saved, total_cost = cents(sum(marginals, Fraction(0))), cents(sum(costs, Fraction(0)))
    candidates = tuple(
        Candidate(sale, destinations[sale.key], saved, cost)
        for sale, saved, cost in zip(
            taken, spread(total_saved, marginals), spread(total_cost, costs), strict=True
        )
    )
    findings = (*(_taken(candidate, book) for candidate in candidates), *others)
    return Plan(candidates, tuple(pairs), findings, total_saved, total_cost)


def _taken(candidate: Candidate, book: Book) -> Finding:
    sale = candidate.sale
    why = (
        f"Sell {_shares(sale.quantity)} {book.symbol(sale.lot.security)} for ${sale.amount:,.2f} "
        f"({sale.term}-term loss ${sale.loss:,.2f}) and buy {book.symbol(candidate.substitute)}: "
        f"saves ${candidate.tax_saved:,.2f} of tax for ${candidate.cost:,.2f} of cost."
    )
    finding = _finding(sale, Outcome.TAKE, why)
    return replace(finding, tax_saved=candidate.tax_saved, cost=candidate.cost)


def _sale(lot: LotRow, quantity: Decimal, book: Book) -> Sale:
    """The sale of some or all shares of a lot at today's price; a part carries its part of the basis.

    A gift's loss is measured on its value at the gift, if that was less than the donor's basis.
    """
    price = book.prices[lot.security].price
    amount = dollars_traded(quantity, price)
    basis = basis_of(lot, quantity, amount)
    return Sale(
        lot=lot,
        quantity=quantity,
        price=price,
        amount=amount,
        basis=basis,
        term=term_of(lot, book.as_of, is_loss=amount < basis),
    )


def _finding(sale: Sale, outcome: Outcome, why: str) -> Finding:
    return _verdict(sale.lot, outcome, why, quantity=sale.quantity, loss=sale.loss)


def _verdict(
    lot: LotRow, outcome: Outcome, why: str, *, quantity: Decimal, loss: Decimal
) -> Finding:
    return Finding(
        account=lot.account,
        security=lot.security,
        opening=lot.opening,
        part=lot.part,
        outcome=outcome,
        detail=why,
        quantity=quantity,
        loss=loss,
    )


def _free(lot: LotRow, around: Surroundings) -> Decimal:
    return max(lot.quantity - around.reserved.get((lot.opening, lot.part), ZERO), ZERO)


def _loss_of(security: int, sales: Iterable[Sale]) -> Decimal:
    return sum((sale.loss for sale in sales if sale.lot.security == security), ZERO)


def _percent(fraction: Decimal) -> str:
    return f"{fraction * 100:.1f} %"


def _shares(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
