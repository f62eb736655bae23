"""One risk model for every state of a household: the rows of those securities that a state has."""

from collections.abc import Sequence

from rebalancing.risk import RiskModel
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState


class RiskRows:
    """``risk`` has the ``securities`` in that order; a state may hold or want any of them and no others."""

    def __init__(self, risk: RiskModel, securities: Sequence[int]) -> None:
        self._risk = risk
        self._place = {security: at for at, security in enumerate(securities)}

    def of(self, state: HouseholdState) -> RiskModel:
        """The model of ``universe(state)`` in that order."""
        securities = universe(state)
        if len(securities) == len(self._place):
            return self._risk
        return self._risk.take([self._place[security] for security in securities])
