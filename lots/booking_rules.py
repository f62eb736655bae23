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
FRACTION_PLACES = 8
_CENT = Decimal("0.01")
_TOLERANCE = Decimal("0.005")  # of quantity * price: printed prices are rounded

_PURCHASES = frozenset({EntryKind.BUY, EntryKind.REINVEST, EntryKind.VEST})
_TRADES = _PURCHASES | {EntryKind.SELL}
# Lots that come with a basis of their own: nothing is bought on the day.
_DELIVERIES = frozenset({EntryKind.OPENING, EntryKind.RECEIVE, EntryKind.GIFT, EntryKind.INHERIT})
_OF_CASH = frozenset({EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE})
_RATIOS = frozenset({EntryKind.SPLIT, EntryKind.RENAME, EntryKind.MERGE, EntryKind.SPIN_OFF})
_IN_LIEU = frozenset({EntryKind.SPLIT, EntryKind.MERGE, EntryKind.SPIN_OFF})
_WITH_SUCCESSOR = frozenset({EntryKind.RENAME, EntryKind.MERGE, EntryKind.SPIN_OFF})
_WHOLE_POSITION = frozenset({EntryKind.RETURN_OF_CAPITAL, EntryKind.WORTHLESS})
_WITH_LOTS = frozenset({EntryKind.SELL, EntryKind.TRANSFER, EntryKind.GIVE})
RELIEF_KINDS = _WITH_LOTS | _IN_LIEU  # what leaves by a relief method
_WITH_QUANTITY = (
    _TRADES | _DELIVERIES | _RATIOS | {EntryKind.TRANSFER, EntryKind.GIVE, EntryKind.CASH_MERGER}
)
_OF_SHARES = _WITH_QUANTITY | _WHOLE_POSITION
_PAID = _OF_CASH | {EntryKind.CASH_MERGER, EntryKind.RETURN_OF_CAPITAL}  # above zero
_WITH_AMOUNT = _TRADES | _DELIVERIES | _PAID | _IN_LIEU
_WITH_FEE = _TRADES | {EntryKind.CASH_IN, EntryKind.CASH_OUT}
_WITH_BLOCK = _TRADES | {EntryKind.OPENING}
_WITH_PAST = frozenset({EntryKind.OPENING, EntryKind.RECEIVE, EntryKind.GIFT})
_RATIO_WORDS = {
    EntryKind.SPLIT: "the ratio, new shares per old",
    EntryKind.RENAME: "the ratio 1: a rename is one for one",
    EntryKind.MERGE: "the ratio, shares of the successor per old share",
    EntryKind.SPIN_OFF: "the ratio, shares of the new security per share held",
}

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
        ("basis_fraction", row.basis_fraction, FRACTION_PLACES, Decimal(1)),
        ("market_value", row.market_value, MONEY_PLACES, MONEY_LIMIT),
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
    yield from _past_faults(row)


def _past_faults(row: NewTransaction) -> Iterator[Fault]:
    """The days that shares bring with them."""
    if row.kind not in _WITH_PAST:
        for column, value in (("holding_start", row.holding_start), ("acquired", row.acquired)):
            if value is not None:
                yield (
                    column,
                    f"{with_article(row.kind)} has no such date; only {_listed(_WITH_PAST)} have",
                )
        return
    if row.kind is EntryKind.OPENING and row.acquired is None:
        yield "acquired", "an opening needs the day on which the lot was bought"
    own = row.acquired or row.trade_date
    if own > row.trade_date:
        yield "acquired", f"{own} is after the day of receipt {row.trade_date}"
    if row.holding_start is not None and row.holding_start > own:
        yield "holding_start", f"{row.holding_start} is after the acquisition on {own}"


