"""Wash sales: the window, who counts as a buyer, and the matching of sold with replacement shares.

How a match is made (``WashBook``; ``lots.replay`` calls it in the order of execution):

1. A loss is tested lot part by lot part, never net of gains (R8), after all shares of the sale have left (R9b, U4).
2. Candidates are purchases (R19, R25) of the same security or one of its identical group (R24), in the 61 days around
   the sale (R5), by an account in scope (R17, R18, U2, U7), of another block than the shares sold (R9), still held
   (U4) and not yet used as a replacement (R14).
3. When a loss sale arrives it takes the candidates already bought, earliest acquired first (R12); retirement accounts
   first on one date (U6). What it lacks stays pending until its window has passed.
4. When a purchase arrives it serves the pending losses, in the order of disposition (R7), before it can be a candidate
   for later ones. Together 3 and 4 give every loss the earliest replacements that no earlier loss has used.
5. Shares are compared share for share (U8) in the units of the sale date (R23).
6. Each match moves its loss into the replacement shares' basis (R13) and tacks their holding period (R15, U3), so that
   a later loss is measured on the adjusted basis (R21). If a retirement account bought, the loss is gone (R16).

A corporation that the household controls (R18) is another taxpayer. Its purchase disallows a person's loss whatever the
policy on spouses; nothing settles where the basis goes, so nobody's basis is raised and the amount counts as permanent.
Its own losses look at its own purchases only.

Under U4 LITERAL_ACQUIRED shares sold before the loss count too. The loss then goes into the basis of the sale that
disposed of them; that sale is not tested a second time, and its dates stay.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from accounts.types import AccountKind, OwnerKind
from lots.holding_period import tacked_start
from lots.holdings import Opening, Part, SoldPart
from lots.splits import SplitBook, in_base_units, in_shares
from lots.types import (
    DatedGroup,
    IdenticalGroups,
    LedgerAccount,
    OlderLotPolicy,
    Policy,
    Scope,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
    Treatment,
    WashMatch,
)

_REACH = timedelta(days=30)
_DAY = timedelta(days=1)
_IRAS = (AccountKind.TRADITIONAL_IRA, AccountKind.ROTH_IRA)

MarketKey = tuple[str, str]


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


def merged_groups(groups: IdenticalGroups) -> dict[str, str]:
    """Security -> name of its identical group (R24). Groups that overlap are one group."""
    group_of: dict[str, str] = {}
    for group in groups:
        members = set(group.securities() if isinstance(group, DatedGroup) else group)
        names = {group_of[member] for member in members if member in group_of}
        members.update(member for member, name in group_of.items() if name in names)
        group_of.update(dict.fromkeys(members, min(members, default="")))
    return group_of


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
    if buyer.kind.is_taxable or buyer.kind in _IRAS:
        return True
    return policy.tax_deferred is TaxDeferredPolicy.ALL_LIKE_IRA


def treatment_of(seller: LedgerAccount, buyer: LedgerAccount) -> Treatment:
    """Where a loss goes: into the replacement's basis (R13), or nowhere (R16; a corporation, R18)."""
    if not buyer.kind.is_taxable:
        return Treatment.PERMANENT
    if buyer.owner_kind is not seller.owner_kind:
        return Treatment.PERMANENT
    return Treatment.DEFERRED


@dataclass(slots=True)
class _Match:
    """A match while the replay runs; whether it is R11 or R12 is known when the sale's window has passed."""

    row: SoldPart
    opening: Opening
    part_number: int
    shares: Fraction
    amount: Fraction
    treatment: Treatment
    deciding: set[str]

    def result(self) -> WashMatch:
        where = "R13" if self.treatment is Treatment.DEFERRED else "R16"
        how_many = "R11" if self.row.unmatched else "R12"
        return WashMatch(
            sale=self.row.sale,
            sold_lot=self.row.opening.entry,
            replacement=self.opening.entry,
            replacement_account=self.opening.account.id,
            shares=self.shares,
            amount=self.amount,
            treatment=self.treatment,
            rule_ids=("R5", how_many, where, *sorted(self.deciding, key=_rule_order)),
            sold_part=self.row.number,
            replacement_part=self.part_number,
        )


