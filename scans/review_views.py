"""Reviews: their list, one with its findings, the signature."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.paging import page_of
from rebalancing.reviews.types import FindingState
from scans import review_selectors, review_services
from scans.errors import UnknownScope
from scans.types import REVIEWS, Job

_FILTERS = ("state", "topic", "household", "sort")


@require_safe
def reviews(request: HttpRequest) -> HttpResponse:
    """The reviews of a cadence, the latest first, and what is overdue."""
    user, job = person(request), request.GET.get("cadence", "")
    context = {
        "cadences": REVIEWS,
        "cadence": job,
        "overdue": review_selectors.overdue(user, timezone.now()),
        **page_of(request, review_selectors.reviews(user, job)),
    }
    return render(request, "scans/reviews.html", context)


@require_safe
def review(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One review with its findings, the worst first."""
    user = person(request)
    shown = review_selectors.review(user, public_id)
    chosen = {name: request.GET.get(name, "") for name in _FILTERS}
    page = page_of(request, review_selectors.findings(shown, **chosen))
    came = review_selectors.outcomes(shown, page["page"])
    context = {
        "review": shown,
        "chosen": chosen,
        "states": list(FindingState),
        "topics": review_selectors.topics(shown),
        "sorts": list(review_selectors.SORTS),
        "counts": review_selectors.counts(shown).items(),
        "drafts": review_selectors.drafts(user, shown) if shown.run.job == Job.MONTHLY else (),
        "open": review_selectors.open_households(shown),
        "rows": [(row, came.get(row.household_id)) for row in page["page"]],
        **page,
    }
    return render(request, "scans/review.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Open the review of today, or look again."""
    user, cadence = person(request), request.POST.get("cadence", "")
    if cadence not in REVIEWS:
        raise UnknownScope(f"There is no {cadence!r} review; there are: {', '.join(REVIEWS)}.")
    opened = review_services.start_review_now(user=user, job=Job(cadence))
    return redirect("review", public_id=opened.public_id)


@require_POST
def sign(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Sign the review."""
    user = person(request)
    shown = review_selectors.review(user, public_id)
    review_services.sign_off(user=user, review=shown, note=request.POST.get("note", ""))
    messages.success(request, "The review is signed; its findings stay as they are.")
    return redirect("review", public_id=public_id)
