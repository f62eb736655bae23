"""What rules leave an optimiser to choose from: bounds of single weights, and limits on several together. Pure Decimal.

Tracking error, volatility and the number of names are no limits of this kind: they are judged after the trades.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from rebalancing.mandates.rule_words import subject
from rebalancing.mandates.rules import (
    CASH_CLASS,
    LARGEST,
    Portfolio,
    Rule,
    RuleFinding,
    RuleKind,
    State,
    belongs,
    group_of,
    is_unsaid,
)
from rebalancing.types import ONE, ZERO, Bounds, JointBounds

Exposures = Mapping[str, Mapping[int, Decimal]]  # of a unit of each security to each factor


def weight_bounds(rules: Iterable[Rule], portfolio: Portfolio) -> dict[int, Bounds]:
    """Security -> the lowest and highest weight that hard rules allow it by itself.

    Rules of one security, and of a single name that nothing else held or wanted counts as one with. The tightest of
    several counts. Whoever solves with them widens a bound that cannot be reached to what can.
    """
    found: dict[int, Bounds] = {}
    for rule in rules:
        if not rule.is_hard:
            continue
        if rule.kind is RuleKind.SECURITY and rule.security is not None:
            names: Iterable[int] = (rule.security,)
        elif rule.kind is RuleKind.SINGLE_NAME:
            names = [one for name in _names(portfolio) if len(name) == 1 for one in name]
        else:
            continue
        low = rule.low if rule.kind is RuleKind.SECURITY else None
        for security in names:
            found[security] = found.get(security, Bounds()).tightened(low=low, high=rule.high)
    return found


def joint_bounds(
    findings: Sequence[RuleFinding], portfolio: Portfolio, exposures: Exposures
) -> tuple[JointBounds, ...]:
    """What hard rules allow several securities and cash together; ``findings`` are the rules against the portfolio.

    Broken rules about one security are among them, because these limits may give way; ``weight_bounds`` has the rest.
    What nobody has classified counts on the side where it does harm, unless the rule cannot be judged anyway. A limit
    that cannot be kept gives way to what can be reached: that is for whoever solves with them.
    """
    found: list[JointBounds] = []
    for finding in findings:
        if finding.rule.is_hard:
            found += _of(finding, portfolio, exposures)
    return tuple(one for one in found if one.low is not None or one.high is not None)


def largest_together(rule: Rule, portfolio: Portfolio) -> JointBounds:
    """The limit of a rule about the ten largest names on those that are the ten largest in this portfolio.

    A cut: every portfolio that keeps the rule keeps it too, and other names may then be the largest.
    """
    largest = sorted(_names(portfolio), key=lambda one: (-_weight(one, portfolio), min(one)))
    counted = dict.fromkeys((one for name in largest[:LARGEST] for one in name), ONE)
    return replace(_bound(rule, portfolio, counted), low=None)


def _of(finding: RuleFinding, portfolio: Portfolio, exposures: Exposures) -> list[JointBounds]:
    rule = finding.rule
    match rule.kind:
        case RuleKind.ASSET_CLASS | RuleKind.SECTOR:
            return _classified(finding, portfolio)
        case RuleKind.CASH:
            return [replace(_bound(rule, portfolio, {}), cash=ONE)]
        case RuleKind.SECURITY if finding.is_hard_breach and rule.security is not None:
            return [_bound(rule, portfolio, {rule.security: ONE})]
        case RuleKind.SINGLE_NAME:
            together = [
                dict.fromkeys(sorted(name), ONE)
                for name in _names(portfolio)
                if len(name) > 1 or finding.is_hard_breach
            ]
            return [replace(_bound(rule, portfolio, name), low=None) for name in together]
        case RuleKind.TOP_TEN:
            wanted = replace(portfolio, weights=portfolio.targets)
            return [largest_together(rule, one) for one in (portfolio, wanted)]
        case RuleKind.ACTIVE_WEIGHT if rule.high is not None:
            return [_near_target(rule, one, portfolio) for one in sorted(_everybody(portfolio))]
        case RuleKind.FACTOR if rule.subject in exposures:
            return [_active_exposure(rule, portfolio, exposures[rule.subject])]
        case _:
            return []


def _classified(finding: RuleFinding, portfolio: Portfolio) -> list[JointBounds]:
    """A floor counts what is known to belong, a ceiling also what may.

    A rule that is broken gives way, and is judged by the end of the doubt that is nearer its limit: then both ends
    have both limits, the other end's for what it is worth once this one is inside. One that cannot be judged must only
    not be broken for certain.
    """
    rule = finding.rule
    said = {one: portfolio.classes.get(one) for one in sorted(_everybody(portfolio))}
    members = {one: ONE for one, known in said.items() if belongs(rule.kind, rule.subject, known)}
    doubted = {one: ONE for one, known in said.items() if is_unsaid(rule.kind, known)}
    is_cash = rule.kind is RuleKind.ASSET_CLASS and rule.subject == CASH_CLASS
    certain = replace(_bound(rule, portfolio, members), cash=ONE if is_cash else ZERO)
    possible = replace(certain, weights={**members, **doubted})
    if finding.state is State.UNKNOWN:
        return [replace(certain, low=None), replace(possible, high=None)]
    if doubted and finding.state is State.BREACHED:
        is_above = rule.high is not None and finding.limit == rule.high
        return [
            replace(certain, is_of_doubt=not is_above),
            replace(possible, is_of_doubt=is_above),
        ]
    return [replace(certain, high=None), replace(possible, low=None)] if doubted else [certain]


def _near_target(rule: Rule, security: int, portfolio: Portfolio) -> JointBounds:
    target = portfolio.targets.get(security, ZERO)
    assert rule.high is not None
    own = _bound(rule, portfolio, {security: ONE})
    return replace(own, low=target - rule.high, high=target + rule.high)


def _active_exposure(
    rule: Rule, portfolio: Portfolio, exposure: Mapping[int, Decimal]
) -> JointBounds:
    """Limits are on the active exposure: that of the targets is added to them."""
    wanted = sum(
        (weight * exposure.get(one, ZERO) for one, weight in portfolio.targets.items()), ZERO
    )
    return replace(
        _bound(rule, portfolio, exposure),
        low=None if rule.low is None else rule.low + wanted,
        high=None if rule.high is None else rule.high + wanted,
    )


def _bound(rule: Rule, portfolio: Portfolio, weights: Mapping[int, Decimal]) -> JointBounds:
    """The rule's own limits on these weights."""
    return JointBounds(
        rule=rule.id,
        name=f"{subject(rule, portfolio.symbols)} ({rule.id})",
        weights=weights,
        low=rule.low,
        high=rule.high,
    )


def _everybody(portfolio: Portfolio) -> set[int]:
    return portfolio.weights.keys() | portfolio.targets.keys()


def _names(portfolio: Portfolio) -> list[frozenset[int]]:
    """Securities that count as one name, funds left out."""
    everybody = _everybody(portfolio)
    alone = {one for one in everybody if not _is_fund(one, portfolio)}
    return list(dict.fromkeys(group_of(one, portfolio) & alone for one in sorted(alone)))


def _is_fund(security: int, portfolio: Portfolio) -> bool:
    return security in portfolio.classes and portfolio.classes[security].is_fund


def _weight(name: frozenset[int], portfolio: Portfolio) -> Decimal:
    return sum((portfolio.weights.get(one, ZERO) for one in name), ZERO)
