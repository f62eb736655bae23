"""The windows table: per household and identical group, what selling at a loss or buying would do today. Pure.

Nothing here measures a window: shares, clear dates and causes are those of ``proposals.windows``, which every producer
obeys (T36). What is added is what people ask next: the dollars at stake, what is lost already, and how sure the answer
is (F29).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from lots.held_lots import basis_of
from lots.types import LotRow
from proposals.types import BuyBlock, Cause, Origin, SellBlock, Windows
from proposals.windows import Groups, identical_to

ZERO = Decimal(0)
CENT = Decimal("0.01")


class Way(StrEnum):
    """Which way somebody would trade today."""

    SELL = "sell"
    BUY = "buy"


class Grade(StrEnum):
    """How a trade of today would end; the text is read by people (F29). Contracts are not held here (R26)."""

    NONE = "none"
    DEFERRED = "deferred"
    PERMANENT = "permanent"
    COVERAGE_INCOMPLETE = "coverage incomplete"
    IDENTITY_NOT_REVIEWED = "identity not reviewed"


@dataclass(frozen=True, slots=True)
class Lost:
    """Dollars of loss that wash sales of the window have disallowed already."""

    deferred: Decimal = ZERO
    permanent: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What one household's table is made from. Ids are primary keys."""

    household: int
    as_of: date
    windows: Windows  # of what is booked, approved, ordered and ahead
    if_approved: Windows  # the pending proposals counted too
    groups: Groups
    symbols: Mapping[int, str]
    taxable: frozenset[int]
    reinvesting: frozenset[int]
    lots: Sequence[LotRow]
    prices: Mapping[int, Decimal]
    lost: Mapping[int, Lost]  # by the security sold
    not_checked: tuple[str, ...] = ()  # accounts whose purchases nobody sees (R17)
    unreviewed: frozenset[int] = (
        frozenset()
    )  # funds of which nobody said what they are identical to


@dataclass(frozen=True, slots=True)
class Side:
    """One way to trade a group today. ``clear_on`` None = clear, ``if_approved`` None = nothing pending moves it."""

    shares: Decimal  # sold at a loss, or bought, inside the window
    at_risk: Decimal  # dollars of loss
    grade: Grade
    clear_on: date | None
    days: int  # until clear
    is_endless: bool  # a plan goes on: there is no clear day as far as can be seen
    if_approved: date | None
    causes: tuple[Cause, ...]
    involves_ira: bool
    involves_drip: bool


@dataclass(frozen=True, slots=True)
class GroupRow:
    """An identical group of one household with at least one window open, or about to be."""

    household: int
    security: int
    symbol: str  # the member that the household holds or traded
    others: tuple[str, ...]  # the other members of the group
    held: Decimal  # shares of all members, in all accounts
    lost: Lost
    incomplete: bool  # accounts held away were not checked
    unreviewed: bool
    sell: Side | None
    buy: Side | None

    def side(self, way: Way) -> Side | None:
        """The answer for one way."""
        return self.sell if way is Way.SELL else self.buy


def rows(facts: TableFacts) -> tuple[GroupRow, ...]:
    """One row per identical group that has a window, the soonest clear first."""
    concerned = {
        security
        for found in (facts.windows, facts.if_approved)
        for security in (*_wash_blocks(found), *found.sell_blocked)
    }
    together = {identical_to(security, facts.groups) for security in concerned}
    found = [_row(group, facts) for group in together]
    return tuple(sorted(found, key=lambda row: (_soonest(row), row.symbol)))


def unrealised_losses(
    lots: Iterable[LotRow], prices: Mapping[int, Decimal]
) -> list[tuple[LotRow, Decimal]]:
    """The lots that stand below their basis, each with its loss in positive dollars."""
    found = []
    for lot in lots:
        price = prices.get(lot.security)
        if price is None:
            continue
        proceeds = lot.quantity * price
        loss = basis_of(lot, lot.quantity, proceeds) - proceeds
        if loss > ZERO:
            found.append((lot, loss))
    return found


def _wash_blocks(windows: Windows) -> dict[int, BuyBlock]:
    return {pk: block for pk, block in windows.buy_blocked.items() if block.is_window}


def _soonest(row: GroupRow) -> date:
    days = [side.clear_on for side in (row.sell, row.buy) if side and side.clear_on]
    return min(days, default=date.max)


