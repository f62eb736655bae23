"""The bulk screen: which households of a firm may have a loss to take, from columns of all their open lots (F24).

Float zone: arrays only. The exact path decides afterwards; here a household may pass that has nothing to take, but none
is dropped that has. So every comparison leaves a margin far wider than any rounding, floors are the lowest of the year,
and a price that is old or strange rules nothing out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

MARGIN_DOLLARS = 0.02  # proceeds are rounded to the cent, a basis to a hundredth of one
MARGIN_FRACTION = 1e-9  # of the dollars compared; a double is wrong by 1e-15 of them
_BLOCK = 1 << 14  # lots at a time: what is made meanwhile stays in the processor's cache


@dataclass(frozen=True, eq=False)
class Lots:
    """Open lots, one place a lot. ``account`` and ``security`` are places in the arrays of those."""

    account: IntArray
    security: IntArray
    quantity: FloatArray  # shares
    basis: (
        FloatArray  # dollars that a loss is measured on: of a gift its value then, if that was less
    )
    acquired: IntArray  # days since 2000-01-01

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True, eq=False)
class Accounts:
    """Accounts, one place each. Floors are the lowest that may apply: dollars, and a fraction of the basis."""

    household: IntArray  # place of its household
    is_taxable: BoolArray
    tax_managed: BoolArray
    dollar_floor: FloatArray
    fraction_floor: FloatArray


@dataclass(frozen=True, eq=False)
class Securities:
    """Securities, one place each."""

    price: FloatArray  # dollars a share; NaN = none
    is_fresh: BoolArray  # the price is young enough by every reading of the floors


@dataclass(frozen=True, eq=False)
class Screened:
    """One place a household.

    ``may_take``: a lot may pass the floors. ``may_tell``: there may be something to say about a lot of a taxable
    account (a loss, however small; no price or an old one), or a lot was acquired after the day. ``has_lots``: a
    taxable account holds one.
    """

    may_take: BoolArray
    may_tell: BoolArray
    has_lots: BoolArray

    @property
    def is_quiet(self) -> BoolArray:
        """Households of which the exact look would find nothing to take and nothing to tell."""
        return self.has_lots & ~self.may_take & ~self.may_tell


def screen(
    lots: Lots, accounts: Accounts, securities: Securities, *, households: int, as_of: int
) -> Screened:
    """Look at every lot once. ``as_of`` counts days like ``Lots.acquired``.

    Raises ValueError for columns of different lengths, IndexError for a place that there is not.
    """
    _refuse_ragged(lots, accounts, securities)
    take = np.zeros(len(accounts.household), dtype=np.bool_)
    tell, ahead, holds = np.zeros_like(take), np.zeros_like(take), np.zeros_like(take)
    unknown = ~securities.is_fresh | np.isnan(securities.price)
    dollars = np.where(accounts.is_taxable & accounts.tax_managed, accounts.dollar_floor, np.inf)
    one_fraction = _only(accounts.fraction_floor)
    for start in range(0, len(lots), _BLOCK):
        here = slice(start, start + _BLOCK)
        account, security, basis = lots.account[here], lots.security[here], lots.basis[here]
        # Wider than the loss itself by the margin; NaN without a price.
        loss = basis * (1 + MARGIN_FRACTION) + MARGIN_DOLLARS
        loss -= lots.quantity[here] * securities.price[security] * (1 - MARGIN_FRACTION)
        fraction = accounts.fraction_floor[account] if one_fraction is None else one_fraction
        is_loss = loss > 0
        take[account[is_loss & (loss >= fraction * basis) & (loss >= dollars[account])]] = True
        tell[account[is_loss | unknown[security]]] = True
        ahead[account[lots.acquired[here] > as_of]] = True
        holds[account] = True
    tell = (tell & accounts.is_taxable) | ahead
    fold = _Fold(accounts.household, households)
    return Screened(fold(take), fold(tell), fold(holds & accounts.is_taxable))


class _Fold:
    """True for a household if it is for one of its accounts."""

    def __init__(self, household: IntArray, households: int) -> None:
        self._household = household
        self._households = households

    def __call__(self, flags: BoolArray) -> BoolArray:
        found = np.zeros(self._households, dtype=np.bool_)
        found[self._household[flags]] = True
        return found


def _only(values: FloatArray) -> float | None:
    """The value that all share; None where they differ or there are none."""
    return float(values[0]) if len(values) and bool((values == values[0]).all()) else None


def _refuse_ragged(lots: Lots, accounts: Accounts, securities: Securities) -> None:
    for columns in (lots, accounts, securities):
        lengths = {len(getattr(columns, field.name)) for field in fields(columns)}
        if len(lengths) != 1:
            raise ValueError(f"Columns of {type(columns).__name__} differ in length: {lengths}")
