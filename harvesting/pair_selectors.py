"""Reads for swap-backs: the household on the night its pairs are decided about, and the rows of the page."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.models import User
from accounts.selectors import firm_of
from harvesting import selectors
from harvesting.price_history import pair_figures, statistics
from harvesting.types import ZERO, Book, Finding, PairFigures
from harvesting.ways_back import Situation
from lots import selectors as lot_selectors
from proposals import departures
from proposals import selectors as proposal_selectors
from proposals.compliance import Facts
from proposals.models import HarvestedPair, Proposal, Restriction, ScheduledPurchase
from proposals.types import (
    CASH,
    ENDED_PAIRS,
    OPEN,
    DraftProposal,
    Intention,
    PairState,
    ProposalKind,
    RestrictionKind,
    Side,
    StandIn,
)
from proposals.year_ahead import year_ahead

# What a pair without price history is taken to stray, a year. Low for two shares, so that nobody pays tax on a guess.
ASSUMED = PairFigures(Decimal("0.05"), Decimal(0), Decimal(1), 0, is_assumed=True)


def situation(
    household_id: int,
    as_of: date,
    pairs: Sequence[StandIn],
    *,
    on_the_way: Sequence[Intention],
    drafts: Sequence[DraftProposal],
    findings: Sequence[Finding],
    checks: Sequence[Facts],
    is_busy: bool,
) -> Situation:
    """Everything the pairs are decided from. ``on_the_way`` are the trades that come first, ``drafts`` tonight's.

    ``checks`` are the facts of the day that a swap-back must pass: first with ``on_the_way`` counted, then without
    ``drafts``. None where no pair is due.
    """
    facts = next(iter(checks), None)
    book = selectors.book(household_id, as_of)
    firm_id = firm_of(household_id)
    tax, no_tax = lot_selectors.tax_or_reason(household_id, as_of.year)
    if tax is not None:
        tax = year_ahead(
            tax,
            under_way=on_the_way,
            lots=book.lots,
            accounts=proposal_selectors.accounts_on_the_return(household_id),
            as_of=as_of,
        )
    originals = {one for pair in pairs for one in pair.originals}
    substitutes = {pair.substitute for pair in pairs} - {CASH}
    barred = _restricted(household_id, firm_id, as_of, originals | substitutes, book)
    doubtful = (
        selectors.price_jumps(
            originals | substitutes, as_of, book.symbols, book.rules.maximum_price_jump
        )
        | selectors.no_longer_traded(book)
        if facts
        else {}
    )
    not_bought = {one: why for (one, kind), why in barred.items() if kind == RestrictionKind.NO_BUY}
    not_sold = {one: why for (one, kind), why in barred.items() if kind == RestrictionKind.NO_SELL}
    left = _stay_sold(household_id, as_of, originals, book)
    for trade in (trade for draft in drafts for trade in draft.trades):
        name = f"tonight's {draft_name(drafts, trade.security, trade.side)}"
        if trade.side is Side.SELL:
            not_bought.setdefault(trade.security, f"{name} sells {book.symbol(trade.security)}")
        else:
            not_sold.setdefault(trade.security, f"{name} buys {book.symbol(trade.security)}")
    closed = {} if facts is None else facts.windows.buy_blocked
    return Situation(
        book=book,
        tax=tax,
        no_tax=no_tax,
        costs=proposal_selectors.trading_costs(household_id, as_of),
        tracking=tracking_errors(
            firm_id, as_of, {(one, pair.substitute) for pair in pairs for one in pair.originals}
        ),
        reserved={} if facts is None else facts.windows.reserved,
        closed={one: (block.clear_on, block.cause) for one, block in closed.items()},
        not_bought=not_bought | doubtful | left,
        left=left,
        not_sold=not_sold | doubtful,
        findings={(one.opening, one.part): one for one in findings},
        new_money=new_money(household_id, as_of, originals, drafts),
        groups=() if facts is None else tuple(frozenset(group) for group in facts.groups),
        cash=_least_cash(checks),
        is_busy=is_busy,
    )


def _stay_sold(
    household_id: int, as_of: date, originals: Collection[int], book: Book
) -> dict[int, str]:
    """Original -> that it left the household's model, so that nobody buys it back (F18); a clause."""
    told = selectors.departures_told(departures.of_household(household_id, as_of), book.symbols)
    return {
        one: f"{why}: it is not bought back, what stands in for it stays"
        for one, why in told.items()
        if one in originals
    }


def _least_cash(checks: Sequence[Facts]) -> dict[int, Decimal]:
    """Account -> dollars that can be spent whichever of the facts comes true."""
    accounts = {account for facts in checks for account in facts.cash}
    return {account: min(facts.cash.get(account, ZERO) for facts in checks) for account in accounts}


def draft_name(drafts: Sequence[DraftProposal], security: int, side: Side) -> str:
    """The kind of the draft that trades a security, in words."""
    kinds = [
        draft.kind.replace("_", " ")
        for draft in drafts
        if any((trade.security, trade.side) == (security, side) for trade in draft.trades)
    ]
    return kinds[0] if kinds else "proposal"


def tracking_errors(
    firm_id: int, as_of: date, pairs: Collection[tuple[int, int]]
) -> dict[tuple[int, int], PairFigures]:
    """Original and substitute, or CASH -> how far the one strays from the other; assumed where nothing was measured."""
    in_cash = [security for security, held in pairs if held == CASH]
    measured = sorted(pair for pair in pairs if pair[1] != CASH)
    found = pair_figures(firm_id, as_of, measured)
    return {
        **{pair: ASSUMED if found[pair].is_assumed else found[pair] for pair in measured},
        **_volatilities(firm_id, as_of, in_cash),
    }


