"""The terms that a household is rebalanced under, read: when a proposal is made, and again when it is decided."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.canonical import canonical_text
from accounts.selectors import accounts_of
from proposals import selectors as proposal_selectors
from proposals.budgets import Budget
from proposals.costs import Commission
from proposals.models import Proposal
from proposals.types import CashFlow, Moved, Proration, Restrictions
from rebalancing import selectors
from rebalancing.household.state import Books
from rebalancing.mandates.rules import Rule, Trigger
from rebalancing.model_changes import published
from rebalancing.model_changes.recipes import ExitRule
from rebalancing.models import ModelAssignment, RiskSetting
from rebalancing.telling.moved_terms import Names, moved
from rebalancing.telling.terms import Plain, PlanTerms, RiskTerms, Terms, record
from rebalancing.transition import selectors as transition_selectors
from rebalancing.types import Limits, RiskMethod
from securities import selectors as securities

_NOTHING: Mapping[str, Any] = {}


def of_books(assigned: ModelAssignment, books: Books, rules: Sequence[Rule]) -> Terms:
    """The terms of a household whose books and rules have been read."""
    return _terms(
        assigned,
        targets=books.targets,
        exits={security: one.rule for security, one in books.exits.items()},
        policy=books.limits,
        rules=rules,
        restrictions=books.restrictions,
        flows=books.cash_flows,
        commissions=books.costs.commissions,
        year=books.as_of.year,
        today=books.as_of,
    )


def moved_since(proposal: Proposal, today: date) -> tuple[Moved, ...]:
    """What has moved of the terms since the proposal was computed, one for each kind, in words.

    Nothing where the proposal kept no terms. Cash needs are those of the proposal's day by what is on record today:
    neither the next day of the calendar nor a need that has been paid since makes other trades right.
    """
    then = json.loads(proposal.inputs).get("terms")
    if then is None:
        return ()
    household = proposal.household
    now: dict[str, Any]
    assigned = selectors.assignment(proposal.household_id)
    if assigned is None:
        now = dict.fromkeys(then) | {"model": None}
        then = {"model": then["model"]}
    else:
        found = _read(assigned, asked_on=proposal.as_of, today=today)
        now = json.loads(canonical_text(record(found)))
        if "policy" in then and not _is_for_a_factor(proposal, then["policy"]):
            now["policy"]["factor_gain_limit"] = then["policy"].get("factor_gain_limit")
    traded = {trade.security for trade in proposal_selectors.draft_trades(proposal)}
    universe = {row["id"] for row in json.loads(proposal.inputs)["securities"]} | traded
    universe |= {int(security) for security in (now["model"] or _NOTHING).get("targets", ())}
    names = Names(
        symbols=securities.symbols(household.firm_id),
        accounts={account.pk: account.name for account in accounts_of(household.pk)},
        universe=frozenset(universe),
    )
    return moved(then, now, names)


def _is_for_a_factor(proposal: Proposal, policy: Plain) -> bool:
    """Whether the limit on gains of a rebalance that only a factor opens bound the trades, or might have bound them."""
    if policy.get("factor_gain_limit") is not None:
        return proposal.explanation.get("factor_gain_limit") is not None
    # Trades for drift may name the factor as a reason too: what opened them is a broken rule.
    is_for_a_rule = bool(proposal.explanation.get("mandate"))
    return is_for_a_rule and {*Trigger} & {*proposal.reasons} == {Trigger.FACTOR}


def _read(assigned: ModelAssignment, *, asked_on: date, today: date) -> Terms:
    """The terms in force on ``today``, with the needs and the budget of the day that they are asked for."""
    household = assigned.household
    policy = selectors.limits(household, assigned.model_id)
    return _terms(
        assigned,
        targets=selectors.targets(assigned.model_id),
        exits={one: left.rule for one, left in published.exits(assigned.model_id, today).items()},
        policy=policy,
        rules=selectors.rules(assigned),
        restrictions=proposal_selectors.restrictions(household.pk, today),
        flows=proposal_selectors.cash_flows(household.pk, asked_on, days=policy.cash_need_days),
        commissions=proposal_selectors.trading_costs(household.pk, today).commissions,
        year=asked_on.year,
        today=today,
    )


def _terms(
    assigned: ModelAssignment,
    *,
    targets: Mapping[int, Decimal],
    exits: Mapping[int, ExitRule],
    policy: Limits,
    rules: Sequence[Rule],
    restrictions: Restrictions,
    flows: Sequence[CashFlow],
    commissions: Mapping[int, Commission],
    year: int,
    today: date,
) -> Terms:
    plan = _plan(assigned.household_id, today)
    return Terms(
        model=assigned.model_id,
        model_name=assigned.model.name,
        targets=targets,
        exits=exits,
        policy=policy,
        rules=rules,
        restrictions=restrictions,
        flows=flows,
        commissions=commissions,
        risk=_risk(assigned.household.firm_id),
        budget=_budget(assigned.household_id, year, plan),
        plan=plan,
    )


def _plan(household_id: int, today: date) -> PlanTerms | None:
    plan = transition_selectors.plan(household_id)
    if plan is None or today < plan.started_on:
        return None
    return PlanTerms(
        started_on=plan.started_on,
        short_limit=plan.short_limit,
        long_limit=plan.long_limit,
        tax_limit=plan.tax_limit,
    )


def _budget(household_id: int, year: int, plan: PlanTerms | None) -> Budget:
    """The limits of the year, as a plan under way tightens them: a year's first night writes these down."""
    row = proposal_selectors.gain_budget(household_id, year)
    limits = {
        name: min(
            (
                one
                for one in (getattr(row, name, None), getattr(plan, name, None))
                if one is not None
            ),
            default=None,
        )
        for name in ("short_limit", "long_limit", "tax_limit")
    }
    proration = Proration.NONE if row is None else Proration(row.proration)
    return Budget(year=year, proration=proration, **limits)


def _risk(firm_id: int) -> RiskTerms:
    setting = RiskSetting.objects.filter(firm=firm_id).first() or RiskSetting()
    method = RiskMethod(setting.method)
    is_estimated = method is not RiskMethod.SUPPLIED
    has_names = method is RiskMethod.FACTOR_ETFS
    factors = setting.factors.values_list("name", "security_id") if has_names else ()
    return RiskTerms(
        method=method,
        maximum_staleness_days=setting.maximum_staleness_days,
        minimum_coverage=setting.minimum_coverage,
        observations=setting.observations if is_estimated else None,
        half_life=setting.half_life if method is RiskMethod.EXPONENTIAL else None,
        factor_count=setting.factor_count if is_estimated and not has_names else None,
        factors=dict(factors) if has_names else None,
    )
