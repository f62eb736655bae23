"""The price file of the backtest, read once, and what an oracle needs to be asked for a cell."""

from functools import cache
from pathlib import Path

from django.conf import settings

from harvesting.backtest.market import History, read_history
from harvesting.backtest.tables import Cell
from tests.harvesting.backtest import oracle

PRICES = Path(settings.BASE_DIR) / "config" / "demo" / "data" / "sp500_20_stocks.csv.gz"


@cache
def history() -> History:
    return read_history(PRICES)


def method_of(cell: Cell) -> oracle.Method:
    """The oracle's words for a cell of L1 or L2."""
    setup = cell.setup
    return oracle.Method(
        frequency=setup.frequency.value,
        twins=setup.twins,
        threshold=float(setup.threshold),
        wash_rule=setup.wash_rule,
        short_rate=float(setup.short_rate),
        long_rate=float(setup.long_rate),
        contribution=float(setup.contribution),
    )
