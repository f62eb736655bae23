"""What can be done with a substitute once its window has closed, each way with its sum in dollars (F30). Pure.

All ways are compared with staying over one horizon (``HarvestRules.swap_back_horizon_years``):

| way | dollars |
|---|---|
| back | tracking error avoided - tax now + later tax saved by the higher basis - cost of both legs |
| later | the same on the day on which short-term gains have turned long-term, for what is then left of the horizon |
| new cash | the part of the tracking error that money going into the original by itself makes up for |
| harvest | tax that the substitute's own loss saves - later tax on the lower basis - cost of both legs |
| keep | 0 |

Tracking error costs ``risk_price x TE^2 x value`` dollars a year. Every part is rounded to the cent before it is added,
so that the sums shown add up. ``net`` above zero means better than staying.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from fractions import Fraction

from harvesting.economics import floors_on, later_rate, to_the_cent
from harvesting.types import ZERO, Book, Finding, HarvestRules, LotKey, PairFigures, dollars_traded
from lots.held_lots import basis_of, term_of
from lots.holding_period import first_long_term_day
from lots.types import LotRow, Term
from lots.year_tax import TaxPosition, added_tax
from proposals.costs import TradingCosts
from proposals.types import StandIn

DAYS_A_YEAR = Decimal(365)


class Way(StrEnum):
    BACK = "back"
    LATER = "later"
    NEW_CASH = "new_cash"
    HARVEST = "harvest"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A household on the day its pairs are decided about, tonight's earlier drafts counted. Ids are primary keys."""

    book: Book
    tax: TaxPosition | None  # None = unknown, for the reason in ``no_tax``
    costs: TradingCosts
    tracking: Mapping[tuple[int, int], PairFigures]  # original and substitute, or CASH
    no_tax: str = ""
    reserved: Mapping[LotKey, Decimal] = field(default_factory=dict)  # shares that others sell
    # Original -> the first day on which buying it washes nothing, and what closed its window.
    closed: Mapping[int, tuple[date, str]] = field(default_factory=dict)
    not_bought: Mapping[int, str] = field(default_factory=dict)  # original -> why not, a clause
    # Original -> that it left the model and stays sold, a clause (F18); in ``not_bought`` too.
    left: Mapping[int, str] = field(default_factory=dict)
    not_sold: Mapping[int, str] = field(default_factory=dict)  # substitute -> why not, a clause
    findings: Mapping[LotKey, Finding] = field(default_factory=dict)  # of tonight's harvest
    new_money: Mapping[int, Decimal] = field(default_factory=dict)  # original -> dollars
    barred: Mapping[int, str] = field(default_factory=dict)  # pair (its order) -> why it stays
    # Account -> dollars that can be spent, what others are about to trade counted.
    cash: Mapping[int, Decimal] = field(default_factory=dict)
    only_gains: frozenset[int] = frozenset()  # pairs whose losses would be washed
    groups: tuple[frozenset[int], ...] = ()  # substantially identical securities (R24)
    is_busy: bool = False  # an approved swap-back of the household is not filled yet

    @property
    def rules(self) -> HarvestRules:
        return self.book.rules


@dataclass(frozen=True, slots=True)
class Sold:
    """Shares of one lot that would be sold; ``gain`` is negative for a loss."""

    lot: LotRow
    quantity: Decimal
    price: Decimal
    amount: Decimal
    basis: Decimal
    term: Term

    @property
    def key(self) -> LotKey:
        return (self.lot.opening, self.lot.part)

    @property
    def gain(self) -> Decimal:
        return self.amount - self.basis


