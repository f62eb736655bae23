"""Fills reported by the custodian, as CSV: what each row says, before anybody asks whether it fits an order.

Columns: ``order_id, external_id, trade_date, quantity, price, fee``; ``fee`` may be left out. ``order_id`` is the one
of the order file, ``external_id`` the custodian's own id of the execution. A row without ``order_id`` is the fill of a
block: it names ``symbol`` and ``side`` instead, and may name ``batch_id``, ``custodian`` and ``seed``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from accounts.types import MONEY_LIMIT, PRICE_LIMIT, QUANTITY_LIMIT
from proposals.types import Side
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

OF_BLOCKS = ("symbol", "side", "batch_id", "custodian", "seed")
COLUMNS = ("order_id", "external_id", "trade_date", "quantity", "price", "fee", *OF_BLOCKS)
REQUIRED = COLUMNS[1:5]
LONGEST_ID = 100
LONGEST_BLOCK_ID = 90  # leaves room to tell two orders of one account apart
LONGEST_NAME = 60
BATCH_LIMIT, SEED_LIMIT = Decimal(2**31), Decimal(2**63)
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class FillRow:
    """One execution of one order; ``quantity`` and ``price`` are above zero."""

    line: int
    order: UUID
    external_id: str
    trade_date: date
    quantity: Decimal
    price: Decimal
    fee: Decimal
    block: str = ""  # external id of the block that it is a share of

    @property
    def key(self) -> tuple[UUID, str]:
        """A line may tell of many orders: this is one in a file."""
        return self.order, self.external_id


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One execution for all open orders of a security and side; ``price`` is that of each of them."""

    line: int
    external_id: str
    trade_date: date
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    batch: int | None = None  # number of the order file; None = the only one that can be meant
    custodian: str = ""  # as accounts name it; empty = the only one that can be meant
    seed: int | None = None  # None = to be drawn


@dataclass(frozen=True, slots=True)
class FillsFile:
    """What a file tells: of orders, and of blocks, each in its order."""

    fills: tuple[FillRow, ...]
    blocks: tuple[BlockRow, ...]


def read_fills(text: str, *, name: str, as_of: date) -> FillsFile:
    """The fills of a file. Raises ImportRefused with every problem found."""
    problems = Problems(name)
    table = read_table(text, problems, most_rows=MOST_ROWS)
    needed = () if {"symbol", "side"} <= set(table.header.cells) else ("order_id",)
    check_header(table.header, problems, accepted=COLUMNS, required=(*needed, *REQUIRED))
    rows: list[FillRow | BlockRow] = []
    for row in table.rows:
        fill = _fill(row, table.header.cells, problems, as_of)
        if fill is not None:
            rows.append(fill)
    _check_told_once(rows, problems)
    problems.raise_if_any()
    return FillsFile(
        tuple(row for row in rows if isinstance(row, FillRow)),
        tuple(row for row in rows if isinstance(row, BlockRow)),
    )


def _check_told_once(rows: Sequence[FillRow | BlockRow], problems: Problems) -> None:
    """An order has one fill of an id, and a block's id is nobody else's."""
    first_lines: dict[tuple[UUID, str], int] = {}
    of_orders: dict[str, int] = {}
    of_blocks: dict[str, int] = {}
    for row in rows:
        if isinstance(row, BlockRow):
            told = of_orders.get(row.external_id)
            first = of_blocks.setdefault(row.external_id, told or row.line)
        else:
            told = of_blocks.get(row.external_id)
            first = told or first_lines.setdefault(row.key, row.line)
            of_orders.setdefault(row.external_id, row.line)
        if first != row.line:
            problems.add(
                f"the fill stands on line {first} already", line=row.line, column="external_id"
            )


