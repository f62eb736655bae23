"""What a household must not trade on a day: windows opened by the ledger, by open proposals and by drafts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import F, Sum

from accounts.models import Account
from accounts.selectors import accounts_of, firm_of
from accounts.types import AccountKind
from lots import selectors as lot_selectors
from lots.engine.entry_checks import PURCHASES
from lots.held_lots import basis_of
from lots.models import Disposal, TaxLot
from lots.rounding import plain
from lots.types import EntryKind, LotRow
from lots.wash_sales import window
from proposals.compliance import LotKey, feasible
from proposals.selectors.coming import coming_in, restrictions_in
from proposals.selectors.intentions import COMMITTED, intentions
from proposals.types import (
    ComingPurchase,
    DraftProposal,
    Intention,
    Origin,
    ProposalKind,
    Side,
    Status,
    Windows,
)
from proposals.windows import (
    Groups,
    LossSale,
    Purchase,
    Reservation,
    windows_on,
    with_restrictions,
)
from securities import selectors as securities

ZERO = Decimal(0)
_ORIGINS = {
    Status.PENDING: Origin.PENDING,
    Status.APPROVED: Origin.APPROVED,
    Status.ORDERED: Origin.ORDER,
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A trade that is going to be made, and the words for what makes it."""

    trade: Intention
    name: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """What opens a household's windows. ``coming`` reaches as far ahead as plans are laid out."""

    loss_sales: tuple[LossSale, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    coming: tuple[ComingPurchase, ...] = ()

    def windows(
        self, day: date, *, groups: Groups, reservations: Iterable[Reservation] = ()
    ) -> Windows:
        """What they block on ``day``."""
        return windows_on(
            day,
            loss_sales=self.loss_sales,
            purchases=self.purchases,
            coming=self.coming,
            reservations=reservations,
            groups=groups,
        )


def windows(
    household_id: int,
    as_of: date,
    *,
    statuses: Collection[Status] = COMMITTED,
    drafts: Sequence[DraftProposal] = (),
) -> Windows:
    """What the household must not trade on ``as_of``: ledger, orders, open proposals, drafts and what is ahead.

    A trade that has not happened yet is taken to happen on ``as_of``; a scheduled purchase and a dividend have their
    own days.
    """
    on_the_way = intentions(household_id, statuses=statuses, as_of=as_of)
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(household_id)}
    return windows_given(household_id, as_of, on_the_way=on_the_way, lots=lots, drafts=drafts)


def windows_given(
    household_id: int,
    as_of: date,
    *,
    on_the_way: Sequence[Intention],
    lots: Mapping[LotKey, LotRow],
    drafts: Sequence[DraftProposal] = (),
) -> Windows:
    """``windows`` of what is given; sales reserve the shares of ``lots`` that they will relieve."""
    firm_id = firm_of(household_id)
    symbols = securities.symbols(firm_id)
    accounts = {account.pk: account for account in accounts_of(household_id)}
    planned = planned_trades(on_the_way)
    for draft in drafts:
        name = f"tonight's {_words(draft.kind)}"
        planned += [Planned(one, name, Origin.DRAFT) for one in _draft_intentions(draft, accounts)]
    booked = booked_facts(firm_id, accounts, as_of, symbols).get(household_id)
    facts = with_planned(booked or WindowFacts(), planned, as_of, symbols, accounts, lots)
    found = facts.windows(
        as_of,
        groups=lot_selectors.identical_sets(firm_id, as_of),
        reservations=_reservations(feasible([one.trade for one in planned], lots)),
    )
    restricted = restrictions_in(firm_id, [household_id], as_of)[household_id]
    return with_restrictions(found, restricted, lots)


def booked_facts(
    firm_id: int, accounts: Mapping[int, Account], as_of: date, symbols: Mapping[int, str]
) -> dict[int, WindowFacts]:
    """Household -> what its ``accounts`` (of one firm) have traded and will buy by themselves.

    The number of queries does not depend on how many there are.
    """
    sales = _booked_loss_sales(accounts, as_of, symbols)
    purchases = _booked_purchases(accounts, as_of, symbols)
    ahead = coming_in(firm_id, accounts, as_of)
    return {
        household: WindowFacts(
            tuple(sales.get(household, ())),
            tuple(purchases.get(household, ())),
            ahead.get(household, ()),
        )
        for household in sales.keys() | purchases.keys() | ahead.keys()
    }


def planned_trades(on_the_way: Iterable[Intention]) -> list[Planned]:
    """What open proposals are going to trade, with the words for it."""
    return [
        Planned(one, f"the {one.status} {_words(one.kind)} of {one.as_of}", _ORIGINS[one.status])
        for one in on_the_way
    ]


def with_planned(
    facts: WindowFacts,
    planned: Sequence[Planned],
    as_of: date,
    symbols: Mapping[int, str],
    accounts: Mapping[int, Account],
    lots: Mapping[LotKey, LotRow],
) -> WindowFacts:
    """The facts with trades that are going to be made, as if on ``as_of``."""
    return replace(
        facts,
        loss_sales=(*facts.loss_sales, *_planned_loss_sales(planned, as_of, symbols, lots)),
        purchases=(*facts.purchases, *_planned_purchases(planned, as_of, symbols, accounts)),
    )


