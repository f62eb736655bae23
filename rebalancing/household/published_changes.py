"""Which trades are owed to a published version of the model, and not to drift: pure Decimal (F18, F19).

A sale is owed to the version that made the name leave, as long as shares of it are held. Otherwise a trade is owed to a
change of a weight where it goes the way of the change, and the holding is not beyond the band that it had around the
weight before: what would have been traded without the change is drift. A change is over for a household with the first
rebalance that is filled after its last step (``rebalancing.selectors``).
"""

from collections.abc import Mapping

from rebalancing.policies.drift import DriftRow
from rebalancing.types import ZERO, HouseholdState, LineReason


def sale(security: int, state: HouseholdState, rows: Mapping[int, DriftRow]) -> LineReason | None:
    """The reason of a sale that is owed to a change; None where it is not."""
    left = state.exits.get(security)
    if left is not None:
        return LineReason(left.kind.code)
    change, row = state.model_changes.get(security), rows.get(security)
    if change is None or row is None or not change.after < change.before or row.drift <= ZERO:
        return None
    width = state.limits.band_of(security).width(change.before)
    return LineReason(change.kind.code) if row.weight <= change.before + width else None


def purchase(
    security: int, state: HouseholdState, rows: Mapping[int, DriftRow]
) -> LineReason | None:
    """The reason of a purchase that is owed to a change; None where it is not."""
    change, row = state.model_changes.get(security), rows.get(security)
    if change is None or row is None or not change.after > change.before or row.drift >= ZERO:
        return None
    width = state.limits.band_of(security).width(change.before)
    return LineReason(change.kind.code) if row.weight >= change.before - width else None


def version_of(security: int, state: HouseholdState) -> str:
    """The version that a trade of the security is owed to, in words; empty where it is to none."""
    one = state.exits.get(security) or state.model_changes.get(security)
    return "" if one is None else one.version
