"""Households, their owners, accounts and tax profiles, the models they follow and policies of their own."""

from typing import Any

from django.db.models import Q

from accounts.models import Account, Household, Owner, TaxProfile
from accounts.types import OwnerKind
from config.setup_file.ahead import apply_cash_flows, apply_scheduled
from config.setup_file.contents import AccountEntry, BudgetEntry, HouseholdEntry, PolicyEntry
from config.setup_file.rebalance_policies import put_rebalance_policy
from config.setup_file.records import Records, differences, shown
from harvesting.models import HarvestPolicy
from lots.models import Transaction
from proposals.models import GainBudget
from rebalancing.models import ModelAssignment

_REWRITES = "it has transactions, and this would rewrite its tax history"


def apply_household(records: Records, entry: HouseholdEntry) -> None:
    """Write one household and everything in it; what stands in the way is noted."""
    household = records.put(
        Household,
        "household",
        entry.name,
        key={"firm": records.firm, "name": entry.name},
        values={},
    )
    _assign_model(records, household, entry)
    if entry.harvest_policy is not None:
        put_harvest_policy(records, entry.harvest_policy, household)
    if entry.rebalance_policy is not None:
        put_rebalance_policy(records, entry.rebalance_policy, household=household)
    for profile in entry.tax_profiles:
        records.put(
            TaxProfile,
            "tax profile",
            f"{entry.name} {profile.year}",
            key={"household": household, "year": profile.year},
            values={"filing_status": profile.filing_status, **profile.figures},
        )
    for budget in entry.budgets:
        _budget(records, household, budget)
    kinds = {one.owner: one.owner_kind for one in entry.accounts if one.owner_kind is not None}
    for account in entry.accounts:
        owner = _owner(records, household, account, kinds.get(account.owner))
        _account(records, household, owner, account)
    apply_cash_flows(records, household, entry.cash_flows)


def put_harvest_policy(
    records: Records, entry: PolicyEntry, household: Household | None = None
) -> None:
    """The firm's policy (``household`` None), or a household's own, which follows the firm's in what it leaves out."""
    records.put(
        HarvestPolicy,
        "harvest policy",
        household.name if household is not None else "of the firm",
        key={"firm": records.firm, "household": household},
        values=dict(entry.figures),
    )


def _budget(records: Records, household: Household, entry: BudgetEntry) -> None:
    """The limits of a year; what is left out stays, and is no limit where the budget is new."""
    author = records.person(f"{entry.where}.author", entry.author)
    if author is None:
        return
    opens = {} if entry.proration is None else {"proration": entry.proration.value}
    records.put(
        GainBudget,
        "budget",
        f"{household.name} {entry.year}",
        key={"household": household, "year": entry.year},
        values={**entry.figures, **opens, "reason": entry.reason, "author": author},
    )


def _assign_model(records: Records, household: Household, entry: HouseholdEntry) -> None:
    if entry.model is None:
        return
    model = records.models.get(entry.model)
    if model is None:
        records.problems.add(
            f"{entry.where}.model", f"{entry.model!r} is no model of the firm: add it to [[models]]"
        )
        return
    records.put(
        ModelAssignment,
        "model assignment",
        entry.name,
        key={"household": household},
        values={"model": model},
    )


def _owner(
    records: Records, household: Household, entry: AccountEntry, kind: OwnerKind | None
) -> Owner:
    """The account's owner. Another kind is refused once an account of theirs has transactions (R18)."""
    known = Owner.objects.filter(household=household, name=entry.owner).first()
    if known is not None and kind not in (None, known.kind) and _settled(account__owner=known):
        records.problems.add(
            f"{entry.where}.owner_kind",
            f"{entry.owner!r} is a {known.kind} on record; an account of theirs has transactions,"
            " and this would rewrite its tax history",
        )
        return known
    return records.put(
        Owner,
        "owner",
        f"{entry.owner} ({household})",
        key={"household": household, "name": entry.owner},
        values={"kind": kind},
    )


def _account(records: Records, household: Household, owner: Owner, entry: AccountEntry) -> None:
    """The account. Household, owner and kind stay once it has transactions: lots and wash sales follow from them."""
    known = Account.objects.filter(firm=records.firm, number=entry.number).first()
    facts: dict[str, Any] = {"household": household, "owner": owner, "kind": entry.kind}
    if known is not None:
        moved = differences(known, facts)
        if moved and _settled(account=known):
            _refuse_move(records, known, entry, moved)
            return
    account = records.put(
        Account,
        "account",
        entry.number,
        key={"firm": records.firm, "number": entry.number},
        values={
            **facts,
            "name": entry.name,
            "custodian": entry.custodian,
            "reinvests_dividends": entry.reinvests_dividends,
            "tax_managed": entry.tax_managed,
            "held_away": entry.held_away,
            "trades_fractions": entry.trades_fractions,
            "opened_on": entry.opened_on,
        },
    )
    apply_scheduled(records, account, entry.scheduled)


def _refuse_move(
    records: Records, known: Account, entry: AccountEntry, moved: dict[str, Any]
) -> None:
    if "household" in moved:  # then its owner is another too, which says no more
        records.problems.add(
            f"{entry.where}.number",
            f"account {known.number} is in the household {known.household.name!r} on record: {_REWRITES}",
        )
        moved = {key: value for key, value in moved.items() if key == "kind"}
    for key in moved:
        records.problems.add(
            f"{entry.where}.{key}",
            f"account {known.number} has {key} {shown(getattr(known, key))!r} on record: {_REWRITES}",
        )


def _settled(**account: object) -> bool:
    """Whether anything is booked in the account, or came into it."""
    ((path, value),) = account.items()
    into = path.replace("account", "to_account", 1)
    return Transaction.objects.filter(Q(**{path: value}) | Q(**{into: value})).exists()
