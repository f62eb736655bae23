"""Tax rates by year: data with a source, never code (R34). Pure but for reading the tables once.

``rate_tables/<year>.json`` holds what is indexed, ``rate_tables/statute.json`` what is not: the net investment income
tax (IRC 1411) and the limit on capital losses (IRC 1211(b)). Each says where its figures come from and how far they
were checked. Brackets are ``[rate, upto]`` in ascending order: ``upto`` is the inclusive top in dollars of taxable
income, null for the last. A year without a table is refused, never answered from another year.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from accounts.types import FilingStatus
from lots.errors import NoTaxPosition

TABLES = Path(__file__).parent / "rate_tables"
STATUTE = "statute.json"
_YEAR_KEYS = {
    "year", "source", "provenance", "conflicts", "ordinary", "long_term", "standard_deduction",
}  # fmt: skip
_STATUTE_KEYS = {"source", "provenance", "niit_rate", "niit_threshold", "loss_limit"}


class UnknownYear(NoTaxPosition):
    """There are no rates of the year: nothing is computed for it (R34)."""

    code = "unknown_tax_year"

    def __init__(self, year: int, known: tuple[int, ...]) -> None:
        self.year = year
        self.known = known
        super().__init__(
            f"There are no tax rates of {year}; there are those of {', '.join(map(str, known))}. "
            f"Add lots/rate_tables/{year}.json from the revenue procedure of that year, or leave the "
            "income out of the household's tax profile and state its rates."
        )


class BadRateTable(ValueError):
    """A rate table contradicts itself: the file and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """``rate`` is a fraction of a dollar, ``upto`` the inclusive top in taxable income; None = no limit."""

    rate: Decimal
    upto: Decimal | None


@dataclass(frozen=True, slots=True)
class YearRates:
    """Federal rates of one tax year by filing status; dollars and fractions."""

    year: int
    source: str
    provenance: str
    conflicts: tuple[str, ...]
    ordinary: Mapping[FilingStatus, tuple[Bracket, ...]]
    long_term: Mapping[FilingStatus, tuple[Bracket, ...]]
    standard_deduction: Mapping[FilingStatus, Decimal]
    niit_rate: Decimal
    niit_threshold: Mapping[FilingStatus, Decimal]
    loss_limit: Mapping[FilingStatus, Decimal]


@dataclass(frozen=True, slots=True)
class Statute:
    """What no year changes."""

    source: str
    provenance: str
    niit_rate: Decimal
    niit_threshold: Mapping[FilingStatus, Decimal]
    loss_limit: Mapping[FilingStatus, Decimal]


def rates(year: int) -> YearRates:
    """The rates of a tax year. Raises UnknownYear, which names the years there are."""
    try:
        return _tables()[year]
    except KeyError:
        raise UnknownYear(year, known_years()) from None


def known_years() -> tuple[int, ...]:
    """The years there are rates of, ascending."""
    return tuple(sorted(_tables()))


def capital_loss_limit(status: FilingStatus) -> Decimal:
    """Dollars of net capital loss that may reduce ordinary income in a year (R31; IRC 1211(b))."""
    return _statute().loss_limit[status]


@cache
def _tables() -> Mapping[int, YearRates]:
    return load(TABLES)


@cache
def _statute() -> Statute:
    return load_statute(TABLES / STATUTE)


def load(folder: Path) -> dict[int, YearRates]:
    """Year -> rates, of every table in the folder. Raises BadRateTable."""
    statute = load_statute(folder / STATUTE)
    return {
        table.year: table
        for path in sorted(folder.glob("*.json"))
        if path.name != STATUTE
        for table in (_year(path, statute),)
    }


def load_statute(path: Path) -> Statute:
    """Raises BadRateTable."""
    raw = _read(path, _STATUTE_KEYS)
    return Statute(
        source=_text(path, raw, "source"),
        provenance=_text(path, raw, "provenance"),
        niit_rate=_rate(path, "niit_rate", raw["niit_rate"]),
        niit_threshold=_dollars_by_status(path, raw, "niit_threshold"),
        loss_limit=_dollars_by_status(path, raw, "loss_limit"),
    )


