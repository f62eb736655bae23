"""Which of the offered losses to take: the optimum of the sum over all of them, not lot by lot. Pure Decimal.

The value of a set of sales is

    T(year) - T(year with all its allowed losses) - charges of each sale - trading cost of its orders - hurdles

T is ``lots.year_tax``, so one loss changes what the next is worth. Charges are D, O, G, X, Q of a sale with its
destination (``harvesting.economics``). Orders are one per account and security, and one purchase per account and
substitute: a commission is paid once, impact grows with the whole order. The hurdle is what attention costs: the
policy's floor for a pair of one lot, and its floor for every further lot; so in the best set every lot is worth its
floor beside the others, and every pair the pair's.

The money of a security goes into its first substitute that may be bought; nothing that is sold today, nor anything
identical to it, is anybody's destination. So where it goes depends on what else is sold, and a set in which some
security has no destination does not exist.

``best`` searches whole lots by branch and bound, then lets the shares of each lot end where the tax rate changes,
as long as that adds value. It says by how much a better choice could beat the result at most (``gap``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from harvesting.economics import tax_saved
from harvesting.offers import Offer
from harvesting.sales import resized
from harvesting.types import ZERO, HarvestRules, LotKey
from lots.types import Term
from lots.year_tax import TaxPosition, loss_kinks, steepest_rate
from proposals.costs import TradingCosts

NODES = 4000  # sets looked at before the search stops without a proof
_PASSES = 4
_LEAST_LOSS = Decimal("0.01")
CASH = 0  # destination of money that is parked
Chosen = tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Charges:
    """Everything of a sale's sum that follows from its destination and from nothing else that is sold; dollars."""

    later: Decimal = ZERO
    window: Decimal = ZERO
    swap_back: Decimal = ZERO
    tracking: Decimal = ZERO
    dividends: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.later + self.window + self.swap_back + self.tracking + self.dividends


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the money of a sale goes; ``is_last``: no other substitute could be bought instead."""

    security: int  # CASH = parked
    is_last: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """The offers of a household with all that their value follows from.

    ``legal``: security -> what may be bought instead of it if it is sold alone, by rank. ``groups``: security ->
    everything identical to it, itself included. ``charges_of`` must be in proportion to the shares.
    """

    offers: tuple[Offer, ...]
    tax: TaxPosition
    rules: HarvestRules
    costs: TradingCosts
    prices: Mapping[int, Decimal]
    legal: Mapping[int, tuple[int, ...]]
    groups: Mapping[int, frozenset[int]]
    charges_of: Callable[[Offer, Destination], Charges]
    smallest_loss: Decimal = ZERO  # that a cut lot must keep
    fractional: frozenset[int] = frozenset()  # accounts that trade fractions
    saved: dict[tuple[Decimal, Decimal], Decimal] = field(default_factory=dict)  # looked up before


@dataclass(frozen=True, slots=True)
class Best:
    """The offers to take, cut to the shares to sell, where each security's money goes, and the set's value.

    ``gap``: dollars by which another choice could be better at most; 0 = none is.
    """

    offers: Chosen
    destinations: Mapping[int, Destination]
    value: Decimal
    gap: Decimal


def best(problem: Problem, *, partial: bool = True) -> Best:
    """The most valuable set of the offers. ``partial=False`` sells whole offers only."""
    search = _Search(problem)
    search.run()
    chosen = search.chosen
    limit = search.reached if search.is_complete else search.bound
    if partial:
        cut = _to_the_kinks(chosen, problem)
        if cut != chosen or _has_kinks(problem):
            chosen, limit = (
                cut,
                search.bound,
            )  # the search was over whole lots, the bound is over parts too
    reached = value(chosen, problem)
    found = destinations(chosen, problem)
    assert reached is not None
    assert found is not None
    return Best(chosen, found, reached, max(limit - reached, ZERO))


def value(chosen: Sequence[Offer], problem: Problem) -> Decimal | None:
    """What the set is worth in dollars; None for one that cannot be sold (a requirement, a destination missing)."""
    if not chosen:
        return ZERO
    if not is_closed(chosen):
        return None
    found = destinations(chosen, problem)
    if found is None:
        return None
    charges = sum(
        (problem.charges_of(one, found[one.sale.lot.security]).total for one in chosen), ZERO
    )
    return (
        saved_together(chosen, problem)
        - charges
        - cost_together(chosen, found, problem)
        - hurdles(chosen, found, problem.rules)
    )


def is_closed(chosen: Sequence[Offer]) -> bool:
    """Whether everything required is there, and no companion goes that nobody needs."""
    keys = {one.key for one in chosen}
    if any(not one.requires <= keys for one in chosen):
        return False
    wanted = _wanted_companions(chosen)
    return all(one.key in wanted for one in chosen if one.is_companion)


def _wanted_companions(chosen: Sequence[Offer]) -> set[LotKey]:
    """Companions that a sale made for its own sake needs, itself or through others."""
    by_key = {one.key: one for one in chosen}
    wanted: set[LotKey] = set()
    waiting = [key for one in chosen if not one.is_companion for key in one.requires]
    while waiting:
        key = waiting.pop()
        if key not in wanted and key in by_key:
            wanted.add(key)
            waiting.extend(by_key[key].requires)
    return wanted


def destinations(chosen: Sequence[Offer], problem: Problem) -> dict[int, Destination] | None:
    """Security sold -> where its money goes; None where one has nowhere to go."""
    securities = {one.sale.lot.security for one in chosen}
    sold = frozenset().union(*(problem.groups[security] for security in securities))
    found = {}
    for security in securities:
        open_ranks = [one for one in problem.legal.get(security, ()) if one not in sold]
        if open_ranks:
            found[security] = Destination(open_ranks[0], is_last=len(open_ranks) == 1)
        elif problem.rules.parks_in_cash:
            found[security] = Destination(CASH, is_last=True)
        else:
            return None
    return found


def saved_together(chosen: Iterable[Offer], problem: Problem) -> Decimal:
    """S of all allowed losses at once."""
    short = long = ZERO
    for one in chosen:
        if one.sale.term is Term.SHORT:
            short += one.allowed
        else:
            long += one.allowed
    return _saved(short, long, problem)


def _saved(short: Decimal, long: Decimal, problem: Problem) -> Decimal:
    known = problem.saved.get((short, long))
    if known is None:
        known = tax_saved(problem.tax, short_loss=short, long_loss=long)
        problem.saved[short, long] = known
    return known


def cost_together(
    chosen: Iterable[Offer], found: Mapping[int, Destination], problem: Problem
) -> Decimal:
    """K of all orders: both legs now, and both again as likely as the swap back is."""
    back = 1 + problem.rules.swap_back_chance
    sells: dict[tuple[int, int], tuple[Decimal, Decimal]] = {}
    buys: dict[tuple[int, int], Decimal] = {}
    total = ZERO
    for one in chosen:
        sale = one.sale
        place = (sale.lot.account, sale.lot.security)
        shares, amount = sells.get(place, (ZERO, ZERO))
        sells[place] = (shares + sale.quantity, amount + sale.amount)
    for (account, security), (shares, amount) in sells.items():
        destination = found[security].security
        cost = problem.costs.of(account=account, security=security, shares=shares, amount=amount)
        total += cost.total * (1 if destination == CASH else back)
        if destination != CASH:
            buys[account, destination] = buys.get((account, destination), ZERO) + amount
    for (account, security), amount in buys.items():
        shares = amount / problem.prices[security]
        cost = problem.costs.of(account=account, security=security, shares=shares, amount=amount)
        total += cost.total * back
    return total


def hurdles(
    chosen: Iterable[Offer], found: Mapping[int, Destination], rules: HarvestRules
) -> Decimal:
    """What the set must be worth before it is worth anybody's attention; companions count for nothing."""
    lots: dict[tuple[int, int], int] = {}
    for one in chosen:
        if not one.is_companion:
            pair = (one.sale.lot.account, found[one.sale.lot.security].security)
            lots[pair] = lots.get(pair, 0) + 1
    return sum((hurdle(count, rules) for count in lots.values()), ZERO)


