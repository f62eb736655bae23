"""Bounds on what a set of sales can be worth: no sum of ``harvesting.valuation`` is higher. Pure Decimal."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

from harvesting.economics import by_term
from harvesting.least_costs import Leasts, least_costs
from harvesting.offers import Offer
from harvesting.pairs import price_of_a_share
from harvesting.types import CASH, ZERO, LotKey, Place
from harvesting.valuation import Problem, saved
from lots.rounding import stored_money
from lots.types import Term
from lots.year_tax import loss_kinks, rate_lines

PricePair = tuple[Decimal, Decimal, Decimal]  # of a short loss, of a long loss, offset


def cuttable(problem: Problem) -> frozenset[LotKey]:
    """Lots of which a part may be sold: they require nothing to be clean, nothing requires them, none is deferred."""
    required = {key for one in problem.offers for key in one.requires}
    return frozenset(
        one.key
        for one in problem.offers
        if not one.requires and one.key not in required and not one.deferred
    )


def bound_of_parts(problem: Problem) -> Decimal:
    """No set in which lots are cut at will is worth more, dollars."""
    cut = cuttable(problem)
    least = least_costs(problem, cut=cut)
    totals = []
    for pair in price_pairs(problem, least):
        surpluses = (
            least.surplus_of_parts(one, price_at(one, pair))
            if one.key in cut
            else least.surplus(one, price_at(one, pair))
            for one in problem.offers
        )
        totals.append(pair[2] + sum(surpluses, ZERO))
    return max(min(totals), ZERO)


def gain_of_cutting(problem: Problem) -> Decimal | None:
    """Dollars by which a set with lots cut can beat every set of whole lots at most; None = no such limit is known.

    Where the tax rate does not change within reach, no order has impact or a least commission, every lot has one
    destination and is worth more than it costs, a part of a lot is worth its part, and whole lots are better but for
    what they leave over of a share of the substitute.
    """
    costs = problem.trading.costs
    least = least_costs(problem, cut=cuttable(problem))
    if has_kinks(problem) or any(one.minimum for one in costs.commissions.values()):
        return None
    idle: dict[Place, Decimal] = {}
    for one in problem.offers:
        (only, *others) = least.by_offer[one.key]
        if others or only.convex or _saved_alone(one, problem) < only.linear:
            return None
        pair = (one.sale.lot.account, only.to.security)
        idle[pair] = max(idle.get(pair, ZERO), only.idle)
    return sum(
        (
            price_of_a_share(pair, problem.trading) * of_a_dollar
            for pair, of_a_dollar in idle.items()
            if pair[1] != CASH
        ),
        ZERO,
    )


def _saved_alone(offer: Offer, problem: Problem) -> Decimal:
    return saved(*by_term(offer.sale.term, offer.allowed), problem)


def price_pairs(problem: Problem, least: Leasts) -> list[PricePair]:
    """(price of a short loss, of a long loss, offset): V(x, y) <= offset + price x + price y everywhere in reach.

    V, what losses x and y save, is linear between the lines on which its rate changes, so the offset is found where
    those lines cross each other or the edge of what can be reached.
    """
    corners = _corners(problem)
    tax = problem.tax
    rates = {tax.short_rate, tax.long_rate, tax.ordinary_rate, tax.carried_loss_value}
    for offer in problem.offers:
        if offer.allowed > ZERO:
            rates.add(
                (least.whole(offer) / offer.allowed).quantize(Decimal("0.0001"), ROUND_CEILING)
            )
    kept = sorted(rates)
    step = max(1, len(kept) // 8)
    kept = sorted({*kept[::step], kept[-1], tax.short_rate, tax.long_rate})
    pairs = []
    for at_short in kept:
        for at_long in kept:
            offset = max(worth - at_short * x - at_long * y for x, y, worth in corners)
            pairs.append((at_short, at_long, offset))
    return pairs


def _corners(problem: Problem) -> list[tuple[Decimal, Decimal, Decimal]]:
    """(x, y, V) of the crossings within reach, each once, to a ten-thousandth of a dollar."""
    (low_x, high_x), (low_y, high_y) = _reaches(problem.offers)
    lines = rate_lines(problem.tax)
    xs = _within(lines.short, low_x, high_x)
    ys = _within(lines.long, low_y, high_y)
    sums = _within(lines.both, low_x + low_y, high_x + high_y)
    points = {(x, y) for x in xs for y in ys}
    points |= {(x, line - x) for x in xs for line in sums}
    points |= {(line - y, y) for y in ys for line in sums}
    return [
        (x, y, saved(x, y, problem))
        for x, y in sorted(points)
        if low_x <= x <= high_x and low_y <= y <= high_y
    ]


def _within(lines: Iterable[Fraction], low: Decimal, high: Decimal) -> set[Decimal]:
    """The edges, and the lines between them."""
    return {low, high, *(stored_money(line) for line in lines if low < line < high)}


def has_kinks(problem: Problem) -> bool:
    """Whether the tax rate of a dollar of loss changes anywhere within reach, so that a part of a lot may be best."""
    (_, short), (_, long) = _reaches(problem.offers)
    return any(
        loss_kinks(problem.tax, term=term, upto=upto)
        for term, upto in ((Term.SHORT, short), (Term.LONG, long), (Term.LONG, short + long))
        if upto > ZERO
    )


def _reaches(offers: Iterable[Offer]) -> tuple[tuple[Decimal, Decimal], tuple[Decimal, Decimal]]:
    """(least, most) dollars of allowed loss that any set has: short, long."""
    held = tuple(offers)
    return _reach(held, Term.SHORT), _reach(held, Term.LONG)


def _reach(offers: Iterable[Offer], term: Term) -> tuple[Decimal, Decimal]:
    losses = [one.allowed for one in offers if one.sale.term is term]
    return (
        sum((loss for loss in losses if loss < ZERO), ZERO),
        sum((loss for loss in losses if loss > ZERO), ZERO),
    )


def price_at(offer: Offer, pair: PricePair) -> Decimal:
    """The price of a dollar of the offer's loss."""
    return pair[0] if offer.sale.term is Term.SHORT else pair[1]


def tails(parts: Sequence[Decimal]) -> list[Decimal]:
    """Sum of the parts from each place on."""
    tails = [ZERO]
    for part in reversed(parts):
        tails.append(tails[-1] + part)
    return tails[::-1]
