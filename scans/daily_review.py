"""The daily review: opened with a night, its lines written when the night is complete, of what the night has stored.

Nothing is measured anew. Every read is one query for all households of the firm, but for policies that only one
household has, which are resolved one by one.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, F, Q, Sum

from accounts.models import Household
from accounts.one_look import one_look, read_once
from proposals import selectors as proposal_selectors
from proposals.models import Order, Proposal
from proposals.types import OPEN, OrderStatus, ProposalKind, RestrictionKind, Side, Status
from rebalancing import selectors
from rebalancing.mandates.rules import Trigger
from rebalancing.models import ModelAssignment, ModelWeight, RebalanceLook, RebalancePolicy
from rebalancing.reviews import daily
from rebalancing.reviews.daily import (
    DailyFacts,
    KnownBreach,
    Measured,
    NightFacts,
    OpenOrders,
    Pending,
)
from rebalancing.reviews.types import FindingState, NewFinding, Topic
from rebalancing.types import ZERO, Limits
from scans import operations
from scans.household_review import rows_of
from scans.models import AccountOutcome, Review, ReviewFinding, ScanItem, ScanRun
from scans.types import REVIEWS, AccountState, ItemState, Job
from securities import calendar

logger = logging.getLogger(__name__)

_AT_ONCE = 2_000  # rows of one INSERT
_KNOWN_FOR = timedelta(days=100)  # a quarter, and some days to be late by
_TAKES_TARGETS = (RestrictionKind.MUST_SELL, RestrictionKind.MAX_WEIGHT)
_NOTHING = OpenOrders()


def open_with(run: ScanRun) -> None:
    """The night's review, without lines yet; nothing for a run that is no night."""
    if run.job == Job.DAILY:
        Review.objects.get_or_create(run=run)


def complete(run_ids: Collection[int]) -> None:
    """Write the reviews of the nights among these runs. The caller has finished the runs in this transaction.

    An error is a remark of the review, which then can be run again: the night itself has ended.
    """
    if not run_ids:
        return
    for run in ScanRun.objects.filter(pk__in=run_ids, job=Job.DAILY).order_by("pk"):
        review, _ = Review.objects.get_or_create(run=run)
        try:
            with transaction.atomic():
                store(review)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("the daily review of run %s could not be written", run.pk)
            told = f"The lines could not be written ({type(error).__name__}); the log has it. Run the review again."
            Review.objects.filter(pk=review.pk, signed_at=None).update(remarks=[told])


def store(review: Review, household_ids: Collection[int] | None = None) -> bool:
    """Write the lines in place of earlier ones (of the households named); False for a signed review, which stays.

    The caller has a transaction.
    """
    held = Review.objects.select_for_update().select_related("run").get(pk=review.pk)
    if held.signed_at is not None:
        return False
    with one_look():  # the trade list is read once, for the households and for the firm
        lines, of_firm = lines_of(held.run, household_ids), lines_of_night(held.run)
    old = ReviewFinding.objects.filter(review=held)
    if household_ids is not None:
        old = old.filter(Q(household=None) | Q(household__in=household_ids))
    old.delete()
    rows = rows_of(of_firm, review=held)
    for household, found in lines.items():
        rows += rows_of(found, review=held, household_id=household)
    ReviewFinding.objects.bulk_create(rows, batch_size=_AT_ONCE)
    Review.objects.filter(pk=held.pk).update(remarks=[])
    return True


def lines_of(
    run: ScanRun, household_ids: Collection[int] | None = None
) -> dict[int, tuple[NewFinding, ...]]:
    """Household of the night (of those named) -> its lines. Reads only; about ten queries for all of them."""
    items = ScanItem.objects.filter(run=run).order_by("household__name", "household")
    if household_ids is not None:
        items = items.filter(household__in=household_ids)
    ended = {item.household_id: item for item in items}
    next_night = calendar.next_business_date(run.business_date)
    measured = _measured(run, ended.keys())
    breaches = _breaches(run, ended.keys())
    pending, orders = _trade_list(run)
    return {
        household: daily.findings(
            DailyFacts(
                next_night=next_night,
                measured=None if item.state == ItemState.POISON else measured.get(household),
                reason=item.reason,
                detail=item.detail,
                failed=item.state == ItemState.POISON,
                breaches=breaches.get(household, ()),
                pending=pending.get(household, ()),
                orders=orders.get(household, _NOTHING),
            )
        )
        for household, item in ended.items()
    }


