"""A set-up file that cannot be taken: every problem found, each with its path in the file."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from accounts.errors import LotwiseError

MOST_PROBLEMS = 50  # a file made for something else would name every one of its lines


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a path such as ``households[2].accounts[0].kind``, tables counted from 0.

    An empty path stands for the file as a whole.
    """

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}" if self.where else self.reason


class SetUpRefused(LotwiseError):
    """Nothing of the file was taken. ``problems`` names what to mend."""

    code = "set_up_refused"
    status = 422

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - 1
        super().__init__(f"{self.problems[0]}" + (f" (and {more} more)" if more else ""))


@dataclass(slots=True)
class Problems:
    """Collects what is wrong, up to ``MOST_PROBLEMS``."""

    found: list[Problem] = field(default_factory=list)

    def add(self, where: str, reason: str) -> None:
        """Note a problem; beyond the limit it is left out."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(Problem(where, reason))

    def raise_if_any(self) -> None:
        """Raises SetUpRefused if anything was noted."""
        if self.found:
            raise SetUpRefused(self.found)
