"""The bulk screen of a night: many households at once, so that the exact look is spared where it has nothing to find.

Only a household without any loss, with a fresh price for every taxable lot, is quiet: the exact look would take nothing
and tell nothing. One with losses under the floors is looked at exactly, because each of its loss lots has a finding.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from datetime import date

from accounts.models import Account
from accounts.types import AccountKind
from harvesting.columns import (
    AccountRow,
    account_columns,
    day_number,
    keys,
    lot_columns,
    security_columns,
)
from harvesting.models import HarvestPolicy
from harvesting.screen import screen
from harvesting.types import HarvestResult, HarvestRules, Look
from securities import selectors as securities

QUIET_REASON = "no_loss_above_floor"


def looks(*, firm_id: int, household_ids: Collection[int], as_of: date) -> dict[int, Look]:
    """Household -> what the screen says, for all that are named. Six queries."""
    rows = _accounts(household_ids)
    if not rows:
        return dict.fromkeys(household_ids, Look.SMALL)
    rules, own_rules = _rules(firm_id)
    quotes = securities.latest_prices(firm_id, as_of)
    households = keys(household_ids)
    security_ids = keys(securities.symbols(firm_id))
    found = screen(
        lot_columns(keys(row.id for row in rows), security_ids, firm_id=firm_id),
        account_columns(rows, households, rules=rules, own_rules=own_rules),
        security_columns(
            security_ids,
            quotes,
            as_of=as_of,
            oldest_days=min(one.maximum_price_age_days for one in (rules, *own_rules.values())),
        ),
        households=len(households),
        as_of=day_number(as_of),
    )
    return {
        household: Look.POSSIBLE if take else Look.QUIET if quiet else Look.SMALL
        for household, take, quiet in zip(
            households.tolist(), found.may_take.tolist(), found.is_quiet.tolist(), strict=True
        )
    }


def nothing_to_harvest(*, household_id: int, as_of: date) -> HarvestResult:
    """The answer of the exact look for a quiet household."""
    text = "No loss passes the floors: the bulk screen found no taxable lot below its basis."
    return HarvestResult(household_id, as_of, None, (), QUIET_REASON, text)


def _accounts(household_ids: Collection[int]) -> list[AccountRow]:
    rows = Account.objects.filter(household__in=household_ids).order_by("pk")
    return [
        AccountRow(pk, household, AccountKind(kind).is_taxable, managed)
        for pk, household, kind, managed in rows.values_list(
            "pk", "household_id", "kind", "tax_managed"
        )
    ]


def _rules(firm_id: int) -> tuple[HarvestRules, dict[int, HarvestRules]]:
    """The firm's rules, and those of its households with words of their own. One query."""
    policies = list(HarvestPolicy.objects.filter(firm=firm_id))
    firm = HarvestRules()
    for policy in policies:
        if policy.household_id is None:
            firm = _said(policy, firm)
    own = {one.household_id: _said(one, firm) for one in policies if one.household_id is not None}
    return firm, own


def _said(policy: HarvestPolicy, otherwise: HarvestRules) -> HarvestRules:
    said = {item.name: getattr(policy, item.name) for item in fields(HarvestRules)}
    return replace(otherwise, **{name: value for name, value in said.items() if value is not None})
