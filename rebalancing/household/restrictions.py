"""What must be sold, is held for its gains, or has a largest weight, in a household's state (F37). Pure Decimal.

- MUST_SELL: the position is sold out, whatever the tax, as far as nothing else keeps its shares: a window, a NO_SELL, a
  held gain, a gift's two bases, the budget of gains. It is never bought where it must be sold. One of the household or
  firm takes the security's target away; the others share it in proportion.
- HOLD_GAINS: a taxable lot whose gain is more than the limit, as a part of its value, is not sold.
- MAX_WEIGHT: a target above the limit is cut to it, the others share the rest; what is held above it is sold, what may
  be.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from proposals.types import RestrictionKind, Side
from rebalancing.types import ZERO, HouseholdState, Position, StateLot


def with_restrictions(state: HouseholdState) -> HouseholdState:
    """The state with its ``restrictions`` in targets, lots and purchases. NO_SELL comes with the windows.

    Raises nothing; a state without such restrictions is returned as it is.
    """
    rows = state.restrictions.rows
    if not rows:
        return state
    most = {
        row.security: row.limit
        for security in {row.security for row in rows}
        if (row := state.restrictions.max_weight(security)) is not None and row.limit is not None
    }
    gone = {
        row.security
        for row in rows
        if row.kind is RestrictionKind.MUST_SELL and row.account is None
    }
    caps = {**most, **dict.fromkeys(gone, ZERO)}
    return replace(
        state,
        targets=capped(state.targets, caps),
        whole_targets=capped(state.whole_targets, caps),
        lots=tuple(
            replace(lot, sellable=ZERO) if is_held_for_gain(lot, state) else lot
            for lot in state.lots
        ),
        buyable=state.buyable - gone,
        barred=state.barred | _barred(state),
        must_sell=frozenset(_must_sell(state)),
        max_weights=most,
    )


def capped(targets: Mapping[int, Decimal], most: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Targets (fractions) with none above ``most``; what that frees goes to the others in proportion.

    Where every target is at its limit the rest stays in cash. Their sum is never more than before.
    """
    total = sum(targets.values(), ZERO)
    found = dict(targets)
    fixed: set[int] = set()
    while True:
        over = {one for one in found if one not in fixed and one in most and found[one] > most[one]}
        if not over:
            return {security: weight for security, weight in found.items() if weight > ZERO}
        fixed |= over
        found |= {one: most[one] for one in over}
        free = [one for one in found if one not in fixed]
        there = sum((found[one] for one in free), ZERO)
        wanted = total - sum((found[one] for one in fixed), ZERO)
        if there > ZERO:
            found |= {one: found[one] * wanted / there for one in free}


def is_held_for_gain(lot: StateLot, state: HouseholdState) -> bool:
    """Whether a restriction forbids selling the lot because of its gain."""
    if not lot.is_taxable:
        return False
    row = state.restrictions.hold_gains(account=lot.account, security=lot.security)
    worth = lot.quantity * state.prices[lot.security]
    return row is not None and row.limit is not None and worth - lot.basis > worth * row.limit


def conflicts(state: HouseholdState) -> tuple[str, ...]:
    """Why shares that must be sold are not for sale, one sentence a position and cause; ``state`` as it is solved."""
    kept: dict[tuple[Position, str], Decimal] = {}
    for lot in state.lots:
        position = (lot.account, lot.security)
        if position in state.must_sell and lot.sellable < lot.quantity:
            key = (position, why_kept(lot, state))
            kept[key] = kept.get(key, ZERO) + lot.quantity - lot.sellable
    names = {account.id: account.name for account in state.accounts}
    return tuple(
        f"{shares.normalize():f} shares of {state.symbols[security]} in {names[account]} must be sold and are "
        f"kept: {why}."
        for ((account, security), why), shares in sorted(kept.items())
    )


def why_kept(lot: StateLot, state: HouseholdState) -> str:
    """A clause: why shares of the lot are not for sale; ``state`` as it is solved."""
    gone = state.delisted.get(lot.security)
    if gone is not None:
        return f"it has not traded since {gone}"
    rules = state.restrictions
    no_sale = rules.against(Side.SELL, account=lot.account, security=lot.security)
    if no_sale is not None:
        return f"they must not be sold, {no_sale.dated}"
    if is_held_for_gain(lot, state):
        held = rules.hold_gains(account=lot.account, security=lot.security)
        return f"their gain is held, {held.dated}" if held else "their gain is held"
    kept = state.kept.get(lot.key)
    if kept is not None:
        return kept.value
    return _washed(lot.security, state) if state.may_turn_loss(lot) else "they are not for sale"


def _washed(security: int, state: HouseholdState) -> str:
    """A clause: the window that a loss would be sold inside of, with its end where it is known."""
    told = "the loss would be a wash sale"
    blocked = state.windows.sell_blocked if state.windows is not None else {}
    group = sorted(state.group_of(security), key=lambda one: (one != security, one))
    block = next((blocked[one] for one in group if one in blocked), None)
    if block is None:
        return told
    until = ", and no end of it is in sight" if block.is_endless else f" until {block.clear_on}"
    return f"{told}{until}: {block.cause}"


def _barred(state: HouseholdState) -> frozenset[Position]:
    """Purchases that only one account must not make."""
    kinds = (RestrictionKind.NO_BUY, RestrictionKind.MUST_SELL)
    return frozenset(
        (row.account, row.security)
        for row in state.restrictions.rows
        if row.kind in kinds and row.account is not None
    )


def _must_sell(state: HouseholdState) -> Iterator[Position]:
    for lot in state.lots:
        if state.restrictions.must_sell(account=lot.account, security=lot.security) is not None:
            yield lot.account, lot.security
