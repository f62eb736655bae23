"""What a change of a model meets in one household, and in the market, before anybody publishes it. Pure Decimal.

Wash conflicts: purchases that an open window blocks, and sales at a loss that a window, or a purchase of the change
itself, would wash. Large orders: shares of all households together against a day's volume.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from proposals.types import Side, Windows
from rebalancing.types import NOUNS, ZERO, HouseholdState


@dataclass(frozen=True, slots=True)
class WashConflict:
    """A trade that the change asks for and wash sales forbid today; ``told`` is a sentence."""

    security: int
    side: Side
    told: str


@dataclass(frozen=True, slots=True)
class LargeOrder:
    """What all households together would trade of a name, as a part of a day's volume; ``days`` make it small."""

    security: int
    side: Side
    shares: Decimal
    of_volume: Decimal
    days: int


def shares_wanted(state: HouseholdState, changed: Iterable[int]) -> dict[int, Decimal]:
    """Security -> shares to the state's target, negative to sell; of the changed names that have a price."""
    held, value = state.holdings(), state.value
    return {
        security: (state.targets.get(security, ZERO) * value - held.get(security, ZERO))
        / state.prices[security]
        for security in sorted(changed)
        if security in state.prices
    }


def wash_conflicts(
    state: HouseholdState, windows: Windows, wanted: Mapping[int, Decimal]
) -> tuple[WashConflict, ...]:
    """What of the ``wanted`` trades (``shares_wanted``) wash sales stand against."""
    smallest = state.limits.minimum_trade
    large = {
        security: shares
        for security, shares in wanted.items()
        if abs(shares) * state.prices[security] >= smallest
    }
    bought = {security for security, shares in large.items() if shares > ZERO}
    return (
        *(one for security in sorted(bought) for one in _of_purchase(security, state, windows)),
        *(
            one
            for security in sorted(large.keys() - bought)
            for one in _of_sale(security, bought, state, windows)
        ),
    )


def _of_purchase(security: int, state: HouseholdState, windows: Windows) -> Iterator[WashConflict]:
    for member in sorted(state.group_of(security)):
        block = windows.buy_blocked.get(member)
        if block is not None and block.is_window:
            told = f"{state.symbols[security]} cannot be bought: {block.told}."
            yield WashConflict(security, Side.BUY, told)
            return


def _of_sale(
    security: int, bought: set[int], state: HouseholdState, windows: Windows
) -> Iterator[WashConflict]:
    losing = sum(
        (
            lot.quantity
            for lot in state.lots
            if lot.security == security and state.may_turn_loss(lot) and lot.sellable > ZERO
        ),
        ZERO,
    )
    if losing <= ZERO:
        return
    symbol, group = state.symbols[security], state.group_of(security)
    blocks = [windows.sell_blocked[one] for one in sorted(group) if one in windows.sell_blocked]
    if blocks:
        until = max(block.clear_on for block in blocks)
        told = (
            f"{losing.normalize():f} shares of {symbol} at a loss cannot be sold before {until}: "
            f"{blocks[0].cause}."
        )
        yield WashConflict(security, Side.SELL, told)
    for other in sorted(bought & group):
        told = (
            f"{symbol} would be sold at a loss while {state.symbols[other]}, identical with it, is bought: the night "
            "does one of the two."
        )
        yield WashConflict(security, Side.SELL, told)


def large_orders(
    shares: Mapping[tuple[int, Side], Decimal],
    volumes: Mapping[int, Decimal],
    most: Decimal,
) -> list[LargeOrder]:
    """Orders above ``most`` of a day's volume, the largest part first. ``volumes``: shares a day, where known."""
    found = []
    for (security, side), wanted in shares.items():
        volume = volumes.get(security, ZERO)
        if volume <= ZERO or wanted <= most * volume:
            continue
        days = int((wanted / (most * volume)).to_integral_value(ROUND_CEILING))
        found.append(LargeOrder(security, side, wanted, wanted / volume, days))
    return sorted(found, key=lambda one: (-one.of_volume, one.security))


def order_in_words(order: LargeOrder, symbol: str) -> str:
    """One sentence with the days that make it small enough."""
    return (
        f"The {NOUNS[order.side]} of {order.shares:,.0f} {symbol} is {order.of_volume * 100:,.1f} % of a day's volume: "
        f"spread it over {order.days} trading days."
    )
