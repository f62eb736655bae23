"""What a household will buy by itself, and what it must not trade: facts entered by people or declared by issuers."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max, Q

from accounts.models import Account, Household
from accounts.selectors import accounts_of, firm_of
from lots.engine.entry_checks import PURCHASES
from lots.models import Disposal, TaxLot, Transaction
from lots.types import EntryKind
from lots.wash_sales import window
from proposals.cash_flows import Paid, still_needed
from proposals.coming import (
    HORIZON_DAYS,
    LATE_DAYS,
    ExpectedDividend,
    SavingsPlan,
    Surroundings,
    laid_out,
)
from proposals.models import ExpectedCashFlow, Restriction, ScheduledPurchase
from proposals.types import (
    Cadence,
    CashFlow,
    CashFlowKind,
    ComingPurchase,
    RestrictionKind,
    RestrictionRow,
    Restrictions,
)
from securities import selectors as securities
from securities.calendar import is_business_date
from securities.models import Dividend

_LATE = timedelta(days=LATE_DAYS)
_Holding = tuple[int, int]  # account, security


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """Cash ahead as the page shows it, dollars; ``account`` is empty for the household's."""

    id: int
    told: str
    account: str
    amount: Decimal
    due_on: date
    reason: str
    author: str


def coming_purchases(household_id: int, as_of: date) -> tuple[ComingPurchase, ...]:
    """What will be bought by itself in the window of a sale on ``as_of``, soonest first (R25, F31).

    Four queries where there is nothing, eight at most. Raises Household.DoesNotExist.
    """
    accounts = {row.pk: row for row in accounts_of(household_id)}
    found = coming_in(firm_of(household_id), accounts, as_of, until=window(as_of)[1])
    return tuple(one for rows in found.values() for one in rows)


def coming_in(
    firm_id: int, accounts: Mapping[int, Account], as_of: date, *, until: date | None = None
) -> dict[int, tuple[ComingPurchase, ...]]:
    """Household -> what its ``accounts`` (of one firm, by primary key) will buy by themselves up to ``until``.

    By default as far as plans are laid out. Two queries where there is nothing, six at most, for any number of
    households.
    """
    plans = _plans(accounts, as_of)
    dividends = _dividends(accounts, as_of)
    if not plans and not dividends:
        return {}
    quotes = securities.latest_prices(firm_id, as_of)
    concerned = {plan.account for plan in plans} | {one.account for one in dividends}
    around = Surroundings(
        as_of=as_of,
        prices={security: quote.price for security, quote in quotes.items()},
        symbols=securities.symbols(firm_id),
        accounts={pk: accounts[pk].name for pk in concerned},
        retirement=frozenset(pk for pk in concerned if not accounts[pk].is_taxable),
        booked=_booked(concerned, as_of),
        is_open=is_business_date,
    )
    last = until or as_of + timedelta(days=HORIZON_DAYS)
    found: dict[int, tuple[ComingPurchase, ...]] = {}
    for one in laid_out(plans, dividends, around, until=last):
        household = accounts[one.account].household_id
        found[household] = (*found.get(household, ()), one)
    return found


def _plans(accounts: Collection[int], as_of: date) -> list[SavingsPlan]:
    rows = ScheduledPurchase.objects.filter(
        Q(ended_on=None) | Q(ended_on__gte=as_of - 3 * _LATE), account__in=accounts, amount__gt=0
    ).order_by("pk")
    return [
        SavingsPlan(account, security, amount, first_on, Cadence(cadence), ended_on)
        for account, security, amount, first_on, cadence, ended_on in rows.values_list(
            "account_id", "security_id", "amount", "first_on", "cadence", "ended_on"
        )
    ]


def _dividends(accounts: Mapping[int, Account], as_of: date) -> list[ExpectedDividend]:
    """Declared dividends of what accounts that reinvest hold, or held on the day before the ex-date."""
    reinvesting = [pk for pk, account in accounts.items() if account.reinvests_dividends]
    if not reinvesting:
        return []
    declared = list(
        Dividend.objects.filter(
            security__firm=accounts[reinvesting[0]].firm_id, pay_date__gte=as_of - _LATE
        ).order_by("pay_date", "pk")
    )
    if not declared:
        return []
    paying = {one.security_id for one in declared}
    held = _held(reinvesting, paying)
    left = _left(reinvesting, paying, since=min(one.ex_date for one in declared))
    holdings = sorted(held.keys() | left.keys())
    return [
        ExpectedDividend(
            account=account,
            security=security,
            ex_date=one.ex_date,
            pay_date=one.pay_date,
            amount=one.amount,
            held=_before(one.ex_date, (account, security), held, left),
        )
        for one in declared
        for account, security in holdings
        if security == one.security_id
    ]


_Shares = dict[_Holding, list[tuple[date, date, Decimal]]]  # acquired, left on, shares


def _held(accounts: Collection[int], paying: Collection[int]) -> _Shares:
    rows = TaxLot.objects.filter(account__in=accounts, security__in=paying)
    return _by_holding(
        (account, security, acquired, date.max, shares)
        for account, security, acquired, shares in rows.values_list(
            "account_id", "security_id", "acquired", "quantity"
        )
    )


