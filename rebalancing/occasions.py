"""Reads: what happened to a household since its last look that opens the next one before its date (F6)."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q

from lots.models import Transaction
from lots.types import EntryKind
from proposals.models import Restriction
from proposals.types import ReasonCode, RestrictionKind
from rebalancing.model_changes.published import in_words
from rebalancing.model_changes.recipes import VersionKind
from rebalancing.models import ModelAssignment, ModelVersion
from rebalancing.policies.occasions import FOLLOWS, Occasion

# A rename changes neither shares nor value; what pays cash alone is met by the cash band.
_ACTIONS = {
    EntryKind.SPLIT: "split",
    EntryKind.MERGE: "was merged",
    EntryKind.CASH_MERGER: "was bought out for cash",
    EntryKind.SPIN_OFF: "spun off",
}


def since(
    assigned: ModelAssignment,
    day: date,
    as_of: date,
    *,
    concerned: Callable[[], Collection[int]],
) -> list[Occasion]:
    """Occasions of ``day`` through ``as_of``, those of ``day`` itself too. Three queries.

    ``concerned``: the securities that the household holds or should hold; a restriction on another is no occasion. It
    is asked only where a restriction has ended.
    """
    return [
        _of_the_assignment(assigned),
        *_of_the_model(assigned, day, as_of),
        *_of_restrictions(assigned, day, as_of, concerned),
        *_of_actions(assigned.household_id, day, as_of),
    ]


def _of_the_assignment(assigned: ModelAssignment) -> Occasion:
    """Which model is followed: another than at the last look is an occasion, however it came to be."""
    told = f"the household was given the model {assigned.model.name}"
    return Occasion(f"{FOLLOWS}{assigned.model_id}", told, code=ReasonCode.MODEL_CHANGE)


def _of_the_model(assigned: ModelAssignment, day: date, as_of: date) -> Iterator[Occasion]:
    versions = ModelVersion.objects.filter(
        model=assigned.model_id, last_step_on__range=(day, as_of)
    ).select_related("model")
    for row in versions.order_by("last_step_on", "number"):
        step = f", step {row.steps_done} of {row.steps}" if row.steps > 1 else ""
        yield Occasion(
            f"version {row.pk} step {row.steps_done}",
            f"the model changed on {row.last_step_on} ({in_words(row)}{step})",
            code=ReasonCode(VersionKind(row.kind).code),
        )
    changed_on = assigned.model.weights_since
    if changed_on is not None and day <= changed_on <= as_of:
        yield Occasion(
            f"weights of {assigned.model_id} since {changed_on}",
            f"the model changed on {changed_on} (by the set-up file)",
            code=ReasonCode.MODEL_CHANGE,
        )


def _of_restrictions(
    assigned: ModelAssignment, day: date, as_of: date, concerned: Callable[[], Collection[int]]
) -> Iterator[Occasion]:
    """Restrictions whose first day without them lies in the time: the day after ``until``, lifted or not."""
    one = timedelta(days=1)
    rows = Restriction.objects.filter(
        Q(household=None) | Q(household=assigned.household_id),
        firm=assigned.household.firm_id,
        until__range=(day - one, as_of - one),
    ).select_related("security", "account")
    ended = list(rows.order_by("until", "pk"))
    known = concerned() if ended else ()
    for row in ended:
        if row.security_id in known:
            account = f" in {row.account.name}" if row.account else ""
            yield Occasion(
                f"restriction {row.pk} until {row.until}",
                f"a restriction on {row.security.symbol}{account} ended on {row.until} "
                f"({RestrictionKind(row.kind).told})",
                code=ReasonCode.RESTRICTION,
            )


def _of_actions(household_id: int, day: date, as_of: date) -> Iterator[Occasion]:
    """Corporate actions of the time, or booked in it for an earlier day."""
    booked = datetime.combine(day, time.min, tzinfo=UTC)
    rows = Transaction.objects.filter(
        Q(trade_date__gte=day) | Q(booked_at__gte=booked),
        account__household=household_id,
        kind__in=list(_ACTIONS),
        trade_date__lte=as_of,
    ).select_related("security", "to_security")
    for row in rows.order_by("-trade_date", "pk"):
        symbol = row.security.symbol if row.security else "a security"
        other = (
            f" {row.to_security.symbol}"
            if row.kind == EntryKind.SPIN_OFF and row.to_security
            else ""
        )
        told = f"{symbol} {_ACTIONS[EntryKind(row.kind)]}{other} on {row.trade_date}"
        yield Occasion(f"transaction {row.pk}", told)
