"""Splits, renames, mergers and spin-offs that the firm itself records, for every account at once."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from accounts.canonical import decimal_text
from accounts.errors import Conflict
from accounts.locks import lock_firm
from accounts.models import Account, Firm
from accounts.selectors import business_date
from lots import selectors
from lots.booking import BookingError, RowProblem
from lots.booking_rules import faults
from lots.models import Transaction
from lots.services.booking import book
from lots.services.previewing import preview
from lots.types import Booked, EntryKind, NewTransaction
from securities.models import CorporateAction, Security
from securities.types import ActionKind

_CASH = (EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE)


@transaction.atomic
def record_action(
    *,
    firm: Firm,
    kind: ActionKind,
    security_id: int,
    effective_on: date,
    actor: str,
    ratio: Decimal = Decimal(1),
    to_security_id: int | None = None,
    basis_fraction: Decimal | None = None,
) -> Booked:
    """Book what happened to a security in every account that ever traded it and was open on the day.

    ``ratio`` is new shares per old, of the security itself (split) or of ``to_security_id``; ``basis_fraction`` the
    part of the basis that a spin-off moves. The same fact again changes nothing, and accounts where a custodian's row
    has told of it keep that row. Cash in lieu is per account: the custodian's row brings it.
    Raises Conflict for a fact that contradicts the one known for the day, and where trades of that day are booked:
    they would count as executed before it; BookingError as ``book`` does; Security.DoesNotExist.
    """
    lock_firm(firm.pk)
    security = Security.objects.get(firm=firm, pk=security_id)
    successor = (
        Security.objects.get(firm=firm, pk=to_security_id) if to_security_id is not None else None
    )
    row = NewTransaction(
        account=0,
        external_id=_external_id(kind, security, effective_on, successor),
        trade_date=effective_on,
        kind=EntryKind(kind.value),
        security=security.pk,
        quantity=ratio,
        to_security=to_security_id,
        basis_fraction=basis_fraction,
    )
    if problems := [
        RowProblem(0, column, reason) for column, reason in faults(row, as_of=business_date(firm))
    ]:
        raise BookingError(problems)
    _record(row, security, successor)
    trades = Transaction.objects.filter(Q(security=security) | Q(to_security=security))
    beginners = _check_day(trades, row, security)
    accounts = {
        account
        for pair in trades.exclude(account__household__in=beginners).values_list("account_id", "to_account_id")
        for account in pair
        if account is not None
    }  # fmt: skip
    there = Account.objects.filter(pk__in=accounts, held_away=False)
    there = there.filter(Q(opened_on=None) | Q(opened_on__lte=effective_on)).order_by("pk")
    rows = [
        replace(row, account=account, ordinal=place)
        for place, account in enumerate(there.values_list("pk", flat=True), start=1)
    ]
    return book(firm=firm, rows=rows, actor=actor)


def preview_action(
    *,
    firm: Firm,
    kind: ActionKind,
    security_id: int,
    effective_on: date,
    ratio: Decimal = Decimal(1),
    to_security_id: int | None = None,
    basis_fraction: Decimal | None = None,
) -> tuple[Booked, selectors.NamedChanges]:
    """What ``record_action`` would book, and what it would change; nothing is written. Raises as it does."""
    with transaction.atomic():
        lock_firm(firm.pk)
        booked, changes = preview(
            households=selectors.traders({security_id}),
            as_of=business_date(firm),
            change=lambda: record_action(
                firm=firm,
                kind=kind,
                security_id=security_id,
                effective_on=effective_on,
                actor="preview",
                ratio=ratio,
                to_security_id=to_security_id,
                basis_fraction=basis_fraction,
            ),
        )
    return booked, selectors.named_changes(changes)


def _external_id(
    kind: ActionKind, security: Security, day: date, successor: Security | None
) -> str:
    """One security may spin off several on one day; of the other kinds a day has one."""
    several = f":{successor.symbol}" if kind is ActionKind.SPIN_OFF and successor else ""
    return f"{kind}:{security.symbol}:{day}{several}"


def _record(row: NewTransaction, security: Security, successor: Security | None) -> None:
    """Keep the fact itself, in the place of one that no transaction tells of.

    Raises Conflict where transactions tell of another one of its kind and day.
    """
    of_day = CorporateAction.objects.filter(
        security=security, kind=row.kind.value, effective_on=row.trade_date
    )
    if row.kind is EntryKind.SPIN_OFF:
        of_day = of_day.filter(to_security=successor)
    action = of_day.first() or CorporateAction(
        security=security, kind=row.kind.value, effective_on=row.trade_date
    )
    here = _told(row.quantity, successor, row.basis_fraction)
    if action.pk is not None:
        known = _told(action.ratio, action.to_security, action.basis_fraction)
        if known == here:
            return
        told = Transaction.objects.filter(
            security=security, kind=action.kind, trade_date=row.trade_date
        )
        if told.filter(to_security=action.to_security).exists():
            raise Conflict(
                f"{security.symbol} is known to {_VERBS[row.kind]} {known} on {row.trade_date}, not {here}."
            )
    action.ratio, action.to_security = row.quantity, successor
    action.basis_fraction = row.basis_fraction
    action.save()


_VERBS = {
    EntryKind.SPLIT: "split",
    EntryKind.RENAME: "be renamed",
    EntryKind.MERGE: "merge",
    EntryKind.SPIN_OFF: "spin off",
}


def _told(ratio: Decimal, successor: Security | None, basis_fraction: Decimal | None) -> str:
    """The figures of an action, equal exactly for equal actions: ``by 0.5 into BBB, moving 0.2 of the basis``."""
    words = f"by {decimal_text(ratio)}"
    if successor is not None:
        words += f" into {successor.symbol}"
    if basis_fraction is not None:
        words += f", moving {decimal_text(basis_fraction)} of the basis"
    return words


def _check_day(
    trades: QuerySet[Transaction], row: NewTransaction, security: Security
) -> QuerySet[Transaction, int]:
    """The households that begin with the security on this very day: nothing of theirs is older than the action.

    Raises Conflict where others have booked trades of the day, unless a row of the action stands before them.
    """
    of_day = trades.filter(trade_date=row.trade_date).exclude(kind__in=_CASH)
    of_kind = of_day.filter(kind=row.kind, security=security)
    told = of_kind.filter(to_security=row.to_security).values("account__household")
    if row.kind is EntryKind.SPIN_OFF:  # another one of the day divides the basis before both
        of_day = of_day.exclude(pk__in=of_kind.values("pk"))
    untold = of_day.exclude(account__household__in=told).values("account__household")
    beginners = (
        trades.filter(account__household__in=untold)
        .order_by()
        .values_list("account__household")
        .annotate(first=Min("trade_date"))
        .filter(first=row.trade_date)
        .values_list("account__household", flat=True)
    )
    if (
        of_day.exclude(account__household__in=told)
        .exclude(account__household__in=beginners)
        .exists()
    ):
        raise Conflict(
            f"Transactions of {security.symbol} on {row.trade_date} are booked already and would count as "
            f"executed before the {row.kind}: book the {row.kind} before the trades of its day."
        )
    return beginners
