"""What a household and each of its accounts returned, beside its model over the same days (F15). Reads only.

One query of the ledger; prices and the model's returns are the firm's (``rebalancing.performance.market``).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from accounts.models import Account
from accounts.selectors import accounts_of, firm_of
from lots import selectors as lot_selectors
from lots.models import Transaction
from rebalancing import selectors
from rebalancing.models import ModelAssignment
from rebalancing.performance.chart import Chart, chart
from rebalancing.performance.holdings import Booked, Columns, Place, columns
from rebalancing.performance.market import Market, market, returns_of_model
from rebalancing.performance.model_returns import ModelReturns
from rebalancing.performance.premium import Premium, untouched
from rebalancing.performance.returns import Path, Period, path
from rebalancing.reviews import performance as lines
from rebalancing.reviews.performance import (
    NOTHING_HELD,
    AccountReturns,
    PeriodReturn,
    RebalancingPremium,
    premium_sentence,
)
from rebalancing.reviews.types import QUANTUM, NewFinding
from rebalancing.trades.border import decimal
from rebalancing.types import CENT
from securities import selectors as securities

Floats = NDArray[np.float64]

_FIELDS = (
    "trade_date", "account_id", "kind", "security_id", "quantity", "amount", "fee", "to_account_id", "to_security_id",
)  # fmt: skip
_OVERDRAWN = 0.01  # of the value: less is a day's settlement, more is a deposit that nobody booked
_SMALL = 1.0  # dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One period; returns are fractions, None where they are not known, and why."""

    period: Period
    since: date
    opened: bool  # what is measured began inside the period, on ``since``
    own: float | None
    model: float | None
    why_not: str = ""
    why_no_model: str = ""


@dataclass(frozen=True, eq=False)
class Performance:
    """Of a household (``account`` None) or one account: its value day by day, its path, and its periods."""

    account: Account | None
    values: Floats
    path: Path
    figures: tuple[Figure, ...]
    from_day: date | None  # from whose close all is measured to the end; None: nothing is


@dataclass(frozen=True, eq=False)
class Measured:
    """The household, then its accounts, over the days of the market."""

    market: Market
    model: ModelReturns | None
    model_name: str
    household: Performance
    accounts: tuple[Performance, ...]
    columns: Columns
    premium: RebalancingPremium | None  # None: no rebalance was executed within the twelve months


def measured(*, household_id: int, assigned: ModelAssignment | None, as_of: date) -> Measured | str:
    """The performance up to the close of ``as_of``, or why none can be measured."""
    firm_id = firm_of(household_id)
    accounts = accounts_of(household_id)
    frame = market(firm_id, as_of)
    rows = _ledger(household_id)
    if not rows:
        return "Nothing is booked."
    held = columns(rows, frame.days, [account.pk for account in accounts])
    symbols = securities.symbols(firm_id)
    wrong = [] if rows[-1].day > as_of else held.differences(_lots(household_id))
    if wrong:
        names = ", ".join(sorted({symbols[security] for _, security in wrong}))
        return f"Shares that follow from the ledger day by day are not those of the lots: {names}."
    model = None
    if assigned is not None:
        model = returns_of_model(firm_id, assigned.model_id, as_of)
    rebalanced_on = selectors.executed_on(household_id, as_of)  # the last time
    if rebalanced_on is not None and rebalanced_on > frame.days[0]:
        rebalanced_on = selectors.first_executed(household_id, frame.days[0], as_of)
    else:
        rebalanced_on = None
    measuring = _Measuring(frame, held, model, symbols, accounts)
    whole = measuring.of(None)
    return Measured(
        market=frame,
        model=model,
        model_name="" if assigned is None else assigned.model.name,
        household=whole,
        accounts=tuple(measuring.of(account) for account in accounts),
        columns=held,
        premium=None if rebalanced_on is None else measuring.premium(whole, rebalanced_on),
    )


def _ledger(household_id: int) -> list[Booked]:
    rows = Transaction.objects.filter(account__household=household_id)
    return [*map(Booked._make, rows.order_by("trade_date", "pk").values_list(*_FIELDS))]


def _lots(household_id: int) -> Mapping[Place, Decimal]:
    held: defaultdict[Place, Decimal] = defaultdict(Decimal)
    for lot in lot_selectors.open_lots(household_id):
        held[lot.account, lot.security] += lot.quantity
    return held


