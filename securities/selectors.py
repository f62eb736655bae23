"""Reads about a firm's securities."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from django.db.models import CharField, Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, JSONObject

from accounts import access
from accounts.models import Firm, User
from accounts.one_look import kept_while, read_once
from securities.identity import Belonging, Clique, Pair, cliques
from securities.models import (
    AnnouncedDistribution,
    FactsChange,
    HalfSpread,
    IdenticalMember,
    IdenticalOverride,
    MarketValue,
    Price,
    PriceStamp,
    Security,
)
from securities.types import (
    BUILT_IN_SPREAD,
    Quote,
    SpreadOf,
    SpreadSource,
    TradingFacts,
    Yields,
)


@read_once
def price_stamp(firm_id: int) -> int:
    """Another number after every change of one of the firm's prices; never one that was there before."""
    return PriceStamp.objects.filter(firm=firm_id).values_list("number", flat=True).first() or 0


@read_once
def facts_stamp(firm_id: int) -> tuple[int, int]:
    """Another pair after every change of what the firm's households share (``FactsChange``).

    That is its securities and their statistics, what is identical, renamed or merged, how it reads the law, and its
    commissions.
    """
    found = FactsChange.objects.filter(firm=firm_id).aggregate(rows=Count("pk"), last=Max("pk"))
    return found["rows"], found["last"] or 0


@kept_while(price_stamp)
def latest_prices(firm_id: int, as_of: date) -> dict[int, Quote]:
    """Security -> its newest close on or before ``as_of``; securities without one are left out."""
    # One index look-up a security: reading the whole history would cost more with every year.
    newest = Price.objects.filter(security=OuterRef("pk"), day__lte=as_of).order_by("-day")
    ids = Security.objects.filter(firm=firm_id).annotate(newest=Subquery(newest.values("pk")[:1]))
    rows = Price.objects.filter(pk__in=ids.values("newest")).values_list("security", "close", "day")
    return {security: Quote(price=close, day=day) for security, close, day in rows}


@kept_while(facts_stamp)
def identical_cliques(firm_id: int, *, same_index: bool) -> tuple[Clique, ...]:
    """Who counts as one for wash sales, and when (R24): by groups, single pairs and, with ``same_index``, index (U1).

    Three queries, two without index funds.
    """
    rows = IdenticalMember.objects.filter(group__firm=firm_id).order_by("group_id", "pk")
    belongings = [
        Belonging(f"group {group}", security, since, until)
        for group, security, since, until in rows.values_list(
            "group_id", "security_id", "since", "ended_on"
        )
    ]
    if same_index:
        funds = Security.objects.filter(firm=firm_id).exclude(tracks_index="").order_by("pk")
        belongings += [
            Belonging(f"index {index}", security)
            for security, index in funds.values_list("pk", "tracks_index")
        ]
    return cliques(belongings, identical_overrides(firm_id))


def identical_members(user: User) -> QuerySet[IdenticalMember]:
    """Every membership of the user's firm, ended ones too, by group and symbol."""
    rows = access.visible(user, IdenticalMember).select_related("group__author", "security")
    return rows.order_by("group__name", "security__symbol", "pk")


def pair_overrides(user: User) -> QuerySet[IdenticalOverride]:
    """Every word of the user's firm on a pair, the newest first."""
    rows = access.visible(user, IdenticalOverride).select_related("first", "second", "author")
    return rows.order_by("-pk")


def identical_overrides(firm_id: int) -> dict[Pair, bool]:
    """Pair -> whether it is identical, as the firm last said."""
    rows = IdenticalOverride.objects.filter(firm=firm_id).order_by("pk")
    return {
        (first, second): is_identical
        for first, second, is_identical in rows.values_list("first_id", "second_id", "is_identical")
    }


@kept_while(facts_stamp)
def trading_facts(firm_id: int, as_of: date) -> dict[int, TradingFacts]:
    """Security -> what the cost of trading it follows from, as of the day; one query.

    Its half spread is its own in force on the day, else the default of its asset class, else the firm's, else the one
    that is built in (F9).
    """
    dated = HalfSpread.objects.filter(firm=firm_id, since__lte=as_of).order_by("-since")
    defaults = dated.filter(security=None)
    rows = (
        Security.objects.filter(firm=firm_id)
        .annotate(
            own=_newest(dated.filter(security=OuterRef("pk"))),
            of_class=_newest(defaults.filter(asset_class=OuterRef("asset_class"))),
            of_firm=_newest(defaults.filter(asset_class="")),
        )
        .values_list(
            "pk", "symbol", "asset_class", "own", "half_spread", "of_class", "of_firm",
            "average_daily_volume", "price_statistic__annual_volatility", "price_statistic__as_of",
        )
    )  # fmt: skip
    found = {}
    for (
        security,
        symbol,
        asset_class,
        own,
        undated,
        of_class,
        of_firm,
        volume,
        volatility,
        day,
    ) in rows:
        half_spread, source = _spread_in_force(
            (own, SpreadOf.SECURITY, symbol),
            (undated, SpreadOf.SECURITY, symbol),
            (of_class, SpreadOf.ASSET_CLASS, asset_class),
            (of_firm, SpreadOf.FIRM, ""),
        )
        found[security] = TradingFacts(
            half_spread=half_spread,
            daily_volume=volume,
            annual_volatility=None if day is None or day > as_of else volatility,
            spread_source=source,
        )
    return found


