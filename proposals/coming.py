"""What will be bought by itself: savings plans, and dividends that are reinvested (R25, F31).

A scheduled purchase counts as bought on its day. A dividend is reinvested on its pay date where the account held the
shares before the ex-date and reinvests. That can be stopped by switching reinvestment off, but a custodian may ask for
the switch before the ex-date, and needs time to make it. So a reinvestment counts as bought, and blocks, from the day
on which fewer than SWITCH_DAYS trading days are left before its ex-date; before that it is an instruction: switch it
off until the window is over.

Something due in the last LATE_DAYS days and not booked yet counts as well: a statement comes a few days after the fact.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_UP, Decimal
from fractions import Fraction

from lots.rounding import STORED_SHARES, plain
from lots.wash_sales import first_clear_date
from proposals.types import Cadence, ComingPurchase

SWITCH_DAYS = 2  # trading days between the instruction and the ex-date
LATE_DAYS = 5  # calendar days that a statement may be late
HORIZON_DAYS = 366  # how far ahead a plan is laid out to find the first clear day

_DAY = timedelta(days=1)
_MONTHS = {Cadence.MONTHLY: 1, Cadence.QUARTERLY: 3}
_DAYS = {Cadence.WEEKLY: 7, Cadence.BIWEEKLY: 14}
_LONGEST_CLOSURE = timedelta(days=10)  # a plan's day this much earlier may move into the range
_NO_PRICE = Decimal(
    1
)  # dollars a share where no price is known: rather too many shares than too few

IsOpen = Callable[[date], bool]
Holding = tuple[int, int]  # account, security


@dataclass(frozen=True, slots=True)
class SavingsPlan:
    """Dollars that buy one security in one account, again and again."""

    account: int
    security: int
    amount: Decimal
    first_on: date
    cadence: Cadence
    ended_on: date | None = None  # last day; None = goes on

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Dollars are Decimal, not {type(self.amount).__name__}.")


@dataclass(frozen=True, slots=True)
class ExpectedDividend:
    """A declared dividend on shares of an account that reinvests."""

    account: int
    security: int
    ex_date: date
    pay_date: date
    amount: Decimal  # dollars a share
    held: Decimal  # shares, on the day before the ex-date or today, whichever is earlier

    def __post_init__(self) -> None:
        for value in (self.amount, self.held):
            if not isinstance(value, Decimal):
                raise TypeError(f"Dollars and shares are Decimal, not {type(value).__name__}.")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the purchases are reckoned with. Ids are primary keys."""

    as_of: date
    prices: Mapping[int, Decimal]  # dollars a share
    symbols: Mapping[int, str]
    accounts: Mapping[int, str]  # names
    retirement: frozenset[int]  # accounts whose purchases take a loss away for ever
    booked: Mapping[Holding, date]  # the last purchase on the books
    is_open: IsOpen  # whether the market trades on a day


def due_days(plan: SavingsPlan, first: date, last: date, is_open: IsOpen) -> Iterator[date]:
    """The days from ``first`` to ``last`` on which a plan buys, ascending.

    A day on which the market is closed moves to the next trading day. The 31st of a shorter month is its last day.
    """
    for day in _nominal_days(plan, last):
        if day < first - _LONGEST_CLOSURE:
            continue
        while not is_open(day):
            day += _DAY
        if first <= day <= last:
            yield day


def _nominal_days(plan: SavingsPlan, last: date) -> Iterator[date]:
    end = last if plan.ended_on is None else min(last, plan.ended_on)
    number = 0
    while (day := _nominal_day(plan, number)) <= end:
        yield day
        number += 1
        if plan.cadence is Cadence.ONCE:
            return


def _nominal_day(plan: SavingsPlan, number: int) -> date:
    if plan.cadence in _DAYS:
        return plan.first_on + timedelta(days=_DAYS[plan.cadence] * number)
    month = plan.first_on.month - 1 + _MONTHS.get(plan.cadence, 0) * number
    year, month = plan.first_on.year + month // 12, month % 12 + 1
    return date(year, month, min(plan.first_on.day, monthrange(year, month)[1]))