def hurdle(lots: int, rules: HarvestRules) -> Decimal:
    """Dollars that a pair of so many lots must be worth."""
    return max(rules.minimum_pair_benefit, rules.minimum_benefit) + rules.minimum_benefit * (
        lots - 1
    )


def _order(offer: Offer, least: Decimal) -> tuple[bool, Decimal, LotKey]:
    """Cheapest per dollar of loss first; companions last."""
    unit = least / offer.allowed if offer.allowed > ZERO else Decimal("Infinity")
    return (offer.is_companion, unit, offer.key)


class _Search:
    """Branch and bound over whole offers, cheapest per dollar of loss first, taking before leaving.

    What a set can still become is bounded in two ways: no loss is worth more than all that are left together; and none
    is worth more than its dollars at a rate, beside what the year saves beyond that rate at most.
    """

    def __init__(self, problem: Problem) -> None:
        least = dict(zip((one.key for one in problem.offers), _least(problem), strict=True))
        offers = sorted(problem.offers, key=lambda one: _order(one, least[one.key]))
        self._problem = replace(problem, offers=tuple(offers))
        self._offers = offers
        self._least = [least[one.key] for one in offers]
        self._prices = _price_pairs(self._problem, self._least)
        self._rest = [
            _tails(
                [
                    _surplus(one, charge, pair)
                    for one, charge in zip(offers, self._least, strict=True)
                ]
            )
            for pair in self._prices
        ]
        self._left = _tails_by_term(offers)
        self._nodes = 0
        self.chosen: Chosen = ()
        self.reached = ZERO
        self.bound = max(self._optimistic(0, ZERO, ZERO, ZERO), ZERO)
        self.is_complete = False

    def run(self) -> None:
        """Search from a good start."""
        self._start()
        self.is_complete = self.reached >= self.bound or self._descend(0, [], ZERO, ZERO, ZERO)

    def _start(self) -> None:
        """Climb from everything and from nothing, one offer with its requirements at a time."""
        for start in (tuple(self._offers), ()):
            found = _climb(self._cut_to_possible(start), self._problem)
            reached = value(found, self._problem)
            if found and reached is not None and reached >= self.reached:  # at the floors is enough
                self.chosen, self.reached = found, reached
            if self.reached >= self.bound:
                return

    def _cut_to_possible(self, start: Chosen) -> Chosen:
        """The start, cut until it can be sold: of securities in each other's way the smaller loss leaves."""
        chosen = list(start)
        while chosen and value(chosen, self._problem) is None:
            chosen = _smaller(chosen, self._problem)
        return tuple(chosen)

    def _descend(
        self, place: int, taken: list[Offer], short: Decimal, long: Decimal, charged: Decimal
    ) -> bool:
        """Whether everything below was searched. ``short``, ``long`` and ``charged`` are sums over ``taken``."""
        self._nodes += 1
        if self._nodes > NODES:
            return False
        if self._optimistic(place, short, long, charged) <= self.reached:
            return True
        if place == len(self._offers):
            reached = value(taken, self._problem)
            if reached is not None and reached > self.reached:
                self.chosen, self.reached = tuple(taken), reached
            return True
        offer = self._offers[place]
        is_short = offer.sale.term is Term.SHORT
        taken.append(offer)
        searched = self._descend(
            place + 1,
            taken,
            short + offer.allowed if is_short else short,
            long if is_short else long + offer.allowed,
            charged + self._least[place],
        )
        taken.pop()
        return self._descend(place + 1, taken, short, long, charged) and searched

    def _optimistic(self, place: int, short: Decimal, long: Decimal, charged: Decimal) -> Decimal:
        """No set that begins like this is worth more."""
        more_short, more_long = self._left[place]
        bound = _saved(short + more_short, long + more_long, self._problem) - charged
        for (at_short, at_long, offset), rest in zip(self._prices, self._rest, strict=True):
            linear = offset + at_short * short + at_long * long - charged + rest[place]
            if linear < bound:
                bound = linear
        return bound


