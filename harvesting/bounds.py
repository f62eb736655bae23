"""Bounds on what a set of sales can be worth: no sum of ``harvesting.valuation`` is higher. Pure Decimal."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

from harvesting.offers import Offer
from harvesting.types import ZERO
from harvesting.valuation import CASH, Destination, Problem, hurdle, saved
from lots.rounding import stored_money
from lots.types import Term
from lots.year_tax import loss_kinks, rate_lines


def least_charges(problem: Problem) -> list[Decimal]:
    """What each offer costs at least in any set: its charges, its orders as if alone, its part of what is paid once."""
    orders: dict[tuple[int, int], int] = {}
    pairs: dict[tuple[int, int], int] = {}
    everything = frozenset().union(
        *(problem.groups[one.sale.lot.security] for one in problem.offers)
    )
    possible = {
        one.sale.lot.security: _possible_destinations(one.sale.lot.security, problem, everything)
        for one in problem.offers
    }
    for one in problem.offers:
        account, security = one.sale.lot.account, one.sale.lot.security
        orders[account, security] = orders.get((account, security), 0) + 1
        if not one.is_companion:
            pair = (account, possible[security][0].security)
            pairs[pair] = pairs.get(pair, 0) + 1
    rules = problem.rules
    extra = hurdle(1, rules) - rules.minimum_benefit
    is_certain = all(len(found) == 1 for found in possible.values())
    least = []
    for one in problem.offers:
        account, security = one.sale.lot.account, one.sale.lot.security
        sharing = orders[account, security]
        charges = min(_alone(one, found, sharing, problem) for found in possible[security])
        if not one.is_companion:
            charges += rules.minimum_benefit
            if is_certain:  # what a pair must be worth beyond its lots is shared by them
                charges += extra / pairs[account, possible[security][0].security]
        least.append(charges)
    return least


def _possible_destinations(
    security: int, problem: Problem, everything: frozenset[int]
) -> tuple[Destination, ...]:
    """Where its money may go, whatever is sold; one, where nothing on offer stands in the first one's way."""
    ranked = problem.legal.get(security, ())
    certain = next((place for place, one in enumerate(ranked) if one not in everything), None)
    kept = ranked if certain is None else ranked[: certain + 1]
    found = [Destination(one, is_last=len(ranked) == 1) for one in kept]
    if certain is None and problem.rules.parks_in_cash:
        found.append(Destination(CASH, is_last=True))
    return tuple(found) or (Destination(CASH, is_last=True),)


def _alone(offer: Offer, found: Destination, sharing: int, problem: Problem) -> Decimal:
    """Charges, and cost of both legs as if alone in its orders but for a commission that ``sharing`` offers share."""
    sale, costs = offer.sale, problem.costs
    account = sale.lot.account
    total = problem.charges_of(offer, found).total
    legs = [(sale.lot.security, sale.quantity)]
    if found.security != CASH:
        legs.append((found.security, sale.amount / problem.prices[found.security]))
    paid = ZERO
    schedule = costs.commissions.get(account)
    for place, (security, shares) in enumerate(legs):
        leg = costs.of(account=account, security=security, shares=shares, amount=sale.amount)
        paid += leg.spread + leg.impact
        if schedule is not None:
            paid += schedule.per_share * shares + schedule.of_amount * sale.amount
            paid += schedule.per_order / sharing if place == 0 else ZERO
    return total + paid * (1 if found.security == CASH else 1 + problem.rules.swap_back_chance)


def price_pairs(
    problem: Problem, least: Sequence[Decimal]
) -> list[tuple[Decimal, Decimal, Decimal]]:
    """(price of a short loss, of a long loss, offset): V(x, y) <= offset + price x + price y everywhere in reach.

    V, what losses x and y save, is linear between the lines on which its rate changes, so the offset is found where
    those lines cross each other or the edge of what can be reached.
    """
    corners = _corners(problem)
    tax = problem.tax
    rates = {tax.short_rate, tax.long_rate, tax.ordinary_rate, tax.carried_loss_value}
    for offer, charge in zip(problem.offers, least, strict=True):
        if offer.allowed > ZERO:
            rates.add((charge / offer.allowed).quantize(Decimal("0.0001"), ROUND_CEILING))
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


def surplus(offer: Offer, least: Decimal, prices: tuple[Decimal, Decimal, Decimal]) -> Decimal:
    at_short, at_long, _ = prices
    price = at_short if offer.sale.term is Term.SHORT else at_long
    return max(price * offer.allowed - least, ZERO)


def tails(parts: Sequence[Decimal]) -> list[Decimal]:
    """Sum of the parts from each place on."""
    tails = [ZERO]
    for part in reversed(parts):
        tails.append(tails[-1] + part)
    return tails[::-1]
