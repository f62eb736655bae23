"""Windows as people read them."""

from datetime import date

from django.db.models import Sum

from accounts.models import Account, Household
from lots import selectors as lot_selectors
from lots.models import TaxLot
from lots.wash_sales import first_clear_date
from proposals.selectors.open_windows import windows
from proposals.types import (
    WindowKind,
    WindowRow,
    Windows,
)
from proposals.windows import (
    Groups,
    identical_to,
)
from securities import selectors as securities


def window_rows(household_id: int, as_of: date) -> list[WindowRow]:
    """Every open window of the household and everything ahead that endangers a loss, soonest clear first."""
    household = Household.objects.get(pk=household_id)
    symbols = securities.symbols(household.firm_id)
    found = windows(household_id, as_of)
    rows = [
        WindowRow(
            security=security,
            symbol=symbols[security],
            what=WindowKind.NO_BUY,
            shares=block.shares,
            clear_on=block.clear_on,
            cause=_sentence(block.cause),
            permanent=False,
            opened_by=block.opened_by,
        )
        for security, block in found.buy_blocked.items()
        if block.is_window
    ]
    rows += [
        WindowRow(
            security=security,
            symbol=symbols[security],
            what=WindowKind.NO_LOSS_SALE,
            shares=sell.shares,
            clear_on=sell.clear_on,
            cause=_sentence(sell.cause),
            permanent=sell.permanent,
            is_endless=sell.is_endless,
            opened_by=sell.opened_by,
        )
        for security, sell in found.sell_blocked.items()
    ]
    rows += _plan_rows(found, symbols)
    rows += _reinvestment_rows(household, as_of, found, symbols)
    return sorted(rows, key=lambda row: (row.clear_on, row.symbol, row.what))


def _plan_rows(found: Windows, symbols: dict[int, str]) -> list[WindowRow]:
    """Scheduled purchases that would wash a loss taken already (F31)."""
    rows = []
    for one in found.coming:
        block = found.buy_blocked.get(one.security)
        if one.is_reinvestment or block is None or not block.is_window:
            continue
        if one.day < block.clear_on:
            rows.append(
                WindowRow(
                    security=one.security,
                    symbol=symbols[one.security],
                    what=WindowKind.PLAN,
                    shares=one.shares,
                    clear_on=block.clear_on,
                    cause=_sentence(
                        f"{one.cause}: suspend it until {block.clear_on}, because {block.cause}"
                    ),
                    permanent=one.retirement,
                )
            )
    return rows


def _reinvestment_rows(
    household: Household, as_of: date, found: Windows, symbols: dict[int, str]
) -> list[WindowRow]:
    """Accounts that reinvest dividends of a security whose loss was just taken, or could be taken today (R25)."""
    held = (
        TaxLot.objects.filter(account__household=household, account__reinvests_dividends=True)
        .values("account_id", "security_id")
        .annotate(shares=Sum("quantity"))
        .order_by("account_id", "security_id")
    )
    accounts = {account.pk: account for account in Account.objects.filter(household=household)}
    groups = lot_selectors.identical_sets(household.firm_id, as_of)
    losses = _with_unrealised_loss(household, as_of, accounts, groups) if held else frozenset()
    rows = []
    for row in held:
        account, security = accounts[row["account_id"]], row["security_id"]
        block = found.buy_blocked.get(security)
        if block is not None and not block.is_window:
            block = None  # restricted: nobody buys, but the dividend does
        if block is None and security not in losses:
            continue
        clear_on = block.clear_on if block else first_clear_date(as_of)
        why = block.cause if block else "a loss sold today would be washed by the next dividend"
        rows.append(
            WindowRow(
                security=security,
                symbol=symbols[security],
                what=WindowKind.REINVESTMENT,
                shares=row["shares"],
                clear_on=clear_on,
                cause=f"Reinvestment is on in {account.name}: switch it off until {clear_on}, "
                f"because {why}.",
                permanent=not account.is_taxable,
            )
        )
    return rows


def _with_unrealised_loss(
    household: Household, as_of: date, accounts: dict[int, Account], groups: Groups
) -> frozenset[int]:
    """Securities, identical ones included, of which a taxable account holds a lot below its basis."""
    quotes = securities.latest_prices(household.firm_id, as_of)
    found: set[int] = set()
    for lot in lot_selectors.open_lots(household.pk):
        quote = quotes.get(lot.security)
        if quote and accounts[lot.account].is_taxable and lot.quantity * quote.price < lot.basis:
            found |= identical_to(lot.security, groups)
    return frozenset(found)


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
