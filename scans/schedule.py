"""The two periodic tasks of beat's table. Beat only ticks: what is due, the database says."""

from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask

START_DUE_MINUTES = 5


def ensure_schedule() -> None:
    """Make the two periodic tasks, or bring their periods up to the settings; an operator's switch-off stays."""
    _ensure_periodic(
        "Open the nights that are due",
        task="scans.tasks.start_due",
        every=START_DUE_MINUTES,
        period=IntervalSchedule.MINUTES,
        expire_seconds=START_DUE_MINUTES * 60,
    )
    _ensure_periodic(
        "Sweep the work list",
        task="scans.tasks.sweep",
        every=settings.SCAN_SWEEP_SECONDS,
        period=IntervalSchedule.SECONDS,
        expire_seconds=settings.SCAN_SWEEP_SECONDS,
    )


def _ensure_periodic(name: str, *, task: str, every: int, period: str, expire_seconds: int) -> None:
    """``expire_seconds``: while no worker runs, ticks must not pile up in the queue."""
    interval, _ = IntervalSchedule.objects.get_or_create(every=every, period=period)
    wanted = {"task": task, "interval": interval, "expire_seconds": expire_seconds}
    row, created = PeriodicTask.objects.get_or_create(name=name, defaults=wanted)
    if not created and any(getattr(row, key) != value for key, value in wanted.items()):
        for key, value in wanted.items():
            setattr(row, key, value)
        row.save()  # tells beat to read its table again
