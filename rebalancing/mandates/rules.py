"""What a client, a model or the firm has agreed to keep to, and whether a portfolio does: pure Decimal (F14, F23).

A rule has a lowest and a highest value, both allowed; either may be missing. Weights are fractions of the household's
value, cash included; risks are fractions a year. What cannot be measured is neither kept nor broken: it is unknown,
with the reason. Single names and the ten largest leave funds out, and count securities of one identical group as one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from rebalancing.types import ZERO

CASH_CLASS = "cash"
LARGEST = 10


class Trigger(StrEnum):
    """Why a breach asks for a rebalance: the reason a proposal names."""

    MANDATE = "MANDATE"
    RISK_LIMIT = "RISK_LIMIT"
    FACTOR = "FACTOR"


class RuleKind(StrEnum):
    """What a rule measures."""

    ASSET_CLASS = "asset_class"
    SECTOR = "sector"
    SECURITY = "security"
    CASH = "cash"
    ACTIVE_WEIGHT = "active_weight"  # the farthest any security is from its target
    SINGLE_NAME = "single_name"
    TOP_TEN = "top_ten"
    NAMES = "names"  # how many securities are held
    TRACKING_ERROR = "tracking_error"
    VOLATILITY = "volatility"
    FACTOR = "factor"  # active exposure to one factor

    @property
    def trigger(self) -> Trigger:
        return _TRIGGERS.get(self, Trigger.RISK_LIMIT)

    @property
    def needs_risk(self) -> bool:
        """Whether only a risk model can measure it."""
        return self in _OF_RISK

    @property
    def has_subject(self) -> bool:
        """Whether a rule names an asset class, a sector or a factor."""
        return self in (RuleKind.ASSET_CLASS, RuleKind.SECTOR, RuleKind.FACTOR)


_TRIGGERS = {
    RuleKind.ASSET_CLASS: Trigger.MANDATE,
    RuleKind.SECTOR: Trigger.MANDATE,
    RuleKind.SECURITY: Trigger.MANDATE,
    RuleKind.CASH: Trigger.MANDATE,
    RuleKind.FACTOR: Trigger.FACTOR,
}
_OF_RISK = (RuleKind.TRACKING_ERROR, RuleKind.VOLATILITY, RuleKind.FACTOR)


class State(StrEnum):
    """How a portfolio stands to a rule."""

    INSIDE = "inside"
    BREACHED = "breached"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a mandate. ``key`` is its name in the mandate, unique there; a hard rule must be cured."""

    mandate: str
    key: str
    kind: RuleKind
    subject: str = ""  # the asset class, sector or factor
    security: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    is_hard: bool = True

    @property
    def id(self) -> str:
        """The rule as findings and proposals name it."""
        return f"{self.mandate}/{self.key}"


@dataclass(frozen=True, slots=True)
class Classification:
    """What a security counts as; an empty sector is one that nobody has said."""

    asset_class: str
    sector: str = ""
    is_fund: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFigures:
    """What a risk model says of a portfolio: fractions a year; exposures by the factor's name."""

    tracking_error: Decimal
    volatility: Decimal
    active_exposures: Mapping[str, Decimal] = field(default_factory=dict)  # against the targets
    exposures: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """A household as rules see it. ``weights`` of securities and ``cash`` make 1."""

    weights: Mapping[int, Decimal]
    cash: Decimal
    targets: Mapping[int, Decimal]
    classes: Mapping[int, Classification]
    symbols: Mapping[int, str]
    groups: tuple[frozenset[int], ...] = ()  # identical securities
    risk: RiskFigures | None = None
    why_no_risk: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """A rule against a portfolio. ``by`` is how far the value is beyond the limit, 0 inside; ``note`` says of whom."""

    rule: Rule
    value: Decimal | None
    state: State
    by: Decimal = ZERO
    note: str = ""

    @property
    def is_hard_breach(self) -> bool:
        return self.rule.is_hard and self.state is State.BREACHED

    @property
    def limit(self) -> Decimal | None:
        """The limit that is broken; None where none is."""
        if self.state is not State.BREACHED or self.value is None:
            return None
        rule = self.rule
        return rule.low if rule.low is not None and self.value < rule.low else rule.high


@dataclass(frozen=True, slots=True)
class _Measured:
    """A value that lies between ``value`` and ``value + doubt``; None where nothing is known."""

    value: Decimal | None
    doubt: Decimal = ZERO
    note: str = ""


