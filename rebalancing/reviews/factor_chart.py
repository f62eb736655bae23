"""Active exposure of a household to each factor, as bars between marks of its limits: geometry alone, pure Decimal."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_LEFT, _RIGHT = Decimal(190), Decimal(590)  # of the plot; names stand left of it, figures right
_MIDDLE = (_LEFT + _RIGHT) / 2
_HALF = (_RIGHT - _LEFT) / 2
_ROW = 26
WIDTH = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLine:
    """A factor with its active exposure and the limits of it, where there are any; fractions."""

    name: str
    active: Decimal
    low: Decimal | None
    high: Decimal | None

    @property
    def is_outside(self) -> bool:
        """Whether a limit is passed; a value on it is inside."""
        under = self.low is not None and self.active < self.low
        return under or (self.high is not None and self.active > self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorBar:
    """One bar in the picture's units: it begins or ends at zero; ``low_x`` and ``high_x`` are marks."""

    line: FactorLine
    x: Decimal
    width: Decimal
    y: int
    middle: int
    mark_from: int
    mark_to: int
    low_x: Decimal | None
    high_x: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChart:
    """All bars on one scale: to the farthest limit, but not beyond twice the farthest exposure, so that bars are seen.

    ``is_cut``: some limit lies beyond, and has no mark.
    """

    bars: tuple[FactorBar, ...]
    zero_x: Decimal
    height: int
    is_cut: bool
    width: int = WIDTH


def chart(lines: Sequence[FactorLine]) -> FactorChart:
    """The bars of the lines in their order."""
    largest = max((abs(line.active) for line in lines), default=Decimal(0))
    limits = [abs(one) for line in lines for one in (line.low, line.high) if one is not None]
    farthest = max([largest, *limits])
    reach = min(farthest, 2 * largest) or farthest or Decimal(1)
    return FactorChart(
        bars=tuple(_bar(line, reach, place) for place, line in enumerate(lines)),
        zero_x=_MIDDLE,
        height=_ROW * len(lines),
        is_cut=farthest > reach,
    )


def _bar(line: FactorLine, reach: Decimal, place: int) -> FactorBar:
    end, top = _x(line.active, reach), _ROW * place
    return FactorBar(
        line=line,
        x=min(end, _MIDDLE),
        width=abs(end - _MIDDLE),
        y=top + 8,
        middle=top + _ROW // 2,
        mark_from=top + 3,
        mark_to=top + _ROW - 3,
        low_x=_mark(line.low, reach),
        high_x=_mark(line.high, reach),
    )


def _mark(limit: Decimal | None, reach: Decimal) -> Decimal | None:
    return None if limit is None or abs(limit) > reach else _x(limit, reach)


def _x(exposure: Decimal, reach: Decimal) -> Decimal:
    return (_MIDDLE + _HALF * exposure / reach).quantize(Decimal("0.1"))
