"""Transactions that a client system posts: names become the firm's own rows, then they are booked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from accounts.access import Action, require
from accounts.errors import LotwiseError, NotAllowed
from accounts.models import Firm, User
from accounts.selectors import business_date
from lots import selectors, services
from lots.booking import BookingError
from lots.selectors import NamedChanges
from lots.types import Booked, EntryKind, NewTransaction, Pick
from securities.selectors import public_ids

Row = Mapping[str, Any]  # checked by ``lots.serializers.TransactionInput``
_CENT = Decimal("0.01")
_ZERO, _ONE = Decimal(0), Decimal(1)


class PostingError(LotwiseError):
    """A row names what the firm does not have, or names it twice. Nothing was booked."""

    code = "invalid"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The request is not valid.")


class PostingRefused(LotwiseError):
    """The ledger refuses a row. Nothing was booked."""

    code = BookingError.code
    status = BookingError.status

    def __init__(self, refusal: BookingError) -> None:
        self.problems = tuple(
            f"{_place(problem.row, problem.column)}: {problem.reason}"
            for problem in refusal.problems
        )
        super().__init__("Nothing was booked: the ledger cannot take these transactions.")


@dataclass(frozen=True, slots=True)
class _Names:
    """What names mean for one firm. Another firm's name means as little as a random one (A1)."""

    accounts: Mapping[str, int]  # by number and by public id
    symbols: Mapping[str, int]
    securities: Mapping[str, int]  # by public id


def post(*, user: User, rows: Sequence[Row]) -> Booked:
    """Book rows in their order, all or none.

    Raises NotAllowed, PostingError for an unknown name, PostingRefused where the ledger says no.
    """
    firm, new = _checked(user, rows)
    try:
        return services.book(firm=firm, rows=new, actor=user.username)
    except BookingError as refusal:
        raise PostingRefused(refusal) from refusal


def preview(*, user: User, rows: Sequence[Row]) -> tuple[Booked, NamedChanges]:
    """What ``post`` would do, and whose figures would become others; nothing is written. Raises what it raises."""
    firm, new = _checked(user, rows)
    try:
        booked, changes = services.preview(
            households=selectors.households_of(row.account for row in new),
            as_of=business_date(firm),
            change=lambda: services.book(firm=firm, rows=new, actor=user.username),
        )
    except BookingError as refusal:
        raise PostingRefused(refusal) from refusal
    return booked, selectors.named_changes(changes)


def _checked(user: User, rows: Sequence[Row]) -> tuple[Firm, list[NewTransaction]]:
    """The rows as they are to be booked. Raises NotAllowed, PostingError."""
    require(user, Action.IMPORT)
    if user.firm is None:
        raise NotAllowed("You belong to no firm.")
    directory = selectors.directory(user.firm.pk)
    names = _Names(directory.accounts, directory.symbols, public_ids(user.firm.pk))
    problems = [
        f"{_place(ordinal, column)}: {reason}"
        for ordinal, row in enumerate(rows, start=1)
        for column, reason in _unknown(row, names)
    ]
    if problems:
        raise PostingError(problems)
    new = [_new(row, names, ordinal) for ordinal, row in enumerate(rows, start=1)]
    _refuse_twins(new)
    return user.firm, new


def _place(ordinal: int, column: str) -> str:
    """As in the request: rows count from 0; 0 stands for the booking as a whole."""
    return f"transactions[{ordinal - 1}].{column}" if ordinal else "transactions"


def _unknown(row: Row, names: _Names) -> list[tuple[str, str]]:
    known = {
        "account": names.accounts,
        "to_account": names.accounts,
        "symbol": names.symbols,
        "security": names.securities,
        "to_symbol": names.symbols,
        "to_security": names.securities,
    }
    problems = [
        (column, "is unknown in your firm.")
        for column, known_names in known.items()
        if column in row and row[column] not in known_names
    ]
    for symbol, security in (("symbol", "security"), ("to_symbol", "to_security")):
        if symbol in row and security in row:
            problems.append((security, "stands beside a symbol: name the security once."))
    return problems


def _new(row: Row, names: _Names, ordinal: int) -> NewTransaction:
    plain = (
        "settle_date", "price", "block", "holding_start", "acquired", "relief", "basis_fraction",
        "market_value", "memo",
    )  # fmt: skip
    default_quantity = _ONE if row["kind"] is EntryKind.RENAME else _ZERO
    return NewTransaction(
        account=names.accounts[row["account"]],
        external_id=row["external_id"],
        trade_date=row["trade_date"],
        kind=row["kind"],
        security=_security(row, names, "symbol", "security"),
        to_security=_security(row, names, "to_symbol", "to_security"),
        quantity=row.get("quantity", default_quantity),
        amount=_amount(row),
        fee=row.get("fee", _ZERO),
        picks=tuple(Pick(**pick) for pick in row.get("lots", ())),
        to_account=names.accounts[row["to_account"]] if "to_account" in row else None,
        ordinal=ordinal,
        **{column: row[column] for column in plain if column in row},
    )


def _security(row: Row, names: _Names, symbol: str, security: str) -> int | None:
    if security in row:
        return names.securities[row[security]]
    return names.symbols.get(row.get(symbol, ""))


def _amount(row: Row) -> Decimal:
    """The amount given, else quantity times price to the cent."""
    if "amount" in row or "price" not in row or "quantity" not in row:
        return Decimal(row.get("amount", _ZERO))
    return Decimal((row["quantity"] * row["price"]).quantize(_CENT, ROUND_HALF_UP))


def _refuse_twins(rows: Sequence[NewTransaction]) -> None:
    """Raises PostingError where two rows of one request claim the same (account, external id)."""
    first: dict[tuple[int, str], int] = {}
    problems = [
        f"{_place(row.ordinal, 'external_id')}: is the id of transactions[{before - 1}] already."
        for row in rows
        if (before := first.setdefault((row.account, row.external_id), row.ordinal)) != row.ordinal
    ]
    if problems:
        raise PostingError(problems)
