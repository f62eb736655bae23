"""``[[models.views]]``: what somebody expects of a model's names, for its mean-variance weights."""

from datetime import date
from decimal import Decimal

from config.setup_file.contents import ViewEntry
from config.setup_file.records import Records
from config.setup_file.tables import Range, Table
from rebalancing.model_changes import stated_views
from rebalancing.model_changes.view_words import LARGEST_RETURN, Stated
from rebalancing.models import ReturnView, TargetModel

_LONGEST_SYMBOL = 20
_RETURN = Range(
    places=8,
    least=-LARGEST_RETURN,
    below=LARGEST_RETURN + Decimal("0.00000001"),
    words="from -0.5 to 0.5; 8 percent a year is 0.08",
)
_CONFIDENCE = Range(
    places=8,
    least=Decimal(0),
    below=Decimal("1.00000001"),
    above=True,
    words="above 0 and at most 1; 60 percent is 0.6",
)


def view(table: Table) -> ViewEntry:
    """One of ``[[models.views]]``."""
    entry = ViewEntry(
        where=table.where,
        symbol=table.text("symbol", longest=_LONGEST_SYMBOL),
        over=table.text("over", longest=_LONGEST_SYMBOL) if table.has("over") else None,
        yearly_return=table.number("yearly_return", _RETURN),
        confidence=table.number("confidence", _CONFIDENCE),
        since=table.day("since"),
        until=table.day("until") if table.has("until") else None,
        reason=table.prose("reason"),
        author=table.text("author", longest=150),
    )
    table.close()
    return entry


def apply_views(records: Records, model: TargetModel, entries: tuple[ViewEntry, ...]) -> None:
    """Write a model's views, its weights being there. One that is left out stays in force: give it an ``until``."""
    seen: set[tuple[str, str | None, date]] = set()
    for entry in entries:
        said = (entry.symbol, entry.over, entry.since)
        if said in seen:
            records.problems.add(entry.where, "a view of that from that day stands above already")
            continue
        seen.add(said)
        security = records.security(f"{entry.where}.symbol", entry.symbol)
        over = None
        if entry.over is not None:
            over = records.security(f"{entry.where}.over", entry.over)
        author = records.person(f"{entry.where}.author", entry.author)
        if security is None or author is None or (entry.over is not None and over is None):
            continue
        key = {"model": model, "security": security, "over": over, "since": entry.since}
        # One that was taken back and stated again stands twice: the file speaks of the later.
        known = ReturnView.objects.filter(**key).order_by("-pk").first()
        if known is not None and _is_taken_back(known) and entry.until is None:
            continue  # it stays so
        new = _stated(entry, known)
        others = [
            stated_views.stated(row)
            for row in stated_views.rows_of(model.pk)
            if known is None or row.pk != known.pk
        ]
        found = stated_views.problems(model, new, others=others)
        for field, told in found:
            records.problems.add(f"{entry.where}.{field}" if field else entry.where, told)
        if found:
            continue
        records.put(
            ReturnView,
            "view",
            f"of {model.name} on {' over '.join(filter(None, (entry.symbol, entry.over)))} from {entry.since}",
            key=key if known is None else {"pk": known.pk},
            values={
                "yearly_return": entry.yearly_return,
                "confidence": entry.confidence,
                "until": entry.until,
                "reason": entry.reason,
                "author": author,
            },
        )


def _is_taken_back(row: ReturnView) -> bool:
    """Whether a person ended the view before it was in force for a day."""
    return row.until is not None and row.until < row.since


def _stated(entry: ViewEntry, known: ReturnView | None) -> Stated:
    """The view as it will be: an ``until`` that the file leaves out stays as it is on record."""
    return Stated(
        symbol=entry.symbol,
        over=entry.over,
        yearly_return=entry.yearly_return,
        confidence=entry.confidence,
        since=entry.since,
        until=entry.until or (known.until if known else None),
    )
