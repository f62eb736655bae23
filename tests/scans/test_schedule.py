import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from scans.services import ensure_schedule

pytestmark = pytest.mark.django_db


def periods():
    rows = PeriodicTask.objects.filter(task__startswith="scans.").order_by("task")
    return [(row.task, row.interval.every, row.interval.period, row.enabled) for row in rows]


def test_a_migrated_database_has_the_schedule(settings):
    assert periods() == [
        ("scans.tasks.start_due", 5, IntervalSchedule.MINUTES, True),
        ("scans.tasks.sweep", settings.SCAN_SWEEP_SECONDS, IntervalSchedule.SECONDS, True),
    ]


def test_making_the_schedule_again_adds_and_changes_nothing():
    before = list(PeriodicTask.objects.order_by("pk").values())
    ensure_schedule()
    assert list(PeriodicTask.objects.order_by("pk").values()) == before


def test_a_new_period_is_taken_over_and_a_switch_off_stays(settings):
    PeriodicTask.objects.filter(task="scans.tasks.sweep").update(enabled=False)
    settings.SCAN_SWEEP_SECONDS = 7
    ensure_schedule()
    assert ("scans.tasks.sweep", 7, IntervalSchedule.SECONDS, False) in periods()
    assert PeriodicTask.objects.filter(task="scans.tasks.sweep").count() == 1
