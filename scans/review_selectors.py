"""Reads for the reviews' pages: what was found, what came of it, what is due and overdue."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    DecimalField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Abs, Coalesce

from accounts import access
from accounts.models import Household, User
from accounts.selectors import business_date
from proposals.models import Proposal
from proposals.types import ProposalKind, Status
from rebalancing import selectors as rebalances
from rebalancing.model_changes.recipes import VersionState
from rebalancing.models import ModelVersion, RebalanceLook, TargetModel
from rebalancing.performance.household import PerformancePage, performance_page
from rebalancing.reviews.types import FindingState, Topic
from scans import review_calendar
from scans.models import Review, ReviewFinding, ScanItem, ScanRun
from scans.types import CADENCES, LOOKS, ItemState, Job
from securities import calendar

SORTS = {
    # How far a limit is passed; after those, lines of a night that tell no band, by how far off the target is.
    "worst": ("rank", "-by", "-off", "household__name", "place"),
    "household": ("household__name", "household__pk", "place"),
    "topic": ("topic", "key", "-value", "household__name"),
    "value": ("-value", "household__name", "place"),
}
ABOUT = {
    "households": Q(household__isnull=False),
    "models": Q(model__isnull=False),
    "firm": Q(household=None, model=None),
}
LONGEST_KEY = 19
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
class Standing:
    """Where one cadence stands: ``day`` was due last and ``next_day`` is next, None for a firm without a clock.

    ``review`` is the one of that day, or the latest there is; None where it was not opened.
    """

    job: Job
    day: date | None
    next_day: date | None
    review: Review | None


def reviews(user: User, job: str = "", *, overdue_on: date | None = None) -> QuerySet[Review]:
    """The firm's reviews (of one cadence), the latest first, with the number of households by what was found.

    ``breached``, ``flagged`` and ``unknown`` count households and models. ``overdue_on`` asks for those that are of an
    earlier day and that nobody has signed, the oldest first.
    """
    rows = access.visible(user, Review).select_related("run", "signed_by")
    if job in CADENCES:
        rows = rows.filter(run__job=job)
    if overdue_on is not None:
        rows = rows.filter(signed_at=None, run__business_date__lt=overdue_on)
    ended = ScanItem.objects.filter(
        run=OuterRef("run"), state__in=[ItemState.DONE, ItemState.POISON]
    )
    # Counted for the rows of a page alone: a join would count the lines of every review there ever was.
    return rows.annotate(
        breached=_with(FindingState.BREACHED),
        flagged=_with(FindingState.FLAGGED),
        unknown=_with(FindingState.UNKNOWN),
        reviewed=_count(ended, "pk"),
    ).order_by(
        *(["-run__business_date", "-pk"] if overdue_on is None else ["run__business_date", "pk"])
    )


def _with(state: FindingState) -> Coalesce:
    lines = ReviewFinding.objects.filter(review=OuterRef("pk"), state=state)
    return _count(lines, Coalesce("household_id", -1 * F("model_id")))


def _count(rows: QuerySet[Any], what: str | Coalesce) -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one")
    number = counted.annotate(number=Count(what, distinct=True)).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


def review(user: User, public_id: UUID) -> Review:
    """One review, or 404."""
    found = access.visible_or_404(user, Review, public_id)
    return access.visible(user, Review).select_related("run", "signed_by").get(pk=found.pk)


def findings(
    review: Review,
    *,
    state: str = "",
    topic: str = "",
    about: str = "",
    model: str = "",
    household: str = "",
    sort: str = "",
) -> QuerySet[ReviewFinding]:
    """The review's lines, filtered and sorted; a filter or an order that does not exist is none.

    ``model`` (primary key) asks for the lines about the model and about the households that follow it today.
    """
    rows = review.findings.select_related("household", "model", "version").annotate(
        rank=_RANK, off=_off(review)
    )
    if about in ABOUT:
        rows = rows.filter(ABOUT[about])
    if model.isascii() and model.isdigit() and len(model) < LONGEST_KEY:
        rows = rows.filter(Q(model=int(model)) | Q(household__assignment__model=int(model)))
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


def _off(review: Review) -> Case:
    """How far off its target the look of the night found a name that is out of a band which the line does not tell."""
    looks = RebalanceLook.objects.filter(
        household=OuterRef("household"), day=review.run.business_date
    )
    without_band = Q(topic=Topic.DRIFT, state=FindingState.BREACHED, low=None, high=None)
    return Case(
        When(without_band, then=Subquery(looks.values(off=Abs("largest_drift"))[:1])),
        output_field=DecimalField(),
    )


def head(review: Review) -> tuple[list[ReviewFinding], int]:
    """The firm's lines and those of models that are not inside or a note, the worst first; how many more there are.

    Two queries.
    """
    rows = review.findings.filter(household=None).select_related("model", "version")
    calm = Q(model__isnull=False, state__in=[FindingState.INSIDE, FindingState.NOTE])
    shown = rows.exclude(calm).annotate(rank=_RANK)
    order = (F("model__name").asc(nulls_first=True), "rank", "place")
    return list(shown.order_by(*order)), rows.filter(calm).count()


def household(user: User, public_id: UUID) -> Household:
    """One household, or 404."""
    return access.visible_or_404(user, Household, public_id)


def lines_of(review: Review, household: Household) -> QuerySet[ReviewFinding]:
    """The review's lines about one household, in their order."""
    return review.findings.filter(household=household).order_by("place")


