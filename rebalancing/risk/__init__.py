"""Risk models of securities: pure numpy, in float64, annual.

Sigma = F F' + diag(D) with D > 0 (F2): positive definite by construction. Three ways lead to one ``RiskModel``:
``estimate`` (statistical factors), ``from_factor_returns`` (given factors' returns, such as those of factor ETFs) and
``supplied`` (somebody else's loadings). ``check`` says how much of a household it rests on.
"""

from rebalancing.risk.coverage import Findings, check
from rebalancing.risk.factor_returns import from_factor_returns
from rebalancing.risk.history import SHORTEST_HISTORY, TRADING_DAYS
from rebalancing.risk.model import NamedFactors, RiskModel
from rebalancing.risk.statistical import SPECIFIC_SHARE, estimate
from rebalancing.risk.supplied import supplied

__all__ = [
    "SHORTEST_HISTORY",
    "SPECIFIC_SHARE",
    "TRADING_DAYS",
    "Findings",
    "NamedFactors",
    "RiskModel",
    "check",
    "estimate",
    "from_factor_returns",
    "supplied",
]
