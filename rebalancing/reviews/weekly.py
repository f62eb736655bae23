"""The weekly review of one household: drift, risk, factors and concentration against model and mandate (F14)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rebalancing.mandates import rules as mandates
from rebalancing.mandates.rule_words import per_cent, rule_sentence
from rebalancing.mandates.rules import Portfolio, RuleFinding, State
from rebalancing.policies.drift import Drift
from rebalancing.reviews.drift_words import names_out, weight_and_band
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit, note
from rebalancing.types import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyFacts:
    """What is measured of a household on the day of its review."""

    drift: Drift
    portfolio: Portfolio
    rules: Sequence[RuleFinding]


def findings(facts: WeeklyFacts) -> tuple[NewFinding, ...]:
    """The lines of the review, broken rules first."""
    symbols = facts.portfolio.symbols
    return (
        *(of_rule(one, symbols) for one in facts.rules),
        *of_drift(facts.drift, symbols),
        *_risk(facts.portfolio, facts.rules),
        *concentration(facts.portfolio),
    )


def of_rule(found: RuleFinding, symbols: Mapping[int, str]) -> NewFinding:
    """A rule of the mandate; a broken soft one is flagged."""
    state = FindingState(found.state.value)
    if found.state is State.BREACHED and not found.rule.is_hard:
        state = FindingState.FLAGGED
    is_count = found.rule.kind is mandates.RuleKind.NAMES
    return NewFinding(
        topic=Topic.RULE,
        key=found.rule.id,
        state=state,
        sentence=rule_sentence(found, symbols),
        unit=Unit.COUNT if is_count else Unit.FRACTION,
        value=found.value,
        low=found.rule.low,
        high=found.rule.high,
        by=found.by,
        is_hard=found.rule.is_hard,
    )


def of_drift(drift: Drift, symbols: Mapping[int, str]) -> Iterator[NewFinding]:
    """The largest drift, and cash; a name or cash out of its band is a breach."""
    out = [row for row in drift.rows if row.breached]
    row = max(out, key=lambda one: abs(one.drift)) if out else drift.largest
    if row is not None:
        told = weight_and_band(symbols[row.security], row.weight, row.target, row.low, row.high)
        many = f"; {names_out(len(out))}" if len(out) > 1 else ""
        yield NewFinding(
            topic=Topic.DRIFT,
            key=symbols[row.security],
            state=FindingState.BREACHED if out else FindingState.INSIDE,
            sentence=f"{told}{many}.",
            value=row.weight,
            low=row.low,
            high=row.high,
            by=max(row.low - row.weight, row.weight - row.high, ZERO),
        )
    yield NewFinding(
        topic=Topic.CASH,
        key="cash",
        state=FindingState.BREACHED if drift.cash_breached else FindingState.INSIDE,
        sentence=f"Cash is {per_cent(drift.cash_weight)}, its band {per_cent(drift.cash_low)} to "
        f"{per_cent(drift.cash_high)}.",
        value=drift.cash_weight,
        low=drift.cash_low,
        high=drift.cash_high,
        by=max(drift.cash_low - drift.cash_weight, drift.cash_weight - drift.cash_high, ZERO),
    )


def _risk(portfolio: Portfolio, rules: Sequence[RuleFinding]) -> Iterator[NewFinding]:
    risk = portfolio.risk
    if risk is None:
        yield NewFinding(
            topic=Topic.RISK,
            key="risk model",
            state=FindingState.UNKNOWN,
            sentence=f"Risk and factor exposures are not known: {portfolio.why_no_risk}",
        )
        return
    yield note(
        Topic.RISK,
        "tracking error",
        risk.tracking_error,
        f"Tracking error against the model is {per_cent(risk.tracking_error)} a year.",
    )
    yield note(
        Topic.RISK,
        "volatility",
        risk.volatility,
        f"Volatility is {per_cent(risk.volatility)} a year.",
    )
    for factor, active in risk.active_exposures.items():
        own = risk.exposures[factor]
        low, high = factor_limits(factor, rules)
        line = note(
            Topic.FACTOR,
            factor,
            active,
            f"Exposure to {factor}: {per_cent(own)}, the model's {per_cent(own - active)}, active "
            f"{per_cent(active)}.",
        )
        yield replace(line, low=low, high=high)


def factor_limits(
    factor: str, rules: Sequence[RuleFinding]
) -> tuple[Decimal | None, Decimal | None]:
    """The tightest limits of the factor's active exposure over all rules that bind it; None: there is none.

    The line of the factor stays a note: what a rule says of it has a line of its own.
    """
    mine = [
        one.rule
        for one in rules
        if one.rule.kind is mandates.RuleKind.FACTOR and one.rule.subject == factor
    ]
    lows = [rule.low for rule in mine if rule.low is not None]
    highs = [rule.high for rule in mine if rule.high is not None]
    return max(lows, default=None), min(highs, default=None)


def concentration(portfolio: Portfolio) -> Iterator[NewFinding]:
    """The largest name, the ten largest, and how many securities there are."""
    name, weight = mandates.largest_name(portfolio)
    said = f"The largest single name is {name}, {per_cent(weight)}." if name else "No single names."
    yield note(Topic.CONCENTRATION, "single name", weight, said)
    ten = mandates.largest_ten(portfolio)
    yield note(
        Topic.CONCENTRATION, "ten largest", ten, f"The ten largest names are {per_cent(ten)}."
    )
    held = mandates.held_names(portfolio)
    yield NewFinding(
        topic=Topic.CONCENTRATION,
        key="securities held",
        state=FindingState.NOTE,
        sentence=f"{held} securit{'y is' if held == 1 else 'ies are'} held.",
        unit=Unit.COUNT,
        value=Decimal(held),
    )
