"""Reads for the reviews' pages: what was found, what came of it, what is overdue."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from accounts import access
from accounts.models import User
from proposals.models import Proposal
from proposals.types import ProposalKind
from rebalancing import selectors as rebalances
from rebalancing.model_changes.recipes import VersionState
from rebalancing.models import ModelVersion
from rebalancing.reviews.types import FindingState, Topic
from scans import review_calendar
from scans.models import Review, ReviewFinding, ScanItem, ScanRun
from scans.types import LOOKS, REVIEWS, ItemState, Job
from securities import calendar

SORTS = {
    "worst": ("rank", "-by", "household__name", "place"),
    "household": ("household__name", "household__pk", "place"),
    "topic": ("topic", "key", "-value", "household__name"),
    "value": ("-value", "household__name", "place"),
}
_RANK = Case(
    *(When(state=state, then=Value(rank)) for rank, state in enumerate(FindingState)),
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a breach: the rebalance proposed on the review's date, or why there is none."""

    proposal: Proposal | None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A review that should be there: ``review`` is None where it was not opened."""

    job: Job
    day: date
    review: Review | None


def reviews(user: User, job: str = "") -> QuerySet[Review]:
    """The firm's reviews (of one cadence), the latest first, with the number of households by what was found."""
    rows = access.visible(user, Review).select_related("run", "signed_by")
    if job in REVIEWS:
        rows = rows.filter(run__job=job)

    def households(state: FindingState) -> Count:
        return Count("findings__household", filter=Q(findings__state=state), distinct=True)

    return rows.annotate(
        breached=households(FindingState.BREACHED),
        flagged=households(FindingState.FLAGGED),
        unknown=households(FindingState.UNKNOWN),
        reviewed=Count("findings__household", distinct=True),
    ).order_by("-run__business_date", "-pk")


def review(user: User, public_id: UUID) -> Review:
    """One review, or 404."""
    found = access.visible_or_404(user, Review, public_id)
    return access.visible(user, Review).select_related("run", "signed_by").get(pk=found.pk)


def findings(
    review: Review, *, state: str = "", topic: str = "", household: str = "", sort: str = ""
) -> QuerySet[ReviewFinding]:
    """The review's lines, filtered and sorted; a filter or an order that does not exist is none."""
    rows = review.findings.select_related("household").annotate(rank=_RANK)
    if state in list(FindingState):
        rows = rows.filter(state=state)
    if topic in list(Topic):
        rows = rows.filter(topic=topic)
    if household:
        rows = rows.filter(household__name__icontains=household)
    order = SORTS.get(sort, SORTS["worst"])
    return rows.order_by(
        *(
            F(one[1:]).desc(nulls_last=True) if one.startswith("-") else F(one).asc()
            for one in order
        )
    )


def drafts(user: User, review: Review) -> QuerySet[ModelVersion]:
    """The versions of models that were drafted on the review's date."""
    rows = access.visible(user, ModelVersion).filter(as_of=review.run.business_date)
    return (
        rows.exclude(state=VersionState.SUPERSEDED).select_related("model").order_by("model__name")
    )


def counts(review: Review) -> dict[FindingState, int]:
    """State -> lines."""
    rows = review.findings.order_by().values_list("state").annotate(Count("pk"))
    found = Counter(dict(rows))
    return {state: found[state] for state in FindingState}


def topics(review: Review) -> list[str]:
    """The topics that the review has lines of."""
    return sorted(review.findings.order_by().values_list("topic", flat=True).distinct())


def open_households(review: Review) -> int:
    """How many households have not ended yet."""
    items = ScanItem.objects.filter(run=review.run_id)
    return items.filter(state__in=[ItemState.READY, ItemState.LEASED]).count()


def outcomes(review: Review, rows: Iterable[ReviewFinding]) -> dict[int, Outcome]:
    """Household -> what came of its breaches; four queries, only of households with a breach among the rows."""
    ids = {row.household_id for row in rows if row.state == FindingState.BREACHED}
    proposed = {
        proposal.household_id: proposal
        for proposal in Proposal.objects.filter(
            household__in=ids, kind=ProposalKind.REBALANCE, as_of=review.run.business_date
        ).order_by("pk")
    }
    measured = rebalances.looks_of_day(ids - proposed.keys(), review.run.business_date)
    looks: dict[int, ScanItem] = {}
    items = ScanItem.objects.filter(
        household__in=ids - proposed.keys(),
        run__business_date=review.run.business_date,
        run__job__in=LOOKS,
    )
    for item in items.order_by(F("finished_at").asc(nulls_first=True)):
        looks[item.household_id] = item
    found = {household: Outcome(proposal) for household, proposal in proposed.items()}
    for household in ids - proposed.keys():
        look = looks.get(household)
        if look is None or look.state in (ItemState.READY, ItemState.LEASED):
            found[household] = Outcome(None, "waiting", "It waits to be looked at for trades.")
        else:
            told = measured.get(household, look)  # the item's reason speaks of the harvest as well
            found[household] = Outcome(None, told.reason, told.detail)
    return found


def overdue(user: User, now: datetime) -> list[Due]:
    """The latest review of each cadence that was due and is not signed; none for a firm that stands at a date."""
    latest = calendar.business_date(now)
    firms = dict(review_calendar.firms_with_nights())
    if user.firm_id not in firms:
        return []
    found = []
    for job in REVIEWS:
        day = review_calendar.latest_due(job, latest)
        if day < firms[user.firm_id]:
            continue
        there = reviews(user, job).filter(run__business_date=day).first()
        if there is None or there.signed_at is None:
            found.append(Due(job, day, there))
    return found


def open_looks(review: Review) -> int | None:
    """The run of looks between two nights that the review's breaches were put on; None where nothing waits."""
    runs = ScanRun.objects.filter(
        firm=review.run.firm_id,
        job=Job.INTRADAY,
        business_date=review.run.business_date,
        finished_at=None,
    )
    return runs.values_list("pk", flat=True).first()
