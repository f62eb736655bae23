"""The tax that more gains of the year add, as straight lines between exact kinks. Pure.

It is ``lots.year_tax.added_tax`` from 0 dollars on, told once for many questions. Kinks are where a bracket ends, where
the net investment income tax begins, where a loss of the other term or one carried in is used up: beyond the 0 %
bracket each dollar costs more, beyond a loss that would have met ordinary income less.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction

from lots.netting import YearInputs, marginal_rates, totals, with_gains
from lots.rounding import terminating
from lots.types import Term
from lots.year_tax import TaxPosition, added_tax

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Line:
    """Tax added by 0 to ``points[-1]`` more dollars of one term; dollars, exact."""

    points: tuple[Fraction, ...]
    taxes: tuple[Fraction, ...]

    def at(self, gain: Fraction) -> Fraction:
        """Tax added by so much gain, which is between the first point and the last."""
        if not ZERO <= gain <= self.points[-1]:
            raise ValueError(f"A gain of {gain} is off the line, which ends at {self.points[-1]}.")
        right = min(bisect_right(self.points, gain), len(self.points) - 1)
        if right == 0:
            return ZERO
        (x, y), (u, v) = ((self.points[place], self.taxes[place]) for place in (right - 1, right))
        return y + (gain - x) * (v - y) / (u - x)


def line(position: TaxPosition, term: Term, upto: Fraction) -> Line:
    """The tax of more gains of a term, up to so many dollars, on top of the year as it stands."""
    if upto <= ZERO:
        return Line((ZERO,), (ZERO,))
    if position.brackets is None:
        return _by_table(position, term, upto)
    return _by_brackets(position, position.brackets, term, upto)


def after(position: TaxPosition, *, short: Fraction, long: Fraction) -> TaxPosition:
    """The year with more gains in it."""
    return replace(
        position,
        short=position.short + terminating(short),
        long=position.long + terminating(long),
    )


def _by_table(position: TaxPosition, term: Term, upto: Fraction) -> Line:
    """Kinks: what ordinary income does not meet of a net loss is used up; the rest of it is; the term's own loss is."""
    total = Fraction(position.short) + Fraction(position.long)
    own = Fraction(position.short if term is Term.SHORT else position.long)
    kinks = {-total, -total - Fraction(position.loss_limit), -own}
    points = (ZERO, *sorted(kink for kink in kinks if ZERO < kink < upto), upto)
    return Line(points, tuple(_added(position, term, point) for point in points))


def _added(position: TaxPosition, term: Term, gain: Fraction) -> Fraction:
    dollars, none = terminating(gain), terminating(ZERO)
    if term is Term.SHORT:
        return Fraction(added_tax(position, short=dollars, long=none))
    return Fraction(added_tax(position, short=none, long=dollars))


def _by_brackets(position: TaxPosition, inputs: YearInputs, term: Term, upto: Fraction) -> Line:
    """From kink to kink by what the next dollar costs; a carried loss that it uses up costs what it is worth."""
    line7, line15 = totals(inputs)
    here = with_gains(
        inputs, short=Fraction(position.short) - line7, long=Fraction(position.long) - line15
    )
    worth = Fraction(position.carried_loss_value)
    points, taxes = [ZERO], [ZERO]
    while points[-1] < upto:
        rates = marginal_rates(here)
        slope = rates.gain_short if term is Term.SHORT else rates.gain_long
        step = upto - points[-1]
        if slope.reach is not None:
            step = min(step, slope.reach)
        points.append(points[-1] + step)
        taxes.append(taxes[-1] + step * (slope.rate - worth * slope.carried))
        here = (
            with_gains(here, short=step, long=ZERO)
            if term is Term.SHORT
            else with_gains(here, short=ZERO, long=step)
        )
    return Line(tuple(points), tuple(taxes))
