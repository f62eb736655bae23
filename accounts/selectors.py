"""Reads about firms, households and the audit chain."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts import access
from accounts.audit_chain import Link, first_fault
from accounts.models import Account, AuditEvent, Firm, Household, TaxProfile, User
from accounts.one_look import read_once
from accounts.types import Role


def market_date(instant: datetime) -> date:
    """The date of an instant in the market's zone: the trade date, whatever zone the server is in."""
    return instant.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def business_date(firm: Firm) -> date:
    """The firm's today: its pinned date, else the date in the market's zone."""
    return firm.pinned_date or market_date(timezone.now())


def firm_names() -> list[str]:
    """The names of all firms, sorted: what a refusal lists where a firm has to be named."""
    return list(Firm.objects.order_by("name").values_list("name", flat=True))


def person_named(username: str, firm: Firm) -> User | None:
    """The firm's person of this name; a client system is none."""
    rows = User.objects.filter(firm=firm, username=username, is_active=True)
    return rows.exclude(role=Role.API_CLIENT).first()


def households(user: User) -> QuerySet[Household]:
    """The user's households by name, with the number of their accounts."""
    rows = access.visible(user, Household).annotate(account_count=Count("accounts"))
    return rows.order_by("name", "pk")  # grouping drops the model's own order


def household(user: User, public_id: UUID) -> Household:
    """One household, or 404."""
    return access.visible_or_404(user, Household, public_id)


@read_once
def firm_of(household_id: int) -> int:
    """The firm that keeps the household. Raises Household.DoesNotExist."""
    return Household.objects.values_list("firm_id", flat=True).get(pk=household_id)


@read_once
def accounts_of(household_id: int) -> tuple[Account, ...]:
    """The household's accounts with their owners, by primary key."""
    rows = Account.objects.filter(household=household_id).select_related("owner")
    return tuple(rows.order_by("pk"))


def accounts(user: User) -> QuerySet[Account]:
    """The user's accounts."""
    return access.visible(user, Account).select_related("household", "owner")


def tax_profile(household_id: int, year: int) -> TaxProfile | None:
    """The household's tax profile of a year; None where nobody entered one."""
    return TaxProfile.objects.filter(household_id=household_id, year=year).first()


def audit_fault(firm: Firm) -> str | None:
    """What is wrong with the firm's audit chain; None = it holds."""
    return first_fault(_links(firm))


def _links(firm: Firm) -> Iterator[Link]:
    rows = AuditEvent.objects.filter(firm=firm).order_by("sequence")
    for row in rows.iterator(chunk_size=2000):
        yield Link(
            firm=row.firm_id,
            sequence=row.sequence,
            format_version=row.format_version,
            payload=row.payload,
            previous_hash=row.previous_hash,
            hash=row.hash,
        )


def account(user: User, public_id: UUID) -> Account:
    """One account, or 404."""
    return access.visible_or_404(user, Account, public_id)
