from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ScansConfig(AppConfig):
    name = "scans"

    def ready(self) -> None:
        from scans import factor_panel, premium_panel, substitute_panel  # models are there only now

        substitute_panel.add_panel()
        factor_panel.add_panel()
        premium_panel.add_panel()
        post_migrate.connect(_after_migrate, sender=self)


def _after_migrate(*, using: str, **_: Any) -> None:
    """Every migrated database has the schedule, with the periods of today's settings."""
    from scans.schedule import ensure_schedule

    if "django_celery_beat_periodictask" in connections[using].introspection.table_names():
        ensure_schedule()
