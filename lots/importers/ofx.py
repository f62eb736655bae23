"""Investment statements in OFX 1 and 2.

``ofxparse`` makes the tree. Its numbers and dates are not used: it reads ``1,000`` as 1 and moves a trade date to UTC,
which is the next day for an evening in New York. It also sorts transactions by kind, and the order of one day matters.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.types import MONEY_LIMIT, PRICE_LIMIT, QUANTITY_LIMIT
from lots.booking_rules import (
    LONGEST_ID,
    LONGEST_MEMO,
    MONEY_PLACES,
    PRICE_PLACES,
    QUANTITY_PLACES,
)
from lots.importers.directory import Directory
from lots.importers.refused_kinds import REFUSED_ELEMENTS, REFUSED_WORDS, SHORT_POSITION
from lots.importers.sgml import ofx_body
from lots.types import EntryKind, NewTransaction
from securities.importers import cells
from securities.importers.cells import CellError, shown
from securities.importers.refusal import Problems

Tag = Any  # an element of the parsed tree; the parser ships no types

_NUMBER = re.compile(r"([+-]?)([0-9]{1,14}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})")
# A day, perhaps a time and a zone: 20240131, 20240131160000, 20240131160000.000[-5:EST]
_DATE = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2,6})?(?:\.[0-9]{1,6})?(?:\[[^\[\]]{1,20}\])?"
)
_COSTS = ("commission", "fees", "taxes", "load")
_ZERO = Decimal(0)


def read(
    data: bytes, problems: Problems, directory: Directory, as_of: date
) -> list[NewTransaction]:
    """The transactions of every investment statement in the file, in its order.

    Raises ImportRefused where the file cannot be read at all; other faults are noted in ``problems``.
    """
    tree = _tree(ofx_body(data, problems), problems)
    securities = _Securities(tree, directory)
    statements = tree.find_all("invstmtrs")
    if not statements:
        raise problems.refuse("the file holds no investment statement (INVSTMTRS)")
    rows = []
    for statement in statements:
        account = _account(statement, problems, directory)
        if account is None:
            continue
        for element in _transactions(statement):
            row = _Element(element, problems, securities, as_of).transaction(account)
            if row is not None:
                rows.append(row)
            if problems.full:
                return rows
    return rows


def _tree(body: str, problems: Problems) -> Tag:
    from ofxparse.ofxparse import OfxPreprocessedFile, soup_maker

    try:
        # Its header reader wants a header of version 1 in front; without a line end it moves no line number.
        prepared = OfxPreprocessedFile(io.BytesIO(b"ENCODING:UTF-8 " + body.encode()))
        return soup_maker(prepared.fh)
    except Exception as error:  # whatever a stale parser raises on a hostile file
        raise problems.refuse(f"not readable as OFX ({type(error).__name__})") from error


def _account(statement: Tag, problems: Problems, directory: Directory) -> int | None:
    """The account of a statement; None, with a problem noted, where it is not the firm's or not the chosen one."""
    number, line = _text(statement, "acctid"), int(statement.sourceline or 0)
    currency = _text(statement, "curdef")
    if currency != "USD":
        problems.add(
            f"the statement is in {shown(currency)}, only USD is accepted",
            line=line,
            column="CURDEF",
        )
        return None
    if directory.account is not None:
        if number != directory.account_number:
            problems.add(
                f"the statement is of account {shown(number)}, the file is imported into account "
                f"{shown(directory.account_number)}",
                line=line,
                column="ACCTID",
            )
            return None
        return directory.account
    account = directory.accounts.get(number)
    if account is None:
        problems.add(f"{shown(number)} is no account of the firm", line=line, column="ACCTID")
    return account


def _transactions(statement: Tag) -> Iterator[Tag]:
    for transactions in statement.find_all("invtranlist"):
        for child in transactions.children:
            if child.name not in (None, "dtstart", "dtend"):
                yield child


def _text(element: Tag, name: str) -> str:
    """The text of the first element of this name inside, blanks around it dropped; empty if there is none."""
    found = element.find(name)
    return "" if found is None else str(found.get_text()).strip()


def _leaves(element: Tag) -> dict[str, str]:
    """The texts of an element by the names of their tags; the first of a name counts."""
    values: dict[str, str] = {}
    for tag in element.descendants:
        if tag.name is not None and tag.string is not None:
            values.setdefault(tag.name.upper(), str(tag.string).strip())
    return values


class _Securities:
    """From an OFX security id to our primary key: by CUSIP, ISIN, or the ticker in the statement's list."""

    def __init__(self, tree: Tag, directory: Directory) -> None:
        self._directory = directory
        self._tickers = {
            _text(info, "uniqueid"): _text(info, "ticker") for info in tree.find_all("secinfo")
        }

    def find(self, unique_id: str) -> int | None:
        known = self._directory
        ticker = self._tickers.get(unique_id, "")
        for names, name in (
            (known.cusips, unique_id),
            (known.isins, unique_id),
            (known.symbols, ticker),
            (known.symbols, unique_id),
        ):
            if name and name in names:
                return names[name]
        return None