def _kind_faults(row: NewTransaction) -> Iterator[Fault]:
    kind = row.kind
    if kind in _OF_SHARES and row.security is None:
        yield "symbol", f"{with_article(kind)} needs a security"
    if kind in _WITH_QUANTITY and row.quantity <= 0:
        yield (
            "quantity",
            f"{with_article(kind)} needs {_RATIO_WORDS.get(kind, 'a quantity')}, above zero",
        )
    if kind not in _WITH_QUANTITY and kind is not EntryKind.WORTHLESS and row.quantity:
        yield "quantity", f"{with_article(kind)} has no quantity"
    if kind in _PAID and row.amount <= 0:
        yield "amount", f"{with_article(kind)} needs an amount above zero"
    if kind not in _WITH_AMOUNT and row.amount:
        yield "amount", f"{with_article(kind)} has no amount"
    if kind not in _WITH_FEE and row.fee:
        yield "fee", f"{with_article(kind)} carries no fee: book the fee as a row of its own"
    if kind not in _TRADES and row.price is not None:
        yield "price", f"{with_article(kind)} has no price"
    if kind not in _WITH_BLOCK and row.block:
        yield "block", f"{with_article(kind)} belongs to no block; only purchases and sales do"
    if kind is EntryKind.TRANSFER:
        if row.to_account is None:
            yield "to_account", "a transfer needs the account that receives the shares"
        elif row.to_account == row.account:
            yield "to_account", "source and destination are the same account"
    elif row.to_account is not None:
        yield "to_account", f"{with_article(kind)} has no destination account"
    yield from _action_faults(row)
    if kind is not EntryKind.GIFT and row.market_value is not None:
        yield "market_value", f"{with_article(kind)} has no market value; only a gift has"


def _action_faults(row: NewTransaction) -> Iterator[Fault]:
    """What only corporate actions have."""
    kind = row.kind
    if kind is EntryKind.RENAME and row.quantity not in (0, 1):
        yield "quantity", "a rename is one for one: another ratio is a merge"
    if kind in _WITH_SUCCESSOR:
        if row.to_security is None:
            yield (
                "to_symbol",
                f"{with_article(kind)} needs the security that the shares become or bring",
            )
        elif row.to_security == row.security:
            yield "to_symbol", "the old and the new security are the same"
    elif row.to_security is not None:
        yield "to_symbol", f"{with_article(kind)} leads to no other security"
    if kind is EntryKind.SPIN_OFF:
        if row.basis_fraction is None:
            reason = (
                "a spin_off needs the part of the basis that goes to the new shares, such as 0.2031"
            )
            yield "basis_fraction", reason
    elif row.basis_fraction is not None:
        yield "basis_fraction", f"{with_article(kind)} moves no basis to another security"
    if kind is EntryKind.WORTHLESS and (row.trade_date.month, row.trade_date.day) != (12, 31):
        yield (
            "trade_date",
            f"{row.trade_date} is not the last day of a year: a security that becomes worthless counts as sold "
            f"for nothing on {row.trade_date.year}-12-31 (IRC 165(g))",
        )


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
    if row.relief is not None:
        if row.kind not in RELIEF_KINDS:
            yield "relief", f"{with_article(row.kind)} chooses no lots"
        elif row.picks:
            yield "relief", "the row identifies its lots: name a relief or lots, not both"
        elif row.kind in _IN_LIEU and not row.amount:
            yield "relief", f"{with_article(row.kind)} without cash in lieu chooses no lots"
    if not row.picks:
        return
    if row.kind not in _WITH_LOTS:
        yield "lots", f"{with_article(row.kind)} cannot identify lots"
        return
    if any(pick.quantity <= 0 for pick in row.picks):
        yield "lots", "the quantity of each lot must be above zero"
    picked = sum((pick.quantity for pick in row.picks), Decimal(0))
    if picked != row.quantity:
        yield "lots", f"the lots add up to {picked} shares, the row has {row.quantity}"


def takes_relief(row: NewTransaction) -> bool:
    """Whether shares leave by a relief method: without identified lots, and for money or for good (R22)."""
    return not row.picks and (row.kind in _WITH_LOTS or (row.kind in _IN_LIEU and row.amount > 0))


def with_article(kind: EntryKind) -> str:
    """The kind with its article: a buy, an opening."""
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


def _listed(kinds: frozenset[EntryKind]) -> str:
    *first, last = sorted(kinds)
    return f"{', '.join(first)} and {last}"
