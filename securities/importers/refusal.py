"""A refused file: every problem found, each with the place where it stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from accounts.errors import LotwiseError

MOST_PROBLEMS = 50  # a file in the wrong format would name every one of its rows


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file cannot be taken. Line 0 stands for the file as a whole; ``column`` may be empty."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = [self.file]
        if self.line:
            place.append(f"line {self.line}")
        if self.column:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.reason}"


class ImportRefused(LotwiseError):
    """Nothing of the file was booked. ``problems`` names what to mend, in the order of the lines."""

    code = "import_refused"
    status = 422

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - 1
        others = f" (and {more} more)" if more else ""
        super().__init__(f"{self.problems[0]}{others}")


@dataclass(slots=True)
class Problems:
    """Collects what is wrong with one file, up to ``MOST_PROBLEMS``."""

    file: str
    found: list[Problem] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.found) >= MOST_PROBLEMS

    def add(self, reason: str, *, line: int = 0, column: str = "") -> None:
        """Note a problem; beyond the limit it is left out."""
        if not self.full:
            self.found.append(Problem(self.file, line, column, reason))

    def refuse(self, reason: str, *, line: int = 0, column: str = "") -> ImportRefused:
        """Note a problem after which the file cannot be read on; to be raised."""
        self.add(reason, line=line, column=column)
        return self.refusal()

    def refusal(self) -> ImportRefused:
        return ImportRefused(sorted(self.found, key=lambda problem: problem.line))

    def raise_if_any(self) -> None:
        """Raises ImportRefused if anything was noted."""
        if self.found:
            raise self.refusal()
