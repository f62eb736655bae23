"""Figures beside their anchors: a table on the screen, one JSON line each in build/bench.jsonl."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

REPORT = Path(__file__).resolve().parent.parent / "build" / "bench.jsonl"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and what it is held against, in one unit; ``ratio`` is value / anchor."""

    name: str
    value: float
    unit: str
    anchor: float
    anchor_name: str

    @property
    def ratio(self) -> float:
        return self.value / self.anchor


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    width = max(len(figure.name) for figure in figures)
    sys.stdout.write(f"\n{'':<{width}}  {'value':>10} {'anchor':>10} {'ratio':>7}  unit, anchor\n")
    for figure in figures:
        sys.stdout.write(
            f"{figure.name:<{width}}  {figure.value:>10.2f} {figure.anchor:>10.2f} "
            f"{figure.ratio:>7.2f}  {figure.unit}, {figure.anchor_name}\n"
        )


def append(figures: Sequence[Figure]) -> None:
    """Add one line a figure to build/bench.jsonl."""
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.open("a", encoding="utf-8") as file:
        for figure in figures:
            file.write(json.dumps({**asdict(figure), "ratio": round(figure.ratio, 4)}) + "\n")