def lines_of_night(run: ScanRun) -> tuple[NewFinding, ...]:
    """The firm's lines: how the night ended, and the trade list in sums. Reads only."""
    outcomes = AccountOutcome.objects.filter(item__run=run).order_by()
    accounts = Counter(dict(outcomes.values_list("state").annotate(Count("pk"))))
    pending, of_households = _trade_list(run)
    orders = of_households.values()
    return daily.of_night(
        NightFacts(
            households=run.items.count(),
            scanned=accounts[AccountState.SCANNED],
            skipped=accounts[AccountState.SKIPPED],
            alarms=[alarm.sentence for alarm in operations.alarms_of_night(run)],
            next_night=calendar.next_business_date(run.business_date),
            later_night=later_night(run),
            pending=[one for rows in pending.values() for one in rows],
            orders=OpenOrders(
                not_sent=sum(one.not_sent for one in orders),
                not_sent_dollars=sum((one.not_sent_dollars for one in orders), ZERO),
                sent=sum(one.sent for one in orders),
                sent_dollars=sum((one.sent_dollars for one in orders), ZERO),
            ),
        )
    )


def names_of(household_ids: Iterable[int]) -> dict[int, str]:
    """Household -> name."""
    return dict(Household.objects.filter(pk__in=household_ids).values_list("pk", "name"))


# What the night measured


def _measured(run: ScanRun, households: Collection[int]) -> dict[int, Measured]:
    """Household -> its look of the day beside the bands of its policy."""
    looks = RebalanceLook.objects.filter(household__firm=run.firm_id, day=run.business_date)
    looks = looks.select_related("largest")
    bands = _Bands(run, households)
    return {look.household_id: bands.beside(look) for look in looks}


class _Bands:
    """Policies and models of a firm, read at once."""

    def __init__(self, run: ScanRun, households: Collection[int]) -> None:
        firm_id, day = run.firm_id, run.business_date
        self._is_past = later_night(run) is not None
        self._model = dict(
            ModelAssignment.objects.filter(household__firm=firm_id).values_list(
                "household_id", "model_id"
            )
        )
        self._targets: defaultdict[int, dict[int, Decimal]] = defaultdict(dict)
        weights = ModelWeight.objects.filter(model__firm=firm_id)
        for model, security, weight in weights.values_list("model_id", "security_id", "weight"):
            self._targets[model][security] = weight
        policies = RebalancePolicy.objects.filter(firm=firm_id).prefetch_related("bands")
        self._policies = {(row.household_id, row.model_id): row for row in policies}
        self._limits: dict[tuple[int | None, int | None], Limits] = {}
        # A substitute that stands in, or is about to, has a part of the target of what was sold.
        harvests = Proposal.objects.filter(household__firm=firm_id, status__in=OPEN)
        harvests = harvests.exclude(kind=ProposalKind.REBALANCE)
        waits = set(harvests.values_list("household_id", "status"))
        self._paired = proposal_selectors.households_with_pairs(firm_id) | {
            household for household, _ in waits
        }
        self._harvested = {household for household, status in waits if status == Status.PENDING}
        restrictions = proposal_selectors.restrictions_in(firm_id, list(households), day)
        self._restricted = {
            household
            for household, found in restrictions.items()
            if any(row.kind in _TAKES_TARGETS for row in found.rows)
        }

    def beside(self, look: RebalanceLook) -> Measured:
        household = look.household_id
        model = self._model.get(household)
        limits = self._limits_of(household, model)
        targets = self._targets[model] if model is not None else {}
        largest = look.largest_id
        why_no_band = self._why_no_band(household)
        target = band = None
        if largest is not None and not why_no_band:
            target = targets.get(largest, ZERO)
            band = limits.band_of(largest).width(target)
        return Measured(
            reason=look.reason,
            detail=look.detail,
            out_of_band=look.out_of_band,
            largest="" if look.largest is None else look.largest.symbol,
            largest_drift=look.largest_drift,
            target=target,
            band=band,
            why_no_band=why_no_band,
            cash_weight=look.cash_weight,
            cash_low=limits.cash_minimum,
            cash_high=max(limits.cash_maximum, 1 - sum(targets.values(), ZERO)),
            is_restricted=household in self._restricted | self._paired,
        )

    def _why_no_band(self, household: int) -> str:
        """Why targets are not those of the model, as a clause; empty where they are."""
        if household in self._restricted:
            return (
                "a restriction has changed the model's targets; the page Drift has those in force"
            )
        if household in self._harvested:
            return (
                "the harvest that waits for a decision counts as done here, with its substitutes; the page Drift has "
                "targets and weights without it"
            )
        if household in self._paired:
            return (
                "a substitute has, or is proposed to have, a part of the model's targets; the page Drift has those in "
                "force"
            )
        if self._is_past:
            return "another night has begun since, and the model may have changed with it"
        return ""

    def _limits_of(self, household: int, model: int | None) -> Limits:
        own = self._policies.get((household, None))
        key = (household if own is not None else None, model)
        if key not in self._limits:
            said = [self._policies.get((None, None))]
            if model is not None:
                said.append(self._policies.get((None, model)))
            rows = [row for row in (*said, own) if row is not None]
            self._limits[key] = selectors.resolved(rows)
        return self._limits[key]


