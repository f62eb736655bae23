"""From what is booked to what a rebalance may start from: pure Decimal.

Tonight's harvest and whatever is approved or ordered count as executed: their lots are gone, what they buy is held
and cannot be sold, and the cash they need is spent. The cash a *draft* would free is left alone, because the draft
may be rejected. So both proposals can be approved, in either order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from lots.held_lots import term_of
from lots.rounding import STORED_SHARES, spread, stored_money
from lots.types import LotRow
from lots.year_tax import TaxPosition
from proposals.costs import TradingCosts
from proposals.types import (
    CashFlow,
    DraftProposal,
    DraftTrade,
    Intention,
    RestrictionKind,
    Restrictions,
    Side,
    Windows,
)
from proposals.year_ahead import year_ahead
from rebalancing.household.cash_needs import with_needs
from rebalancing.household.exits import with_exits
from rebalancing.household.location import yearly_drags
from rebalancing.household.restrictions import with_restrictions
from rebalancing.types import (
    ZERO,
    Exit,
    HouseholdState,
    Kept,
    Limits,
    ModelChange,
    Position,
    StateAccount,
    StateLot,
)
from securities.types import Yields

LotKey = tuple[int, int]  # opening, part
WHOLE, FRACTION = Decimal(1), Decimal("0.0001")  # shares
NO_COSTS = TradingCosts()


class Line(Protocol):
    """What a draft's trade and an approved intention have in common."""

    @property
    def account(self) -> int: ...
    @property
    def security(self) -> int: ...
    @property
    def side(self) -> Side: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def opening(self) -> int | None: ...
    @property
    def part(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Substitution:
    """Shares of a substitute that stand in for a security sold at a loss, until its window closes."""

    sold: int
    substitute: int
    quantity: Decimal  # shares of the substitute


@dataclass(slots=True)
class Underway:
    """Sums over lines that are going to be executed."""

    sold: dict[LotKey, Decimal] = field(default_factory=dict)  # shares
    bought: dict[Position, Decimal] = field(default_factory=dict)  # shares
    cash: dict[int, Decimal] = field(default_factory=dict)  # dollars per account, costs paid

    def add(
        self, lines: Sequence[Line], half_spreads: Mapping[int, Decimal], costs: TradingCosts
    ) -> None:
        """Count lines that are certain enough to spend their proceeds."""
        self._pay_orders(lines, costs)
        for line in lines:
            amount = line.quantity * line.price
            cost = amount * half_spreads[line.security]
            if line.side is Side.BUY:
                position = (line.account, line.security)
                self.bought[position] = self.bought.get(position, ZERO) + line.quantity
                self._pay(line.account, -amount - cost)
                continue
            self._pay(line.account, amount - cost)
            if line.opening is not None and line.part is not None:
                key = (line.opening, line.part)
                self.sold[key] = self.sold.get(key, ZERO) + line.quantity

    def add_draft(
        self, draft: DraftProposal, half_spreads: Mapping[int, Decimal], costs: TradingCosts
    ) -> None:
        """Count a draft: what it costs an account is set aside, what it would bring in is not."""
        alone = Underway()
        alone.add(draft.trades, half_spreads, costs)
        for key, quantity in alone.sold.items():
            self.sold[key] = self.sold.get(key, ZERO) + quantity
        for position, quantity in alone.bought.items():
            self.bought[position] = self.bought.get(position, ZERO) + quantity
        for account, dollars in alone.cash.items():
            self._pay(account, min(dollars, ZERO))

    def _pay_orders(self, lines: Iterable[Line], costs: TradingCosts) -> None:
        """What the lines' orders cost beyond half the spread."""
        shares: dict[tuple[Position, Side], Decimal] = {}
        amounts: dict[tuple[Position, Side], Decimal] = {}
        for line in lines:
            key = ((line.account, line.security), line.side)
            shares[key] = shares.get(key, ZERO) + line.quantity
            amounts[key] = amounts.get(key, ZERO) + line.quantity * line.price
        for (account, security), side in shares:
            key = ((account, security), side)
            cost = costs.beyond_spread(
                account=account, security=security, shares=shares[key], amount=amounts[key]
            )
            self._pay(account, -cost)

    def _pay(self, account: int, dollars: Decimal) -> None:
        self.cash[account] = self.cash.get(account, ZERO) + dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is on record about one household on one date; ids are primary keys."""

    household: int
    as_of: date
    account_names: Mapping[int, str]
    taxable: Mapping[int, bool]  # account -> whether its sales are taxed
    on_the_return: frozenset[int]  # accounts whose sales the household's persons report
    cash: Mapping[int, Decimal]
    lots: Sequence[LotRow]
    prices: Mapping[int, Decimal]  # newest close, dollars a share
    price_days: Mapping[int, date]  # the day each is of
    half_spreads: Mapping[int, Decimal]
    symbols: Mapping[int, str]
    groups: tuple[frozenset[int], ...]
    targets: Mapping[int, Decimal]
    substitutions: tuple[Substitution, ...]  # of harvests whose window is open
    intentions: Sequence[Intention]  # approved or ordered, not yet filled, of shares that are there
    limits: Limits
    tax: TaxPosition  # of the booked year
    costs: TradingCosts = field(default_factory=TradingCosts)
    restrictions: Restrictions = field(default_factory=Restrictions)
    cash_flows: Sequence[CashFlow] = ()  # due within the policy's days
    fractional: frozenset[int] = frozenset()  # accounts that trade fractions of shares
    yields: Mapping[int, Yields] = field(default_factory=dict)
    exits: Mapping[int, Exit] = field(default_factory=dict)  # names that left the model
    model_changes: Mapping[int, ModelChange] = field(default_factory=dict)
    delisted: Mapping[int, date] = field(default_factory=dict)  # since when it no longer trades

    def is_fresh(self, security: int) -> bool:
        """Whether the security's last close is young enough to trade on."""
        day = self.price_days.get(security)
        return day is not None and (self.as_of - day).days <= self.limits.maximum_price_age_days


def stale_holdings(books: Books, drafts: Sequence[DraftProposal] = ()) -> tuple[int, ...]:
    """Securities held, about to be, or wanted by the model, without a price young enough to weigh them with."""
    held = {row.security for row in books.lots}
    held |= {line.security for line in books.intentions} | books.targets.keys()
    held |= {line.security for draft in drafts for line in draft.trades}
    return tuple(sorted(security for security in held if not books.is_fresh(security)))


def assemble(books: Books, drafts: Sequence[DraftProposal] = ()) -> HouseholdState:
    """The state to start from. Nothing held may be stale (see ``stale_holdings``); windows come later."""
    coming = underway(
        intentions=books.intentions,
        drafts=drafts,
        half_spreads=books.half_spreads,
        costs=books.costs,
    )
    state = HouseholdState(
        household=books.household,
        as_of=books.as_of,
        accounts=accounts_after(books, coming),
        lots=_for_sale(
            lots_after(rows=books.lots, taxable=books.taxable, coming=coming, as_of=books.as_of),
            books.delisted,
        ),
        incoming=coming.bought,
        prices=books.prices,
        half_spreads=books.half_spreads,
        symbols=books.symbols,
        targets=books.targets,
        groups=books.groups,
        buyable=frozenset(),
        tax=year_ahead(
            books.tax,
            under_way=books.intentions,
            drafts=drafts,
            lots=books.lots,
            accounts=books.on_the_return,
            as_of=books.as_of,
        ),
        limits=books.limits,
        costs=books.costs,
        restrictions=books.restrictions,
        exits=books.exits,
        model_changes=books.model_changes,
        delisted=books.delisted,
        kept={
            (row.opening, row.part): Kept.GIFT for row in books.lots if row.loss_basis is not None
        },
    )
    state = replace(state, drags=yearly_drags(books.yields, state.tax))
    state = with_needs(state, books.cash_flows)
    return with_restrictions(with_exits(_with_substitutes(state, books, drafts)))


def _with_substitutes(
    state: HouseholdState, books: Books, drafts: Sequence[DraftProposal]
) -> HouseholdState:
    """Targets with substitutes in the place of their originals, and what may be bought for them."""
    value = state.value
    if value <= ZERO:
        return state
    held: dict[int, Decimal] = {}
    for (_, security), quantity in state.shares().items():
        held[security] = held.get(security, ZERO) + quantity
    tonight = [pair for draft in drafts for pair in substitutions_of(draft)]
    targets = shifted_targets(
        targets=books.targets,
        substitutions=[*books.substitutions, *tonight],
        shares=held,
        prices=state.prices,
        value=value,
    )
    fresh = frozenset(security for security in targets if books.is_fresh(security))
    return replace(
        state,
        targets=targets,
        whole_targets=books.targets,
        buyable=fresh - books.delisted.keys(),
    )


def underway(
    *,
    intentions: Sequence[Line],
    drafts: Sequence[DraftProposal],
    half_spreads: Mapping[int, Decimal],
    costs: TradingCosts = NO_COSTS,
) -> Underway:
    """Everything that is going to happen before the rebalance does."""
    found = Underway()
    found.add(intentions, half_spreads, costs)
    for draft in drafts:
        found.add_draft(draft, half_spreads, costs)
    return found


def accounts_after(books: Books, coming: Underway) -> tuple[StateAccount, ...]:
    """The accounts with their cash once what is underway has happened."""
    return tuple(
        StateAccount(
            id=account,
            name=books.account_names[account],
            is_taxable=is_taxable,
            cash=books.cash.get(account, ZERO) + coming.cash.get(account, ZERO),
            quantum=FRACTION if account in books.fractional else WHOLE,
        )
        for account, is_taxable in sorted(books.taxable.items())
    )


def lots_after(
    *, rows: Sequence[LotRow], taxable: Mapping[int, bool], coming: Underway, as_of: date
) -> tuple[StateLot, ...]:
    """Lots without the shares that are underway; what is left may be sold, except gifts below their basis."""
    left = []
    for row in rows:
        quantity = row.quantity - coming.sold.get((row.opening, row.part), ZERO)
        if quantity <= ZERO:
            continue
        left.append(
            StateLot(
                account=row.account,
                security=row.security,
                opening=row.opening,
                part=row.part,
                is_taxable=taxable[row.account],
                term=term_of(row, as_of),
                quantity=quantity,
                basis=share_of_basis(basis=row.basis, shares=quantity, of=row.quantity),
                # A gift with two bases has no one gain per share: the adviser decides about it, not the optimiser.
                sellable=quantity if row.loss_basis is None else ZERO,
            )
        )
    return tuple(left)


def _for_sale(lots: Iterable[StateLot], delisted: Mapping[int, date]) -> tuple[StateLot, ...]:
    """The lots, none for sale of what no longer trades."""
    return tuple(replace(lot, sellable=ZERO) if lot.security in delisted else lot for lot in lots)


def share_of_basis(*, basis: Decimal, shares: Decimal, of: Decimal) -> Decimal:
    """Basis of some shares of a lot, as stored: in proportion to the shares (R22)."""
    if shares == of:
        return basis
    return stored_money(Fraction(basis) * Fraction(shares) / Fraction(of))


def substitutions_of(draft: DraftProposal) -> tuple[Substitution, ...]:
    """The pairs of a harvest draft: which bought security stands in for which sold one."""
    sold: dict[int, dict[int, Decimal]] = {}
    for trade in draft.trades:
        if _is_leg(trade, Side.SELL):
            dollars = sold.setdefault(trade.pair, {})
            dollars[trade.security] = dollars.get(trade.security, ZERO) + trade.amount
    return tuple(
        Substitution(security, trade.security, shares)
        for trade in draft.trades
        if _is_leg(trade, Side.BUY) and trade.pair in sold
        for security, shares in _shared(trade.quantity, sold[trade.pair]).items()
    )


def _shared(shares: Decimal, dollars: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Shares of a substitute that stands in for several securities, by the dollars sold of each."""
    total = sum(dollars.values(), ZERO)
    parts = [Fraction(shares) * Fraction(part) / Fraction(total) for part in dollars.values()]
    return dict(zip(dollars, spread(shares, parts, STORED_SHARES), strict=True))


def shifted_targets(
    *,
    targets: Mapping[int, Decimal],
    substitutions: Sequence[Substitution],
    shares: Mapping[int, Decimal],
    prices: Mapping[int, Decimal],
    value: Decimal,
) -> dict[int, Decimal]:
    """Targets with each substitute counted as its original, up to the amount held (T33).

    ``shares`` are held per security, ``value`` the household's dollars. The sum of the targets does not change.
    """
    found = dict(targets)
    unused = dict(shares)
    for pair in substitutions:
        held = min(pair.quantity, unused.get(pair.substitute, ZERO))
        if held <= ZERO:
            continue
        unused[pair.substitute] -= held
        moved = min(found.get(pair.sold, ZERO), held * prices[pair.substitute] / value)
        if moved > ZERO:
            found[pair.sold] -= moved
            found[pair.substitute] = found.get(pair.substitute, ZERO) + moved
    return {security: weight for security, weight in found.items() if weight > ZERO}


def tradable(state: HouseholdState, windows: Windows) -> HouseholdState:
    """The state with what may be traded today: no purchases and no sales that windows or restrictions forbid."""
    return restricted(
        replace(forbidden(state, windows), windows=windows),
        no_buys=[one for one, block in windows.buy_blocked.items() if block.is_window],
        no_loss_sales=windows.sell_blocked,
    )


def forbidden(state: HouseholdState, windows: Windows) -> HouseholdState:
    """The state without what NO_BUY and NO_SELL forbid (F37): of one account, there alone."""
    rows = [row for row in windows.restricted.rows if row.kind is RestrictionKind.NO_BUY]
    no_buys = {row.security for row in rows if row.account is None}
    barred = {(row.account, row.security) for row in rows if row.account is not None}
    lots = tuple(
        replace(lot, sellable=ZERO) if (lot.account, lot.security) in windows.no_sell else lot
        for lot in state.lots
    )
    return replace(state, lots=lots, buyable=state.buyable - no_buys, barred=state.barred | barred)


def invest_only(state: HouseholdState) -> HouseholdState:
    """The state in which nothing is sold: cash that has come in goes where it narrows the drift (F6)."""
    return replace(state, lots=tuple(replace(lot, sellable=ZERO) for lot in state.lots))


def raise_only(state: HouseholdState) -> HouseholdState:
    """The state in which nothing is bought: cash is raised from what is too heavy or costs least tax (F6)."""
    return replace(state, buyable=frozenset())


def restricted(
    state: HouseholdState, *, no_buys: Iterable[int], no_loss_sales: Iterable[int]
) -> HouseholdState:
    """The state without purchases of ``no_buys`` and without taxable losses of ``no_loss_sales``.

    A gain so small that a fill may turn it into a loss counts as one. Whatever is identical to a named security is
    restricted with it (R24). Of a lot at a loss nothing is sold while a replacement is held: the first shares sold are
    the ones that wash, so no part of it is free.
    """
    barred = {member for security in no_buys for member in state.group_of(security)}
    kept = {member for security in no_loss_sales for member in state.group_of(security)}
    lots = tuple(
        replace(lot, sellable=ZERO) if lot.security in kept and state.may_turn_loss(lot) else lot
        for lot in state.lots
    )
    return replace(state, lots=lots, buyable=state.buyable - barred)


def _is_leg(trade: DraftTrade, side: Side) -> bool:
    return trade.pair > 0 and trade.side is side
