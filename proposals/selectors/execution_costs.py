"""Orders with fills, what was expected of them, and the tax of what came out otherwise (F12)."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import F, Min, QuerySet, Sum

from accounts import access
from accounts.models import User
from accounts.types import AccountKind, OwnerKind
from lots import selectors as lot_selectors
from lots.models import Disposal
from lots.types import Term
from lots.year_tax import TaxPosition
from proposals.budgets import NOTHING, Gains
from proposals.costs import TradeCost
from proposals.execution_costs import OrderTax, TradedOrder, tax_of_difference
from proposals.models import Fill, Order, ProposedTrade
from proposals.remainders import split_off
from proposals.selectors.costs import schedules
from proposals.selectors.order_lots import lots_named
from proposals.types import Side
from securities import selectors as securities

ZERO = Decimal(0)
_HouseholdYear = tuple[int, int]
_PositionOrReason = tuple[TaxPosition | None, str]
RETIREMENT = "A retirement account: its sales are not taxed."
CORPORATION = "A corporation's own return: the household's tax position is not its."


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedRow:
    """A measured order with the names that people know it by."""

    measured: TradedOrder
    order_id: UUID
    household: int
    household_id: UUID
    household_name: str
    account_name: str
    symbol: str
    kind: str
    proposal: int
    proposal_id: UUID
    account: int
    account_kind: AccountKind
    owner_kind: OwnerKind


_COLUMNS = {
    "order_id": "public_id",
    "household": "account__household_id",
    "household_id": "account__household__public_id",
    "household_name": "account__household__name",
    "account_name": "account__name",
    "symbol": "security__symbol",
    "kind": "proposal__kind",
    "proposal": "proposal_id",
    "proposal_id": "proposal__public_id",
    "account": "account_id",
}
_MEASURES = (
    "pk", "account__custodian", "account__kind", "account__owner__kind", "security_id", "security__asset_class",
    "side", "quantity", "reference_price", "expected_commission", "expected_spread",
    "expected_impact", "first", "shares", "paid", "fees",
)  # fmt: skip


def traded(user: User, *, since: date, until: date) -> QuerySet[Any]:
    """The firm's orders whose first fill was from ``since`` to ``until``, both included, with what their fills come to.

    ``first`` is the trade date of the first fill, ``shares``, ``paid`` and ``fees`` are sums over all fills, whenever
    they were.
    """
    return _with_fills(_first_filled(user, since=since, until=until))


def _with_fills(orders: QuerySet[Any]) -> QuerySet[Any]:
    found: QuerySet[Any] = orders.annotate(
        first=Min("fills__trade_date"),
        shares=Sum("fills__quantity"),
        paid=Sum(F("fills__quantity") * F("fills__price")),
        fees=Sum("fills__transaction__fee"),
    )
    return found


def _first_filled(user: User, *, since: date, until: date) -> QuerySet[Any]:
    filled = Fill.objects.filter(
        order__account__firm=user.firm_id, trade_date__gte=since, trade_date__lte=until
    )
    return (
        access.visible(user, Order)
        .filter(pk__in=filled.values("order"))
        .annotate(first=Min("fills__trade_date"))
        .filter(first__gte=since)  # a fill of the time is known, so the first is not after it
    )


def traded_orders(
    user: User, *, since: date, until: date, as_of: date | None = None, part: slice = slice(None)
) -> list[TradedRow]:
    """A part of the firm's orders whose first fill was from ``since`` to ``until``, both included, the newest first.

    Fees are those that the ledger has booked; half spreads are those in force on ``as_of``, by itself ``until``. Four
    queries.
    """
    newest = _first_filled(user, since=since, until=until).order_by("-first", "-pk")
    wanted = list(newest.values_list("pk", flat=True)[part])
    rows = _with_fills(access.visible(user, Order).filter(pk__in=wanted)).order_by("-first", "-pk")
    row_of = _rows(user, as_of or until)
    return [row_of(row) for row in rows.values(*_MEASURES, *_COLUMNS.values())]


def traded_batches(
    user: User, *, since: date, until: date, as_of: date | None = None, size: int
) -> Iterator[list[TradedRow]]:
    """The same orders all of them, in the same order, so many at a time: no more than that are in memory.

    One query for all orders, read through a cursor of the server; it needs a transaction or the server keeps a copy.
    """
    rows = traded(user, since=since, until=until).order_by("-first", "-pk")
    row_of = _rows(user, as_of or until)
    found = rows.values(*_MEASURES, *_COLUMNS.values()).iterator(chunk_size=size)
    while batch := [row_of(row) for row in islice(found, size)]:
        yield batch


def _rows(user: User, as_of: date) -> Callable[[Mapping[str, Any]], TradedRow]:
    """What makes a measured order of a row of the database. Two queries."""
    assert user.firm_id is not None, "a person has a firm"
    known = schedules(user.firm_id)
    facts = securities.trading_facts(user.firm_id, as_of)

    def row_of(row: Mapping[str, Any]) -> TradedRow:
        return TradedRow(
            measured=TradedOrder(
                order=row["pk"],
                day=row["first"],
                custodian=row["account__custodian"],
                security=row["security_id"],
                asset_class=row["security__asset_class"],
                side=Side(row["side"]),
                ordered=row["quantity"],
                filled=row["shares"],
                reference_price=row["reference_price"],
                paid=row["paid"],
                fees=row["fees"],
                half_spread=facts[row["security_id"]].half_spread,
                expected=_expected(row),
                schedule=known.get(row["account__custodian"]),
                spread_source=facts[row["security_id"]].spread_source,
            ),
            account_kind=AccountKind(row["account__kind"]),
            owner_kind=OwnerKind(row["account__owner__kind"]),
            **{name: row[column] for name, column in _COLUMNS.items()},
        )

    return row_of


def _expected(row: Mapping[str, Decimal | None]) -> TradeCost | None:
    commission, spread, impact = (
        row[f"expected_{part}"] for part in ("commission", "spread", "impact")
    )
    if commission is None or spread is None or impact is None:
        return None
    return TradeCost(commission, spread, impact)


_YEARS_KEPT = 10_000  # some 40 MB


class TaxYears:
    """Tax positions of households' years, remembered while the orders of a file go by in batches.

    They come by day, so a household comes again and again. Of very many the ones that were asked for last are kept.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[_HouseholdYear, _PositionOrReason] = OrderedDict()

    def of(self, asked: Collection[_HouseholdYear]) -> dict[_HouseholdYear, _PositionOrReason]:
        """``lots.selectors.taxes_or_reasons`` of those that are not remembered."""
        missing = {key for key in asked if key not in self._kept}
        fresh = lot_selectors.taxes_or_reasons(missing)
        found = {key: fresh[key] if key in missing else self._kept[key] for key in asked}
        for key, position in found.items():
            self._kept[key] = position
            self._kept.move_to_end(key)
        while len(self._kept) > _YEARS_KEPT:
            self._kept.popitem(last=False)
        return found


