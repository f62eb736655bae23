"""A supplied risk model from CSV: ``figure,of,factor,value``, one figure a row, exact and annual.

``loading,AAPL,Market,1.08`` · ``covariance,Market,Value,-0.0021`` · ``specific_variance,AAPL,,0.046``. Nothing is
assumed: a security that is named has a loading on every factor, 0 included, and every pair of factors a covariance.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations_with_replacement

from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

COLUMNS = ("figure", "of", "factor", "value")
LONGEST_FACTOR = 60
PLACES = 8
_BELOW = Decimal(1_000)
_FACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9 &./_-]*")

Pair = tuple[str, str]  # factors in the order of the alphabet


@dataclass(frozen=True, slots=True)
class SuppliedFigures:
    """The figures of a file; securities by primary key."""

    factors: tuple[str, ...]  # in the order of the alphabet
    loadings: Mapping[tuple[int, str], Decimal]
    covariances: Mapping[Pair, Decimal]
    specific_variances: Mapping[int, Decimal]


def read_figures(text: str, *, name: str, securities: Mapping[str, int]) -> SuppliedFigures:
    """The whole of a file. ``securities`` gives the primary key of each known symbol.

    Raises ImportRefused with every problem found: unknown symbols, a figure given twice or left out, a number that is
    none.
    """
    problems = Problems(name)
    table = read_table(text, problems)
    check_header(table.header, problems, accepted=COLUMNS, required=COLUMNS)
    reader = _Reader(securities, problems)
    for row in table.rows:
        reader.take(dict(zip(table.header.cells, row.cells, strict=True)), row)
    problems.raise_if_any()
    return reader.finished()


class _Reader:
    def __init__(self, securities: Mapping[str, int], problems: Problems) -> None:
        self._securities = securities
        self._problems = problems
        self._lines: dict[tuple[str, ...], int] = {}  # what was given, and where
        self._loadings: dict[tuple[str, str], Decimal] = {}
        self._covariances: dict[Pair, Decimal] = {}
        self._specific: dict[str, Decimal] = {}

    def take(self, given: Mapping[str, str], row: Row) -> None:
        """One row; what is wrong with it is noted."""
        before = len(self._problems.found)
        figure, of, factor = given["figure"], given["of"], given["factor"]
        if figure not in ("loading", "covariance", "specific_variance"):
            self._add(
                row,
                "figure",
                f"{cells.shown(figure)} is none of loading, covariance, specific_variance",
            )
            return
        if figure == "covariance":
            self._factor(of, "of", row)
            of, factor = min(of, factor), max(of, factor)
        elif of not in self._securities:
            self._add(row, "of", f"{cells.shown(of)} is no known symbol")
        if figure != "specific_variance":
            self._factor(given["factor"], "factor", row)
        elif factor:
            self._add(
                row, "factor", "a specific variance belongs to no factor: leave the cell empty"
            )
        value = self._value(given["value"], row, signed=figure != "specific_variance")
        first = self._lines.setdefault((figure, of, factor), row.line)
        if first != row.line:
            self._problems.add(f"the figure stands on line {first} already", line=row.line)
        if len(self._problems.found) > before or value is None:
            return
        if figure == "loading":
            self._loadings[of, factor] = value
        elif figure == "covariance":
            self._covariances[of, factor] = value
        else:
            self._specific[of] = value

    def finished(self) -> SuppliedFigures:
        """Raises ImportRefused for what is left out."""
        named = {factor for pair in self._covariances for factor in pair}
        factors = sorted(named | {factor for _, factor in self._loadings})
        symbols = sorted({symbol for symbol, _ in self._loadings} | self._specific.keys())
        if not factors or not symbols:
            self._problems.add("the file names no factor or no security")
        for pair in combinations_with_replacement(factors, 2):
            if pair not in self._covariances:
                self._problems.add(f"the covariance of {pair[0]} and {pair[1]} is missing")
        for symbol in symbols:
            if symbol not in self._specific:
                self._problems.add(f"the specific variance of {symbol} is missing")
            for factor in factors:
                if (symbol, factor) not in self._loadings:
                    self._problems.add(
                        f"the loading of {symbol} on {factor} is missing: give 0 where there is none"
                    )
        self._problems.raise_if_any()
        key = self._securities
        return SuppliedFigures(
            factors=tuple(factors),
            loadings={(key[symbol], factor): v for (symbol, factor), v in self._loadings.items()},
            covariances=self._covariances,
            specific_variances={key[symbol]: value for symbol, value in self._specific.items()},
        )

    def _factor(self, text: str, column: str, row: Row) -> None:
        if len(text) > LONGEST_FACTOR or not _FACTOR.fullmatch(text):
            self._add(
                row,
                column,
                f"{cells.shown(text)} is no name of a factor: letters, digits, blanks and & . / _ -, at most "
                f"{LONGEST_FACTOR}",
            )

    def _value(self, text: str, row: Row, *, signed: bool) -> Decimal | None:
        minus = signed and text.startswith("-")
        try:
            value = cells.number(text[1:] if minus else text, places=PLACES, below=_BELOW)
        except cells.CellError as error:
            self._add(row, "value", str(error))
            return None
        return -value if minus else value

    def _add(self, row: Row, column: str, reason: str) -> None:
        self._problems.add(reason, line=row.line, column=column)
