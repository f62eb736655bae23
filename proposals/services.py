"""Writes: the life of proposals, the orders they become, and the fills that come back.

Lock order: household, then proposals, then orders, each by ascending id (``accounts.locks``).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePath
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts import access
from accounts.access import Action
from accounts.canonical import canonical_text, sha256_of
from accounts.errors import Conflict
from accounts.locks import lock_household, lock_households
from accounts.models import Firm, Household, User
from accounts.selectors import business_date
from accounts.services import record_audit
from lots import services as lots
from lots.booking import BookingError
from lots.models import TaxLot, Transaction
from proposals import order_files, selectors
from proposals.content import at_stored_precision, content_text, trade_facts
from proposals.drafts import problems_of
from proposals.errors import (
    AlreadyDecided,
    BadDraft,
    ContentChanged,
    HouseholdBusy,
    NothingToExport,
    StaleProposal,
)
from proposals.fill_booking import booking_of, new_fills
from proposals.fills import FillRow, read_fills
from proposals.models import (
    Decision,
    Fill,
    Order,
    OrderExport,
    OrderLot,
    Proposal,
    ProposedTrade,
)
from proposals.order_rows import lot_rows, order_row
from proposals.staleness import moved_inputs
from proposals.transitions import may_move
from proposals.types import (
    DraftProposal,
    DraftTrade,
    FillImport,
    Intention,
    Moved,
    OrderStatus,
    ProposalKind,
    Side,
    Status,
    Verdict,
)
from proposals.version import LOTWISE_VERSION
from securities.importers.file_text import check_bytes, check_size, decoded
from securities.importers.refusal import Problems

LIFETIME = timedelta(days=5)  # calendar days from the night a proposal was computed for
NIGHT_ORDER = (ProposalKind.HARVEST, ProposalKind.REBALANCE, ProposalKind.SWAP_BACK)
SYSTEM = "lotwise"  # the actor of what no person did
_EXPORT_LOCK_SPACE = 0x4C58  # beside the audit chain's: numbers of order files are serial per firm
ZERO = Decimal(0)


# Proposing


def submit(*, draft: DraftProposal) -> Proposal:
    """Put a draft before the adviser; the caller holds the household's lock in a transaction.

    The pending proposal of the same kind gives way. The same content again returns what is there and changes nothing.
    Raises BadDraft for trades that must never be proposed, HouseholdBusy while an approved proposal of the kind is on
    its way.
    """
    household = lock_household(draft.household)
    draft = at_stored_precision(draft)
    _refuse_if_busy(draft)
    fresh = selectors.facts(household.pk, draft.as_of, on_the_way=_before_in_the_night(draft))
    problems = problems_of(draft, fresh)
    if problems:
        raise BadDraft(problems)
    profile = selectors.tax_profile_facts(household.pk, draft.as_of.year)
    content = content_text(draft, tax_profile=profile)
    same = Proposal.objects.filter(
        household=household,
        kind=draft.kind,
        status=Status.PENDING,
        as_of=draft.as_of,
        content_sha256=sha256_of(content),
        inputs_sha256=sha256_of(draft.inputs),
    ).first()
    if same is not None:
        return same
    supersede_pending(household_id=household.pk, kind=draft.kind, as_of=draft.as_of)
    proposal = _store(draft, content)
    _audit(proposal, SYSTEM, "proposal.submitted", {"content_sha256": proposal.content_sha256})
    return proposal


def _refuse_if_busy(draft: DraftProposal) -> None:
    busy = Proposal.objects.filter(
        household=draft.household, kind=draft.kind, status__in=selectors.COMMITTED
    ).first()
    if busy is not None:
        raise HouseholdBusy(
            f"The {busy.kind} proposal of {busy.as_of} is {busy.status} and not filled yet: "
            "the next one of its kind waits for it."
        )


def _before_in_the_night(draft: DraftProposal) -> tuple[Intention, ...]:
    """What is committed, and what this night has already proposed in kinds that come first."""
    earlier = NIGHT_ORDER[: NIGHT_ORDER.index(draft.kind)]
    tonight = selectors.intentions(draft.household, statuses=[Status.PENDING])
    return (
        *selectors.intentions(draft.household),
        *(one for one in tonight if one.as_of == draft.as_of and one.kind in earlier),
    )


def _store(draft: DraftProposal, content: str) -> Proposal:
    versions = Proposal.objects.filter(
        household=draft.household, kind=draft.kind, as_of=draft.as_of
    )
    proposal = Proposal.objects.create(
        household_id=draft.household,
        kind=draft.kind,
        version=versions.count() + 1,
        as_of=draft.as_of,
        expires_on=draft.as_of + LIFETIME,
        sentence=draft.sentence,
        reasons=list(draft.reasons),
        tax_saved=draft.tax_saved,
        carried_worth=draft.carried_worth,
        cost=draft.cost,
        short_gain=draft.short_gain,
        long_gain=draft.long_gain,
        risk_before=draft.risk_before,
        risk_after=draft.risk_after,
        gap_bp=draft.gap_bp,
        explanation=json.loads(canonical_text(draft.explanation)),
        content=content,
        content_sha256=sha256_of(content),
        inputs=draft.inputs,
        inputs_sha256=sha256_of(draft.inputs),
        code_version=LOTWISE_VERSION,
    )
    ProposedTrade.objects.bulk_create(
        ProposedTrade(
            proposal=proposal,
            ordinal=ordinal,
            account_id=trade.account,
            security_id=trade.security,
            side=trade.side,
            quantity=trade.quantity,
            price=trade.price,
            amount=trade.amount,
            opening_id=trade.opening,
            part=trade.part,
            basis=trade.basis,
            term=trade.term,
            pair=trade.pair,
            reason=trade.reason,
        )
        for ordinal, trade in enumerate(draft.trades, start=1)
    )
    return proposal


def move(proposal_id: int, current: Status, target: Status) -> None:
    """Compare and set the status. Raises Conflict where somebody else moved it first."""
    if not may_move(current, target):
        raise Conflict(f"A proposal that is {current} cannot become {target}.")
    rows = Proposal.objects.filter(pk=proposal_id, status=current).update(status=target)
    if rows != 1:
        raise Conflict(f"The proposal is not {current} any more: load the page again.")


def supersede_pending(*, household_id: int, kind: ProposalKind, as_of: date) -> int:
    """Let the pending proposal of a kind give way to the night of ``as_of``; the caller holds the lock."""
    rows = Proposal.objects.filter(household=household_id, kind=kind, status=Status.PENDING)
    return _end_all(rows.order_by("pk"), Status.SUPERSEDED, as_of)


@transaction.atomic
def expire(*, firm_id: int, as_of: date) -> int:
    """End the pending proposals whose time is over on ``as_of``; returns how many."""
    due = Proposal.objects.filter(
        household__firm=firm_id, status=Status.PENDING, expires_on__lt=as_of
    )
    lock_households(due.values_list("household_id", flat=True))
    return _end_all(due.order_by("household_id", "pk"), Status.EXPIRED, as_of)


def _end_all(proposals: Iterable[Proposal], target: Status, as_of: date) -> int:
    ended = 0
    for proposal in proposals:
        move(proposal.pk, Status.PENDING, target)
        _audit(proposal, SYSTEM, f"proposal.{target}", {"as_of": as_of})
        ended += 1
    return ended


# Deciding


def approve(*, user: User, public_id: UUID, content_sha256: str, note: str = "") -> Proposal:
    """Approve exactly the content that was shown, after checking it against fresh facts under the household's lock.

    Writes the decision and the orders. Raises NotAllowed, Http404, AlreadyDecided, ContentChanged, or StaleProposal
    with every input that moved; a stale proposal is marked so, and that stays.
    """
    with transaction.atomic(durable=True):
        proposal = _decidable(user, public_id, content_sha256)
        moved = _moved_since(proposal)
        if moved:
            move(proposal.pk, Status.PENDING, Status.STALE)
            facts = {"moved": [str(change) for change in moved]}
            _audit(proposal, user.username, "proposal.stale", facts)
        else:
            move(proposal.pk, Status.PENDING, Status.APPROVED)
            _decide(proposal, user, Verdict.APPROVE, note)
            _make_orders(proposal)
    if moved:  # outside the transaction: the mark must outlive the refusal
        raise StaleProposal(moved)
    proposal.refresh_from_db()
    return proposal


def reject(*, user: User, public_id: UUID, content_sha256: str, note: str = "") -> Proposal:
    """Reject exactly the content that was shown. Raises NotAllowed, Http404, AlreadyDecided, ContentChanged."""
    with transaction.atomic(durable=True):
        proposal = _decidable(user, public_id, content_sha256)
        move(proposal.pk, Status.PENDING, Status.REJECTED)
        _decide(proposal, user, Verdict.REJECT, note)
    proposal.refresh_from_db()
    return proposal


def cancel(*, user: User, public_id: UUID, note: str = "") -> Proposal:
    """Take back an approval while none of its orders has been exported.

    Raises NotAllowed, Http404, or Conflict once the orders have left.
    """
    with transaction.atomic(durable=True):
        _require_now(user, Action.DECIDE)
        proposal = access.visible_or_404(user, Proposal, public_id)
        lock_household(proposal.household_id)
        proposal.refresh_from_db()
        if proposal.status != Status.APPROVED:
            raise Conflict(
                f"This proposal is {proposal.status}: only approved orders that were not exported "
                "can be taken back."
            )
        move(proposal.pk, Status.APPROVED, Status.CANCELLED)
        proposal.orders.filter(status=OrderStatus.APPROVED).update(status=OrderStatus.CANCELLED)
        _audit(proposal, user.username, "proposal.cancelled", {"note": note})
    proposal.refresh_from_db()
    return proposal


def close_orders(*, user: User, public_id: UUID, note: str = "") -> Proposal:
    """End a proposal whose remaining orders the custodian will not execute; what was filled stays a fact.

    Filled in part, the proposal ends as filled; not at all, as cancelled. Raises NotAllowed, Http404, or Conflict for
    a proposal whose orders are not out.
    """
    with transaction.atomic(durable=True):
        _require_now(user, Action.TRADE)
        proposal = access.visible_or_404(user, Proposal, public_id)
        lock_household(proposal.household_id)
        proposal.refresh_from_db()
        if proposal.status != Status.ORDERED:
            raise Conflict(
                f"This proposal is {proposal.status}: it has no orders at the custodian."
            )
        something_filled = proposal.orders.filter(filled_quantity__gt=0).exists()
        move(proposal.pk, Status.ORDERED, Status.FILLED if something_filled else Status.CANCELLED)
        closed = proposal.orders.filter(status=OrderStatus.ORDERED)
        count = closed.update(status=OrderStatus.CANCELLED)
        _audit(proposal, user.username, "orders.closed", {"orders": count, "note": note})
    proposal.refresh_from_db()
    return proposal


def _require_now(user: User, action: Action) -> Firm:
    """The user's firm, role and firm as they are in the database now: a role may have been taken away (A8)."""
    fresh = User.objects.select_related("firm").get(pk=user.pk)
    access.require(fresh, action)
    assert fresh.firm is not None, "access.require wants a firm"
    return fresh.firm


