"""A year's capital gains from netting to tax, and what one more dollar costs. Pure and exact.

- Schedule D (R31): short-term with short-term (line 7), long-term with long-term (line 15), both (line 16), and what a
  net loss may take off other income (line 21: 3,000 dollars, 1,500 for mfs).
- Capital Loss Carryover Worksheet, lines 1-13 (R32). Line 1 is taxable income WITHOUT a floor at zero: of a loss no
  more than the income it can meet is used up, and the rest keeps its character, short-term used first.
- Ordinary brackets, and the long-term brackets stacked on top of the ordinary part (Qualified Dividends and Capital
  Gain Tax Worksheet), never more than ordinary brackets on everything. Exact brackets, no tax table of 50-dollar steps.
- Net investment income tax: 3.8 percent of the smaller of net investment income and modified AGI above the threshold.
- State: a flat rate on taxable income; no state's law is known here, and none is assumed to favour long-term gains.

Rounding: none in here. Amounts go in as ``Decimal`` or ``Fraction``, figures come out as ``Fraction``; whoever stores
or prints them rounds once, to the cent, with ``lots.rounding.cents``. A float is a TypeError.

Not computed: alternative minimum tax, gains taxed at 25 or 28 percent, qualified business income, phase-outs of
deductions and credits. ``ordinary_taxable_income`` is taken as given: what a gain does to it is not seen.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from accounts.types import FilingStatus
from lots.rates import Bracket, capital_loss_limit, rates
from lots.rays import NOTHING, ZERO, Ray, larger, nearer, smaller

Exact = Decimal | Fraction | int  # dollars, exact

_NEVER_NEGATIVE = {
    "st_disallowed", "lt_disallowed", "st_carryover_in", "lt_carryover_in", "qualified_dividends", "state_rate",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class YearInputs:
    """What a tax unit brings into the netting of a year; dollars.

    ``ordinary_taxable_income`` is after deductions, before capital gains and qualified dividends; it may be negative.
    Gains are before carryovers, losses negative; what wash sales disallow is positive and added back. Carryovers in are
    positive. ``magi`` and ``nii`` (for the net investment income tax only) include the gains as given; ``marginal``
    moves them along. ``state_rate`` is a fraction. Raises TypeError for a float, ValueError for a negative amount where
    none can be and for anything that is not finite.
    """

    year: int
    filing_status: FilingStatus
    ordinary_taxable_income: Exact = ZERO
    st_gain_loss: Exact = ZERO
    lt_gain_loss: Exact = ZERO
    st_disallowed: Exact = ZERO
    lt_disallowed: Exact = ZERO
    st_carryover_in: Exact = ZERO
    lt_carryover_in: Exact = ZERO
    qualified_dividends: Exact = ZERO
    magi: Exact = ZERO
    nii: Exact = ZERO
    state_rate: Exact = ZERO

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name in ("year", "filing_status"):
                continue
            value = _exact(item.name, getattr(self, item.name))
            if item.name in _NEVER_NEGATIVE and value < 0:
                raise ValueError(f"{item.name} is {value}; it is never negative.")


@dataclass(frozen=True, slots=True)
class CarryoverWorksheet:
    """The Capital Loss Carryover Worksheet line by line (R32); dollars, exact. All but line 1 are 0 or more."""

    line1: Fraction  # taxable income without a floor: may be negative
    line2: Fraction  # the loss of Schedule D line 21
    line3: Fraction
    line4: Fraction  # used up this year
    line5: Fraction  # the loss of line 7
    line6: Fraction  # the gain of line 15
    line7: Fraction
    line8: Fraction  # short-term carryover to the next year
    line9: Fraction  # the loss of line 15
    line10: Fraction  # the gain of line 7
    line11: Fraction
    line12: Fraction
    line13: Fraction  # long-term carryover to the next year


@dataclass(frozen=True, slots=True)
class YearResult:
    """What follows from the inputs; dollars, exact. ``line21`` is zero or negative."""

    line7: Fraction
    line15: Fraction
    line16: Fraction
    line21: Fraction
    worksheet: CarryoverWorksheet
    st_carryover_out: Fraction
    lt_carryover_out: Fraction
    taxable_income: Fraction
    preferential_income: Fraction
    income_tax: Fraction  # federal, without the net investment income tax
    niit: Fraction
    state_tax: Fraction

    @property
    def total_tax(self) -> Fraction:
        return self.income_tax + self.niit + self.state_tax

    @property
    def carried_out(self) -> Fraction:
        return self.st_carryover_out + self.lt_carryover_out


@dataclass(frozen=True, slots=True)
class TaxChange:
    """What more gains or losses change: tax of this year, and apart from it what is carried to the next; dollars."""

    income_tax: Fraction
    niit: Fraction
    state_tax: Fraction
    st_carryover: Fraction
    lt_carryover: Fraction

    @property
    def tax(self) -> Fraction:
        """Federal income tax, net investment income tax and state tax; negative = saved."""
        return self.income_tax + self.niit + self.state_tax


@dataclass(frozen=True, slots=True)
class Slope:
    """What each of the next ``reach`` dollars does; None = all further dollars.

    Of a gain ``rate`` is the tax a dollar costs, of a loss the tax it saves. ``carried`` is what a dollar adds to the
    carryovers (of a gain: negative where it eats them).
    """

    rate: Fraction
    carried: Fraction
    reach: Fraction | None


@dataclass(frozen=True, slots=True)
class MarginalRates:
    """The four one-sided slopes of this year's tax at the inputs."""

    gain_short: Slope
    gain_long: Slope
    loss_short: Slope
    loss_long: Slope


