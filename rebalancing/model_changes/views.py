"""Models and their versions: the list, a new universe change, a file of constituents, one version and its decision."""

from uuid import UUID

from django.contrib import messages
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Action, person, require
from accounts.paging import page_of
from accounts.selectors import business_date
from rebalancing import selectors
from rebalancing.model_changes import (
    effect_sums,
    pages,
    recipe_drafts,
    stated_views,
    universe_drafts,
    universe_selectors,
    version_decisions,
    version_effects,
)
from rebalancing.model_changes.forms import (
    ChangeForm,
    ConstituentsForm,
    UniverseForm,
    change_rows,
)
from rebalancing.model_changes.recipes import ExitRule, Freed
from rebalancing.model_changes.stated_views import BadView
from rebalancing.model_changes.universe_drafts import BadUniverse
from securities.importers.refusal import ImportRefused

_NOTHING_CHANGES = "The model has these weights already: there is nothing to draft."


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """The firm's models."""
    rows = universe_selectors.models(person(request))
    return render(request, "rebalancing/models.html", {"models": rows})


@require_safe
def versions(request: HttpRequest, model_id: int) -> HttpResponse:
    """A model's versions, the newest first, and the names that have left it."""
    shown = universe_selectors.model(person(request), model_id)
    return render(request, "rebalancing/model_versions.html", pages.model_page(shown))


@require_POST
def state_view(request: HttpRequest, model_id: int) -> HttpResponse:
    """Put a view on record; what was typed stays where it is refused."""
    user = person(request)
    shown = universe_selectors.model(user, model_id)
    require(user, Action.DECIDE)
    form = pages.view_form(shown, request.POST)
    if form.is_valid():
        try:
            view = stated_views.state_view(
                user=user, model=shown, new=form.stated(), reason=form.cleaned_data["reason"]
            )
        except BadView as refusal:
            for field, told in refusal.fields:
                form.add_error(field or None, told)
        else:
            messages.success(request, pages.told_of_new(view, business_date(shown.firm)))
            return redirect("model-versions", model_id=model_id)
    form.go_to_fault()
    context = pages.model_page(shown, form)
    return render(request, "rebalancing/model_versions.html", context, status=422)


@require_POST
def end_view(request: HttpRequest, model_id: int, view_id: int) -> HttpResponse:
    """End a view with yesterday."""
    user = person(request)
    shown = universe_selectors.model(user, model_id)
    stated_views.end_view(user=user, view=universe_selectors.view_of(shown, view_id))
    messages.success(request, "The view has ended: no draft uses it from today on.")
    return redirect("model-versions", model_id=model_id)


@require_POST
def draft(request: HttpRequest, model_id: int) -> HttpResponse:
    """Draft new weights by the model's recipe now, as the monthly review does."""
    user = person(request)
    shown = universe_selectors.model(user, model_id)
    drafted = recipe_drafts.draft_now(user=user, model=shown)
    if drafted is None:
        messages.success(request, _NOTHING_CHANGES)
        return redirect("model-versions", model_id=model_id)
    messages.success(request, f"{drafted} is drafted: nothing trades on it.")
    return redirect("model-version", public_id=drafted.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, model_id: int) -> HttpResponse:
    """A list of additions and deletions by hand; what was typed stays where it is refused."""
    user = person(request)
    shown = universe_selectors.model(user, model_id)
    today = business_date(shown.firm)
    if request.method != "POST":
        form, rows = UniverseForm(today=today), change_rows()
        return _change_page(request, model_id, form, rows, status=200)
    require(user, Action.DECIDE)
    form, rows = UniverseForm(request.POST, today=today), change_rows(request.POST)
    if "more" in request.POST:
        return _change_page(request, model_id, form, pages.with_more_rows(rows), status=200)
    if not all([form.is_valid(), rows.is_valid()]):  # both tell their errors
        return _change_page(request, model_id, form, rows, status=422)
    filled = [row for row in rows if not row.is_empty]
    try:
        drafted = universe_drafts.draft_universe_change(
            user=user,
            model=shown,
            rows=[row.listed() for row in filled],
            freed=Freed(form.cleaned_data["freed"]),
            effective_on=form.cleaned_data["effective_on"],
            steps=form.cleaned_data["steps"],
            reason=form.cleaned_data["reason"],
        )
    except BadUniverse as refusal:
        for at, told in refusal.rows.items():
            filled[at].add_error("symbol", told)
        form.add_error(None, str(refusal))
        return _change_page(request, model_id, form, rows, status=refusal.status)
    return _to_draft(request, model_id, drafted)


