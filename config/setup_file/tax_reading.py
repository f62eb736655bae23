"""Tax facts and the tax policy, read from their tables: every problem noted with its path."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from config.setup_file.contents import GroupEntry, PairEntry, TaxPolicyEntry
from config.setup_file.tables import Table
from lots.policy_points import POINTS

LONGEST_NAME = 120
LONGEST_SYMBOL = 20
LONGEST_USERNAME = 150


def group(table: Table) -> GroupEntry:
    """An identical group: who belongs now, since when, and who no longer does."""
    entry = GroupEntry(
        where=table.where,
        name=table.text("name", longest=LONGEST_NAME),
        reason=table.prose("reason"),
        author=table.text("author", longest=LONGEST_USERNAME),
        effective_on=table.day("effective_on"),
        symbols=table.names("symbols", longest=LONGEST_SYMBOL),
        since=_days(table, "since"),
        ended=_days(table, "ended"),
    )
    if len(entry.symbols) == 1:
        table.refuse("symbols", "a group has two or more members, or none to dissolve it")
    for symbol in sorted(set(entry.since) - {*entry.symbols, *entry.ended}):
        table.refuse("since", f"{symbol} stands neither in symbols nor in ended")
    for symbol, day in entry.ended.items():
        if symbol in entry.symbols:
            table.refuse("ended", f"{symbol} stands in symbols too: it has ended or it has not")
        if symbol in entry.since and entry.since[symbol] > day:
            table.refuse("ended", f"{symbol} ends before it begins, on {entry.since[symbol]}")
    table.close()
    return entry


def pair(table: Table) -> PairEntry:
    """The firm's own word on one pair."""
    symbols = table.names("symbols", longest=LONGEST_SYMBOL)
    if len(symbols) != 2:
        table.refuse("symbols", "a pair has two symbols")
    identical = table.flag("identical")
    if identical is None:
        table.refuse("identical", "it is missing: true or false")
    entry = PairEntry(
        where=table.where,
        symbols=symbols,
        is_identical=bool(identical),
        reason=table.prose("reason"),
        author=table.text("author", longest=LONGEST_USERNAME),
    )
    table.close()
    return entry


def tax_policy(table: Table | None) -> TaxPolicyEntry | None:
    """Answers to the unsettled points; what is left out stays as it is in force."""
    if table is None:
        return None
    answers: dict[str, StrEnum] = {
        point.field: table.word(point.field, list(type(point.default)))
        for point in POINTS
        if table.has(point.field)
    }
    entry = TaxPolicyEntry(
        where=table.where,
        answers=answers,
        reason=table.prose("reason"),
        author=table.text("author", longest=LONGEST_USERNAME),
    )
    table.close()
    return entry


def _days(table: Table, key: str) -> Mapping[str, date]:
    rows = table.table(key)
    return {} if rows is None else {symbol: rows.day(symbol) for symbol in rows.free_keys()}
