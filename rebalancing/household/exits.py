"""What a household does with the shares of names that left its model (F18). Pure Decimal.

- SELL: as what must be sold, in every account, once the model gives the name no weight any more. Where it leaves in
  steps, it is an ordinary overweight until then.
- NO_GAINS: the same, but a taxable lot with a gain is held until the gain is gone.
- HOLD: nothing is sold.

None is bought. An order to sell out of the household's or the firm's own goes before the rule. A name that stands in
for another under an open window is left until the pair ends, and then leaves.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from proposals.types import RestrictionKind, RestrictionRow, Restrictions
from rebalancing.model_changes.recipes import ExitRule
from rebalancing.types import ZERO, Exit, HouseholdState


def with_exits(state: HouseholdState) -> HouseholdState:
    """The state with its ``exits`` as restrictions, lots and purchases; ``exits`` keeps those in force.

    To be called before ``rebalancing.household.restrictions.with_restrictions``. Raises nothing.
    """
    exits = {
        security: one for security, one in state.exits.items() if not _is_outranked(security, state)
    }
    if not exits:
        return replace(state, exits={}) if state.exits else state
    rows = [row for security, one in sorted(exits.items()) for row in _rows(security, one, state)]
    held = {security for security, one in exits.items() if one.rule is ExitRule.HOLD}
    return replace(
        state,
        exits=exits,
        restrictions=Restrictions((*state.restrictions.rows, *rows)),
        buyable=state.buyable - exits.keys(),
        lots=tuple(
            replace(lot, sellable=ZERO) if lot.security in held else lot for lot in state.lots
        ),
    )


def _is_outranked(security: int, state: HouseholdState) -> bool:
    """Whether the household or the firm has ordered the name sold, or it stands in for another."""
    ordered = any(
        row.security == security and row.kind is RestrictionKind.MUST_SELL
        for row in state.restrictions.rows
    )
    return ordered or state.targets.get(security, ZERO) > state.whole_targets.get(security, ZERO)


def _rows(security: int, one: Exit, state: HouseholdState) -> Iterator[RestrictionRow]:
    """The exit in the words of restrictions."""

    def row(kind: RestrictionKind, limit: Decimal | None = None) -> RestrictionRow:
        return RestrictionRow(
            security=security,
            kind=kind,
            account=None,
            since=one.since,
            until=None,
            reason="it left the model",
            whose=f"by {one.version}",
            limit=limit,
        )

    yield row(RestrictionKind.NO_BUY)
    if one.rule is ExitRule.HOLD:
        yield row(RestrictionKind.NO_SELL)
        return
    if one.rule is ExitRule.NO_GAINS:
        yield row(RestrictionKind.HOLD_GAINS, limit=ZERO)
    if state.whole_targets.get(security, ZERO) <= ZERO:
        yield row(RestrictionKind.MUST_SELL)
