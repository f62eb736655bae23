"""A household's ledger as the pure engine takes it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date

from django.db.models import Count, Max, Q

from accounts.one_look import read_once
from accounts.selectors import accounts_of, firm_of
from accounts.types import AccountKind, OwnerKind
from lots.models import LotSelection, Transaction
from lots.selectors.policies import identical_groups, policy
from lots.types import (
    DatedGroup,
    EntryKind,
    Ledger,
    LedgerAccount,
    LedgerEntry,
    LotPick,
    Relief,
)
from securities.identity import connected

_ENTRY_FIELDS = (
    "pk", "trade_date", "account_id", "kind", "security_id", "quantity", "amount", "fee", "block",
    "to_account_id", "holding_start", "acquired", "relief", "to_security_id", "basis_fraction",
    "market_value",
)  # fmt: skip


@read_once
def ledger(household_id: int, *, securities: Collection[int | None] | None = None) -> Ledger:
    """Everything ``replay`` needs, in order of date and booking; ids are ``str(pk)``. Eight queries.

    With ``securities`` only the entries that trade one of them, and for None among them those of cash; they make
    sense where they are a whole market (``market``). Raises Household.DoesNotExist.
    """
    firm_id = firm_of(household_id)
    switches = policy(firm_id)
    return Ledger(
        entries=_entries(household_id, securities),
        accounts=_ledger_accounts(household_id),
        groups=identical_groups(firm_id, switches),
        policy=switches,
    )


def market(household_id: int, securities: Collection[int]) -> frozenset[int]:
    """The securities of the household's trades that what follows from trades in ``securities`` can depend on.

    Identical ones, on whatever day, and those that a rename, merger or spin-off joins, again and again.
    """
    firm_id = firm_of(household_id)
    identical = [
        {int(name) for name in (one.securities() if isinstance(one, DatedGroup) else one)}
        for one in identical_groups(firm_id)
    ]
    joined = Transaction.objects.filter(account__household=household_id).exclude(to_security=None)
    pairs = joined.order_by().values_list("security_id", "to_security_id").distinct()
    whole = connected([*identical, *({old, new} for old, new in pairs if old is not None and new)])
    return frozenset(securities).union(*(one for one in whole if one.intersection(securities)))


@read_once
def succeeded(household_id: int) -> dict[int, frozenset[int]]:
    """Security -> what its shares became by the household's renames and mergers, again and again.

    What a spin-off brings is not among them: these shares were not bought.
    """
    rows = Transaction.objects.filter(
        account__household=household_id,
        kind__in=[EntryKind.RENAME, EntryKind.MERGE],
        to_security__isnull=False,
    )
    direct: defaultdict[int | None, set[int]] = defaultdict(set)
    for old, new in rows.order_by().values_list("security_id", "to_security_id").distinct():
        direct[old].add(new)
    return {old: _reached(old, direct) for old in direct if old is not None}


def _reached(security: int, direct: Mapping[int | None, Collection[int]]) -> frozenset[int]:
    found, waiting = set[int](), [security]
    while waiting:
        for new in direct.get(waiting.pop(), ()):
            if new not in found:
                found.add(new)
                waiting.append(new)
    return frozenset(found)


def traders(securities: Collection[int]) -> tuple[int, ...]:
    """The households that ever traded one of the securities, ascending: what is identical to it concerns them."""
    rows = Transaction.objects.filter(Q(security__in=securities) | Q(to_security__in=securities))
    return tuple(sorted(set(rows.order_by().values_list("account__household_id", flat=True))))


def _entries(
    household_id: int, securities: Collection[int | None] | None
) -> tuple[LedgerEntry, ...]:
    rows = Transaction.objects.filter(account__household=household_id).order_by("trade_date", "pk")
    if securities is not None:
        traded = Q(security__in=[security for security in securities if security is not None])
        rows = rows.filter(traded | Q(security=None) if None in securities else traded)
    picks = _picks(household_id, securities)
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


def _picks(
    household_id: int, securities: Collection[int | None] | None
) -> dict[int, list[LotPick]]:
    picks: defaultdict[int, list[LotPick]] = defaultdict(list)
    rows = LotSelection.objects.filter(transaction__account__household=household_id).order_by("pk")
    if securities is not None:
        traded = [security for security in securities if security is not None]
        rows = rows.filter(transaction__security__in=traded)
    for sale, opening, quantity, part in rows.values_list(
        "transaction_id", "opening_id", "quantity", "part"
    ):
        picks[sale].append(LotPick(lot=str(opening), quantity=quantity, part=part))
    return picks


def _ledger_accounts(household_id: int) -> tuple[LedgerAccount, ...]:
    return tuple(
        LedgerAccount(
            id=str(row.pk),
            kind=AccountKind(row.kind),
            owner=str(row.owner_id),
            owner_kind=OwnerKind(row.owner.kind),
        )
        for row in accounts_of(household_id)
    )


def ledger_stamp(household_id: int) -> str:
    """Changes whenever a transaction of the household is booked: bookings hold its lock, so keys only grow."""
    facts = Transaction.objects.filter(account__household=household_id).aggregate(
        rows=Count("pk"), last=Max("pk")
    )
    return _stamp(facts["rows"], facts["last"])


def ledger_stamps(household_ids: Collection[int]) -> dict[int, str]:
    """Household -> its ``ledger_stamp``, for all that are named. One query."""
    rows = (
        Transaction.objects.filter(account__household__in=household_ids)
        .order_by()
        .values_list("account__household_id")
        .annotate(rows=Count("pk"), last=Max("pk"))
    )
    booked = {household: _stamp(count, last) for household, count, last in rows}
    return {household: booked.get(household, _stamp(0, None)) for household in household_ids}


def runs_past(day: date, *, household_id: int | None = None, firm_id: int | None = None) -> bool:
    """Whether anything has been booked of a later day: what is held is then not what was held on the day. One query."""
    rows = Transaction.objects.filter(trade_date__gt=day)
    whose = (
        {"account__firm": firm_id} if household_id is None else {"account__household": household_id}
    )
    return rows.filter(**whose).exists()


def _stamp(rows: int, last: int | None) -> str:
    return f"{rows}:{last or 0}"
