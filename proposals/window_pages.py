"""What the windows pages show, gathered from selectors: rows of one way, the timeline, and the same as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.http import QueryDict

from accounts.models import Household
from lots.csv_text import csv_safe
from lots.rounding import plain
from proposals import selectors
from proposals.selectors import WindowFilter
from proposals.window_table import GroupRow, Side, Way

COLUMNS = (
    "household", "security", "identical_to", "held", "way", "shares", "loss_at_risk", "deferred",
    "lost_for_ever", "outcome", "coverage_incomplete", "identity_not_reviewed", "clear_on",
    "days_until_clear", "clear_to_sell_at_a_loss_on", "clear_to_buy_on", "if_approved_clear_on",
    "ira_involved", "reinvestment_involved", "causes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WindowLine:
    """One row of the table: a group, and the way it is looked at."""

    household: Household
    row: GroupRow
    way: Way
    side: Side


def way_of(query: QueryDict) -> Way:
    """Selling, unless buying is asked for."""
    return Way.BUY if query.get("way") == Way.BUY else Way.SELL


def without_way(query: QueryDict) -> str:
    """What to put before ``way=`` in a link that keeps the filters."""
    kept = query.copy()
    for key in ("way", "page"):
        kept.pop(key, None)
    return f"{kept.urlencode()}&" if kept else ""


def filter_of(query: QueryDict) -> WindowFilter:
    """The filters of the firm's page; anything that is not understood is left out."""
    return WindowFilter(
        ira=query.get("ira") == "1",
        drip=query.get("drip") == "1",
        incomplete=query.get("incomplete") == "1",
        search=query.get("q", "").strip()[:120],
    )


def lines(
    households: Sequence[Household], as_of: date, way: Way, wanted: WindowFilter
) -> list[WindowLine]:
    """The rows of households of one firm, in their order."""
    if not households:
        return []
    found = selectors.window_rows_of(
        households[0].firm_id, [household.pk for household in households], as_of
    )
    return [
        line
        for household in households
        for line in lines_of(household, found[household.pk], way)
        if _is_wanted(line, wanted)
    ]


def lines_of(household: Household, rows: Iterable[GroupRow], way: Way) -> list[WindowLine]:
    """The rows that one way has something to say about, the soonest clear first."""
    found = [WindowLine(household, row, way, side) for row in rows if (side := row.side(way))]
    return sorted(found, key=lambda line: (line.side.clear_on or date.max, line.row.symbol))


def _is_wanted(line: WindowLine, wanted: WindowFilter) -> bool:
    return (
        (line.side.involves_ira or not wanted.ira)
        and (line.side.involves_drip or not wanted.drip)
        and (line.row.incomplete or not wanted.incomplete)
    )


def csv_text(found: Iterable[WindowLine]) -> str:
    """The lines as a file for a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(line) for line in found)
    return text.getvalue()


def _cells(line: WindowLine) -> Iterator[str]:
    row, side = line.row, line.side
    yield csv_safe(line.household.name)
    yield csv_safe(row.symbol)
    yield csv_safe(" ".join(row.others))
    yield _plain(row.held)
    yield line.way
    yield _plain(side.shares)
    yield f"{side.at_risk:.2f}"
    yield f"{row.lost.deferred:.2f}"
    yield f"{row.lost.permanent:.2f}"
    yield side.grade
    yield _yes(is_so=row.incomplete)
    yield _yes(is_so=row.unreviewed)
    yield _day(side)
    yield str(side.days)
    yield _day(row.sell)
    yield _day(row.buy)
    yield str(side.if_approved or "")
    yield _yes(is_so=side.involves_ira)
    yield _yes(is_so=side.involves_drip)
    yield csv_safe("; ".join(f"{cause.origin}: {cause.text}" for cause in side.causes))


def _day(side: Side | None) -> str:
    """Empty where it is clear now, or where no clear day can be seen."""
    return "" if side is None or side.clear_on is None or side.is_endless else str(side.clear_on)


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"


def _plain(quantity: Decimal) -> str:
    return plain(Fraction(quantity))
