"""The points beside pending rebalances, computed by workers before anybody asks: one household after the other.

The pending rebalances of a firm that have no points of today are the work list. A row says that a worker has begun;
where the worker dies with it, another begins once more. A proposal that is decided, replaced or stale by the end of the
computing, or whose household has moved, gets nothing.
"""

import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import Count, Q, QuerySet

from accounts.errors import LotwiseError
from accounts.locks import lock_household
from accounts.one_look import one_look
from lots.errors import LedgerError
from lots.selectors import ledger_stamp
from proposals.models import Proposal
from proposals.selectors import intentions
from proposals.types import ProposalKind, Status
from rebalancing.errors import RebalancingError
from rebalancing.models import ProposalFrontier
from rebalancing.versions.frontier_services import Found, compute

logger = logging.getLogger(__name__)

TRIES = 2  # without points, for one proposal: after that only a person asks
SECONDS = 20.0  # of solving for one proposal; nobody waits for it
NO_END = "The workers began and came to no end: a worker died or was stopped."

# Tried and without points; one under way is told once nobody begins with it again.
_TOLD = Q(frontier__tries__gt=0) & (Q(frontier__under_way=False) | Q(frontier__tries__gte=TRIES))


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the rebalances that a night proposed: with points, tried without finding any, and still to come."""

    found: int = 0
    without: int = 0
    to_come: int = 0


def to_come(firm_id: int, today: date) -> QuerySet[Proposal]:
    """Pending rebalances without points of ``today``, the oldest first; those given up are left out."""
    kept = Q(frontier__as_of__gte=today, frontier__under_way=False)
    given_up = Q(frontier__tries__gte=TRIES)
    return _pending(firm_id).exclude(kept).exclude(given_up).order_by("pk")


def without_points(firm_id: int) -> QuerySet[Proposal]:
    """Pending rebalances for which the workers found no points, with ``frontier.why_none``."""
    rows = _pending(firm_id).filter(_TOLD).select_related("household", "frontier")
    return rows.order_by("household__name", "pk")


def counts(firm_id: int, nights: Collection[date]) -> dict[date, Counts]:
    """Night -> how many of its rebalances have points, whatever became of them since. One query."""
    found = Q(frontier__under_way=False) & ~Q(frontier__points=[])
    nothing_yet = Q(frontier=None) | Q(frontier__under_way=True, frontier__tries__lt=TRIES)
    rows = Proposal.objects.filter(
        household__firm=firm_id, kind=ProposalKind.REBALANCE, as_of__in=nights
    )
    counted = (
        rows.order_by()
        .values_list("as_of")
        .annotate(
            found=Count("pk", filter=found),
            without=Count("pk", filter=_TOLD),
            to_come=Count("pk", filter=nothing_yet & Q(status=Status.PENDING)),
        )
    )
    return {night: Counts(*numbers) for night, *numbers in counted}


def find_next(firm_id: int, today: date) -> bool:
    """Compute and keep the points of the next one to come; False where there is none.

    The caller sees to it that nobody else is at it (``locks.alone``). An error of one proposal is told in its row and
    in the log, and raised only where the database is away.
    """
    proposal = to_come(firm_id, today).select_related("household").first()
    if proposal is None:
        return False
    tries = _begin(proposal, today)
    try:
        with one_look():
            facts = _moving_facts(proposal)
            found = _found(proposal, today)
    except (OperationalError, InterfaceError):  # nobody's fault, so not counted
        with suppress(DatabaseError, InterfaceError):
            ProposalFrontier.objects.filter(proposal=proposal).update(tries=tries - 1)
        raise
    _keep(proposal, found, today, facts)
    return True


def _pending(firm_id: int) -> QuerySet[Proposal]:
    return Proposal.objects.filter(
        household__firm=firm_id, kind=ProposalKind.REBALANCE, status=Status.PENDING
    )


def _begin(proposal: Proposal, today: date) -> int:
    """Leave word that a worker is at it; the number of this try."""
    known = ProposalFrontier.objects.filter(proposal=proposal).first()
    tries = 1 if known is None else known.tries + 1
    begun = Found([], 0, NO_END).columns(today) | {"tries": tries, "under_way": True}
    ProposalFrontier.objects.update_or_create(proposal=proposal, defaults=begun)
    return tries


def _found(proposal: Proposal, today: date) -> Found:
    try:
        return compute(proposal, today, seconds=SECONDS)
    except (LotwiseError, LedgerError, RebalancingError) as refusal:
        return Found([], 0, str(refusal))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # of one proposal: the others do not wait for it
        logger.exception("the points of proposal %s could not be computed", proposal.public_id)
        told = f"An error that nobody foresaw ({type(error).__name__}); the worker's log has it."
        return Found([], 0, told)


@transaction.atomic
def _keep(proposal: Proposal, found: Found, today: date, facts: tuple[object, ...]) -> None:
    """Write what was found under the household's lock, or take the row away where it is of no use any more."""
    lock_household(proposal.household_id)
    ours = ProposalFrontier.objects.filter(proposal=proposal, under_way=True)
    pending = Proposal.objects.filter(pk=proposal.pk, status=Status.PENDING).exists()
    if not pending or facts != _moving_facts(proposal):
        ours.delete()
        return
    if found.points:
        ours.update(**found.columns(today), tries=0)
        return
    ours.update(**found.columns(today))
    logger.error("no points beside proposal %s: %s", proposal.public_id, found.why_none)


def _moving_facts(proposal: Proposal) -> tuple[object, ...]:
    """What the points rest on and other people may change meanwhile: the ledger, and orders under way."""
    return ledger_stamp(proposal.household_id), intentions(proposal.household_id)
