"""Which of the offered losses to take: the optimum of the sum over all of them, not lot by lot. Pure Decimal.

``best`` searches whole lots by branch and bound on the sum of ``harvesting.valuation``, then cuts lots where that adds
value (``harvesting.cutting``). It says by how much a better choice could beat the
result at most (``gap``, from ``harvesting.bounds``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from harvesting.bounds import (
    bound_of_parts,
    gain_of_cutting,
    price_at,
    price_pairs,
    tails,
)
from harvesting.cutting import with_lots_cut
from harvesting.least_costs import least_costs
from harvesting.offers import Offer
from harvesting.types import ZERO, LotKey, Place
from harvesting.valuation import (
    Destination,
    Problem,
    routes,
    value,
    wanted_companions,
)
from lots.types import Term

NODES = 2000  # sets looked at before the search stops without a proof
_PASSES = 16
Chosen = tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """The offers to take, cut to the shares to sell, where each position's money goes, and the set's value.

    ``gap``: dollars by which another choice could be better at most; 0 = none is.
    """

    offers: Chosen
    destinations: Mapping[Place, Destination]
    value: Decimal
    gap: Decimal


def best(problem: Problem, *, partial: bool = True) -> Best:
    """The most valuable set of the offers. ``partial=False`` sells whole offers only."""
    search = _Search(problem)
    search.run()
    chosen = search.chosen
    limit = search.reached if search.is_complete else search.bound
    if partial and problem.offers:
        # The search was over whole lots; what may be sold is parts of them too.
        chosen = with_lots_cut(chosen, problem)
        by_cutting = gain_of_cutting(problem)
        limit = bound_of_parts(problem) if by_cutting is None else limit + by_cutting
    reached = value(chosen, problem)
    assert reached is not None
    return Best(chosen, routes(chosen, problem).found, reached, max(limit - reached, ZERO))


def _order(offer: Offer, least: Decimal) -> tuple[bool, Decimal, LotKey]:
    """Cheapest per dollar of loss first; companions last."""
    unit = least / offer.allowed if offer.allowed > ZERO else Decimal("Infinity")
    return (offer.is_companion, unit, offer.key)


class _Search:
    """Branch and bound over whole offers, cheapest per dollar of loss first, taking before leaving.

    What a set can still become is bounded by prices of a dollar of loss: no loss is worth more than its dollars at the
    price, beside what the year saves beyond that price at most.
    """

    def __init__(self, problem: Problem) -> None:
        least = least_costs(problem)
        offers = sorted(problem.offers, key=lambda one: _order(one, least.whole(one)))
        self._problem = replace(problem, offers=tuple(offers))
        self._offers = offers
        self._least = [least.whole(one) for one in offers]
        self._prices = price_pairs(self._problem, least)
        self._rest = [
            tails([least.surplus(one, price_at(one, pair)) for one in offers])
            for pair in self._prices
        ]
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
        linear = (
            offset + at_short * short + at_long * long + rest[place]
            for (at_short, at_long, offset), rest in zip(self._prices, self._rest, strict=True)
        )
        return min(linear) - charged


def _smaller(chosen: Sequence[Offer], problem: Problem) -> list[Offer]:
    """Without the position of the smallest loss among those whose money has nowhere to go."""
    keys = {one.key for one in chosen}
    unclosed = [one for one in chosen if not one.requires <= keys]
    if unclosed:
        return [one for one in chosen if one not in unclosed]
    wanted = wanted_companions(chosen)
    idle = [one for one in chosen if one.is_companion and one.key not in wanted]
    if idle:
        return [one for one in chosen if one not in idle]
    losses = {
        place: sum((one.sale.loss for one in chosen if one.sale.place == place), ZERO)
        for place in routes(chosen, problem).stranded
    }
    leaving = min(losses, key=lambda place: (losses[place], place))
    return [one for one in chosen if one.sale.place != leaving]


def _climb(start: Chosen, problem: Problem) -> Chosen:
    """Add or drop one offer (with what it requires, or what requires it) as long as that is worth something."""
    by_key = {one.key: one for one in problem.offers}
    chosen = start
    reached = value(chosen, problem) or ZERO
    for _ in range(_PASSES):
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
        keys |= needed(offer.key, by_key)
    kept = tuple(one for one in problem.offers if one.key in keys)
    wanted = wanted_companions(kept)
    return tuple(one for one in kept if not one.is_companion or one.key in wanted)


def needed(key: LotKey, by_key: Mapping[LotKey, Offer]) -> set[LotKey]:
    """The offer with everything that it requires, itself or through others."""
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
