"""Which runs make which table, and the figures that the method was specified with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from harvesting.backtest.market import ALL_YEARS, COHORTS, Cohort, Frequency
from harvesting.backtest.method import Rules, Setup, SwapBack

NEVER_BLOCKED = 1  # tickers a stock without the wash rule: sold and bought back at once
ZERO = Decimal(0)
FIVE_PER_CENT = Decimal("0.05")
THRESHOLDS = (ZERO, FIVE_PER_CENT, Decimal("0.1"))
MONTHLY_MONEY = Decimal("0.01")  # of the money at the start
FRACTIONS = tuple(map(Decimal, ("0.25", "0.5", "1", "1.5", "2", "3")))
FOLLOWED = FRACTIONS[1:5]  # through all starting years too
ENDS_OF_WEEK = (0, 1, 2, 3, 6)  # Monday to Thursday; Sunday = the week's last trading day
YEARS_OF_A_START = 8
STARTS = tuple(
    Cohort(f"{year}-{(year + YEARS_OF_A_START - 1) % 100:02}", year, year + YEARS_OF_A_START - 1)
    for year in range(1990, 2015)
)


class TableName(StrEnum):
    """What the command can be asked for."""

    L1 = "L1"
    L2 = "L2"
    RULES = "rules"
    FLOWS = "flows"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a table."""

    table: TableName
    setup: Setup
    cohort: Cohort


def cells(table: TableName) -> Iterator[Cell]:
    """Every run of a table, in its order."""
    return _CELLS[table]()


def with_needed(table: TableName) -> tuple[TableName, ...]:
    """A table and those without which it cannot be told: none here."""
    return (table,)


def _l1() -> Iterator[Cell]:
    monthly = Setup(frequency=Frequency.MONTHLY, twins=NEVER_BLOCKED, wash_rule=False)
    for setup in (
        monthly,
        replace(monthly, twins=2, wash_rule=True),
        replace(monthly, twins=3, wash_rule=True),
    ):
        for cohort in (ALL_YEARS, *COHORTS):
            yield Cell(TableName.L1, setup, cohort)
    yield Cell(TableName.L1, replace(monthly, short_rate=Decimal("0.15")), ALL_YEARS)
    yield Cell(TableName.L1, replace(monthly, contribution=MONTHLY_MONEY), ALL_YEARS)


def _l2() -> Iterator[Cell]:
    for twins in (2, 3):
        for threshold in THRESHOLDS:
            for frequency in Frequency:
                setup = Setup(frequency=frequency, twins=twins, threshold=threshold)
                for cohort in COHORTS:
                    yield Cell(TableName.L2, setup, cohort)


def _rules() -> Iterator[Cell]:
    """The study's method, our own rules, and what going back by a timer would cost."""
    for twins in (2, 3):
        for threshold in THRESHOLDS[:2]:
            for frequency in (Frequency.MONTHLY, Frequency.WEEKLY, Frequency.DAILY):
                method = Setup(frequency=frequency, twins=twins, threshold=threshold)
                ours = replace(method, rules=Rules.OURS)
                for setup in (method, ours, replace(ours, swap_back=SwapBack.TIMER)):
                    for cohort in COHORTS:
                        yield Cell(TableName.RULES, setup, cohort)


def _flows() -> Iterator[Cell]:
    """With new money every month there are recent purchases, which the lump sum of L1 and L2 never has."""
    for twins in (2, 3):
        for threshold in THRESHOLDS[:2]:
            method = Setup(
                frequency=Frequency.MONTHLY,
                twins=twins,
                threshold=threshold,
                contribution=MONTHLY_MONEY,
            )
            for setup in (method, replace(method, rules=Rules.OURS)):
                for cohort in COHORTS:
                    yield Cell(TableName.FLOWS, setup, cohort)


