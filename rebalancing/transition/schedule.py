"""From what a household brought along to its model, year by year, inside a budget of gains or tax: pure Decimal.

A transition asks for the model and lets the budget of the year, not the policy's horizon, say how far it goes (F44).
Legacy is what is held and has no target. Every year is a whole rebalance in whole shares that passed the same checks as
a proposal; the first is what the night would propose under such a plan, the later ones are a projection:

- Prices, rates, income and the model stay what they are today, and there are no dividends, deposits or harvests.
- A year's trades are made on the same day as the first, or on the next trading day. Lots grow a year older, what is
  left of losses is carried on, and the budget is there again in full.
- The windows of today are over by then; restrictions hold as dated, purchases that go on by themselves go on.
- The tax of a year is that of the whole year less that of the same year without any transition, losses that were
  carried on included.

A schedule has finished once its tracking error is within ``NEAR`` of that of the unlimited transition, or nothing that
is worth the smallest trade would bring it nearer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from lots.year_tax import TaxPosition, with_added
from proposals.budgets import Budget, Limit, Usage
from proposals.types import DraftTrade, Side, Windows
from rebalancing.errors import RebalancingError
from rebalancing.household.held_after import after, still_in_force
from rebalancing.household.state import Books, assemble, tradable
from rebalancing.telling.figures import Figures
from rebalancing.trades import budget
from rebalancing.transition.tax_years import carried_out, next_year, tax_of_year
from rebalancing.types import ONE, ZERO, HouseholdState
from securities import calendar

SHARES = tuple(Decimal(share) for share in ("0", "0.1", "0.25", "0.5", "0.75", "1"))
MOST_YEARS = 20
NEAR = Decimal("0.001")  # of tracking error a year: 0.1 points
_NO_NEARER = Decimal("0.0001")


class Ending(StrEnum):
    """How a schedule ends; the text is read by people."""

    FINISHED = "finished"
    STUCK = "the budget does not let it finish"
    LONGER = "more than 20 years"
    REFUSED = "no answer"


@dataclass(frozen=True, slots=True)
class Caps:
    """What the trades of one rebalance may add in dollars; None = no limit."""

    short: Decimal | None = None
    long: Decimal | None = None
    tax: Decimal | None = None


FREE = Caps()
Solve = Callable[[HouseholdState, Caps], Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One year's trades; dollars, and tracking errors as fractions a year."""

    number: int  # 1 = now
    day: date
    trades: tuple[DraftTrade, ...]
    sold: Decimal
    bought: Decimal
    cost: Decimal
    short_gain: Decimal
    long_gain: Decimal
    tax: Decimal  # of the year, against no transition; negative: saved
    risk_before: Decimal
    risk_after: Decimal
    legacy_before: Decimal
    legacy_after: Decimal
    legacy_gain: Decimal  # unrealised, in what is left of the taxable legacy
    carried: Decimal  # loss that the year leaves to the next

    @property
    def legacy_sold(self) -> Decimal:
        return self.legacy_before - self.legacy_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The years of one budget. Without steps ``why`` says what stands in the way of the first."""

    steps: tuple[Step, ...]
    ending: Ending
    why: str = ""

    @property
    def years(self) -> int | None:
        """In how many years it finishes; None where it does not."""
        return len(self.steps) if self.ending is Ending.FINISHED else None

    @property
    def tax(self) -> Decimal:
        return sum((step.tax for step in self.steps), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((step.cost for step in self.steps), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A share of the gain that an unlimited transition realises as the budget of each year; None = unlimited."""

    share: Decimal
    budget: Budget | None
    schedule: Schedule

    @property
    def first(self) -> Step | None:
        """What would be traded now."""
        return self.schedule.steps[0] if self.schedule.steps else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Where a household stands, and what each budget comes to."""

    day: date
    value: Decimal
    legacy: Decimal  # dollars held that have no target
    legacy_gain: Decimal  # unrealised, in taxable legacy
    risk_now: Decimal
    columns: tuple[Column, ...]


def caps_of(usage: Usage | None) -> Caps:
    """What is left of the budget of a year, as the most that more trades may add; never below zero."""
    if usage is None:
        return FREE
    limits = usage.budget.limits
    found: dict[Limit, Decimal] = {}
    for limit, most in limits.items():
        used = []
        for world in usage.worlds:
            of_term = {Limit.SHORT: world.short, Limit.LONG: world.long}
            # A net loss of the term leaves room for as much gain again; of the tax there is nothing below zero.
            used.append(of_term[limit] if limit in of_term else usage.use(limit, world) or ZERO)
        found[limit] = max(most - max(used), ZERO)
    return Caps(found.get(Limit.SHORT), found.get(Limit.LONG), found.get(Limit.TAX))


def with_limits(usage: Usage, limits: Budget) -> Usage:
    """What draws on the year, against the tighter of its own limits and the given ones."""
    own = usage.budget

    def tighter(one: Decimal | None, other: Decimal | None) -> Decimal | None:
        if one is None or other is None:
            return other if one is None else one
        return min(one, other)

    return replace(
        usage,
        budget=replace(
            own,
            short_limit=tighter(own.short_limit, limits.short_limit),
            long_limit=tighter(own.long_limit, limits.long_limit),
            tax_limit=tighter(own.tax_limit, limits.tax_limit),
        ),
    )


class Planner:
    """Answers for one household on one day.

    ``books`` are fresh (``state.stale_holdings``), ``usage`` is what draws on the year already. Columns know no other
    limits than their own; a schedule keeps those of ``usage`` in its first year too. ``solve`` gives the trades that
    come nearest to the model within caps, for any state of the household. Methods raise RebalancingError where there is
    no answer at all.
    """

    def __init__(self, books: Books, windows: Windows, usage: Usage, solve: Solve) -> None:
        self._books = books
        self._windows = windows
        self._usage = usage
        self._solve = solve
        self._start = self.state_of(books)
        self._free: Step | None = None

    @property
    def unlimited(self) -> Step:
        """The whole transition at once."""
        if self._free is None:
            self._free = self._step(1, self._books, None, self._start.tax)[0]
        return self._free

    def analysis(self, shares: Sequence[Decimal] = SHARES) -> Transition:
        """All columns, by share."""
        return Transition(
            day=self._books.as_of,
            value=self._start.value,
            legacy=legacy_of(self._start),
            legacy_gain=_legacy_gain(self._start),
            risk_now=self.unlimited.risk_before,
            columns=tuple(self._column(share) for share in shares),
        )

    def schedule(self, limits: Budget) -> Schedule:
        """The years under limits that hold in each of them, beside those of the household in the first."""
        return self._schedule(limits, with_limits(self._usage, limits))

    def _schedule(self, limits: Budget, usage: Usage) -> Schedule:
        steps: list[Step] = []
        books = self._books
        without = self._start.tax
        for number in range(1, MOST_YEARS + 1):
            try:
                step, books, without = self._step(number, books, usage, without)
            except RebalancingError as error:
                return Schedule(steps=tuple(steps), ending=Ending.REFUSED, why=str(error))
            steps.append(step)
            if self._is_there(step):
                return Schedule(steps=tuple(steps), ending=Ending.FINISHED)
            if number > 1 and _stands_still(step, books):
                done = self._nothing_left(books)
                ending = Ending.FINISHED if done else Ending.STUCK
                return Schedule(steps=tuple(steps[:-1]), ending=ending)
            usage = Usage(
                budget=replace(limits, year=books.as_of.year),
                accounts=books.on_the_return,
                tax=books.tax,
            )
        return Schedule(steps=tuple(steps), ending=Ending.LONGER)

    def state_of(self, books: Books) -> HouseholdState:
        """What may be traded: today's windows today, later only what is dated beyond them."""
        windows = self._windows
        if books.as_of > self._books.as_of:
            windows = _later(windows, books.as_of)
        return tradable(assemble(books), windows)

    def _column(self, share: Decimal) -> Column:
        if share >= ONE:
            whole = Schedule(steps=(self.unlimited,), ending=Ending.FINISHED)
            return Column(share=share, budget=None, schedule=whole)
        free = self.unlimited
        limits = Budget(
            year=self._books.as_of.year,
            short_limit=(max(free.short_gain, ZERO) * share).quantize(ONE),
            long_limit=(max(free.long_gain, ZERO) * share).quantize(ONE),
        )
        found = self._schedule(limits, replace(self._usage, budget=limits))
        return Column(share=share, budget=limits, schedule=found)

    def _step(
        self, number: int, books: Books, usage: Usage | None, without: TaxPosition
    ) -> tuple[Step, Books, TaxPosition]:
        """The year's trades, the books a year later, and that year's tax position without a transition."""
        state = self.state_of(books)
        lots = {(lot.opening, lot.part): lot for lot in books.lots}
        caps = caps_of(usage)
        bounded = budget.within(state, usage, lots, lambda one: self._solve(one, caps))
        if bounded.left_over:
            raise RebalancingError(
                budget.why_not(bounded), advice="Choose a larger budget, or look at the lots named."
            )
        figures = bounded.figures
        year = with_added(state.tax, short=figures.short_gain, long=figures.long_gain)
        held = after(
            books,
            figures.trades,
            cash=figures.cash_after,
            day=_day_of_year(self._books.as_of, number),
            tax=next_year(year),
        )
        left = assemble(held)
        step = Step(
            number=number,
            day=books.as_of,
            trades=figures.trades,
            sold=_dollars(figures.trades, Side.SELL),
            bought=_dollars(figures.trades, Side.BUY),
            cost=figures.worth.trading_cost,
            short_gain=figures.short_gain,
            long_gain=figures.long_gain,
            tax=tax_of_year(year) - tax_of_year(without),
            risk_before=figures.risk_before,
            risk_after=figures.risk_after,
            legacy_before=legacy_of(state),
            legacy_after=legacy_of(left),
            legacy_gain=_legacy_gain(left),
            carried=sum(carried_out(year), ZERO),
        )
        return step, held, next_year(without)

    def _is_there(self, step: Step) -> bool:
        return step.risk_after <= self.unlimited.risk_after + NEAR

    def _nothing_left(self, books: Books) -> bool:
        """Whether even without a budget nothing more would be traded that brings it nearer."""
        state = self.state_of(books)
        figures = self._solve(state, FREE)
        return figures.risk_before - figures.risk_after < _NO_NEARER


