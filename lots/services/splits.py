"""Splits that the firm itself records, for every account at once."""

from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.canonical import decimal_text
from accounts.errors import Conflict
from accounts.models import Firm
from lots.models import Transaction
from lots.services.booking import book
from lots.types import Booked, EntryKind, NewTransaction
from securities.models import CorporateAction, Security
from securities.types import ActionKind


@transaction.atomic
def book_split(
    *, firm: Firm, security_id: int, effective_on: date, ratio: Decimal, actor: str
) -> Booked:
    """Book a split (``ratio`` new shares per old) in every account that ever traded the security.

    The same split again changes nothing. Raises Conflict for another ratio on the day, and where trades of that day
    are booked: they would count as executed before the split; BookingError as ``book`` does.
    """
    security = Security.objects.select_for_update().get(firm=firm, pk=security_id)
    action, is_new = CorporateAction.objects.get_or_create(
        security=security,
        kind=ActionKind.SPLIT,
        effective_on=effective_on,
        defaults={"ratio": ratio},
    )
    if action.ratio != ratio:
        raise Conflict(
            f"{security.symbol} is known to split by {decimal_text(action.ratio)} on {effective_on}, "
            f"not by {decimal_text(ratio)}."
        )
    trades = Transaction.objects.filter(security=security)
    if is_new and trades.filter(trade_date=effective_on).exclude(kind=EntryKind.CASH_IN).exists():
        raise Conflict(
            f"Transactions of {security.symbol} on {effective_on} are booked already and would count as "
            "executed before the split: book the split before the trades of its day."
        )
    accounts = {
        account
        for pair in trades.values_list("account_id", "to_account_id")
        for account in pair
        if account is not None
    }
    rows = [
        NewTransaction(
            account=account,
            external_id=f"split:{security.symbol}:{effective_on}",
            trade_date=effective_on,
            kind=EntryKind.SPLIT,
            security=security.pk,
            quantity=ratio,
            ordinal=place,
        )
        for place, account in enumerate(sorted(accounts), start=1)
    ]
    return book(firm=firm, rows=rows, actor=actor)