class _Element:
    """One element of the transaction list."""

    def __init__(
        self, element: Tag, problems: Problems, securities: _Securities, as_of: date
    ) -> None:
        self._name = str(element.name).upper()
        self._values = _leaves(element)
        self._line = int(element.sourceline or 0)
        self._problems = problems
        self._securities = securities
        self._as_of = as_of

    def transaction(self, account: int) -> NewTransaction | None:
        """The row to book; None if there is nothing to book, or, with a problem noted, if it cannot be taken."""
        column = self._name
        read = _READERS.get(column)
        if read is None:
            self._refuse_element(column[:40])
            return None
        try:
            fields = read(self)
            if fields is None:
                return None
            fields.setdefault("memo", " ".join(self._text("MEMO").split())[:LONGEST_MEMO])
            return NewTransaction(account=account, ordinal=self._line, **fields)
        except _ColumnError as error:
            self._problems.add(str(error), line=self._line, column=error.column)
            return None

    def _refuse_element(self, column: str) -> None:
        reason = REFUSED_ELEMENTS.get(column)
        told = reason or f"is not supported; accepted are {', '.join(_READERS)}"
        self._problems.add(f"{column} {told}", line=self._line, column=column)

    def trade(self, kind: EntryKind) -> dict[str, Any]:
        """A purchase, sale or reinvestment. TOTAL is after costs: the amount before them follows from it."""
        self._refuse_words("BUYTYPE", "SELLTYPE")
        quantity = self.number("UNITS", QUANTITY_PLACES, QUANTITY_LIMIT)
        if kind is not EntryKind.SELL and quantity < 0:
            raise _ColumnError("UNITS", f"{quantity} is negative in a purchase")
        quantity = abs(quantity)
        fee = sum(
            (
                self.number(name.upper(), MONEY_PLACES, MONEY_LIMIT, default=_ZERO)
                for name in _COSTS
            ),
            _ZERO,
        )
        price = abs(self.number("UNITPRICE", PRICE_PLACES, PRICE_LIMIT, is_rounded=True))
        total = abs(self.number("TOTAL", MONEY_PLACES, MONEY_LIMIT))
        return {
            **self.dated(kind),
            "security": self.security(),
            "quantity": quantity,
            "price": price,
            "amount": total + fee if kind is EntryKind.SELL else total - fee,
            "fee": fee,
        }

    def income(self) -> dict[str, Any]:
        """A dividend or interest paid in cash; one taken back is negative.

        The name of the security tells it from a deposit; interest may be of none that the firm has.
        """
        paid = self.cash(self.number("TOTAL", MONEY_PLACES, MONEY_LIMIT), EntryKind.CASH_OUT)
        return {**paid, "security": self._securities.find(self._text("UNIQUEID"))}

    def expense(self) -> dict[str, Any]:
        return self.cash(self.number("TOTAL", MONEY_PLACES, MONEY_LIMIT), EntryKind.FEE)

    def bank(self) -> dict[str, Any]:
        """A deposit or withdrawal."""
        amount = self.number("TRNAMT", MONEY_PLACES, MONEY_LIMIT)
        return self.cash(amount, EntryKind.CASH_OUT, day="DTPOSTED")

    def cash(self, amount: Decimal, out: EntryKind, *, day: str = "DTTRADE") -> dict[str, Any]:
        kind = EntryKind.CASH_IN if amount > 0 else out
        return {**self.dated(kind, day=day), "amount": abs(amount)}

    def transfer(self) -> dict[str, Any]:
        """Shares delivered into the account, with the basis and purchase date they bring."""
        action = self._text("TFERACTION").upper()
        quantity = self.number("UNITS", QUANTITY_PLACES, QUANTITY_LIMIT)
        if action != "IN" or quantity < 0:
            raise _ColumnError(
                "TFERACTION",
                "only deliveries in are accepted: OFX does not name the other account of a transfer, "
                "book it with the canonical format",
            )
        if self._text("POSTYPE").upper() == "SHORT":
            raise _ColumnError("POSTYPE", f"the delivery {SHORT_POSITION}")
        for name in ("AVGCOSTBASIS", "DTPURCHASE"):
            if not self._text(name):
                raise _ColumnError(
                    name,
                    "the delivery lacks it: book it as a receive in the canonical format, with the "
                    "basis and the day of purchase",
                )
        return {
            **self.dated(EntryKind.RECEIVE),
            "security": self.security(),
            "quantity": quantity,
            "amount": self.number("AVGCOSTBASIS", MONEY_PLACES, MONEY_LIMIT),
            "acquired": self.day("DTPURCHASE"),
        }

    def split(self) -> dict[str, Any]:
        """New shares per old, and the cash in lieu of the account's fraction.

        A ratio without an end is rounded, and the ledger knows the fraction it stands for.
        """
        new = self.number("NUMERATOR", QUANTITY_PLACES, QUANTITY_LIMIT)
        old = self.number("DENOMINATOR", QUANTITY_PLACES, QUANTITY_LIMIT)
        if new <= 0 or old <= 0:
            raise _ColumnError("NUMERATOR", f"{new} for {old} is no split")
        ratio = (new / old).quantize(Decimal(1).scaleb(-QUANTITY_PLACES))
        return {
            **self.dated(EntryKind.SPLIT),
            "security": self.security(),
            "quantity": ratio,
            "amount": abs(self.number("FRACCASH", MONEY_PLACES, MONEY_LIMIT, default=_ZERO)),
        }

    def return_of_capital(self) -> dict[str, Any]:
        total = self.number("TOTAL", MONEY_PLACES, MONEY_LIMIT)
        if total <= 0:
            reason = "is no payment: a return of capital taken back is not computed, book the corrected one"
            raise _ColumnError("TOTAL", f"{total} {reason}")
        return {
            **self.dated(EntryKind.RETURN_OF_CAPITAL),
            "security": self.security(),
            "amount": total,
        }

    def journal(self) -> None:
        """Shares or cash moved between the sub-accounts of one account: no fact for the ledger, unless it is short."""
        for column in ("SUBACCTFROM", "SUBACCTTO"):
            if self._text(column).upper() == "SHORT":
                raise _ColumnError(column, f"the position {SHORT_POSITION}")

    def dated(self, kind: EntryKind, *, day: str = "DTTRADE") -> dict[str, Any]:
        """What every transaction has."""
        identifier = self._text("FITID")
        if not identifier:
            raise _ColumnError("FITID", "the transaction has no id")
        settles = self._text("DTSETTLE")
        return {
            "kind": kind,
            "external_id": self._checked(
                "FITID", lambda: cells.name(identifier, longest=LONGEST_ID)
            ),
            "trade_date": self.day(day),
            "settle_date": self.day("DTSETTLE", is_past=False) if settles else None,
        }

    def day(self, column: str, *, is_past: bool = True) -> date:
        """The day as written, in the zone it is written in (R6: the market's, for a trade)."""
        text = self._text(column)
        match = _DATE.fullmatch(text)
        if match is None or not text.isascii():
            raise _ColumnError(column, f"{shown(text)} is not a date such as 20240131")
        as_of = self._as_of if is_past else None
        day: date = self._checked(column, lambda: cells.day("-".join(match.groups()), as_of=as_of))
        return day

    def security(self) -> int:
        unique_id = self._text("UNIQUEID")
        security = self._securities.find(unique_id)
        if security is None:
            raise _ColumnError(
                "UNIQUEID", f"{shown(unique_id)} is no known CUSIP, ISIN or symbol of the firm"
            )
        return security

    def number(
        self,
        column: str,
        places: int,
        below: Decimal,
        *,
        default: Decimal | None = None,
        is_rounded: bool = False,
    ) -> Decimal:
        """A number with a sign; zeros at its end do not count as decimals."""
        text = self._text(column)
        if not text and default is not None:
            return default
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise _ColumnError(column, f"{shown(text)} is not a plain number such as -1000 or 12.5")
        value = Decimal(match.group(2))
        if value >= below:
            raise _ColumnError(column, f"{shown(text)} is too large: it must be below {below:,f}")
        exact = value.quantize(Decimal(1).scaleb(-places))
        if exact != value and not is_rounded:
            raise _ColumnError(column, f"{shown(text)} has more than {places} decimals")
        return -exact if match.group(1) == "-" else exact

    def _text(self, column: str) -> str:
        return self._values.get(column, "")

    def _refuse_words(self, *columns: str) -> None:
        for column in columns:
            word = self._text(column).upper()
            if (reason := REFUSED_WORDS.get(word)) is not None:
                raise _ColumnError(column, f"{word} {reason}")

    def _checked(self, column: str, convert: Callable[[], Any]) -> Any:
        try:
            return convert()
        except CellError as error:
            raise _ColumnError(column, str(error)) from error


class _ColumnError(Exception):
    """Why an element cannot be taken, and which part of it says so."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        super().__init__(reason)


def _buy(element: _Element) -> dict[str, Any]:
    return element.trade(EntryKind.BUY)


def _sell(element: _Element) -> dict[str, Any]:
    return element.trade(EntryKind.SELL)


def _reinvest(element: _Element) -> dict[str, Any]:
    return element.trade(EntryKind.REINVEST)


_READERS: Mapping[str, Callable[[_Element], dict[str, Any] | None]] = {
    "BUYSTOCK": _buy,
    "BUYMF": _buy,
    "BUYOTHER": _buy,
    "SELLSTOCK": _sell,
    "SELLMF": _sell,
    "SELLOTHER": _sell,
    "REINVEST": _reinvest,
    "TRANSFER": _Element.transfer,
    "INCOME": _Element.income,
    "INVEXPENSE": _Element.expense,
    "MARGININTEREST": _Element.expense,
    "SPLIT": _Element.split,
    "RETOFCAP": _Element.return_of_capital,
    "JRNLSEC": _Element.journal,
    "JRNLFUND": _Element.journal,
    "INVBANKTRAN": _Element.bank,
}
