"""Reads: which model a household follows under which policy, and what it owns."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import F, Max, Min, Q

from accounts import access
from accounts.models import Household, User
from accounts.one_look import read_once
from accounts.selectors import accounts_of, business_date
from lots import selectors as lot_selectors
from lots.year_tax import TaxPosition
from proposals import selectors as proposal_selectors
from proposals.compliance import feasible
from proposals.handling import UNSAID, HandlingRule
from proposals.models import Fill, Proposal
from proposals.types import DraftProposal, HarvestPair, Intention, ProposalKind, Status
from rebalancing import occasions
from rebalancing.backtest import cadences
from rebalancing.household.cash_needs import to_tell_of, within_reach
from rebalancing.household.shortfalls import taken_out
from rebalancing.household.state import Books, Substitution, assemble, stale_holdings, tradable
from rebalancing.mandates.rules import Classification, Rule, RuleKind
from rebalancing.model_changes import published
from rebalancing.model_changes.recipes import ExitRule, VersionKind, VersionState
from rebalancing.model_changes.universe import turnover as turnover_between
from rebalancing.models import (
    MandateRule,
    ModelAssignment,
    ModelVersion,
    ModelWeight,
    RebalanceBand,
    RebalanceLook,
    RebalancePolicy,
    TargetModel,
)
from rebalancing.policies import drift, looks, policy_words
from rebalancing.policies.occasions import Occasion, from_record, sentence
from rebalancing.policies.policy import (
    BandType,
    Cadence,
    CashFlows,
    Destination,
    Horizon,
    PolicyKind,
    horizon_of,
)
from rebalancing.types import Band, HouseholdState, Limits
from securities import selectors as securities
from securities.models import Security

ZERO = Decimal(0)
# What counts where no policy says a word: the best trades every night that something is out of band.
DEFAULTS: dict[str, Any] = {
    "kind": PolicyKind.OPTIMUM,
    "cadence": Cadence.DAILY,
    "band_type": BandType.TIGHTER,
    "absolute_band": Decimal("0.05"),
    "relative_band": Decimal("0.20"),
    "destination": Destination.HALF,
    "cash_flows": CashFlows.FULL,
    "cool_down_days": 0,
    "only_if_worth_it": True,
    "risk_aversion": Decimal(10),
    "horizon": Horizon.ONE,
    "horizon_years": Decimal(1),
    "cash_minimum": Decimal("0.005"),
    "cash_maximum": Decimal("0.05"),
    "minimum_trade": Decimal(250),
    "maximum_price_age_days": 5,
    "later_sale_years": Decimal(10),
    "taxable_sale_chance": Decimal(1),
    "discount_rate": Decimal("0.05"),
    "slice_above": UNSAID.slice_above,
    "spread_limit": UNSAID.spread_limit,
    "factor_gain_limit": None,
    "cash_need_days": 10,
}
WORDS: dict[str, type[StrEnum]] = {
    "kind": PolicyKind,
    "cadence": Cadence,
    "band_type": BandType,
    "destination": Destination,
    "cash_flows": CashFlows,
    "horizon": Horizon,
}
_LOOKS_SHOWN = 20
_UNDECIDED = (Status.PENDING, Status.SUPERSEDED, Status.STALE, Status.EXPIRED)
_KEYS = {key: WORDS.get(key) for key in DEFAULTS}
_BAND_KEYS = {key: WORDS.get(key) for key in ("band_type", "absolute_band", "relative_band")}
# Weights do not depend on taxes.
UNTAXED = TaxPosition(
    short_rate=ZERO,
    long_rate=ZERO,
    ordinary_rate=ZERO,
    loss_limit=ZERO,
    carried_loss_value=ZERO,
    short=ZERO,
    long=ZERO,
)


def assignment(household_id: int) -> ModelAssignment | None:
    """The model a household follows, with the household; None if it follows none."""
    rows = ModelAssignment.objects.select_related("model", "household__firm")
    return rows.filter(household=household_id).first()


@read_once
def targets(model_id: int) -> dict[int, Decimal]:
    """Security -> weight in the model."""
    rows = ModelWeight.objects.filter(model=model_id)
    return dict(rows.values_list("security_id", "weight"))


def limits(household: Household, model_id: int | None = None) -> Limits:
    """The policy in force for a household: its own words, its model's, its firm's, the defaults. Two queries."""
    return resolved(policy_rows(household.firm_id, household.pk, model_id))


def handling_rule(household_id: int) -> HandlingRule:
    """When an order of the household is not simply sent to the market: its policy's word (F9, F10). Three queries."""
    household = Household.objects.get(pk=household_id)
    assigned = assignment(household_id)
    policy = limits(household, None if assigned is None else assigned.model_id)
    return HandlingRule(spread_limit=policy.spread_limit, slice_above=policy.slice_above)