def _decidable(user: User, public_id: UUID, content_sha256: str) -> Proposal:
    """The proposal, its household locked; refused unless it is pending and is what was looked at."""
    _require_now(user, Action.DECIDE)
    household_id = access.visible_or_404(user, Proposal, public_id).household_id
    lock_household(household_id)
    proposal = Proposal.objects.select_related("household__firm").get(public_id=public_id)
    if proposal.status != Status.PENDING:
        raise AlreadyDecided(_how_it_ended(proposal))
    if content_sha256 != proposal.content_sha256:
        raise ContentChanged(
            "This proposal is not the one you looked at: load the page again and look at the trades."
        )
    stored = json.loads(proposal.content)
    rows = json.loads(canonical_text(trade_facts(selectors.draft_trades(proposal))))
    if sha256_of(proposal.content) != proposal.content_sha256 or stored["trades"] != rows:
        raise ContentChanged(
            "The stored trades are not the ones this proposal was made with. Reject it, tell "
            "whoever runs the system, and let the next scan make a fresh one."
        )
    return proposal


def _how_it_ended(proposal: Proposal) -> str:
    decision = Decision.objects.filter(proposal=proposal).select_related("user").first()
    if decision is None:
        return f"This proposal is {proposal.status}: it can no longer be decided."
    who = decision.user.get_full_name() or decision.user.username
    when = timezone.localtime(decision.decided_at)
    verb = "approved" if decision.verdict == Verdict.APPROVE else "rejected"
    return f"{who} {verb} this proposal on {when:%Y-%m-%d at %H:%M %Z}."


