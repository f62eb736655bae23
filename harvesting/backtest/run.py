"""One cohort, day by day: every stock's household is looked at on the scan dates, and measured at the end."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.types import AccountKind
from harvesting.backtest.household import ACCOUNT, StockHousehold
from harvesting.backtest.market import Cohort, Frequency, History, Span, scan_places
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
    along: int
    swaps: int
    looks: int
    washed: int  # wash sales that the tax engine finds in all trades of the run


def run(history: History, cohort: Cohort, setup: Setup, *, check: bool = False) -> Result:
    """Harvest one cohort; ``check`` replays every trade through the tax engine and counts the wash sales."""
    span = history.span(cohort)
    scans = scan_places(history.days, span, setup.frequency, weekday=setup.weekday)
    paydays = _paydays(history, span, setup)
    households, untouched = [], []
    for stock in range(len(history.stocks)):
        households.append(_lived(history, span, setup, stock, scans, paydays))
        untouched.append(_lived(history, span, setup, stock, (), paydays))
    washed = sum(_washed(one) for one in households) if check else 0
    return _measured(history, span, households, untouched, washed)


def _paydays(history: History, span: Span, setup: Setup) -> frozenset[int]:
    """The places on which new money comes, after the look of the day."""
    if not setup.contribution:
        return frozenset()
    return frozenset(scan_places(history.days, span, Frequency.MONTHLY))


def _lived(
    history: History,
    span: Span,
    setup: Setup,
    stock: int,
    scans: Collection[int],
    paydays: Collection[int],
) -> StockHousehold:
    """A stock's household at the end of the span."""
    closes, days = history.closes[stock], history.days
    one = StockHousehold(
        setup, history.stocks[stock], price=closes[span.first], day=days[span.first]
    )
    for place in sorted({*scans, *paydays}):
        if place in scans:
            _look(one, history, stock, place)
        if place in paydays:
            one.contribute(price=closes[place], day=days[place])
    return one


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
    history: History,
    span: Span,
    households: Sequence[StockHousehold],
    untouched: Sequence[StockHousehold],
    washed: int,
) -> Result:
    day, years = history.days[span.last], history.years(span)
    last = [closes[span.last] for closes in history.closes]

    def growth(of: Callable[[StockHousehold, Decimal], Decimal]) -> float:
        ours = sum((of(*pair) for pair in zip(households, last, strict=True)), Decimal(0))
        theirs = sum((of(*pair) for pair in zip(untouched, last, strict=True)), Decimal(0))
        return float(float(ours / theirs) ** (1 / years) - 1)

    tallies = [one.tally for one in households]
    return Result(
        before=growth(lambda one, price: one.worth(price)),
        after=growth(lambda one, price: one.worth_after_tax(price, day)),
        harvests=sum(tally.harvests for tally in tallies),
        blocked=sum(tally.blocked for tally in tallies),
        unpaid=sum(tally.unpaid for tally in tallies),
        along=sum(tally.along for tally in tallies),
        swaps=sum(tally.swaps for tally in tallies),
        looks=sum(tally.looks for tally in tallies),
        washed=washed,
    )


def _washed(one: StockHousehold) -> int:
    account = LedgerAccount(id=str(ACCOUNT), kind=AccountKind.TAXABLE, owner="1")
    found = replay(tuple(one.entries.values()), (account,), ())
    return len(found.matches)
