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
            self.value + other.value, self.slope + other.slope, nearer(self.reach, other.reach)
        )

    def __sub__(self, other: "Ray") -> "Ray":
        return self + -other

    def __neg__(self) -> "Ray":
        return Ray(-self.value, -self.slope, self.reach)

    def __mul__(self, factor: Fraction) -> "Ray":
        return Ray(self.value * factor, self.slope * factor, self.reach)


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
    return -larger(-first, -second)


def nearer(first: Fraction | None, second: Fraction | None) -> Fraction | None:
    """The nearer of two distances; None is endless."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)
