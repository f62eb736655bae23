"""Reads about proposals: what a household must not trade, what is on its way, and the pages' lists."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.db.models import Count, F, Prefetch, Q, QuerySet, Sum
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.canonical import decimal_text
from accounts.models import Account, Household, User
from accounts.selectors import tax_profile
from accounts.types import AccountKind
from lots import selectors as lot_selectors
from lots.models import Disposal, TaxLot
from lots.rounding import STORED_MONEY, STORED_SHARES, plain, spread
from lots.types import EntryKind, LedgerEntry
from lots.wash_sales import first_clear_date, window
from proposals.compliance import Facts, entries_of, feasible, with_entries
from proposals.models import Fill, Order, OrderExport, Proposal, ProposedTrade
from proposals.order_files import file_name
from proposals.staleness import cash_of
from proposals.types import (
    DraftProposal,
    DraftTrade,
    HarvestPair,
    Intention,
    OrderStatus,
    ProposalKind,
    Side,
    Status,
    WindowKind,
    WindowRow,
    Windows,
)
from proposals.windows import (
    Groups,
    LossSale,
    Purchase,
    Reservation,
    identical_to,
    windows_on,
)
from securities import selectors as securities

COMMITTED = (Status.APPROVED, Status.ORDERED)
ZERO = Decimal(0)


# What is on its way


def intentions(
    household_id: int,
    *,
    statuses: Collection[Status] = COMMITTED,
    without: int | None = None,
) -> tuple[Intention, ...]:
    """The unfilled remainder of open proposals' trades, oldest proposal first.

    ``without`` leaves one proposal (primary key) out: the one that is being decided.
    """
    trades = (
        ProposedTrade.objects.filter(
            proposal__household=household_id, proposal__status__in=list(statuses)
        )
        .exclude(proposal=without)
        .select_related("proposal", "account")
        .order_by("proposal_id", "ordinal")
    )
    done = _filled_or_cancelled(household_id, statuses)
    found = []
    for trade in trades:
        key = (trade.proposal_id, trade.account_id, trade.security_id, trade.side)
        filled = min(done.get(key, ZERO), trade.quantity)
        if filled:
            done[key] -= filled
        if trade.quantity > filled:
            found.append(_intention(trade, trade.quantity - filled))
    return tuple(found)


def _filled_or_cancelled(
    household_id: int, statuses: Collection[Status]
) -> dict[tuple[int, int, int, str], Decimal]:
    """Shares of each order that will not be traded any more."""
    orders = Order.objects.filter(
        proposal__household=household_id, proposal__status__in=list(statuses)
    )
    return {
        (order.proposal_id, order.account_id, order.security_id, order.side): (
            order.quantity if order.status == OrderStatus.CANCELLED else order.filled_quantity
        )
        for order in orders
    }


def _intention(trade: ProposedTrade, quantity: Decimal) -> Intention:
    return Intention(
        proposal=trade.proposal_id,
        kind=ProposalKind(trade.proposal.kind),
        status=Status(trade.proposal.status),
        as_of=trade.proposal.as_of,
        account=trade.account_id,
        security=trade.security_id,
        side=Side(trade.side),
        quantity=quantity,
        price=trade.price,
        opening=trade.opening_id,
        part=trade.part,
        at_loss=trade.account.is_taxable and trade.gain < 0,
        pair=trade.pair,
    )


def draft_trades(proposal: Proposal) -> tuple[DraftTrade, ...]:
    """A stored proposal's trades as values, in their order."""
    return tuple(
        DraftTrade(
            account=trade.account_id,
            security=trade.security_id,
            side=Side(trade.side),
            quantity=trade.quantity,
            price=trade.price,
            reason=trade.reason,
            opening=trade.opening_id,
            part=trade.part,
            basis=trade.basis,
            term=trade.term,
            pair=trade.pair,
        )
        for trade in proposal.trades.order_by("ordinal")
    )


# Wash windows


def windows(
    household_id: int,
    as_of: date,
    *,
    statuses: Collection[Status] = COMMITTED,
    drafts: Sequence[DraftProposal] = (),
) -> Windows:
    """What the household must not trade on ``as_of``: ledger, orders, open proposals and drafts together.

    A trade that has not happened yet is taken to happen on ``as_of``.
    """
    household = Household.objects.get(pk=household_id)
    on_the_way = intentions(household_id, statuses=statuses)
    return _windows(household, as_of, on_the_way=on_the_way, drafts=drafts)


