"""What households are to hold: models, who follows them, and the versions they went through."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from accounts.fields import FractionField, bounded
from accounts.models import Firm, Household, User, choices, one_of
from rebalancing.model_changes.recipes import Recipe, VersionState
from securities.models import Security


class TargetModel(models.Model):
    """Target weights of a household; what they leave below 1 is cash."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="target_models")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    # How the monthly review drafts new weights; fixed: it drafts none.
    recipe = models.CharField(max_length=20, choices=choices(Recipe), default=Recipe.FIXED)

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


class ModelVersion(models.Model):
    """Weights that a model may get. Nothing trades on a draft; once published they are the model's (ModelWeight)."""

    firm_path = "model__firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10, choices=choices(VersionState), default=VersionState.DRAFT
    )
    recipe = models.CharField(max_length=20, choices=choices(Recipe))
    as_of = models.DateField()  # of the prices it was made from
    author = models.CharField(max_length=150)
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["model", "-number"]
        constraints = [
            UniqueConstraint(fields=["model", "number"], name="model_version_once"),
            UniqueConstraint(
                fields=["model"],
                condition=Q(state=VersionState.DRAFT.value),
                name="model_draft_once",
            ),
            one_of("model_version_state", "state", VersionState),
            one_of("model_version_recipe", "recipe", Recipe),
            CheckConstraint(
                condition=~Q(state=VersionState.PUBLISHED.value)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="model_version_published_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.number}"


class ModelVersionWeight(models.Model):
    """A security's weight before a version and in it; 0: it was not, or will not be, in the model."""

    firm_path = "version__model__firm"

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="weights")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    before = FractionField()
    after = FractionField()

    class Meta:
        ordering = ["version", "security"]
        constraints = [
            UniqueConstraint(fields=["version", "security"], name="model_version_weight_once"),
            bounded("model_version_before", "before", lower=0, upper=Decimal("1.00000001")),
            bounded("model_version_after", "after", lower=0, upper=Decimal("1.00000001")),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.before} -> {self.after}"