def limits_of_model(model: TargetModel) -> Limits:
    """The policy of a model for nobody in particular: its own words, its firm's, the defaults."""
    return resolved(policy_rows(model.firm_id, None, model.pk))


def policy_rows(
    firm_id: int, household_id: int | None, model_id: int | None
) -> list[RebalancePolicy]:
    """The policies that speak, the farthest first: the firm's, the model's, the household's. Two queries."""
    mine = Q(household=None, model=None)
    if household_id is not None:
        mine |= Q(household=household_id)
    if model_id is not None:
        mine |= Q(model=model_id)
    rows = RebalancePolicy.objects.filter(mine, firm=firm_id).prefetch_related("bands")
    return list(
        rows.order_by(F("household").asc(nulls_first=True), F("model").asc(nulls_first=True))
    )


def resolved(rows: Sequence[RebalancePolicy]) -> Limits:
    """One policy of several, the nearer word before the farther, each key by itself.

    A horizon that nobody states follows from the cadence (F5); where nobody states a cadence either, it is a year. So
    it is where each security has its own: what has none is not renewed by the next look.
    """
    said: dict[str, Any] = {}
    for policy in rows:
        said |= _said(policy, _KEYS)
    until_a_look = "cadence" in said and said.get("horizon") is not Horizon.BY_NAME
    if not said.get("horizon_years", 0 if until_a_look else DEFAULTS["horizon_years"]):
        said["horizon_years"] = horizon_of(said.get("cadence", DEFAULTS["cadence"]))
    whole = DEFAULTS | said
    return Limits(**whole, bands=_bands(rows, whole))


def _said(
    row: RebalancePolicy | RebalanceBand, keys: Mapping[str, type[StrEnum] | None]
) -> dict[str, Any]:
    """The keys that a row answers, words as members of their enums."""
    found = {}
    for key, words in keys.items():
        value = getattr(row, key)
        if value not in (None, ""):
            found[key] = words(value) if words else value
    return found


def _bands(rows: Sequence[RebalancePolicy], whole: Mapping[str, Any]) -> dict[int, Band]:
    """Security -> its own band, or that of its class; a class without securities costs nothing.

    The security's own goes before its class's, and that before the policy's; within each the nearer word first.
    """
    classes: dict[str, dict[str, Any]] = {}
    own: dict[int, dict[str, Any]] = {}
    for policy in rows:
        for row in policy.bands.all():
            if row.security_id is None:
                classes.setdefault(row.asset_class, {}).update(_said(row, _BAND_KEYS))
            else:
                own.setdefault(row.security_id, {}).update(_said(row, _BAND_KEYS))
    if not classes and not own:
        return {}
    members = Security.objects.filter(
        Q(asset_class__in=classes) | Q(pk__in=own), firm=rows[0].firm_id
    ).values_list("pk", "asset_class")
    said = {pk: classes.get(kind, {}) | own.get(pk, {}) for pk, kind in members}
    return {pk: _band({key: whole[key] for key in _BAND_KEYS} | one) for pk, one in said.items()}


def _band(said: Mapping[str, Any]) -> Band:
    return Band(said["band_type"], said["absolute_band"], said["relative_band"])


def rules(assigned: ModelAssignment) -> tuple[Rule, ...]:
    """Every rule that binds the household: its own, its model's and its firm's."""
    household = assigned.household
    whose = Q(mandate__household=household.pk) | Q(mandate__model=assigned.model_id)
    return _rules(household.firm_id, whose)


