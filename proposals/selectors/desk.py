"""The lists and files of the pages, always through the user's firm."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet, Sum
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.models import User
from proposals.models import Order, OrderExport, Proposal, ProposedTrade
from proposals.order_files import file_name
from proposals.types import (
    OrderStatus,
    ProposalKind,
    ReasonCode,
    Status,
)


def inbox(
    user: User,
    *,
    status: Status | None = Status.PENDING,
    kind: ProposalKind | None = None,
    reason: ReasonCode | None = None,
) -> QuerySet[Proposal]:
    """The firm's proposals, newest night and largest saving first; None asks for every status, kind or reason.

    A proposal has a ``reason`` where it is one of its reasons, the first or a further one.
    """
    rows = access.visible(user, Proposal).select_related("household")
    if status is not None:
        rows = rows.filter(status=status)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if reason is not None:
        rows = rows.filter(reasons__contains=[reason.value])
    return rows.order_by("-as_of", "-tax_saved", "pk")


@dataclass(frozen=True, slots=True)
class PendingTotal:
    """A tile of the inbox."""

    kind: ProposalKind
    count: int
    tax_saved: Decimal


def pending_totals(user: User) -> list[PendingTotal]:
    """How many proposals of each kind wait for a decision, and the tax they would save."""
    rows = (
        access.visible(user, Proposal)
        .filter(status=Status.PENDING)
        .order_by("kind")
        .values("kind")
        .annotate(count=Count("pk"), saved=Sum("tax_saved"))
    )
    return [PendingTotal(ProposalKind(row["kind"]), row["count"], row["saved"]) for row in rows]


def proposal(user: User, public_id: UUID) -> Proposal:
    """One proposal with household, trades and decisions, or 404."""
    trades = ProposedTrade.objects.select_related(
        "security", "account", "account__owner", "opening__account"
    ).order_by("ordinal")
    rows = (
        access.visible(user, Proposal)
        .select_related("household", "household__firm")
        .prefetch_related(Prefetch("trades", trades), "decisions__user")
    )
    return get_object_or_404(rows, public_id=public_id)


def household_proposals(user: User, household_id: UUID) -> QuerySet[Proposal]:
    """The proposals of one household (public id), newest first."""
    rows = access.visible(user, Proposal).filter(household__public_id=household_id)
    return rows.select_related("household").order_by("-as_of", "-pk")


def orders(user: User) -> QuerySet[Order]:
    """The blotter, newest first."""
    return (
        access.visible(user, Order)
        .select_related("proposal", "account", "account__household", "security", "export")
        .order_by("-pk")
    )


def order(user: User, public_id: UUID) -> Order:
    """One order, or 404."""
    return get_object_or_404(orders(user), public_id=public_id)


def waiting_orders(user: User) -> QuerySet[Order]:
    """Approved orders that no order file holds yet."""
    return orders(user).filter(status=OrderStatus.APPROVED)


def held_back(user: User) -> QuerySet[Proposal]:
    """Approved proposals that the last export left out."""
    rows = access.visible(user, Proposal).filter(status=Status.APPROVED)
    return rows.exclude(held_back=[]).select_related("household").order_by("pk")


def order_exports(user: User) -> QuerySet[OrderExport]:
    """The firm's order files, newest first."""
    return access.visible(user, OrderExport).select_related("exported_by").order_by("-number")


def order_export(user: User, number: int) -> OrderExport:
    """One order file by its number in the firm, or 404."""
    return get_object_or_404(order_exports(user), number=number)


@dataclass(frozen=True, slots=True)
class OrderFile:
    """A file to hand out."""

    name: str
    text: str


def order_file(user: User, number: int, part: str) -> OrderFile:
    """The ``orders`` or ``lots`` file of an export; exactly as exported.

    Raises Http404 for an unknown number or part.
    """
    export = order_export(user, number)
    texts = {"orders": export.orders_csv, "lots": export.lots_csv}
    if part not in texts:
        raise Http404(f"an order export has no part {part!r}")
    return OrderFile(name=file_name(part, number), text=texts[part])


def pending_kinds(household_id: int) -> frozenset[ProposalKind]:
    """The kinds of which the household has a proposal that nobody has decided. One query."""
    rows = Proposal.objects.filter(household=household_id, status=Status.PENDING)
    return frozenset(ProposalKind(kind) for kind in rows.values_list("kind", flat=True))
