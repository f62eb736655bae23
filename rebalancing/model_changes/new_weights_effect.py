"""What new weights of a model would do to one household: an estimate before anybody publishes them. Pure Decimal.

Every security above its weight is sold down to it, from accounts that pay no tax first, then from the lots with the
least gain a share. Windows, budgets, bands and what tracking error is worth are left aside: the proposals that follow
weigh them and trade less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from lots.types import Term
from rebalancing.types import ZERO, HouseholdState, StateLot


@dataclass(frozen=True, slots=True)
class Effect:
    """Dollars sold, and the taxable gains that realises by term, losses negative."""

    sold: Decimal
    short_gain: Decimal
    long_gain: Decimal


def effect(state: HouseholdState, targets: Mapping[int, Decimal]) -> Effect:
    """Of going from what the household holds to ``targets`` (fractions of its value)."""
    value, held = state.value, state.holdings()
    total, gains = ZERO, {Term.SHORT: ZERO, Term.LONG: ZERO}
    for security in sorted(held):
        excess = held[security] - targets.get(security, ZERO) * value
        for lot in sorted(_lots(state, security), key=lambda lot: _order(lot, state)):
            if excess <= ZERO:
                break
            dollars = min(excess, lot.sellable * state.prices[security])
            excess -= dollars
            total += dollars
            if lot.is_taxable and dollars > ZERO:
                worth = lot.quantity * state.prices[security]
                gains[lot.term] += dollars - lot.basis * (dollars / worth)
    return Effect(total, gains[Term.SHORT], gains[Term.LONG])


def dollars_traded(state: HouseholdState) -> dict[int, Decimal]:
    """Security -> dollars bought, or (below zero) sold, to come as near to the state's targets as may be.

    What restrictions and exit rules hold stays; purchases share the money that sales and cash above the model's leave.
    """
    value, held = state.value, state.holdings()
    sellable = dict.fromkeys(held, ZERO)
    for lot in state.lots:
        sellable[lot.security] += lot.sellable * state.prices[lot.security]
    found, wanted = {}, {}
    for security in sorted(held.keys() | state.targets.keys()):
        dollars = state.targets.get(security, ZERO) * value - held.get(security, ZERO)
        if dollars < ZERO:
            found[security] = max(dollars, -sellable.get(security, ZERO))
        elif security in state.prices:
            wanted[security] = dollars
    kept = (1 - sum(state.targets.values(), ZERO)) * value
    money = max(state.cash - kept - sum(found.values(), ZERO), ZERO)
    asked = sum(wanted.values(), ZERO)
    part = min(money / asked, Decimal(1)) if asked > ZERO else ZERO
    return {**found, **{security: dollars * part for security, dollars in wanted.items()}}


def _lots(state: HouseholdState, security: int) -> list[StateLot]:
    return [lot for lot in state.lots if lot.security == security and lot.sellable > ZERO]


def _order(lot: StateLot, state: HouseholdState) -> tuple[bool, Decimal, tuple[int, int]]:
    return lot.is_taxable, -lot.basis / lot.quantity, lot.key