def _row(group: frozenset[int], facts: TableFacts) -> GroupRow:
    held = {lot.security for lot in facts.lots if lot.security in group}
    own = held or _traded(group, facts)
    security = min(own or group, key=lambda pk: facts.symbols[pk])
    lost = [facts.lost[pk] for pk in group if pk in facts.lost]
    return GroupRow(
        household=facts.household,
        security=security,
        symbol=facts.symbols[security],
        others=tuple(sorted(facts.symbols[pk] for pk in group if pk != security)),
        held=sum((lot.quantity for lot in facts.lots if lot.security in group), ZERO),
        lost=Lost(
            sum((one.deferred for one in lost), ZERO), sum((one.permanent for one in lost), ZERO)
        ),
        incomplete=bool(facts.not_checked),
        unreviewed=not facts.unreviewed.isdisjoint(group),
        sell=_sell_side(group, security, facts),
        buy=_buy_side(group, security, facts),
    )


def _traded(group: frozenset[int], facts: TableFacts) -> set[int]:
    blocks: list[BuyBlock | SellBlock] = []
    for found in (facts.windows, facts.if_approved):
        blocks += [block for pk, block in _wash_blocks(found).items() if pk in group]
        blocks += [block for pk, block in found.sell_blocked.items() if pk in group]
    return {cause.security for block in blocks for cause in block.opened_by}


def _sell_side(group: frozenset[int], security: int, facts: TableFacts) -> Side | None:
    now = facts.windows.sell_blocked.get(security)
    then = facts.if_approved.sell_blocked.get(security)
    own = [lot for lot in facts.lots if lot.security in group and lot.account in facts.taxable]
    at_risk = sum((loss for _, loss in unrealised_losses(own, facts.prices)), ZERO)
    return _side(now, then, group, facts, at_risk=at_risk, is_permanent=bool(now and now.permanent))


def _buy_side(group: frozenset[int], security: int, facts: TableFacts) -> Side | None:
    now = _wash_blocks(facts.windows).get(security)
    then = _wash_blocks(facts.if_approved).get(security)
    at_risk = sum((cause.loss for cause in now.opened_by), ZERO) if now else ZERO
    return _side(now, then, group, facts, at_risk=at_risk, is_permanent=False)


def _side(
    now: BuyBlock | SellBlock | None,
    then: BuyBlock | SellBlock | None,
    group: frozenset[int],
    facts: TableFacts,
    *,
    at_risk: Decimal,
    is_permanent: bool,
) -> Side | None:
    shown = now or then
    if shown is None:
        return None
    pending = tuple(one for one in (then.opened_by if then else ()) if one.origin is Origin.PENDING)
    causes = (*(now.opened_by if now else ()), *pending)
    drips = (Origin.REINVESTED, Origin.DIVIDEND)
    reinvests = any(
        lot.account in facts.reinvesting and lot.security in group for lot in facts.lots
    )
    return Side(
        shares=now.shares if now else ZERO,
        at_risk=at_risk.quantize(CENT),
        grade=_grade(
            is_open=now is not None,
            at_risk=at_risk,
            is_permanent=is_permanent,
            facts=facts,
            group=group,
        ),
        clear_on=now.clear_on if now else None,
        days=(now.clear_on - facts.as_of).days if now else 0,
        is_endless=isinstance(now, SellBlock) and now.is_endless,
        if_approved=then.clear_on
        if then and (now is None or then.clear_on > now.clear_on)
        else None,
        causes=causes,
        involves_ira=any(cause.retirement for cause in causes),
        involves_drip=reinvests or any(cause.origin in drips for cause in causes),
    )


def _grade(
    *, is_open: bool, at_risk: Decimal, is_permanent: bool, facts: TableFacts, group: frozenset[int]
) -> Grade:
    """The worst that is known; where nothing is lost, what keeps that from being certain (T11)."""
    if is_open and at_risk > ZERO:
        return Grade.PERMANENT if is_permanent else Grade.DEFERRED
    if facts.not_checked:
        return Grade.COVERAGE_INCOMPLETE
    if not facts.unreviewed.isdisjoint(group):
        return Grade.IDENTITY_NOT_REVIEWED
    return Grade.NONE
