"""Form 8949: one line per lot part sold, in cents that tie out (R28). Pure.

**Boxes.** A and D (basis reported to the IRS) for covered securities: stock acquired since 2011, shares of a fund since
2012 (Reg. 1.6045-1(a)(15)). B and E (basis not reported) for older ones. C and F (no Form 1099-B) for worthless
securities and for distributions beyond the basis, which Form 1099-DIV tells of.

**Columns.** After the instructions for Form 8949, columns (e) to (g):

- W: the disallowed loss of the household is positive in (g), whatever box 1g says: a wrong or missing 1g is corrected
  by the right amount under the same code. It stays in the box of the Form 1099-B.
- B: where the broker has reported another basis (box A or D), that basis stands in (e) although it is wrong, and (g)
  corrects it: broker's basis - right basis. In the other boxes the right basis stands in (e) and nothing is corrected.
- T: where the broker has reported the other term, the line stands in the right part under T, without an amount.
- Several codes stand in alphabetical order, and (g) is the sum of their amounts. (h) = (d) - (e) + (g).

**Dates.** (b) is the date of acquisition, "INHERITED" for inherited shares; the start of a tacked holding period is
told beside it. (c) is the trade date (R6), "WORTHLESS" for worthless securities.

**Cents.** Proceeds, disallowed loss and gain of a box are spread over its lines so that they add up to their rounded
totals (largest remainder); the basis of a line is what ties it: proceeds - gain + disallowed. So a loss that is
disallowed altogether shows a gain of exactly 0.00, and a line without a code has nothing in (g).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from lots.rounding import cents, plain, spread
from lots.types import DisposalEvent, RealizedLot, Term

ZERO = Decimal(0)
INHERITED = "INHERITED"
WORTHLESS = "WORTHLESS"
_STOCK_COVERED_FROM = date(2011, 1, 1)
_FUND_COVERED_FROM = date(2012, 1, 1)
_HALF_CENT = Fraction(1, 200)


class Reporting(StrEnum):
    """What the IRS gets on a Form 1099-B."""

    BASIS = "basis"
    NO_BASIS = "no_basis"
    NOTHING = "nothing"


class Box(StrEnum):
    """The box checked at the top of a sheet: A to C in Part I (short-term), D to F in Part II (long-term)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"

    @property
    def term(self) -> Term:
        return Term.SHORT if self in (Box.A, Box.B, Box.C) else Term.LONG

    @property
    def reporting(self) -> Reporting:
        return _REPORTING[self]

    @property
    def label(self) -> str:
        """As a heading: ``Form 8949, Part I (short-term), box A: basis reported to the IRS``."""
        part = "Part I (short-term)" if self.term is Term.SHORT else "Part II (long-term)"
        return f"Form 8949, {part}, box {self}: {_WORDS[self.reporting]}"


_REPORTING = {
    Box.A: Reporting.BASIS,
    Box.B: Reporting.NO_BASIS,
    Box.C: Reporting.NOTHING,
    Box.D: Reporting.BASIS,
    Box.E: Reporting.NO_BASIS,
    Box.F: Reporting.NOTHING,
}
_WORDS = {
    Reporting.BASIS: "basis reported to the IRS",
    Reporting.NO_BASIS: "basis not reported to the IRS",
    Reporting.NOTHING: "not on a Form 1099-B",
}


@dataclass(frozen=True, slots=True)
class BrokerFigures:
    """What the Form 1099-B of the selling account shows for one lot part, exact dollars."""

    basis: Fraction  # box 1e
    disallowed: Fraction  # box 1g
    term: Term | None  # box 2; None where one line of ours meets lines of both terms


@dataclass(frozen=True, slots=True)
class FormSale:
    """A realised lot part with what the form says beyond its figures."""

    row: RealizedLot
    symbol: str
    is_fund: bool = False
    is_inherited: bool = False
    broker: BrokerFigures | None = None  # None = not known


@dataclass(frozen=True, slots=True)
class FormLine:
    """One printed line. Dollars in cents; ``adjustment`` is column (g), ``gain`` column (h)."""

    sale: FormSale
    box: Box
    description: str  # (a)
    acquired: date | str  # (b)
    sold: date | str  # (c)
    proceeds: Decimal  # (d)
    basis: Decimal  # (e)
    codes: str  # (f)
    gain: Decimal  # (h)
    own_basis: Decimal  # the household's basis; (e) shows the broker's under code B
    disallowed: Decimal  # the part of (g) under W, positive
    permanent: Decimal  # the part of ``disallowed`` that is gone for ever (R16)

    @property
    def correction(self) -> Decimal:
        """The part of (g) under B: broker's basis - the household's."""
        return self.basis - self.own_basis

    @property
    def adjustment(self) -> Decimal:
        """(g)."""
        return self.disallowed + self.correction


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of printed lines, column by column: they tie whatever the rounding."""

    proceeds: Decimal = ZERO
    basis: Decimal = ZERO
    adjustment: Decimal = ZERO
    gain: Decimal = ZERO
    own_basis: Decimal = ZERO
    disallowed: Decimal = ZERO
    permanent: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines of one box."""

    box: Box
    lines: tuple[FormLine, ...]

    @property
    def totals(self) -> Totals:
        return totals(self.lines)


