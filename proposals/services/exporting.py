"""Order files: what is approved and may still leave, put into one numbered file."""

from collections.abc import Collection, Mapping, Sequence

from django.db import connection, transaction

from accounts.access import Action
from accounts.canonical import sha256_of
from accounts.errors import Conflict
from accounts.locks import lock_households
from accounts.models import Firm, User
from accounts.selectors import business_date
from accounts.services import record_audit
from proposals import order_files, rechecks, selectors
from proposals.errors import AllHeldBack, NothingToExport
from proposals.models import Order, OrderExport, Proposal
from proposals.order_rows import lot_rows, order_row
from proposals.release import reasons_to_hold
from proposals.services.life import audit, move, move_orders, require_now
from proposals.types import OrderStatus, Status

_EXPORT_LOCK_SPACE = 0x4C58  # beside the audit chain's: numbers of order files are serial per firm


def export_orders(*, user: User) -> OrderExport:
    """Put every approved order of the firm that may still leave into one numbered file, exactly once.

    A proposal that would make a wash sale by now, sell shares that are gone, or was decided under other terms than
    today's is held back: its orders keep waiting, and ``Proposal.held_back`` says why. Raises NotAllowed,
    NothingToExport when none waits, and AllHeldBack with the reasons when none may leave.
    """
    with transaction.atomic(durable=True):
        firm = require_now(user, Action.TRADE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_EXPORT_LOCK_SPACE, firm.pk])
        households = set(
            selectors.waiting_orders(user).values_list("account__household_id", flat=True)
        )
        lock_households(households)
        orders = list(
            selectors.waiting_orders(user)
            .filter(account__household__in=households)
            .order_by("pk")
            .select_related("proposal__household__firm")
            .prefetch_related("lots__opening", "proposal__decisions__user", "proposal__trades")
        )
        if not orders:
            raise NothingToExport("No approved order waits for export: approve a proposal first.")
        held = _hold_back(user, {order.proposal_id: order.proposal for order in orders})
        going = [order for order in orders if order.proposal_id not in held]
        export = _export(firm, user, going) if going else None
    if export is None:  # outside the transaction: the reasons must outlive the refusal
        raise AllHeldBack(
            "Nothing was exported. "
            + " ".join(proposal.held_sentence for proposal in held.values())
            + " Take the approval back, or export again when this has passed."
        )
    return export


def _hold_back(user: User, waiting: Mapping[int, Proposal]) -> dict[int, Proposal]:
    """Those that must not leave, asked one after the other, so that each is asked about beside those that leave."""
    going: set[int] = set()
    held = {}
    for proposal in sorted(waiting.values(), key=lambda one: one.pk):
        reasons = list(_reasons_to_hold(proposal, going))
        if reasons != proposal.held_back:
            Proposal.objects.filter(pk=proposal.pk).update(held_back=reasons)
            proposal.held_back = reasons
            if reasons:
                audit(proposal, user.username, "proposal.held_back", {"reasons": reasons})
        if reasons:
            held[proposal.pk] = proposal
        else:
            going.add(proposal.pk)
    return held


def _reasons_to_hold(proposal: Proposal, going: Collection[int]) -> tuple[str, ...]:
    household = proposal.household
    today = business_date(household.firm)
    committed = selectors.intentions(household.pk, as_of=today)
    others = [one for one in committed if one.status is Status.ORDERED or one.proposal in going]
    facts = selectors.facts(household.pk, today, on_the_way=others)
    held = reasons_to_hold(
        [one for one in committed if one.proposal == proposal.pk],
        facts,
        accepted=selectors.accepted_wash(proposal),
    )
    moved = rechecks.moved_before_release(proposal, today)
    return (*held, *(one.sentence for one in moved))


def _export(firm: Firm, user: User, orders: Sequence[Order]) -> OrderExport:
    number = OrderExport.objects.filter(firm=firm).count() + 1
    orders_csv = order_files.orders_csv([order_row(order, number) for order in orders])
    lots_csv = order_files.lots_csv([row for order in orders for row in lot_rows(order)])
    export = OrderExport.objects.create(
        firm=firm,
        number=number,
        orders_csv=orders_csv,
        lots_csv=lots_csv,
        sha256=sha256_of(orders_csv + lots_csv),
        exported_by=user,
    )
    exported = Order.objects.filter(pk__in=[order.pk for order in orders])
    moved = move_orders(exported, OrderStatus.APPROVED, OrderStatus.ORDERED, export=export)
    if moved != len(orders):
        raise Conflict("Somebody else changed these orders meanwhile: try again.")
    for proposal_id in sorted({order.proposal_id for order in orders}):
        move(proposal_id, Status.APPROVED, Status.ORDERED)
    record_audit(
        firm=firm,
        actor=user.username,
        action="orders.exported",
        subject=f"order file {number}",
        facts={"orders": [order.public_id for order in orders], "sha256": export.sha256},
    )
    return export
