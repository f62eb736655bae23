"""The rule of thumb of a night that looks for no trades: what is known of it without a solution (F5). Pure Decimal."""

from decimal import Decimal

from rebalancing.policies.policy import Horizon
from rebalancing.policies.policy_words import horizon
from rebalancing.telling.amounts import dollars, per_cent
from rebalancing.types import Limits

ONE_YEAR = Decimal(1)


def most_avoided(
    *, value: Decimal, tracking_error: Decimal, limits: Limits
) -> tuple[Decimal, Decimal]:
    """Dollars of tracking cost that any trades could avoid at most, and the years they are counted over.

    That is all of today's: ``V * lambda * H * TE0^2``. Where each security has a horizon of its own it is a year's.
    """
    years = ONE_YEAR if limits.horizon is Horizon.BY_NAME else limits.horizon_years
    return value * limits.risk_aversion * years * tracking_error * tracking_error, years


def untraded(*, value: Decimal, tracking_error: Decimal, limits: Limits) -> str:
    """One side of the rule of thumb in words, and that the other is not known."""
    most, years = most_avoided(value=value, tracking_error=tracking_error, limits=limits)
    return (
        f"Tracking error {per_cent(tracking_error)} a year: trades could avoid at most {dollars(most)} of tracking "
        f"cost over {horizon(years)}; what they would cost is not known, as none were looked for."
    )
