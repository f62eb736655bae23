"""What an open version would do to every household that follows its model: measured by workers, kept a row a household.

A version's households are its work list: whoever has no row since ``effects_asked_at`` is still to come. A message
only wakes a worker, which measures for a while and sends the next; the sweeper sends one where a chain has broken.
Measuring a household twice does no harm.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts import access, messages
from accounts.canonical import canonical_text
from accounts.errors import Conflict, LotwiseError
from accounts.models import User
from accounts.one_look import one_look
from accounts.selectors import business_date
from accounts.typed_values import plain_values
from lots.errors import LedgerError
from rebalancing.errors import RebalancingError
from rebalancing.mandates.exposures import risk_figures
from rebalancing.model_changes.change_previews import (
    Planned,
    figures_between,
    present_and_planned,
)
from rebalancing.model_changes.new_weights_effect import dollars_traded
from rebalancing.model_changes.recipes import VersionState
from rebalancing.model_changes.universe_selectors import planned as planned_by
from rebalancing.models import ModelAssignment, ModelVersion, VersionEffect
from rebalancing.policies import drift
from rebalancing.services import risk_or_reason
from rebalancing.types import CENT, ZERO, HouseholdState

logger = logging.getLogger(__name__)

MEASURE = "rebalancing.tasks.measure_effects"  # by name: services do not import tasks
OPEN = (VersionState.DRAFT, VersionState.SCHEDULED)
SECONDS = 60.0  # of one message; the worker then takes the next, whosever it is
_QUIET = timedelta(minutes=2)  # without a new row a chain of messages has broken

Columns = dict[str, Any]  # of a VersionEffect, by name


class NotOpen(Conflict):
    """The version is in force, or put away: there is nothing to measure ahead of it."""

    code = "not_open"


def measure_some(
    version_id: int, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
) -> int:
    """Measure households of an open version that are still to come, for a while; how many are left then."""
    version = (
        ModelVersion.objects.filter(pk=version_id, state__in=OPEN)
        .select_related("model__firm")
        .first()
    )
    if version is None:
        return 0
    as_of, change = business_date(version.model.firm), planned_by(version)
    waiting = list(to_come(version).select_related("model", "household__firm").order_by("pk"))
    end = clock() + seconds
    for done, assigned in enumerate(waiting):
        if clock() >= end:
            return len(waiting) - done
        _store(version, assigned, as_of, _columns_or_failure(assigned, change, as_of))
    return 0


def to_come(version: ModelVersion) -> QuerySet[ModelAssignment]:
    """Households that follow the version's model and are not measured since somebody asked for it."""
    fresh = version.effects.filter(measured_at__gte=version.effects_asked_at)
    return ModelAssignment.objects.filter(model=version.model_id).exclude(
        household__in=fresh.values("household")
    )


def measure_again(*, user: User, version: ModelVersion) -> ModelVersion:
    """Have every household measured anew; what is on record is shown until then. Raises NotAllowed, NotOpen."""
    access.require(user, access.Action.DECIDE)
    rows = access.visible(user, ModelVersion)
    with transaction.atomic():
        found = rows.select_for_update(of=("self",)).get(pk=version.pk)
        if found.state not in OPEN:
            raise NotOpen(f"{found} is {found.state}: nothing is measured ahead of it any more.")
        found.effects_asked_at = timezone.now()
        found.save(update_fields=["effects_asked_at"])
        wake_on_commit(found.pk)
    return found


def wake_on_commit(version_id: int) -> None:
    """Wake a worker for the version once its rows are there for others to see."""
    transaction.on_commit(lambda: wake(version_id), robust=True)


def wake(version_id: int) -> bool:
    """Send the message; what a queue that is away has lost, the sweeper sends again."""
    return messages.send(MEASURE, [version_id]) == 1


def sweep() -> list[int]:
    """Wake a worker for each open version that has households to come and has got no row for a while; which ones."""
    before = timezone.now() - _QUIET
    rows = ModelVersion.objects.filter(state__in=OPEN, effects_asked_at__lt=before)
    rows = rows.annotate(last=Max("effects__measured_at")).order_by("pk")
    broken = [
        version.pk
        for version in rows
        if (version.last is None or version.last < before) and to_come(version).exists()
    ]
    return [version_id for version_id in broken if wake(version_id)]


def _store(version: ModelVersion, assigned: ModelAssignment, as_of: date, columns: Columns) -> None:
    VersionEffect.objects.update_or_create(
        version=version,
        household_id=assigned.household_id,
        defaults={**_BLANK, **columns, "as_of": as_of, "measured_at": timezone.now()},
    )


def _columns_or_failure(assigned: ModelAssignment, change: Planned, as_of: date) -> Columns:
    try:
        with one_look():
            return columns_of(assigned, change, as_of)
    except (LotwiseError, LedgerError, RebalancingError) as refusal:
        return {"why_not": str(refusal)}
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # of one household: the others do not wait for it
        logger.exception("household %s could not be measured", assigned.household_id)
        told = f"An error that nobody foresaw ({type(error).__name__}); the worker's log has it."
        return {"why_not": told}


def columns_of(assigned: ModelAssignment, change: Planned, as_of: date) -> Columns:
    """What the change would do to the household by its books of today; ``why_not`` where it cannot be weighed."""
    states = present_and_planned(assigned, change, as_of)
    if isinstance(states, str):
        return {"why_not": states}
    now, then = states
    found, trades = figures_between(now, then, assigned, change, as_of), dollars_traded(then)
    assert found.effect is not None  # there are states
    return {
        "value": _cents(then.value),
        "out_present": _out_of_band(now),
        "out_before": _out_of_band(then),
        "sold": _cents(found.effect.sold),
        "bought": _cents(sum((one for one in trades.values() if one > ZERO), ZERO)),
        "short_gain": _cents(found.effect.short_gain),
        "long_gain": _cents(found.effect.long_gain),
        "tax": None if found.tax is None else _cents(found.tax),
        "tax_present": None if found.tax_now is None else _cents(found.tax_now),
        "preview": _plain({"wanted": found.wanted, "conflicts": found.conflicts}),
        **_errors(assigned.household.firm_id, now, then, trades),
    }


def _errors(
    firm_id: int, now: HouseholdState, then: HouseholdState, trades: dict[int, Decimal]
) -> Columns:
    """Tracking errors against the model of today, and against the change before and after the trades."""
    risk_now, why_now = risk_or_reason(firm_id, now)
    risk, why = risk_or_reason(firm_id, then)
    held = then.holdings()
    traded = {
        one: held.get(one, ZERO) + trades.get(one, ZERO) for one in held.keys() | trades.keys()
    }
    return {
        "error_present": None if risk_now is None else risk_figures(now, risk_now).tracking_error,
        "error_before": None if risk is None else risk_figures(then, risk).tracking_error,
        "error_after": None if risk is None else risk_figures(then, risk, traded).tracking_error,
        "why_no_risk": why or why_now,
    }


def _out_of_band(state: HouseholdState) -> int:
    return sum(row.breached for row in drift.of_state(state).rows)


def _plain(value: object) -> Any:
    """As JSON keeps it, numbers as text."""
    return json.loads(canonical_text(plain_values(value)))


def _cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(CENT)


_BLANK: Columns = {
    "why_not": "",
    "why_no_risk": "",
    **dict.fromkeys(
        (
            "value",
            "error_present",
            "error_before",
            "error_after",
            "out_present",
            "out_before",
            "sold",
            "bought",
            "short_gain",
            "long_gain",
            "tax",
            "tax_present",
            "preview",
        )
    ),
}
