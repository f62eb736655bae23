"""How many whole shares of which lots to sell at a gain and buy back: the optimum of one sum. Pure and exact.

The sum is later tax avoided, less the tax that the gains add to the year, less the cost of both legs, less the least
that a lot must bring: a floor for the first lot of a position and a smaller one for each further lot. A lot that does
not bring its floor therefore makes the sum smaller, and is left.

Along one lot the sum is concave between the kinks of the tax, so its best number of shares is found exactly. Over
several lots the search starts from every prefix of the lots in the order of gain per dollar of cost, in a small
household also from every lot alone and with that lot first. Then it improves one lot after the other, and two at a
time, until nothing improves. Several starts matter because the tax is not convex: a dollar of loss that would have met
ordinary income is dear, the dollars behind it may be free.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from harvesting.gain_tax import Line, after, line
from harvesting.types import LotKey
from lots.types import Term
from lots.year_tax import TaxPosition

ZERO = Fraction(0)
Position = tuple[int, int]  # account, security
Counts = tuple[int, ...]  # whole shares of each offer
FEW = 12  # offers, up to which every one of them is a start of its own
SEVERAL = 40  # offers, up to which any two may change places


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Whole shares of one lot that may be sold at a gain; ``gain`` and ``cost`` are dollars a share.

    ``cost`` is that of both legs at full size, for the order in which offers are looked at.
    """

    key: LotKey
    position: Position
    term: Term
    shares: int
    gain: Fraction
    cost: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the sum is made of. ``cost`` is of both legs of a position's shares, convex in them and 0 for none."""

    tax: TaxPosition
    later_rate: Fraction  # dollars of later tax a dollar
    cost: Callable[[Position, int], Fraction]
    first_floor: Fraction  # dollars that the first lot of a position must bring
    further_floor: Fraction
    fits: Callable[[Fraction, Fraction], bool]  # whether a budget takes so much short and long gain


