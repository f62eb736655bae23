"""Shares of one block filled in part, divided among its orders: pro rata, ties drawn by a recorded seed (T49). Pure.

The same shares, orders and seed give the same division, in whatever order the orders are told.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from accounts.canonical import decimal_text

WHOLE = Decimal(1)  # share
FRACTION = Decimal("0.0001")  # shares, as accounts that trade fractions order them
STORED = Decimal("0.00000001")  # shares, as an order or a fill may have them
CENT, STORED_FEE = Decimal("0.01"), Decimal("0.0001")  # dollars
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one order still wants, above zero; ``fractions`` where its account trades fractions of shares."""

    order: str  # the order's id: ties are drawn over the ids in their sorted order
    quantity: Decimal
    fractions: bool = False

    @property
    def divisible(self) -> bool:
        """An order that is itself for a part of a share is executed in parts of shares, whatever its account trades."""
        return self.fractions or self.quantity % WHOLE != 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """Order -> shares, nought included; with ``untaken`` they sum exactly to the shares filled."""

    shares: Mapping[str, Decimal]
    untaken: Decimal


@dataclass(frozen=True, slots=True)
class DividedBlock:
    """How the fill of a block was divided, for the person who imported it."""

    external_id: str
    symbol: str
    filled: Decimal  # shares
    wanted: Decimal  # shares, by all its orders
    orders: int
    served: int  # orders that got some
    seed: int

    def __str__(self) -> str:
        among = "1 order" if self.orders == 1 else f"{self.orders} orders"
        return (
            f"Block {self.external_id}: {decimal_text(self.filled)} of the {decimal_text(self.wanted)} shares of "
            f"{self.symbol} that were wanted went pro rata to {among}, of which {self.served} got some; "
            f"seed {self.seed}"
        )


def allocate(filled: Decimal, orders: Sequence[Wanted], seed: int) -> Allocation:
    """Divide ``filled`` shares pro rata to what the orders want, never more to one than it wants.

    Orders in whole shares get theirs rounded down or up: up goes to the largest fractional parts, among equal ones to
    those first in a random order from the seed. Orders in fractions share what is left in the same way, in steps of
    0.0001 (0.00000001 where a number has more decimals). ``untaken`` is what is beyond all that is wanted, or a part of
    a share that no order can take. Raises ValueError for an order told twice, or shares that are not above zero.
    """
    if filled <= 0 or any(one.quantity <= 0 for one in orders):
        raise ValueError("shares above zero are divided among orders that want some")
    rank = _ranks([one.order for one in orders], seed)
    shared = min(filled, _sum(orders))
    whole = [one for one in orders if not one.divisible]
    parts = [one for one in orders if one.divisible]
    to_whole, to_parts = _between(shared, whole, parts)
    step = FRACTION
    if any(number % step for number in (to_parts, *(one.quantity for one in parts))):
        step = STORED
    wanted = _sum(orders)
    quota = Fraction(shared) / Fraction(wanted) if wanted else Fraction(0)
    shares = _rounded(
        to_whole, {one.order: quota * Fraction(one.quantity) for one in whole}, WHOLE, rank
    )
    shares |= _pro_rata(to_parts, {one.order: one.quantity for one in parts}, step, rank)
    return Allocation(shares, filled - sum(shares.values(), ZERO))


def divide_fee(fee: Decimal, shares: Mapping[str, Decimal], seed: int) -> dict[str, Decimal]:
    """The block's fee (dollars) by the shares that each order got, in cents where it is in cents; sums exactly."""
    step = STORED_FEE if fee % CENT else CENT
    return _pro_rata(fee, shares, step, _ranks(list(shares), seed))


def _ranks(orders: Sequence[str], seed: int) -> dict[str, tuple[float, str]]:
    """A random place of each order: of ``random.Random``, ``random()`` alone is promised to stay what it is."""
    drawn = random.Random(seed)  # fair and repeatable, not secret
    found = {order: (drawn.random(), order) for order in sorted(orders)}
    if len(found) != len(orders):
        raise ValueError("an order is told twice")
    return found


def _between(
    shared: Decimal, whole: Sequence[Wanted], parts: Sequence[Wanted]
) -> tuple[Decimal, Decimal]:
    """Shares to the orders in whole shares, a whole number next to their pro rata, and to those in fractions.

    The nearer whole number whose rest the orders in fractions can take. Where neither is one, none is at all: what they
    can leave is an interval around the pro rata.
    """
    room = _sum(parts)
    if not whole:
        return ZERO, shared
    exact = Fraction(shared) * Fraction(_sum(whole)) / Fraction(_sum(whole) + room)
    near = sorted((floor(exact), ceil(exact)), key=lambda number: abs(number - exact))
    for number in near:
        if 0 <= shared - number <= room:
            return Decimal(number), shared - number
    return Decimal(floor(exact)), min(room, shared - floor(exact))


def _pro_rata(
    total: Decimal,
    weights: Mapping[str, Decimal],
    step: Decimal,
    rank: Mapping[str, tuple[float, str]],
) -> dict[str, Decimal]:
    """``total``, a number of steps, by the weights."""
    weight = sum((Fraction(one) for one in weights.values()), Fraction(0))
    quotas = {key: Fraction(total) * Fraction(one) / weight for key, one in weights.items()}
    return _rounded(total, quotas, step, rank)


def _rounded(
    total: Decimal,
    quotas: Mapping[str, Fraction],
    step: Decimal,
    rank: Mapping[str, tuple[float, str]],
) -> dict[str, Decimal]:
    """Each quota rounded down to steps, then up by one for the largest rests until the steps of ``total`` are given."""
    steps = {key: quota / Fraction(step) for key, quota in quotas.items()}
    given = {key: floor(number) for key, number in steps.items()}
    more = int(total / step) - sum(given.values())
    by_rest = sorted(steps, key=lambda key: (given[key] - steps[key], rank[key]))
    for key in by_rest[:more]:
        given[key] += 1
    return {key: number * step for key, number in given.items()}


def _sum(orders: Sequence[Wanted]) -> Decimal:
    return sum((one.quantity for one in orders), ZERO)
