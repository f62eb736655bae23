"""What a year's gains cost in tax after netting, in dollars and cents (R31): pure Decimal.

``year_tax`` is T(S, L), S and L being the year's short- and long-term totals with carryovers in, losses negative:

| year's totals | T |
|---|---|
| S >= 0, L >= 0 | short S + long L |
| S >= 0, L < 0, S + L >= 0 | short (S + L) |
| S < 0, L >= 0, S + L >= 0 | long (S + L) |
| -limit <= S + L < 0 | ordinary (S + L) |
| S + L < -limit | -ordinary limit + carried (S + L + limit) |

A loss beyond the year's limit is carried forward; what a carried dollar is worth today is an assumption and a named
input. The result says what trades change, not what the client owes. A position with ``brackets`` is priced by
``lots.netting`` instead of the table, exact across brackets; its rates are then those of the household's own place in
them, for who can only follow straight lines (the optimiser) and for people to read.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from lots import netting
from lots.errors import NoTaxPosition
from lots.netting import (
    Exact,
    RateLines,
    YearInputs,
    YearResult,
    loss_slope,
    net,
    next_dollar,
    totals,
    with_gains,
)
from lots.rounding import STORED_MONEY, rounded, stored_money, terminating
from lots.types import Term

ZERO = Decimal(0)
_STORED_RATE = Decimal("0.00000001")
_BEYOND_ANY_LIMIT = 10**6  # dollars of loss


class MissingIncome(NoTaxPosition):
    """A tax profile that gives some income but not all that the brackets and the NIIT need."""

    code = "missing_income"

    def __init__(self, *, household: str, year: int) -> None:
        super().__init__(
            f"The tax profile of {household} for {year} gives ordinary_income without modified_agi "
            "and net_investment_income, so the net investment income tax cannot be computed: add "
            "both (before capital gains), or leave all three out and state the rates."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxPosition:
    """A household's rates and its year so far.

    Rates are fractions of a dollar (federal, NIIT and state together). ``short`` and ``long`` are the year's totals in
    dollars with carryovers in, losses negative. Raises TypeError for a float, ValueError for a rate outside 0..1, a
    negative limit, or anything that is not finite.
    """

    short_rate: Decimal
    long_rate: Decimal
    ordinary_rate: Decimal
    loss_limit: Decimal  # positive dollars
    carried_loss_value: Decimal  # what a dollar of carried loss is worth today
    short: Decimal
    long: Decimal
    brackets: YearInputs | None = None  # the year's income: prices come from the brackets

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name == "brackets":
                continue
            value = _exact(item.name, getattr(self, item.name))
            if item.name in ("short_rate", "long_rate", "ordinary_rate", "carried_loss_value"):
                if not ZERO <= value <= 1:
                    raise ValueError(f"{item.name} is {value}; a rate lies between 0 and 1.")
            elif item.name == "loss_limit" and value < ZERO:
                raise ValueError(f"loss_limit is {value}; it is a positive amount.")


def position_at(inputs: YearInputs, *, carried_loss_value: Decimal) -> TaxPosition:
    """Rates at the household's own place in the brackets, and its year so far.

    ``short_rate`` and ``long_rate`` are what the next dollar of gain costs on top of the net gain so far (a net loss
    counts as none), ``ordinary_rate`` what the first dollar of a net loss saves. ``loss_limit`` is what income can meet
    of the year's limit: a loss that meets no income is carried (R32). Raises lots.rates.UnknownYear.
    """
    year = net(inputs)
    short, long = _netted(year.line7, year.line15)
    here, level = (_at(inputs, short=s, long=t) for s, t in ((short, long), (0, 0)))
    most = net(with_gains(level, short=-_BEYOND_ANY_LIMIT, long=0)).worksheet.line4
    return TaxPosition(
        short_rate=rounded(next_dollar(here, short=1, long=0), _STORED_RATE),
        long_rate=rounded(next_dollar(here, short=0, long=1), _STORED_RATE),
        ordinary_rate=rounded(next_dollar(level, short=-1, long=0), _STORED_RATE),
        loss_limit=stored_money(most),
        carried_loss_value=carried_loss_value,
        short=stored_money(year.line7),
        long=stored_money(year.line15),
        brackets=inputs,
    )


def _netted(short: Fraction, long: Fraction) -> tuple[Fraction, Fraction]:
    """What is left of the two terms when a loss of one has eaten gain of the other; no losses."""
    total = max(short + long, Fraction(0))
    if short >= 0 and long >= 0:
        return short, long
    return (Fraction(0), total) if short < 0 else (total, Fraction(0))


def _at(inputs: YearInputs, *, short: Exact, long: Exact) -> YearInputs:
    """The same year with other totals of Schedule D lines 7 and 15."""
    line7, line15 = totals(inputs)
    return with_gains(inputs, short=Fraction(short) - line7, long=Fraction(long) - line15)


def year_tax(position: TaxPosition, *, short: Decimal, long: Decimal) -> Decimal:
    """T(S, L) at the given totals of the year in dollars, exact; negative = saved on ordinary income."""
    if position.brackets is not None:
        return _by_brackets(position, short=short, long=long, than_short=ZERO, than_long=ZERO)
    net_gain = _exact("short", short) + _exact("long", long)
    if net_gain >= ZERO:
        if short >= ZERO and long >= ZERO:
            return position.short_rate * short + position.long_rate * long
        return (position.short_rate if long < ZERO else position.long_rate) * net_gain
    if net_gain >= -position.loss_limit:
        return position.ordinary_rate * net_gain
    beyond = net_gain + position.loss_limit
    return -position.ordinary_rate * position.loss_limit + position.carried_loss_value * beyond


def added_tax(position: TaxPosition, *, short: Decimal, long: Decimal) -> Decimal:
    """Dollars of tax that more gains of the two terms add to the year so far; negative = saved. Exact."""
    if position.brackets is not None:
        return _by_brackets(
            position,
            short=position.short + short,
            long=position.long + long,
            than_short=position.short,
            than_long=position.long,
        )
    after = year_tax(position, short=position.short + short, long=position.long + long)
    return after - year_tax(position, short=position.short, long=position.long)


def with_added(position: TaxPosition, *, short: Decimal, long: Decimal) -> TaxPosition:
    """The same household with more gain of the two terms in its year, dollars, losses negative; its rates stay."""
    return replace(position, short=position.short + short, long=position.long + long)


def rates_at(position: TaxPosition, *, short: Decimal, long: Decimal) -> tuple[Decimal, Decimal]:
    """What the next dollar of short-term and of long-term gain costs once so much more of both is realised.

    With brackets at the household's place in them then, as ``position_at`` has it for the year so far; without, the
    position's own rates.
    """
    if position.brackets is None:
        return position.short_rate, position.long_rate
    netted = _netted(Fraction(position.short + short), Fraction(position.long + long))
    there = _at(position.brackets, short=netted[0], long=netted[1])
    return (
        rounded(next_dollar(there, short=1, long=0), _STORED_RATE),
        rounded(next_dollar(there, short=0, long=1), _STORED_RATE),
    )


@lru_cache(maxsize=1024)
def _net_at(inputs: YearInputs, short: Decimal, long: Decimal) -> YearResult:
    """A year is asked for again and again by whoever tries many sets of sales."""
    return net(_at(inputs, short=short, long=long))


def _by_brackets(
    position: TaxPosition, *, short: Decimal, long: Decimal, than_short: Decimal, than_long: Decimal
) -> Decimal:
    """Tax at one pair of totals less tax at another, the losses newly carried at what they are taken to be worth."""
    assert position.brackets is not None
    after, before = (
        _net_at(position.brackets, _exact("short", s), _exact("long", t))
        for s, t in ((short, long), (than_short, than_long))
    )
    carried = after.carried_out - before.carried_out
    worth = Fraction(position.carried_loss_value) * carried
    return terminating(after.total_tax - before.total_tax - worth)


def record(position: TaxPosition) -> dict[str, object]:
    """Plain values of all that prices follow from, for the record of a decision (``accounts.canonical``)."""
    values = {item.name: getattr(position, item.name) for item in fields(position)}
    inputs = values.pop("brackets")
    if inputs is not None:
        values["brackets"] = {
            item.name: _told(getattr(inputs, item.name)) for item in fields(inputs)
        }
    return values


def _told(value: object) -> object:
    return terminating(value) if isinstance(value, Fraction) else value


def carried_forward(position: TaxPosition) -> Decimal:
    """Dollars of net loss beyond what the year can use, positive; with brackets the same, by ``loss_limit``."""
    return max(-(position.short + position.long) - position.loss_limit, ZERO)


def carried_worth(position: TaxPosition, *, short: Decimal, long: Decimal) -> Decimal:
    """The part of ``-added_tax`` that is no tax of this year: what the losses newly carried are taken to be worth."""
    after = with_added(position, short=short, long=long)
    return position.carried_loss_value * (carried_forward(after) - carried_forward(position))


def loss_kinks(position: TaxPosition, *, term: Term, upto: Decimal) -> tuple[Decimal, ...]:
    """Dollars of further loss of the term, above 0 and below ``upto``, at which a dollar begins to save another amount.

    With brackets every change of a rate counts, else the borders of the table above; ascending, to 0.0001, rounded
    down.
    """
    if position.brackets is not None:
        return _kinks_of_brackets(position, term=term, upto=upto)
    net_gain = position.short + position.long
    own = position.short if term is Term.SHORT else position.long
    borders = {own, net_gain, net_gain + position.loss_limit}
    return tuple(sorted(border for border in borders if ZERO < border < upto))


def _kinks_of_brackets(position: TaxPosition, *, term: Term, upto: Decimal) -> tuple[Decimal, ...]:
    assert position.brackets is not None
    found: list[Decimal] = []
    passed = Fraction(0)
    while True:
        short, long = (passed, 0) if term is Term.SHORT else (0, passed)
        here = _at(
            position.brackets,
            short=Fraction(position.short) - short,
            long=Fraction(position.long) - long,
        )
        slope = loss_slope(here, short=term is Term.SHORT)
        if slope.reach is None or passed + slope.reach >= upto:
            return tuple(found)
        passed += slope.reach
        found.append(_floored(passed))


def _floored(dollars: Fraction) -> Decimal:
    units = dollars / Fraction(STORED_MONEY)
    return Decimal(units.numerator // units.denominator) * STORED_MONEY


def rate_lines(position: TaxPosition) -> RateLines:
    """Where the tax saved by further losses changes its rate (``lots.netting.RateLines``)."""
    if position.brackets is not None:
        return netting.rate_lines(_at(position.brackets, short=position.short, long=position.long))
    total = Fraction(position.short + position.long)
    return RateLines(
        short=frozenset({Fraction(position.short)}),
        long=frozenset({Fraction(position.long)}),
        both=frozenset({total, total + Fraction(position.loss_limit)}),
    )


def _exact(name: str, value: Decimal) -> Decimal:
    if not isinstance(value, Decimal):
        raise TypeError(f"{name} is a {type(value).__name__}; money and rates are Decimal.")
    if not value.is_finite():
        raise ValueError(f"{name} is {value}, which is not a finite number.")
    return value
