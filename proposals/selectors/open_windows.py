"""What a household must not trade on a day: windows opened by the ledger, by open proposals and by drafts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import F, Sum

from accounts.models import Account, Household
from accounts.types import AccountKind
from lots import selectors as lot_selectors
from lots.engine.entry_checks import PURCHASES
from lots.models import Disposal, TaxLot
from lots.rounding import plain
from lots.types import EntryKind, LotRow
from lots.wash_sales import window
from proposals.compliance import LotKey, feasible
from proposals.selectors.intentions import COMMITTED, intentions
from proposals.types import (
    DraftProposal,
    Intention,
    ProposalKind,
    Side,
    Status,
    Windows,
)
from proposals.windows import (
    LossSale,
    Purchase,
    Reservation,
    windows_on,
)
from securities import selectors as securities


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
    on_the_way = intentions(household_id, statuses=statuses, as_of=as_of)
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(household_id)}
    return windows_given(household, as_of, on_the_way=on_the_way, lots=lots, drafts=drafts)


def windows_given(
    household: Household,
    as_of: date,
    *,
    on_the_way: Sequence[Intention],
    lots: Mapping[LotKey, LotRow],
    drafts: Sequence[DraftProposal] = (),
) -> Windows:
    """``windows`` of what is given; sales reserve the shares of ``lots`` that they will relieve."""
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
        reservations=_reservations(feasible([one for one, _ in planned], lots)),
        groups=lot_selectors.identical_sets(household.firm_id, as_of),
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
    """Purchases and reinvestments of the window as far as they are still held (U4), in today's shares.

    Under another security they count where a rename or merger made them so: a spin-off buys nothing (R19).
    """
    became = lot_selectors.succeeded(household_id)
    rows = (
        TaxLot.objects.filter(
            account__household=household_id,
            opening__kind__in=PURCHASES,
            acquired__range=window(as_of),
        )
        .values(
            "security_id",
            "opening_id",
            "acquired",
            "opening__kind",
            "opening__security_id",
            "opening__account__name",
            "opening__account__kind",
        )
        .annotate(shares=Sum("quantity"))
        .order_by("acquired", "opening_id")
    )
    return [
        Purchase(
            security=row["security_id"],
            day=row["acquired"],
            shares=row["shares"],
            cause=f"{_shares(row['shares'])} {symbols[row['security_id']]} "
            f"{'reinvested' if row['opening__kind'] == EntryKind.REINVEST else 'bought'} on "
            f"{row['acquired']} in {row['opening__account__name']}",
            retirement=not AccountKind(row["opening__account__kind"]).is_taxable,
        )
        for row in rows
        if row["security_id"] == row["opening__security_id"]
        or row["security_id"] in became.get(row["opening__security_id"], ())
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
            at_loss=accounts[trade.account].is_taxable and trade.may_turn_loss,
            pair=trade.pair,
        )
        for trade in draft.trades
    ]


def draft_intentions(household_id: int, drafts: Sequence[DraftProposal]) -> tuple[Intention, ...]:
    """What tonight's drafts of the household are going to trade, as if they were pending proposals."""
    if not drafts:
        return ()
    accounts = {account.pk: account for account in Account.objects.filter(household=household_id)}
    return tuple(one for draft in drafts for one in _draft_intentions(draft, accounts))


def _words(kind: ProposalKind) -> str:
    return f"{kind.replace('_', '-')} proposal"


def _shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))
