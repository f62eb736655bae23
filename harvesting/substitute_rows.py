"""Reads for the substitutes pages: the matrix of mappings with their figures, and suggestions for one security."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.http import Http404

from accounts import access
from accounts.models import User
from accounts.selectors import business_date
from harvesting import price_history, selectors
from harvesting.models import SubstituteMapping
from harvesting.substitutes import MappingRow
from harvesting.suggestions import Listed, Suggestions, cost_of_standing_in, suggest
from harvesting.types import PairFigures
from lots import selectors as lots
from proposals.models import ProposedTrade, Restriction
from proposals.types import ProposalKind, RestrictionKind, Side, Status
from securities import selectors as securities
from securities.calendar import trading_days_before
from securities.models import Security
from securities.types import TradingFacts

_USED = (Status.APPROVED, Status.ORDERED, Status.FILLED)


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A mapping as the page shows it. ``unused`` says why it is not used today; empty = it is."""

    mapping: SubstituteMapping
    figures: PairFigures
    cost: Decimal  # of standing in, a fraction of the dollars
    used: int  # harvested pairs that were approved
    unused: str
    note: str


@dataclass(frozen=True, slots=True)
class SuggestionPage:
    """A security, who could stand in for it, and who does already (security -> rank in the firm's list)."""

    security: Security
    as_of: date
    suggestions: Suggestions
    mapped: dict[int, int]


def mappings(user: User, symbol: str = "") -> QuerySet[SubstituteMapping]:
    """The firm's mappings that have not ended, each security's own list first, then those of households, by rank."""
    rows = access.visible(user, SubstituteMapping).filter(ended_on=None)
    return _named(rows, symbol)


def ended_mappings(user: User, symbol: str) -> QuerySet[SubstituteMapping]:
    """A security's mappings that have ended, the last one first."""
    rows = access.visible(user, SubstituteMapping).exclude(ended_on=None)
    return _named(rows, symbol).order_by("-ended_on", "-pk")


def _named(rows: QuerySet[SubstituteMapping], symbol: str) -> QuerySet[SubstituteMapping]:
    if symbol:
        rows = rows.filter(security__symbol__iexact=symbol)
    return rows.select_related("security", "substitute", "household", "author").order_by(
        "security__symbol", F("household__name").asc(nulls_first=True), "rank", "pk"
    )


def mapping(user: User, mapping_id: int) -> SubstituteMapping:
    """One mapping, ended or not. Raises Http404."""
    rows = access.visible(user, SubstituteMapping)
    found = rows.select_related("security", "substitute", "household", "author").filter(
        pk=mapping_id
    )
    row = found.first()
    if row is None:
        raise Http404("There is no such mapping.")
    return row


def public_id_of(user: User, symbol: str) -> UUID | None:
    """The security of this symbol, in capitals or not; None where the firm has none."""
    rows = access.visible(user, Security).filter(symbol__iexact=symbol)
    return rows.values_list("public_id", flat=True).first()


def matrix(user: User, rows: Sequence[SubstituteMapping]) -> list[MatrixRow]:
    """The rows with their figures of the firm's business date, and how often each pair was harvested."""
    if not rows or user.firm is None:
        return []
    as_of = business_date(user.firm)
    pairs = {(row.security_id, row.substitute_id) for row in rows}
    figures = price_history.pair_figures(user.firm.pk, as_of, pairs)
    used = _times_used(user.firm.pk, {security for security, _ in pairs})
    facts = securities.trading_facts(user.firm.pk, as_of)
    return [
        MatrixRow(
            mapping=row,
            figures=figures[row.security_id, row.substitute_id],
            cost=cost_of_standing_in(_listed(row.substitute, facts)),
            used=used.get((row.security_id, row.substitute_id), 0),
            unused=_unused(row, as_of),
            note=_note(row),
        )
        for row in rows
    ]


