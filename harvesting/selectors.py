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
from accounts.models import User
from accounts.types import OwnerKind
from harvesting.economics import first_day_back
from harvesting.models import HarvestFinding, HarvestPolicy, SubstituteMapping
from harvesting.substitutes import Mapped, MappingRow, in_force
from harvesting.types import AccountFacts, Book, HarvestRules, Outcome, PaidDividend, PricedAt
from lots import selectors as lots
from proposals.types import Departure
from securities import selectors as securities
from securities.calendar import trading_days_before
from securities.models import CorporateAction, Dividend, Price

# An unbooked split leaves wrong lots behind until somebody looks at it, so an old one counts as well.
JUMP_DAYS = 365


def book(household_id: int, as_of: date) -> Book:
    """Open lots, prices and floors of one household. Six queries. Raises Household.DoesNotExist."""
    firm_id = accounts.firm_of(household_id)
    quotes = securities.latest_prices(firm_id, as_of)
    said = rules(firm_id, household_id)
    listings = securities.listings(firm_id)
    return Book(
        as_of=as_of,
        lots=tuple(lots.open_lots(household_id)),
        accounts=_account_facts(household_id),
        prices={security: PricedAt(quote.price, quote.day) for security, quote in quotes.items()},
        symbols={security: symbol for security, (symbol, _) in listings.items()},
        rules=said,
        oldest_fresh_day=trading_days_before(as_of, said.maximum_price_age_days),
        delisted=securities.gone_by(as_of, listings),
        ending=securities.gone_by(first_day_back(as_of), listings),
    )


def rules(firm_id: int, household_id: int | None) -> HarvestRules:
    """The household's own words where it has any, else the firm's, else the defaults; None = the firm's alone."""
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


def substitutes(
    firm_id: int, household_id: int, as_of: date, security_ids: Collection[int]
) -> Mapping[int, tuple[int, ...]]:
    """Security -> its substitutes in force on the day, by rank: the household's own, then the firm's."""
    return mapped(firm_id, household_id, as_of, security_ids).ranked


def mapped(
    firm_id: int,
    household_id: int,
    as_of: date,
    security_ids: Collection[int],
    *,
    left: Mapping[int, str] | None = None,
) -> Mapped:
    """``substitutes`` with the reasons for the mappings that do not count. One query.

    ``left`` are the names that left the household's model, a clause each.
    """
    rows = SubstituteMapping.objects.filter(
        Q(household=household_id) | Q(household=None), firm=firm_id, security__in=security_ids
    )
    return in_force(_mapping_rows(rows), as_of, left=left)


def departures_told(left: Mapping[int, Departure], symbols: Mapping[int, str]) -> dict[int, str]:
    """Security -> when and by which version it left the household's model, a clause (F18)."""
    return {security: one.told(symbols[security]) for security, one in left.items()}


def own_substitutes(
    household_id: int, as_of: date, security_ids: Collection[int]
) -> set[tuple[int, int]]:
    """Security and substitute, where the household's own list names it on the day. One query."""
    rows = SubstituteMapping.objects.filter(household=household_id, security__in=security_ids)
    ranked = in_force(_mapping_rows(rows), as_of).ranked
    return {(security, one) for security, others in ranked.items() for one in others}


def standing_mappings(firm_id: int) -> list[MappingRow]:
    """Every mapping of the firm and its households that has not ended. One query."""
    return _mapping_rows(SubstituteMapping.objects.filter(firm=firm_id, ended_on=None))


def _mapping_rows(rows: QuerySet[SubstituteMapping]) -> list[MappingRow]:
    columns = (
        "security_id", "substitute_id", "rank", "security__symbol", "substitute__symbol",
        "household_id", "since", "ended_on", "valid_until",
    )  # fmt: skip
    return [
        MappingRow(
            security=security,
            substitute=substitute,
            rank=rank,
            pair=f"{symbol} -> {other}",
            is_own=household is not None,
            since=since,
            ended_on=ended_on,
            valid_until=valid_until,
        )
        for security, substitute, rank, symbol, other, household, since, ended_on, valid_until
        in rows.order_by("pk").values_list(*columns)
    ]  # fmt: skip


def no_longer_traded(book: Book) -> dict[int, str]:
    """Security -> since when it has not traded, a clause."""
    return {
        security: f"{book.symbol(security)} has not traded since {day}"
        for security, day in book.delisted.items()
        if day <= book.as_of
    }


def paid_dividends(security_ids: Collection[int], as_of: date) -> tuple[PaidDividend, ...]:
    """Qualified dividends that went ex in the last 60 days: whose qualification a sale today may end (R33)."""
    rows = Dividend.objects.filter(
        security__in=security_ids,
        is_qualified=True,
        ex_date__range=(as_of - timedelta(days=60), as_of),
    ).order_by("ex_date", "security")
    return tuple(PaidDividend(*row) for row in rows.values_list("security_id", "ex_date", "amount"))


def price_jumps(
    security_ids: Collection[int], as_of: date, symbols: Mapping[int, str], largest: Decimal
) -> dict[int, str]:
    """Securities whose close once moved as only an unbooked split or a wrong price does, with the figures (T52).

    ``largest`` is the greatest rise from one close to the next that is believed, as a fraction; a fall is believed as
    far as such a rise undoes it, as the import of prices reads it. Looks back a year. A move on the day of a booked
    split or another recorded corporate action is none, and neither is one that somebody has looked at: a price that was
    imported as checked.
    """
    factor = 1 + largest
    before = Window(Lag("close"), partition_by=["security"], order_by="day")
    day_before = Window(Lag("day"), partition_by=["security"], order_by="day")
    rows = (
        Price.objects.filter(
            security__in=security_ids, day__gt=as_of - timedelta(days=JUMP_DAYS), day__lte=as_of
        )
        .annotate(before=before, day_before=day_before)
        .filter(Q(close__gt=F("before") * factor) | Q(before__gt=F("close") * factor))
        .order_by("security", "day")
        .values_list("security_id", "day", "close", "day_before", "before", "is_checked")
    )
    actions = CorporateAction.objects.filter(security__in=security_ids, effective_on__lte=as_of)
    booked = list(actions.values_list("security_id", "effective_on"))
    jumps = {}
    for security, day, close, earlier, price, is_checked in rows:
        # Not in the query: a checked price would be left out of the series, not out of the answer.
        if not is_checked and not any(
            one == security and earlier < on <= day for one, on in booked
        ):
            jumps[security] = _jump(symbols[security], day, close, price)
    return jumps


def _jump(symbol: str, day: date, close: Decimal, price: Decimal) -> str:
    return (
        f"the price of {symbol} went from ${price:,.2f} to ${close:,.2f} on {day}: "
        "book the split, correct the price, or import it as checked"
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
            # A corporation is another taxpayer: its losses are on no return of the household, and what it buys takes a
            # loss of the household's away (R18).
            is_taxable=account.is_taxable and account.owner.kind != OwnerKind.CORPORATION,
            tax_managed=account.tax_managed,
            reinvests_dividends=account.reinvests_dividends,
        )
        for account in accounts.accounts_of(household_id)
    }