def _breaches(run: ScanRun, households: Collection[int]) -> dict[int, list[KnownBreach]]:
    """Household -> hard rules that are known to be broken: named by an open rebalance, or by its newest review."""
    found: defaultdict[int, dict[str, KnownBreach]] = defaultdict(dict)
    rows = ReviewFinding.objects.filter(
        _of_newest_reviews(run), topic=Topic.RULE, state=FindingState.BREACHED, is_hard=True
    ).filter(household__in=households)
    for household, key, sentence, job, day in rows.values_list(
        "household_id", "key", "sentence", "review__run__job", "review__run__business_date"
    ):
        said = f"the {job} review of {day}"
        found[household][key] = KnownBreach(rule=key, sentence=sentence, of=said)
    proposed = Proposal.objects.filter(
        household__firm=run.firm_id,
        kind=ProposalKind.REBALANCE,
        status__in=OPEN,
        as_of__lte=run.business_date,
        reasons__has_any_keys=[one.value for one in Trigger],
    )
    for household, proposed_on, rules in proposed.values_list(
        "household_id", "as_of", "explanation__mandate"
    ):
        said = f"the rebalance of {proposed_on}"
        for breach in daily.breaches_of_explanation(rules or [], said):
            found[household][breach.rule] = breach
    return {household: list(rules.values()) for household, rules in found.items()}


def _of_newest_reviews(run: ScanRun) -> Q:
    """The lines of each household's newest review: not every review looks at everybody. One query.

    One of more than a quarter ago is no knowledge any more.
    """
    items = ScanItem.objects.filter(
        run__firm=run.firm_id,
        run__job__in=REVIEWS,
        run__business_date__range=(run.business_date - _KNOWN_FOR, run.business_date),
        state__in=[ItemState.DONE, ItemState.POISON],
    ).order_by("household", "-run__business_date", "-finished_at")
    households: defaultdict[int, list[int]] = defaultdict(list)
    for household, review in items.distinct("household").values_list("household", "run__review"):
        households[review].append(household)
    newest = Q(pk__in=[])
    for review, reviewed in households.items():
        newest |= Q(review=review, household__in=reviewed)
    return newest


# The trade list


@read_once
def later_night(run: ScanRun) -> date | None:
    """The firm's next night after this one that has been opened: what waits for a decision is that one's by now."""
    nights = ScanRun.objects.filter(firm=run.firm_id, job=Job.DAILY)
    later = nights.filter(business_date__gt=run.business_date).order_by("business_date")
    return later.values_list("business_date", flat=True).first()


def _trade_list(run: ScanRun) -> tuple[dict[int, list[Pending]], dict[int, OpenOrders]]:
    """Household -> what waits for a decision, and orders that are not filled; nothing once a later night has begun."""
    if later_night(run) is not None:
        return {}, {}
    return _pending(run.firm_id), _orders(run.firm_id)


@read_once
def _pending(firm_id: int) -> dict[int, list[Pending]]:
    """Household -> its proposals that wait for a decision, by kind."""
    rows = Proposal.objects.filter(household__firm=firm_id, status=Status.PENDING)
    sums = rows.annotate(
        sells=Sum("trades__amount", filter=Q(trades__side=Side.SELL)),
        buys=Sum("trades__amount", filter=Q(trades__side=Side.BUY)),
    )
    found: defaultdict[int, list[Pending]] = defaultdict(list)
    for household, kind, since, until, sells, buys in sums.order_by("kind").values_list(
        "household_id", "kind", "as_of", "expires_on", "sells", "buys"
    ):
        found[household].append(
            Pending(
                kind=kind, since=since, expires_on=until, sells=sells or ZERO, buys=buys or ZERO
            )
        )
    return found


@read_once
def _orders(firm_id: int) -> dict[int, OpenOrders]:
    """Household -> its orders that are not filled."""
    rows = (
        Order.objects.filter(
            account__firm=firm_id, status__in=[OrderStatus.APPROVED, OrderStatus.ORDERED]
        )
        .order_by()
        .values_list("account__household_id", "status")
        .annotate(
            orders=Count("pk"),
            left=Sum((F("quantity") - F("filled_quantity")) * F("reference_price")),
        )
    )
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for household, status, orders, left in rows:
        name = "not_sent" if status == OrderStatus.APPROVED else "sent"
        found[household] |= {name: orders, f"{name}_dollars": left}
    return {household: OpenOrders(**sums) for household, sums in found.items()}
