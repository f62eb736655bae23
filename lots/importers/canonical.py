"""Lotwise's own CSV of transactions; ``docs/import-formats.md`` describes its columns."""

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from accounts.types import MONEY_LIMIT, PRICE_LIMIT, QUANTITY_LIMIT
from lots.booking_rules import (
    FRACTION_PLACES,
    LONGEST_ID,
    LONGEST_MEMO,
    MONEY_PLACES,
    PRICE_PLACES,
    QUANTITY_PLACES,
    with_article,
)
from lots.importers.directory import Directory
from lots.importers.refused_kinds import why_refused
from lots.types import EntryKind, NewTransaction, Pick, Relief
from securities.importers import cells
from securities.importers.cells import CellError, shown
from securities.importers.file_text import decoded
from securities.importers.refusal import Problems
from securities.importers.table import check_header, read_table

COLUMNS = (
    "account", "external_id", "trade_date", "kind", "symbol", "quantity", "price", "amount", "fee",
    "settle_date", "lots", "relief", "block", "to_account", "holding_start", "acquired", "to_symbol",
    "basis_fraction", "market_value", "memo",
)  # fmt: skip
REQUIRED = ("external_id", "trade_date", "kind")
MOST_ROWS = 100_000
MOST_LOTS = 500  # named by one row
_KINDS = {kind.value: kind for kind in EntryKind}
_RELIEFS = {relief.value: relief for relief in Relief}
_PRICED = frozenset({EntryKind.BUY, EntryKind.SELL, EntryKind.REINVEST, EntryKind.VEST})
_WITH_AMOUNT = _PRICED | {
    EntryKind.OPENING, EntryKind.RECEIVE, EntryKind.GIFT, EntryKind.INHERIT, EntryKind.CASH_MERGER,
    EntryKind.RETURN_OF_CAPITAL, EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE,
}  # fmt: skip
_ONE = Decimal(1)
_CENT = Decimal("0.01")
_ZERO = Decimal(0)
T = TypeVar("T")


def read(
    data: bytes, problems: Problems, directory: Directory, as_of: date
) -> list[NewTransaction]:
    """The rows whose cells can be taken; everything else is noted in ``problems``.

    Raises ImportRefused where the file cannot be read at all.
    """
    table = read_table(decoded(name=problems.file, data=data), problems, most_rows=MOST_ROWS)
    required = REQUIRED if directory.account is not None else ("account", *REQUIRED)
    check_header(table.header, problems, accepted=COLUMNS, required=required)
    rows = []
    for row in table.rows:
        cell = dict(zip(table.header.cells, row.cells, strict=True))
        reader = _RowReader(cell, row.line, problems, directory, as_of)
        transaction = reader.transaction()
        if transaction is not None:
            rows.append(transaction)
        if problems.full:
            break
    return rows


