"""What an open version would do to every household that follows its model: measured by workers, kept a row a household.

A version's households are its work list: whoever has no row since ``effects_asked_at`` is still to come. A message
only wakes a worker, which measures for a while and sends the next; the sweeper sends one where a chain has broken.
Measuring a household twice does no harm.
"""

import logging
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from celery import current_app
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError as QueueAway

from accounts import access
from accounts.errors import Conflict, LotwiseError
from accounts.models import User
from accounts.one_look import one_look
from accounts.selectors import business_date
from lots import selectors as lot_selectors
from lots.errors import LedgerError
from lots.year_tax import added_tax
from rebalancing.errors import RebalancingError
from rebalancing.mandates.exposures import risk_figures
from rebalancing.model_changes.change_previews import Planned, present_and_planned
from rebalancing.model_changes.new_weights_effect import dollars_traded, effect
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
_CONNECT_SECONDS = 2

Figures = dict[str, Decimal | int | str | None]


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
        _store(version, assigned, as_of, _figures_or_failure(assigned, change, as_of))
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
    """Send the message; a queue that is away costs a moment, and the sweeper sends it again."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_CONNECT_SECONDS)
            producer = current_app.amqp.Producer(connection, auto_declare=False)
            current_app.send_task(MEASURE, args=[version_id], producer=producer, retry=False)
    except (QueueAway, OSError) as trouble:
        logger.warning(
            "the queue is away, version %d waits for the sweeper: %s", version_id, trouble
        )
        return False
    return True


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


def _store(version: ModelVersion, assigned: ModelAssignment, as_of: date, figures: Figures) -> None:
    VersionEffect.objects.update_or_create(
        version=version,
        household_id=assigned.household_id,
        defaults={**_BLANK, **figures, "as_of": as_of, "measured_at": timezone.now()},
    )


def _figures_or_failure(assigned: ModelAssignment, change: Planned, as_of: date) -> Figures:
    try:
        with one_look():
            return figures_of(assigned, change, as_of)
    except (LotwiseError, LedgerError, RebalancingError) as refusal:
        return {"why_not": str(refusal)}
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # of one household: the others do not wait for it
        logger.exception("household %s could not be measured", assigned.household_id)
        told = f"An error that nobody foresaw ({type(error).__name__}); the worker's log has it."
        return {"why_not": told}


def figures_of(assigned: ModelAssignment, change: Planned, as_of: date) -> Figures:
    """What the change would do to the household by its books of today; ``why_not`` where it cannot be weighed."""
    states = present_and_planned(assigned, change, as_of)
    if isinstance(states, str):
        return {"why_not": states}
    now, then = states
    after, present, trades = (
        effect(then, then.targets),
        effect(now, now.targets),
        dollars_traded(then),
    )
    position, _ = lot_selectors.tax_or_reason(assigned.household_id, as_of.year)
    return {
        "value": _cents(then.value),
        "out_present": _out_of_band(now),
        "out_before": _out_of_band(then),
        "sold": _cents(after.sold),
        "bought": _cents(sum((one for one in trades.values() if one > ZERO), ZERO)),
        "short_gain": _cents(after.short_gain),
        "long_gain": _cents(after.long_gain),
        **{
            name: None
            if position is None
            else _cents(added_tax(position, short=one.short_gain, long=one.long_gain))
            for name, one in (("tax", after), ("tax_present", present))
        },
        **_errors(assigned.household.firm_id, now, then, trades),
    }


def _errors(
    firm_id: int, now: HouseholdState, then: HouseholdState, trades: dict[int, Decimal]
) -> Figures:
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


def _cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(CENT)


_BLANK: Figures = {
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
        )
    ),
}