def _window() -> Iterator[Cell]:
    """Under our own rules: the four cohorts of L2, and for what may answer the question a cohort of each year."""
    for twins in (2, 3):
        for threshold in THRESHOLDS[:2]:
            daily = Setup(
                frequency=Frequency.DAILY, twins=twins, threshold=threshold, rules=Rules.OURS
            )
            for setup in _of_a_window(daily):
                starts = STARTS if _is_followed(setup) else ()
                for cohort in dict.fromkeys((*COHORTS, *starts)):  # two of them are both
                    yield Cell(TableName.WINDOW, setup, cohort)


def _of_a_window(daily: Setup) -> Iterator[Setup]:
    """Greedy weekly (without a threshold on every day of the week), greedy daily, and both with the window priced."""
    for weekday in ENDS_OF_WEEK if not daily.threshold else ENDS_OF_WEEK[-1:]:
        yield replace(daily, frequency=Frequency.WEEKLY, weekday=weekday)
    yield replace(daily, frequency=Frequency.WEEKLY, window_fraction=Decimal(1))
    yield daily
    for fraction in FRACTIONS:
        yield replace(daily, window_fraction=fraction)
        if daily.twins > 2:  # with one substitute nothing is ever left, so it is always priced
            yield replace(daily, window_fraction=fraction, always_priced=True)


def _is_followed(setup: Setup) -> bool:
    """Through all starting years."""
    return not setup.always_priced and setup.window_fraction in (ZERO, *FOLLOWED)


_CELLS = {
    TableName.L1: _l1,
    TableName.L2: _l2,
    TableName.RULES: _rules,
    TableName.FLOWS: _flows,
    TableName.WINDOW: _window,
}

# By tickers a stock, then by period: % a year before and after liquidation, harvests, blocked attempts.
EXPECTED_L1: Mapping[int, tuple[tuple[str, str, int, int], ...]] = {
    1: (
        ("0.34", "0.34", 67, 0), ("1.03", "0.96", 60, 0), ("1.17", "1.02", 62, 0),
        ("1.65", "1.21", 127, 0), ("1.21", "1.10", 93, 0),
    ),
    2: (
        ("0.35", "0.34", 59, 16), ("1.06", "0.99", 53, 12), ("1.15", "1.01", 52, 11),
        ("1.63", "1.20", 107, 28), ("1.17", "1.05", 79, 19),
    ),
    3: (
        ("0.34", "0.34", 67, 0), ("1.03", "0.96", 60, 0), ("1.17", "1.02", 62, 0),
        ("1.65", "1.21", 127, 0), ("1.21", "1.10", 93, 0),
    ),
}  # fmt: skip
EXPECTED_ONE_RATE = "0.15"
EXPECTED_CONTRIBUTIONS = "0.36"

# By tickers a stock and threshold, annual to daily: bp a year before liquidation; harvests and blocked attempts a
# cohort where they are given.
Given = tuple[int, tuple[int, int] | None]
EXPECTED_L2: Mapping[tuple[int, Decimal], tuple[Given, ...]] = {
    (2, THRESHOLDS[0]): (
        (58, None), (107, None), (125, (73, 18)), (133, (111, 206)), (128, (130, 1293)),
    ),
    (2, THRESHOLDS[1]): (
        (56, None), (104, None), (120, (48, 8)), (128, (65, 68)), (129, (80, 378)),
    ),
    (2, THRESHOLDS[2]): (
        (53, None), (94, None), (114, (36, 5)), (122, (45, 31)), (124, (52, 178)),
    ),
    (3, THRESHOLDS[0]): (
        (58, None), (107, None), (127, (86, 0)), (142, (153, 82)), (136, (207, 871)),
    ),
    (3, THRESHOLDS[1]): (
        (56, None), (104, None), (120, (53, 0)), (136, (79, 16)), (135, (100, 158)),
    ),
    (3, THRESHOLDS[2]): (
        (53, None), (94, None), (112, (38, 0)), (127, (51, 4)), (130, (60, 41)),
    ),
}  # fmt: skip