@dataclass(frozen=True, slots=True)
class Form8949:
    """The sheets that have lines, in the order of their boxes."""

    sheets: tuple[Sheet, ...]

    @property
    def lines(self) -> tuple[FormLine, ...]:
        return tuple(line for sheet in self.sheets for line in sheet.lines)

    def of_term(self, term: Term) -> Totals:
        """The totals of Part I or Part II."""
        return totals(line for line in self.lines if line.box.term is term)

    def of_box(self, box: Box) -> Totals:
        return totals(line for line in self.lines if line.box is box)


def form_8949(sales: Sequence[FormSale]) -> Form8949:
    """The form of one return and year; lines keep the order of ``sales`` inside a box."""
    by_box: dict[Box, list[FormSale]] = {}
    for sale in sales:
        by_box.setdefault(box_of(sale), []).append(sale)
    return Form8949(
        sheets=tuple(Sheet(box, _lines(box, by_box[box])) for box in Box if box in by_box)
    )


def totals(lines: Iterable[FormLine]) -> Totals:
    """Column by column."""
    kept = list(lines)
    return Totals(
        proceeds=sum((line.proceeds for line in kept), ZERO),
        basis=sum((line.basis for line in kept), ZERO),
        adjustment=sum((line.adjustment for line in kept), ZERO),
        gain=sum((line.gain for line in kept), ZERO),
        own_basis=sum((line.own_basis for line in kept), ZERO),
        disallowed=sum((line.disallowed for line in kept), ZERO),
        permanent=sum((line.permanent for line in kept), ZERO),
    )


def reporting(row: RealizedLot, *, is_fund: bool) -> Reporting:
    """What a broker tells the IRS of the row."""
    if row.event in (DisposalEvent.WORTHLESS, DisposalEvent.DISTRIBUTION):
        return Reporting.NOTHING
    covered_from = _FUND_COVERED_FROM if is_fund else _STOCK_COVERED_FROM
    return Reporting.BASIS if row.acquired >= covered_from else Reporting.NO_BASIS


def box_of(sale: FormSale) -> Box:
    """The sheet that the sale belongs to."""
    told = reporting(sale.row, is_fund=sale.is_fund)
    return next(box for box in Box if box.term is sale.row.term and box.reporting is told)


def _lines(box: Box, sales: Sequence[FormSale]) -> tuple[FormLine, ...]:
    proceeds = _tied([sale.row.proceeds for sale in sales])
    disallowed = _tied([sale.row.disallowed for sale in sales])
    gains = _tied([sale.row.allowed for sale in sales])
    own = [sold - gain + lost for sold, gain, lost in zip(proceeds, gains, disallowed, strict=True)]
    _lift(own, gains, [place for place, lost in enumerate(disallowed) if not lost])
    return tuple(
        _line(box, sale, sold, basis, lost, gain)
        for sale, sold, basis, lost, gain in zip(
            sales, proceeds, own, disallowed, gains, strict=True
        )
    )


def _tied(parts: Sequence[Fraction]) -> list[Decimal]:
    """The parts in cents that add up to their rounded total."""
    return spread(cents(sum(parts, Fraction(0))), parts)


def _lift(basis: list[Decimal], gains: list[Decimal], unwashed: Sequence[int]) -> None:
    """Raise a basis that rounding has put below zero; an unwashed line that can bears it, so that totals stay."""
    for place, amount in enumerate(basis):
        if amount < 0:
            basis[place], gains[place] = ZERO, gains[place] + amount
            bearer = max(unwashed, key=basis.__getitem__, default=place)
            if basis[bearer] + amount >= 0:
                basis[bearer], gains[bearer] = basis[bearer] + amount, gains[bearer] - amount


def _line(
    box: Box, sale: FormSale, proceeds: Decimal, own_basis: Decimal, lost: Decimal, gain: Decimal
) -> FormLine:
    row = sale.row
    broker = sale.broker if box.reporting is Reporting.BASIS else None
    corrects = broker is not None and abs(broker.basis - row.basis) >= _HALF_CENT
    told_otherwise = broker is not None and broker.term not in (None, row.term)
    codes = "".join(
        code
        for code, holds in (("B", corrects), ("T", told_otherwise), ("W", row.disallowed > 0))
        if holds
    )
    return FormLine(
        sale=sale,
        box=box,
        description=describe(sale),
        acquired=INHERITED if sale.is_inherited else row.acquired,
        sold=WORTHLESS if row.event is DisposalEvent.WORTHLESS else row.trade_date,
        proceeds=proceeds,
        basis=cents(broker.basis) if broker is not None and corrects else own_basis,
        codes=codes,
        gain=gain,
        own_basis=own_basis,
        disallowed=lost,
        permanent=_permanent(row, lost),
    )


def _permanent(row: RealizedLot, disallowed: Decimal) -> Decimal:
    if row.permanent == row.disallowed:
        return disallowed
    return min(cents(row.permanent), disallowed)


def describe(sale: FormSale) -> str:
    """Column (a)."""
    shares = f"{plain(sale.row.quantity)} sh. {sale.symbol}"
    return {
        DisposalEvent.CASH_IN_LIEU: f"{shares} (cash in lieu)",
        DisposalEvent.CASH_MERGER: f"{shares} (cash merger)",
        DisposalEvent.DISTRIBUTION: f"{sale.symbol}, distribution beyond basis",
    }.get(sale.row.event, shares)