def _moved_since(proposal: Proposal) -> tuple[Moved, ...]:
    household = proposal.household
    today = business_date(household.firm)
    on_the_way = selectors.intentions(household.pk, without=proposal.pk)
    return moved_inputs(
        selectors.draft_trades(proposal),
        selectors.facts(household.pk, today, on_the_way=on_the_way),
        expires_on=proposal.expires_on,
        tax_profile=json.loads(proposal.content)["tax_profile"],
        tax_profile_now=selectors.tax_profile_facts(household.pk, proposal.as_of.year),
    )


def _decide(proposal: Proposal, user: User, verdict: Verdict, note: str) -> None:
    Decision.objects.create(
        proposal=proposal,
        user=user,
        verdict=verdict,
        note=note,
        content_sha256=proposal.content_sha256,
    )
    facts = {"content_sha256": proposal.content_sha256, "note": note}
    _audit(
        proposal,
        user.username,
        f"proposal.{'approved' if verdict is Verdict.APPROVE else 'rejected'}",
        facts,
    )


# Orders


def _make_orders(proposal: Proposal) -> None:
    """One order per account, security and side; a sale with its lots, the latest acquired first.

    In that order a partial fill never leaves a recent purchase standing beside an older loss just taken.
    """
    together: dict[tuple[int, int, Side], list[DraftTrade]] = {}
    for trade in selectors.draft_trades(proposal):
        together.setdefault((trade.account, trade.security, trade.side), []).append(trade)
    acquired = {
        (opening, part): day
        for opening, part, day in TaxLot.objects.filter(
            account__household=proposal.household_id
        ).values_list("opening_id", "part", "acquired")
    }
    for (account, security, side), trades in together.items():
        pairs = {trade.pair for trade in trades}
        order = Order.objects.create(
            proposal=proposal,
            account_id=account,
            security_id=security,
            side=side,
            quantity=sum((trade.quantity for trade in trades), ZERO),
            reference_price=trades[0].price,
            pair=pairs.pop() if len(pairs) == 1 else 0,
        )
        _make_order_lots(order, trades, acquired)


