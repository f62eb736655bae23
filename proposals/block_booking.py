"""Fills of blocks: which open orders one can mean, what each gets, and the fills of orders that it becomes (T49)."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from lots.rounding import plain
from proposals.allocation import Allocation, Wanted, allocate, divide_fee
from proposals.block_models import BlockFill
from proposals.fills import BlockRow, FillRow, FillsFile
from proposals.models import Order
from proposals.types import OrderStatus
from securities.importers.refusal import Problems

SEED_BITS = 48  # at most 15 digits, which a spreadsheet keeps as they are


class _NotMeant(Exception):
    """Why a row cannot be divided: column and reason."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


@dataclass(frozen=True, slots=True)
class Division:
    """One block as it was divided: what each order wanted and got."""

    row: BlockRow
    seed: int
    orders: tuple[Order, ...]
    wanted: tuple[Wanted, ...]
    shares: Mapping[str, Decimal]  # order id -> shares, nought included
    fills: tuple[FillRow, ...]  # of those that got some


def divide_blocks(
    file: FillsFile,
    known: Mapping[str, BlockFill],
    orders: Mapping[UUID, Order],
    problems: Problems,
) -> list[Division]:
    """The blocks of the file that are not ``known`` by their id, each divided among those of ``orders`` it can mean.

    What the file's other fills, and its blocks before, take of an order is no longer wanted. What cannot be divided is
    noted in ``problems``.
    """
    left = {key: order.quantity - order.filled_quantity for key, order in orders.items()}
    for row in file.fills:
        if row.order in left and row.external_id not in _told(orders[row.order]):
            left[row.order] -= row.quantity
    found = []
    for block in file.blocks:
        try:
            if (booked := known.get(block.external_id)) is not None:
                _check_same(block, booked)
                continue
            division = _division(block, orders.values(), left)
        except _NotMeant as error:
            problems.add(error.reason, line=block.line, column=error.column)
            continue
        for fill in division.fills:
            left[fill.order] -= fill.quantity
        found.append(division)
    return found


def _told(order: Order) -> set[str]:
    return {fill.external_id for fill in order.fills.all()}


def _check_same(row: BlockRow, booked: BlockFill) -> None:
    told = (row.symbol, row.side, row.trade_date, row.quantity, row.price, row.fee)
    kept = (
        booked.security.symbol,
        booked.side,
        booked.trade_date,
        booked.quantity,
        booked.price,
        booked.fee,
    )
    said = (
        (row.batch, booked.export.number),
        (row.custodian or None, booked.custodian),
        (row.seed, booked.seed),
    )
    if told != kept or any(here not in (None, there) for here, there in said):
        raise _NotMeant("external_id", "this block is known with another content")


def _division(row: BlockRow, orders: Iterable[Order], left: Mapping[UUID, Decimal]) -> Division:
    meant = _meant(row, [order for order in orders if left[order.public_id] > 0])
    wanted = [
        Wanted(
            str(order.public_id), left[order.public_id], fractions=order.account.trades_fractions
        )
        for order in meant
    ]
    seed = secrets.randbits(SEED_BITS) if row.seed is None else row.seed
    allocation = allocate(row.quantity, wanted, seed)
    _check_taken(row, wanted, allocation)
    fills = tuple(_fills(row, meant, allocation.shares, seed))
    for fill, order in zip(fills, _served(meant, allocation.shares), strict=True):
        if fill.external_id in _told(order):
            raise _NotMeant("external_id", f"order {order.public_id} has a fill of this id already")
    return Division(row, seed, tuple(meant), tuple(wanted), allocation.shares, fills)


def _meant(row: BlockRow, orders: Iterable[Order]) -> list[Order]:
    """The open orders that the row can mean. Raises _NotMeant where there is none, or more than one block of them."""
    meant = [
        order
        for order in orders
        if order.status == OrderStatus.ORDERED
        and (order.security.symbol, order.side) == (row.symbol, row.side)
        and (row.batch is None or _batch(order) == row.batch)
        and row.custodian in ("", order.account.custodian)
    ]
    later = {_batch(order) for order in meant if order.proposal.as_of > row.trade_date}
    meant = [order for order in meant if _batch(order) not in later]
    if not meant:
        of = f" of order file {row.batch}" if row.batch is not None else ""
        at = f" at {row.custodian}" if row.custodian else ""
        raise _NotMeant(
            "symbol",
            f"no order to {row.side} {row.symbol}{of}{at} was out and open on {row.trade_date}",
        )
    _one({str(_batch(order)) for order in meant}, row, "batch_id", "in order files")
    _one({order.account.custodian for order in meant}, row, "custodian", "at")
    if len({(order.type, order.limit_price) for order in meant}) > 1:
        raise _NotMeant(
            "symbol",
            f"the open orders to {row.side} {row.symbol} are of several types or limits: one price cannot be that "
            "of all, so tell the fills order by order",
        )
    return meant


def _batch(order: Order) -> int:
    assert order.export is not None  # an order that is out has one
    return order.export.number


def _one(names: set[str], row: BlockRow, column: str, where: str) -> None:
    if len(names) > 1:
        listed = ", ".join(sorted(names))
        raise _NotMeant(
            column, f"orders to {row.side} {row.symbol} are open {where} {listed}: say which it is"
        )


def _check_taken(row: BlockRow, wanted: Sequence[Wanted], allocation: Allocation) -> None:
    all_wanted = sum((one.quantity for one in wanted), Decimal(0))
    if row.quantity > all_wanted:
        raise _NotMeant(
            "quantity",
            f"{_shares(row.quantity)} shares are more than the {_shares(all_wanted)} that are left of the "
            f"{len(wanted)} open orders to {row.side} {row.symbol}",
        )
    if allocation.untaken:
        raise _NotMeant(
            "quantity",
            f"{_shares(allocation.untaken)} of a share can be given to nobody: the accounts of these orders trade "
            "whole shares",
        )


def _served(orders: Iterable[Order], shares: Mapping[str, Decimal]) -> list[Order]:
    return [order for order in orders if shares[str(order.public_id)]]


def _fills(
    row: BlockRow, orders: Iterable[Order], shares: Mapping[str, Decimal], seed: int
) -> Iterator[FillRow]:
    """A fill of each order that got some; of two orders of one account the second has a number behind the id."""
    served = _served(orders, shares)
    got = {str(order.public_id): shares[str(order.public_id)] for order in served}
    fees = divide_fee(row.fee, got, seed)
    of_account: dict[int, int] = {}
    for order in served:
        number = of_account[order.account_id] = of_account.get(order.account_id, 0) + 1
        key = str(order.public_id)
        yield FillRow(
            line=row.line,
            order=order.public_id,
            external_id=row.external_id if number == 1 else f"{row.external_id}/{number}",
            trade_date=row.trade_date,
            quantity=got[key],
            price=row.price,
            fee=fees[key],
            block=row.external_id,
        )


def _shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))
