"""A run of the rebalancing backtest as a row of its CSV file, and the cells computed, kept and read back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rebalancing.backtest.market import Market, read_market
from rebalancing.backtest.run import Result, run
from rebalancing.backtest.tables import Cell
from securities.studies import records as studies

_STUDY = ("market", "path", "rules", "optimum", "book", "method", "run")
ROOMS = (  # whose code decides
    "lots/holding_period.py", "rebalancing/optimizer", "rebalancing/policies/policy.py",
    "rebalancing/risk", "rebalancing/trades/horizons.py", *(f"rebalancing/backtest/{name}.py" for name in _STUDY),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """One run. Yearly: tracking error and drag in basis points, turnover in per cent, cost and tax in dollars.

    ``number`` is the points or the relative width as fractions, the ratio cost/lambda, or the price of risk.
    ``drag_bp`` is cost and tax of each year over its mean value.
    """

    table: str
    rule: str
    look: str
    number: str
    to: str
    tracking_error_bp: str
    turnover_percent: str
    trades: str
    cost: str
    tax: str
    drag_bp: str
    value: str
    value_after_tax: str

    @property
    def te(self) -> float:
        return float(self.tracking_error_bp)

    @property
    def turnover(self) -> float:
        return float(self.turnover_percent)

    @property
    def drag(self) -> float:
        return float(self.drag_bp)


def record(cell: Cell, result: Result) -> Record:
    """The row of a run."""
    policy, measured, money = cell.policy, result.measured, result.money
    return Record(
        table=cell.table.value,
        rule=policy.kind.value,
        look=str(policy.every),
        number=str(policy.number),
        to="" if policy.to is None else policy.to.value,
        tracking_error_bp=f"{1e4 * measured.tracking_error:.2f}",
        turnover_percent=f"{100 * measured.turnover:.3f}",
        trades=f"{measured.trades:.2f}",
        cost=f"{money.cost / result.years:.0f}",
        tax=f"{money.tax / result.years:.0f}",
        drag_bp=f"{money.drag_bp:.2f}",
        value=f"{money.value:.0f}",
        value_after_tax=f"{money.after_tax:.0f}",
    )


def write(records: Iterable[Record]) -> str:
    """CSV text."""
    return studies.write(records, Record)


def read(text: str) -> tuple[Record, ...]:
    """The records of a CSV text. Raises ValueError for other columns."""
    return studies.read(text, Record)


def compute(
    cells: Sequence[Cell],
    *,
    prices: Path,
    cache_folder: Path | None = None,
    jobs: int = 1,
    done: Callable[[], object] = lambda: None,
) -> tuple[Record, ...]:
    """Run every cell that the cache does not hold; ``done`` is called after each. The order is that of ``cells``."""
    return studies.compute(
        cells,
        run=_one,
        kind=Record,
        prices=prices,
        rooms=ROOMS,
        cache_folder=cache_folder,
        jobs=jobs,
        done=done,
    )


def _one(cell: Cell, prices: Path) -> Record:
    return record(cell, run(_market(prices), cell.policy))


@cache
def _market(prices: Path) -> Market:
    return read_market(prices)