def _make_order_lots(
    order: Order, trades: Sequence[DraftTrade], acquired: dict[tuple[int, int], date]
) -> None:
    by_lot: dict[tuple[int, int], Decimal] = {}
    for trade in trades:
        if trade.opening is not None and trade.part is not None:
            key = (trade.opening, trade.part)
            by_lot[key] = by_lot.get(key, ZERO) + trade.quantity
    latest_first = sorted(by_lot, key=lambda key: (acquired[key], key), reverse=True)
    OrderLot.objects.bulk_create(
        OrderLot(order=order, opening_id=key[0], part=key[1], quantity=by_lot[key])
        for key in latest_first
    )


def export_orders(*, user: User) -> OrderExport:
    """Put every approved order of the firm into one numbered file, exactly once.

    Raises NotAllowed, and NothingToExport when none waits.
    """
    with transaction.atomic(durable=True):
        firm = _require_now(user, Action.TRADE)
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
            .prefetch_related("lots__opening", "proposal__decisions__user", "proposal__trades")
        )
        if not orders:
            raise NothingToExport("No approved order waits for export: approve a proposal first.")
        return _export(firm, user, orders)


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
    moved = Order.objects.filter(
        pk__in=[order.pk for order in orders], status=OrderStatus.APPROVED
    ).update(status=OrderStatus.ORDERED, export=export)
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