def _least(problem: Problem) -> list[Decimal]:
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


def _smaller(chosen: Sequence[Offer], problem: Problem) -> list[Offer]:
    """Without the security of the smallest loss among those that stand in the way."""
    keys = {one.key for one in chosen}
    unclosed = [one for one in chosen if not one.requires <= keys]
    if unclosed:
        return [one for one in chosen if one not in unclosed]
    wanted = _wanted_companions(chosen)
    idle = [one for one in chosen if one.is_companion and one.key not in wanted]
    if idle:
        return [one for one in chosen if one not in idle]
    securities = {one.sale.lot.security for one in chosen}
    sold = frozenset().union(*(problem.groups[security] for security in securities))
    losses = {
        security: sum((one.sale.loss for one in chosen if one.sale.lot.security == security), ZERO)
        for security in securities
        if all(one in sold for one in problem.legal.get(security, ()))
    }
    leaving = min(losses, key=lambda security: (losses[security], security))
    return [one for one in chosen if one.sale.lot.security != leaving]


def _climb(start: Chosen, problem: Problem) -> Chosen:
    """Add or drop one offer (with what it requires, or what requires it) as long as that is worth something."""
    by_key = {one.key: one for one in problem.offers}
    chosen = start
    reached = value(chosen, problem) or ZERO
    for _ in range(_PASSES * 4):
        before = reached
        for offer in _sweep(chosen, problem):
            tried = _toggled(chosen, offer, problem, by_key)
            worth = value(tried, problem)
            if worth is not None and worth > reached:
                chosen, reached = tried, worth
        if reached == before:
            break
    return chosen