def _windows(
    household: Household,
    as_of: date,
    *,
    on_the_way: Sequence[Intention],
    drafts: Sequence[DraftProposal] = (),
) -> Windows:
    symbols = securities.symbols(household.firm_id)
    accounts = {account.pk: account for account in Account.objects.filter(household=household)}
    planned = [(one, f"the {one.status} {_words(one.kind)} of {one.as_of}") for one in on_the_way]
    for draft in drafts:
        name = f"tonight's {_words(draft.kind)}"
        planned += [(one, name) for one in _draft_intentions(draft, accounts)]
    return windows_on(
        as_of,
        loss_sales=[
            *_booked_loss_sales(household.pk, as_of, symbols),
            *_planned_loss_sales(planned, as_of, symbols),
        ],
        purchases=[
            *_booked_purchases(household.pk, as_of, symbols),
            *_planned_purchases(planned, as_of, symbols, accounts),
        ],
        reservations=_reservations(one for one, _ in planned),
        groups=securities.identical_groups(household.firm_id),
    )


def _booked_loss_sales(household_id: int, as_of: date, symbols: dict[int, str]) -> list[LossSale]:
    """Losses already disallowed in full count as well: one rule that never errs on the wrong side."""
    rows = (
        Disposal.objects.filter(
            account__household=household_id,
            is_taxable=True,
            trade_date__range=window(as_of),
            proceeds__lt=F("basis"),
        )
        .values("security_id", "trade_date", "account__name", "sale_id")
        .annotate(shares=Sum("quantity"))
        .order_by("trade_date", "sale_id")
    )
    return [
        LossSale(
            security=row["security_id"],
            day=row["trade_date"],
            shares=row["shares"],
            cause=f"{_shares(row['shares'])} {symbols[row['security_id']]} sold at a loss on "
            f"{row['trade_date']} in {row['account__name']}",
        )
        for row in rows
    ]


def _booked_purchases(household_id: int, as_of: date, symbols: dict[int, str]) -> list[Purchase]:
    """Purchases and reinvestments of the window as far as they are still held (U4), in today's shares."""
    rows = (
        TaxLot.objects.filter(
            account__household=household_id,
            opening__kind__in=[EntryKind.BUY, EntryKind.REINVEST],
            opening__trade_date__range=window(as_of),
        )
        .values(
            "security_id",
            "opening_id",
            "opening__trade_date",
            "opening__kind",
            "opening__account__name",
            "opening__account__kind",
        )
        .annotate(shares=Sum("quantity"))
        .order_by("opening__trade_date", "opening_id")
    )
    return [
        Purchase(
            security=row["security_id"],
            day=row["opening__trade_date"],
            shares=row["shares"],
            cause=f"{_shares(row['shares'])} {symbols[row['security_id']]} "
            f"{'reinvested' if row['opening__kind'] == EntryKind.REINVEST else 'bought'} on "
            f"{row['opening__trade_date']} in {row['opening__account__name']}",
            retirement=not AccountKind(row["opening__account__kind"]).is_taxable,
        )
        for row in rows
    ]


def _planned_loss_sales(
    planned: Iterable[tuple[Intention, str]], as_of: date, symbols: dict[int, str]
) -> list[LossSale]:
    return [
        LossSale(
            security=one.security,
            day=as_of,
            shares=one.quantity,
            cause=f"{name} sells {_shares(one.quantity)} {symbols[one.security]} at a loss",
        )
        for one, name in planned
        if one.at_loss
    ]


def _planned_purchases(
    planned: Iterable[tuple[Intention, str]],
    as_of: date,
    symbols: dict[int, str],
    accounts: dict[int, Account],
) -> list[Purchase]:
    return [
        Purchase(
            security=one.security,
            day=as_of,
            shares=one.quantity,
            cause=f"{name} buys {_shares(one.quantity)} {symbols[one.security]}",
            retirement=not accounts[one.account].is_taxable,
        )
        for one, name in planned
        if one.side is Side.BUY
    ]


def _reservations(planned: Iterable[Intention]) -> list[Reservation]:
    return [
        Reservation(opening=one.opening, part=one.part, shares=one.quantity)
        for one in planned
        if one.opening is not None and one.part is not None
    ]


def _draft_intentions(draft: DraftProposal, accounts: dict[int, Account]) -> list[Intention]:
    return [
        Intention(
            proposal=0,
            kind=draft.kind,
            status=Status.PENDING,
            as_of=draft.as_of,
            account=trade.account,
            security=trade.security,
            side=trade.side,
            quantity=trade.quantity,
            price=trade.price,
            opening=trade.opening,
            part=trade.part,
            at_loss=accounts[trade.account].is_taxable and trade.gain < 0,
            pair=trade.pair,
        )
        for trade in draft.trades
    ]