def _volatilities(
    firm_id: int, as_of: date, securities: Collection[int]
) -> dict[tuple[int, int], PairFigures]:
    """Cash strays from a security by the whole of its volatility; assumed as the harvest's term X assumes it."""
    if not securities:
        return {}
    found = statistics(firm_id, as_of, securities, ()).volatility
    return {
        (security, CASH): PairFigures(
            one.annual, ZERO, ZERO, one.observations, is_assumed=one.is_assumed
        )
        for security, one in found.items()
    }


def new_money(
    household_id: int, as_of: date, originals: Collection[int], drafts: Sequence[DraftProposal]
) -> dict[int, Decimal]:
    """Original -> dollars that go into it without a swap-back.

    What tonight's other drafts buy of it, which is how a rebalance invests cash above its band, and each plan that is
    going to buy it, once.
    """
    found: dict[int, Decimal] = {}
    for trade in (trade for draft in drafts for trade in draft.trades):
        if trade.side is Side.BUY and trade.security in originals:
            found[trade.security] = found.get(trade.security, ZERO) + trade.amount
    plans = ScheduledPurchase.objects.filter(
        Q(ended_on=None) | Q(ended_on__gte=as_of),
        account__household=household_id,
        security__in=originals,
    ).exclude(cadence="once", first_on__lt=as_of)
    for security, amount in plans.order_by("pk").values_list("security_id", "amount"):
        found[security] = found.get(security, ZERO) + amount
    return found


def _restricted(
    household_id: int, firm_id: int, as_of: date, security_ids: Collection[int], book: Book
) -> Mapping[tuple[int, str], str]:
    """Security and kind of restriction -> why, a clause; one on any account of the household holds for its pairs."""
    rows = Restriction.objects.filter(
        Q(household=None) | Q(household=household_id),
        Q(until=None) | Q(until__gte=as_of),
        firm=firm_id,
        since__lte=as_of,
        security__in=security_ids,
    )
    bars = {
        RestrictionKind.NO_BUY: [RestrictionKind.NO_BUY],
        RestrictionKind.NO_SELL: [RestrictionKind.NO_SELL],
        RestrictionKind.MUST_SELL: [RestrictionKind.NO_BUY],
        RestrictionKind.MAX_WEIGHT: [RestrictionKind.NO_BUY],  # its room is the rebalance's to fill
        RestrictionKind.HOLD_GAINS: [RestrictionKind.NO_SELL],
    }
    return {
        (
            row.security_id,
            kind.value,
        ): f"{book.symbol(row.security_id)} {RestrictionKind(row.kind).told}: {row.reason.rstrip('.')}"
        for row in rows.order_by("pk")
        for kind in bars[RestrictionKind(row.kind)]
    }


# The page


# "due" are all that are past their day and not ended or waived, whatever was advised.
TABS = {
    "waiting": Q(state=PairState.WAITING),
    "due": Q(due_on__lte=F("as_of"))
    & ~Q(state__in=[*(state.value for state in ENDED_PAIRS), PairState.WAIVED.value]),
    "proposed": Q(state=PairState.PROPOSED),
    "kept": Q(state__in=[PairState.KEEP, PairState.HARVEST, PairState.NEW_CASH]),
    "done": Q(state__in=ENDED_PAIRS),
    "waived": Q(state=PairState.WAIVED),
}


def pair_rows(
    user: User, *, tab: str = "", household_id: UUID | None = None
) -> QuerySet[HarvestedPair]:
    """The firm's pairs of one tab, or all, the first due day first.

    ``swap_back`` is the public id of the household's open swap-back proposal, or None.
    """
    going = Proposal.objects.filter(
        household=OuterRef("proposal__household"), kind=ProposalKind.SWAP_BACK, status__in=OPEN
    )
    rows = (
        access.visible(user, HarvestedPair)
        .select_related("proposal__household", "account", "substitute")
        .annotate(swap_back=Subquery(going.values("public_id")[:1]))
    )
    if tab:
        rows = rows.filter(TABS[tab])
    if household_id is not None:
        rows = rows.filter(proposal__household__public_id=household_id)
    return rows.order_by("due_on", "proposal_id", "pair")


def counts(user: User) -> dict[str, int]:
    """Tab -> how many pairs it shows. One query."""
    wanted = {tab: Count("pk", filter=condition) for tab, condition in TABS.items()}
    return access.visible(user, HarvestedPair).aggregate(**wanted)


def next_due(user: User) -> HarvestedPair | None:
    """The waiting pair whose window closes first."""
    return pair_rows(user, tab="waiting").first()


def pair(user: User, proposal: UUID, number: int) -> HarvestedPair:
    """One pair by its harvest and number, or 404."""
    return get_object_or_404(pair_rows(user), proposal__public_id=proposal, pair=number)


def pairs(user: User, named: Collection[tuple[UUID, int]]) -> list[HarvestedPair]:
    """The named pairs of the firm by harvest and number, the first due day first; others are left out. One query."""
    rows = pair_rows(user).filter(
        proposal__public_id__in={proposal for proposal, _ in named},
        pair__in={number for _, number in named},
    )
    return [row for row in rows if (row.proposal.public_id, row.pair) in named]
