"""What a transaction that is to be booked must look like on its own, before the ledger is asked."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from accounts.types import MONEY_LIMIT, PRICE_LIMIT, QUANTITY_LIMIT
from lots.types import EntryKind, NewTransaction
from securities.importers.cells import EARLIEST, CellError, name

LONGEST_ID = 120
LONGEST_MEMO = 200
QUANTITY_PLACES = 8
PRICE_PLACES = 6
MONEY_PLACES = 4
_CENT = Decimal("0.01")
_TOLERANCE = Decimal("0.005")  # of quantity * price: printed prices are rounded

_TRADES = frozenset({EntryKind.BUY, EntryKind.SELL, EntryKind.REINVEST})
_OF_SHARES = _TRADES | {EntryKind.RECEIVE, EntryKind.TRANSFER, EntryKind.SPLIT}
_OF_CASH = frozenset({EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE})
_WITH_AMOUNT = _TRADES | _OF_CASH | {EntryKind.RECEIVE}
_WITH_FEE = _TRADES | {EntryKind.CASH_IN, EntryKind.CASH_OUT}
_WITH_LOTS = frozenset({EntryKind.SELL, EntryKind.TRANSFER})
_WITH_BLOCK = frozenset({EntryKind.BUY, EntryKind.REINVEST})

Fault = tuple[str, str]  # column, reason


def faults(row: NewTransaction, *, as_of: date) -> Iterator[Fault]:
    """Every fault of one row: (column as in the canonical file, reason).

    Raises TypeError for a number that is not a Decimal.
    """
    bad_numbers = list(_number_faults(row))
    yield from bad_numbers
    if bad_numbers:
        return  # nothing can be computed with them
    yield from _text_faults(row)
    yield from _date_faults(row, as_of)
    yield from _kind_faults(row)
    yield from _price_faults(row)
    yield from _lot_faults(row)


def _number_faults(row: NewTransaction) -> Iterator[Fault]:
    numbers = (
        ("quantity", row.quantity, QUANTITY_PLACES, QUANTITY_LIMIT),
        ("price", row.price, PRICE_PLACES, PRICE_LIMIT),
        ("amount", row.amount, MONEY_PLACES, MONEY_LIMIT),
        ("fee", row.fee, MONEY_PLACES, MONEY_LIMIT),
        *(("lots", pick.quantity, QUANTITY_PLACES, QUANTITY_LIMIT) for pick in row.picks),
    )
    for column, value, places, limit in numbers:
        if value is None:
            continue
        if not isinstance(value, Decimal):
            raise TypeError(f"{column} must be a Decimal, not {type(value).__name__}: {value!r}")
        if not value.is_finite() or not 0 <= value < limit:
            yield column, f"{value} is not between 0 and {limit:,f}"
        elif value != value.quantize(Decimal(1).scaleb(-places)):
            yield column, f"{value} has more than {places} decimals"


def _text_faults(row: NewTransaction) -> Iterator[Fault]:
    if not row.external_id:
        yield "external_id", "every row needs an id of its own"
    for column, text in (("external_id", row.external_id), ("block", row.block)):
        try:
            name(text, longest=LONGEST_ID)
        except CellError as error:
            yield column, str(error)
    if len(row.memo) > LONGEST_MEMO:
        yield "memo", f"has {len(row.memo)} characters, at most {LONGEST_MEMO} are accepted"
    if "\0" in row.memo:
        yield "memo", "holds a NUL character"


def _date_faults(row: NewTransaction, as_of: date) -> Iterator[Fault]:
    dates = (
        ("trade_date", row.trade_date),
        ("settle_date", row.settle_date),
        ("holding_start", row.holding_start),
        ("acquired", row.acquired),
    )
    for column, value in dates:
        if isinstance(value, datetime):
            raise TypeError(f"{column} must be a plain date, not a datetime: {value!r}")
        if value is not None and value < EARLIEST:
            yield column, f"{value} is before {EARLIEST}"
    for column, value in (("trade_date", row.trade_date), ("acquired", row.acquired)):
        if value is not None and value > as_of:
            yield column, f"{value} is in the future: today is {as_of}"
    if row.settle_date is not None and row.settle_date < row.trade_date:
        yield "settle_date", f"{row.settle_date} is before the trade date {row.trade_date}"
    if row.kind is not EntryKind.RECEIVE:
        for column, value in dates[2:]:
            if value is not None:
                yield column, f"a {row.kind} has no such date; only a receive has"
        return
    own = row.acquired or row.trade_date
    if own > row.trade_date:
        yield "acquired", f"{own} is after the day of receipt {row.trade_date}"
    if row.holding_start is not None and row.holding_start > own:
        yield "holding_start", f"{row.holding_start} is after the acquisition on {own}"


def _kind_faults(row: NewTransaction) -> Iterator[Fault]:
    kind = row.kind
    if kind in _OF_SHARES:
        if row.security is None:
            yield "symbol", f"a {kind} needs a security"
        if row.quantity <= 0:
            what = "the ratio, new shares per old" if kind is EntryKind.SPLIT else "a quantity"
            yield "quantity", f"a {kind} needs {what}, above zero"
    elif row.quantity:
        yield "quantity", f"a {kind} has no quantity"
    if kind in _OF_CASH and row.amount <= 0:
        yield "amount", f"a {kind} needs an amount above zero"
    if kind not in _WITH_AMOUNT and row.amount:
        yield "amount", f"a {kind} has no amount"
    if kind not in _WITH_FEE and row.fee:
        yield "fee", f"a {kind} carries no fee: book the fee as a row of its own"
    if kind not in _TRADES and row.price is not None:
        yield "price", f"a {kind} has no price"
    if kind not in _WITH_BLOCK and row.block:
        yield "block", f"a {kind} belongs to no block; only purchases do"
    if kind is EntryKind.TRANSFER:
        if row.to_account is None:
            yield "to_account", "a transfer needs the account that receives the shares"
        elif row.to_account == row.account:
            yield "to_account", "source and destination are the same account"
    elif row.to_account is not None:
        yield "to_account", f"a {kind} has no destination account"


def _price_faults(row: NewTransaction) -> Iterator[Fault]:
    if row.price is None or row.kind not in _TRADES or not row.quantity:
        return
    expected = row.quantity * row.price
    if abs(row.amount - expected) > _CENT + _TOLERANCE * expected:
        yield (
            "amount",
            f"{row.amount} is not quantity times price, which is {expected.quantize(_CENT)}",
        )


def _lot_faults(row: NewTransaction) -> Iterator[Fault]:
    if not row.picks:
        return
    if row.kind not in _WITH_LOTS:
        yield "lots", f"a {row.kind} cannot identify lots"
        return
    if any(pick.quantity <= 0 for pick in row.picks):
        yield "lots", "the quantity of each lot must be above zero"
    picked = sum((pick.quantity for pick in row.picks), Decimal(0))
    if picked != row.quantity:
        yield "lots", f"the lots add up to {picked} shares, the row has {row.quantity}"