def rules_of_model(model: TargetModel) -> tuple[Rule, ...]:
    """Every rule that binds whoever follows the model: its own and its firm's."""
    return _rules(model.firm_id, Q(mandate__model=model.pk))


def own_rules(firm_id: int, households: Sequence[int]) -> dict[int, tuple[Rule, ...]]:
    """Household -> the rules that it alone has; those without any are left out. One query."""
    rows = MandateRule.objects.filter(mandate__household__in=households, mandate__firm=firm_id)
    found: dict[int, tuple[Rule, ...]] = {}
    for row in rows.select_related("mandate").order_by("mandate__name", "key"):
        household = row.mandate.household_id
        assert household is not None  # that is what was asked for
        found[household] = (*found.get(household, ()), rule_of(row))
    return found


def _rules(firm_id: int, whose: Q) -> tuple[Rule, ...]:
    of_all = Q(mandate__household=None, mandate__model=None)
    rows = MandateRule.objects.filter(of_all | whose, mandate__firm=firm_id)
    return tuple(
        rule_of(row) for row in rows.select_related("mandate").order_by("mandate__name", "key")
    )


def rule_of(row: MandateRule) -> Rule:
    """The rule of a row whose mandate has been read with it."""
    return Rule(
        mandate=row.mandate.name,
        key=row.key,
        kind=RuleKind(row.kind),
        subject=row.subject,
        security=row.security_id,
        low=row.low,
        high=row.high,
        is_hard=row.is_hard,
    )


def model_version(user: User, public_id: UUID) -> ModelVersion:
    """One version, or 404."""
    access.visible_or_404(user, ModelVersion, public_id)
    rows = access.visible(user, ModelVersion).select_related("model", "decided_by")
    return rows.get(public_id=public_id)


def version_weights(version: ModelVersion) -> list[dict[str, object]]:
    """The version's rows, the largest change first."""
    rows = version.weights.select_related("security")
    return [
        {
            "symbol": row.security.symbol,
            "before": row.before,
            "after": row.after,
            "change": row.after - row.before,
            "exit_rule": ExitRule(row.exit_rule).label if row.exit_rule else "",
            "note": row.note,
        }
        for row in sorted(rows, key=lambda row: (-abs(row.after - row.before), row.security.symbol))
    ]


def version_returns(version: ModelVersion) -> list[dict[str, object]]:
    """Yearly returns that the recipe reckoned with, by symbol; nothing for a version without views."""
    rows = version.weights.exclude(implied_return=None).select_related("security")
    return [
        {
            "symbol": row.security.symbol,
            "implied": row.implied_return,
            "expected": row.expected_return,
            "change": (row.expected_return or ZERO) - (row.implied_return or ZERO),
        }
        for row in rows.order_by("security__symbol")
    ]


def turnover(version: ModelVersion) -> Decimal:
    """One-way turnover of the model: half of all changes of weight, cash among them."""
    rows = list(version.weights.values_list("security_id", "before", "after"))
    return turnover_between(
        {security: before for security, before, _ in rows},
        {security: after for security, _, after in rows},
    )


def followers(version: ModelVersion) -> int:
    """How many households follow the model."""
    return ModelAssignment.objects.filter(model=version.model_id).count()


def draft_of(model_id: int, as_of: date) -> dict[int, Decimal] | None:
    """The weights that the model's recipe drafted on that date; None where it did not."""
    version = ModelVersion.objects.filter(
        model=model_id, as_of=as_of, state=VersionState.DRAFT, kind=VersionKind.RECIPE
    ).first()
    if version is None:
        return None
    rows = version.weights.values_list("security_id", "after")
    return {security: weight for security, weight in rows if weight > ZERO}


def classes(firm_id: int) -> dict[int, Classification]:
    """Security -> what it counts as for a mandate."""
    return {
        security: Classification(asset_class, sector, is_fund)
        for security, (asset_class, sector, is_fund) in securities.classes(firm_id).items()
    }