class _Measuring:
    """Values and flows of each account, as columns (T, a), and what is made of them."""

    def __init__(
        self,
        frame: Market,
        held: Columns,
        model: ModelReturns | None,
        symbols: Mapping[int, str],
        accounts: Sequence[Account],
    ) -> None:
        self._frame, self._held, self._model, self._symbols = frame, held, model, symbols
        self._at = {account.pk: column for column, account in enumerate(accounts)}
        self._names = {account.pk: str(account) for account in accounts}
        closes = frame.closes[:, [frame.rows[security] for _, security in held.places]]
        of = np.array([self._at[account] for account, _ in held.places], dtype=np.intp)
        holds = held.shares != 0.0
        self._lacks = holds & np.isnan(closes)  # (T, k)
        worth = np.where(holds, held.shares * closes, 0.0)
        self._values = held.cash + np.stack(
            [worth[:, of == column].sum(axis=1) for column in range(len(accounts))], axis=1
        )
        overdrawn = held.cash < -np.maximum(_OVERDRAWN * np.abs(self._values), _SMALL)
        self._overdrawn = overdrawn
        self._values = np.where(overdrawn, np.nan, self._values)
        self._delivered = self._worth(held.delivered)
        self._between = self._worth(held.between)

    def _worth(self, rows: Sequence[tuple[int, int, int, float]]) -> Floats:
        """(T, a) shares at the close of their day."""
        found = np.zeros(self._values.shape)
        for row, account, security, shares in rows:
            found[row, self._at[account]] += (
                shares * self._frame.closes[row, self._frame.rows[security]]
            )
        return found

    def of(self, account: Account | None) -> Performance:
        deposits = self._held.deposits
        if account is None:
            values, paid = self._values.sum(axis=1), deposits.sum(axis=1)
            delivered = self._delivered.sum(axis=1)
        else:
            at = self._at[account.pk]
            values, paid = self._values[:, at], deposits[:, at]
            delivered = (self._delivered + self._between)[:, at]
        found = path(values, paid, delivered)
        return Performance(
            account=account,
            values=values,
            path=found,
            figures=tuple(
                self._figure(account, found, values, period) for period in self._frame.periods
            ),
            from_day=self._frame.days[found.start] if found.start < len(values) else None,
        )

    def premium(self, whole: Performance, rebalanced_on: date) -> RebalancingPremium:
        """Against what was held at the close before the day, left alone."""
        days, last = self._frame.days, len(whole.values) - 1
        start = bisect_left(days, rebalanced_on) - 1
        told = RebalancingPremium(since=days[start], until=days[last])
        own = whole.path.over(start, last)
        if own is None:
            return replace(told, why_not=self._why_not(None, whole.path, start))
        at = [self._frame.rows[security] for _, security in self._held.places]
        shares = self._held.shares[start]
        dollars = np.where(shares != 0.0, shares * self._frame.closes[start, at], 0.0)
        returns = self._frame.returns[start + 1 :, at]
        left_alone = untouched(dollars, float(self._held.cash[start].sum()), returns)
        if left_alone is None:
            return replace(told, why_not=self._why_no_shadow(dollars, returns))
        found = Premium(own, left_alone, float(whole.values[start]))
        return replace(
            told,
            own=_stored(found.own),
            untouched=_stored(found.untouched),
            premium=_stored(found.fraction),
            dollars=decimal(found.dollars).quantize(CENT),
            value=decimal(found.value).quantize(CENT),
        )

    def _why_no_shadow(self, dollars: Floats, returns: Floats) -> str:
        lacks = (dollars != 0.0) & np.isnan(returns).any(axis=0)
        names = {self._symbols[self._held.places[at][1]] for at in np.flatnonzero(lacks)}
        if not names:
            return NOTHING_HELD
        return f"What was held then has days without a return: {', '.join(sorted(names))}."

    def _figure(
        self, account: Account | None, found: Path, values: Floats, period: Period
    ) -> Figure:
        days, last = self._frame.days, len(values) - 1
        busy = np.flatnonzero(found.invested[period.first + 1 :])
        first = period.first + 1 + int(busy[0]) if len(busy) else last
        opened = first > period.first + 1
        own = found.over(period.first, last) if len(busy) else None
        figure = Figure(
            period=period,
            since=days[first] if opened else days[period.first],
            opened=opened,
            own=own,
            model=None,
        )
        if own is None:
            return replace(figure, why_not=self._why_not(account, found, period.first))
        if self._model is None:
            return replace(figure, why_no_model="The household follows no model.")
        model = self._model.over(period.first, found.invested)
        why = "" if model is not None else self._why_no_model(period.first, found)
        return replace(figure, model=model, why_no_model=why)

    def _why_not(self, account: Account | None, found: Path, first: int) -> str:
        days, last = self._frame.days, len(found.growth) - 1
        for row in (last, first):
            if not found.is_valued(row):
                return self._lacking(account, row, row)
        if found.broken is None or found.start <= first:
            return NOTHING_HELD
        before, after = found.broken
        told = self._lacking(account, before + 1, after - 1) if after - before > 1 else ""
        told = told or self._lacking(account, after, after)
        return f"{told} It is measured from {days[found.start]} on."

    def _lacking(self, account: Account | None, first: int, last: int) -> str:
        """What stops the valuation on the rows, with names and days."""
        days = self._frame.days
        mine = [account is None or place[0] == account.pk for place in self._held.places]
        lacks = self._lacks[first : last + 1] & np.array(mine, dtype=np.bool_)
        span = f"on {days[first]}" if first == last else f"between {days[first]} and {days[last]}"
        if lacks.any():
            names = sorted(
                {
                    self._symbols[self._held.places[column][1]]
                    for column in np.flatnonzero(lacks.any(axis=0))
                }
            )
            return f"There is no price of {', '.join(names)} {span}."
        overdrawn = [
            name
            for pk, name in self._names.items()
            if (account is None or pk == account.pk)
            and self._overdrawn[first : last + 1, self._at[pk]].any()
        ]
        if overdrawn:
            return (
                f"Cash of {', '.join(overdrawn)} is below zero {span}: a deposit may not be booked."
            )
        return f"It is worth nothing, or what was delivered has no price, {span}."

    def _why_no_model(self, first: int, found: Path) -> str:
        assert self._model is not None  # it was asked
        days = self._frame.days
        if first < self._model.known_from:
            return f"The model's weights before {days[self._model.known_from]} are not on record."
        row = self._model.first_unknown(first, found.invested)
        assert row is not None  # or the return would be known
        names = ", ".join(sorted(self._symbols[one] for one in self._model.lacking.get(row, ())))
        return f"There is no return of {names} in the model on {days[row]}."