def _fill(
    row: Row, header: Sequence[str], problems: Problems, as_of: date
) -> FillRow | BlockRow | None:
    """One row; None where a cell of it cannot be taken, which ``problems`` then says."""
    text = dict(zip(header, row.cells, strict=True))
    before = len(problems.found)
    reader = _Cells(text, row.line, problems)
    is_block = not text.get("order_id") and any(text.get(column) for column in OF_BLOCKS)
    order = None if is_block else reader.uuid("order_id")
    external_id = reader.name("external_id", LONGEST_BLOCK_ID if is_block else LONGEST_ID)
    trade_date = reader.day("trade_date", as_of)
    quantity = reader.number("quantity", places=8, below=QUANTITY_LIMIT)
    price = reader.number("price", places=6, below=PRICE_LIMIT)
    fee = reader.number("fee", places=4, below=MONEY_LIMIT) if text.get("fee") else Decimal(0)
    for column, value in (("quantity", quantity), ("price", price)):
        if value is not None and value <= 0:
            problems.add("must be above zero", line=row.line, column=column)
    block = _Block.read(reader) if is_block else None
    if not is_block:
        reader.leave_empty(OF_BLOCKS, "the order says it already: leave it empty")
    if len(problems.found) > before or problems.full:
        return None
    assert external_id is not None
    assert trade_date is not None
    assert quantity is not None
    assert price is not None
    assert fee is not None
    if block is None:
        assert order is not None
        return FillRow(row.line, order, external_id, trade_date, quantity, price, fee)
    assert block.symbol is not None
    assert block.side is not None
    return BlockRow(
        line=row.line,
        external_id=external_id,
        trade_date=trade_date,
        symbol=block.symbol,
        side=block.side,
        quantity=quantity,
        price=price,
        fee=fee,
        batch=None if block.batch is None else int(block.batch),
        custodian=block.custodian or "",
        seed=None if block.seed is None else int(block.seed),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """The cells by which a row without an order names its orders; None where one is empty or cannot be taken."""

    symbol: str | None
    side: Side | None
    batch: Decimal | None
    custodian: str | None
    seed: Decimal | None

    @classmethod
    def read(cls, reader: "_Cells") -> "_Block":
        said = {column for column in OF_BLOCKS if reader.text.get(column)}
        return cls(
            symbol=reader.name("symbol", LONGEST_NAME),
            side=reader.side("side"),
            batch=reader.number("batch_id", places=0, below=BATCH_LIMIT)
            if "batch_id" in said
            else None,
            custodian=reader.name("custodian", LONGEST_NAME) if "custodian" in said else None,
            seed=reader.number("seed", places=0, below=SEED_LIMIT) if "seed" in said else None,
        )


@dataclass(frozen=True, slots=True)
class _Cells:
    """Reads the cells of one row by name, noting what cannot be taken."""

    text: dict[str, str]
    line: int
    problems: Problems

    def uuid(self, column: str) -> UUID | None:
        text = self.text.get(column, "")
        try:
            return UUID(text)
        except ValueError:
            self._refuse(column, f"{cells.shown(text)} is no order id")
            return None

    def side(self, column: str) -> Side | None:
        text = self.text.get(column, "")
        try:
            return Side(text)
        except ValueError:
            self._refuse(column, f"{cells.shown(text)} is no side: buy or sell")
            return None

    def leave_empty(self, columns: Sequence[str], reason: str) -> None:
        for column in columns:
            if self.text.get(column):
                self._refuse(column, reason)

    def name(self, column: str, longest: int) -> str | None:
        text = self.text.get(column, "")
        if not text:
            what = "an id" if column.endswith("id") else f"the {column}"
            self._refuse(column, f"{what} is missing")
            return None
        try:
            return cells.name(text, longest=longest)
        except cells.CellError as error:
            self._refuse(column, str(error))
            return None

    def day(self, column: str, as_of: date) -> date | None:
        try:
            return cells.day(self.text[column], as_of=as_of)
        except cells.CellError as error:
            self._refuse(column, str(error))
            return None

    def number(self, column: str, *, places: int, below: Decimal) -> Decimal | None:
        try:
            return cells.number(self.text[column], places=places, below=below)
        except cells.CellError as error:
            self._refuse(column, str(error))
            return None

    def _refuse(self, column: str, reason: str) -> None:
        self.problems.add(reason, line=self.line, column=column)