class Search:
    """One search. Offers are sorted, the highest gain per dollar of cost first."""

    def __init__(self, offers: Sequence[Offer], terms: Terms) -> None:
        self.offers = tuple(
            sorted(offers, key=lambda one: (one.cost / one.gain, -one.gain, one.key))
        )
        self._terms = terms
        self._most = {
            term: Fraction(
                1
                + int(sum((one.gain * one.shares for one in self.offers if one.term is term), ZERO))
            )
            for term in Term
        }
        self._lines: dict[tuple[Term, Fraction], Line] = {}
        self._totals: dict[Counts, Fraction] = {}
        self._none = (0,) * len(self.offers)

    def best(self) -> Counts:
        """Shares of each of ``offers``; all zero where nothing is better than nothing."""
        best = self._none
        for start in dict.fromkeys(self._starts()):
            found = self._improved(start)
            if self._rank(found) > self._rank(best):
                best = found
        return best

    def total(self, counts: Counts) -> Fraction:
        """The sum, floors taken off: dollars."""
        if counts not in self._totals:
            self._totals[counts] = self.net(counts) - self._floors(counts)
        return self._totals[counts]

    def net(self, counts: Counts) -> Fraction:
        """Later tax avoided less tax now and cost: dollars."""
        short, long = self.gains(counts)
        cost = sum((self._cost(position, counts) for position in self._positions()), ZERO)
        return self._terms.later_rate * (short + long) - self.tax_now(short, long) - cost

    def gains(self, counts: Counts) -> tuple[Fraction, Fraction]:
        """Short- and long-term gain: dollars."""
        found = {Term.SHORT: ZERO, Term.LONG: ZERO}
        for offer, count in zip(self.offers, counts, strict=True):
            found[offer.term] += offer.gain * count
        return found[Term.SHORT], found[Term.LONG]

    def tax_now(self, short: Fraction, long: Fraction) -> Fraction:
        """Tax that the gains add, what carried losses are worth included: dollars.

        One term first and the other on top of it comes to the same either way: along the line that is known already.
        """
        if (Term.SHORT, long) in self._lines:
            return self._line(Term.LONG, ZERO).at(long) + self._line(Term.SHORT, long).at(short)
        return self._line(Term.SHORT, ZERO).at(short) + self._line(Term.LONG, short).at(long)

    def _line(self, term: Term, other: Fraction) -> Line:
        """The tax along one term, with so much gain of the other."""
        key = (term, other)
        if key not in self._lines:
            shifted = (
                after(self._terms.tax, short=other, long=ZERO)
                if term is Term.LONG
                else after(self._terms.tax, short=ZERO, long=other)
            )
            self._lines[key] = line(shifted, term, self._most[term])
        return self._lines[key]

    def _starts(self) -> Iterator[Counts]:
        """Nothing; and the best prefix of all offers, of those of each term, and of all with another one first."""
        yield self._none
        every = list(range(len(self.offers)))
        orders = [every, *([at for at in every if self.offers[at].term is term] for term in Term)]
        if len(every) <= FEW:
            orders += [[first, *(at for at in every if at != first)] for first in every]
        for order in orders:
            prefixes = list(self._prefixes(order))
            if prefixes:
                yield max(prefixes, key=self._rank)
            if len(every) <= FEW and prefixes:
                yield prefixes[0]

    def _prefixes(self, chosen: Sequence[int]) -> Iterator[Counts]:
        """The first offers in full, the next one as far as it is good; in turn."""
        counts = self._none
        for at in chosen:
            yield _with(counts, at, self._best_of(counts, at, may_be_none=False))
            full = _with(counts, at, self.offers[at].shares)
            if not self.fits(full):
                return
            counts = full
        yield counts

    def _improved(self, counts: Counts) -> Counts:
        while True:
            better = self._one_by_one(counts)
            better = self._two_at_a_time(better)
            if better == counts:
                return counts
            counts = better

    def _one_by_one(self, counts: Counts, *, but: int | None = None) -> Counts:
        for at in range(len(self.offers)):
            if at == but:
                continue
            changed = _with(counts, at, self._best_of(counts, at))
            if self._rank(changed) > self._rank(counts):
                counts = changed
        return counts

    def _two_at_a_time(self, counts: Counts) -> Counts:
        """Give shares of one offer for another: some of them only where one of the two is sold in part, else all."""
        partial = {at for at, offer in enumerate(self.offers) if 0 < counts[at] < offer.shares}
        for giver, count in enumerate(counts):
            for taker in range(len(counts)) if count else ():
                if giver == taker:
                    continue
                some = {giver, taker} & partial
                if not some and len(counts) > SEVERAL:
                    continue
                fewer = (count - 1, count - 2, count - 3, count // 2, 0) if some else (0,)
                for left in dict.fromkeys(max(one, 0) for one in fewer):
                    changed = self._given(counts, giver, left, taker)
                    if self._rank(changed) > self._rank(counts):
                        return self._further(counts, changed, giver, taker)
        return counts

    def _given(self, counts: Counts, giver: int, left: int, taker: int) -> Counts:
        """``left`` shares of one offer, and what another can best do with what is freed."""
        less = _with(counts, giver, left)
        changed = _with(less, taker, self._best_of(less, taker))
        if len(counts) <= FEW:  # what is freed may suit several
            changed = self._one_by_one(changed, but=giver)
        return changed

    def _further(self, counts: Counts, better: Counts, giver: int, taker: int) -> Counts:
        """Twice as many shares the same way, and twice as many again, as long as that is better still."""
        step = counts[giver] - better[giver]
        while better[giver]:
            step *= 2
            changed = self._given(better, giver, max(better[giver] - step, 0), taker)
            if self._rank(changed) <= self._rank(better):
                break
            better = changed
        return better

    def _best_of(self, counts: Counts, at: int, *, may_be_none: bool = True) -> int:
        """The best number of shares of one offer, the others staying as they are; the smallest of equal ones."""
        most = self._room(counts, at)
        if most == 0:
            return 0
        found = [0] if may_be_none else []
        bounds = self._pieces(counts, at, most)
        for low, high in pairwise(bounds):
            found.append(self._peak(counts, at, low, high))
        if len(bounds) == 1:
            found.append(bounds[0])
        return max(found, key=lambda count: self._rank(_with(counts, at, count)))

    def _pieces(self, counts: Counts, at: int, most: int) -> list[int]:
        """Numbers of shares between which the tax of one offer's gain is a straight line."""
        offer = self.offers[at]
        short, long = self.gains(_with(counts, at, 0))
        before, other = (short, long) if offer.term is Term.SHORT else (long, short)
        bounds = {1, most}
        for kink in self._line(offer.term, other).points:
            shares = int((kink - before) // offer.gain)
            bounds.update(one for one in (shares, shares + 1) if 1 < one < most)
        return sorted(bounds)

    def _peak(self, counts: Counts, at: int, low: int, high: int) -> int:
        """The smallest of the best numbers in a stretch on which the sum is concave."""
        while low < high:
            middle = (low + high) // 2
            here, further = (self.total(_with(counts, at, count)) for count in (middle, middle + 1))
            if further > here:
                low = middle + 1
            else:
                high = middle
        return low

    def _room(self, counts: Counts, at: int) -> int:
        """Shares of one offer that the budget takes beside the others."""
        low, high = 0, self.offers[at].shares
        if self.fits(_with(counts, at, high)):
            return high
        while low < high:
            middle = (low + high + 1) // 2
            if self.fits(_with(counts, at, middle)):
                low = middle
            else:
                high = middle - 1
        return low

    def fits(self, counts: Counts) -> bool:
        """Whether the budget takes the gains."""
        return self._terms.fits(*self.gains(counts))

    def _rank(self, counts: Counts) -> tuple[Fraction, int]:
        """The larger sum; of equal ones the fewer shares."""
        return self.total(counts), -sum(counts)

    def _positions(self) -> tuple[Position, ...]:
        return tuple(dict.fromkeys(offer.position for offer in self.offers))

    def _cost(self, position: Position, counts: Counts) -> Fraction:
        shares = sum(
            count
            for offer, count in zip(self.offers, counts, strict=True)
            if offer.position == position
        )
        return self._terms.cost(position, shares) if shares else ZERO

    def _floors(self, counts: Counts) -> Fraction:
        lots: dict[Position, int] = {}
        for offer, count in zip(self.offers, counts, strict=True):
            if count:
                lots[offer.position] = lots.get(offer.position, 0) + 1
        further = sum(lots.values()) - len(lots)
        return self._terms.first_floor * len(lots) + self._terms.further_floor * further


def _with(counts: Counts, at: int, count: int) -> Counts:
    return (*counts[:at], count, *counts[at + 1 :])