# Fills


def import_fills(*, user: User, file: bytes, name: str) -> FillImport:
    """Book a custodian's fills, all or nothing; a fill that is known with the same content changes nothing.

    Raises NotAllowed, and ImportRefused with every problem found and its place.
    """
    firm = _require_now(user, Action.TRADE)
    name = PurePath(name).name[:255] or "fills"
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    check_bytes(name=name, data=file)
    rows = read_fills(decoded(name=name, data=file), name=name, as_of=business_date(firm))
    with transaction.atomic(durable=True):
        orders = _locked_orders(user, rows)
        problems = Problems(name)
        new = new_fills(rows, orders, problems)
        problems.raise_if_any()
        if new:
            _book_fills(firm, user, new, orders, problems)
            _finish(user, {row.order for row in new}, orders)
            record_audit(
                firm=firm,
                actor=user.username,
                action="fills.imported",
                subject=name[:120],
                facts={"new": len(new), "known": len(rows) - len(new)},
            )
    return FillImport(new=len(new), known=len(rows) - len(new))


def _locked_orders(user: User, rows: Sequence[FillRow]) -> dict[UUID, Order]:
    """The orders that the rows name, under the locks of their households; another firm's are not there."""
    named = selectors.orders(user).filter(public_id__in={row.order for row in rows})
    lock_households(named.values_list("account__household_id", flat=True))
    return {
        order.public_id: order
        for order in named.prefetch_related("lots", "fills").order_by("proposal_id", "pk")
    }


def _book_fills(
    firm: Firm,
    user: User,
    new: Sequence[FillRow],
    orders: dict[UUID, Order],
    problems: Problems,
) -> None:
    """Book each fill as one transaction, then link it. Raises ImportRefused where the ledger refuses."""
    bookings = []
    for row in new:
        order = orders[row.order]
        bookings.append(booking_of(row, order))
        order.filled_quantity += row.quantity
    try:
        lots.book(firm=firm, rows=bookings, actor=user.username)
    except BookingError as error:
        for problem in error.problems:
            problems.add(problem.reason, line=problem.row, column=problem.column)
        raise problems.refusal() from error
    for row, booking in zip(new, bookings, strict=True):
        Fill.objects.create(
            order=orders[row.order],
            external_id=row.external_id,
            trade_date=row.trade_date,
            quantity=row.quantity,
            price=row.price,
            fee=row.fee,
            transaction=Transaction.objects.get(
                account=booking.account, external_id=booking.external_id
            ),
        )


def _finish(user: User, touched: set[UUID], orders: dict[UUID, Order]) -> None:
    """Note what is filled; an order that is complete ends, and a proposal whose orders have all ended."""
    for key in touched:
        order = orders[key]
        done = order.filled_quantity == order.quantity
        rows = Order.objects.filter(pk=order.pk, status=OrderStatus.ORDERED).update(
            filled_quantity=order.filled_quantity,
            status=OrderStatus.FILLED if done else OrderStatus.ORDERED,
        )
        if rows != 1:
            raise Conflict("Somebody else changed this order meanwhile: import the file again.")
    for proposal in Proposal.objects.filter(orders__public_id__in=touched).distinct():
        ended = (OrderStatus.FILLED, OrderStatus.CANCELLED)
        if not proposal.orders.exclude(status__in=ended).exists():
            move(proposal.pk, Status.ORDERED, Status.FILLED)
            _audit(proposal, user.username, "proposal.filled", {})


def _audit(proposal: Proposal, actor: str, action: str, facts: Mapping[str, object]) -> None:
    household = Household.objects.select_related("firm").get(pk=proposal.household_id)
    record_audit(
        firm=household.firm,
        actor=actor,
        action=action,
        subject=f"proposal {proposal.public_id}",
        facts={"kind": proposal.kind, "household": household.public_id, **facts},
    )
