"""One TOML table, asked for key by key: what is wrong is noted with its path, and a placeholder is returned.

The placeholders never leave the reader: a file with any problem is refused as a whole.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from config.setup_file.refusal import Problems
from securities.importers import cells

LONGEST_PROSE = 2_000
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"-?[0-9]{1,20}(?:\.([0-9]{1,40}))?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

W = TypeVar("W", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Written:
    """An unquoted number with a point, as it is written: no binary float ever holds it."""

    text: str


@dataclass(frozen=True, slots=True)
class Range:
    """Which numbers a column takes: least <= value < below (least < value with ``above``)."""

    places: int
    least: Decimal
    below: Decimal
    above: bool = False
    words: str = ""  # the range in words, where the plain ones are not clear

    def said(self) -> str:
        """The range in words."""
        if self.words:
            return f"it must be {self.words}"
        low = f"above {self.least}" if self.above else f"at least {self.least:,f}"
        return f"it must be {low} and below {self.below:,f}"


def path(where: str, key: str) -> str:
    """The path of a key in the table at ``where``; a key that TOML needs quotes for has them."""
    name = key if _BARE_KEY.fullmatch(key) else json.dumps(key)
    return f"{where}.{name}" if where else name


class Table:
    """A table at a path. Every getter marks its key as known; ``close`` refuses the others by name."""

    def __init__(self, values: Mapping[str, object], where: str, problems: Problems) -> None:
        self.where = where
        self._values = values
        self._problems = problems
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """The path of a key."""
        return path(self.where, key)

    def has(self, key: str) -> bool:
        """Whether the key is given; it counts as known."""
        if key not in self._known:
            self._known.append(key)
        return key in self._values

    def refuse(self, key: str, reason: str) -> None:
        """Note a problem at the key."""
        self._problems.add(self.at(key), reason)

    def close(self) -> None:
        """Refuse every key that nobody asked for."""
        for key in self._values:
            if key not in self._known:
                known = ", ".join(self._known)
                self.refuse(key, f"there is no such key; the keys here are {known}")

    def text(self, key: str, *, longest: int) -> str:
        """One line of text, required."""
        value = self._required(key)
        if value is None:
            return ""
        try:
            return _line(value, longest=longest)
        except cells.CellError as error:
            self.refuse(key, str(error))
            return ""

    def text_or_blank(self, key: str, *, longest: int) -> str | None:
        """One line of text, perhaps ``""``; None where it is left out."""
        if not self.has(key):
            return None
        return "" if self._values[key] == "" else self.text(key, longest=longest)

    def prose(self, key: str) -> str:
        """Text of one or more lines, required; blanks around it are dropped."""
        value = self._required(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"{_shown(value)} says nothing: write a sentence in quotes")
            return ""
        if len(value) > LONGEST_PROSE or _UNPRINTABLE.search(value):
            self.refuse(key, f"at most {LONGEST_PROSE:,} characters without control characters")
            return ""
        return value.strip()

    def word(self, key: str, words: Sequence[W]) -> W:
        """One of some words of a closed set, required."""
        return self.known_word(key, words) or words[0]

    def known_word(self, key: str, words: Sequence[W], told: set[str] | None = None) -> W | None:
        """The same; None where it was refused. A wrong word that is in ``told`` is not named again."""
        value = self._required(key)
        for word in words:
            if value == word.value:
                return word
        wrong = _shown(value)
        if value is not None and wrong not in (told or ()):
            self.refuse(key, f"{wrong} is none of {', '.join(words)}")
            if told is not None:
                told.add(wrong)
        return None

    def flag(self, key: str) -> bool | None:
        """true or false; None where it is left out."""
        if not self.has(key):
            return None
        value = self._values[key]
        if isinstance(value, bool):
            return value
        self.refuse(key, f"{_shown(value)} is neither true nor false")
        return None

    def day(self, key: str) -> date:
        """A date, quoted or not, required."""
        value = self._required(key)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = value.isoformat()
        if value is None:
            return cells.EARLIEST
        try:
            if isinstance(value, str):
                return cells.day(value, as_of=None)
            self.refuse(key, f"{_shown(value)} is not a date such as 2024-01-31")
        except cells.CellError as error:
            self.refuse(key, str(error))
        return cells.EARLIEST

    def number(self, key: str, allowed: Range) -> Decimal:
        """A plain number in the range, required: a string, an integer, or an unquoted decimal taken exactly."""
        value = self._required(key)
        if value is None:
            return allowed.least
        try:
            return _number(value, allowed)
        except cells.CellError as error:
            self.refuse(key, str(error))
            return allowed.least

    def names(self, key: str, *, longest: int) -> tuple[str, ...]:
        """A list of different names, required; it may be empty."""
        value = self._required(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.refuse(key, f'{_shown(value)} is no list: write ["...", "..."]')
            return ()
        names: list[str] = []
        for place, item in enumerate(value):
            try:
                name = _line(item, longest=longest)
                if name in names:
                    raise cells.CellError(f"{cells.shown(name)} stands twice")
                names.append(name)
            except cells.CellError as error:
                self._problems.add(f"{self.at(key)}[{place}]", str(error))
        return tuple(names)

    def free_keys(self) -> list[str]:
        """All keys of a table whose keys are free, such as a model's weights."""
        return list(self._values)

    def table(self, key: str) -> "Table | None":
        """The table under a key; None where it is left out."""
        if not self.has(key):
            return None
        value = self._values[key]
        if isinstance(value, dict):
            return Table(value, self.at(key), self._problems)
        self.refuse(key, f"{_shown(value)} is no table: write [{self.at(key)}] or {{...}}")
        return None

    def tables(self, key: str) -> list["Table"]:
        """The list of tables under a key; empty where it is left out."""
        if not self.has(key):
            return []
        value = self._values[key]
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            heading = re.sub(r"\[\d+\]", "", self.at(key))
            self.refuse(key, f"it must be a list of tables: write [[{heading}]] above each")
            return []
        return [
            Table(item, f"{self.at(key)}[{place}]", self._problems)
            for place, item in enumerate(value)
        ]

    def _required(self, key: str) -> object | None:
        if self.has(key):
            return self._values[key]
        self.refuse(key, "it is missing")
        return None


