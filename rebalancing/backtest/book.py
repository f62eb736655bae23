"""The portfolio in dollars: tax lots, spread, and a year's netting with what is carried to the next.

A sale takes the lots with the least tax per dollar first. Long-term is by the calendar (R3); a loss with a purchase of
the same name within 30 days either side is disallowed and joins the basis of what replaces it. The tax of a year is
paid on the first trading day of the next, out of sales of every name in the same proportion; losses that no gain meets
are carried on with their term. Float: this is a study over a price history, not anybody's tax.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from lots.holding_period import first_long_term_day
from rebalancing.backtest.market import Market
from rebalancing.optimizer.problem import BoolArray, FloatArray

START = 1_000_000.0  # dollars, one lot a name
HALF_SPREAD = 0.0005  # of every dollar bought or sold
SHORT_RATE, LONG_RATE = 0.35, 0.15
_WINDOW = timedelta(days=30)
_NOTHING = 1e-9  # shares


@dataclass(frozen=True, slots=True)
class Money:
    """Dollars of a whole path; ``drag_bp`` is cost and tax of each year over its mean value, averaged over years."""

    cost: float
    tax: float  # paid; that of the last year included, of the liquidation not
    drag_bp: float
    value: float  # at the end, before liquidation
    after_tax: float  # when everything is sold at the end


@dataclass(frozen=True, slots=True)
class Sold:
    """Gains of a sale by term, losses negative, what the wash rule disallows left out."""

    short: float
    long: float


@dataclass(slots=True)
class LossSale:
    """Shares sold at a loss that a purchase of the next 30 days would replace."""

    day: date
    shares: float
    loss: float  # per share, positive
    is_long: bool


class Lots:
    """One name's lots, in the order of purchase; a loss is disallowed share by share and joins the new basis (R10)."""

    def __init__(self) -> None:
        self.shares: FloatArray = np.zeros(0)
        self.basis: FloatArray = np.zeros(0)  # dollars per share
        self.long_from: FloatArray = np.zeros(0)  # day number of the first long-term sale
        self.bought: FloatArray = np.zeros(0)  # day number
        self.free: FloatArray = np.zeros(0)  # shares that can still replace some sold at a loss
        self._loss_sales: list[LossSale] = []

    def open(self, shares: float, basis: float, day: date, *, replaces: bool = True) -> None:
        """One new lot; the one of the start replaces nothing."""
        free = shares if replaces else 0.0
        for name, value in (
            ("shares", shares), ("basis", basis), ("free", free), ("bought", day.toordinal()),
            ("long_from", first_long_term_day(day).toordinal()),
        ):  # fmt: skip
            setattr(self, name, np.append(getattr(self, name), float(value)))

    def buy(self, shares: float, basis: float, day: date) -> Sold:
        """One new lot. Returns the losses of the last 30 days that it disallows, as gains."""
        self.open(shares, basis, day)
        self._loss_sales = [one for one in self._loss_sales if day - one.day <= _WINDOW]
        undone = {False: 0.0, True: 0.0}
        for one in self._loss_sales:
            replaced = min(one.shares, float(self.free[-1]))
            one.shares -= replaced
            self._replace(len(self.shares) - 1, replaced, one.loss)
            undone[one.is_long] += replaced * one.loss
        return Sold(undone[False], undone[True])

    def is_long(self, day: date) -> BoolArray:
        """Per lot."""
        return np.asarray(self.long_from <= day.toordinal())

    def tax_per_dollar(self, price: float, day: date) -> FloatArray:
        """Per lot: gain per dollar of price times the rate of its term."""
        rates = np.where(self.is_long(day), LONG_RATE, SHORT_RATE)
        return np.asarray((1.0 - self.basis / price) * rates)

    def sell(self, shares: float, price: float, day: date) -> Sold:
        """Least tax first."""
        order = np.argsort(self.tax_per_dollar(price, day), kind="stable")
        before = np.cumsum(self.shares[order]) - self.shares[order]
        sold = np.zeros_like(self.shares)
        sold[order] = np.clip(shares - before, 0.0, self.shares[order])
        gains, long = sold * (price - self.basis), self.is_long(day)
        self.shares = self.shares - sold
        self.free = np.minimum(self.free, self.shares)
        for lot in np.flatnonzero(gains < 0.0):
            gains[lot] += self._washed(
                LossSale(day, float(sold[lot]), float(self.basis[lot]) - price, bool(long[lot]))
            )
        result = Sold(float(gains[~long].sum()), float(gains[long].sum()))
        kept = self.shares > _NOTHING
        for name in ("shares", "basis", "long_from", "bought", "free"):
            setattr(self, name, getattr(self, name)[kept])
        return result

    def _washed(self, one: LossSale) -> float:
        """What purchases of the last 30 days disallow of a loss; the rest waits for the next 30."""
        recent = self.bought >= (one.day - _WINDOW).toordinal()
        disallowed = 0.0
        for lot in np.flatnonzero(recent & (self.free > _NOTHING)):
            replaced = min(one.shares, float(self.free[lot]))
            one.shares -= replaced
            self._replace(int(lot), replaced, one.loss)
            disallowed += replaced * one.loss
        if one.shares > _NOTHING:
            self._loss_sales.append(one)
        return disallowed

    def _replace(self, lot: int, shares: float, loss: float) -> None:
        """The loss is spread over the whole lot; its holding period is left as it is."""
        if shares > 0.0:
            self.free[lot] -= shares
            self.basis[lot] += shares * loss / self.shares[lot]