def told(found: Measured | str) -> tuple[NewFinding, ...]:
    """The lines of the review."""
    if isinstance(found, str):
        return (lines.not_measured(found),)
    premium = found.premium
    return (
        *lines.findings(
            found.model_name,
            period_returns(found.household, found.market),
            account_returns(found),
        ),
        *(() if premium is None else (lines.of_premium(premium),)),
    )


def period_returns(one: Performance, frame: Market) -> tuple[PeriodReturn, ...]:
    """The figures for people, rounded to what is stored."""
    return tuple(
        PeriodReturn(
            key=figure.period.key,
            since=figure.since,
            until=frame.days[-1],
            opened=figure.opened,
            own=_stored(figure.own),
            model=_stored(figure.model),
            why_not=figure.why_not,
            why_no_model=figure.why_no_model,
        )
        for figure in one.figures
    )


def _stored(fraction: float | None) -> Decimal | None:
    return None if fraction is None else decimal(fraction).quantize(QUANTUM)


@dataclass(frozen=True, slots=True)
class PerformancePage:
    """What a page shows: the chart (None: no line), the periods, and those of each account that held something."""

    model: str
    chart: Chart | None
    periods: tuple[PeriodReturn, ...]
    accounts: tuple[AccountReturns, ...]
    premium: str  # a sentence; empty where nothing was rebalanced


def performance_page(*, household_id: int, as_of: date) -> PerformancePage | str:
    """The household up to the close of ``as_of`` for a page, or why nothing is measured."""
    assigned = selectors.assignment(household_id)
    found = measured(household_id=household_id, assigned=assigned, as_of=as_of)
    if isinstance(found, str):
        return found
    whole = found.household
    return PerformancePage(
        model=found.model_name,
        chart=chart(found.market.days, whole.values, whole.path, found.model),
        periods=period_returns(whole, found.market),
        accounts=tuple(
            one
            for one in account_returns(found)
            if any(period.why_not != NOTHING_HELD for period in one.periods)
        ),
        premium="" if found.premium is None else premium_sentence(found.premium),
    )


def account_returns(found: Measured) -> tuple[AccountReturns, ...]:
    """Every account with the household's periods."""
    return tuple(
        AccountReturns(one.account.number, one.account.name, period_returns(one, found.market))
        for one in found.accounts
        if one.account is not None
    )