def order_taxes(rows: Sequence[TradedRow], years: TaxYears | None = None) -> dict[int, OrderTax]:
    """Sale (primary key of the order) -> its gains as expected and as booked, and the tax of the difference.

    Expected are the lots that the order named, in the order in which fills take them, at its reference price and the
    basis of the proposal; booked is what the ledger made of the fills. Seven queries at most, however many rows. With
    ``years`` the positions that earlier rows had are not asked for again.
    """
    sales = [row for row in rows if row.measured.side is Side.SELL]
    found = {row.measured.order: OrderTax(why=_untaxed(row)) for row in sales}
    taxed = [row for row in sales if not _untaxed(row)]
    if not taxed:
        return found
    fills = _fills([row.measured.order for row in taxed])
    expected = _expected_gains(taxed)
    booked = _booked(fills)
    filled_in = {key: sorted({day.year for _, day in of}) for key, of in fills.items()}
    positions = (years or TaxYears()).of(
        {(row.household, year) for row in taxed for year in filled_in[row.measured.order]}
    )
    for row in taxed:
        key = row.measured.order
        found[key] = _order_tax(
            expected[key],
            booked[key],
            row.measured.filled,
            [positions[row.household, year] for year in filled_in[key]],
        )
    return found


def _untaxed(row: TradedRow) -> str:
    if not row.account_kind.is_taxable:
        return RETIREMENT
    return CORPORATION if row.owner_kind is OwnerKind.CORPORATION else ""