def net(inputs: YearInputs) -> YearResult:
    """The year's netting, carryovers and tax. Raises lots.rates.UnknownYear."""
    return _result(_Year(inputs, short=ZERO, long=ZERO))


def marginal(inputs: YearInputs, *, short: Exact, long: Exact) -> TaxChange:
    """What ``short`` and ``long`` more dollars of allowed gain (losses negative) change: the difference of two nets.

    Modified AGI and net investment income move with the gain that reaches income. Raises lots.rates.UnknownYear,
    TypeError for a float.
    """
    before, after = net(inputs), net(with_gains(inputs, short=short, long=long))
    return TaxChange(
        income_tax=after.income_tax - before.income_tax,
        niit=after.niit - before.niit,
        state_tax=after.state_tax - before.state_tax,
        st_carryover=after.st_carryover_out - before.st_carryover_out,
        lt_carryover=after.lt_carryover_out - before.lt_carryover_out,
    )


def with_gains(inputs: YearInputs, *, short: Exact, long: Exact) -> YearInputs:
    """The same year with more allowed gain; modified AGI and net investment income include it."""
    more = replace(
        inputs,
        st_gain_loss=_exact("st_gain_loss", inputs.st_gain_loss) + _exact("short", short),
        lt_gain_loss=_exact("lt_gain_loss", inputs.lt_gain_loss) + _exact("long", long),
    )
    reached = gain_in_income(more) - gain_in_income(inputs)
    return replace(
        more,
        magi=_exact("magi", inputs.magi) + reached,
        nii=_exact("nii", inputs.nii) + reached,
    )


def totals(inputs: YearInputs) -> tuple[Fraction, Fraction]:
    """Lines 7 and 15 of Schedule D. Needs no year's rates."""
    schedule = _Schedule(inputs, short=ZERO, long=ZERO)
    return schedule.line7.value, schedule.line15.value


def gain_in_income(inputs: YearInputs) -> Fraction:
    """The capital gain or loss that enters income: line 16 if it is a gain, else line 21. Needs no year's rates."""
    return _Schedule(inputs, short=ZERO, long=ZERO).in_income.value


def marginal_rates(inputs: YearInputs) -> MarginalRates:
    """What the next dollar costs or saves, exactly, and how far that holds. Raises lots.rates.UnknownYear."""
    one = Fraction(1)
    return MarginalRates(
        gain_short=_slope(inputs, short=one, long=ZERO),
        gain_long=_slope(inputs, short=ZERO, long=one),
        loss_short=_slope(inputs, short=-one, long=ZERO),
        loss_long=_slope(inputs, short=ZERO, long=-one),
    )


def loss_slope(inputs: YearInputs, *, short: bool) -> Slope:
    """The slope of the next dollars of loss of one term alone. Raises lots.rates.UnknownYear."""
    one = Fraction(1)
    return _slope(inputs, short=-one if short else ZERO, long=ZERO if short else -one)