@dataclass(frozen=True, slots=True)
class Bought:
    """Whole shares of an original."""

    security: int
    quantity: Decimal
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Return:
    """Both legs of a way back and its sum, dollars to the cent."""

    sold: tuple[Sold, ...]
    bought: tuple[Bought, ...]
    cash_left: Decimal
    avoided: Decimal  # tracking error over the horizon
    tax: Decimal  # of this year
    later: Decimal  # later tax that the higher basis saves, at today's value; negative after a loss
    cost: Decimal  # of both legs

    @property
    def short_gain(self) -> Decimal:
        return sum((one.gain for one in self.sold if one.term is Term.SHORT), ZERO)

    @property
    def long_gain(self) -> Decimal:
        return sum((one.gain for one in self.sold if one.term is Term.LONG), ZERO)

    @property
    def value(self) -> Decimal:
        return sum((one.amount for one in self.sold), ZERO)

    @property
    def shares(self) -> Decimal:
        return sum((one.quantity for one in self.sold), ZERO)

    @property
    def spent(self) -> Decimal:
        """What the purchases take; where nothing is sold, the whole cost is theirs."""
        return sum((one.amount for one in self.bought), ZERO) + self.cost

    @property
    def price_of_going(self) -> Decimal:
        """What going back costs before any tracking error is counted."""
        return self.tax - self.later + self.cost

    @property
    def net(self) -> Decimal:
        return self.avoided - self.price_of_going


@dataclass(frozen=True, slots=True)
class Wait:
    """Going back when the last short-term gain has turned long-term, at today's prices."""

    day: date
    tax: Decimal
    tax_saved: Decimal  # against going today
    net: Decimal


def free_lots(pair: StandIn, situation: Situation) -> tuple[Sold, ...]:
    """The pair's shares as lots of the substitute in its account, the best to sell first by the dollars.

    Other lots of the substitute serve where they cost less tax; never more shares than the pair has, and whole ones
    where the account trades no fractions, unless the whole position goes. Short-term gain costs its rate less what the
    higher basis is worth later, a loss the other way round.
    """
    price = situation.book.prices[pair.substitute].price
    found = []
    for lot in situation.book.lots:
        if (lot.account, lot.security) != (pair.account, pair.substitute):
            continue
        free = lot.quantity - situation.reserved.get((lot.opening, lot.part), ZERO)
        if free > ZERO:
            found.append(sold(lot, free, price, situation.book.as_of))
    found.sort(key=lambda one: (_burden(one, situation), one.lot.acquired, one.key))
    wanted, chosen = pair.shares, []
    is_all = wanted >= sum((one.quantity for one in found), ZERO)
    if not (is_all or situation.book.accounts[pair.account].trades_fractions):
        wanted = wanted.to_integral_value(ROUND_FLOOR)
    for one in found:
        shares = min(one.quantity, wanted)
        if shares > ZERO:
            chosen.append(sold(one.lot, shares, price, situation.book.as_of))
            wanted -= shares
    return tuple(chosen)


def sold(lot: LotRow, quantity: Decimal, price: Decimal, on: date) -> Sold:
    """A sale of shares of the lot on that day."""
    proceeds = quantity * price
    basis = basis_of(lot, quantity, proceeds)
    amount = dollars_traded(quantity, price)
    return Sold(lot, quantity, price, amount, basis, term_of(lot, on, is_loss=proceeds < basis))


def _burden(one: Sold, situation: Situation) -> Fraction:
    """Dollars of tax a share, the worth of the higher basis taken off."""
    tax = situation.tax
    a_share = Fraction(one.gain) / Fraction(one.quantity)
    if tax is None:
        return a_share
    rate = tax.short_rate if one.term is Term.SHORT else tax.long_rate
    return a_share * Fraction(rate - later_rate(situation.rules, tax))


def best_return(
    pair: StandIn, lots: Sequence[Sold], situation: Situation, tax: TaxPosition
) -> Return | None:
    """The best of selling the first lot, the first two, and so on; all of them where they tie or none is worth it.

    None where the money buys no whole share of anything.
    """
    ways = [going_back(pair, lots[:count], situation, tax) for count in range(1, len(lots) + 1)]
    possible = [way for way in ways if way is not None]
    if not possible:
        return None
    best = max(reversed(possible), key=lambda way: way.net)
    return best if best.net > ZERO else possible[-1]


