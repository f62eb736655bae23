"""What every Django process of Lotwise loads."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Makes the Celery application the current one, so that tasks sent from anywhere find the broker."""

    name = "config"

    def ready(self) -> None:
        """Import the application; importing is what registers it."""
        import config.celery  # noqa: F401
