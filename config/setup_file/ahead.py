"""What is ahead and what is forbidden: dividends declared, purchases scheduled, restrictions."""

from accounts.models import Account, Household
from accounts.types import MONEY_LIMIT, PRICE_LIMIT
from config.setup_file.contents import DividendEntry, RestrictionEntry, ScheduledEntry
from config.setup_file.records import Records
from config.setup_file.tables import Range, Table
from proposals.models import Restriction, ScheduledPurchase
from proposals.types import Cadence, RestrictionKind
from securities.models import Dividend

_DOLLARS = Range(places=4, least=MONEY_LIMIT * 0, below=MONEY_LIMIT, above=True)
_A_SHARE = Range(places=6, least=PRICE_LIMIT * 0, below=PRICE_LIMIT, above=True)
_LONGEST_SYMBOL = 20
_LONGEST_NAME = 120


def dividend(table: Table) -> DividendEntry:
    """One of ``[[dividends]]``."""
    entry = DividendEntry(
        where=table.where,
        symbol=table.text("symbol", longest=_LONGEST_SYMBOL),
        ex_date=table.day("ex_date"),
        pay_date=table.day("pay_date"),
        amount=table.number("amount", _A_SHARE),
        qualified=table.flag("qualified"),
    )
    if entry.pay_date < entry.ex_date:
        table.refuse("pay_date", f"{entry.pay_date} lies before the ex-date, {entry.ex_date}")
    table.close()
    return entry


def scheduled(table: Table) -> ScheduledEntry:
    """One of ``[[households.accounts.scheduled_purchases]]``."""
    entry = ScheduledEntry(
        where=table.where,
        symbol=table.text("symbol", longest=_LONGEST_SYMBOL),
        amount=table.number("amount", _DOLLARS),
        first_on=table.day("first_on"),
        cadence=table.word("cadence", list(Cadence)),
        ended_on=table.day("ended_on") if table.has("ended_on") else None,
        reason=table.prose("reason") if table.has("reason") else None,
    )
    if entry.ended_on is not None and entry.ended_on < entry.first_on:
        table.refuse("ended_on", f"{entry.ended_on} lies before the first day, {entry.first_on}")
    table.close()
    return entry


def restriction(table: Table) -> RestrictionEntry:
    """One of ``[[restrictions]]``."""
    entry = RestrictionEntry(
        where=table.where,
        symbol=table.text("symbol", longest=_LONGEST_SYMBOL),
        kind=table.word("kind", list(RestrictionKind)),
        household=table.text("household", longest=_LONGEST_NAME)
        if table.has("household")
        else None,
        account=table.text("account", longest=40) if table.has("account") else None,
        since=table.day("since"),
        until=table.day("until") if table.has("until") else None,
        reason=table.prose("reason"),
        author=table.text("author", longest=150),
    )
    if entry.until is not None and entry.until < entry.since:
        table.refuse("until", f"{entry.until} lies before the first day, {entry.since}")
    if entry.household is not None and entry.account is not None:
        table.refuse("household", "name the account or the household, not both")
    table.close()
    return entry


def apply_dividends(records: Records, entries: tuple[DividendEntry, ...]) -> None:
    """Write what issuers have declared; one dividend a security and ex-date."""
    for entry in entries:
        security = records.security(f"{entry.where}.symbol", entry.symbol)
        if security is not None:
            records.put(
                Dividend,
                "dividend",
                f"{entry.symbol} {entry.ex_date}",
                key={"security": security, "ex_date": entry.ex_date},
                values={
                    "pay_date": entry.pay_date,
                    "amount": entry.amount,
                    "is_qualified": entry.qualified,
                },
            )


def apply_scheduled(
    records: Records, account: Account, entries: tuple[ScheduledEntry, ...]
) -> None:
    """Write an account's savings plans. One that is left out goes on: give it an ``ended_on``."""
    for entry in entries:
        security = records.security(f"{entry.where}.symbol", entry.symbol)
        if security is not None:
            records.put(
                ScheduledPurchase,
                "scheduled purchase",
                f"{entry.symbol} in {account.number} from {entry.first_on}",
                key={
                    "account": account,
                    "security": security,
                    "first_on": entry.first_on,
                    "cadence": entry.cadence,
                },
                values={
                    "amount": entry.amount,
                    "ended_on": entry.ended_on,
                    "reason": entry.reason,
                },
            )


def apply_restrictions(records: Records, entries: tuple[RestrictionEntry, ...]) -> None:
    """Write restrictions, the households and accounts being there. One that is left out stays in force."""
    for entry in entries:
        security = records.security(f"{entry.where}.symbol", entry.symbol)
        author = records.person(f"{entry.where}.author", entry.author)
        account, household = _reach(records, entry)
        if security is None or author is None:
            continue
        if (entry.account and account is None) or (entry.household and household is None):
            continue
        records.put(
            Restriction,
            "restriction",
            f"{entry.kind} {entry.symbol} from {entry.since}",
            key={
                "firm": records.firm,
                "household": household,
                "account": account,
                "security": security,
                "kind": entry.kind,
                "since": entry.since,
            },
            values={"until": entry.until, "reason": entry.reason, "author": author},
        )


def _reach(records: Records, entry: RestrictionEntry) -> tuple[Account | None, Household | None]:
    """The account with its household, the household alone, or neither for the whole firm."""
    if entry.account is not None:
        account = Account.objects.filter(firm=records.firm, number=entry.account).first()
        if account is None:
            records.problems.add(
                f"{entry.where}.account", f"{entry.account!r} is no account of the firm"
            )
            return None, None
        return account, account.household
    if entry.household is not None:
        household = Household.objects.filter(firm=records.firm, name=entry.household).first()
        if household is None:
            records.problems.add(
                f"{entry.where}.household", f"{entry.household!r} is no household of the firm"
            )
        return None, household
    return None, None
