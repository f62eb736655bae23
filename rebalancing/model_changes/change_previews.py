"""What a change of a model would do, over all households that follow it: read before anybody publishes it (S10).

Estimates, as ``rebalancing.model_changes.new_weights_effect`` makes them: the exit rules and the households' own
restrictions are kept, windows, budgets and bands are not; what windows stand against is told beside.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.one_look import one_look
from lots import selectors as lot_selectors
from lots.year_tax import added_tax
from proposals import selectors as proposal_selectors
from proposals.types import Side
from rebalancing import selectors
from rebalancing.household.state import assemble, stale_holdings
from rebalancing.model_changes.change_effects import (
    WashConflict,
    large_orders,
    order_in_words,
    shares_wanted,
    wash_conflicts,
)
from rebalancing.model_changes.mandate_previews import BrokenRule, broken_rules
from rebalancing.model_changes.new_weights_effect import Effect, effect
from rebalancing.model_changes.recipes import ExitRule, VersionKind
from rebalancing.model_changes.universe import Difference, difference, turnover
from rebalancing.models import ModelAssignment, TargetModel
from rebalancing.types import ZERO, Exit, HouseholdState
from securities import selectors as securities

MOST_HOUSEHOLDS = 50  # of a change that is not written yet; a draft's are measured by workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A change to look at: weights by security, and the exit rules of the names that leave."""

    model: TargetModel
    kind: VersionKind
    before: Mapping[int, Decimal]
    after: Mapping[int, Decimal]
    exit_rules: Mapping[int, ExitRule]

    @property
    def difference(self) -> Difference:
        return difference(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one household; ``why_not`` says why it could not be estimated. ``tax`` None: there is no tax profile."""

    effect: Effect | None = None
    tax: Decimal | None = None
    tax_now: Decimal | None = None  # of going to the present weights, for comparison
    conflicts: tuple[WashConflict, ...] = ()
    wanted: Mapping[int, Decimal] = field(default_factory=dict)  # security -> shares, below 0 sold
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdEffect(Figures):
    """The figures with whose they are."""

    name: str
    public_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the change meets beside single households: prices, the risk model, mandates, the market."""

    large: tuple[str, ...]
    suggested_steps: int
    without_price: tuple[str, ...]
    without_history: tuple[str, ...]
    broken: tuple[BrokenRule, ...]  # rules of mandates that the new weights themselves break


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Findings):
    """The whole of it. Sums are over the households that could be estimated; ``tax`` over those with a profile."""

    turnover: Decimal
    followers: int
    rows: tuple[HouseholdEffect, ...]
    sold: Decimal
    short_gain: Decimal
    long_gain: Decimal
    tax: Decimal
    tax_now: Decimal
    taxless: int  # households without a tax profile
    unknown: int  # that could not be estimated
    conflicts: int


def preview(planned: Planned, as_of: date) -> Preview:
    """What the change would do by the prices and ledgers of ``as_of``, of the first households. Reads only."""
    followed_by = _followers(planned.model)
    rows = [
        HouseholdEffect(
            name=one.household.name,
            public_id=one.household.public_id,
            **_by_name(figures(one, planned, as_of)),
        )
        for one in followed_by[:MOST_HOUSEHOLDS]
    ]
    told = [row for row in rows if row.effect is not None]
    shares: defaultdict[tuple[int, Side], Decimal] = defaultdict(Decimal)
    for row in told:
        for security, wanted in row.wanted.items():
            shares[security, Side.BUY if wanted > ZERO else Side.SELL] += abs(wanted)
    return Preview(
        **_by_name(findings(planned, as_of, shares)),
        turnover=turnover(planned.before, planned.after),
        followers=followed_by.count(),
        rows=tuple(rows),
        sold=_sum(row.effect.sold for row in told if row.effect),
        short_gain=_sum(row.effect.short_gain for row in told if row.effect),
        long_gain=_sum(row.effect.long_gain for row in told if row.effect),
        tax=_sum(row.tax for row in told if row.tax is not None),
        tax_now=_sum(row.tax_now for row in told if row.tax_now is not None),
        taxless=sum(row.tax is None for row in told),
        unknown=len(rows) - len(told),
        conflicts=sum(len(row.conflicts) for row in rows),
    )