def _booked_loss_sales(
    accounts: Mapping[int, Account], as_of: date, symbols: Mapping[int, str]
) -> dict[int, list[LossSale]]:
    """Losses already disallowed in full count as well: one rule that never errs on the wrong side."""
    rows = (
        Disposal.objects.filter(
            account__in=accounts,
            is_taxable=True,
            trade_date__range=window(as_of),
            proceeds__lt=F("basis"),
        )
        .values("security_id", "trade_date", "account_id", "sale_id", "sale__fill")
        .annotate(shares=Sum("quantity"), loss=Sum(F("basis") - F("proceeds") - F("disallowed")))
        .order_by("trade_date", "sale_id")
    )
    found: dict[int, list[LossSale]] = {}
    for row in rows:
        account = accounts[row["account_id"]]
        sale = LossSale(
            security=row["security_id"],
            day=row["trade_date"],
            shares=row["shares"],
            cause=f"{_shares(row['shares'])} {symbols[row['security_id']]} sold at a loss on "
            f"{row['trade_date']} in {account.name}",
            origin=Origin.TRADE if row["sale__fill"] is None else Origin.FILL,
            loss=max(row["loss"], ZERO),
        )
        found.setdefault(account.household_id, []).append(sale)
    return found


def _booked_purchases(
    accounts: Mapping[int, Account], as_of: date, symbols: Mapping[int, str]
) -> dict[int, list[Purchase]]:
    """Purchases and reinvestments of the window as far as they are still held (U4), in today's shares.

    Under another security they count where a rename or merger made them so: a spin-off buys nothing (R19).
    """
    rows = (
        TaxLot.objects.filter(
            account__in=accounts,
            opening__kind__in=PURCHASES,
            acquired__range=window(as_of),
        )
        .values(
            "account__household_id",
            "security_id",
            "opening_id",
            "acquired",
            "opening__kind",
            "opening__security_id",
            "opening__account__name",
            "opening__account__kind",
            "opening__fill",
        )
        .annotate(shares=Sum("quantity"))
        .order_by("acquired", "opening_id")
    )
    became: dict[int, dict[int, frozenset[int]]] = {}  # of the few households that need it
    found: dict[int, list[Purchase]] = {}
    for row in rows:
        household, security = row["account__household_id"], row["security_id"]
        if security != row["opening__security_id"]:
            if household not in became:
                became[household] = lot_selectors.succeeded(household)
            if security not in became[household].get(row["opening__security_id"], ()):
                continue
        found.setdefault(household, []).append(_booked_purchase(row, symbols))
    return found


def _booked_purchase(row: Mapping[str, Any], symbols: Mapping[int, str]) -> Purchase:
    is_reinvested = row["opening__kind"] == EntryKind.REINVEST
    origin = Origin.TRADE if row["opening__fill"] is None else Origin.FILL
    return Purchase(
        security=row["security_id"],
        day=row["acquired"],
        shares=row["shares"],
        cause=f"{_shares(row['shares'])} {symbols[row['security_id']]} "
        f"{'reinvested' if is_reinvested else 'bought'} on "
        f"{row['acquired']} in {row['opening__account__name']}",
        retirement=not AccountKind(row["opening__account__kind"]).is_taxable,
        origin=Origin.REINVESTED if is_reinvested else origin,
    )


def _planned_loss_sales(
    planned: Iterable[Planned],
    as_of: date,
    symbols: Mapping[int, str],
    lots: Mapping[LotKey, LotRow],
) -> list[LossSale]:
    return [
        LossSale(
            security=one.trade.security,
            day=as_of,
            shares=one.trade.quantity,
            cause=f"{one.name} sells {_shares(one.trade.quantity)} {symbols[one.trade.security]} "
            "at a loss",
            origin=one.origin,
            loss=_expected_loss(one.trade, lots),
        )
        for one in planned
        if one.trade.at_loss
    ]


def _expected_loss(trade: Intention, lots: Mapping[LotKey, LotRow]) -> Decimal:
    lot = lots.get((trade.opening or 0, trade.part or 0))
    if lot is None:
        return ZERO
    basis = basis_of(lot, min(trade.quantity, lot.quantity), trade.amount)
    return max(basis - trade.amount, ZERO)


def _planned_purchases(
    planned: Iterable[Planned],
    as_of: date,
    symbols: Mapping[int, str],
    accounts: Mapping[int, Account],
) -> list[Purchase]:
    return [
        Purchase(
            security=one.trade.security,
            day=as_of,
            shares=one.trade.quantity,
            cause=f"{one.name} buys {_shares(one.trade.quantity)} {symbols[one.trade.security]}",
            retirement=not accounts[one.trade.account].is_taxable,
            origin=one.origin,
        )
        for one in planned
        if one.trade.side is Side.BUY
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
            at_loss=accounts[trade.account].is_taxable and trade.may_turn_loss,
            pair=trade.pair,
        )
        for trade in draft.trades
    ]


def draft_intentions(household_id: int, drafts: Sequence[DraftProposal]) -> tuple[Intention, ...]:
    """What tonight's drafts of the household are going to trade, as if they were pending proposals."""
    if not drafts:
        return ()
    accounts = {account.pk: account for account in accounts_of(household_id)}
    return tuple(one for draft in drafts for one in _draft_intentions(draft, accounts))


def _words(kind: ProposalKind) -> str:
    return f"{kind.replace('_', '-')} proposal"


def _shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))
