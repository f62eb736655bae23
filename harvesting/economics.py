"""What one loss is worth to this household in dollars, term by term (``docs/harvesting.md``). Pure Decimal.

``net = S - D - K - O - G - X - Q - W``. V is the dollars sold, sigma the security's annual volatility, TE the annual
tracking error of the substitute to it, the window is 31 days:

| term | meaning |
|---|---|
| S | tax saved now: T(year) - T(year with the loss), two computations of ``lots.year_tax`` (T12, T13) |
| D | later tax on the lower basis: loss x future rate x chance of a taxable sale x (1 + r)^-h |
| K | trading cost: commission, half spread and impact of both legs, and of both again x the chance of swapping back, |
|   | which is 0 for what is never bought back (it left the model, stops trading, or must not be bought) |
| O | a fresh lot may fall while locked: 0 with another legal destination left, else the part of it that is counted |
|   | x short rate x V x 0.4 sigma sqrt(days/365), the days of the window that fall into the year |
| G | tax if the substitute rises: 0 if it may be kept or nothing goes back, else the chance of it x the lesser of |
|   | short rate x 0.4 sigma sqrt(31/365) x V and of staying for a year, risk price x TE^2 x V |
| X | tracking while out: risk price x TE^2 x V x 31/365; sigma instead of TE for what is not invested |
| Q | dividends no longer qualified: shares x dividend x (short rate - long rate) if the 61st day is missed (R33) |
| W | wash leakage: S of the washed part less its D, because it is neither saved now nor owed later: it is deferred |

0.4 is the expected shortfall of a normal move below zero in standard deviations (1 / sqrt(2 pi) = 0.3989).
"""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

from harvesting.types import (
    ZERO,
    HarvestRules,
    PairFigures,
    Sale,
    Surroundings,
    refuse_float,
)
from lots.rounding import cents
from lots.types import LotRow, Term
from lots.year_tax import TaxPosition, added_tax, with_added
from proposals import later_tax

WINDOW_DAYS = 31  # from the sale to the first day on which it may go back
YEAR = Decimal(365)
SHORTFALL = Decimal("0.4")
_EASING_BEGINS, _EASING_ENDS = (10, 1), (12, 1)  # month, day
# R33: more than 60 days of the 121-day period that begins 60 days before the ex-date.
_BEFORE_EX, _AFTER_EX = timedelta(days=60), timedelta(days=60)
QUALIFYING_DAYS = 60


def first_day_back(sold_on: date) -> date:
    """The day on which what is sold may be bought again without washing its loss: day 31."""
    return sold_on + timedelta(days=WINDOW_DAYS)


def tax_saved(position: TaxPosition, *, short_loss: Decimal, long_loss: Decimal) -> Decimal:
    """S: dollars of tax that realising the losses takes off the year: T(before) - T(after), exact.

    Losses are positive dollars, negative for a gain. The part that only raises what is carried forward counts at the
    position's ``carried_loss_value``. Raises TypeError for a float.
    """
    refuse_float(short_loss=short_loss, long_loss=long_loss)
    return -added_tax(position, short=-short_loss, long=-long_loss)


def saved_by(position: TaxPosition, sale: Sale, *, allowed: Decimal | None = None) -> Decimal:
    """S of one sale on the year as it stands; of the ``allowed`` dollars of its loss where a part is washed."""
    short, long = by_term(sale.term, sale.loss if allowed is None else allowed)
    return tax_saved(position, short_loss=short, long_loss=long)


def with_loss(position: TaxPosition, term: Term, loss: Decimal) -> TaxPosition:
    """The year with one more loss of a term."""
    short, long = by_term(term, loss)
    return with_added(position, short=-short, long=-long)


def by_term(term: Term, loss: Decimal) -> tuple[Decimal, Decimal]:
    """(short, long)."""
    return (loss, ZERO) if term is Term.SHORT else (ZERO, loss)


def later_rate(rules: HarvestRules, tax: TaxPosition) -> Decimal:
    """D of one dollar of loss: what the dollar less of basis costs later, valued today; to eight places.

    Future rate (the policy's, else today's long-term rate) x chance that the sale is taxable x (1 + r)^-h.
    """
    return later_tax.later_rate(
        rate=tax.long_rate if rules.future_rate is None else rules.future_rate,
        taxable_sale_chance=rules.taxable_sale_chance,
        discount_rate=rules.discount_rate,
        years=rules.horizon_years,
    )