def _year(path: Path, statute: Statute) -> YearRates:
    raw = _read(path, _YEAR_KEYS)
    if raw["year"] != int(path.stem):
        _refuse(path, f"year is {raw['year']}")
    return YearRates(
        year=raw["year"],
        source=_text(path, raw, "source"),
        provenance=_text(path, raw, "provenance"),
        conflicts=tuple(raw["conflicts"]),
        ordinary=_brackets_by_status(path, raw, "ordinary"),
        long_term=_brackets_by_status(path, raw, "long_term"),
        standard_deduction=_dollars_by_status(path, raw, "standard_deduction"),
        niit_rate=statute.niit_rate,
        niit_threshold=statute.niit_threshold,
        loss_limit=statute.loss_limit,
    )


def _read(path: Path, keys: set[str]) -> dict[str, Any]:
    def no_float(text: str) -> NoReturn:
        _refuse(path, f"{text} is a binary number: write rates as strings, dollars as integers")

    raw = json.loads(path.read_text(encoding="utf-8"), parse_float=no_float)
    if not isinstance(raw, dict) or set(raw) != keys:
        _refuse(path, f"the keys are not {', '.join(sorted(keys))}")
    return raw


def _text(path: Path, raw: dict[str, Any], key: str) -> str:
    text = raw[key]
    if not isinstance(text, str) or not text.strip():
        _refuse(path, f"{key} is empty: every figure says where it comes from")
    return text


def _by_status(path: Path, raw: dict[str, Any], key: str) -> dict[FilingStatus, Any]:
    table = raw[key]
    if not isinstance(table, dict) or set(table) != {status.value for status in FilingStatus}:
        _refuse(path, f"{key} does not have exactly the filing statuses {', '.join(FilingStatus)}")
    return {status: table[status.value] for status in FilingStatus}


def _dollars_by_status(path: Path, raw: dict[str, Any], key: str) -> Mapping[FilingStatus, Decimal]:
    table = _by_status(path, raw, key)
    return {status: _dollars(path, key, value) for status, value in table.items()}


def _brackets_by_status(
    path: Path, raw: dict[str, Any], key: str
) -> Mapping[FilingStatus, tuple[Bracket, ...]]:
    table = _by_status(path, raw, key)
    return {status: _brackets(path, f"{key} {status}", rows) for status, rows in table.items()}


def _brackets(path: Path, what: str, rows: list[list[Any]]) -> tuple[Bracket, ...]:
    """Rates and tops both ascend, and the last bracket alone is open."""
    if not rows or rows[-1][1] is not None:
        _refuse(path, f"{what}: the last bracket has no open end")
    closed = [_dollars(path, what, upto) for _, upto in rows[:-1]]
    steps = [_rate(path, what, rate) for rate, _ in rows]
    if sorted(set(closed)) != closed or sorted(set(steps)) != steps:
        _refuse(path, f"{what}: rates and tops of the brackets do not ascend")
    return tuple(
        Bracket(rate=rate, upto=upto) for rate, upto in zip(steps, [*closed, None], strict=True)
    )


def _rate(path: Path, what: str, text: Any) -> Decimal:
    try:
        rate = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        rate = None
    if rate is None or not rate.is_finite() or not 0 <= rate < 1:
        _refuse(path, f'{what}: {text!r} is no rate such as "0.24"')
    return rate


def _dollars(path: Path, what: str, number: Any) -> Decimal:
    if type(number) is not int or number <= 0:  # True is an int too
        _refuse(path, f"{what}: {number!r} is no whole number of dollars above 0")
    return Decimal(number)


def _refuse(path: Path, problem: str) -> NoReturn:
    raise BadRateTable(f"{path.name}: {problem}.")