class WashBook:
    """Pending losses and possible replacements of one household, kept up to date entry by entry."""

    def __init__(self, *, group_of: dict[str, str], splits: SplitBook, policy: Policy) -> None:
        self._group_of = group_of
        self._splits = splits
        self._policy = policy
        self._pending: dict[MarketKey, deque[SoldPart]] = {}
        self._bought: dict[MarketKey, list[Opening]] = {}
        self._matches: list[_Match] = []

    def matches(self) -> tuple[WashMatch, ...]:
        """Every match so far, in the order in which they were made."""
        return tuple(match.result() for match in self._matches)

    def market(self, account: LedgerAccount, security: str) -> MarketKey:
        """Purchases and losses meet under one key: the identical group, or one broker's security (R27)."""
        if self._policy.scope is Scope.BROKER:
            return (account.id, security)
        return ("", self._group_of.get(security, security))

    def bought(self, opening: Opening) -> None:
        """Serve the pending losses with a new purchase; the shares left over are candidates for later ones."""
        key = self.market(opening.account, opening.security)
        self._bought.setdefault(key, []).append(opening)
        pending = self._pending.get(key)
        if not pending:
            return
        first, _ = window(opening.acquired)
        while pending and (pending[0].trade_date < first or not pending[0].unmatched):
            pending.popleft()
        for row in pending:
            if not opening.free:
                return
            if row.unmatched and self._may_replace(row, opening):
                self._match(row, opening)

    def sold(self, rows: Sequence[SoldPart]) -> None:
        """Find replacements for the losses among the parts that one sale has sold.

        ``rows`` stand in the order of original acquisition (R20).
        """
        for row in rows:
            loss = row.basis - row.proceeds
            if loss <= 0:
                continue
            row.loss_per_share = loss / row.quantity
            row.unmatched = row.quantity
            key = self.market(row.account, row.opening.security)
            for opening in self._candidates(key, row.trade_date):
                if self._may_replace(row, opening):
                    self._match(row, opening)
                    if not row.unmatched:
                        break
            if row.unmatched:
                self._pending.setdefault(key, deque()).append(row)

    def _candidates(self, key: MarketKey, sale_date: date) -> list[Opening]:
        """Purchases in the window before the sale, in the order of R12; those used up are forgotten."""
        first, _ = window(sale_date)
        held = []
        for opening in self._bought.get(key, ()):
            if opening.acquired >= first and opening.free:
                opening.free = [part for part in opening.free if part.quantity]
                if opening.free:
                    held.append(opening)
        self._bought[key] = held
        return list(held)

    def _may_replace(self, row: SoldPart, opening: Opening) -> bool:
        """Everything of step 2 but window, group and use, which the queues already answer."""
        sold = row.opening
        if opening.block_key == sold.block_key:
            return False
        if self._policy.older_lot is OlderLotPolicy.ONLY_NEWER_THAN_SOLD and _is_older(
            opening, sold
        ):
            return False
        return counts_as_buyer(row.account, opening.account, self._policy)

    def _match(self, row: SoldPart, opening: Opening) -> None:
        """Match as many shares as both sides have, and move the loss."""
        rate = self._units_at_sale(row, opening)
        for part in opening.free:
            available = in_shares(part.quantity, rate)
            shares = min(row.unmatched, available)
            if not shares:
                continue
            whole = shares == available
            piece = part if whole else part.split_off(in_base_units(shares, rate))
            self._move_loss(row, piece, shares, rate)
            if not row.unmatched:
                break
        opening.free = [part for part in opening.free if part.quantity and not part.matched]

    def _units_at_sale(self, row: SoldPart, opening: Opening) -> Fraction:
        """Shares of the replacement's security, in units of the sale date, per base share (R23)."""
        if opening.security == row.opening.security:
            return row.factor
        return self._splits.factor(opening.security, row.position)

    def _move_loss(self, row: SoldPart, piece: Part, shares: Fraction, rate: Fraction) -> None:
        opening = piece.lot.opening
        treatment = treatment_of(row.account, opening.account)
        amount = row.loss_per_share * shares
        match = _Match(
            row=row,
            opening=opening,
            part_number=piece.number,
            shares=shares,
            amount=amount,
            treatment=treatment,
            deciding=_deciding_rules(row, piece, rate),
        )
        self._matches.append(match)
        row.unmatched -= shares
        row.disallowed += amount
        piece.mark_matched()
        if treatment is Treatment.PERMANENT:
            row.permanent += amount
        elif piece.sold_in is not None:
            piece.sold_in.basis += amount
        else:
            piece.basis += amount
            piece.adjusted = True
            piece.holding_start = _start(row, opening, self._policy.tacking)

    def keeps_sold_shares(self) -> bool:
        """Whether shares that are gone still count as acquired (U4)."""
        return self._policy.sold_replacement is SoldReplacementPolicy.LITERAL_ACQUIRED


def _start(row: SoldPart, opening: Opening, method: TackingPolicy) -> date:
    return tacked_start(
        own=opening.acquired,
        sold_start=row.holding_start,
        sold_on=row.trade_date,
        method=method,
    )


def _is_older(opening: Opening, sold: Opening) -> bool:
    """Older by date: purchases of one day are of one age (U5)."""
    return opening.acquired < sold.acquired


def _deciding_rules(row: SoldPart, piece: Part, rate: Fraction) -> set[str]:
    """Rules and switches beyond window, quantity and basis that made this match what it is."""
    opening, seller, sold = piece.lot.opening, row.account, row.opening
    buyer = opening.account
    same_taxpayer = (buyer.owner, buyer.owner_kind) == (seller.owner, seller.owner_kind)
    facts = {
        "R17": buyer.id != seller.id and same_taxpayer,
        "R18": not same_taxpayer,
        "R21": row.carries_loss,
        "R23": rate != opening.factor,
        "R24": opening.security != sold.security,
        "R25": opening.is_reinvestment,
        "U2": buyer.owner != seller.owner and buyer.owner_kind is OwnerKind.PERSON,
        "U3": treatment_of(seller, buyer) is Treatment.DEFERRED and _methods_differ(row, opening),
        "U4": piece.sold_in is not None,
        "U5": _is_older(opening, sold),
        "U6": opening.moved_first,
        "U7": not buyer.kind.is_taxable and buyer.kind not in _IRAS,
        "U8": opening.security != sold.security,
    }
    return {rule for rule, decided in facts.items() if decided}


def _methods_differ(row: SoldPart, opening: Opening) -> bool:
    return len({_start(row, opening, method) for method in TackingPolicy}) > 1


def _rule_order(rule: str) -> tuple[str, int]:
    return rule[0], int(rule[1:])