@dataclass(slots=True)
class _Booked:
    """What the ledger has booked of one order's fills."""

    gains: Gains = NOTHING
    disallowed: Decimal = ZERO
    shares: Decimal = ZERO


def _order_tax(
    expected: Gains,
    booked: _Booked,
    filled: Decimal,
    positions: Sequence[tuple[TaxPosition | None, str]],
) -> OrderTax:
    if booked.shares != filled:
        return OrderTax(expected=expected, why="The ledger has not booked all of its fills.")
    found = OrderTax(expected=expected, booked=booked.gains, disallowed=booked.disallowed)
    if len(positions) > 1:
        return replace(found, why="Its fills lie in two tax years.")
    position, why = positions[0]
    if position is None:
        return replace(found, why=why)
    return replace(found, tax=tax_of_difference(position, expected=expected, booked=booked.gains))


def _fills(orders: Iterable[int]) -> dict[int, list[tuple[int, date]]]:
    """Order -> the transaction and the trade date of each fill."""
    found: dict[int, list[tuple[int, date]]] = {}
    rows = Fill.objects.filter(order__in=list(orders))
    for order, booked, day in rows.values_list("order_id", "transaction_id", "trade_date"):
        found.setdefault(order, []).append((booked, day))
    return found


_LotOfProposal = tuple[
    int, int, int, int | None, int | None
]  # proposal, account, security, opening, part


@dataclass(slots=True)
class _Planned:
    """What a proposal says of the shares that it sells of one lot."""

    basis: Decimal = ZERO
    shares: Decimal = ZERO
    is_long: bool = False


def _expected_gains(rows: Sequence[TradedRow]) -> dict[int, Gains]:
    """Order -> the gains of the shares that were filled, at its reference price and by the proposal's word."""
    planned = _planned({row.proposal for row in rows})
    lots = lots_named(row.measured.order for row in rows)
    found = {}
    for row in rows:
        one, gains = row.measured, NOTHING
        for lot in split_off(lots.get(one.order, ()), one.filled)[0]:
            of = planned[row.proposal, row.account, one.security, lot.opening, lot.part]
            gain = lot.quantity * one.reference_price - of.basis * lot.quantity / of.shares
            gains += _of_term(gain, is_long=of.is_long)
        found[one.order] = gains
    return found


def _planned(proposals: Collection[int]) -> dict[_LotOfProposal, _Planned]:
    found: dict[_LotOfProposal, _Planned] = {}
    trades = ProposedTrade.objects.filter(proposal__in=proposals, side=Side.SELL.value)
    lot = ("proposal_id", "account_id", "security_id", "opening_id", "part")
    rows = trades.order_by().values_list(*lot, "term", "basis", "quantity")
    for proposal, account, security, opening, part, term, basis, shares in rows:
        key = (proposal, account, security, opening, part)
        one = found.setdefault(key, _Planned(is_long=term == Term.LONG))
        one.basis += basis
        one.shares += shares
    return found


def _of_term(gain: Decimal, *, is_long: bool) -> Gains:
    return Gains(long=gain) if is_long else Gains(short=gain)


def _booked(fills: Mapping[int, Sequence[tuple[int, date]]]) -> dict[int, _Booked]:
    """Order -> what the ledger's disposals of its fills come to."""
    order_of = {booked: order for order, rows in fills.items() for booked, _ in rows}
    found = {order: _Booked() for order in fills}
    rows: QuerySet[Disposal] = Disposal.objects.filter(sale__in=order_of)
    for sale, term, quantity, proceeds, basis, disallowed in rows.values_list(
        "sale_id", "term", "quantity", "proceeds", "basis", "disallowed"
    ):
        one = found[order_of[sale]]
        one.gains += _of_term(proceeds - basis, is_long=term == Term.LONG)
        one.disallowed += disallowed
        one.shares += quantity
    return found
