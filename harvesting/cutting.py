"""Where part of a lot is worth more than all of it: the tax rate changes, or impact outgrows what is saved. Pure.

A set of lots is worth most with all of them whole but the dearest of each term, by cost of a dollar of loss, which ends
where the rate changes. So sets are compared at their best sizes: the best set of whole lots, the first lots by cost,
and each lot alone; from the best of these on sets that differ by one lot, or by one for another, as long as that is
better. In a small household every set is compared. At last each lot's shares are looked at one by one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from itertools import chain, combinations, product

from harvesting.bounds import cuttable, has_kinks
from harvesting.least_costs import Leasts, least_costs
from harvesting.offers import Offer
from harvesting.sales import resized
from harvesting.types import ZERO, LotKey
from harvesting.valuation import Problem, allowed_losses, is_closed, value
from lots.netting import RateLines
from lots.rounding import STORED_SHARES, stored_money
from lots.types import Term
from lots.year_tax import rate_lines

FEW = 5  # offers, up to which every set of them is compared
SETS = 80  # compared at most where there are more
_ROUNDED = 4  # of a set's endings, the best in parts of shares, are tried in whole ones
_PASSES = 4
_LEAST_LOSS = Decimal("0.01")
_ORDERS = ((Term.SHORT, Term.LONG), (Term.LONG, Term.SHORT))
Chosen = tuple[Offer, ...]


def with_lots_cut(chosen: Sequence[Offer], problem: Problem) -> Chosen:
    """The best set found, its lots cut where that adds value; never worse than ``chosen``.

    Only lots that nothing requires, and that require nothing, are cut: the others are clean only entirely.
    """
    free = cuttable(problem)
    least = least_costs(problem, cut=free)
    lines = rate_lines(problem.tax)
    best = tuple(chosen)
    if has_kinks(problem):
        best = _Sets(problem, free, least, lines).best(best)
    return _one_by_one(best, free, least, lines, problem)


class _Sets:
    """Sets of offers, each at its best sizes."""

    def __init__(
        self, problem: Problem, free: frozenset[LotKey], least: Leasts, lines: RateLines
    ) -> None:
        self._problem = problem
        self._lines = lines
        self._free = free
        self._offers = tuple(sorted(problem.offers, key=lambda one: _unit_cost(one, least)))
        self._seen: set[frozenset[LotKey]] = set()
        self._best: Chosen = ()
        self._reached = ZERO

    def best(self, start: Chosen) -> Chosen:
        """The best of all sets of few offers; of more, where the way up from the best of some ends."""
        self._best, self._reached = start, value(start, self._problem) or ZERO
        self._look_at(start)
        offers = self._offers
        if len(offers) <= FEW:
            for count in range(1, len(offers) + 1):
                for some in combinations(offers, count):
                    self._look_at(some)
            return self._best
        firsts = (offers[:count] for count in range(1, len(offers) + 1))
        for some in chain(firsts, ((one,) for one in offers)):
            self._look_at(some)
        self._climb()
        return self._best

    def _climb(self) -> None:
        """On to better neighbours, until none is, or enough was looked at."""
        before: Chosen = ()
        while before != self._best and len(self._seen) < SETS:
            before = self._best
            for some in self._neighbours(before):
                self._look_at(some)
                if before != self._best or len(self._seen) >= SETS:
                    break

    def _neighbours(self, chosen: Chosen) -> Iterator[Chosen]:
        """Without one of its lots, with one more, and with one for another."""
        keys = frozenset(one.key for one in chosen)
        outside = [one.key for one in self._offers if one.key not in keys]
        inside = [one.key for one in reversed(self._offers) if one.key in keys]
        changed = chain(
            (keys - {leaving} for leaving in inside),
            (keys | {coming} for coming in outside),
            (keys - {leaving} | {coming} for leaving, coming in product(inside, outside)),
        )
        for wanted in changed:
            yield tuple(one for one in self._offers if one.key in wanted)

    def _look_at(self, some: Chosen) -> None:
        """Keep the set if it is better than what is known, at the sizes at which it is best itself."""
        keys = frozenset(one.key for one in some)
        if keys in self._seen:
            return
        self._seen.add(keys)
        whole = tuple(one for one in self._offers if one.key in keys)
        if not is_closed(whole):
            return
        valued = ((value(one, self._problem), one) for one in self._endings(whole))
        for _, ending in sorted(valued, key=_worth, reverse=True)[:_ROUNDED]:
            for sizes in self._tradable(ending, whole):
                worth = value(sizes, self._problem)
                if worth is not None and worth > self._reached:
                    self._best, self._reached = sizes, worth

    def _endings(self, whole: Chosen) -> Iterator[Chosen]:
        """All whole, and with the dearest lot of one term or both ending exactly where the rate changes."""
        yield whole
        for first, second in _ORDERS:
            for once in self._ended(whole, first):
                yield once
                yield from self._ended(once, second)

    def _ended(self, chosen: Chosen, term: Term) -> Iterator[Chosen]:
        """With a lot of the term ending at each change of the rate beside the others.

        The dearest; among few any, because whole shares of a cheaper one may fit better.
        """
        own = [one for one in chosen if one.sale.term is term and one.key in self._free]
        for last in own if len(self._offers) <= FEW else own[-1:]:
            others = tuple(one for one in chosen if one is not last)
            for part in _kinks(last, others, self._lines):
                yield _with(chosen, last, part * last.sale.quantity)

    def _tradable(self, ending: Chosen, whole: Chosen) -> Iterator[Chosen]:
        """The set with the shares next below and above those that were exact."""
        sizes = [
            [exact]
            if exact.sale.quantity == all_of.sale.quantity
            else list(_tradable_sizes(all_of, exact.sale.quantity, self._problem)) or [all_of]
            for exact, all_of in zip(ending, whole, strict=True)
        ]
        return product(*sizes)


def _worth(valued: tuple[Decimal | None, Chosen]) -> Decimal:
    return Decimal("-Infinity") if valued[0] is None else valued[0]


def _unit_cost(offer: Offer, least: Leasts) -> tuple[bool, Decimal, LotKey]:
    """Dollars a dollar of loss costs at least; what is not sold for its own sake last."""
    unit = least.whole(offer) / offer.allowed if offer.allowed > ZERO else ZERO
    return (offer.is_companion or offer.allowed <= ZERO, unit, offer.key)


def _with(chosen: Chosen, offer: Offer, quantity: Decimal) -> Chosen:
    """The set with so many shares of one of its offers."""
    size = replace(offer, sale=resized(offer.sale, quantity))
    return tuple(size if one is offer else one for one in chosen)


def _one_by_one(
    chosen: Chosen,
    free: frozenset[LotKey],
    least: Leasts,
    lines: RateLines,
    problem: Problem,
) -> Chosen:
    """The set with the shares of each lot where the whole gains most by it, one lot after the other."""
    best = chosen
    reached = value(best, problem) or ZERO
    for _ in range(_PASSES):
        before = reached
        for offer in problem.offers:
            if offer.key not in free:
                continue
            others = tuple(one for one in best if one.key != offer.key)
            for size in _sizes(offer, others, least, lines, problem):
                tried = (*others, size)
                worth = value(tried, problem)
                if worth is not None and worth > reached:
                    best, reached = tried, worth
        if reached == before:
            break
    return best


def _sizes(
    offer: Offer, others: Sequence[Offer], least: Leasts, lines: RateLines, problem: Problem
) -> Iterator[Offer]:
    """The offer whole, and with the shares at which its worth may bend beside the others."""
    yield offer
    tax = problem.tax
    rates = {tax.short_rate, tax.long_rate, tax.ordinary_rate, tax.carried_loss_value}
    by_impact = (part for rate in sorted(rates) for part in least.best_parts(offer, rate))
    for part in chain(_kinks(offer, others, lines), by_impact):
        yield from _tradable_sizes(offer, offer.sale.quantity * part, problem)


def _kinks(offer: Offer, others: Iterable[Offer], lines: RateLines) -> Iterator[Decimal]:
    """The parts of the lot, below 1, that bring the year's losses onto a line where the rate may change."""
    short, long = allowed_losses(others)
    is_short = offer.sale.term is Term.SHORT
    own, before = (lines.short, short) if is_short else (lines.long, long)
    ends = {stored_money(line) - before for line in own}
    ends |= {stored_money(line) - short - long for line in lines.both}
    for end in sorted(ends):
        if ZERO < end < offer.sale.loss:
            yield end / offer.sale.loss


def _tradable_sizes(offer: Offer, shares: Decimal, problem: Problem) -> Iterator[Offer]:
    """The offer with the shares that can be sold, next below and next above, if its loss is large enough still."""
    sale = offer.sale
    for quantity in _next_to(shares, sale.lot.account, problem):
        if ZERO < quantity < sale.quantity:
            cut = resized(sale, quantity)
            if cut.loss >= max(problem.smallest_loss, _LEAST_LOSS):
                yield replace(offer, sale=cut)


def _next_to(shares: Decimal, account: int, problem: Problem) -> tuple[Decimal, ...]:
    if account in problem.trading.fractional:
        return (shares.quantize(STORED_SHARES, ROUND_FLOOR),)
    whole = shares.to_integral_value(ROUND_FLOOR)
    return whole, whole + 1