def open_pairs(household_id: int, as_of: date) -> tuple[HarvestPair, ...]:
    """Substitutes that stand in for what a harvest sold: approved, ordered or filled, window still open (T33)."""
    recent = Q(status__in=COMMITTED) | Q(
        status=Status.FILLED, orders__fills__trade_date__gte=window(as_of)[0]
    )
    proposals = Proposal.objects.filter(
        recent, household=household_id, kind=ProposalKind.HARVEST
    ).distinct()
    return tuple(
        pair
        for proposal in proposals.order_by("pk")
        for pair in _pairs_of(proposal, as_of)
        if as_of < first_clear_date(pair.sold_on)
    )


def _pairs_of(proposal: Proposal, as_of: date) -> list[HarvestPair]:
    """One per security sold; a substitute bought for several is shared by dollars sold."""
    legs: dict[int, list[ProposedTrade]] = {}
    for trade in proposal.trades.order_by("ordinal"):
        legs.setdefault(trade.pair, []).append(trade)
    sold_on = _last_sales(proposal)
    never_bought = _part_never_bought(proposal)
    pairs = []
    for trades in legs.values():
        buy = next(trade for trade in trades if trade.side == Side.BUY)
        done = 1 - never_bought.get((buy.account_id, buy.security_id), ZERO)
        if not done:
            continue
        sold: dict[int, Decimal] = {}
        for trade in trades:
            if trade.side == Side.SELL:
                sold[trade.security_id] = sold.get(trade.security_id, ZERO) + trade.amount
        shares = _shared((buy.quantity * done).quantize(STORED_SHARES), sold, STORED_SHARES)
        dollars = _shared((buy.amount * done).quantize(STORED_MONEY), sold, STORED_MONEY)
        pairs += [
            HarvestPair(
                sold=security,
                substitute=buy.security_id,
                quantity=shares[security],
                amount=dollars[security],
                sold_on=sold_on.get((buy.account_id, security), as_of),
            )
            for security in sold
        ]
    return pairs


def _part_never_bought(proposal: Proposal) -> dict[tuple[int, int], Decimal]:
    """Account and security of closed purchases -> the fraction that was not filled."""
    closed = proposal.orders.filter(side=Side.BUY, status=OrderStatus.CANCELLED)
    return {
        (order.account_id, order.security_id): 1 - order.filled_quantity / order.quantity
        for order in closed
    }


def _shared(total: Decimal, by: dict[int, Decimal], quantum: Decimal) -> dict[int, Decimal]:
    """``total`` in proportion to the dollars sold, to the last unit (largest remainder)."""
    whole = Fraction(sum(by.values(), ZERO))
    parts = [Fraction(total) * Fraction(amount) / whole for amount in by.values()]
    return dict(zip(by, spread(total, parts, quantum), strict=True))


def _last_sales(proposal: Proposal) -> dict[tuple[int, int], date]:
    """Account and security -> the day of its last fill."""
    fills = Fill.objects.filter(order__proposal=proposal, order__side=Side.SELL)
    days = fills.order_by("trade_date").values_list(
        "order__account_id", "order__security_id", "trade_date"
    )
    return {(account, security): day for account, security, day in days}


# Windows as people read them


def window_rows(household_id: int, as_of: date) -> list[WindowRow]:
    """Every open window of the household and every reinvestment that endangers a loss, soonest clear first."""
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
        )
        for security, block in found.buy_blocked.items()
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
        )
        for security, sell in found.sell_blocked.items()
    ]
    rows += _reinvestment_rows(household, as_of, found, symbols)
    return sorted(rows, key=lambda row: (row.clear_on, row.symbol, row.what))


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
    groups = securities.identical_groups(household.firm_id)
    losses = _with_unrealised_loss(household, as_of, accounts, groups) if held else frozenset()
    rows = []
    for row in held:
        account, security = accounts[row["account_id"]], row["security_id"]
        block = found.buy_blocked.get(security)
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


# Everything a check needs


def facts(
    household_id: int,
    as_of: date,
    *,
    on_the_way: Sequence[Intention],
) -> Facts:
    """Fresh facts of a household, with the trades of ``on_the_way`` counted in ledger, windows and cash."""
    household = Household.objects.get(pk=household_id)
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(household_id)}
    accounts = {account.pk: account for account in Account.objects.filter(household=household)}
    possible = feasible(on_the_way, lots)
    spreads = securities.half_spreads(household.firm_id)
    cash = dict(lot_selectors.cash(household_id))
    for one in possible:
        cash[one.account] = cash.get(one.account, ZERO) + cash_of(one, spreads)
    return Facts(
        as_of=as_of,
        ledger=with_entries(
            lot_selectors.ledger(household_id), _entries_by_proposal(possible, as_of)
        ),
        lots=lots,
        windows=_windows(household, as_of, on_the_way=on_the_way),
        quotes=securities.latest_prices(household.firm_id, as_of),
        half_spreads=spreads,
        cash=cash,
        groups=securities.identical_groups(household.firm_id),
        symbols=securities.symbols(household.firm_id),
        accounts={pk: account.name for pk, account in accounts.items()},
        taxable=frozenset(pk for pk, account in accounts.items() if account.is_taxable),
    )