def _sweep(chosen: Chosen, problem: Problem) -> list[Offer]:
    """The dearest of the chosen first, then the cheapest of the others."""
    keys = {one.key for one in chosen}
    inside = [one for one in problem.offers if one.key in keys]
    return [*reversed(inside), *(one for one in problem.offers if one.key not in keys)]


def _toggled(
    chosen: Chosen, offer: Offer, problem: Problem, by_key: Mapping[LotKey, Offer]
) -> Chosen:
    keys = {one.key for one in chosen}
    if offer.key in keys:
        keys -= _needing(offer.key, by_key)
    else:
        keys |= _needed(offer.key, by_key)
    kept = tuple(one for one in problem.offers if one.key in keys)
    wanted = _wanted_companions(kept)
    return tuple(one for one in kept if not one.is_companion or one.key in wanted)


def _needed(key: LotKey, by_key: Mapping[LotKey, Offer]) -> set[LotKey]:
    found: set[LotKey] = set()
    waiting = [key]
    while waiting:
        one = waiting.pop()
        if one not in found and one in by_key:
            found.add(one)
            waiting.extend(by_key[one].requires)
    return found


def _needing(key: LotKey, by_key: Mapping[LotKey, Offer]) -> set[LotKey]:
    found = {key}
    while True:
        more = {one.key for one in by_key.values() if one.requires & found} - found
        if not more:
            return found
        found |= more


def _price_pairs(
    problem: Problem, least: Sequence[Decimal]
) -> list[tuple[Decimal, Decimal, Decimal]]:
    """(price of a short loss, of a long loss, offset): V(x, y) <= offset + price x + price y everywhere in reach.

    Without brackets V is linear between the lines x = S, y = L, x + y = S + L, x + y = S + L + limit, so the offset is
    found at their crossings. With brackets it is found along a line where all offers are of one term; else the steepest
    rate that any dollar can meet has to do.
    """
    tax = problem.tax
    if tax.brackets is not None and all(high > ZERO for _, high in _reaches(problem.offers)):
        steepest = steepest_rate(tax)
        gains = sum((low for low, _ in _reaches(problem.offers)), ZERO)  # of companions, negative
        return [(steepest, steepest, -steepest * gains)]
    corners = _corners(problem) if tax.brackets is None else _corners_on_a_line(problem)
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
            offset = max(_saved(x, y, problem) - at_short * x - at_long * y for x, y in corners)
            pairs.append((at_short, at_long, offset))
    return pairs


def _corners(problem: Problem) -> list[tuple[Decimal, Decimal]]:
    """Where the lines on which the tax rate changes cross each other, or the edge of what can be reached."""
    tax = problem.tax
    (low_x, high_x), (low_y, high_y) = _reaches(problem.offers)
    xs, ys = {low_x, high_x, tax.short}, {low_y, high_y, tax.long}
    total = tax.short + tax.long
    sums = (total, total + tax.loss_limit)
    points = {(x, y) for x in xs for y in ys}
    points |= {(x, line - x) for x in xs for line in sums}
    points |= {(line - y, y) for y in ys for line in sums}
    return sorted((x, y) for x, y in points if low_x <= x <= high_x and low_y <= y <= high_y)