class RateLines(NamedTuple):
    """Where the tax on further losses x (short-term) and y (long-term) may change its rate; exact dollars.

    On the lines x = c of ``short``, y = c of ``long`` and x + y = c of ``both``, and nowhere else, because every figure
    of the year follows from line 7 (moves with x), line 15 (with y) or their sum: ordinary brackets meet income plus
    line 7 or line 16, the long-term brackets are stacked on either and end at taxable income.
    """

    short: frozenset[Fraction]
    long: frozenset[Fraction]
    both: frozenset[Fraction]


def rate_lines(inputs: YearInputs) -> RateLines:
    """The lines of a year. Raises lots.rates.UnknownYear."""
    year = rates(inputs.year)
    status = inputs.filing_status
    line7, line15 = totals(inputs)
    line16 = line7 + line15
    limit = Fraction(capital_loss_limit(status))
    ordinary = Fraction(inputs.ordinary_taxable_income)
    incomes = (ordinary, ordinary + Fraction(inputs.qualified_dividends))
    brackets = (*year.ordinary[status], *year.long_term[status])
    tops = {ZERO, *(Fraction(one.upto) for one in brackets if one.upto is not None)}
    above = Fraction(inputs.magi) - Fraction(year.niit_threshold[status])
    nii = Fraction(inputs.nii)
    unmoved = line16 - gain_in_income(inputs)  # of a net loss: what income does not feel of it
    return RateLines(
        short=frozenset(
            {line7, line7 + limit, *(one + line7 - top for one in incomes for top in tops)}
        ),
        long=frozenset({line15, line15 + limit}),
        both=frozenset(
            {
                line16,
                line16 + limit,
                *(one + line16 - top for one in incomes for top in tops),
                *(unmoved + reach for reach in (nii, above, above - nii)),
            }
        ),
    )


def next_dollar(inputs: YearInputs, *, short: int, long: int) -> Fraction:
    """What the next dollar costs (a gain) or saves (a loss) of this year's tax; one of the two is 1 or -1, one 0."""
    return (short + long) * _Year(inputs, short=Fraction(short), long=Fraction(long)).tax.slope


def _slope(inputs: YearInputs, *, short: Fraction, long: Fraction) -> Slope:
    """The slope in a direction. Where two lines cross without a change of the rate, the search goes on behind it."""
    sign = short + long
    first = _Year(inputs, short=short, long=long)
    rate, carried = _slopes(first)
    here, reach = first, ZERO
    while True:
        step = nearer(here.tax.reach, here.carried.reach)
        if step is None:
            return Slope(sign * rate, carried, None)
        reach += step
        here = _Year(
            with_gains(inputs, short=short * reach, long=long * reach), short=short, long=long
        )
        if _slopes(here) != (rate, carried):
            return Slope(sign * rate, carried, reach)


def _slopes(year: "_Year") -> tuple[Fraction, Fraction]:
    return year.tax.slope, year.carried.slope


class _Schedule:
    """Schedule D along a direction of ``short`` and ``long`` dollars."""

    def __init__(self, inputs: YearInputs, *, short: Fraction, long: Fraction) -> None:
        self.limit = Fraction(capital_loss_limit(inputs.filing_status))
        self.line7 = Ray(
            Fraction(inputs.st_gain_loss)
            + Fraction(inputs.st_disallowed)
            - Fraction(inputs.st_carryover_in),
            short,
        )
        self.line15 = Ray(
            Fraction(inputs.lt_gain_loss)
            + Fraction(inputs.lt_disallowed)
            - Fraction(inputs.lt_carryover_in),
            long,
        )
        self.line16 = self.line7 + self.line15
        self.in_income = larger(self.line16, Ray(-self.limit))
        self.line21 = smaller(NOTHING, self.in_income)


