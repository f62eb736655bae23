"""What a change of a model would do, over all households that follow it: read before anybody publishes it (S10).

Estimates, as ``rebalancing.model_changes.new_weights_effect`` makes them: the exit rules and the households' own
restrictions are kept, windows, budgets and bands are not; what windows stand against is told beside.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
    LargeOrder,
    WashConflict,
    large_orders,
    order_in_words,
    shares_wanted,
    wash_conflicts,
)
from rebalancing.model_changes.new_weights_effect import Effect, effect
from rebalancing.model_changes.recipes import ExitRule, VersionKind
from rebalancing.model_changes.universe import Difference, difference, turnover
from rebalancing.models import ModelAssignment, TargetModel
from rebalancing.types import ZERO, Exit, HouseholdState
from securities import selectors as securities

MOST_HOUSEHOLDS = (
    50  # of a change that is not written yet; a draft's are computed one by one and kept
)


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
class Preview:
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
    large: tuple[str, ...]
    suggested_steps: int
    without_price: tuple[str, ...]
    without_history: tuple[str, ...]


def preview(planned: Planned, as_of: date) -> Preview:
    """What the change would do by the prices and ledgers of ``as_of``, of the first households. Reads only."""
    followed_by = followers(planned.model)
    rows = [
        HouseholdEffect(
            name=one.household.name,
            public_id=one.household.public_id,
            **columns_of(figures(one, planned, as_of)),
        )
        for one in followed_by[:MOST_HOUSEHOLDS]
    ]
    return summed(planned, as_of, rows, of=followed_by.count())


def followers(model: TargetModel) -> QuerySet[ModelAssignment]:
    """Who follows the model, by name."""
    rows = ModelAssignment.objects.filter(model=model).select_related("model", "household__firm")
    return rows.order_by("household__name", "pk")


def columns_of(found: Figures) -> dict[str, Any]:
    """The figures by name."""
    return {item.name: getattr(found, item.name) for item in fields(Figures)}


def summed(planned: Planned, as_of: date, rows: Sequence[HouseholdEffect], *, of: int) -> Preview:
    """The sums over the rows, of so many followers in all, and what the change breaks elsewhere."""
    told = [row for row in rows if row.effect is not None]
    firm_id = planned.model.firm_id
    large, symbols = _large(planned, told, as_of), securities.symbols(firm_id)
    facts, prices = (
        securities.trading_facts(firm_id, as_of),
        securities.latest_prices(firm_id, as_of),
    )
    names = sorted(planned.after, key=lambda one: symbols[one])
    return Preview(
        turnover=turnover(planned.before, planned.after),
        followers=of,
        rows=tuple(rows),
        sold=_sum(row.effect.sold for row in told if row.effect),
        short_gain=_sum(row.effect.short_gain for row in told if row.effect),
        long_gain=_sum(row.effect.long_gain for row in told if row.effect),
        tax=_sum(row.tax for row in told if row.tax is not None),
        tax_now=_sum(row.tax_now for row in told if row.tax_now is not None),
        taxless=sum(row.tax is None for row in told),
        unknown=len(rows) - len(told),
        conflicts=sum(len(row.conflicts) for row in rows),
        large=tuple(order_in_words(one, symbols[one.security]) for one in large),
        suggested_steps=max((one.days for one in large), default=1),
        without_price=tuple(symbols[one] for one in names if one not in prices),
        without_history=tuple(
            symbols[one] for one in names if facts[one].annual_volatility is None and one in prices
        ),
    )


def figures(assigned: ModelAssignment, planned: Planned, as_of: date) -> Figures:
    """What the change would do to one household. Reads only; what the firm shares is read once for all of them."""
    with one_look():
        return _figures(assigned, planned, as_of)


def _figures(assigned: ModelAssignment, planned: Planned, as_of: date) -> Figures:
    household = assigned.household
    wrong = lot_selectors.unreconciled(household.pk, as_of)
    if wrong:
        told = ". ".join(wrong.values())
        return Figures(why_not=f"Lots do not add up to the custodian's: {told}.")
    states = _states(assigned, planned, as_of)
    if isinstance(states, str):
        return Figures(why_not=states)
    now, then = states
    after, present = effect(then, then.targets), effect(now, now.targets)
    position, _ = lot_selectors.tax_or_reason(household.pk, as_of.year)
    tax, tax_now = (
        None if position is None else added_tax(position, short=one.short_gain, long=one.long_gain)
        for one in (after, present)
    )
    changed = planned.difference
    wanted = shares_wanted(then, {*changed.added, *changed.deleted, *changed.changed})
    windows = proposal_selectors.windows(household.pk, as_of)
    return Figures(
        effect=after,
        tax=tax,
        tax_now=tax_now,
        conflicts=wash_conflicts(then, windows, wanted),
        wanted=_allowed(then, wanted),
    )


def _states(
    assigned: ModelAssignment, planned: Planned, as_of: date
) -> tuple[HouseholdState, HouseholdState] | str:
    """The household by the model of today and by the change, or why it cannot be weighed."""
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


def _large(planned: Planned, rows: Sequence[HouseholdEffect], as_of: date) -> list[LargeOrder]:
    """Orders of all households together that are too large for one day, by the model's own limit."""
    shares: defaultdict[tuple[int, Side], Decimal] = defaultdict(Decimal)
    for row in rows:
        for security, wanted in row.wanted.items():
            shares[security, Side.BUY if wanted > ZERO else Side.SELL] += abs(wanted)
    facts = securities.trading_facts(planned.model.firm_id, as_of)
    volumes = {one: fact.daily_volume for one, fact in facts.items() if fact.daily_volume}
    most = selectors.limits_of_model(planned.model).slice_above
    return large_orders(shares, volumes, most)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
