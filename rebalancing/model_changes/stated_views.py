"""Views on returns of a model's names: stated by a person with a reason, in force from a day on, ended, not deleted."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q

from accounts import access
from accounts.errors import LotwiseError
from accounts.locks import lock_firm
from accounts.models import User
from accounts.selectors import business_date
from accounts.services import record_audit
from rebalancing.errors import BadProblem
from rebalancing.model_changes import return_views, view_words
from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.return_views import View
from rebalancing.model_changes.view_words import Stated
from rebalancing.models import ModelWeight, ReturnView, TargetModel
from securities.models import Security

NOT_FOR_THIS = (
    "Views are for models whose recipe is mean_variance; the recipe is in the firm's set-up file."
)


class BadView(LotwiseError):
    """The view cannot be taken; ``fields`` says why, field by field (empty: the view as a whole)."""

    code = "bad_view"
    status = 422

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self.fields = tuple(fields)
        super().__init__(" ".join(told for _, told in self.fields))


@transaction.atomic
def state_view(*, user: User, model: TargetModel, new: Stated, reason: str) -> ReturnView:
    """Put a view on record; the model's next draft uses it. Raises NotAllowed, BadView."""
    access.require(user, access.Action.DECIDE)
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    lock_firm(user.firm_id)
    held = access.visible(user, TargetModel).get(pk=model.pk)
    found = problems(held, new, others=[stated(row) for row in rows_of(held.pk)])
    if found:
        raise BadView(found)
    securities = {one.symbol: one for one in _members(held)}
    row = ReturnView.objects.create(
        model=held,
        security=securities[new.symbol],
        over=securities[new.over] if new.over else None,
        yearly_return=new.yearly_return,
        confidence=new.confidence,
        since=new.since,
        until=new.until,
        reason=reason,
        author=user,
    )
    _record(row, user, "model.view_stated")
    return row


@transaction.atomic
def end_view(*, user: User, view: ReturnView) -> ReturnView:
    """End the view with yesterday; one that has not begun is taken back. Raises NotAllowed, BadView."""
    access.require(user, access.Action.DECIDE)
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    lock_firm(user.firm_id)
    rows = access.visible(user, ReturnView).select_related("model__firm", "security", "over")
    found = rows.get(pk=view.pk)
    today = business_date(found.model.firm)
    last = max(today, found.since) - timedelta(days=1)
    if found.until is not None and found.until <= last:
        raise BadView([("", f"This view has ended on {found.until} already.")])
    found.until = last
    found.save(update_fields=["until"])
    _record(found, user, "model.view_ended")
    return found


def problems(model: TargetModel, new: Stated, *, others: Sequence[Stated]) -> list[tuple[str, str]]:
    """What stands against a view beside the ``others`` of the model: (field, sentence); empty: nothing."""
    if model.recipe != Recipe.MEAN_VARIANCE:
        return [("", NOT_FOR_THIS)]
    members = sorted(one.symbol for one in _members(model))
    found = list(view_words.faults(new, members=members))
    if found:
        return found
    told = view_words.contradicted(new, others) or _too_many(new, others, members)
    return [("", told)] if told else []


def _too_many(new: Stated, others: Sequence[Stated], members: Sequence[str]) -> str:
    """Why the view and those in force beside it say too much: they must be independent on every day."""
    place = {symbol: row for row, symbol in enumerate(members)}
    for day in view_words.first_days([new, *others]):
        beside = [one for one in (*others, new) if one.is_in_force(day)]
        known = [one for one in beside if one.pair <= place.keys()]
        if not new.is_in_force(day):
            continue
        try:
            return_views.check([view_of(one, place) for one in known], len(members))
        except BadProblem as refusal:
            return f"From {day} on: {refusal.message}"
    return ""


def view_of(one: Stated, place: Mapping[str, int]) -> View:
    """The view over the border, with the rows of its symbols."""
    return View(
        row=place[one.symbol],
        spread=float(one.yearly_return),
        confidence=float(one.confidence),
        over=None if one.over is None else place[one.over],
    )


def stated(row: ReturnView) -> Stated:
    """A row by its symbols."""
    return Stated(
        symbol=row.security.symbol,
        over=row.over.symbol if row.over else None,
        yearly_return=row.yearly_return,
        confidence=row.confidence,
        since=row.since,
        until=row.until,
    )


def rows_of(model_id: int) -> list[ReturnView]:
    """Every view of a model, also ended ones, the latest first. One query."""
    rows = ReturnView.objects.filter(model=model_id)
    return list(rows.select_related("security", "over", "author"))


def in_force(model_id: int, as_of: date) -> list[ReturnView]:
    """The views that a draft of the day uses, in the order in which they were stated. One query."""
    rows = ReturnView.objects.filter(
        Q(until=None) | Q(until__gte=as_of), model=model_id, since__lte=as_of
    )
    return list(rows.select_related("security", "over", "author").order_by("since", "pk"))


def _members(model: TargetModel) -> list[Security]:
    rows = ModelWeight.objects.filter(model=model).select_related("security")
    return [row.security for row in rows]


def _record(row: ReturnView, user: User, action: str) -> None:
    one = stated(row)
    record_audit(
        firm=row.model.firm,
        actor=user.username,
        action=action,
        subject=str(row)[:120],
        facts={
            "view": view_words.sentence(one.symbol, one.over, one.yearly_return),
            "confidence": one.confidence,
            "since": one.since,
            "until": one.until,
            "why": row.reason,
        },
    )