def findings(planned: Planned, as_of: date, shares: Mapping[tuple[int, Side], Decimal]) -> Findings:
    """What the change meets on ``as_of``. ``shares``: what all households together would trade of a name."""
    firm_id = planned.model.firm_id
    symbols = securities.symbols(firm_id)
    facts, prices = (
        securities.trading_facts(firm_id, as_of),
        securities.latest_prices(firm_id, as_of),
    )
    volumes = {one: fact.daily_volume for one, fact in facts.items() if fact.daily_volume}
    most = selectors.limits_of_model(planned.model).slice_above
    large = large_orders(shares, volumes, most)
    names = sorted(planned.after, key=lambda one: symbols[one])
    with_rules = _followers(planned.model).filter(household__mandates__isnull=False).distinct()
    return Findings(
        large=tuple(order_in_words(one, symbols[one.security]) for one in large),
        suggested_steps=max((one.days for one in large), default=1),
        without_price=tuple(symbols[one] for one in names if one not in prices),
        without_history=tuple(
            symbols[one] for one in names if facts[one].annual_volatility is None and one in prices
        ),
        broken=broken_rules(
            planned.model,
            before=planned.before,
            after=planned.after,
            followers=list(with_rules),
            as_of=as_of,
        ),
    )


def figures(assigned: ModelAssignment, planned: Planned, as_of: date) -> Figures:
    """What the change would do to one household. Reads only; what the firm shares is read once for all of them."""
    with one_look():
        states = present_and_planned(assigned, planned, as_of)
        if isinstance(states, str):
            return Figures(why_not=states)
        return figures_between(*states, assigned, planned, as_of)


def figures_between(
    now: HouseholdState,
    then: HouseholdState,
    assigned: ModelAssignment,
    planned: Planned,
    as_of: date,
) -> Figures:
    """The figures of a household by its states of ``present_and_planned``."""
    after, present = effect(then, then.targets), effect(now, now.targets)
    position, _ = lot_selectors.tax_or_reason(assigned.household_id, as_of.year)
    tax, tax_now = (
        None if position is None else added_tax(position, short=one.short_gain, long=one.long_gain)
        for one in (after, present)
    )
    changed = planned.difference
    wanted = shares_wanted(then, {*changed.added, *changed.deleted, *changed.changed})
    windows = proposal_selectors.windows(assigned.household_id, as_of)
    return Figures(
        effect=after,
        tax=tax,
        tax_now=tax_now,
        conflicts=wash_conflicts(then, windows, wanted),
        wanted=_allowed(then, wanted),
    )


def present_and_planned(
    assigned: ModelAssignment, planned: Planned, as_of: date
) -> tuple[HouseholdState, HouseholdState] | str:
    """The household by the model of today and by the change, or why it cannot be weighed."""
    wrong = lot_selectors.unreconciled(assigned.household_id, as_of)
    if wrong:
        return f"Lots do not add up to the custodian's: {'. '.join(wrong.values())}."
    books = selectors.books(
        assigned,
        tax=selectors.UNTAXED,
        as_of=as_of,
        intentions=proposal_selectors.intentions(assigned.household_id, as_of=as_of),
    )
    if any(lot.acquired > as_of for lot in books.lots):
        return f"The ledger of this household runs past {as_of}."
    leaving = {
        security: Exit(rule, as_of, planned.kind, f"a draft of {planned.model.name}")
        for security, rule in planned.exit_rules.items()
    }
    staying = {one: old for one, old in books.exits.items() if one not in planned.after}
    changed = replace(books, targets=planned.after, exits={**staying, **leaving})
    stale = stale_holdings(changed) or stale_holdings(books)
    if stale:
        names = ", ".join(sorted(books.symbols[security] for security in stale))
        return f"No price of the last {books.limits.maximum_price_age_days} days: {names}."
    now = assemble(books)
    if now.value <= ZERO:
        return "The household holds neither shares nor cash."
    return now, assemble(changed)


def _allowed(state: HouseholdState, wanted: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """The trades without what may not be sold: an exit rule or a restriction holds it."""
    may = dict.fromkeys(wanted, ZERO)
    for lot in state.lots:
        if lot.security in may:
            may[lot.security] += lot.sellable
    return {security: max(shares, -may[security]) for security, shares in wanted.items()}


def _followers(model: TargetModel) -> QuerySet[ModelAssignment]:
    """Who follows the model, by name."""
    rows = ModelAssignment.objects.filter(model=model).select_related("model", "household__firm")
    return rows.order_by("household__name", "pk")


def _by_name(found: Figures | Findings) -> dict[str, Any]:
    return {item.name: getattr(found, item.name) for item in fields(found)}


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
