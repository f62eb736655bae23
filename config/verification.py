"""Invariants that must hold on the live database; each violation is one sentence."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from django.db import transaction
from django.db.models import F, Max, Q, Sum

from accounts.canonical import sha256_of
from accounts.models import Firm, Household
from accounts.selectors import audit_fault
from lots import conservation
from lots import selectors as lot_selectors
from lots.errors import LedgerError
from lots.models import PositionStatement, TaxLot, Transaction
from lots.rounding import plain
from lots.services import rebuild_lots
from proposals import selectors
from proposals.allocation import Allocation, Wanted, allocate
from proposals.block_models import BlockFill
from proposals.models import Decision, Order, Proposal
from proposals.types import OPEN, Verdict


def violations() -> Iterator[str]:
    """Everything that is wrong, firm by firm; nothing is written."""
    for firm in Firm.objects.order_by("pk"):
        fault = audit_fault(firm)
        if fault:
            yield f"{firm}: audit chain: {fault}"
        for household in Household.objects.filter(firm=firm).order_by("pk"):
            yield from _booked(household)
            yield from _derived(household)
            yield from _conserved(household)
            yield from _promised(household)
            yield from _reconciled(household)
            yield from _washed(household)
        yield from _proposals(firm)
        yield from _orders(firm)
        yield from _blocks(firm)


def _booked(household: Household) -> Iterator[str]:
    """Transactions and figures given out say what they were hashed with."""
    for account, name in lot_selectors.changed_transactions(household.pk):
        yield (
            f"{household.firm}: {household}: account {account}: transaction {name} is not what was booked: "
            "its content has another hash"
        )
    for year in lot_selectors.changed_reports(household.pk):
        yield f"{household.firm}: {household}: the figures reported of {year} were changed"


def _derived(household: Household) -> Iterator[str]:
    """Lots, disposals and wash sales must be what the ledger says (docs/adr/0003)."""
    try:
        with transaction.atomic():
            changes = rebuild_lots(household_id=household.pk)
            transaction.set_rollback(True)
    except LedgerError as error:
        yield f"{household.firm}: {household}: the ledger cannot be followed: {error}"
        return
    differing = changes.inserted + changes.updated + changes.deleted
    if differing:
        yield f"{household.firm}: {household}: {differing} derived rows do not follow from the ledger"


def _conserved(household: Household) -> Iterator[str]:
    """Shares, basis and losses are conserved, counted from the ledger without the engine (I1 to I5)."""
    broken = conservation.violations(
        lot_selectors.ledger(household.pk),
        lot_selectors.stored_rows(household.pk),
        lot_selectors.names(household.pk),
    )
    for sentence in broken:
        yield f"{household.firm}: {household}: {sentence}"


def _promised(household: Household) -> Iterator[str]:
    """No lot is promised to more orders than it has shares; what an export holds back is promised to nobody."""
    held_back = Proposal.objects.filter(household=household).exclude(held_back=[])
    waiting = set(held_back.values_list("pk", flat=True))
    promised: dict[
        tuple[int, int], Decimal
    ] = {}  # opening, security: a spin-off's shares are others
    for one in selectors.intentions(household.pk):
        if one.opening is not None and one.proposal not in waiting:
            lot = (one.opening, one.security)
            promised[lot] = promised.get(lot, Decimal(0)) + one.quantity
    if not promised:
        return
    openings = Transaction.objects.in_bulk({opening for opening, _ in promised})
    became = lot_selectors.succeeded(household.pk)
    lots = TaxLot.objects.filter(opening__in=openings).order_by()
    held = {
        (opening, security): quantity
        for opening, security, quantity in lots.values_list("opening_id", "security_id").annotate(
            Sum("quantity")
        )
    }
    for (opening, security), shares in sorted(promised.items()):
        names = {security, *became.get(security, ())}
        left = sum((held.get((opening, name), Decimal(0)) for name in names), Decimal(0))
        if shares > left:
            yield (
                f"{household.firm}: {household}: open orders sell {plain(Fraction(shares))} of the lot "
                f"{openings[opening].external_id}, {plain(Fraction(left))} are open"
            )


def _reconciled(household: Household) -> Iterator[str]:
    """Nothing was proposed or approved in an account that was known not to add up (I22); statements are unchanged.

    What was proposed before a statement or a booking said so is refused at its approval, and superseded by the next
    night.
    """
    statements = PositionStatement.objects.filter(account__household=household)
    told = statements.aggregate(Max("imported_at"))["imported_at__max"]
    if told is None:
        return
    for account, day in lot_selectors.changed_statements(household.pk):
        yield f"{household.firm}: {household}: the statement of account {account} of {day} was changed"
    booked = Transaction.objects.filter(account__household=household).aggregate(Max("booked_at"))
    since = max(told, booked["booked_at__max"] or told)
    approved = Q(decisions__verdict=Verdict.APPROVE, decisions__decided_at__gt=since)
    proposals = Proposal.objects.filter(household=household, status__in=OPEN)
    for proposal in proposals.filter(Q(created_at__gt=since) | approved).order_by("pk"):
        wrong = lot_selectors.unreconciled(household.pk, proposal.as_of)
        trades = proposal.trades.filter(account__in=wrong).order_by("account")
        for pk, number in trades.values_list("account", "account__number").distinct():
            yield (
                f"{household.firm}: {household}: the {proposal.kind} proposal of {proposal.as_of} trades in account "
                f"{number}, which does not add up: {wrong[pk]} (I22)"
            )


def _washed(household: Household) -> Iterator[str]:
    """No wash sale by our own orders that nobody accepted (I9); what others bought is not judged."""
    for wash in selectors.unaccepted_washes(household.pk):
        name = f"{household.firm}: {household}: {wash.kind.replace('_', '-')} of {wash.as_of}"
        lost = f", ${wash.permanent:.2f} of it for ever" if wash.permanent else ""
        yield (
            f"{name} ({wash.proposal}): our orders washed ${wash.washed:.2f} of its loss{lost}, "
            f"${wash.accepted:.2f} was accepted (I9)"
        )


def _proposals(firm: Firm) -> Iterator[str]:
    proposals = Proposal.objects.filter(household__firm=firm)
    for proposal in proposals.iterator(chunk_size=200):
        if sha256_of(proposal.content) != proposal.content_sha256:
            yield f"{firm}: proposal {proposal.public_id}: its content was changed"
        if sha256_of(proposal.inputs) != proposal.inputs_sha256:
            yield f"{firm}: proposal {proposal.public_id}: its inputs were changed"
    decisions = Decision.objects.filter(proposal__household__firm=firm)
    for decision in decisions.exclude(content_sha256=F("proposal__content_sha256")):
        yield f"{firm}: decision {decision.pk} is on another content than its proposal has"
    approvals = decisions.filter(verdict=Verdict.APPROVE)
    for decision in approvals.exclude(accepted_wash=F("proposal__wash_deferred")):
        yield f"{firm}: decision {decision.pk} accepted another deferred loss than its proposal states (I9)"


def _orders(firm: Firm) -> Iterator[str]:
    """What an order says is filled is the sum of its fills."""
    orders = Order.objects.filter(account__firm=firm).annotate(filled=Sum("fills__quantity"))
    for order in orders:
        if (order.filled or 0) != order.filled_quantity:
            yield f"{firm}: order {order.public_id}: {order.filled_quantity} filled, its fills say {order.filled or 0}"


def _blocks(firm: Firm) -> Iterator[str]:
    """Each block's division follows from its recorded seed, and is what its fills say (T49)."""
    blocks = BlockFill.objects.filter(firm=firm).prefetch_related("shares__order", "fills")
    for block in blocks.iterator(chunk_size=100):
        shares = {str(share.order.public_id): share for share in block.shares.all()}
        wanted = [Wanted(key, one.wanted, one.fractions) for key, one in shares.items()]
        told = {key: one.allocated for key, one in shares.items()}
        if allocate(block.quantity, wanted, block.seed) != Allocation(told, Decimal(0)):
            yield f"{firm}: block {block.external_id} was not divided as its seed says"
        filled = {fill.order_id: fill.quantity for fill in block.fills.all()}
        if filled != {one.order_id: one.allocated for one in shares.values() if one.allocated}:
            yield f"{firm}: block {block.external_id}: its fills are not its division"
