"""What a loss is worth to this household, and what taking it costs.

The benefit of a loss is the difference of two computations of the year's tax (``lots.year_tax``): at the household's
own rates, after netting, with carryovers and the limit on a net loss. There is no flat rate anywhere (T12, T13).
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from harvesting.types import HarvestRules, Sale, refuse_float
from lots.rounding import cents
from lots.types import Term
from lots.year_tax import TaxPosition, added_tax

ZERO = Decimal(0)


def tax_saved(position: TaxPosition, *, short_loss: Decimal, long_loss: Decimal) -> Decimal:
    """Dollars of tax that realising the losses takes off the year: T(before) - T(after), exact.

    Losses are positive dollars. The part that only raises what is carried forward counts at the position's
    ``carried_loss_value``. Raises TypeError for a float and ValueError for a negative loss.
    """
    refuse_float(short_loss=short_loss, long_loss=long_loss)
    if short_loss < ZERO or long_loss < ZERO:
        raise ValueError("A loss is a positive amount here.")
    return -added_tax(position, short=-short_loss, long=-long_loss)


def saved_by(position: TaxPosition, sale: Sale) -> Decimal:
    """Tax saved by one sale at a loss on the year as it stands."""
    short, long = _by_term(sale)
    return tax_saved(position, short_loss=short, long_loss=long)


def after(position: TaxPosition, sales: Iterable[Sale]) -> TaxPosition:
    """The year with the losses in it."""
    for sale in sales:
        short, long = _by_term(sale)
        position = replace(position, short=position.short - short, long=position.long - long)
    return position


def trading_cost(amount: Decimal, half_spread: Decimal) -> Decimal:
    """Half the spread on dollars traded, exact; no commission is charged."""
    refuse_float(amount=amount, half_spread=half_spread)
    return amount * half_spread


def both_legs(amount: Decimal, *, sold: Decimal, bought: Decimal) -> Decimal:
    """Upper bound of a pair's cost: both half spreads on the dollars sold. The buy is never the larger leg."""
    return trading_cost(amount, sold) + trading_cost(amount, bought)


def to_the_cent(value: Decimal) -> Decimal:
    """Dollars as shown."""
    return cents(Fraction(value))


def _by_term(sale: Sale) -> tuple[Decimal, Decimal]:
    return (sale.loss, ZERO) if sale.term is Term.SHORT else (ZERO, sale.loss)


def later_rate(rules: HarvestRules, tax: TaxPosition) -> Decimal:
    """Dollars of later tax, at today's worth, that a dollar of lower basis costs (term D); exact but for the root.

    The policy's rate of that sale, or today's on one more long-term dollar; times the chance that the sale is taxed;
    discounted over the horizon.
    """
    rate = tax.long_rate if rules.future_rate is None else rules.future_rate
    return rate * rules.taxable_sale_chance / (1 + rules.discount_rate) ** rules.horizon_years