def laid_out(
    plans: Iterable[SavingsPlan],
    dividends: Iterable[ExpectedDividend],
    around: Surroundings,
    *,
    until: date,
) -> tuple[ComingPurchase, ...]:
    """Everything that will be bought by itself up to ``until``, soonest first."""
    found = [
        *(one for plan in plans for one in _of_plan(plan, around, until)),
        *(
            _reinvested(dividend, around)
            for dividend in dividends
            if dividend.held > 0
            and dividend.pay_date <= until
            and _is_ahead(dividend.pay_date, (dividend.account, dividend.security), around)
        ),
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.security, one.account)))


def _is_ahead(day: date, holding: Holding, around: Surroundings) -> bool:
    """Whether it is still to come, or came so lately that it may be missing from the books."""
    if day > around.as_of:
        return True
    booked = around.booked.get(holding)
    is_late = day >= around.as_of - timedelta(days=LATE_DAYS)
    return is_late and (booked is None or booked < day)


def _of_plan(plan: SavingsPlan, around: Surroundings, until: date) -> Iterator[ComingPurchase]:
    first = around.as_of - timedelta(days=LATE_DAYS)
    for day in due_days(plan, first, until, around.is_open):
        if not _is_ahead(day, (plan.account, plan.security), around):
            continue
        price = around.prices.get(plan.security, _NO_PRICE)
        shares = _shares(plan.amount, price)
        often = "scheduled" if plan.cadence is Cadence.ONCE else f"{plan.cadence} scheduled"
        yield ComingPurchase(
            security=plan.security,
            account=plan.account,
            day=day,
            shares=shares,
            price=price,
            cause=f"the {often} purchase of {day} buys about {_words(shares)} "
            f"{around.symbols[plan.security]} in {around.accounts[plan.account]}",
            is_reinvestment=False,
            retirement=plan.account in around.retirement,
        )


def _reinvested(dividend: ExpectedDividend, around: Surroundings) -> ComingPurchase:
    price = around.prices.get(dividend.security, _NO_PRICE)
    shares = _shares(dividend.amount * dividend.held, price)
    symbol, account = around.symbols[dividend.security], around.accounts[dividend.account]
    too_late = around.as_of > switch_by(dividend.ex_date, around.is_open)
    instruction = (
        f"Switch reinvestment of {symbol} off in {account} until {first_clear_date(around.as_of)} "
        f"(dividend paid {dividend.pay_date}, about {_words(shares)} shares)."
    )
    return ComingPurchase(
        security=dividend.security,
        account=dividend.account,
        day=dividend.pay_date,
        shares=shares,
        price=price,
        cause=f"the dividend paid on {dividend.pay_date} (ex-date {dividend.ex_date}) reinvests about "
        f"{_words(shares)} {symbol} in {account}",
        is_reinvestment=True,
        retirement=dividend.account in around.retirement,
        counts=too_late,
        instruction="" if too_late else instruction,
    )


def switch_by(ex_date: date, is_open: IsOpen) -> date:
    """The last day on which reinvestment can be relied on to be off by the ex-date: SWITCH_DAYS trading days before."""
    day, left = ex_date, SWITCH_DAYS
    while left:
        day -= _DAY
        left -= is_open(day)
    return day


def _shares(dollars: Decimal, price: Decimal) -> Decimal:
    """Rounded up to what is stored: a fraction too many harms nobody."""
    return (dollars / price).quantize(STORED_SHARES, rounding=ROUND_UP)


def _words(shares: Decimal) -> str:
    """About: three places say enough, unless they say nothing."""
    rounded = shares.quantize(Decimal("0.001"), rounding=ROUND_UP)
    return plain(Fraction(rounded))
