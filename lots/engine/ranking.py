"""The parts of one position by basis per share, from sale to sale: what HIFO and LOWEST_TAX take from (R22b).

A *rank* names a lot and a basis per share, and stands for every part of the lot that has it when the rank's turn
comes. So nobody has to find the rank of a part that has left, or whose basis has changed: a rank that no part answers
to is dropped when it comes up. Parts that are new or that a wash sale has touched are noted (``Ranking.changed``) and
ranked at the next sale, which then takes time for the parts it looks at and not for those the position holds. What
changes every part of a position (an average, a return of capital, a spin-off) drops its ranking, and the next sale
makes another.

The order is exact: the dearest first; of equal basis the lot acquired first, then the lot's own order (U9). It is the
order in which a stable sort of the parts by basis would put them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain

from lots.engine.holdings import Lot, Part, Position, Sale
from lots.engine.units import Rate, is_below, ratio
from lots.holding_period import first_long_term_day


class _Rank:
    """The parts of a lot that have a basis per share."""

    __slots__ = ("lot", "rate")

    def __init__(self, lot: Lot, rate: Rate) -> None:
        self.lot = lot
        self.rate = rate

    def __lt__(self, other: "_Rank") -> bool:
        """Whether these shares leave before the others."""
        mine, its = self.rate[0] * other.rate[1], other.rate[0] * self.rate[1]
        if mine != its:
            return mine > its
        first, second = self.lot.opening, other.lot.opening
        return (first.acquired, first.order) < (second.acquired, second.order)

    def is_same(self, other: "_Rank") -> bool:
        return self.lot is other.lot and not (self < other or other < self)

    def parts(self) -> list[Part]:
        """Those that answer to it now, in the lot's order (U9)."""
        number, per = self.rate
        return [part for part in self.lot.parts if part.rate[0] * per == number * part.rate[1]]


class _Tier:
    """Ranks, the dearest first."""

    __slots__ = ("_looked_at", "_ranks")

    def __init__(self) -> None:
        self._ranks: list[_Rank] = []
        self._looked_at: list[_Rank] = []  # by the sale before, which may have left something

    def add(self, rank: _Rank) -> None:
        heappush(self._ranks, rank)

    def parts(self, belongs: Callable[[Part], bool] | None = None) -> Iterator[Part]:
        """The parts by their ranks, as far as they are asked for. One that does not belong here never will again."""
        for rank in self._looked_at:
            if rank.lot.parts:
                heappush(self._ranks, rank)
        self._looked_at = []
        return self._in_turn(belongs)

    def _in_turn(self, belongs: Callable[[Part], bool] | None) -> Iterator[Part]:
        ranks, last = self._ranks, None
        while ranks:
            rank = heappop(ranks)
            if last is not None and rank.is_same(last):
                continue  # told twice
            found = rank.parts()
            if belongs is not None:
                found = [part for part in found if belongs(part)]
            if found:
                last = rank
                self._looked_at.append(rank)
                yield from found


class Ranking(ABC):
    """The order of one position under one relief, kept from sale to sale."""

    def __init__(self, position: Position) -> None:
        self.changed = list(position.parts())  # not ranked yet, or not as they are now
        self._position = position

    def parts(self, sale: Sale | None) -> Iterator[Part]:
        """Parts in the order in which ``sale`` takes them; None for shares that leave without a price.

        Nothing may leave on the way. Dates of sales never go back.
        """
        for part in self.changed:
            if part.quantity and self._position.lot(part.lot.opening.entry.id) is part.lot:
                self._rank(part)
        self.changed = []
        return self._in_order(sale)

    @abstractmethod
    def _rank(self, part: Part) -> None: ...

    @abstractmethod
    def _in_order(self, sale: Sale | None) -> Iterator[Part]: ...


class HighestBasis(Ranking):
    """HIFO: the highest basis per share first."""

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self._tier = _Tier()

    def _rank(self, part: Part) -> None:
        self._tier.add(_Rank(part.lot, part.rate))

    def _in_order(self, sale: Sale | None) -> Iterator[Part]:
        return self._tier.parts()


class LowestTax(Ranking):
    """LOWEST_TAX: losses, short-term ones first, then gains, long-term ones first.

    Of each kind the largest loss or the smallest gain leaves first, which is both times the highest basis: short-term
    and long-term parts have a tier each. What a gift with two bases counts for depends on the price (IRC 1015(a)): a
    position that has received one is sorted anew for every sale.
    """

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self._short, self._long = _Tier(), _Tier()
        self._turning: list[tuple[int, _Rank]] = []  # by the day on which they become long-term
        self._has_gifts = False

    def _rank(self, part: Part) -> None:
        rank = _Rank(part.lot, part.rate)
        self._short.add(rank)
        heappush(self._turning, (_long_from(part), rank))
        self._has_gifts = self._has_gifts or part.gift is not None

    def _in_order(self, sale: Sale | None) -> Iterator[Part]:
        if sale is None:
            return self._position.parts()
        if self._has_gifts:
            return iter(sorted(self._position.parts(), key=lambda part: _burden(part, sale)))
        while self._turning and self._turning[0][0] <= sale.day:
            self._long.add(heappop(self._turning)[1])
        return self._by_kind(sale.rate, sale.day)

    def _by_kind(self, price: Rate, day: int) -> Iterator[Part]:
        short = self._short.parts(lambda part: _long_from(part) > day)
        gains: Iterable[Part] = ()
        for part in short:
            if not is_below(price, part.rate):
                gains = chain((part,), short)
                break
            yield part
        yield from self._long.parts(lambda part: _long_from(part) <= day)
        yield from gains


def _burden(part: Part, sale: Sale) -> tuple[int, Fraction]:
    """The kind of gain or loss, then dollars per base unit."""
    basis, start = part.basis_sold_at(sale.rate)
    gain = ratio(*sale.rate) - ratio(*basis)
    is_long = _long_from(part, start) <= sale.day
    if gain < 0:
        return (1 if is_long else 0), gain
    return (2 if is_long else 3), gain


def _long_from(part: Part, start: int | None = None) -> int:
    """First day on which the part is long-term, for the start of its own clock or another one (R3)."""
    if part.lot.opening.is_inherited:
        return 0
    return first_long_term_day(
        date.fromordinal(part.holding_start if start is None else start)
    ).toordinal()
