"""The terms that a rebalance was decided under, as a record that an approval compares with today's: pure Decimal (T46).

Terms are what people have set: model, policy, mandates, restrictions, cash needs, commissions, the risk setting, the
budget of gains and a transition plan. What the market or the ledger brings (prices, lots, spreads, returns) is no term
and is asked elsewhere. A record is plain values, kind by kind, and goes into the inputs of a proposal;
``rebalancing.telling.moved_terms`` tells what differs between two of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from proposals.budgets import Budget
from proposals.costs import Commission
from proposals.types import CashFlow, RestrictionKind, Restrictions
from rebalancing.mandates.rules import Rule
from rebalancing.model_changes.recipes import ExitRule
from rebalancing.policies.policy import (
    BandType,
    Cadence,
    CashFlows,
    Destination,
    Horizon,
    PolicyKind,
)
from rebalancing.types import Band, Limits, RiskMethod

Plain = Mapping[str, Any]  # as read back from canonical text


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTerms:
    """How the firm's risk model is made; what does not bear on the method is left out. Days and fractions."""

    method: RiskMethod
    maximum_staleness_days: int
    minimum_coverage: Decimal
    observations: int | None = None
    half_life: int | None = None
    factor_count: int | None = None
    factors: Mapping[str, int] | None = None  # name -> security


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """A transition plan under way: dollars of a year, None = no limit."""

    started_on: date
    short_limit: Decimal | None
    long_limit: Decimal | None
    tax_limit: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All terms of one household on one day; ids are primary keys. ``budget`` is as a plan under way tightens it."""

    model: int
    model_name: str
    targets: Mapping[int, Decimal]  # as the model says them, restrictions not counted
    exits: Mapping[int, ExitRule]
    policy: Limits
    rules: Sequence[Rule]
    restrictions: Restrictions
    flows: Sequence[CashFlow]
    commissions: Mapping[int, Commission]  # by account
    risk: RiskTerms
    budget: Budget
    plan: PlanTerms | None


def record(terms: Terms) -> dict[str, object]:
    """The terms kind by kind, as values that have a canonical text."""
    return {
        "model": {
            "id": terms.model,
            "name": terms.model_name,
            "targets": dict(sorted(terms.targets.items())),
            "exits": dict(sorted(terms.exits.items())),
        },
        "policy": _fields(terms.policy)
        | {"bands": {one: _fields(band) for one, band in sorted(terms.policy.bands.items())}},
        "mandates": [_fields(rule) for rule in sorted(terms.rules, key=lambda rule: rule.id)],
        "restrictions": _tightest(terms.restrictions),
        "cash_needs": [
            [flow.kind, flow.account, flow.due_on, flow.amount]
            for flow in terms.flows
            if flow.kind.is_need
        ],
        "commissions": {one: _fields(paid) for one, paid in sorted(terms.commissions.items())},
        "risk": _fields(terms.risk),
        "budget": {
            "year": terms.budget.year,
            "limits": {limit.value: most for limit, most in terms.budget.whole_limits.items()},
            "proration": terms.budget.proration,
        },
        "plan": None if terms.plan is None else _fields(terms.plan),
    }


def _tightest(found: Restrictions) -> list[list[object]]:
    """Security, kind, account and limit; of several on one thing the tightest, whoever said it."""
    tightest: dict[tuple[int, RestrictionKind, int | None], Decimal | None] = {}
    for row in found.rows:
        key = (row.security, row.kind, row.account)
        known = tightest.get(key, row.limit)
        is_tighter = known is None or row.limit is None or row.limit < known
        tightest[key] = row.limit if is_tighter else known
    return [[*key, limit] for key, limit in sorted(tightest.items(), key=lambda one: str(one[0]))]


_WORDS = {
    "kind": PolicyKind,
    "cadence": Cadence,
    "band_type": BandType,
    "destination": Destination,
    "cash_flows": CashFlows,
    "horizon": Horizon,
}


def limits_of(policy: Plain) -> Limits:
    """The policy of a record."""
    said: dict[str, Any] = {}
    for field in fields(Limits):
        value = policy.get(field.name)
        if field.name == "bands" or value is None:
            continue
        if field.name in _WORDS:
            value = _WORDS[field.name](value)
        elif isinstance(value, str):  # a Decimal's text; days and yes or no are themselves
            value = Decimal(value)
        said[field.name] = value
    bands = {
        int(security): Band(
            BandType(one["type"]), Decimal(one["absolute"]), Decimal(one["relative"])
        )
        for security, one in policy["bands"].items()
    }
    return Limits(**said, bands=bands)


def _fields(value: object) -> dict[str, object]:
    return {item.name: getattr(value, item.name) for item in fields(value)}  # type: ignore[arg-type]  # dataclasses