def going_back(
    pair: StandIn, lots: Sequence[Sold], situation: Situation, tax: TaxPosition
) -> Return | None:
    """Sell the lots and buy what they stood in for; None where nothing can be bought."""
    costs, rules = situation.costs, situation.rules
    value = sum((one.amount for one in lots), ZERO)
    shares = sum((one.quantity for one in lots), ZERO)
    cost = costs.of(
        account=pair.account, security=pair.substitute, shares=shares, amount=value
    ).total
    bought, cost_of_buying = bought_for(value - cost, pair, situation)
    if not bought:
        return None
    spent = sum((one.amount for one in bought), ZERO)
    back = Return(
        sold=tuple(lots),
        bought=bought,
        cash_left=to_the_cent(value - cost - spent - cost_of_buying),
        avoided=to_the_cent(a_year(pair, value, situation) * rules.swap_back_horizon_years),
        tax=ZERO,
        later=ZERO,
        cost=to_the_cent(cost + cost_of_buying),
    )
    if not situation.book.accounts[pair.account].is_taxable:
        return back
    gain = back.short_gain + back.long_gain
    return replace(
        back,
        tax=to_the_cent(added_tax(tax, short=back.short_gain, long=back.long_gain)),
        later=to_the_cent(gain * later_rate(rules, tax)),
    )


def bought_for(
    money: Decimal, pair: StandIn, situation: Situation
) -> tuple[tuple[Bought, ...], Decimal]:
    """Whole shares of each original, dollars shared by the dollars sold of each, and their cost.

    What rounding leaves buys one more share of whichever is furthest below its part, as long as one fits.
    """
    total = sum(pair.originals.values(), ZERO)
    parts = {security: money * dollars / total for security, dollars in pair.originals.items()}
    shares = {
        security: _whole_shares(pair, security, part, situation) for security, part in parts.items()
    }

    def spent(security: int, quantity: Decimal) -> Decimal:
        amount = dollars_traded(quantity, situation.book.prices[security].price)
        return amount + _cost(pair, security, quantity, amount, situation)

    left = money - sum((spent(security, quantity) for security, quantity in shares.items()), ZERO)
    while True:
        fitting = [
            (parts[security] - spent(security, shares[security]), security, more)
            for security in shares
            if (more := spent(security, shares[security] + 1) - spent(security, shares[security]))
            <= left
        ]
        if not fitting:
            break
        _, security, more = max(fitting, key=lambda one: (one[0], -one[1]))
        shares[security] += 1
        left -= more
    prices = situation.book.prices
    bought = tuple(
        Bought(
            security, quantity, prices[security].price,
            dollars_traded(quantity, prices[security].price),
        )
        for security, quantity in shares.items()
        if quantity
    )  # fmt: skip
    cost = sum(
        (_cost(pair, one.security, one.quantity, one.amount, situation) for one in bought), ZERO
    )
    return bought, cost