def sells_legacy(trades: Sequence[DraftTrade], state: HouseholdState) -> bool:
    """Whether trades bring a household nearer to its model: else they are an ordinary rebalance."""
    return any(trade.side is Side.SELL and _is_legacy(state, trade.security) for trade in trades)


def told(trades: Sequence[DraftTrade], state: HouseholdState, *, since: date) -> dict[str, str]:
    """What a step of a plan adds to its proposal's explanation: plain values."""
    sold = sum(
        (
            trade.amount
            for trade in trades
            if trade.side is Side.SELL and _is_legacy(state, trade.security)
        ),
        ZERO,
    )
    before = legacy_of(state)
    return {
        "since": since.isoformat(),
        "legacy_before": f"{before:.2f}",
        "legacy_sold": f"{sold:.2f}",
        "legacy_left": f"{before - sold:.2f}",
    }


def _later(windows: Windows, day: date) -> Windows:
    """What still forbids trades on a day long after today's windows."""
    kept = still_in_force(windows.restricted, day)
    no_sell = frozenset(
        (account, security)
        for account, security in windows.no_sell
        if kept.against(Side.SELL, account=account, security=security) is not None
    )
    endless = {one: block for one, block in windows.sell_blocked.items() if block.is_endless}
    return replace(
        windows,
        buy_blocked={},
        sell_blocked=endless,
        reserved={},
        restricted=kept,
        no_sell=no_sell,
    )