def performance(review: Review, household: Household) -> PerformancePage | str:
    """What the household returned up to the review's day, by the ledger and the prices of now; or why not."""
    return performance_page(household_id=household.pk, as_of=review.run.business_date)


def looks(review: Review, household: Household) -> list[RebalanceLook]:
    """How far it has drifted: the newest looks up to the review's day (F15)."""
    return rebalances.recent_looks(household.pk, review.run.business_date)


def drafts(user: User, review: Review) -> QuerySet[ModelVersion]:
    """The versions of models that were drafted on the review's date."""
    rows = access.visible(user, ModelVersion).filter(as_of=review.run.business_date)
    return (
        rows.exclude(state=VersionState.SUPERSEDED).select_related("model").order_by("model__name")
    )


def models(user: User) -> QuerySet[TargetModel]:
    """The firm's models, to choose from."""
    return access.visible(user, TargetModel).order_by("name")


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
    ids = {
        row.household_id
        for row in rows
        if row.state == FindingState.BREACHED and row.household_id is not None
    }
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


def waiting(rows: Iterable[ReviewFinding]) -> dict[tuple[int, str], Proposal]:
    """Household and kind -> the proposal that waits for a decision now, where a line of the rows speaks of it."""
    ids = {
        row.household_id
        for row in rows
        if row.topic == Topic.PROPOSALS and row.household_id is not None
    }
    found = Proposal.objects.filter(household__in=ids, status=Status.PENDING)
    return {(proposal.household_id, proposal.kind): proposal for proposal in found}


def standings(user: User, now: datetime) -> list[Standing]:
    """Each cadence: what was due last, its review, and what is due next."""
    latest = calendar.business_date(now)
    firms = dict(review_calendar.firms_with_nights())
    return [_standing(user, job, latest, firms.get(user.firm_id or 0)) for job in CADENCES]


def _standing(user: User, job: Job, latest: date, first: date | None) -> Standing:
    rows = reviews(user, job)
    if first is None:  # no clock: it is reviewed on request
        return Standing(job, None, None, rows.first())
    day = review_calendar.latest_due(job, latest)
    following = review_calendar.next_due(job, latest)
    if day < first:  # its nights began later
        return Standing(job, None, following, rows.first())
    return Standing(job, day, following, rows.filter(run__business_date=day).first())


def today(user: User) -> date:
    """The latest business date of the user's firm: the age of a review counts from it."""
    assert user.firm is not None  # a person of a page has one
    return business_date(user.firm)


def open_looks(review: Review) -> int | None:
    """The run of looks between two nights that the review's breaches were put on; None where nothing waits."""
    runs = ScanRun.objects.filter(
        firm=review.run.firm_id,
        job=Job.INTRADAY,
        business_date=review.run.business_date,
        finished_at=None,
    )
    return runs.values_list("pk", flat=True).first()
