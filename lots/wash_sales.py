"""Wash sales: the window, who counts as a buyer, and the matching of sold with replacement shares.

How a match is made (``WashBook``; ``lots.replay`` calls it in the order of execution):

1. A loss is tested lot part by lot part, never net of gains (R8), after all shares of the sale have left (R9b, U4);
   fills of one sell order on one date are one sale (``engine.sell_orders``).
2. Candidates are purchases (R19, R25) of the same security or one of its identical group (R24), in the 61 days around
   the sale (R5), by an account in scope (R17, R18, U2, U7), of another block than the shares sold (R9), still held
   (U4) and not yet used as a replacement (R14).
3. When a loss sale arrives it takes the candidates already bought, earliest acquired first (R12); retirement accounts
   first on one date (U6). What it lacks stays pending until its window has passed.
4. When a purchase arrives it serves the pending losses, in the order of disposition (R7), before it can be a candidate
   for later ones. Together 3 and 4 give every loss the earliest replacements that no earlier loss has used. A lot taken
   over without its history (``OPENING``) is a candidate by the day it was bought on, for losses from its first day on.
5. Shares are compared share for share (U8) in the units of the sale date (R23), contracts by what they cover (R26).
6. Each match moves its loss into the replacement shares' basis (R13) and tacks their holding period (R15, U3), so that
   a later loss is measured on the adjusted basis (R21). If a retirement account bought, the loss is gone (R16).

Candidates and pending losses stand in queues (``engine.queues``), one for all accounts that count for the same sellers,
so that the next admissible one is the first: a match costs the same however many trades there were.

A corporation that the household controls (R18) is another taxpayer. Its purchase disallows a person's loss whatever the
policy on spouses; nothing settles where the basis goes, so nobody's basis is raised and the amount counts as permanent.
Its own losses look at its own purchases only.

Under U4 LITERAL_ACQUIRED shares sold before the loss count too. The loss then goes into the basis of the sale that
disposed of them; that sale is not tested a second time, and its dates stay.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from accounts.types import AccountKind, OwnerKind
from lots.engine.holdings import Loss, Opening, Part, Position
from lots.engine.identity import Identity, merged_groups
from lots.engine.queues import Queues, Seat
from lots.engine.records import Records
from lots.engine.splits import Answer
from lots.engine.units import added, normal, rate, ratio
from lots.holding_period import tacked_start
from lots.types import (
    EntryKind,
    LedgerAccount,
    OlderLotPolicy,
    Policy,
    Scope,
    SoldReplacementPolicy,
    SpousePolicy,
    TaxDeferredPolicy,
    Treatment,
)

__all__ = [
    "WashBook", "counts_as_buyer", "first_clear_date", "in_window", "merged_groups", "treatment_of",
    "window",
]  # fmt: skip

_REACH_DAYS = 30
_REACH = timedelta(days=_REACH_DAYS)
_DAY = timedelta(days=1)
IRAS = (AccountKind.TRADITIONAL_IRA, AccountKind.ROTH_IRA)


def window(sale_date: date) -> tuple[date, date]:
    """First and last day on which a purchase washes a loss of ``sale_date``: 61 days, both included (R5)."""
    return sale_date - _REACH, sale_date + _REACH


def in_window(acquired: date, sale_date: date) -> bool:
    """Whether a purchase on ``acquired`` lies in the window of a sale on ``sale_date`` (R5)."""
    first, last = window(sale_date)
    return first <= acquired <= last


def first_clear_date(day: date) -> date:
    """First day on which the other side of a trade of ``day`` is outside the window: day 31 (R5, R29).

    It works both ways: the first safe purchase after a loss sale, and the first safe loss sale after a purchase.
    """
    return window(day)[1] + _DAY


def counts_as_buyer(seller: LedgerAccount, buyer: LedgerAccount, policy: Policy) -> bool:
    """Whether a purchase in ``buyer`` can wash a loss in ``seller`` (R17, R18, U2, U7; R27 for a broker)."""
    if policy.scope is Scope.BROKER:
        return buyer.id == seller.id
    if seller.owner_kind is OwnerKind.CORPORATION:
        return buyer.owner_kind is OwnerKind.CORPORATION and buyer.owner == seller.owner
    if buyer.owner_kind is OwnerKind.CORPORATION:
        return True
    if buyer.owner != seller.owner and policy.spouse is SpousePolicy.TAXPAYER_ONLY:
        return False
    if buyer.kind.is_taxable or buyer.kind in IRAS:
        return True
    return policy.tax_deferred is TaxDeferredPolicy.ALL_LIKE_IRA


def treatment_of(seller: LedgerAccount, buyer: LedgerAccount) -> Treatment:
    """Where a loss goes: into the replacement's basis (R13), or nowhere (R16; a corporation, R18)."""
    if not buyer.kind.is_taxable:
        return Treatment.PERMANENT
    if buyer.owner_kind is not seller.owner_kind:
        return Treatment.PERMANENT
    return Treatment.DEFERRED