def _change_page(
    request: HttpRequest,
    model_id: int,
    form: UniverseForm,
    rows: "BaseFormSet[ChangeForm]",
    *,
    status: int,
) -> HttpResponse:
    shown = universe_selectors.model(person(request), model_id)
    context = {"form": form, "rows": rows, **pages.weights_page(shown)}
    return render(request, "rebalancing/universe_change.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def constituents(request: HttpRequest, model_id: int) -> HttpResponse:
    """A file of dated constituents: looked at first, drafted when it is confirmed."""
    user = person(request)
    shown = universe_selectors.model(user, model_id)
    page = {"model": shown}
    if request.method != "POST":
        context = {**page, "form": ConstituentsForm()}
        return render(request, "rebalancing/constituents.html", context)
    require(user, Action.DECIDE)
    form = ConstituentsForm(request.POST, request.FILES)
    if not form.is_valid():
        context = {**page, "form": form}
        return render(request, "rebalancing/constituents.html", context, status=422)
    name, file = form.given()
    asked = {
        "model": shown,
        "file": file,
        "name": name,
        "rule": ExitRule(form.cleaned_data["exit_rule"]),
        "steps": form.cleaned_data["steps"],
    }
    try:
        if "draft" in request.POST:
            drafted = universe_drafts.draft_reconstitution(**asked, author=user.username)
            return _to_draft(request, model_id, drafted)
        read = universe_drafts.read_reconstitution(**asked)
    except ImportRefused as refusal:
        context = {**page, "form": form, "refused_file": name, "problems": refusal.problems}
        return render(request, "rebalancing/constituents.html", context, status=422)
    context = {**page, "form": form, **pages.file_page(read, name, file)}
    return render(request, "rebalancing/constituents.html", context)


def _to_draft(
    request: HttpRequest, model_id: int, drafted: universe_drafts.Drafted
) -> HttpResponse:
    if drafted.version is None:
        messages.success(request, _NOTHING_CHANGES)
        return redirect("model-versions", model_id=model_id)
    told = "is drafted: nothing trades on it." if drafted.is_new else "is there already."
    messages.success(request, f"{drafted.version} {told}")
    return redirect("model-version", public_id=drafted.version.public_id)


@require_safe
def version(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A version of a model: what each weight was and becomes."""
    shown = selectors.model_version(person(request), public_id)
    return render(request, "rebalancing/model_version.html", pages.version_page(shown))


@require_safe
def effect(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What the version meets: wash sales and large orders of the measured households, mandates, substitutes."""
    shown = selectors.model_version(person(request), public_id)
    context = {
        **pages.effect_page(shown),
        **page_of(request, effect_sums.conflicting(shown)),
        "here": reverse("version-effect", args=[public_id]),
    }
    name = "met_effect" if request.headers.get("HX-Request") else "version_effect"
    return render(request, f"rebalancing/{name}.html", context)


@require_safe
def households(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What the version would do to all households, as workers have measured it: sums, and fifty rows a page."""
    shown = selectors.model_version(person(request), public_id)
    context = {
        **pages.households_page(shown),
        **page_of(request, effect_sums.rows(shown)),
        "here": reverse("version-households", args=[public_id]),
    }
    name = "measured_effect" if request.headers.get("HX-Request") else "version_households"
    return render(request, f"rebalancing/{name}.html", context)


@require_POST
def measure(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have every household measured again."""
    user = person(request)
    shown = selectors.model_version(user, public_id)
    version_effects.measure_again(user=user, version=shown)
    messages.success(request, "The households are being measured: the figures change as they come.")
    back = "version-effect" if request.POST.get("back") == "effect" else "version-households"
    return redirect(back, public_id=public_id)


@require_POST
def decide(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Publish the draft, or put away what is not in force yet."""
    user = person(request)
    shown = selectors.model_version(user, public_id)
    if request.POST.get("decision") == "publish":
        done = version_decisions.publish(user=user, version=shown)
        messages.success(request, pages.published_told(done))
    else:
        version_decisions.withdraw(user=user, version=shown)
        messages.success(request, f"{shown} was withdrawn.")
    return redirect("model-version", public_id=public_id)
