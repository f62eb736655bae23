"""Words of a model's weights: how they are made, and where a version of them stands."""

from enum import StrEnum


class Recipe(StrEnum):
    """How weights are made."""

    FIXED = "fixed"  # the present ones
    EQUAL = "equal"
    MINIMUM_VARIANCE = "minimum_variance"
    RISK_PARITY = "risk_parity"
    MEAN_VARIANCE = "mean_variance"


class VersionState(StrEnum):
    """A draft is published, withdrawn, or gives way to a newer draft; nothing leaves the other states."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
