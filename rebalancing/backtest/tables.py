"""Which runs make which table, and the figures that the method was specified with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rebalancing.backtest.method import Kind, Policy
from rebalancing.policies.policy import Destination

WIDTHS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.8)
BAND_LOOKS = (1, 5, 21)
RATIOS = (0.001, 0.003)  # cost / lambda
# By days between looks; daily looks take longest.
FIXED_PRICES = {5: (2.0, 6.0, 20.0), 1: (2.0, 6.0)}
BY_NAME_PRICES = {5: (0.3, 1.0, 3.0), 1: (0.3, 1.0, 3.0)}
BY_LOT_PRICES = {5: (3.0, 10.0, 30.0, 100.0), 1: (100.0,)}
TAXED_PRICES = {5: (1.0, 3.0, 10.0, 30.0)}


class TableName(StrEnum):
    """What the command can be asked for."""

    L3 = "L3"
    BANDS = "bands"
    OPTIMA = "optima"
    LOTS = "lots"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a table."""

    table: TableName
    policy: Policy


def cells(table: TableName) -> Iterator[Cell]:
    """Every run of a table, in its order."""
    return (Cell(table, policy) for policy in _POLICIES[table]())


def with_needed(table: TableName) -> tuple[TableName, ...]:
    """A table and those without which it cannot be told: an optimum is set beside the best band."""
    return (TableName.BANDS, table) if table in (TableName.OPTIMA, TableName.LOTS) else (table,)


def _l3() -> Iterator[Policy]:
    yield from EXPECTED
    for ratio in RATIOS:
        yield Policy(Kind.STUDY, 5, ratio)


def _bands() -> Iterator[Policy]:
    for every in BAND_LOOKS:
        for to in Destination:
            for width in WIDTHS:
                yield Policy(Kind.BAND, every, width, to)


def _optima() -> Iterator[Policy]:
    """Without tax in the objective."""
    yield from _priced(Kind.FIXED, FIXED_PRICES)
    yield from _priced(Kind.BY_NAME, BY_NAME_PRICES)


def _lots() -> Iterator[Policy]:
    """With it."""
    yield from _priced(Kind.TAXED, TAXED_PRICES)
    yield from _priced(Kind.BY_LOT, BY_LOT_PRICES)


def _priced(kind: Kind, prices: Mapping[int, tuple[float, ...]]) -> Iterator[Policy]:
    for every, several in prices.items():
        for price in several:
            yield Policy(kind, every, price)


_POLICIES = {
    TableName.L3: _l3,
    TableName.BANDS: _bands,
    TableName.OPTIMA: _optima,
    TableName.LOTS: _lots,
}


@dataclass(frozen=True, slots=True)
class Expected:
    """As printed: basis points, per cent a year, trades a year."""

    tracking_error: str
    turnover: str
    trades: str


def _band(every: int, width: float, to: Destination) -> Policy:
    return Policy(Kind.BAND, every, width, to)


_TARGET, _HALF, _EDGE = Destination.TARGET, Destination.HALF, Destination.EDGE

EXPECTED: Mapping[Policy, Expected] = {
    Policy(Kind.NEVER): Expected("1034", "0", "0"),
    Policy(Kind.CALENDAR, 1): Expected("0", "149.6", "4968"),
    Policy(Kind.CALENDAR, 5): Expected("47", "68.0", "1003"),
    Policy(Kind.CALENDAR, 21): Expected("92", "33.4", "239"),
    Policy(Kind.CALENDAR, 63): Expected("159", "20.4", "80"),
    Policy(Kind.CALENDAR, 126): Expected("210", "14.1", "40"),
    Policy(Kind.CALENDAR, 252): Expected("268", "10.2", "20"),
    Policy(Kind.POINTS, 1, 0.01): Expected("51", "38.1", "270"),
    Policy(Kind.POINTS, 1, 0.02): Expected("104", "19.9", "77"),
    Policy(Kind.POINTS, 1, 0.05): Expected("285", "8.2", "14"),
    _band(10, 0.1, _TARGET): Expected("71", "28.2", "263"),
    _band(10, 0.1, _HALF): Expected("77", "21.1", "277"),
    _band(10, 0.1, _EDGE): Expected("92", "16.5", "310"),
    _band(10, 0.2, _TARGET): Expected("90", "18.2", "146"),
    _band(10, 0.2, _HALF): Expected("104", "14.0", "163"),
    _band(10, 0.2, _EDGE): Expected("134", "10.8", "243"),
    _band(10, 0.3, _TARGET): Expected("119", "13.9", "85"),
    _band(10, 0.3, _HALF): Expected("138", "10.7", "105"),
    _band(10, 0.3, _EDGE): Expected("176", "8.2", "204"),
    _band(5, 0.2, _HALF): Expected("93", "15.0", "216"),
    _band(1, 0.2, _HALF): Expected("74", "16.7", "305"),
    _band(1, 0.1, _EDGE): Expected("53", "22.2", "1617"),
    Policy(Kind.PUBLISHED, 5, 0.001): Expected("74", "22.3", "232"),
    Policy(Kind.PUBLISHED, 5, 0.003): Expected("136", "12.5", "122"),
}
