"""When reviews are due: on the last business date of their period, by the exchange's calendar."""

from collections.abc import Callable
from datetime import date

from django.db.models import Min

from scans.models import ScanRun
from scans.types import Job
from securities import calendar


def latest_due(job: Job, latest: date) -> date:
    """The last period's end on or before ``latest``, a business date whose night has begun."""
    day = latest
    while not is_period_end(job, day):
        day = calendar.previous_business_date(day)
    return day


def next_due(job: Job, latest: date) -> date:
    """The first period's end after ``latest``."""
    day = calendar.next_business_date(latest)
    while not is_period_end(job, day):
        day = calendar.next_business_date(day)
    return day


def is_period_end(job: Job, day: date) -> bool:
    """Whether the business date is the last one of its period."""
    period = _PERIODS[job]
    return period(calendar.next_business_date(day)) != period(day)


def firms_with_nights() -> list[tuple[int, date]]:
    """Firms whose clock runs, each with its first night."""
    rows = ScanRun.objects.filter(job=Job.DAILY, firm__pinned_date=None).order_by()
    return sorted(rows.values_list("firm_id").annotate(first=Min("business_date")))


_PERIODS: dict[Job, Callable[[date], tuple[int, int]]] = {
    Job.DAILY: lambda day: (day.year, day.toordinal()),
    Job.WEEKLY: lambda day: day.isocalendar()[:2],
    Job.MONTHLY: lambda day: (day.year, day.month),
    Job.QUARTERLY: lambda day: (day.year, (day.month - 1) // 3),
}
