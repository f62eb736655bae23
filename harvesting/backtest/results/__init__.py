"""Results that are shipped with the project: CSV files that ``manage.py backtest harvest`` has written here."""

from functools import cache
from pathlib import Path

from harvesting.backtest.records import Record, read
from harvesting.backtest.tables import TableName
from securities.studies.records import read_about

FOLDER = Path(__file__).parent


def csv_text(table: TableName) -> str:
    """The file as it is."""
    return (FOLDER / f"{table.value}.csv").read_text(encoding="utf-8")


@cache
def shipped() -> tuple[Record, ...]:
    """The records of every table."""
    return tuple(one for table in TableName for one in read(csv_text(table)))


@cache
def about() -> dict[str, dict[str, str | int]]:
    """By table: ``computed_on``, ``version``, ``code`` (a hash of the code and prices), ``runs``."""
    return read_about(FOLDER)
