"""When workers compute the points beside rebalances: after the looks of a firm's night, behind everything else.

Nothing of a night knows of it: the sweeper sees that a night has ended and sends a message, the last that a worker
takes. One message is one household, and sends the next. However many firms there are, one worker at a time is at it,
and it stops while any look waits; so with two workers a look never waits for it, with one for a household at most.
"""

from collections.abc import Iterator
from datetime import date

from django.conf import settings
from django.utils import timezone

from accounts import locks, messages
from accounts.models import Firm
from accounts.selectors import business_date
from rebalancing.versions import night_points
from scans import work_list
from scans.models import ScanRun
from scans.types import LOOKS, Job
from securities import calendar

FIND_POINTS = "scans.tasks.find_points"  # by name: services do not import tasks
_WORK = 1  # what ``locks.alone`` knows it by


def find_next(firm_id: int) -> bool:
    """Compute the points of one more pending rebalance of the firm; False where none was to be computed now."""
    with locks.alone(_WORK) as ours:
        if not ours or work_list.waiting():
            return False
        firm = Firm.objects.get(pk=firm_id)
        today = _day(firm)
        return today is not None and night_points.find_next(firm_id, today)


def sweep() -> int:
    """Wake a worker where points are to come and nobody is at it; the number of messages sent."""
    with locks.alone(_WORK) as nobody:
        if not nobody:
            return 0
    return wake_next()


def wake_next() -> int:
    """Wake a worker for the next firm with points to come, unless a look waits; the number of messages sent."""
    if work_list.waiting():
        return 0
    firm_id = next(_firms(), None)
    if firm_id is None:
        return 0
    # The sweeper sends another: while all workers are busy they must not pile up.
    expires = settings.SCAN_SWEEP_SECONDS
    return messages.send(FIND_POINTS, [firm_id], priority=messages.LAST, expires=expires)


def _firms() -> Iterator[int]:
    """Firms whose night has ended and that have points to come."""
    for firm in Firm.objects.order_by("pk"):
        today = _day(firm)
        if today is not None and night_points.to_come(firm.pk, today).exists():
            yield firm.pk


def _day(firm: Firm) -> date | None:
    """The day that points of the firm are of; None before its latest night has ended and during a look between two."""
    latest = firm.pinned_date or calendar.business_date(timezone.now())
    looks = ScanRun.objects.filter(firm=firm, job__in=LOOKS)
    ended = looks.filter(job=Job.DAILY, business_date=latest).exclude(finished_at=None)
    if not ended.exists() or looks.filter(finished_at=None).exists():
        return None
    return business_date(firm)