class WashBook:
    """Pending losses and possible replacements of one household, kept up to date entry by entry."""

    def __init__(
        self,
        *,
        records: Records,
        identity: Identity,
        policy: Policy,
    ) -> None:
        self.keeps_sold_shares = (
            policy.sold_replacement is SoldReplacementPolicy.LITERAL_ACQUIRED
        )  # shares that are gone still count as acquired (U4)
        self._records = records
        self._measures = records.measures
        self._identity = identity
        self._policy = policy
        self._is_permanent = _permanent_pairs(records.accounts.values())
        self._queues = Queues(
            _buyers_by_seller(records.accounts.values(), policy),
            only_newer=policy.older_lot is OlderLotPolicy.ONLY_NEWER_THAN_SOLD,
        )

    def market(self, account: str, security: str) -> str:
        """Purchases and losses meet under one name: the identical group, or one broker's security (R27)."""
        if self._policy.scope is Scope.BROKER:
            return f"{account} {self._identity.one(security)}"
        return self._identity.name(security)

    def _seat(self, position: Position) -> Seat:
        seat = position.seat
        if seat is None:
            market = self.market(position.account.id, position.security)
            seat = position.seat = self._queues.seat(position.account.id, market)
        return seat

    def bought(self, opening: Opening, position: Position) -> None:
        """Serve the pending losses with a new purchase; the shares left over are candidates for later ones."""
        booked_on = opening.entry.trade_date.toordinal()
        first = booked_on - _REACH_DAYS
        if opening.acquired < first:
            return  # an opening lot bought long before it was taken over
        seat = self._seat(position)
        if seat.offers.add(opening, first):
            self._records.moved_first.add(opening.order)
        if opening.entry.kind is EntryKind.OPENING:
            return  # shares sold before it was taken over are not replaced by it
        for loss in seat.pending_losses(first, opening):
            if self._may_replace(loss, opening):
                self._match(loss, opening)
                if opening.first_free() is None:
                    return

    def sold(self, losses: Sequence[Loss], position: Position) -> None:
        """Find replacements for the losses among the parts that one sale has sold.

        ``losses`` stand in the order of original acquisition (R20).
        """
        seat = self._seat(position)
        first = losses[0].sale.day - _REACH_DAYS
        for loss in losses:
            if self.keeps_sold_shares and not self._is_still_a_loss(loss):
                continue
            for opening in seat.candidates(first, loss.opening):
                if self._may_replace(loss, opening):
                    self._match(loss, opening)
                    if not loss.unmatched:
                        break
            else:
                seat.pending.add(loss)

    def _is_still_a_loss(self, loss: Loss) -> bool:
        """Under U4 LITERAL_ACQUIRED an earlier loss of the same sale may have moved into this one's basis."""
        moved = self._records.moved_in.get(loss.row)
        if moved is not None:
            loss.rate = added(loss.rate, rate(moved, loss.unmatched))
        return loss.rate[0] > 0

    def _may_replace(self, loss: Loss, opening: Opening) -> bool:
        """Everything of step 2 that the queues do not answer: an order that is one purchase, and dated groups."""
        if opening is loss.opening:
            return False
        return not self._identity.changes or self._identity.identical(
            loss.sale.security,
            opening.entry.security or "",
            loss.sale.entry.trade_date,
            opening.entry.acquired or opening.entry.trade_date,
        )

    def _match(self, loss: Loss, opening: Opening) -> None:
        """Match as many shares as both sides have, and move the loss."""
        sale = loss.sale
        while loss.unmatched and (part := opening.first_free()) is not None:
            security = part.lot.position.security
            if security == sale.security:
                answer = sale.scale, sale.scale, sale.scale != opening.scale
            else:
                answer = self._measures.answer(security, sale.security, sale.place, opening.scale)
            self._move_loss(loss, part, opening, answer)

    def _move_loss(self, loss: Loss, part: Part, opening: Opening, answer: Answer) -> None:
        sale, moved = loss.sale, loss.rate
        scale, sold_scale, is_rescaled = answer
        dollars, per = moved
        shares = part.quantity
        if scale == sold_scale:
            if shares > loss.unmatched:
                shares = loss.unmatched
            piece = part.match(shares)
        else:
            shares = min(loss.unmatched, normal(ratio(shares * sold_scale, scale)))
            piece = part.match(normal(ratio(shares * scale, sold_scale)))
            moved = dollars * sold_scale, per * scale
        loss.unmatched -= shares
        is_permanent = self._is_permanent[sale.account.id, opening.account.id]
        gone = piece.is_gone
        self._records.matches.append(
            (
                loss.row, opening.order, piece.number, shares, dollars, per, is_permanent,
                is_rescaled, gone is not None,
            )
        )  # fmt: skip
        if is_permanent:
            return
        if gone is not None:
            before = self._records.moved_in.get(gone, 0)
            self._records.moved_in[gone] = before + ratio(dollars * shares, per)
            return
        piece.rate = added(piece.rate, moved)
        piece.adjusted = True
        tacked = tacked_start(
            own=opening.acquired,
            sold_start=loss.holding_start,
            sold_on=sale.day,
            method=self._policy.tacking,
        )
        if tacked < piece.holding_start:  # an opening lot may come with an earlier start
            piece.holding_start = tacked


def _permanent_pairs(accounts: Iterable[LedgerAccount]) -> dict[tuple[str, str], bool]:
    """(seller, buyer) -> whether a loss is gone for ever."""
    everybody = tuple(accounts)
    return {
        (seller.id, buyer.id): treatment_of(seller, buyer) is Treatment.PERMANENT
        for seller in everybody
        for buyer in everybody
    }


def _buyers_by_seller(
    accounts: Iterable[LedgerAccount], policy: Policy
) -> dict[str, frozenset[str]]:
    """Every account -> the accounts whose purchases can wash its losses."""
    everybody = tuple(accounts)
    return {
        seller.id: frozenset(
            buyer.id for buyer in everybody if counts_as_buyer(seller, buyer, policy)
        )
        for seller in everybody
    }
