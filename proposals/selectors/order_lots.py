"""The lots of sell orders, and which of their shares are sold."""

from collections.abc import Collection, Iterable
from decimal import Decimal

from django.db.models import QuerySet, Sum

from lots.models import Disposal, LotSelection
from proposals.models import Fill, Order, OrderLot
from proposals.remainders import Lots, LotShares, unsold

ZERO = Decimal(0)


def lots_left(orders: Collection[Order]) -> dict[int, Lots]:
    """Order (primary key) -> the lots that it has still to sell, in the order in which fills take them."""
    fills = Fill.objects.filter(order__in=[order.pk for order in orders])
    order_of = dict(fills.values_list("transaction_id", "order_id"))
    sold: dict[int, dict[int, Decimal]] = {}
    for sale, lots in lots_sold(order_of).items():
        of_order = sold.setdefault(order_of[sale], {})
        for opening, quantity in lots.items():
            of_order[opening] = of_order.get(opening, ZERO) + quantity
    return {
        order.pk: unsold(
            [LotShares(lot.opening_id, lot.part, lot.quantity) for lot in order.lots.all()],
            sold.get(order.pk, {}),
            order.filled_quantity,
        )
        for order in orders
    }


def lots_named(orders: Iterable[int]) -> dict[int, list[LotShares]]:
    """Order (primary key) -> the lots that it names, in the order in which fills take them. One query."""
    found: dict[int, list[LotShares]] = {}
    rows = OrderLot.objects.filter(order__in=list(orders)).order_by("pk")
    for order, opening, part, shares in rows.values_list(
        "order_id", "opening_id", "part", "quantity"
    ):
        found.setdefault(order, []).append(LotShares(opening, part, shares))
    return found


def lots_sold(sales: Collection[int]) -> dict[int, dict[int, Decimal]]:
    """Sale -> opening of a lot -> shares (primary keys): as identified, else as the ledger relieved them."""
    found = _shares(LotSelection.objects.filter(transaction__in=sales), "transaction_id")
    relieved = set(sales) - found.keys()
    return found | _shares(Disposal.objects.filter(sale__in=relieved), "sale_id")


def _shares(
    rows: QuerySet[LotSelection] | QuerySet[Disposal], sale: str
) -> dict[int, dict[int, Decimal]]:
    found: dict[int, dict[int, Decimal]] = {}
    totals = rows.order_by().values_list(sale, "opening_id").annotate(Sum("quantity"))
    for key, opening, quantity in totals:
        found.setdefault(key, {})[opening] = quantity
    return found