def suggestion_page(user: User, public_id: UUID) -> SuggestionPage:
    """Who could stand in for a security of the user's firm, by a year of prices. Raises Http404."""
    security = access.visible_or_404(user, Security, public_id)
    firm = security.firm
    as_of = business_date(firm)
    others = list(Security.objects.filter(firm=firm).exclude(pk=security.pk).order_by("symbol"))
    found = price_history.pair_figures(firm.pk, as_of, [(security.pk, one.pk) for one in others])
    rules = selectors.rules(firm.pk, None)
    facts = securities.trading_facts(firm.pk, as_of)
    suggestions = suggest(
        _listed(security, facts),
        [_listed(one, facts) for one in others],
        {one.pk: found[security.pk, one.pk] for one in others},
        _refusals(security, others, as_of),
        risk_price=rules.risk_price,
    )
    in_use = SubstituteMapping.objects.filter(
        firm=firm, household=None, security=security, ended_on=None
    )
    return SuggestionPage(
        security, as_of, suggestions, dict(in_use.values_list("substitute_id", "rank"))
    )


def buy_restrictions(firm_id: int, household_id: int | None, as_of: date) -> dict[int, str]:
    """Security -> why the whole firm, or the household, must not buy it on the day."""
    rows = Restriction.objects.filter(
        Q(until=None) | Q(until__gte=as_of),
        Q(household=None) | Q(household=household_id),
        firm=firm_id,
        account=None,
        kind__in=[RestrictionKind.NO_BUY, RestrictionKind.MUST_SELL],
        since__lte=as_of,
    )
    return dict(rows.order_by("pk").values_list("security_id", "reason"))


def _listed(security: Security, facts: Mapping[int, TradingFacts]) -> Listed:
    """The row as the pure modules take it."""
    return Listed(
        security=security.pk,
        symbol=security.symbol,
        name=security.name,
        is_fund=security.is_fund,
        half_spread=facts[security.pk].half_spread,
        expense_ratio=security.expense_ratio,
    )


def _refusals(security: Security, others: Iterable[Security], as_of: date) -> dict[int, str]:
    """Candidate -> why it cannot stand in, in words that several candidates can share."""
    firm_id = security.firm_id
    rules = selectors.rules(firm_id, None)
    oldest = trading_days_before(as_of, rules.maximum_price_age_days)
    quotes = securities.latest_prices(firm_id, as_of)
    restricted = buy_restrictions(firm_id, None, as_of)
    identical = frozenset().union(
        *(one for one in lots.identical_sets(firm_id, as_of) if security.pk in one)
    )
    doubtful = _doubtful(others, as_of, rules.maximum_price_jump)
    refusals = {}
    for one in others:
        quote = quotes.get(one.pk)
        if one.pk in identical:
            refusals[one.pk] = f"substantially identical to {security}"
        elif one.delisted_on is not None and one.delisted_on <= as_of:
            refusals[one.pk] = "no longer trades"
        elif one.pk in restricted:
            refusals[one.pk] = "restricted, not to be bought"
        elif quote is None or quote.day < oldest:
            refusals[one.pk] = f"no price since {oldest}"
        elif one.pk in doubtful:
            refusals[one.pk] = "its price moved as only an unbooked split or a wrong price does"
    return refusals


def _doubtful(others: Iterable[Security], as_of: date, largest: Decimal) -> Collection[int]:
    names = {one.pk: one.symbol for one in others}
    return selectors.price_jumps(names, as_of, names, largest)


def _times_used(firm_id: int, security_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """(security, substitute) -> harvested pairs that somebody approved."""
    sales = ProposedTrade.objects.filter(
        proposal__household__firm=firm_id,
        proposal__kind=ProposalKind.HARVEST,
        proposal__status__in=_USED,
        side=Side.SELL,
        security__in=security_ids,
        proposal__trades__side=Side.BUY,
        proposal__trades__pair=F("pair"),
    )
    # A pair of several lots is used once.
    pairs = sales.values("security", "proposal__trades__security").annotate(
        used=Count("proposal__trades", distinct=True)
    )
    return {
        (row["security"], row["proposal__trades__security"]): row["used"]
        for row in pairs.order_by()
    }


def _unused(row: SubstituteMapping, as_of: date) -> str:
    facts = MappingRow(
        security=row.security_id,
        substitute=row.substitute_id,
        rank=row.rank,
        pair=f"{row.security} -> {row.substitute}",
        since=row.since,
        ended_on=row.ended_on,
        valid_until=row.valid_until,
    )
    return facts.unused_because(as_of) or ""


def _note(row: SubstituteMapping) -> str:
    security, substitute = row.security, row.substitute
    if security.tracks_index and security.tracks_index == substitute.tracks_index:
        return f"Both follow {security.tracks_index}."
    if security.is_fund and not substitute.is_fund:
        return "A single name for a fund."
    return ""
