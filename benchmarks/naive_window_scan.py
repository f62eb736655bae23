"""Wash sales by scanning the window of each loss: how most programs do it, made correct. The anchor of the ledger.

For purchases and first-in-first-out sales of one identical group without splits or transfers. Exact, and so slow: each
loss looks at every purchase of its 61 days.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from lots.types import EntryKind, LedgerEntry

_REACH = timedelta(days=30)


@dataclass(eq=False, slots=True)
class _Lot:
    entry: LedgerEntry
    place: tuple[object, ...]
    shares: Fraction
    basis: Fraction
    matched: bool = False


def total_disallowed(trades: Sequence[LedgerEntry], retirement: Collection[str]) -> Fraction:
    """Dollars disallowed over all ``trades``, which stand in order; ``retirement`` names the accounts without losses.

    Raises ValueError for anything but purchases and sales without identified lots.
    """
    lots: list[_Lot] = []
    sales = []
    for place, entry in enumerate(trades):
        order = (entry.trade_date, entry.account not in retirement, place)
        if entry.kind in (EntryKind.BUY, EntryKind.REINVEST):
            cost = Fraction(entry.amount) + Fraction(entry.fee)
            lots.append(_Lot(entry, order, Fraction(entry.quantity), cost))
        elif entry.kind is EntryKind.SELL and not entry.picks:
            # After what a retirement account bought on the day (U6).
            sales.append((entry, (entry.trade_date, True, place)))
        else:
            raise ValueError(f"{entry.id}: only purchases and plain sales are scanned")
    lots.sort(key=lambda lot: lot.place)
    return sum((_sale(lots, *sale, retirement) for sale in sales), Fraction(0))


def _sale(
    lots: list[_Lot], sale: LedgerEntry, place: tuple[object, ...], retirement: Collection[str]
) -> Fraction:
    price = (Fraction(sale.amount) - Fraction(sale.fee)) / Fraction(sale.quantity)
    sold = _taken(lots, sale, place)
    if sale.account in retirement:
        return Fraction(0)
    disallowed = Fraction(0)
    for entry, shares, basis in sold:
        loss = basis / shares - price
        if loss > 0:
            disallowed += loss * _replaced(lots, sale, entry, shares, loss, retirement)
    return disallowed


def _taken(
    lots: list[_Lot], sale: LedgerEntry, place: tuple[object, ...]
) -> list[tuple[LedgerEntry, Fraction, Fraction]]:
    """(purchase, shares, basis) that the sale takes, first in, first out, matched shares of a purchase first (U9)."""
    wanted, sold = Fraction(sale.quantity), []
    end = bisect_left(lots, place, key=lambda lot: lot.place)
    for lot in lots[:end]:
        if not wanted:
            break
        if lot.shares and (lot.entry.account, lot.entry.security) == (sale.account, sale.security):
            shares = min(lot.shares, wanted)
            basis = lot.basis * shares / lot.shares
            lot.shares -= shares
            lot.basis -= basis
            wanted -= shares
            sold.append((lot.entry, shares, basis))
    if wanted:
        raise ValueError(f"{sale.id} sells more than the account holds")
    return sold


def _replaced(
    lots: list[_Lot],
    sale: LedgerEntry,
    bought: LedgerEntry,
    shares: Fraction,
    loss: Fraction,
    retirement: Collection[str],
) -> Fraction:
    """Shares of the loss that purchases of the window replace, earliest first; their basis is raised."""
    left = shares
    first = bisect_left(lots, sale.trade_date - _REACH, key=lambda lot: lot.entry.trade_date)
    index = first
    while left and index < len(lots) and lots[index].entry.trade_date <= sale.trade_date + _REACH:
        lot = lots[index]
        index += 1
        if lot.matched or not lot.shares or lot.entry.id == bought.id:
            continue
        if lot.shares > left:  # the rest stands behind the matched shares
            kept = lot.basis * (lot.shares - left) / lot.shares
            lots.insert(index, _Lot(lot.entry, lot.place, lot.shares - left, kept))
            lot.shares, lot.basis = left, lot.basis - kept
        lot.matched = True
        left -= lot.shares
        if lot.entry.account not in retirement:
            lot.basis += loss * lot.shares
    return shares - left
