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
input. Rates are marginal: the result says what trades change, not what the client owes.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal

from accounts.types import FilingStatus

ZERO = Decimal(0)
CAPITAL_LOSS_LIMIT = Decimal(3000)
CAPITAL_LOSS_LIMIT_SEPARATE = Decimal(1500)


def capital_loss_limit(status: FilingStatus) -> Decimal:
    """Dollars of net capital loss that may reduce ordinary income in a year (R31)."""
    if status is FilingStatus.MARRIED_SEPARATELY:
        return CAPITAL_LOSS_LIMIT_SEPARATE
    return CAPITAL_LOSS_LIMIT


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

    def __post_init__(self) -> None:
        for item in fields(self):
            value = _exact(item.name, getattr(self, item.name))
            if item.name in ("short_rate", "long_rate", "ordinary_rate", "carried_loss_value"):
                if not ZERO <= value <= 1:
                    raise ValueError(f"{item.name} is {value}; a rate lies between 0 and 1.")
            elif item.name == "loss_limit" and value < ZERO:
                raise ValueError(f"loss_limit is {value}; it is a positive amount.")


def year_tax(position: TaxPosition, *, short: Decimal, long: Decimal) -> Decimal:
    """T(S, L) at the given totals of the year in dollars, exact; negative = saved on ordinary income."""
    net = _exact("short", short) + _exact("long", long)
    if net >= ZERO:
        if short >= ZERO and long >= ZERO:
            return position.short_rate * short + position.long_rate * long
        return (position.short_rate if long < ZERO else position.long_rate) * net
    if net >= -position.loss_limit:
        return position.ordinary_rate * net
    beyond = net + position.loss_limit
    return -position.ordinary_rate * position.loss_limit + position.carried_loss_value * beyond


def added_tax(position: TaxPosition, *, short: Decimal, long: Decimal) -> Decimal:
    """Dollars of tax that more gains of the two terms add to the year so far; negative = saved. Exact."""
    after = year_tax(position, short=position.short + short, long=position.long + long)
    return after - year_tax(position, short=position.short, long=position.long)


def carried_forward(position: TaxPosition) -> Decimal:
    """Dollars of net loss beyond what the year can use, positive."""
    return max(-(position.short + position.long) - position.loss_limit, ZERO)


def carried_worth(position: TaxPosition, *, short: Decimal, long: Decimal) -> Decimal:
    """The part of ``-added_tax`` that is no tax of this year: what the losses newly carried are taken to be worth."""
    after = replace(position, short=position.short + short, long=position.long + long)
    return position.carried_loss_value * (carried_forward(after) - carried_forward(position))


def _exact(name: str, value: Decimal) -> Decimal:
    if not isinstance(value, Decimal):
        raise TypeError(f"{name} is a {type(value).__name__}; money and rates are Decimal.")
    if not value.is_finite():
        raise ValueError(f"{name} is {value}, which is not a finite number.")
    return value
