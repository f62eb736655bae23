"""Reads of the ledger and of the tables derived from it."""

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet, Sum

from accounts import access
from accounts.models import Account, Household, User
from accounts.selectors import tax_profile
from accounts.types import AccountKind, FilingStatus, OwnerKind
from lots.booking import Names
from lots.importers.directory import Directory
from lots.models import Disposal, ImportedFile, LotSelection, TaxLot, Transaction
from lots.types import (
    EntryKind,
    Ledger,
    LedgerAccount,
    LedgerEntry,
    LotPick,
    LotRow,
    Policy,
    Source,
    Term,
    YearToDate,
)
from lots.year_tax import TaxPosition, capital_loss_limit
from securities import selectors as securities
from securities.models import Security

_ENTRY_FIELDS = (
    "pk", "trade_date", "account_id", "kind", "security_id", "quantity", "amount", "fee", "block",
    "to_account_id", "holding_start", "acquired",
)  # fmt: skip
_LOT_FIELDS = (
    "opening_id", "part", "account_id", "security_id", "acquired", "holding_start", "quantity", "basis",
)  # fmt: skip
# What a transaction does to its account's cash: the sign of its amount; its fee always goes out.
_CASH_SIGNS = {
    EntryKind.BUY: -1,
    EntryKind.SELL: 1,
    EntryKind.CASH_IN: 1,
    EntryKind.CASH_OUT: -1,
    EntryKind.FEE: -1,
}


def ledger(household_id: int) -> Ledger:
    """Everything ``replay`` needs, in order of date and booking; ids are ``str(pk)``. Five queries.

    Raises Household.DoesNotExist.
    """
    firm_id = Household.objects.values_list("firm_id", flat=True).get(pk=household_id)
    return Ledger(
        entries=_entries(household_id),
        accounts=_ledger_accounts(household_id),
        groups=tuple(frozenset(map(str, group)) for group in securities.identical_groups(firm_id)),
        policy=Policy(),
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
        )
        for (
            pk, trade_date, account, kind, security, quantity, amount, fee, block, to_account,
            holding_start, acquired,
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


def open_lots(household_id: int) -> list[LotRow]:
    """The lots the household holds, by acquisition date, opening transaction and part."""
    rows = TaxLot.objects.filter(account__household=household_id)
    return [
        LotRow(*row)
        for row in rows.order_by("acquired", "opening_id", "part").values_list(*_LOT_FIELDS)
    ]


def realized(household_id: int, year: int, *, source: Source | None = None) -> YearToDate:
    """Allowed gain or loss of the sales in taxable accounts with a trade date in the year (R6).

    With ``source`` only of the sales that it told of.
    """
    sales = Disposal.objects.filter(
        account__household=household_id, is_taxable=True, trade_date__year=year
    )
    if source is not None:
        sales = sales.filter(sale__source=source)
    rows = (
        sales.order_by()
        .values_list("term")
        .annotate(total=Sum(F("proceeds") - F("basis") + F("disallowed")))
    )
    by_term: dict[str, Decimal] = dict(rows)
    return YearToDate(
        short=by_term.get(Term.SHORT, Decimal(0)), long=by_term.get(Term.LONG, Decimal(0))
    )


def tax_position(household_id: int, year: int) -> TaxPosition | None:
    """Rates and the year so far: realised here, outside gains, carryovers in. None without a tax profile."""
    profile = tax_profile(household_id, year)
    if profile is None:
        return None
    so_far = realized(household_id, year)
    return TaxPosition(
        short_rate=profile.short_rate,
        long_rate=profile.long_rate,
        ordinary_rate=profile.ordinary_rate,
        loss_limit=capital_loss_limit(FilingStatus(profile.filing_status)),
        carried_loss_value=profile.carried_loss_value,
        short=so_far.short + profile.short_outside - profile.short_carryover,
        long=so_far.long + profile.long_outside - profile.long_carryover,
    )


def cash(household_id: int) -> dict[int, Decimal]:
    """Account -> dollars of cash that follow from its ledger; negative where deposits were never booked."""
    rows = (
        Account.objects.filter(household=household_id)
        .order_by("pk")
        .values_list("pk", "transactions__kind")
        .annotate(amount=Sum("transactions__amount"), fee=Sum("transactions__fee"))
    )
    balances: dict[int, Decimal] = {}
    for account, kind, amount, fee in rows:
        balance = balances.setdefault(account, Decimal(0))
        if kind in _CASH_SIGNS:
            balances[account] = balance + _CASH_SIGNS[EntryKind(kind)] * amount - fee
    return balances


def accounts_named(text: str, *, firm_id: int | None = None) -> list[Account]:
    """Accounts with this number or public id: of one firm at most one, of all firms perhaps several."""
    wanted = Q(number=text)
    with suppress(ValueError):
        wanted |= Q(public_id=UUID(text))
    rows = Account.objects.filter(wanted).select_related("firm", "household")
    return list(rows if firm_id is None else rows.filter(firm=firm_id))


def names(household_id: int) -> Names:
    """What people call the accounts, securities and transactions of a household's ledger."""
    rows = Transaction.objects.filter(account__household=household_id)
    shares = rows.exclude(security=None).order_by().distinct()
    return Names(
        accounts={
            str(pk): number
            for pk, number in Account.objects.filter(household=household_id).values_list(
                "pk", "number"
            )
        },
        securities={
            str(pk): symbol for pk, symbol in shares.values_list("security_id", "security__symbol")
        },
        entries={str(pk): name for pk, name in rows.values_list("pk", "external_id")},
    )


def directory(firm_id: int, account: Account | None = None) -> Directory:
    """What names in a file mean for the firm; ``account`` is the one the file is imported into."""
    accounts: dict[str, int] = {}
    for pk, number, public_id in Account.objects.filter(firm=firm_id).values_list(
        "pk", "number", "public_id"
    ):
        accounts[str(public_id)] = pk
        accounts[number] = pk
    symbols, cusips, isins = {}, {}, {}
    for pk, symbol, cusip, isin in Security.objects.filter(firm=firm_id).values_list(
        "pk", "symbol", "cusip", "isin"
    ):
        symbols[symbol], cusips[cusip], isins[isin] = pk, pk, pk
    return Directory(
        accounts=accounts,
        symbols=symbols,
        cusips=cusips,
        isins=isins,
        account=account.pk if account is not None else None,
        account_number=account.number if account is not None else "",
    )


def imported_files(user: User) -> QuerySet[ImportedFile]:
    """The files booked for the user's firm, newest first."""
    return access.visible(user, ImportedFile).order_by("-imported_at", "-pk")


def tax_lots(user: User) -> QuerySet[TaxLot]:
    """The lots held in the user's firm, oldest first, with what names them."""
    rows = access.visible(user, TaxLot).select_related("account", "security", "opening__account")
    return rows.order_by("acquired", "opening", "part")


def transactions(user: User) -> QuerySet[Transaction]:
    """The booked transactions of the user's firm in their order, with the lots they identify."""
    selections = LotSelection.objects.select_related("opening__account").order_by("pk")
    return (
        access.visible(user, Transaction)
        .select_related("account", "security", "to_account")
        .prefetch_related(Prefetch("selections", selections))
        .order_by("trade_date", "pk")
    )
