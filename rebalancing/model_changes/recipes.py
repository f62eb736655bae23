"""Words of a model's weights: how they are made, where a version of them stands, and how a name leaves."""

from enum import StrEnum


class Recipe(StrEnum):
    """How weights are made."""

    FIXED = "fixed"  # the present ones
    EQUAL = "equal"
    MINIMUM_VARIANCE = "minimum_variance"
    RISK_PARITY = "risk_parity"
    MEAN_VARIANCE = "mean_variance"
    MARKET_VALUE = "market_value"


class VersionState(StrEnum):
    """A draft is published, at once or on its day, or withdrawn, or gives way to a newer draft of its kind.

    Scheduled: a person has published it, and its day is still to come. Lapsed: its day came, or a later step of it, and
    the model's weights were not those it was made from.
    """

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    LAPSED = "lapsed"


class VersionKind(StrEnum):
    """What a version changes (F16, F18, F19)."""

    RECIPE = "recipe"  # weights alone, by a recipe
    UNIVERSE = "universe"  # additions and deletions by hand
    RECONSTITUTION = "reconstitution"  # the dated constituents of a benchmark

    @property
    def code(self) -> str:
        """The reason that a trade gives which is owed to such a version."""
        return "MODEL_CHANGE" if self is VersionKind.RECIPE else self.value.upper()

    @property
    def told(self) -> str:
        """As a sentence says it."""
        return {
            VersionKind.RECIPE: "new weights",
            VersionKind.UNIVERSE: "universe change",
            VersionKind.RECONSTITUTION: "reconstitution",
        }[self]


class ExitRule(StrEnum):
    """What becomes of the shares of a name that leaves a model (F18); none of them is bought again."""

    SELL = "sell"  # sold out whatever the tax, as far as windows and budgets let it
    NO_GAINS = "no_gains"  # lots without a gain are sold; the others stay until their gain is gone
    HOLD = "hold"  # nothing is sold

    @property
    def label(self) -> str:
        """As a form says it."""
        return {
            ExitRule.SELL: "sell out",
            ExitRule.NO_GAINS: "sell without a gain only",
            ExitRule.HOLD: "hold what is there",
        }[self]


class Freed(StrEnum):
    """Where the weight goes that a list of additions and deletions leaves over."""

    OTHERS = "others"  # to the names that stay, in proportion; what is too much comes from them
    CASH = "cash"

    @property
    def label(self) -> str:
        """As a form says it."""
        return {
            Freed.OTHERS: "the names that stay, in proportion",
            Freed.CASH: "cash",
        }[self]
