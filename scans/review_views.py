"""Reviews: their list, one with its findings, the signature."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.paging import page_of
from rebalancing.reviews.types import FindingState
from scans import review_selectors, review_services
from scans.errors import UnknownScope
from scans.types import CADENCES, DRAFTING, Job

_FILTERS = ("state", "topic", "about", "model", "household", "sort")


@require_safe
def reviews(request: HttpRequest) -> HttpResponse:
    """Where each cadence stands, and the reviews of one, or what is overdue."""
    user, job = person(request), request.GET.get("cadence", "")
    today = review_selectors.today(user)
    overdue = review_selectors.reviews(user, overdue_on=today)
    only_overdue = "overdue" in request.GET
    page = page_of(request, overdue if only_overdue else review_selectors.reviews(user, job))
    oldest = overdue.first()
    context = {
        "cadences": CADENCES,
        "cadence": job,
        "standings": review_selectors.standings(user, timezone.now()),
        "today": today,
        "only_overdue": only_overdue,
        "overdue": overdue.count(),
        "oldest": None if oldest is None else (oldest, (today - oldest.run.business_date).days),
        "rows": [(row, max((today - row.run.business_date).days, 0)) for row in page["page"]],
        **page,
    }
    return render(request, "scans/reviews.html", context)


@require_safe
def review(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One review with its findings, the worst first."""
    user = person(request)
    shown = review_selectors.review(user, public_id)
    chosen = {name: request.GET.get(name, "") for name in _FILTERS}
    is_whole = not any(value for name, value in chosen.items() if name != "sort")
    about = {"about": "households"} if is_whole else {}
    page = page_of(request, review_selectors.findings(shown, **{**chosen, **about}))
    head, calm = review_selectors.head(shown) if is_whole else ([], 0)
    counts = review_selectors.counts(shown)
    came = review_selectors.outcomes(shown, page["page"])
    waiting = review_selectors.waiting(page["page"])
    context = {
        "review": shown,
        "chosen": chosen,
        "states": list(FindingState),
        "topics": review_selectors.topics(shown),
        "abouts": list(review_selectors.ABOUT),
        "models": review_selectors.models(user),
        "sorts": list(review_selectors.SORTS),
        "counts": counts.items(),
        # The lines of a night are written at its end, or not at all.
        "unwritten": shown.run.job == Job.DAILY and not any(counts.values()),
        "drafts": review_selectors.drafts(user, shown) if shown.run.job in DRAFTING else (),
        # Of the whole review the firm and its models come first: households would hide them.
        "head": [(row, None, None) for row in head],
        "calm": calm,
        "open": review_selectors.open_households(shown),
        "rows": [
            (row, came.get(row.household_id), waiting.get((row.household_id, row.key)))
            for row in page["page"]
        ],
        **page,
    }
    return render(request, "scans/review.html", context)


@require_safe
def household(request: HttpRequest, public_id: UUID, household_id: UUID) -> HttpResponse:
    """One household of a review: what it returned beside its model, how far it drifted, and its lines."""
    user = person(request)
    shown = review_selectors.review(user, public_id)
    of = review_selectors.household(user, household_id)
    context = {
        "review": shown,
        "household": of,
        "rows": review_selectors.lines_of(shown, of),
        "performance": review_selectors.performance(shown, of),
        "looks": review_selectors.looks(shown, of),
    }
    return render(request, "scans/review_household.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Open the review of today, or look again."""
    user, cadence = person(request), request.POST.get("cadence", "")
    if cadence not in CADENCES:
        raise UnknownScope(f"There is no {cadence!r} review; there are: {', '.join(CADENCES)}.")
    opened = review_services.start_review_now(user=user, job=Job(cadence))
    return redirect("review", public_id=opened.public_id)


@require_POST
def sign(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Sign the review."""
    user = person(request)
    shown = review_selectors.review(user, public_id)
    review_services.sign_off(user=user, review=shown, note=request.POST.get("note", ""))
    messages.success(request, "The review is signed; its findings stay as they are.")
    kept = f"?{request.GET.urlencode()}" if request.GET else ""  # what was filtered stays so
    return redirect(reverse("review", args=[public_id]) + kept)
