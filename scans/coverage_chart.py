"""The coverage of the last sixty nights as bars: how many enabled accounts were looked at. Pure; places for an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from scans.alarms import COVERAGE_NIGHTS, Effective

WIDTH, HEIGHT = 720, 160
_LEFT, _TOP, _BOTTOM = 40, 10, 30
_GAP = 2  # between two bars


@dataclass(frozen=True, slots=True)
class Bar:
    """One night. Heights and places are pixels of the drawing; counts are enabled accounts."""

    day: date
    x: float
    width: float
    scanned_y: float
    scanned_height: float
    missing_y: float
    missing_height: float
    scanned: int
    skipped: int  # with a reason, empty ones too
    missing: int  # nothing is on record
    label: str  # under the bar; most have none


@dataclass(frozen=True, slots=True)
class Coverage:
    """All nights, oldest first; empty where there was none."""

    bars: tuple[Bar, ...]
    accounts: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    top: int = _TOP
    baseline: int = HEIGHT - _BOTTOM

    @property
    def gaps(self) -> list[Bar]:
        """Nights with at least one account not looked at, the newest first."""
        return [bar for bar in reversed(self.bars) if bar.skipped or bar.missing]


def coverage(due: Sequence[date], rows: Sequence[Effective]) -> Coverage:
    """One bar a night: full where every account that was due was scanned; the rest is a gap, seen as such."""
    width = (WIDTH - _LEFT) / max(len(due), COVERAGE_NIGHTS)
    return Coverage(
        tuple(
            _bar(day, place, width, rows, label=place % 10 == 0) for place, day in enumerate(due)
        ),
        accounts=len(rows),
    )


def _bar(day: date, place: int, width: float, rows: Sequence[Effective], *, label: bool) -> Bar:
    own = [row.account for row in rows if day >= row.account.known_since]
    scanned = sum(day in account.scanned for account in own)
    told = sum(day in account.empty or day in account.skipped for account in own)
    full = HEIGHT - _TOP - _BOTTOM
    # A night without an account counts as complete: there was nothing to look at.
    part = full * scanned / len(own) if own else 0.0
    missing = full * (len(own) - scanned - told) / len(own) if own else 0.0
    return Bar(
        day=day,
        x=round(_LEFT + place * width, 1),
        width=round(max(width - _GAP, 1), 1),
        scanned_y=round(_TOP + full - part, 1),
        scanned_height=round(part, 1),
        missing_y=float(_TOP),
        missing_height=round(missing, 1),
        scanned=scanned,
        skipped=told,
        missing=len(own) - scanned - told,
        label=f"{day:%d %b}" if label else "",
    )
