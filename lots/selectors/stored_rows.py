"""The derived rows of a household as they are stored, for those who check them."""

from lots.conservation import SoldRow, StoredRows, WashRow
from lots.models import Disposal, WashSale
from lots.selectors.holdings import open_lots
from lots.types import DisposalEvent, Treatment


def stored_rows(household_id: int) -> StoredRows:
    """Open lots, disposals of every account, and matches. Three queries."""
    sold = Disposal.objects.filter(account__household=household_id).order_by()
    washes = WashSale.objects.filter(sale__account__household=household_id).order_by()
    return StoredRows(
        lots=open_lots(household_id),
        sold=[
            SoldRow(
                sale, opening, account, security, quantity, proceeds, basis, disallowed, permanent,
                DisposalEvent(event),
            )
            for sale, opening, account, security, quantity, proceeds, basis, disallowed, permanent,
            event in sold.values_list(
                "sale_id", "opening_id", "account_id", "security_id", "quantity", "proceeds",
                "basis", "disallowed", "permanent", "event",
            )
        ],
        washes=[
            WashRow(sale, replacement, amount, Treatment(treatment))
            for sale, replacement, amount, treatment in washes.values_list(
                "sale_id", "replacement_id", "amount", "treatment"
            )
        ],
    )  # fmt: skip
