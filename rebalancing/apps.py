from django.apps import AppConfig


class RebalancingConfig(AppConfig):
    name = "rebalancing"

    def ready(self) -> None:
        """Add this room's parts to the page and to the approval of a rebalance, its policy to every order, and tell who
        left a model.
        """
        from proposals import departures, handling_rules
        from rebalancing import (
            approval_checks,
            proposal_panels,
            selectors,
        )  # models are there only now
        from rebalancing.model_changes import published

        approval_checks.add_rechecks()
        proposal_panels.add_panels()
        handling_rules.provide(selectors.handling_rule)
        departures.provide(published.departures)
