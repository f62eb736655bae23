"""What a household holds: open lots and cash."""

from collections.abc import Collection
from decimal import Decimal

from django.db.models import QuerySet, Sum

from accounts.models import Account
from accounts.one_look import read_once
from lots.models import TaxLot
from lots.types import (
    EntryKind,
    LotRow,
)

_LOT_FIELDS = (
    "opening_id", "part", "account_id", "security_id", "acquired", "holding_start", "quantity", "basis",
    "is_inherited", "loss_basis", "loss_start",
)  # fmt: skip
# What a transaction does to its account's cash: the sign of its amount; its fee always goes out.
_CASH_SIGNS = {
    EntryKind.BUY: -1,
    EntryKind.SELL: 1,
    EntryKind.CASH_IN: 1,
    EntryKind.CASH_OUT: -1,
    EntryKind.FEE: -1,
    EntryKind.CASH_MERGER: 1,
    EntryKind.RETURN_OF_CAPITAL: 1,
    # Cash in lieu of a fraction.
    EntryKind.SPLIT: 1,
    EntryKind.MERGE: 1,
    EntryKind.SPIN_OFF: 1,
}


@read_once
def open_lots(household_id: int) -> list[LotRow]:
    """The lots the household holds, by acquisition date, opening transaction and part."""
    rows = TaxLot.objects.filter(account__household=household_id)
    return [
        LotRow(*row)
        for row in rows.order_by("acquired", "opening_id", "part").values_list(*_LOT_FIELDS)
    ]


def open_lots_in(households: Collection[int]) -> dict[int, list[LotRow]]:
    """Household -> the lots it holds, in the order of ``open_lots``. One query."""
    found: dict[int, list[LotRow]] = {household: [] for household in households}
    rows = TaxLot.objects.filter(account__household__in=found)
    for household, *row in rows.order_by("acquired", "opening_id", "part").values_list(
        "account__household_id", *_LOT_FIELDS
    ):
        found[household].append(LotRow(*row))
    return found


@read_once
def cash(household_id: int) -> dict[int, Decimal]:
    """Account -> dollars of cash that follow from its ledger; negative where deposits were never booked."""
    return _balances([household_id])


def cash_in(households: Collection[int]) -> Decimal:
    """Dollars of cash of all accounts of these households together. One query."""
    return sum(_balances(households).values(), Decimal(0))


def shares_in(households: Collection[int]) -> dict[int, Decimal]:
    """Security -> shares that these households hold together. One query."""
    return _shares(TaxLot.objects.filter(account__household__in=households))


def shares_of_firm(firm_id: int) -> dict[int, Decimal]:
    """Security -> shares that all households of the firm hold together. One query."""
    return _shares(TaxLot.objects.filter(account__firm=firm_id))


def _shares(rows: QuerySet[TaxLot]) -> dict[int, Decimal]:
    grouped = rows.order_by().values_list("security_id").annotate(shares=Sum("quantity"))
    return dict(grouped)


def _balances(households: Collection[int]) -> dict[int, Decimal]:
    rows = (
        Account.objects.filter(household__in=households)
        .order_by("pk")
        .values_list("pk", "transactions__kind")
        .annotate(amount=Sum("transactions__amount"), fee=Sum("transactions__fee"))
    )
    balances: dict[int, Decimal] = {}
    for account, kind, amount, fee in rows:
        balance = balances.setdefault(account, Decimal(0))
        if kind in _CASH_SIGNS:
            balances[account] = balance + _CASH_SIGNS[EntryKind(kind)] * amount - fee
    return balances