def tax_profile_facts(household_id: int, year: int) -> dict[str, str]:
    """The figures of the household's tax profile as text; empty where there is none."""
    profile = tax_profile(household_id, year)
    if profile is None:
        return {}
    return {
        field.name: _field_text(getattr(profile, field.name))
        for field in profile._meta.concrete_fields
        if field.name not in ("id", "household")
    }


def _field_text(value: object) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _entries_by_proposal(
    on_the_way: Sequence[Intention], trade_date: date
) -> tuple[LedgerEntry, ...]:
    """Each proposal's orders are sales and purchase blocks of their own."""
    by_proposal: dict[int, list[Intention]] = {}
    for one in on_the_way:
        by_proposal.setdefault(one.proposal, []).append(one)
    return tuple(
        entry
        for proposal, trades in by_proposal.items()
        for entry in entries_of(trades, trade_date, prefix=f"proposal {proposal}")
    )


# The pages' lists, always through the user's firm


def inbox(
    user: User, *, status: Status | None = Status.PENDING, kind: ProposalKind | None = None
) -> QuerySet[Proposal]:
    """The firm's proposals, newest night and largest saving first; None asks for every status or kind."""
    rows = access.visible(user, Proposal).select_related("household")
    if status is not None:
        rows = rows.filter(status=status)
    if kind is not None:
        rows = rows.filter(kind=kind)
    return rows.order_by("-as_of", "-tax_saved", "pk")


@dataclass(frozen=True, slots=True)
class PendingTotal:
    """A tile of the inbox."""

    kind: ProposalKind
    count: int
    tax_saved: Decimal


def pending_totals(user: User) -> list[PendingTotal]:
    """How many proposals of each kind wait for a decision, and the tax they would save."""
    rows = (
        access.visible(user, Proposal)
        .filter(status=Status.PENDING)
        .order_by("kind")
        .values("kind")
        .annotate(count=Count("pk"), saved=Sum("tax_saved"))
    )
    return [PendingTotal(ProposalKind(row["kind"]), row["count"], row["saved"]) for row in rows]


def proposal(user: User, public_id: UUID) -> Proposal:
    """One proposal with household, trades and decisions, or 404."""
    trades = ProposedTrade.objects.select_related(
        "security", "account", "account__owner", "opening__account"
    ).order_by("ordinal")
    rows = (
        access.visible(user, Proposal)
        .select_related("household", "household__firm")
        .prefetch_related(Prefetch("trades", trades), "decisions__user")
    )
    return get_object_or_404(rows, public_id=public_id)


def household_proposals(user: User, household_id: UUID) -> QuerySet[Proposal]:
    """The proposals of one household (public id), newest first."""
    rows = access.visible(user, Proposal).filter(household__public_id=household_id)
    return rows.select_related("household").order_by("-as_of", "-pk")


def orders(user: User) -> QuerySet[Order]:
    """The blotter, newest first."""
    return (
        access.visible(user, Order)
        .select_related("proposal", "account", "account__household", "security", "export")
        .order_by("-pk")
    )


def waiting_orders(user: User) -> QuerySet[Order]:
    """Approved orders that no order file holds yet."""
    return orders(user).filter(status=OrderStatus.APPROVED)


def order_exports(user: User) -> QuerySet[OrderExport]:
    """The firm's order files, newest first."""
    return access.visible(user, OrderExport).select_related("exported_by").order_by("-number")


def order_export(user: User, number: int) -> OrderExport:
    """One order file by its number in the firm, or 404."""
    return get_object_or_404(order_exports(user), number=number)


@dataclass(frozen=True, slots=True)
class OrderFile:
    """A file to hand out."""

    name: str
    text: str


def order_file(user: User, number: int, part: str, *, copy: bool = True) -> OrderFile:
    """The ``orders`` or ``lots`` file of an export; handed out again it says that it is a copy.

    Raises Http404 for an unknown number or part.
    """
    export = order_export(user, number)
    texts = {"orders": export.orders_csv, "lots": export.lots_csv}
    if part not in texts:
        raise Http404(f"an order export has no part {part!r}")
    return OrderFile(name=file_name(part, number, copy=copy), text=texts[part])


def _words(kind: ProposalKind) -> str:
    return f"{kind.replace('_', '-')} proposal"


def _shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
