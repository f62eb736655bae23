from django.apps import AppConfig


class RebalancingConfig(AppConfig):
    name = "rebalancing"

    def ready(self) -> None:
        """Add this room's parts to the page of a rebalance."""
        from rebalancing import proposal_panels  # models are there only now

        proposal_panels.add_panels()
