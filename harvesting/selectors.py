"""Reads for a harvest: a household's book, what surrounds it, and what the last scan found."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import Lag

from accounts import access
from accounts import selectors as accounts
from accounts.models import Account, Household, User
from harvesting.models import HarvestFinding, HarvestPolicy, SubstituteMapping
from harvesting.types import AccountFacts, Book, HarvestRules, Outcome, PaidDividend, PricedAt
from lots import selectors as lots
from securities import selectors as securities
from securities.models import CorporateAction, Dividend, Price

JUMP = 4  # a close this many times the one before, or the other way round
JUMP_DAYS = 365


def book(household_id: int, as_of: date) -> Book:
    """Open lots, prices and floors of one household. Six queries. Raises Household.DoesNotExist."""
    firm_id = firm_of(household_id)
    quotes = securities.latest_prices(firm_id, as_of)
    return Book(
        as_of=as_of,
        lots=tuple(lots.open_lots(household_id)),
        accounts=_account_facts(household_id),
        prices={security: PricedAt(quote.price, quote.day) for security, quote in quotes.items()},
        symbols=securities.symbols(firm_id),
        rules=rules(firm_id, household_id),
    )


def firm_of(household_id: int) -> int:
    """Raises Household.DoesNotExist."""
    return Household.objects.values_list("firm_id", flat=True).get(pk=household_id)


def rules(firm_id: int, household_id: int) -> HarvestRules:
    """The household's own words where it has any, else the firm's, else the defaults."""
    rows = HarvestPolicy.objects.filter(
        Q(household=household_id) | Q(household=None), firm=firm_id
    ).order_by(F("household").asc(nulls_first=True))
    said = {}
    for policy in rows:
        for item in fields(HarvestRules):
            value = getattr(policy, item.name)
            if value is not None:
                said[item.name] = value
    return HarvestRules(**said)


def substitutes(security_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Security -> its mapped substitutes, by rank."""
    ranked: dict[int, list[int]] = {}
    rows = SubstituteMapping.objects.filter(security__in=security_ids).order_by("security", "rank")
    for security, substitute in rows.values_list("security_id", "substitute_id"):
        ranked.setdefault(security, []).append(substitute)
    return {security: tuple(found) for security, found in ranked.items()}


def paid_dividends(security_ids: Collection[int], as_of: date) -> tuple[PaidDividend, ...]:
    """Qualified dividends that went ex in the last 60 days: whose qualification a sale today may end (R33)."""
    rows = Dividend.objects.filter(
        security__in=security_ids,
        is_qualified=True,
        ex_date__range=(as_of - timedelta(days=60), as_of),
    ).order_by("ex_date", "security")
    return tuple(PaidDividend(*row) for row in rows.values_list("security_id", "ex_date", "amount"))


def price_jumps(
    security_ids: Collection[int], as_of: date, symbols: Mapping[int, str]
) -> dict[int, str]:
    """Securities whose close once moved as only an unbooked split or a wrong price does, with the figures (T52).

    Looks back a year; a move on the day of a booked split, or of another recorded corporate action, is none.
    """
    before = Window(Lag("close"), partition_by=["security"], order_by="day")
    day_before = Window(Lag("day"), partition_by=["security"], order_by="day")
    rows = (
        Price.objects.filter(
            security__in=security_ids, day__gt=as_of - timedelta(days=JUMP_DAYS), day__lte=as_of
        )
        .annotate(before=before, day_before=day_before)
        .filter(Q(close__gte=F("before") * JUMP) | Q(before__gte=F("close") * JUMP))
        .order_by("security", "day")
        .values_list("security_id", "day", "close", "day_before", "before")
    )
    actions = CorporateAction.objects.filter(security__in=security_ids, effective_on__lte=as_of)
    booked = list(actions.values_list("security_id", "effective_on"))
    jumps = {}
    for security, day, close, earlier, price in rows:
        if not any(one == security and earlier < on <= day for one, on in booked):
            jumps[security] = _jump(symbols[security], day, close, price)
    return jumps


def _jump(symbol: str, day: date, close: Decimal, price: Decimal) -> str:
    return (
        f"the price of {symbol} went from ${price:,.2f} to ${close:,.2f} on {day}: "
        "book the split or correct the price"
    )


class Tab(StrEnum):
    """How the losses page groups the verdicts."""

    TAKE = "take"
    WAIT = "wait"
    PASSED_OVER = "passed_over"


_OF_TAB = {
    Tab.TAKE: (Outcome.TAKE,),
    Tab.WAIT: (
        Outcome.WAIT,
        Outcome.RECENT_PURCHASE,
        Outcome.COMING_PURCHASE,
        Outcome.PERMANENT_WASH,
    ),
}
_OF_TAB[Tab.PASSED_OVER] = tuple(
    one for one in Outcome if not any(one in group for group in _OF_TAB.values())
)


@dataclass(frozen=True, slots=True)
class TabCount:
    """Lots and dollars of loss behind one tab."""

    tab: Tab
    lots: int
    loss: Decimal
    net: Decimal


def findings(user: User, public_id: UUID, tab: Tab | None = None) -> QuerySet[HarvestFinding]:
    """What the latest scan decided about each loss lot of a household, or 404; the largest net first."""
    household = accounts.household(user, public_id)
    return _of(access.visible(user, HarvestFinding).filter(household=household), tab)


def firm_findings(user: User, tab: Tab | None = None) -> QuerySet[HarvestFinding]:
    """The same for all households of the user's firm."""
    return _of(access.visible(user, HarvestFinding), tab)


def tab_counts(rows: QuerySet[HarvestFinding]) -> list[TabCount]:
    """The tabs of these findings in their order. One query."""
    sums = {
        outcome: (lots, loss, net)
        for outcome, lots, loss, net in rows.order_by()
        .values_list("outcome")
        .annotate(lots=Count("pk"), loss=Sum("loss"), net=Sum("net"))
    }
    return [
        TabCount(
            tab,
            sum(sums[one][0] for one in group if one in sums),
            sum((sums[one][1] for one in group if one in sums), Decimal(0)),
            sum((sums[one][2] for one in group if one in sums), Decimal(0)),
        )
        for tab, group in _OF_TAB.items()
    ]


def _of(rows: QuerySet[HarvestFinding], tab: Tab | None) -> QuerySet[HarvestFinding]:
    if tab is not None:
        rows = rows.filter(outcome__in=_OF_TAB[tab])
    rows = rows.select_related("household", "account", "security", "opening", "substitute")
    return rows.order_by("-net", "-loss", "pk")


def _account_facts(household_id: int) -> dict[int, AccountFacts]:
    return {
        account.pk: AccountFacts(
            name=account.name,
            is_taxable=account.is_taxable,
            tax_managed=account.tax_managed,
            reinvests_dividends=account.reinvests_dividends,
        )
        for account in Account.objects.filter(household=household_id)
    }
