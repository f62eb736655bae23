"""What people and files call accounts, securities and transactions."""

from contextlib import suppress
from uuid import UUID

from django.db.models import Q

from accounts.models import Account
from lots.booking import Names
from lots.importers.directory import Directory
from lots.models import Transaction
from securities.models import Security


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
    successors = rows.exclude(to_security=None).order_by().distinct()
    return Names(
        accounts={
            str(pk): number
            for pk, number in Account.objects.filter(household=household_id).values_list(
                "pk", "number"
            )
        },
        securities={
            str(pk): symbol
            for pk, symbol in (
                *shares.values_list("security_id", "security__symbol"),
                *successors.values_list("to_security_id", "to_security__symbol"),
            )
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
