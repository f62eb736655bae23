"""A household's ledger as the pure engine takes it."""

from collections import defaultdict

from django.db.models import Count, Max

from accounts.models import Account, Household
from accounts.types import AccountKind, OwnerKind
from lots.models import LotSelection, Transaction
from lots.selectors.policies import identical_groups, policy
from lots.types import (
    EntryKind,
    Ledger,
    LedgerAccount,
    LedgerEntry,
    LotPick,
    Relief,
)

_ENTRY_FIELDS = (
    "pk", "trade_date", "account_id", "kind", "security_id", "quantity", "amount", "fee", "block",
    "to_account_id", "holding_start", "acquired", "relief", "to_security_id", "basis_fraction",
    "market_value",
)  # fmt: skip


def ledger(household_id: int) -> Ledger:
    """Everything ``replay`` needs, in order of date and booking; ids are ``str(pk)``. Eight queries.

    Raises Household.DoesNotExist.
    """
    firm_id = Household.objects.values_list("firm_id", flat=True).get(pk=household_id)
    switches = policy(firm_id)
    return Ledger(
        entries=_entries(household_id),
        accounts=_ledger_accounts(household_id),
        groups=identical_groups(firm_id, switches),
        policy=switches,
    )


def _entries(household_id: int) -> tuple[LedgerEntry, ...]:
    picks = _picks(household_id)
    rows = Transaction.objects.filter(account__household=household_id).order_by("trade_date", "pk")
    return tuple(
        LedgerEntry(
            id=str(pk),
            trade_date=trade_date,
            account=str(account),
            kind=EntryKind(kind),
            security=None if security is None else str(security),
            quantity=quantity,
            amount=amount,
            fee=fee,
            picks=tuple(picks.get(pk, ())),
            block=block or None,
            to_account=None if to_account is None else str(to_account),
            holding_start=holding_start,
            acquired=acquired,
            relief=Relief(relief) if relief else None,
            to_security=None if to_security is None else str(to_security),
            basis_fraction=basis_fraction,
            market_value=market_value,
        )
        for (
            pk, trade_date, account, kind, security, quantity, amount, fee, block, to_account,
            holding_start, acquired, relief, to_security, basis_fraction, market_value,
        ) in rows.values_list(*_ENTRY_FIELDS)
    )  # fmt: skip


def _picks(household_id: int) -> dict[int, list[LotPick]]:
    picks: defaultdict[int, list[LotPick]] = defaultdict(list)
    rows = LotSelection.objects.filter(transaction__account__household=household_id).order_by("pk")
    for sale, opening, quantity, part in rows.values_list(
        "transaction_id", "opening_id", "quantity", "part"
    ):
        picks[sale].append(LotPick(lot=str(opening), quantity=quantity, part=part))
    return picks


def _ledger_accounts(household_id: int) -> tuple[LedgerAccount, ...]:
    rows = Account.objects.filter(household=household_id).order_by("pk")
    return tuple(
        LedgerAccount(
            id=str(pk), kind=AccountKind(kind), owner=str(owner), owner_kind=OwnerKind(owner_kind)
        )
        for pk, kind, owner, owner_kind in rows.values_list("pk", "kind", "owner_id", "owner__kind")
    )


def ledger_stamp(household_id: int) -> str:
    """Changes whenever a transaction of the household is booked: bookings hold its lock, so keys only grow."""
    facts = Transaction.objects.filter(account__household=household_id).aggregate(
        rows=Count("pk"), last=Max("pk")
    )
    return f"{facts['rows']}:{facts['last'] or 0}"