def _left(accounts: Collection[int], paying: Collection[int], *, since: date) -> _Shares:
    """What was sold since; a sale on the ex-date comes too late to lose the dividend."""
    rows = Disposal.objects.filter(account__in=accounts, security__in=paying, trade_date__gte=since)
    return _by_holding(
        rows.values_list("account_id", "security_id", "acquired", "trade_date", "quantity")
    )


def _by_holding(rows: Iterable[tuple[int, int, date, date, Decimal]]) -> _Shares:
    found: _Shares = {}
    for account, security, acquired, left_on, shares in rows:
        found.setdefault((account, security), []).append((acquired, left_on, shares))
    return found


def _before(ex_date: date, holding: _Holding, *stocks: _Shares) -> Decimal:
    """Shares held on the day before the ex-date, as far as it is known by now: bought before it, not sold before it."""
    return sum(
        (
            shares
            for stock in stocks
            for acquired, left_on, shares in stock.get(holding, ())
            if acquired < ex_date <= left_on
        ),
        Decimal(0),
    )


def _booked(accounts: Collection[int], as_of: date) -> dict[_Holding, date]:
    """The last purchase of each account and security that may be the one that was due."""
    rows = (
        Transaction.objects.filter(
            account__in=accounts, kind__in=PURCHASES, trade_date__range=(as_of - _LATE, as_of)
        )
        .order_by()
        .values_list("account_id", "security_id")
        .annotate(last=Max("trade_date"))
    )
    return {(account, security): last for account, security, last in rows if security is not None}


def cash_flows(
    household_id: int, as_of: date, *, days: int, until: date | None = None
) -> tuple[CashFlow, ...]:
    """What is due from ``as_of`` to so many days later and not settled, less what has been taken out for it since.

    Cash that left the account (for a need of the household: any account) within the ``days`` before the day of the need
    counts as taken out for it, fees for fees, the earliest need first. ``until`` asks for what is due by another day,
    with the same days for what was taken out. Two queries.
    """
    last = until or as_of + timedelta(days=days)
    rows = ExpectedCashFlow.objects.filter(
        household=household_id,
        settled_on=None,
        due_on__range=(as_of, last),
    ).order_by("due_on", "pk")
    flows = [
        CashFlow(CashFlowKind(row.kind), row.amount, row.due_on, row.account_id, row.reason)
        for row in rows
    ]
    if not any(flow.kind.is_need for flow in flows):
        return tuple(flows)
    booked = Transaction.objects.filter(
        account__household=household_id,
        kind__in=(EntryKind.CASH_OUT, EntryKind.FEE),
        trade_date__range=(as_of - timedelta(days=days), as_of),
    ).order_by("trade_date", "pk")
    paid = [
        Paid(row.account_id, row.trade_date, abs(row.amount), row.kind == EntryKind.FEE)
        for row in booked
    ]
    return still_needed(flows, paid, days=days)


def open_cash_flows(household: Household) -> tuple[OpenFlow, ...]:
    """What is neither settled nor called off, the earliest first, also where its day has passed. One query."""
    rows = ExpectedCashFlow.objects.filter(household=household, settled_on=None)
    return tuple(
        OpenFlow(
            id=row.pk,
            told=CashFlowKind(row.kind).told,
            account="" if row.account is None else str(row.account),
            amount=row.amount,
            due_on=row.due_on,
            reason=row.reason,
            author=row.author.get_full_name() or row.author.username,
        )
        for row in rows.select_related("account", "author")
    )


def restrictions(household_id: int, as_of: date) -> Restrictions:
    """What the household must not trade on ``as_of``, whoever said so (F37). Raises Household.DoesNotExist."""
    firm_id = firm_of(household_id)
    return restrictions_in(firm_id, [household_id], as_of)[household_id]


def restrictions_in(
    firm_id: int, households: Collection[int], as_of: date
) -> dict[int, Restrictions]:
    """Household (of the firm) -> its restrictions in force. One query."""
    rows = (
        Restriction.objects.filter(
            Q(until=None) | Q(until__gte=as_of),
            Q(household=None) | Q(household__in=households),
            firm=firm_id,
            since__lte=as_of,
        )
        .select_related("account")
        .order_by("pk")
    )
    found: dict[int, list[RestrictionRow]] = {household: [] for household in households}
    for row in rows:
        told = _told(row)
        for household in households if row.household_id is None else [row.household_id]:
            found[household].append(told)
    return {household: Restrictions(tuple(told)) for household, told in found.items()}


def _told(row: Restriction) -> RestrictionRow:
    if row.account is not None:
        whose = f"for {row.account.name}"
    else:
        whose = "for the firm" if row.household_id is None else "for the household"
    return RestrictionRow(
        security=row.security_id,
        kind=RestrictionKind(row.kind),
        account=row.account_id,
        since=row.since,
        until=row.until,
        reason=row.reason,
        whose=whose,
        limit=row.limit,
    )
