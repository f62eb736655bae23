"""From one tax year to the next under the same law and income: what is left of a loss is carried on. Pure Decimal.

A projection knows neither next year's rates nor its income, so both stay those of the position. A net loss beyond what
the year can use is carried by term, short-term used first (Capital Loss Carryover Worksheet, R32); with brackets by
``lots.netting``, else by the same lines at the position's own ``loss_limit``.
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from lots import netting
from lots.netting import YearInputs
from lots.rounding import terminating
from lots.year_tax import TaxPosition, position_at, year_tax

ZERO = Decimal(0)


def next_year(position: TaxPosition) -> TaxPosition:
    """The household's next year before any sale in it; ``position`` is the year with all that is sold in it.

    Raises lots.rates.UnknownYear where the brackets of the position's year are not known.
    """
    if position.brackets is not None:
        inputs = _next_inputs(position, position.brackets)
        return position_at(inputs, carried_loss_value=position.carried_loss_value)
    short, long = carried_out(position)
    return replace(position, short=-short, long=-long)


def carried_out(position: TaxPosition) -> tuple[Decimal, Decimal]:
    """Short- and long-term loss, positive dollars, that the year of ``position`` leaves to the next."""
    if position.brackets is not None:
        result = netting.net(_with_totals(position, position.brackets))
        return terminating(result.st_carryover_out), terminating(result.lt_carryover_out)
    used = min(max(-(position.short + position.long), ZERO), position.loss_limit)
    if used == ZERO and position.short + position.long >= ZERO:
        return ZERO, ZERO
    short_loss, long_loss = max(-position.short, ZERO), max(-position.long, ZERO)
    short = max(short_loss - used - max(position.long, ZERO), ZERO)  # worksheet lines 5 to 8
    left_of_limit = max(used - short_loss, ZERO)
    long = max(long_loss - max(position.short, ZERO) - left_of_limit, ZERO)  # lines 9 to 13
    return short, long


def tax_of_year(position: TaxPosition) -> Decimal:
    """Dollars of tax that the year's gains and losses make, against a year without any; negative = saved.

    What a carried loss may be worth later counts nothing here: it saves tax in the year that uses it.
    """
    plain = replace(position, carried_loss_value=ZERO)
    return year_tax(plain, short=position.short, long=position.long)


def _with_totals(position: TaxPosition, inputs: YearInputs) -> YearInputs:
    """The year's inputs with the gains that bring them to the position's totals."""
    short, long = netting.totals(inputs)
    return netting.with_gains(
        inputs, short=Fraction(position.short) - short, long=Fraction(position.long) - long
    )


def _next_inputs(position: TaxPosition, inputs: YearInputs) -> YearInputs:
    result = netting.net(_with_totals(position, inputs))
    opening = replace(
        inputs,
        st_gain_loss=ZERO,
        lt_gain_loss=ZERO,
        st_disallowed=ZERO,
        lt_disallowed=ZERO,
        st_carryover_in=result.st_carryover_out,
        lt_carryover_in=result.lt_carryover_out,
    )
    moved = netting.gain_in_income(opening) - netting.gain_in_income(inputs)
    return replace(opening, magi=Fraction(inputs.magi) + moved, nii=Fraction(inputs.nii) + moved)