def books(
    assigned: ModelAssignment,
    *,
    tax: TaxPosition,
    as_of: date,
    intentions: Sequence[Intention],
) -> Books:
    """Everything on record about a household that follows a model."""
    household = assigned.household
    quotes = securities.latest_prices(household.firm_id, as_of)
    costs = proposal_selectors.trading_costs(household.pk, as_of)
    rows = accounts_of(household.pk)
    lots = lot_selectors.open_lots(household.pk)
    policy = limits(household, assigned.model_id)
    return Books(
        household=household.pk,
        as_of=as_of,
        account_names={account.pk: account.name for account in rows},
        taxable={account.pk: account.is_taxable for account in rows},
        on_the_return=proposal_selectors.accounts_on_the_return(household.pk),
        cash=lot_selectors.cash(household.pk),
        lots=lots,
        prices={security: quote.price for security, quote in quotes.items()},
        price_days={security: quote.day for security, quote in quotes.items()},
        half_spreads=costs.half_spreads,
        costs=costs,
        symbols=securities.symbols(household.firm_id),
        groups=lot_selectors.merged_sets(lot_selectors.identical_sets(household.firm_id, as_of)),
        targets=targets(assigned.model_id),
        substitutions=_substitutions(proposal_selectors.open_pairs(household.pk, as_of)),
        intentions=feasible(intentions, {(lot.opening, lot.part): lot for lot in lots}),
        limits=policy,
        tax=tax,
        restrictions=proposal_selectors.restrictions(household.pk, as_of),
        cash_flows=proposal_selectors.cash_flows(household.pk, as_of, days=policy.cash_need_days),
        fractional=frozenset(account.pk for account in rows if account.trades_fractions),
        yields=securities.yields(household.firm_id),
        exits=published.exits_of(household.pk, as_of),
        model_changes=published.changes(
            assigned.model_id, as_of, followed_on=executed_on(household.pk, as_of)
        ),
        delisted=securities.delisted(household.firm_id, as_of),
    )


def _substitutions(pairs: Sequence[HarvestPair]) -> tuple[Substitution, ...]:
    return tuple(Substitution(pair.sold, pair.substitute, pair.quantity) for pair in pairs)


def schedule(
    assigned: ModelAssignment, policy: Limits, as_of: date, *, concerned: Collection[int]
) -> looks.Schedule:
    """Where the household stands between two looks, from looks, fills and what has happened since, all on record.

    ``concerned``: the securities that it holds or should hold. No query where the policy looks every night and knows
    no cool-down.
    """
    household_id = assigned.household_id
    daily = policy.cadence is Cadence.DAILY
    last = None if daily else last_look(household_id, as_of)
    return looks.schedule(
        known=_occasions(assigned, policy, last, as_of, lambda: concerned),
        seen=from_record(last.occasions) if last else (),
        cadence=policy.cadence,
        as_of=as_of,
        last_look=None if last is None else last.day,
        undecided=last is not None and _is_undecided(last),
        executed_on=executed_on(household_id, as_of) if policy.cool_down_days else None,
        cool_down_days=policy.cool_down_days,
    )


def _occasions(
    assigned: ModelAssignment,
    policy: Limits,
    last: RebalanceLook | None,
    as_of: date,
    concerned: Callable[[], Collection[int]],
) -> list[Occasion]:
    """Those since the last look; of the day alone where there was none, for the first to have seen them."""
    if policy.cadence in (Cadence.DAILY, Cadence.NONE):
        return []
    return occasions.since(assigned, last.day if last else as_of, as_of, concerned=concerned)


def last_look(household_id: int, as_of: date) -> RebalanceLook | None:
    """The newest look before ``as_of`` that counted."""
    rows = RebalanceLook.objects.filter(household=household_id, counted=True, day__lt=as_of)
    return rows.order_by("-day").first()


@read_once
def executed_on(household_id: int, as_of: date) -> date | None:
    """The day of the last fill of a rebalance up to ``as_of``."""
    fills = Fill.objects.filter(
        order__proposal__household=household_id,
        order__proposal__kind=ProposalKind.REBALANCE,
        trade_date__lte=as_of,
    )
    found: date | None = fills.aggregate(last=Max("trade_date"))["last"]
    return found


def first_executed(household_id: int, after: date, as_of: date) -> date | None:
    """The day of the first fill of a rebalance after a day and up to ``as_of``."""
    fills = Fill.objects.filter(
        order__proposal__household=household_id,
        order__proposal__kind=ProposalKind.REBALANCE,
        trade_date__gt=after,
        trade_date__lte=as_of,
    )
    found: date | None = fills.aggregate(first=Min("trade_date"))["first"]
    return found


