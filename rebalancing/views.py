"""A household's drift from its model."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.selectors import household
from rebalancing import selectors
from rebalancing.model_changes import model_versions


@require_safe
def drift(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Weights, targets and bands, security by security."""
    shown = household(person(request), public_id)
    context = {"household": shown, **selectors.drift_page(shown)}
    return render(request, "rebalancing/drift.html", context)


@require_safe
def model_version(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A version of a model: what each weight was and becomes."""
    version = selectors.model_version(person(request), public_id)
    context = {
        "version": version,
        "rows": selectors.version_weights(version),
        "turnover": selectors.turnover(version),
        "followers": selectors.followers(version),
    }
    return render(request, "rebalancing/model_version.html", context)


@require_POST
def decide_version(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Publish the draft, or put it away."""
    user = person(request)
    version = selectors.model_version(user, public_id)
    if request.POST.get("decision") == "publish":
        model_versions.publish(user=user, version=version)
        messages.success(request, f"{version.model.name} has the new weights from now on.")
    else:
        model_versions.withdraw(user=user, version=version)
        messages.success(request, f"The draft of {version.model.name} was withdrawn.")
    return redirect("model-version", public_id=public_id)