def _newest(rows: QuerySet[HalfSpread]) -> Subquery:
    """The first row's fraction and day; the fraction as text, for a number of JSON would be a float."""
    told = JSONObject(fraction=Cast("fraction", CharField()), since=Cast("since", CharField()))
    return Subquery(rows.values(told=told)[:1])


def _spread_in_force(
    *said: tuple[dict[str, str] | Decimal | None, SpreadOf, str],
) -> tuple[Decimal, SpreadSource]:
    """The first that somebody has stated: a row with its day, or a figure without one."""
    for stated, of, name in said:
        if isinstance(stated, Decimal):
            return stated, SpreadSource(of, name)
        if stated is not None:
            since = date.fromisoformat(stated["since"])
            return Decimal(stated["fraction"]), SpreadSource(of, name, since)
    return BUILT_IN_SPREAD, SpreadSource(SpreadOf.BUILT_IN)


def announced_distributions(
    securities: Iterable[int], after: date, until: date
) -> list[tuple[int, date, str, Decimal, str]]:
    """Security, ex-date, kind, dollars a share, source of what goes ex after one day, up to another. One query."""
    rows = AnnouncedDistribution.objects.filter(
        security__in=list(securities), ex_date__gt=after, ex_date__lte=until
    ).order_by("ex_date", "security", "kind")
    return list(rows.values_list("security_id", "ex_date", "kind", "amount", "source"))


@kept_while(facts_stamp)
def yields(firm_id: int) -> dict[int, Yields]:
    """Security -> what a dollar of it pays in a year; those that pay nothing are left out."""
    columns = ("ordinary_yield", "qualified_yield", "exempt_yield")
    rows = Security.objects.filter(firm=firm_id).values_list("pk", *columns)
    return {security: Yields(*paid) for security, *paid in rows if any(paid)}


@kept_while(facts_stamp)
def listings(firm_id: int) -> dict[int, tuple[str, date | None]]:
    """Security -> its symbol, and the first day on which it no longer trades; None = it trades."""
    rows = Security.objects.filter(firm=firm_id).values_list("pk", "symbol", "delisted_on")
    return {security: (symbol, delisted_on) for security, symbol, delisted_on in rows}


def delisted(firm_id: int, as_of: date) -> dict[int, date]:
    """Security -> since when it no longer trades; those that trade on ``as_of`` are left out."""
    return gone_by(as_of, listings(firm_id))


def gone_by(as_of: date, listings: Mapping[int, tuple[str, date | None]]) -> dict[int, date]:
    """What of the ``listings`` no longer trades on the day, and since when."""
    return {
        security: since
        for security, (_, since) in listings.items()
        if since is not None and since <= as_of
    }


@kept_while(facts_stamp)
def classes(firm_id: int) -> dict[int, tuple[str, str, bool]]:
    """Security -> its asset class, its sector (empty where nobody has said), and whether it is a fund."""
    rows = Security.objects.filter(firm=firm_id)
    return {
        security: (asset_class, sector, is_fund)
        for security, asset_class, sector, is_fund in rows.values_list(
            "pk", "asset_class", "sector", "is_fund"
        )
    }


@kept_while(facts_stamp)
def symbols(firm_id: int) -> dict[int, str]:
    """Security -> symbol."""
    return dict(Security.objects.filter(firm=firm_id).values_list("pk", "symbol"))


def security_ids(firm_id: int) -> dict[str, int]:
    """Symbol -> security."""
    return {symbol: security for security, symbol in symbols(firm_id).items()}


def public_ids(firm_id: int) -> dict[str, int]:
    """Public id -> security."""
    rows = Security.objects.filter(firm=firm_id).values_list("public_id", "pk")
    return {str(public_id): security for public_id, security in rows}


def firm_named(text: str) -> Firm | None:
    """The firm of this name, or of this number where no firm has such a name; None if there is none."""
    named = Firm.objects.filter(name=text).first()
    if named is None and text.isascii() and text.isdigit() and len(text) < 19:
        return Firm.objects.filter(pk=int(text)).first()
    return named


def only_firm() -> Firm | None:
    """The firm of an installation that has one; None where there are none or several."""
    firms = list(Firm.objects.all()[:2])
    return firms[0] if len(firms) == 1 else None


def market_values(securities: Iterable[int], day: date) -> dict[int, Decimal]:
    """Security -> its market value of the day itself; securities without one are left out."""
    rows = MarketValue.objects.filter(security__in=list(securities), day=day)
    return dict(rows.values_list("security_id", "dollars"))


def newest_market_values(securities: Iterable[int], as_of: date) -> dict[int, date]:
    """Security -> the last day up to ``as_of`` on which a market value is on record."""
    rows = MarketValue.objects.filter(security__in=list(securities), day__lte=as_of)
    return dict(rows.order_by().values_list("security_id").annotate(Max("day")))
