"""One cohort, day by day: every stock's household is looked at on the scan dates, and measured at the end."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.types import AccountKind
from harvesting.backtest.household import ACCOUNT, StockHousehold
from harvesting.backtest.market import Cohort, History, Span, scan_places
from harvesting.backtest.method import Setup, SwapBack
from lots.replay import replay
from lots.types import LedgerAccount

_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Result:
    """Alpha is a fraction a year over the same money never harvested; counts are of all stocks together."""

    before: float  # liquidation
    after: float
    harvests: int
    blocked: int
    unpaid: int
    swaps: int
    looks: int
    washed: int  # wash sales that the tax engine finds in all trades of the run


def run(history: History, cohort: Cohort, setup: Setup, *, check: bool = False) -> Result:
    """Harvest one cohort; ``check`` replays every trade through the tax engine and counts the wash sales."""
    span = history.span(cohort)
    places = scan_places(history.days, span, setup.frequency, weekday=setup.weekday)
    households = []
    for stock, symbol in enumerate(history.stocks):
        one = StockHousehold(
            setup, symbol, price=history.closes[stock][span.first], day=history.days[span.first]
        )
        for place in places:
            _look(one, history, stock, place)
        households.append(one)
    washed = sum(_washed(one) for one in households) if check else 0
    return _measured(history, span, setup, households, washed)


def _look(one: StockHousehold, history: History, stock: int, place: int) -> None:
    """Swap back first, for what goes home today may not be harvested today; then harvest."""
    day = history.days[place]
    if one.setup.swap_back is not SwapBack.NEVER:
        one.swap_back(price=history.closes[stock][place], day=day)
    if one.may_have_a_loss(history.floats[stock][place]):
        one.scan(
            price=history.closes[stock][place],
            day=day,
            volatility=_volatility(one.setup, history, stock, place),
        )


def _volatility(setup: Setup, history: History, stock: int, place: int) -> Decimal:
    """Of the stock; only where it is going to be used."""
    if not setup.window_fraction:
        return Decimal(0)
    return Decimal(history.volatilities[stock][place]).quantize(_PLACES)


def _measured(
    history: History, span: Span, setup: Setup, households: list[StockHousehold], washed: int
) -> Result:
    day, years = history.days[span.last], history.years(span)
    before = after = held = held_after = Decimal(0)
    for stock, one in enumerate(households):
        price = history.closes[stock][span.last]
        untouched = StockHousehold(
            setup,
            history.stocks[stock],
            price=history.closes[stock][span.first],
            day=history.days[span.first],
        )
        before += one.worth(price)
        after += one.worth_after_tax(price, day)
        held += untouched.worth(price)
        held_after += untouched.worth_after_tax(price, day)
    tallies = [one.tally for one in households]
    return Result(
        before=float(before / held) ** (1 / years) - 1,
        after=float(after / held_after) ** (1 / years) - 1,
        harvests=sum(tally.harvests for tally in tallies),
        blocked=sum(tally.blocked for tally in tallies),
        unpaid=sum(tally.unpaid for tally in tallies),
        swaps=sum(tally.swaps for tally in tallies),
        looks=sum(tally.looks for tally in tallies),
        washed=washed,
    )


def _washed(one: StockHousehold) -> int:
    account = LedgerAccount(id=str(ACCOUNT), kind=AccountKind.TAXABLE, owner="1")
    found = replay(tuple(one.entries.values()), (account,), ())
    return len(found.matches)