def _is_undecided(look: RebalanceLook) -> bool:
    """Whether nobody has decided what the look proposed, even where a night without a look took it back since."""
    rows = Proposal.objects.filter(
        household=look.household_id, kind=ProposalKind.REBALANCE, as_of=look.day
    )
    newest = rows.order_by("-version").values_list("status", flat=True).first()
    return newest in _UNDECIDED


def drift_page(household: Household) -> dict[str, object]:
    """Context of the drift page: rows, policy and looks, the date; ``why_not`` where there are no rows."""
    today = business_date(household.firm)
    assigned = assignment(household.pk)
    if assigned is None:
        return {"today": today, "why_not": "This household follows no model."}
    policy = limits(household, assigned.model_id)
    return {
        "policy": policy_words.sentences(policy),
        "cadences": cadences.expected(policy),
        "schedule": (stands := _after_tonight(assigned, policy, today)),
        "opened_by": sentence(stands.occasions),
        "looks": recent_looks(household.pk),
        **_drift_rows(assigned, today),
    }


def _after_tonight(assigned: ModelAssignment, policy: Limits, today: date) -> looks.Schedule:
    """Where the household stands for a reader: a look that was taken on ``today`` is behind it."""
    household_id = assigned.household_id
    last = last_look(household_id, today + timedelta(days=1))

    def concerned() -> set[int]:
        held = {lot.security for lot in lot_selectors.open_lots(household_id)}
        return held | targets(assigned.model_id).keys()

    return looks.schedule(
        cadence=policy.cadence,
        as_of=today,
        last_look=None if last is None else last.day,
        executed_on=executed_on(household_id, today) if policy.cool_down_days else None,
        known=_occasions(assigned, policy, last, today, concerned),
        seen=from_record(last.occasions) if last else (),
        cool_down_days=policy.cool_down_days,
    )


def looks_of_day(households: Iterable[int], day: date) -> dict[int, RebalanceLook]:
    """Household -> what its look of the day measured; without those whose drift could not be measured."""
    rows = RebalanceLook.objects.filter(household__in=list(households), day=day)
    return {row.household_id: row for row in rows}


def recent_looks(household_id: int, until: date | None = None) -> list[RebalanceLook]:
    """The newest looks at a household, up to a day where one is given, also those that left it alone (F3)."""
    rows = RebalanceLook.objects.filter(household=household_id).select_related("largest")
    if until is not None:
        rows = rows.filter(day__lte=until)
    return list(rows.order_by("-day")[:_LOOKS_SHOWN])


def state_of(found: Books, drafts: Sequence[DraftProposal] = ()) -> HouseholdState:
    """The household once all that is on its way has happened.

    Where it needs cash, with what may be traded today and no more set aside than that can raise.
    """
    state = assemble(found, drafts)
    if not state.needs:
        return state
    windows = proposal_selectors.windows(state.household, state.as_of, drafts=drafts)
    return within_reach(tradable(state, windows))


def _drift_rows(assigned: ModelAssignment, today: date) -> dict[str, object]:
    found = books(
        assigned,
        tax=UNTAXED,
        as_of=today,
        intentions=proposal_selectors.intentions(assigned.household_id),
    )
    stale = stale_holdings(found)
    if stale:
        names = ", ".join(sorted(found.symbols[security] for security in stale))
        return {"today": today, "why_not": f"There is no price young enough for {names}."}
    state = state_of(found)
    if state.value <= ZERO:
        return {"today": today, "why_not": "The household holds neither shares nor cash."}
    measured = drift.of_state(to_tell_of(state))
    return {
        "today": today,
        "model_name": assigned.model.name,
        "drift": measured,
        "taken_out": taken_out(state),
        "rows": [
            {
                "symbol": found.symbols[row.security],
                "weight": row.weight,
                "target": row.target,
                "drift": row.drift,
                "low": row.low,
                "high": row.high,
                "breached": row.breached,
                "cannot_fall_out": row.cannot_fall_out,
            }
            for row in measured.rows
        ],
    }