class _RowReader:
    """One row: each cell is read even when another one is bad, so that a refusal names them all."""

    def __init__(
        self,
        cell: dict[str, str],
        line: int,
        problems: Problems,
        directory: Directory,
        as_of: date,
    ) -> None:
        self._cell = cell
        self._line = line
        self._problems = problems
        self._directory = directory
        self._as_of = as_of
        self._is_good = True

    def transaction(self) -> NewTransaction | None:
        """The row; None if a cell cannot be taken."""
        kind = self._needed("kind", _kind)
        trade_date = self._needed("trade_date", self._past_day)
        external_id = self._needed("external_id", _identifier)
        account = self._account()
        quantity = self._read("quantity", _quantity)
        price = self._read("price", _price)
        amount = self._amount(kind, quantity, price)
        row = NewTransaction(
            account=account or 0,
            external_id=external_id or "",
            trade_date=trade_date or cells.EARLIEST,
            kind=kind or EntryKind.FEE,
            security=self._read("symbol", self._symbol),
            quantity=quantity or (_ONE if kind is EntryKind.RENAME else _ZERO),
            price=price,
            amount=amount or _ZERO,
            fee=self._read("fee", _money) or _ZERO,
            settle_date=self._read("settle_date", _any_day),
            picks=self._read("lots", _picks) or (),
            block=self._read("block", _identifier) or "",
            to_account=self._read("to_account", self._known_account),
            holding_start=self._read("holding_start", self._past_day),
            acquired=self._read("acquired", self._past_day),
            relief=self._read("relief", _relief),
            to_security=self._read("to_symbol", self._symbol),
            basis_fraction=self._read("basis_fraction", _fraction),
            market_value=self._read("market_value", _money),
            memo=self._read("memo", _memo) or "",
            ordinal=self._line,
        )
        return row if self._is_good else None

    def _read(self, column: str, convert: Callable[[str], T]) -> T | None:
        """The cell's value; None where it is empty or cannot be taken."""
        text = self._cell.get(column, "")
        if not text:
            return None
        try:
            return convert(text)
        except CellError as error:
            self._bad(column, str(error))
            return None

    def _needed(self, column: str, convert: Callable[[str], T]) -> T | None:
        if not self._cell.get(column):
            self._bad(column, "the cell is empty")
        return self._read(column, convert)

    def _bad(self, column: str, reason: str) -> None:
        self._is_good = False
        self._problems.add(reason, line=self._line, column=column)

    def _account(self) -> int | None:
        """The account the row names, else the one the file is imported into."""
        chosen = self._directory.account
        if chosen is None:
            return self._needed("account", self._known_account)
        named = self._read("account", self._known_account)
        if named not in (None, chosen):
            self._bad(
                "account",
                f"the row is for account {shown(self._cell['account'])}, the file is imported into "
                f"account {shown(self._directory.account_number)}",
            )
        return chosen

    def _amount(
        self, kind: EntryKind | None, quantity: Decimal | None, price: Decimal | None
    ) -> Decimal | None:
        """The amount given, else quantity times price to the cent."""
        amount = self._read("amount", _money)
        if self._cell.get("amount") or kind is None or kind not in _WITH_AMOUNT:
            return amount
        if kind not in _PRICED:
            self._bad("amount", f"{with_article(kind)} needs an amount")
        elif self._cell.get("price"):
            if quantity is not None and price is not None:
                return (quantity * price).quantize(_CENT, ROUND_HALF_UP)
        else:
            self._bad("amount", f"{with_article(kind)} needs an amount or a price")
        return None

    def _known_account(self, text: str) -> int:
        account = self._directory.accounts.get(text)
        if account is None:
            raise CellError(f"{shown(text)} is no account of the firm")
        return account

    def _symbol(self, text: str) -> int:
        security = self._directory.symbols.get(text)
        if security is None:
            cells.name(text, longest=LONGEST_ID)
            raise CellError(f"{shown(text)} is no known symbol")
        return security

    def _past_day(self, text: str) -> date:
        return cells.day(text, as_of=self._as_of)


def _kind(text: str) -> EntryKind:
    kind = _KINDS.get(text)
    if kind is None and (reason := why_refused(text)) is not None:
        raise CellError(f"{shown(text)} {reason}")
    if kind is None:
        raise CellError(f"{shown(text)} is no kind; accepted are {', '.join(_KINDS)}")
    return kind


def _relief(text: str) -> Relief:
    relief = _RELIEFS.get(text)
    if relief is None:
        raise CellError(f"{shown(text)} is no relief; accepted are {', '.join(_RELIEFS)}")
    return relief


def _fraction(text: str) -> Decimal:
    return cells.number(text, places=FRACTION_PLACES, below=_ONE)


def _any_day(text: str) -> date:
    return cells.day(text, as_of=None)


def _identifier(text: str) -> str:
    return cells.name(text, longest=LONGEST_ID)


def _quantity(text: str) -> Decimal:
    return cells.number(text, places=QUANTITY_PLACES, below=QUANTITY_LIMIT)


def _price(text: str) -> Decimal:
    return cells.number(text, places=PRICE_PLACES, below=PRICE_LIMIT)


def _money(text: str) -> Decimal:
    return cells.number(text, places=MONEY_PLACES, below=MONEY_LIMIT)


def _memo(text: str) -> str:
    if len(text) > LONGEST_MEMO:
        raise CellError(f"has {len(text)} characters, at most {LONGEST_MEMO} are accepted")
    return text


def _picks(text: str) -> tuple[Pick, ...]:
    """``opening:quantity;opening:quantity``, each opening the external id of the row that opened the lot."""
    parts = text.split(";")
    if len(parts) > MOST_LOTS:
        raise CellError(f"names {len(parts)} lots, at most {MOST_LOTS} are accepted")
    return tuple(_pick(part.strip(" ")) for part in parts)


def _pick(text: str) -> Pick:
    opening, _, quantity = text.rpartition(":")
    if not opening:
        raise CellError(f"{shown(text)} is no lot such as B-17:100 (opening id, colon, shares)")
    return Pick(opening=cells.name(opening, longest=LONGEST_ID), quantity=_quantity(quantity))
