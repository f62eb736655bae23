"""Factor exposures on a household's page *Drift*, as its newest review has measured them."""

from collections.abc import Mapping

from accounts.models import Household
from rebalancing import drift_panels
from rebalancing.drift_panels import Panel
from rebalancing.reviews.factor_chart import FactorLine, chart
from rebalancing.reviews.types import Topic
from scans.models import ReviewFinding
from scans.types import REVIEWS


def add_panel() -> None:
    """Called once, when the room is set up."""
    drift_panels.add(Panel("scans/factor_panel.html", panel))


def panel(household: Household) -> Mapping[str, object] | None:
    """The newest review's lines of factors as a chart; why there are none; None where no review has looked yet.

    Two queries, one where there is no review.
    """
    rows = ReviewFinding.objects.filter(household=household, review__run__job__in=REVIEWS)
    newest = rows.order_by("-review__run__business_date", "-review").values("review")[:1]
    found = list(rows.filter(review__in=newest).select_related("review__run").order_by("place"))
    if not found:
        return None
    lines = [
        FactorLine(name=row.key, active=row.value, low=row.low, high=row.high)
        for row in found
        if row.topic == Topic.FACTOR and row.value is not None
    ]
    unmeasured = [row.sentence for row in found if row.topic in (Topic.RISK, Topic.NOT_REVIEWED)]
    return {
        "review": found[0].review,
        "lines": lines,
        "chart": chart(lines) if lines else None,
        "outside": [line for line in lines if line.is_outside],
        "has_limits": any(line.low is not None or line.high is not None for line in lines),
        "why_not": "" if lines else " ".join(unmeasured[:1]),
    }
