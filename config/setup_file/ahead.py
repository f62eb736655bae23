"""What is ahead and what is forbidden: dividends declared, gains to be distributed, purchases, cash, restrictions."""

from decimal import Decimal

from accounts.models import Account, Household
from accounts.types import MONEY_LIMIT, PRICE_LIMIT
from config.setup_file.contents import (
    CashFlowEntry,
    DistributionEntry,
    DividendEntry,
    RestrictionEntry,
    ScheduledEntry,
)
from config.setup_file.records import Records
from config.setup_file.tables import Range, Table
from proposals.models import ExpectedCashFlow, Restriction, ScheduledPurchase
from proposals.types import Cadence, CashFlowKind, RestrictionKind
from securities.importers.distributions import LONGEST_SOURCE
from securities.models import AnnouncedDistribution, Dividend
from securities.types import DistributionKind

_DOLLARS = Range(places=4, least=MONEY_LIMIT * 0, below=MONEY_LIMIT, above=True)
_A_SHARE = Range(places=6, least=PRICE_LIMIT * 0, below=PRICE_LIMIT, above=True)
_LIMIT = Range(places=8, least=Decimal(0), below=Decimal("1.00000001"), words="from 0 to 1")
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


def distribution(table: Table) -> DistributionEntry:
    """One of ``[[distributions]]``."""
    entry = DistributionEntry(
        where=table.where,
        symbol=table.text("symbol", longest=_LONGEST_SYMBOL),
        ex_date=table.day("ex_date"),
        kind=table.word("kind", list(DistributionKind)),
        amount=table.number("amount", _A_SHARE),
        source=table.text_or_blank("source", longest=LONGEST_SOURCE),
    )
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


def cash_flow(table: Table) -> CashFlowEntry:
    """One of ``[[households.expected_cash_flows]]``."""
    entry = CashFlowEntry(
        where=table.where,
        kind=table.word("kind", list(CashFlowKind)),
        amount=table.number("amount", _DOLLARS),
        due_on=table.day("due_on"),
        account=table.text("account", longest=40) if table.has("account") else None,
        settled_on=table.day("settled_on") if table.has("settled_on") else None,
        reason=table.prose("reason"),
        author=table.text("author", longest=150),
    )
    if entry.kind is CashFlowKind.RMD and entry.account is None and not table.has("account"):
        table.refuse("account", "it is missing: a required distribution leaves one account")
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
        limit=table.number("limit", _LIMIT) if table.has("limit") else None,
        reason=table.prose("reason"),
        author=table.text("author", longest=150),
    )
    if entry.until is not None and entry.until < entry.since:
        table.refuse("until", f"{entry.until} lies before the first day, {entry.since}")
    if entry.household is not None and entry.account is not None:
        table.refuse("household", "name the account or the household, not both")
    _check_limit(table, entry)
    table.close()
    return entry


def _check_limit(table: Table, entry: RestrictionEntry) -> None:
    if entry.kind.has_limit and entry.limit is None:
        table.refuse("limit", f"it is missing: {entry.kind} needs a fraction such as 0.1")
    if not entry.kind.has_limit and entry.limit is not None:
        table.refuse("limit", f"{entry.kind} has none")
    if entry.kind is RestrictionKind.MAX_WEIGHT and entry.account is not None:
        table.refuse("account", "a largest weight is one of the household: leave the account out")


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


def apply_distributions(records: Records, entries: tuple[DistributionEntry, ...]) -> None:
    """Write the gains that funds have announced; one a security, ex-date and kind. One that is left out stays."""
    for entry in entries:
        security = records.security(f"{entry.where}.symbol", entry.symbol)
        if security is not None:
            records.put(
                AnnouncedDistribution,
                "distribution",
                entry.name,
                key={"security": security, "ex_date": entry.ex_date, "kind": entry.kind},
                values={"amount": entry.amount, "source": entry.source},
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


def apply_cash_flows(
    records: Records, household: Household, entries: tuple[CashFlowEntry, ...]
) -> None:
    """Write expected withdrawals, distributions, fees and deposits. One that is left out stays: settle it."""
    for entry in entries:
        author = records.person(f"{entry.where}.author", entry.author)
        account = None
        if entry.account is not None:
            account = household.accounts.filter(number=entry.account).first()
            if account is None:
                text = f"{entry.account!r} is no account of the household {household.name!r}"
                records.problems.add(f"{entry.where}.account", text)
                continue
        if author is None:
            continue
        records.put(
            ExpectedCashFlow,
            "expected cash flow",
            f"{entry.kind} of {household.name} on {entry.due_on}",
            key={
                "household": household,
                "account": account,
                "kind": entry.kind,
                "due_on": entry.due_on,
            },
            values={
                "amount": entry.amount,
                "settled_on": entry.settled_on,
                "reason": entry.reason,
                "author": author,
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
            values={
                "until": entry.until,
                "limit": entry.limit,
                "reason": entry.reason,
                "author": author,
            },
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
