"""Every key of a policy is a term of what it decides, or is known not to be one: none is forgotten."""

from dataclasses import fields, replace
from decimal import Decimal as D
from enum import Enum
from typing import Any

from rebalancing import selectors
from rebalancing.policies import policy_words
from rebalancing.policies.policy import BandType, Horizon
from rebalancing.types import Limits

# How orders are handled, and what approvals ask by itself: prices that are old, needs of cash, bands of one security.
NO_TERMS = {"slice_above", "spread_limit", "maximum_price_age_days", "cash_need_days", "bands"}


def other(value: object) -> object:
    """Another value of the same type."""
    if isinstance(value, Enum):
        return next(one for one in type(value) if one is not value)
    if isinstance(value, bool):
        return not value
    return D(1) if value is None else value + 1  # type: ignore[operator]  # days, or a Decimal


def test_a_policy_that_says_something_else_reads_otherwise() -> None:
    policy = replace(selectors.resolved([]), band_type=BandType.TIGHTER, horizon=Horizon.ONE)
    silent = {"bands"}  # told one by one
    for name in {item.name for item in fields(Limits)} - silent:
        change: dict[str, Any] = {name: other(getattr(policy, name))}
        if policy_words.terms(replace(policy, **change)) == policy_words.terms(policy):
            silent.add(name)
    assert silent == NO_TERMS
