"""How an order should be traded: at the market, at a limit, or worked over the day (F9, F10). Pure.

- More than ``slice_above`` of what is traded in a day: VWAP. Nothing is claimed where the volume is not known.
- Else a quoted spread above the rule's limit: a limit order at the reference price and half the spread, plus for a
  purchase, minus for a sale. It is rounded to the tick so that it never gives up more than the half spread that was
  counted; it may then lie nearer to the reference price, or short of it, and wait longer.
- Else the market.

An order of a pair is never suggested as a limit: one leg that stays unfilled breaks the pair.

The spread is the quoted one, from bid to ask: twice the half spread of the security. Prices are dollars a share. A
float is a TypeError.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from accounts.canonical import decimal_text
from proposals.costs import TradingCosts, orders_of
from proposals.types import DraftTrade, OrderType, Side
from securities.types import SpreadSource

ZERO = Decimal(0)
FARTHEST = 2  # times the reference price, or a half of it: a limit beyond is a mistype
_BP = Decimal(10_000)
_CENT, _SMALL_TICK = Decimal("0.01"), Decimal("0.0001")

OrderKey = tuple[int, int, Side]  # account, security, side


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingRule:
    """When an order is not simply sent to the market."""

    spread_limit: Decimal = Decimal("0.001")  # of the price, bid to ask: above it a limit order
    slice_above: Decimal = Decimal("0.1")  # of a day's volume


UNSAID = HandlingRule()  # what counts where no policy says a word


@dataclass(frozen=True, slots=True)
class Handling:
    """How to trade one order, and why, in a sentence. ``limit_price`` is there for a limit order only."""

    type: OrderType
    limit_price: Decimal | None
    why: str


def suggest(
    *,
    side: Side,
    price: Decimal,
    half_spread: Decimal,
    share_of_volume: Decimal | None,
    is_paired: bool,
    rule: HandlingRule,
    spread_source: SpreadSource | None = None,
) -> Handling:
    """How to trade an order; ``price`` is its reference price, ``half_spread`` a fraction of it from ``spread_source``.

    ``share_of_volume`` is the order as a fraction of an average day's shares; None where that is not known. Raises
    TypeError for a float.
    """
    for value in (price, half_spread, share_of_volume):
        if value is not None and not isinstance(value, Decimal):
            raise TypeError(f"{type(value).__name__}: prices and fractions are Decimal.")
    if share_of_volume is not None and share_of_volume > rule.slice_above:
        why = (
            f"{_per_cent(share_of_volume)} of what is traded in a day, above the "
            f"{_per_cent(rule.slice_above)} of the policy: work it over the day."
        )
        return Handling(OrderType.VWAP, None, why)
    told = f" ({spread_source.words})" if spread_source is not None else ""
    spread = f"A spread of {_bp(2 * half_spread)}{told}"
    if 2 * half_spread <= rule.spread_limit:
        return _market(f"{spread}, not above the {_bp(rule.spread_limit)} of the policy.")
    above = f"{spread}, above the {_bp(rule.spread_limit)} of the policy"
    if is_paired:
        return _market(f"{above}, but one leg of a pair: a limit left unfilled breaks the pair.")
    limit = limit_for(side, price=price, half_spread=half_spread)
    if limit_fault(limit, price) is not None:
        return _market(f"{above}, but no limit on the tick is near enough to the price.")
    return Handling(OrderType.LIMIT, limit, f"{above}: the half spread that was counted, no more.")


def limit_for(side: Side, *, price: Decimal, half_spread: Decimal) -> Decimal:
    """The price at which half the spread is given up, rounded down for a purchase and up for a sale; 0 below a tick."""
    if side is Side.BUY:
        exact = price * (1 + half_spread)
        rounding = ROUND_FLOOR
    else:
        exact = price * (1 - half_spread)
        rounding = ROUND_CEILING
    unit = tick(exact)
    return (exact / unit).to_integral_value(rounding) * unit


def tick(price: Decimal) -> Decimal:
    """The step of the prices that orders may name: $0.01 from $1.00 up, $0.0001 below (SEC Rule 612, 17 CFR 242.612).

    The rule as amended lets some securities trade in steps of $0.005: every cent is a step there too.
    """
    return _CENT if price >= 1 else _SMALL_TICK


def limit_fault(limit: Decimal, reference: Decimal) -> str | None:
    """Why a limit price cannot be that of an order at a reference price, in a sentence; None where it can."""
    if not limit.is_finite() or limit <= ZERO:
        return "A limit price is above zero."
    if limit % tick(limit):
        return (
            f"{decimal_text(limit)} is not on the tick: prices from $1.00 up go in whole cents, those below in steps "
            "of $0.0001."
        )
    if not reference / FARTHEST <= limit <= reference * FARTHEST:
        return (
            f"{decimal_text(limit)} is far from the {decimal_text(reference)} of the order: a limit is at least a half "
            "and at most twice of it."
        )
    return None


def suggestions(
    trades: Iterable[DraftTrade], costs: TradingCosts, rule: HandlingRule
) -> dict[OrderKey, Handling]:
    """How to trade each order that the trades of one proposal become."""
    trades = tuple(trades)
    prices: dict[OrderKey, Decimal] = {}
    paired: set[OrderKey] = set()
    for trade in trades:
        key = (trade.account, trade.security, trade.side)
        prices.setdefault(key, trade.price)
        if trade.pair:
            paired.add(key)
    found = {}
    for order in orders_of(trades):
        key = (order.account, order.security, order.side)
        found[key] = suggest(
            side=order.side,
            price=prices[key],
            half_spread=costs.half_spreads.get(order.security, ZERO),
            share_of_volume=costs.share_of_volume(security=order.security, shares=order.shares),
            is_paired=key in paired,
            rule=rule,
            spread_source=costs.spread_sources.get(order.security),
        )
    return found


def _market(why: str) -> Handling:
    return Handling(OrderType.MARKET, None, why)


def _bp(fraction: Decimal) -> str:
    return f"{decimal_text((fraction * _BP).quantize(Decimal('0.01')))} bp"


def _per_cent(fraction: Decimal) -> str:
    return f"{decimal_text((fraction * 100).quantize(Decimal('0.01')))} %"