def discount(rules: HarvestRules, years: Decimal) -> Decimal:
    """Today's value of a dollar in so many years."""
    return later_tax.discount(rules.discount_rate, years)


def easing(as_of: date, rules: HarvestRules) -> Decimal:
    """What is left of the floors on a loss: 1 until October, then in a line down to the policy's part in December.

    A loss not taken by the year's end is worth nothing to this year's return (F24).
    """
    begins, ends = date(as_of.year, *_EASING_BEGINS), date(as_of.year, *_EASING_ENDS)
    if as_of <= begins:
        return Decimal(1)
    passed = min(Decimal((as_of - begins).days) / Decimal((ends - begins).days), Decimal(1))
    return 1 - passed * (1 - rules.year_end_easing)


def floors_on(as_of: date, rules: HarvestRules) -> tuple[Decimal, Decimal]:
    """Dollars, and fraction of the basis, that a loss must reach on the day."""
    left = easing(as_of, rules)
    return rules.minimum_loss * left, rules.minimum_loss_fraction * left


def window_opportunity(
    sale: Sale, around: Surroundings, rules: HarvestRules, *, as_of: date, is_last: bool
) -> Decimal:
    """O: zero while another legal destination remains, lower when the year ends inside the window."""
    if not is_last or not rules.window_fraction:
        return ZERO
    sigma = around.volatilities.get(sale.lot.security, ZERO)
    days = min(WINDOW_DAYS, (date(as_of.year, 12, 31) - as_of).days)
    rate = around.tax.short_rate  # what falls while locked would be a short-term loss
    return rules.window_fraction * rate * sale.amount * SHORTFALL * sigma * _root_of_years(days)


def swap_back_risk(
    sale: Sale, figures: PairFigures | None, around: Surroundings, rules: HarvestRules
) -> Decimal:
    """G: the lesser of the tax on a substitute that has risen and of staying in it for a year; 0 if it stays sold."""
    if rules.may_keep_substitute or figures is None or sale.place in around.stays_sold:
        return ZERO
    sigma = around.volatilities.get(sale.lot.security, ZERO)
    rate = around.tax.short_rate
    back = rate * SHORTFALL * sigma * _root_of_years(WINDOW_DAYS) * sale.amount
    stay = rules.risk_price * figures.tracking_error**2 * sale.amount
    return min(back, stay) * rules.swap_back_chance


def tracking_cost(
    sale: Sale, figures: PairFigures | None, around: Surroundings, rules: HarvestRules
) -> Decimal:
    """X; parked in cash the tracking error is the security's own volatility."""
    error = (
        around.volatilities.get(sale.lot.security, ZERO)
        if figures is None
        else figures.tracking_error
    )
    return rules.risk_price * error**2 * sale.amount * WINDOW_DAYS / YEAR


def dividend_cost(sale: Sale, around: Surroundings, *, as_of: date) -> Decimal:
    """Q: qualified dividends of the shares sold that become ordinary because the 61st day is missed (R33)."""
    more = around.tax.short_rate - around.tax.long_rate
    lost = sum(
        (
            sale.quantity * dividend.amount
            for dividend in around.dividends
            if dividend.security == sale.lot.security
            and misses_the_61st_day(sale.lot, dividend.ex_date, sold_on=as_of)
        ),
        ZERO,
    )
    return max(lost * more, ZERO)


def misses_the_61st_day(lot: LotRow, ex_date: date, *, sold_on: date) -> bool:
    """Whether selling takes a received dividend's qualification away (R33).

    The shares were held over the ex-date, and on ``sold_on`` have been held for at most 60 days of the 121-day period.
    The day of acquisition does not count, the day of disposal does; tacked periods do not help.
    """
    if not lot.acquired < ex_date <= sold_on:
        return False
    first = max(lot.acquired + timedelta(days=1), ex_date - _BEFORE_EX)
    last = min(sold_on, ex_date + _AFTER_EX)
    return (last - first).days + 1 <= QUALIFYING_DAYS


def to_the_cent(value: Decimal) -> Decimal:
    """Dollars as shown."""
    return cents(Fraction(value))


@cache
def _root_of_years(days: int) -> Decimal:
    return (Decimal(max(days, 0)) / YEAR).sqrt()