def _corners_on_a_line(problem: Problem) -> list[tuple[Decimal, Decimal]]:
    """With brackets and losses of one term only: where the rate changes along them, and the ends."""
    (low_x, high_x), (low_y, high_y) = _reaches(problem.offers)
    if high_y == low_y == ZERO:
        start = _moved(problem.tax, short=low_x, long=ZERO)
        kinks = loss_kinks(start, term=Term.SHORT, upto=high_x - low_x)
        return [(low_x + kink, ZERO) for kink in (ZERO, *kinks, high_x - low_x)]
    start = _moved(problem.tax, short=ZERO, long=low_y)
    kinks = loss_kinks(start, term=Term.LONG, upto=high_y - low_y)
    return [(low_x, low_y + kink) for kink in (ZERO, *kinks, high_y - low_y)]


def _has_kinks(problem: Problem) -> bool:
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


def _surplus(offer: Offer, least: Decimal, prices: tuple[Decimal, Decimal, Decimal]) -> Decimal:
    at_short, at_long, _ = prices
    price = at_short if offer.sale.term is Term.SHORT else at_long
    return max(price * offer.allowed - least, ZERO)


def _tails(parts: Sequence[Decimal]) -> list[Decimal]:
    """Sum of the parts from each place on."""
    tails = [ZERO]
    for part in reversed(parts):
        tails.append(tails[-1] + part)
    return tails[::-1]


def _tails_by_term(offers: Sequence[Offer]) -> list[tuple[Decimal, Decimal]]:
    """Dollars of loss, short and long, from each place on; gains of companions left out."""
    short = _tails(
        [max(one.allowed, ZERO) if one.sale.term is Term.SHORT else ZERO for one in offers]
    )
    long = _tails(
        [max(one.allowed, ZERO) if one.sale.term is Term.LONG else ZERO for one in offers]
    )
    return list(zip(short, long, strict=True))


def _to_the_kinks(chosen: Chosen, problem: Problem) -> Chosen:
    """Let the shares of each lot end where the tax rate changes, as long as the whole gains by it.

    Only lots that nothing requires, and that require nothing, are cut: the others are clean only entirely.
    """
    needed = {key for one in problem.offers for key in one.requires}
    free = [one for one in problem.offers if not one.requires and one.key not in needed]
    reached = value(chosen, problem) or ZERO
    for _ in range(_PASSES):
        before = reached
        for offer in free:
            others = tuple(one for one in chosen if one.key != offer.key)
            for resized_offer in _at_kinks(offer, others, problem):
                tried = (*others, resized_offer)
                worth = value(tried, problem)
                if worth is not None and worth > reached:
                    chosen, reached = tried, worth
        if reached == before:
            break
    return chosen


def _at_kinks(offer: Offer, others: Chosen, problem: Problem) -> list[Offer]:
    """The offer with as many shares as bring its loss to a change of the rate, beside the others; and whole."""
    sale = offer.sale
    year = year_with(others, problem.tax)
    found = [offer]
    for kink in loss_kinks(year, term=sale.term, upto=sale.loss):
        shares = sale.quantity * kink / sale.loss
        if sale.lot.account not in problem.fractional:
            shares = shares.to_integral_value(ROUND_FLOOR)
        else:
            shares = shares.quantize(Decimal("0.00000001"), ROUND_FLOOR)
        for quantity in (shares, shares + 1):
            if ZERO < quantity < sale.quantity:
                cut = resized(sale, quantity)
                if cut.loss >= max(problem.smallest_loss, _LEAST_LOSS):
                    found.append(replace(offer, sale=cut))
    return found


def year_with(chosen: Iterable[Offer], tax: TaxPosition) -> TaxPosition:
    """The year with the allowed losses of the offers in it."""
    short = long = ZERO
    for one in chosen:
        if one.sale.term is Term.SHORT:
            short += one.allowed
        else:
            long += one.allowed
    return _moved(tax, short=short, long=long)


def _moved(tax: TaxPosition, *, short: Decimal, long: Decimal) -> TaxPosition:
    """The year with so many dollars of loss in it."""
    return replace(tax, short=tax.short - short, long=tax.long - long)