@dataclass(slots=True)
class Year:
    """Gains of a year so far, what was carried into it, and what it has cost."""

    short: float = 0.0  # carried losses included
    long: float = 0.0
    cost: float = 0.0
    values: float = 0.0  # sum over days
    days: int = 0


def settle(short: float, long: float) -> tuple[float, float, float]:
    """Tax of a year, and the short- and long-term losses carried on (zero or negative)."""
    net = short + long
    if short >= 0.0 and long >= 0.0:
        return SHORT_RATE * short + LONG_RATE * long, 0.0, 0.0
    if net >= 0.0:
        return (SHORT_RATE if short > 0.0 else LONG_RATE) * net, 0.0, 0.0
    if short <= 0.0 and long <= 0.0:
        return 0.0, short, long
    return (0.0, net, 0.0) if short < 0.0 else (0.0, 0.0, net)


class Book:
    """A million dollars at the close before the first day, in one lot a name."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.lots = [Lots() for _ in market.targets]
        self.year = Year()
        self._drags: list[float] = []
        self._cost = self._tax = self._last_tax = 0.0
        opened = market.first - 1
        self.day = opened
        for name, weight in enumerate(market.targets):
            price = float(market.closes[opened, name])
            shares = START * float(weight) / price
            self.lots[name].open(shares, price, market.days[opened], replaces=False)

    def values(self) -> FloatArray:
        """(n,) dollars at today's close."""
        shares = np.array([lots.shares.sum() for lots in self.lots])
        return np.asarray(shares * self.market.closes[self.day])

    def marginal_rates(self) -> tuple[float, float]:
        """What one more dollar of short- and of long-term gain costs this year.

        Measured on a whole dollar: a sum that would be nothing but for the rounding of floats decides no rate.
        """
        short, long = self.year.short, self.year.long
        tax, _, _ = settle(short, long)
        return settle(short + 1.0, long)[0] - tax, settle(short, long + 1.0)[0] - tax

    def begin_day(self, day: int) -> None:
        """On the first trading day of a year the tax of the last one is paid."""
        is_new_year = self.market.days[day].year != self.market.days[self.day].year
        self.day = day
        if is_new_year:
            self._close_year()
        self.year.values += float(self.values().sum())
        self.year.days += 1

    def trade(self, day: int, before: FloatArray, after: FloatArray) -> None:
        """Sell and buy by the change of the weights; the purchases are what the proceeds pay for."""
        total = float(self.values().sum())
        change = (after - before) * total
        proceeds = sum(self._sell(int(name), -change[name]) for name in np.flatnonzero(change < 0))
        wanted = float(change[change > 0].sum())
        for name in np.flatnonzero(change > 0):
            if proceeds > 0.0:
                self._buy(int(name), float(change[name]) / wanted * proceeds)

    def finish(self) -> Money:
        """The last year's tax is paid, then everything is sold."""
        self._close_year(paid_from_sales=False)
        value = float(self.values().sum()) - self._last_tax
        short, long = self.year.short, self.year.long
        today = self.market.days[self.day]
        for name, lots in enumerate(self.lots):
            price = float(self.market.closes[self.day, name])
            gains = lots.shares * (price * (1.0 - HALF_SPREAD) - lots.basis)
            long += float(gains[lots.is_long(today)].sum())
            short += float(gains[~lots.is_long(today)].sum())
        tax, _, _ = settle(short, long)
        return Money(
            cost=self._cost,
            tax=self._tax,
            drag_bp=1e4 * float(np.mean(self._drags)),
            value=value,
            after_tax=value * (1.0 - HALF_SPREAD) - tax,
        )

    def _close_year(self, *, paid_from_sales: bool = True) -> None:
        ended = self.year
        tax, short, long = settle(ended.short, ended.long)
        self._tax += tax
        self._last_tax = tax
        if ended.days:
            self._drags.append((ended.cost + tax) / (ended.values / ended.days))
        self.year = Year(short=short, long=long)
        if tax > 0.0 and paid_from_sales:
            values = self.values()
            share = tax / (1.0 - HALF_SPREAD) / float(values.sum())
            for name in range(len(values)):
                self._sell(name, float(values[name]) * share)

    def _sell(self, name: int, dollars: float) -> float:
        """Sell for so many dollars at the close; what is left of them after the spread."""
        lots, day = self.lots[name], self.market.days[self.day]
        price = float(self.market.closes[self.day, name])
        sold = lots.sell(dollars / price, price, day)
        cost = dollars * HALF_SPREAD
        self.year.short += sold.short
        self.year.long += sold.long - cost  # the spread lowers the gain; its term hardly matters
        self._pay(cost)
        return dollars - cost

    def _buy(self, name: int, money: float) -> None:
        """Spend so much, spread included."""
        lots, day = self.lots[name], self.market.days[self.day]
        price = float(self.market.closes[self.day, name])
        cost = money * HALF_SPREAD / (1.0 + HALF_SPREAD)
        self._pay(cost)
        undone = lots.buy((money - cost) / price, price * (1.0 + HALF_SPREAD), day)
        self.year.short += undone.short
        self.year.long += undone.long

    def _pay(self, cost: float) -> None:
        self._cost += cost
        self.year.cost += cost
