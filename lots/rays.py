"""Quantities along a direction: what they are here, how fast they change, and how far that holds. Pure and exact.

A tax computation is sums, multiples and the larger or smaller of two things; along a straight line every figure of it
is therefore piecewise linear. Computing it on rays instead of numbers gives, in one pass, the figure, its exact
one-sided slope and how far the slope is certain to hold.
"""

from dataclasses import dataclass
from fractions import Fraction

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Ray:
    """``value + slope * t`` for 0 <= t <= ``reach``; None = without end. ``reach`` is above 0."""

    value: Fraction
    slope: Fraction = ZERO
    reach: Fraction | None = None

    def __add__(self, other: "Ray") -> "Ray":
        return Ray(
            _plus(self.value, other.value),
            _plus(self.slope, other.slope),
            nearer(self.reach, other.reach),
        )

    def __sub__(self, other: "Ray") -> "Ray":
        return Ray(
            _minus(self.value, other.value),
            _minus(self.slope, other.slope),
            nearer(self.reach, other.reach),
        )

    def __neg__(self) -> "Ray":
        return Ray(_minus(ZERO, self.value), _minus(ZERO, self.slope), self.reach)

    def __mul__(self, factor: Fraction) -> "Ray":
        slope = self.slope * factor if self.slope else ZERO
        return Ray(self.value * factor, slope, self.reach)


NOTHING = Ray(ZERO)


def larger(first: Ray, second: Ray) -> Ray:
    """The larger of two, just ahead; it stops being it where they cross."""
    if (first.value, first.slope) < (second.value, second.slope):
        first, second = second, first
    reach = nearer(first.reach, second.reach)
    if first.slope < second.slope:
        reach = nearer(reach, (first.value - second.value) / (second.slope - first.slope))
    return Ray(first.value, first.slope, reach)


def smaller(first: Ray, second: Ray) -> Ray:
    """The smaller of two, just ahead."""
    if (second.value, second.slope) < (first.value, first.slope):
        first, second = second, first
    reach = nearer(first.reach, second.reach)
    if second.slope < first.slope:
        reach = nearer(reach, (second.value - first.value) / (first.slope - second.slope))
    return Ray(first.value, first.slope, reach)


def _plus(first: Fraction, second: Fraction) -> Fraction:
    """Their sum. Most lines of a year are nothing, and so are all slopes where there is no direction."""
    if not second:
        return first
    return first + second if first else second


def _minus(first: Fraction, second: Fraction) -> Fraction:
    if not second:
        return first
    return first - second if first else -second


def nearer(first: Fraction | None, second: Fraction | None) -> Fraction | None:
    """The nearer of two distances; None is endless."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)