def _line(value: object, *, longest: int) -> str:
    """Raises CellError."""
    if not isinstance(value, str):
        raise cells.CellError(f'{_shown(value)} is no text: write it in quotes, "..."')
    if value != value.strip() or not value:
        raise cells.CellError(f"{cells.shown(value)} is empty, or begins or ends with a blank")
    return cells.name(value, longest=longest)


def _number(value: object, allowed: Range) -> Decimal:
    """Raises CellError."""
    text = _digits(value)
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise cells.CellError(f'{cells.shown(text)} is not a plain number such as "1000" or "0.24"')
    if len(match.group(1) or "") > allowed.places:
        raise cells.CellError(f"{text} has more than {allowed.places} decimals")
    number = Decimal(text)
    if not allowed.least <= number < allowed.below or (allowed.above and number == allowed.least):
        raise cells.CellError(f"{cells.shown(text)} is out of range: {allowed.said()}")
    return number


def _digits(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Written):
        return value.text.replace("_", "").removeprefix("+")
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**20:  # before str(), which refuses or dawdles over thousands of digits
            raise cells.CellError("the number is too large")
        return str(value)
    if isinstance(value, dict):
        raise cells.CellError('a table is no number; a symbol with a dot needs quotes, "BRK.B"')
    raise cells.CellError(f"{_shown(value)} is no number")


def _shown(value: object) -> str:
    """A value as a refusal shows it."""
    if isinstance(value, str):
        return cells.shown(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Written):
        return cells.shown(value.text)
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a huge number"
    return cells.shown(str(value))
