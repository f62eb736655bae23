"""Plans over years, and the frontier of a proposal."""

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from accounts.fields import MoneyField, positive_money
from accounts.models import Household, User
from proposals.models import Proposal


class TransitionPlan(models.Model):
    """A household goes from what it brought along to its model, as far each year as the limits of a year let it (F44).

    Dollars of net gain by term and of tax, for each calendar year; None = no limit, and one limit there is. The
    household's budget of gains of a year (``proposals.GainBudget``) is set from them and is what binds.
    """

    firm_path = "household__firm"

    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="transition_plans"
    )
    short_limit = MoneyField(null=True, blank=True)
    long_limit = MoneyField(null=True, blank=True)
    tax_limit = MoneyField(null=True, blank=True)
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_on = models.DateField()
    ended_on = models.DateField(null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    end_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["household", "-started_on", "-pk"]
        constraints = [
            UniqueConstraint(
                fields=["household"],
                condition=Q(ended_on=None),
                name="transition_plan_one_under_way",
            ),
            positive_money("transition_plan_short", "short_limit"),
            positive_money("transition_plan_long", "long_limit"),
            positive_money("transition_plan_tax", "tax_limit"),
            CheckConstraint(
                condition=Q(short_limit__isnull=False)
                | Q(long_limit__isnull=False)
                | Q(tax_limit__isnull=False),
                name="transition_plan_has_a_limit",
            ),
            CheckConstraint(condition=~Q(reason=""), name="transition_plan_has_reason"),
            CheckConstraint(
                condition=Q(ended_on=None)
                | (
                    Q(ended_on__gte=F("started_on")) & Q(ended_by__isnull=False) & ~Q(end_reason="")
                ),
                name="transition_plan_end_is_told",
            ),
        ]

    def __str__(self) -> str:
        return f"Transition of {self.household} from {self.started_on}"


class ProposalFrontier(models.Model):
    """Points between little tax and little tracking error beside a rebalance, of the workers or asked for (F40).

    Derived: can be dropped and is computed again. ``points`` are plain values, money and shares as text.
    """

    firm_path = "proposal__household__firm"

    proposal = models.OneToOneField(Proposal, on_delete=models.CASCADE, related_name="frontier")
    as_of = models.DateField()  # of the lots and prices that the points were computed on
    points = models.JSONField(default=list)
    left_out = models.PositiveSmallIntegerField(default=0)  # broke a rule in whole shares
    why_none = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)  # of workers, since they last found points
    under_way = models.BooleanField(default=False)  # a worker has begun: there is nothing to show

    def __str__(self) -> str:
        return f"Frontier of {self.proposal}"
