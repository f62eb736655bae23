"""What households are to hold: models, who follows them, the versions they went through, and the names that left."""

import uuid
from datetime import timedelta
from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from accounts.fields import FractionField, MoneyField, bounded, signed_money
from accounts.models import Firm, Household, User, choices, one_of
from rebalancing.model_changes.recipes import ExitRule, Recipe, VersionKind, VersionState
from rebalancing.model_changes.view_words import LARGEST_RETURN
from rebalancing.models.words import word_or_none
from securities.models import Security


class TargetModel(models.Model):
    """Target weights of a household; what they leave below 1 is cash."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="target_models")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    # How the monthly review drafts new weights; fixed: it drafts none.
    recipe = models.CharField(max_length=20, choices=choices(Recipe), default=Recipe.FIXED)
    # When a set-up file last gave it other weights: what it weighed before is not on record. None: it never did.
    weights_since = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(fields=["firm", "name"], name="target_model_name_once"),
            one_of("target_model_recipe", "recipe", Recipe),
        ]

    def __str__(self) -> str:
        return self.name


class ModelWeight(models.Model):
    """A security's share of the model, as a fraction of the household's value."""

    firm_path = "model__firm"

    model = models.ForeignKey(TargetModel, on_delete=models.CASCADE, related_name="weights")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    weight = FractionField()

    class Meta:
        ordering = ["model", "security"]
        constraints = [
            UniqueConstraint(fields=["model", "security"], name="model_weight_once"),
            bounded(
                "model_weight_bounded", "weight", lower=0, upper=Decimal("1.00000001"), above=True
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.weight}"


class ModelAssignment(models.Model):
    """The model a household follows."""

    firm_path = "household__firm"

    household = models.OneToOneField(Household, on_delete=models.CASCADE, related_name="assignment")
    model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="assignments")

    def __str__(self) -> str:
        return f"{self.household}: {self.model}"


class ReturnView(models.Model):
    """What somebody expects of a name of a model, from ``since`` through ``until`` (None: until it is ended).

    The security returns ``yearly_return`` a year above cash, or with ``over`` above that other name of the model; how
    sure its author is says ``confidence``, above 0 and up to 1.
    """

    firm_path = "model__firm"

    model = models.ForeignKey(TargetModel, on_delete=models.CASCADE, related_name="views")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    over = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    yearly_return = FractionField()
    confidence = FractionField()
    since = models.DateField()
    until = models.DateField(null=True, blank=True)  # last day
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    stated_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["model", "-since", "pk"]
        constraints = [
            # One open view of a pair whichever comes first; LEAST and GREATEST leave out what is NULL.
            UniqueConstraint(
                F("model"),
                Least("security", "over"),
                Greatest("security", "over"),
                condition=Q(until=None),
                name="return_view_once",
            ),
            bounded(
                "return_view_return",
                "yearly_return",
                lower=-LARGEST_RETURN,
                upper=LARGEST_RETURN + Decimal("0.00000001"),
            ),
            bounded(
                "return_view_confidence",
                "confidence",
                lower=0,
                upper=Decimal("1.00000001"),
                above=True,
            ),
            CheckConstraint(
                condition=Q(over=None) | ~Q(over=F("security")), name="return_view_of_two"
            ),
            CheckConstraint(
                condition=Q(over=None) | Q(yearly_return__gte=0), name="return_view_better_first"
            ),
            # One that ended the day before it began was taken back before it was used.
            CheckConstraint(
                condition=Q(until=None) | Q(since__lte=F("until") + timedelta(days=1)),
                name="return_view_dates",
            ),
            CheckConstraint(condition=~Q(reason=""), name="return_view_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.security} over {self.over or 'cash'}"


# A person has published it.
_PUBLISHED = (VersionState.PUBLISHED, VersionState.SCHEDULED, VersionState.LAPSED)


class ModelVersion(models.Model):
    """Weights that a model may get. Nothing trades on a draft; once published they are the model's (ModelWeight).

    A version that is published before ``effective_on`` waits, scheduled, for the first night on or after it. One of
    several ``steps`` moves the weights in equal steps, one a trading day from ``begun_on`` on.
    """

    firm_path = "model__firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10, choices=choices(VersionState), default=VersionState.DRAFT
    )
    kind = models.CharField(max_length=16, choices=choices(VersionKind), default=VersionKind.RECIPE)
    recipe = models.CharField(max_length=20, choices=choices(Recipe))
    effective_on = models.DateField(null=True, blank=True)  # None = when it is published
    steps = models.PositiveSmallIntegerField(default=1)
    steps_done = models.PositiveSmallIntegerField(default=0)
    begun_on = models.DateField(null=True, blank=True)  # the business date of the first step
    last_step_on = models.DateField(null=True, blank=True)  # of the latest step so far
    lapse = models.TextField(blank=True)  # why it lapsed
    as_of = models.DateField()  # of the prices it was made from
    author = models.CharField(max_length=150)
    reason = models.TextField()
    # The views on returns that a recipe used, as they were: what each said, and what the returns say of it.
    views = models.JSONField(default=list)
    # The market's price of risk (RiskSetting) that they were reckoned with; None: no views, or older than the figure.
    market_risk_price = FractionField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    # Households measured before it are measured again (VersionEffect).
    effects_asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["model", "-number"]
        constraints = [
            UniqueConstraint(fields=["model", "number"], name="model_version_once"),
            UniqueConstraint(
                fields=["model", "kind"],
                condition=Q(state=VersionState.DRAFT.value),
                name="model_draft_once",
            ),
            UniqueConstraint(
                fields=["model"],
                condition=Q(state=VersionState.SCHEDULED.value),
                name="model_scheduled_once",
            ),
            bounded(
                "model_version_risk_price", "market_risk_price", lower=0, upper=100, above=True
            ),
            one_of("model_version_state", "state", VersionState),
            one_of("model_version_recipe", "recipe", Recipe),
            one_of("model_version_kind", "kind", VersionKind),
            CheckConstraint(
                condition=~Q(state__in=[state.value for state in _PUBLISHED])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="model_version_published_by",
            ),
            CheckConstraint(
                condition=~Q(state=VersionState.SCHEDULED.value) | Q(effective_on__isnull=False),
                name="model_version_scheduled_for",
            ),
            CheckConstraint(
                condition=Q(steps__gte=1) & Q(steps_done__lte=F("steps")),
                name="model_version_steps",
            ),
            CheckConstraint(
                condition=Q(steps_done=0, begun_on=None, last_step_on=None)
                | Q(steps_done__gte=1, begun_on__isnull=False, last_step_on__gte=F("begun_on")),
                name="model_version_begun",
            ),
            CheckConstraint(
                condition=~Q(state=VersionState.LAPSED.value) | ~Q(lapse=""),
                name="model_version_lapse_told",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.number}"

    @property
    def is_under_way(self) -> bool:
        """Whether steps of it are still to come."""
        return self.state == VersionState.PUBLISHED and self.steps_done < self.steps


class ModelVersionWeight(models.Model):
    """A security's weight before a version and in it; 0: it was not, or will not be, in the model."""

    firm_path = "version__model__firm"

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="weights")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    before = FractionField()
    after = FractionField()
    exit_rule = models.CharField(max_length=8, choices=choices(ExitRule), blank=True)
    note = models.TextField(blank=True)
    # Yearly returns above cash that a recipe with views reckoned with: before the views, and with them.
    implied_return = FractionField(null=True, blank=True)
    expected_return = FractionField(null=True, blank=True)

    class Meta:
        ordering = ["version", "security"]
        constraints = [
            UniqueConstraint(fields=["version", "security"], name="model_version_weight_once"),
            bounded("model_version_before", "before", lower=0, upper=Decimal("1.00000001")),
            bounded("model_version_after", "after", lower=0, upper=Decimal("1.00000001")),
            word_or_none("model_version_exit_rule", "exit_rule", ExitRule),
            bounded("model_version_implied", "implied_return", lower=-1_000, upper=1_000),
            bounded("model_version_expected", "expected_return", lower=-1_000, upper=1_000),
            CheckConstraint(
                condition=Q(exit_rule="") | Q(before__gt=0, after=0),
                name="model_version_exit_leaves",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.before} -> {self.after}"


class VersionEffect(models.Model):
    """What a version would do to one household that follows its model, as it was measured last.

    Tracking errors are a year's, as fractions: of the present holdings against the model's weights of the day
    (``error_present``) and against the version's (``error_before``), and of what the estimated trades would leave
    against the version's (``error_after``). A household that could not be measured has ``why_not`` alone.
    """

    firm_path = "version__model__firm"

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="effects")
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    as_of = models.DateField()  # of the prices
    measured_at = models.DateTimeField()
    why_not = models.TextField(blank=True)
    value = MoneyField(null=True, blank=True)
    error_present = FractionField(null=True, blank=True)
    error_before = FractionField(null=True, blank=True)
    error_after = FractionField(null=True, blank=True)
    why_no_risk = models.TextField(blank=True)
    out_present = models.PositiveIntegerField(null=True, blank=True)  # names out of their bands
    out_before = models.PositiveIntegerField(null=True, blank=True)  # against the version
    sold = MoneyField(null=True, blank=True)
    bought = MoneyField(null=True, blank=True)
    short_gain = MoneyField(null=True, blank=True)
    long_gain = MoneyField(null=True, blank=True)
    tax = MoneyField(null=True, blank=True)  # None: there is no tax profile
    tax_present = MoneyField(null=True, blank=True)  # of going to the weights of the day
    # What the version asks for and meets, numbers as text:
    # {"wanted": {security: shares, below 0 to sell}, "conflicts": [WashConflict by field]}
    preview = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["version", "household"]
        constraints = [
            UniqueConstraint(fields=["version", "household"], name="version_effect_once"),
            *(
                signed_money(f"version_effect_{name}", name)
                for name in (
                    "value",
                    "sold",
                    "bought",
                    "short_gain",
                    "long_gain",
                    "tax",
                    "tax_present",
                )
            ),
            *(
                bounded(f"version_effect_{name}", name, lower=0, upper=1_000)
                for name in ("error_present", "error_before", "error_after")
            ),
            CheckConstraint(
                condition=~Q(why_not="") | Q(value__isnull=False, preview__isnull=False),
                name="version_effect_measured",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.household}"

    @property
    def gain(self) -> Decimal | None:
        """Taxable gains of both terms."""
        if self.short_gain is None or self.long_gain is None:
            return None
        total: Decimal = self.short_gain + self.long_gain
        return total


class ModelExit(models.Model):
    """A name that left a model, and what becomes of its shares in the households that follow it (F18).

    It ends when a model takes the name in again.
    """

    firm_path = "model__firm"

    model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="exits")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=8, choices=choices(ExitRule))
    since = models.DateField()  # first day
    ended_on = models.DateField(null=True, blank=True)  # last day; None = in force
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="exits")

    class Meta:
        ordering = ["model", "security", "-since"]
        constraints = [
            UniqueConstraint(
                fields=["model", "security"],
                condition=Q(ended_on=None),
                name="model_exit_once",
            ),
            one_of("model_exit_rule", "rule", ExitRule),
            # One that ended the day before it began was taken back before a night saw it.
            CheckConstraint(
                condition=Q(ended_on=None) | Q(since__lte=F("ended_on") + timedelta(days=1)),
                name="model_exit_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} left {self.model}: {self.rule}"
