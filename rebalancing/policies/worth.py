"""The rule of thumb, computed: rebalance when the tracking cost avoided exceeds what trading costs. Pure Decimal.

Units (T40): tracking error is per year, a cost is paid once, so the horizon H in years stands between them.
1 % of tracking error costs ``risk_aversion`` basis points a year, 2 % four times that. Where each security has a
horizon of its own, active variance times years is ``d' S Sigma S d`` with ``S = diag(sqrt(H))``, the optimiser's own
sum, so that avoided less cost is what its objective falls by, tax of this year and later among it. Apart from whole
cents, location, and impact of orders in several accounts, only two things set them apart: the objective credits a gain
with no more later tax than it may cost this year (``rebalancing.trades.later_tax``), and trades are found by straight
lines where the tax has brackets, though at the rates where they end (``rebalancing.trades.bracket_rates``).
"""

from dataclasses import dataclass
from decimal import Decimal

from proposals.costs import TradeCost

ZERO = Decimal(0)
DAYS_A_YEAR = Decimal(365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Both sides of the rule in dollars."""

    avoided: Decimal  # tracking cost avoided over the horizon, or over the securities' own
    trading: TradeCost  # commission, half spread and impact (F8-F10)
    tax: Decimal  # of this year; negative: saved (F11)
    later_tax: Decimal  # today's value of what the new basis changes later; negative: saved
    per_year: Decimal  # tracking cost avoided in a whole year

    @property
    def trading_cost(self) -> Decimal:
        return self.trading.total

    @property
    def cost(self) -> Decimal:
        return self.trading_cost + self.tax + self.later_tax

    @property
    def is_worth_it(self) -> bool:
        return self.avoided > self.cost

    @property
    def ratio(self) -> Decimal | None:
        """Avoided per dollar of cost; None where nothing is paid."""
        return self.avoided / self.cost if self.cost > ZERO else None

    @property
    def break_even_days(self) -> Decimal | None:
        """Days after which what is avoided in a year has paid for the trades; None where it never does."""
        if self.cost <= ZERO:
            return ZERO
        return DAYS_A_YEAR * self.cost / self.per_year if self.per_year > ZERO else None


def weigh(
    *,
    value: Decimal,
    risk_aversion: Decimal,
    horizon_years: Decimal,
    risk_before: Decimal,
    risk_after: Decimal,
    trading: TradeCost,
    tax: Decimal,
    later_tax: Decimal = ZERO,
    variance_years: tuple[Decimal, Decimal] | None = None,
) -> Worth:
    """``V * lambda * H * (TE0^2 - TE1^2)`` against trading cost, this year's tax and what it changes later (F5).

    ``value``, ``trading`` and the taxes are dollars, the risks tracking errors a year as fractions. Drift that comes
    anyway is on both sides and cancels. ``variance_years`` is active variance times years before and after where each
    security has its own; then ``horizon_years`` is not looked at. Raises TypeError for a float.
    """
    for amount in (
        value, risk_aversion, horizon_years, risk_before, risk_after, trading.commission,
        trading.spread, trading.impact, tax, later_tax, *(variance_years or ()),
    ):  # fmt: skip
        if not isinstance(amount, Decimal):
            raise TypeError(f"Money and rates are Decimal, not {type(amount).__name__}.")
    per_year = value * risk_aversion * (risk_before * risk_before - risk_after * risk_after)
    avoided = per_year * horizon_years
    if variance_years is not None:
        before, after = variance_years
        avoided = value * risk_aversion * (before - after)
    return Worth(
        avoided=avoided,
        trading=trading,
        tax=tax,
        later_tax=later_tax,
        per_year=per_year,
    )