class _Year(_Schedule):
    """The whole year along a direction. Every figure is a ray; with no direction they are plain numbers."""

    def __init__(self, inputs: YearInputs, *, short: Fraction, long: Fraction) -> None:
        super().__init__(inputs, short=short, long=long)
        year = rates(inputs.year)
        status = inputs.filing_status
        dividends = Ray(Fraction(inputs.qualified_dividends))
        income = Ray(Fraction(inputs.ordinary_taxable_income)) + dividends + self.in_income
        self.taxable_income = larger(NOTHING, income)
        net_long = larger(NOTHING, smaller(self.line15, self.line16))
        self.preferential = smaller(self.taxable_income, net_long + dividends)
        self.income_tax = _income_tax(
            self.taxable_income, self.preferential, year.ordinary[status], year.long_term[status]
        )
        moved = self.in_income - Ray(self.in_income.value)  # what the direction adds to income
        above = Ray(Fraction(inputs.magi)) + moved - Ray(Fraction(year.niit_threshold[status]))
        base = larger(NOTHING, smaller(Ray(Fraction(inputs.nii)) + moved, above))
        self.niit = base * Fraction(year.niit_rate)
        self.state_tax = self.taxable_income * Fraction(inputs.state_rate)
        self.tax = self.income_tax + self.niit + self.state_tax
        self.worksheet = _worksheet(income, self.line21, self.line7, self.line15)
        self.carried = self.worksheet[8] + self.worksheet[13]


def _income_tax(
    income: Ray, preferential: Ray, ordinary: tuple[Bracket, ...], long_term: tuple[Bracket, ...]
) -> Ray:
    """Ordinary brackets below, the long-term brackets stacked on top, at most ordinary brackets on everything."""
    below = income - preferential
    stacked = _by_brackets(income, long_term) - _by_brackets(below, long_term)
    return smaller(_by_brackets(below, ordinary) + stacked, _by_brackets(income, ordinary))


def _by_brackets(income: Ray, brackets: tuple[Bracket, ...]) -> Ray:
    """Tax on an income by its bracket: the one it lies in just ahead, which holds up to the bracket's end."""
    for step in _steps(brackets):
        if step.top is None or (income.value, income.slope) <= (step.top, ZERO):
            break
    reach = income.reach
    if income.slope > 0 and step.top is not None:
        reach = nearer(reach, (step.top - income.value) / income.slope)
    elif income.slope < 0:
        reach = nearer(reach, (step.floor - income.value) / income.slope)
    tax = step.below + (income.value - step.floor) * step.rate
    return Ray(tax, income.slope * step.rate, reach)


class _Step(NamedTuple):
    """A bracket with the tax on all below it."""

    floor: Fraction
    top: Fraction | None
    rate: Fraction
    below: Fraction


@cache
def _steps(brackets: tuple[Bracket, ...]) -> tuple[_Step, ...]:
    steps, floor, below = [], ZERO, ZERO
    for bracket in brackets:
        top = None if bracket.upto is None else Fraction(bracket.upto)
        steps.append(_Step(floor, top, Fraction(bracket.rate), below))
        if top is not None:
            floor, below = top, below + (top - floor) * Fraction(bracket.rate)
    return tuple(steps)


def _worksheet(income: Ray, line21: Ray, line7: Ray, line15: Ray) -> dict[int, Ray]:
    """Lines 1-13. With no loss on line 21 lines 8 and 13 come out as zero."""
    lines = {1: income, 2: -line21}
    lines[3] = larger(NOTHING, lines[1] + lines[2])
    lines[4] = smaller(lines[2], lines[3])
    lines[5] = larger(NOTHING, -line7)
    lines[6] = larger(NOTHING, line15)
    lines[7] = lines[4] + lines[6]
    lines[8] = larger(NOTHING, lines[5] - lines[7])
    lines[9] = larger(NOTHING, -line15)
    lines[10] = larger(NOTHING, line7)
    lines[11] = larger(NOTHING, lines[4] - lines[5])
    lines[12] = lines[10] + lines[11]
    lines[13] = larger(NOTHING, lines[9] - lines[12])
    return lines


def _result(year: _Year) -> YearResult:
    worksheet = {f"line{line}": ray.value for line, ray in year.worksheet.items()}
    return YearResult(
        line7=year.line7.value,
        line15=year.line15.value,
        line16=year.line16.value,
        line21=year.line21.value,
        worksheet=CarryoverWorksheet(**worksheet),
        st_carryover_out=year.worksheet[8].value,
        lt_carryover_out=year.worksheet[13].value,
        taxable_income=year.taxable_income.value,
        preferential_income=year.preferential.value,
        income_tax=year.income_tax.value,
        niit=year.niit.value,
        state_tax=year.state_tax.value,
    )


def _exact(name: str, value: Exact) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, Decimal | Fraction | int):
        raise TypeError(
            f"{name} is a {type(value).__name__}; money and rates are Decimal or exact."
        )
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"{name} is {value}, which is not a finite number.")
    return Fraction(value)