def _whole_shares(pair: StandIn, security: int, money: Decimal, situation: Situation) -> Decimal:
    """As many as the money pays for with their cost; one less where the cost, which grows faster, leaves no choice."""
    price = situation.book.prices[security].price
    quantity = Decimal(max(Fraction(money), Fraction(0)) // Fraction(price))
    while quantity:
        amount = dollars_traded(quantity, price)
        over = amount + _cost(pair, security, quantity, amount, situation) - money
        if over <= ZERO:
            break
        quantity -= max(Decimal(Fraction(over) // Fraction(price)), Decimal(1))
        quantity = max(quantity, ZERO)
    return quantity


def _cost(
    pair: StandIn, security: int, shares: Decimal, amount: Decimal, situation: Situation
) -> Decimal:
    costs = situation.costs
    return costs.of(account=pair.account, security=security, shares=shares, amount=amount).total


def a_year(pair: StandIn, value: Decimal, situation: Situation) -> Decimal:
    """Dollars a year that straying from the originals costs on ``value`` dollars of what is held instead, exact."""
    total = sum(pair.originals.values(), ZERO)
    return sum(
        (
            _strays(situation, security, pair.substitute) * value * dollars / total
            for security, dollars in pair.originals.items()
        ),
        ZERO,
    )


def _strays(situation: Situation, original: int, substitute: int) -> Decimal:
    """Dollars a year for each dollar held."""
    error = situation.tracking[original, substitute].tracking_error
    return situation.rules.risk_price * error * error


def waiting(back: Return, situation: Situation, tax: TaxPosition, *, taxable: bool) -> Wait | None:
    """Going when every short-term gain has turned long-term; None where there is none.

    The tax is that of today's position and prices: next year's are not known.
    """
    short = [one for one in back.sold if one.term is Term.SHORT and one.gain > ZERO]
    if not short or not taxable:
        return None
    day = max(first_long_term_day(one.lot.holding_start) for one in short)
    turned = sum((one.gain for one in short), ZERO)
    then = to_the_cent(added_tax(tax, short=back.short_gain - turned, long=back.long_gain + turned))
    horizon = situation.rules.swap_back_horizon_years * DAYS_A_YEAR
    left = max(horizon - (day - situation.book.as_of).days, ZERO) / horizon
    net = to_the_cent(back.avoided * left) - then + back.later - back.cost
    return Wait(day, then, back.tax - then, net)


def made_up_for(
    pair: StandIn, value: Decimal, situation: Situation
) -> tuple[Decimal, dict[int, Decimal]]:
    """Tracking error over the horizon that new money in the originals makes up for, and the money that counts.

    Beside V dollars of a substitute, C dollars of the original cut the error of the whole by C / (V + C), which is what
    its cost falls by too. No more new money counts than the substitute is worth.
    """
    total = sum(pair.originals.values(), ZERO)
    saved, used = ZERO, {}
    for security, dollars in pair.originals.items():
        here = value * dollars / total
        money = min(situation.new_money.get(security, ZERO), here)
        if money <= ZERO:
            continue
        used[security] = money
        saved += _strays(situation, security, pair.substitute) * here * money / (here + money)
    return to_the_cent(saved * situation.rules.swap_back_horizon_years), used


def harvest_floors(lots: Sequence[Sold], situation: Situation) -> tuple[Sold, ...]:
    """The lots whose loss passes the policy's floors of the day."""
    dollars, fraction = floors_on(situation.book.as_of, situation.rules)
    return tuple(
        one
        for one in lots
        if one.gain < ZERO and -one.gain >= dollars and -one.gain >= fraction * one.basis
    )


def worth_of_harvest(
    pair: StandIn, lots: Sequence[Sold], situation: Situation, tax: TaxPosition
) -> Decimal:
    """What taking the substitute's own loss saves: tax now, less later tax and the cost of both legs."""
    short = sum((one.gain for one in lots if one.term is Term.SHORT), ZERO)
    long = sum((one.gain for one in lots if one.term is Term.LONG), ZERO)
    amount = sum((one.amount for one in lots), ZERO)
    shares = sum((one.quantity for one in lots), ZERO)
    cost = 2 * _cost(
        pair, pair.substitute, shares, amount, situation
    )  # the next one's is not known
    later = (short + long) * later_rate(situation.rules, tax)
    return to_the_cent(later - added_tax(tax, short=short, long=long) - cost)


def break_even_days(back: Return, yearly: Decimal) -> int | None:
    """Days of staying after which going back has paid; None where staying costs nothing."""
    if back.price_of_going <= ZERO:
        return 0
    if yearly <= ZERO:
        return None
    days = back.price_of_going * DAYS_A_YEAR / yearly
    return int(days.to_integral_value(ROUND_CEILING))
