"""Rows of a firm's ledger for pages and client systems."""

from django.db.models import Prefetch, QuerySet

from accounts import access
from accounts.models import User
from lots.models import ImportedFile, LotSelection, TaxLot, Transaction


def imported_files(user: User) -> QuerySet[ImportedFile]:
    """The files booked for the user's firm, newest first."""
    return access.visible(user, ImportedFile).order_by("-imported_at", "-pk")


def tax_lots(user: User) -> QuerySet[TaxLot]:
    """The lots held in the user's firm, oldest first, with what names them."""
    rows = access.visible(user, TaxLot).select_related("account", "security", "opening__account")
    return rows.order_by("acquired", "opening", "part")


def transactions(user: User) -> QuerySet[Transaction]:
    """The booked transactions of the user's firm in their order, with the lots they identify."""
    selections = LotSelection.objects.select_related("opening__account").order_by("pk")
    return (
        access.visible(user, Transaction)
        .select_related("account", "security", "to_account", "to_security")
        .prefetch_related(Prefetch("selections", selections))
        .order_by("trade_date", "pk")
    )