def check(rules: Iterable[Rule], portfolio: Portfolio) -> tuple[RuleFinding, ...]:
    """One finding a rule, in the rules' order. Raises TypeError for a float."""
    for amount in (portfolio.cash, *portfolio.weights.values(), *portfolio.targets.values()):
        if not isinstance(amount, Decimal):
            raise TypeError(f"Weights are Decimal, not {type(amount).__name__}.")
    return tuple(_found(rule, _measure(rule, portfolio)) for rule in rules)


def breaches(rules: Iterable[Rule], portfolio: Portfolio) -> tuple[RuleFinding, ...]:
    """The hard rules that the portfolio breaks: what asks for a rebalance."""
    return tuple(one for one in check(rules, portfolio) if one.is_hard_breach)


def worsened(
    before: Sequence[RuleFinding], after: Sequence[RuleFinding], *, spent: Decimal = ZERO
) -> tuple[RuleFinding, ...]:
    """Hard rules that trades break, or break by more than before; both of the same rules in the same order.

    ``spent`` is what trading costs of the value: every weight grows by that, at most, without a trade of it, and a rule
    that is broken already is not broken further for it.

    One that was kept and cannot be judged any more counts too: trades must not lead where nobody can tell.
    """
    return tuple(now for was, now in zip(before, after, strict=True) if _is_worse(was, now, spent))


def _is_worse(was: RuleFinding, now: RuleFinding, spent: Decimal) -> bool:
    is_lost = was.state is State.INSIDE and now.state is State.UNKNOWN and now.rule.is_hard
    return is_lost or (
        now.is_hard_breach and now.by > was.by + (spent if was.is_hard_breach else ZERO)
    )


def narrowed(
    before: Sequence[RuleFinding], after: Sequence[RuleFinding], *, spent: Decimal = ZERO
) -> bool:
    """Whether trades cure a hard rule, or bring it nearer its limit, and worsen none (F23)."""
    return bool(nearer(before, after)) and not worsened(before, after, spent=spent)


def nearer(before: Sequence[RuleFinding], after: Sequence[RuleFinding]) -> tuple[RuleFinding, ...]:
    """Hard rules that are broken before the trades, and that these cure or bring nearer their limit (F23)."""
    return tuple(
        was
        for was, now in zip(before, after, strict=True)
        if was.is_hard_breach and now.state is not State.UNKNOWN and now.by < was.by
    )


def contradictions(rules: Iterable[Rule]) -> tuple[tuple[Rule, Rule], ...]:
    """Pairs of hard rules about the same thing, a floor and a ceiling below it: no portfolio keeps both."""
    hard = [rule for rule in rules if rule.is_hard]
    return tuple(
        (floor, ceiling)
        for floor in hard
        for ceiling in hard
        if (floor.kind, floor.subject, floor.security)
        == (ceiling.kind, ceiling.subject, ceiling.security)
        and floor.low is not None
        and ceiling.high is not None
        and floor.low > ceiling.high
    )


def group_of(security: int, portfolio: Portfolio) -> frozenset[int]:
    """The securities that count as one with this one, itself among them."""
    return next((one for one in portfolio.groups if security in one), frozenset({security}))


def _found(rule: Rule, measured: _Measured) -> RuleFinding:
    value, doubt = measured.value, measured.doubt
    if value is None:
        return RuleFinding(rule=rule, value=None, state=State.UNKNOWN, note=measured.note)
    least, most = _beyond(rule, value), _beyond(rule, value + doubt)
    kept = least == ZERO and most == ZERO
    # Both ends beyond the same limit: then whatever the truth is, the rule is broken.
    below = rule.low is not None and value + doubt < rule.low
    above = rule.high is not None and value > rule.high
    if kept:
        return RuleFinding(rule=rule, value=value, state=State.INSIDE, note=measured.note)
    if below or above:
        by = min(least, most)
        return RuleFinding(rule=rule, value=value, state=State.BREACHED, by=by, note=measured.note)
    return RuleFinding(rule=rule, value=value, state=State.UNKNOWN, note=measured.note)


def _beyond(rule: Rule, value: Decimal) -> Decimal:
    """How far the value is beyond the nearer limit; 0 on a limit and inside."""
    if rule.low is not None and value < rule.low:
        return rule.low - value
    if rule.high is not None and value > rule.high:
        return value - rule.high
    return ZERO


