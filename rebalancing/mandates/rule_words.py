"""Rules of a mandate in words: what they measure, what they allow, how a portfolio stands to them. Pure Decimal."""

from collections.abc import Mapping
from decimal import Decimal

from accounts.canonical import decimal_text
from rebalancing.mandates.rules import Rule, RuleFinding, RuleKind, State

_POINT = Decimal("0.01")


def rule_sentence(finding: RuleFinding, symbols: Mapping[int, str]) -> str:
    """One finding in words, with its figures."""
    rule = finding.rule
    what, note = subject(rule, symbols), f" ({finding.note})" if finding.note else ""
    value, band = shown(rule, finding.value), limits(rule)
    if finding.state is State.UNKNOWN:
        return f"{what} cannot be judged against {band}{note}."
    if finding.state is State.INSIDE:
        return f"{what} {value}{note}, inside {band}."
    return f"{what} {value}{note} is outside {band}, by {shown(rule, finding.by)}."


def subject(rule: Rule, symbols: Mapping[int, str]) -> str:
    """What a rule measures, in words."""
    if rule.kind is RuleKind.SECURITY:
        assert rule.security is not None  # a CHECK of the table
        return f"Weight of {symbols.get(rule.security, rule.security)}"
    words = _WORDS[rule.kind]
    return words.format(rule.subject.replace("_", " "))


def limits(rule: Rule) -> str:
    """``2 % to 10 %``, ``at least ...``, ``at most ...``: as it was set, to its last digit."""
    low, high = (None if one is None else _set(rule, one) for one in (rule.low, rule.high))
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def at_least(rule: Rule) -> str:
    """The low limit of a rule that has one."""
    assert rule.low is not None
    return f"at least {_set(rule, rule.low)}"


def at_most(rule: Rule) -> str:
    """The high limit of a rule that has one."""
    assert rule.high is not None
    return f"at most {_set(rule, rule.high)}"


def _set(rule: Rule, limit: Decimal) -> str:
    return decimal_text(limit) if rule.kind is RuleKind.NAMES else f"{decimal_text(limit * 100)} %"


def shown(rule: Rule, value: Decimal | None) -> str:
    """A value of the rule as people read it."""
    if value is None:
        return "not known"
    if rule.kind is RuleKind.NAMES:
        return str(int(value))
    return per_cent(value)


def per_cent(fraction: Decimal) -> str:
    """``12.34 %``: a measured value; limits are often whole per cents, so that it shows a narrow breach."""
    return f"{(fraction * 100).quantize(_POINT)} %"


_WORDS = {
    RuleKind.ASSET_CLASS: "Asset class {}",
    RuleKind.SECTOR: "Sector {}",
    RuleKind.CASH: "Cash",
    RuleKind.ACTIVE_WEIGHT: "Largest active weight",
    RuleKind.SINGLE_NAME: "Largest single name",
    RuleKind.TOP_TEN: "Ten largest names",
    RuleKind.NAMES: "Number of securities",
    RuleKind.TRACKING_ERROR: "Tracking error",
    RuleKind.VOLATILITY: "Volatility",
    RuleKind.FACTOR: "Active exposure to {}",
}
