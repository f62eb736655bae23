"""Fills of blocks on record: what was divided, by which seed, and what each order got (T49)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db.models import Q

from accounts.models import Firm, User
from accounts.services import record_audit
from proposals.allocation import DividedBlock
from proposals.block_booking import Division
from proposals.block_models import BlockFill, BlockShare
from proposals.fills import BlockRow
from proposals.types import OrderStatus


def open_orders_of(blocks: Iterable[BlockRow]) -> Q:
    """The orders that the rows can mean; a condition that nothing meets where there are none."""
    found = Q(pk__in=[])
    for symbol, side in {(row.symbol, row.side) for row in blocks}:
        found |= Q(status=OrderStatus.ORDERED, security__symbol=symbol, side=side)
    return found


def known_blocks(firm: Firm, blocks: Iterable[BlockRow]) -> dict[str, BlockFill]:
    """The booked blocks that bear an id of the rows; no query where there are no rows."""
    ids = [row.external_id for row in blocks]
    if not ids:
        return {}
    rows = BlockFill.objects.filter(firm=firm, external_id__in=ids)
    return {row.external_id: row for row in rows.select_related("security", "export")}


def record_blocks(firm: Firm, user: User, divisions: Iterable[Division]) -> dict[str, BlockFill]:
    """Keep how each block was divided, with an audit event; by the blocks' external ids."""
    return {one.row.external_id: _record(firm, user, one) for one in divisions}


def _record(firm: Firm, user: User, division: Division) -> BlockFill:
    row, first = division.row, division.orders[0]
    assert first.export is not None  # it is out
    block = BlockFill.objects.create(
        firm=firm,
        external_id=row.external_id,
        security=first.security,
        side=row.side,
        export=first.export,
        custodian=first.account.custodian,
        trade_date=row.trade_date,
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        seed=division.seed,
        imported_by=user,
    )
    BlockShare.objects.bulk_create(
        BlockShare(
            block=block,
            order=order,
            wanted=one.quantity,
            fractions=one.fractions,
            allocated=division.shares[one.order],
        )
        for order, one in zip(division.orders, division.wanted, strict=True)
    )
    record_audit(
        firm=firm,
        actor=user.username,
        action="block.divided",
        subject=f"block {row.external_id}",
        facts={
            "symbol": row.symbol,
            "side": row.side,
            "trade_date": row.trade_date,
            "quantity": row.quantity,
            "price": row.price,
            "seed": division.seed,
            "orders": _audited(division),
        },
    )
    return block


def _audited(division: Division) -> Mapping[str, object]:
    return {
        one.order: {"wanted": one.quantity, "allocated": division.shares[one.order]}
        for one in division.wanted
    }


def told(division: Division) -> DividedBlock:
    """The division for the person who imported it."""
    return DividedBlock(
        external_id=division.row.external_id,
        symbol=division.row.symbol,
        filled=division.row.quantity,
        wanted=sum((one.quantity for one in division.wanted), Decimal(0)),
        orders=len(division.orders),
        served=len(division.fills),
        seed=division.seed,
    )
