"""Which rules of mandates new weights of a model break by themselves: told before anybody publishes them (F23).

The weights are looked at as a portfolio that holds exactly them: a household whose own mandate they break will be
rebalanced away from its model, or not at all. A recipe keeps the rules of the firm and of the model; a list made by
hand, or a file of constituents, is drafted as it is and told here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from lots import selectors as lot_selectors
from rebalancing import selectors
from rebalancing.errors import RebalancingError
from rebalancing.mandates import rules as mandates
from rebalancing.mandates.rule_words import rule_sentence
from rebalancing.mandates.rules import Portfolio, Rule, RuleFinding, State
from rebalancing.model_changes.model_drafts import portfolio_of_weights
from rebalancing.models import ModelAssignment, TargetModel
from rebalancing.risk_data.risk_models import risk_of
from rebalancing.types import ZERO
from securities import selectors as securities


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that the new weights break, or that nobody can judge; ``whose`` names a household, or nobody."""

    rule: str
    whose: str
    sentence: str
    is_hard: bool
    is_unknown: bool
    is_old: bool  # the present weights stand to it as badly


def broken_rules(
    model: TargetModel,
    *,
    before: Mapping[int, Decimal],
    after: Mapping[int, Decimal],
    followers: Sequence[ModelAssignment],
    as_of: date,
) -> tuple[BrokenRule, ...]:
    """The rules that ``after`` breaks: those of the firm and the model, then each household's own."""
    everybody = selectors.rules_of_model(model)
    own = selectors.own_rules(model.firm_id, [one.household_id for one in followers])
    rules = [*everybody, *(rule for found in own.values() for rule in found)]
    if not rules:
        return ()
    needs_risk = any(rule.kind.needs_risk for rule in rules)
    now, then = (
        _portfolio(model, weights, as_of, needs_risk=needs_risk) for weights in (before, after)
    )
    found = _broken(everybody, now, then, whose="")
    for one in followers:
        found += _broken(own.get(one.household_id, ()), now, then, whose=one.household.name)
    return tuple(found)


def _broken(
    rules: Sequence[Rule], now: Portfolio, then: Portfolio, *, whose: str
) -> list[BrokenRule]:
    return [
        BrokenRule(
            rule=after.rule.id,
            whose=whose,
            sentence=rule_sentence(after, then.symbols),
            is_hard=after.rule.is_hard,
            is_unknown=after.state is State.UNKNOWN,
            is_old=_is_old(before, after),
        )
        for before, after in zip(
            mandates.check(rules, now), mandates.check(rules, then), strict=True
        )
        if after.state is State.BREACHED or (after.state is State.UNKNOWN and after.rule.is_hard)
    ]


def _is_old(before: RuleFinding, after: RuleFinding) -> bool:
    return before.state is after.state and before.by >= after.by


def _portfolio(
    model: TargetModel, weights: Mapping[int, Decimal], as_of: date, *, needs_risk: bool
) -> Portfolio:
    held = {security: weight for security, weight in weights.items() if weight > ZERO}
    risk, why = None, ""
    if needs_risk:
        try:
            risk = risk_of(model.firm_id, as_of, sorted(held))
        except RebalancingError as error:
            why = str(error)
    found = portfolio_of_weights(
        held,
        selectors.classes(model.firm_id),
        securities.symbols(model.firm_id),
        risk=risk,
        why_no_risk=why,
    )
    groups = lot_selectors.merged_sets(lot_selectors.identical_sets(model.firm_id, as_of))
    return replace(found, groups=groups)
