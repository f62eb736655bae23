from django.apps import AppConfig


class HarvestingConfig(AppConfig):
    name = "harvesting"

    def ready(self) -> None:
        """Add this room's part to the approval of what it proposes."""
        from harvesting import approval_checks  # models are there only now

        approval_checks.add_rechecks()