def _is_legacy(state: HouseholdState, security: int) -> bool:
    return state.targets.get(security, ZERO) <= ZERO


def legacy_of(state: HouseholdState) -> Decimal:
    """Dollars held that have no target."""
    return sum(
        (dollars for one, dollars in state.holdings().items() if _is_legacy(state, one)), ZERO
    )


def has_legacy(state: HouseholdState) -> bool:
    """Whether some legacy position is worth the smallest trade."""
    return any(
        quantity * state.prices[security] >= state.limits.minimum_trade
        for (_, security), quantity in state.shares().items()
        if _is_legacy(state, security)
    )


def _legacy_gain(state: HouseholdState) -> Decimal:
    gains = (
        lot.quantity * state.prices[lot.security] - lot.basis
        for lot in state.lots
        if lot.is_taxable and _is_legacy(state, lot.security)
    )
    return sum(gains, ZERO)


def _stands_still(step: Step, books: Books) -> bool:
    """A year that brings it no nearer: the next ones would not either."""
    return (
        step.legacy_sold < books.limits.minimum_trade
        and step.risk_before - step.risk_after < _NO_NEARER
    )


def _dollars(trades: Sequence[DraftTrade], side: Side) -> Decimal:
    return sum((trade.amount for trade in trades if trade.side is side), ZERO)


def _day_of_year(first: date, years: int) -> date:
    """The trading day on or after the same day so many years later; the year's last where the next is in another."""
    year = first.year + years
    try:
        day = first.replace(year=year)
    except ValueError:  # 29 February
        day = first.replace(year=year, day=28)
    if calendar.is_business_date(day):
        return day
    after = calendar.next_business_date(day)
    return after if after.year == year else calendar.previous_business_date(day)