def _measure(rule: Rule, portfolio: Portfolio) -> _Measured:
    if rule.kind.needs_risk:
        return _of_risk(rule, portfolio)
    match rule.kind:
        case RuleKind.ASSET_CLASS:
            return _of_class(rule.subject, portfolio)
        case RuleKind.SECTOR:
            return _of_sector(rule.subject, portfolio)
        case RuleKind.SECURITY:
            assert rule.security is not None  # a CHECK of the table
            return _Measured(portfolio.weights.get(rule.security, ZERO))
        case RuleKind.CASH:
            return _Measured(portfolio.cash)
        case RuleKind.ACTIVE_WEIGHT:
            return _farthest(portfolio)
        case RuleKind.SINGLE_NAME:
            name, weight = largest_name(portfolio)
            return _Measured(weight, note=name)
        case RuleKind.TOP_TEN:
            return _Measured(largest_ten(portfolio))
        case _:
            return _Measured(Decimal(held_names(portfolio)))


def held_names(portfolio: Portfolio) -> int:
    """How many securities are held, funds too."""
    return sum(weight > ZERO for weight in portfolio.weights.values())


def largest_name(portfolio: Portfolio) -> tuple[str, Decimal]:
    """The name with the largest weight, funds left out; an empty name and 0 where there is none."""
    names = _names(portfolio)
    return names[0] if names else ("", ZERO)


def largest_ten(portfolio: Portfolio) -> Decimal:
    """Together the weight of the ten largest names, funds left out."""
    return sum((weight for _, weight in _names(portfolio)[:LARGEST]), ZERO)


def _names(portfolio: Portfolio) -> list[tuple[str, Decimal]]:
    """Names with their weights, the largest first; identical securities are one."""
    together: dict[frozenset[int], Decimal] = {}
    for security, weight in portfolio.weights.items():
        known = portfolio.classes.get(security)
        if weight > ZERO and not (known and known.is_fund):
            group = group_of(security, portfolio)
            together[group] = together.get(group, ZERO) + weight
    named = [
        (
            " + ".join(sorted(portfolio.symbols[one] for one in group if one in portfolio.weights)),
            weight,
        )
        for group, weight in together.items()
    ]
    return sorted(named, key=lambda one: (-one[1], one[0]))


def _of_class(asset_class: str, portfolio: Portfolio) -> _Measured:
    dollars = portfolio.cash if asset_class == CASH_CLASS else ZERO
    return _sum(
        portfolio, start=dollars, kind=RuleKind.ASSET_CLASS, subject=asset_class, what="asset class"
    )


def _of_sector(sector: str, portfolio: Portfolio) -> _Measured:
    return _sum(portfolio, start=ZERO, kind=RuleKind.SECTOR, subject=sector, what="sector")


def belongs(kind: RuleKind, subject: str, said: Classification | None) -> bool:
    """Whether a security with this classification certainly counts for a rule about a class or a sector."""
    if said is None:
        return False
    return (said.asset_class if kind is RuleKind.ASSET_CLASS else said.sector) == subject


def is_unsaid(kind: RuleKind, said: Classification | None) -> bool:
    """Whether nobody has said what such a rule asks of a security."""
    return said is None or (kind is RuleKind.SECTOR and not said.sector)


def _sum(
    portfolio: Portfolio,
    *,
    start: Decimal,
    kind: RuleKind,
    subject: str,
    what: str,
) -> _Measured:
    """The weight of what counts; what nobody has classified may count too."""
    total, doubt, names = start, ZERO, []
    for security, weight in portfolio.weights.items():
        known = portfolio.classes.get(security)
        if belongs(kind, subject, known):
            total += weight
        elif is_unsaid(kind, known) and weight > ZERO:
            doubt += weight
            names.append(portfolio.symbols[security])
    note = f"no {what} is known of {', '.join(sorted(names))}" if names else ""
    return _Measured(total, doubt, note)


def _farthest(portfolio: Portfolio) -> _Measured:
    everybody = portfolio.weights.keys() | portfolio.targets.keys()
    gaps = [
        (abs(portfolio.weights.get(one, ZERO) - portfolio.targets.get(one, ZERO)), one)
        for one in sorted(everybody)
    ]
    if not gaps:
        return _Measured(ZERO)
    gap, security = max(gaps, key=lambda one: one[0])
    return _Measured(gap, note=portfolio.symbols[security])


def _of_risk(rule: Rule, portfolio: Portfolio) -> _Measured:
    risk = portfolio.risk
    if risk is None:
        return _Measured(None, note=portfolio.why_no_risk or "there is no risk model")
    if rule.kind is RuleKind.TRACKING_ERROR:
        return _Measured(risk.tracking_error)
    if rule.kind is RuleKind.VOLATILITY:
        return _Measured(risk.volatility)
    if rule.subject not in risk.active_exposures:
        known = ", ".join(risk.active_exposures) or "none"
        return _Measured(
            None, note=f"the risk model has no factor {rule.subject!r}; it has {known}"
        )
    return _Measured(risk.active_exposures[rule.subject])
