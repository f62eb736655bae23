"""Risk models of the securities a household holds, estimated once per process and set of prices."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from rebalancing.risk import RiskModel, estimate
from securities.frames import daily_returns

OBSERVATIONS = 504  # daily returns behind a model: two years
_KEPT = 256  # models; each a few kilobytes


def risk_model(
    *, firm_id: int, as_of: date, securities: Sequence[int], prices: Mapping[int, Decimal]
) -> RiskModel:
    """The risk model of ``securities`` in that order, from daily returns up to ``as_of``.

    Kept per (firm, date, securities) while their latest ``prices`` stay the same, so that a corrected price is seen.
    Raises BadReturns where no security has a usable history.
    """
    return _estimated(
        firm_id, as_of, tuple(securities), tuple(prices[security] for security in securities)
    )


@lru_cache(maxsize=_KEPT)
def _estimated(
    firm_id: int, as_of: date, securities: tuple[int, ...], prices: tuple[Decimal, ...]
) -> RiskModel:
    returns = daily_returns(securities, as_of, OBSERVATIONS)
    return estimate(returns, estimated_to=as_of)
