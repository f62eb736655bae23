"""A seeded breakage of a pure module, and the tests that have to notice it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mutation:
    """``old`` stands exactly once in ``file``; with ``new`` in its place one of ``killers`` has to fail.

    ``killers`` are tests as pytest names them, below tests/lots/: pure ones that need no server.
    """

    name: str
    file: str
    old: str
    new: str
    killers: tuple[str, ...]

    def fault(self, root: Path) -> str | None:
        """Why the mutation cannot be made in the sources below ``root``."""
        found = (root / self.file).read_text(encoding="utf-8").count(self.old)
        if found == 1 and self.new != self.old:
            return None
        return f"{self.name}: its text stands {found} times in {self.file}"

    def apply(self, root: Path) -> None:
        """Break the copy below ``root``."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")
