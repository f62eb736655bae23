"""What a booking, or another reading of the law, changes in a household's figures: before and after, compared. Pure.

Years are tax years by trade date (R6). Only sales in taxable accounts have figures (R16). A year's standing says how
much a change in it matters: nothing was given out of an OPEN one; a CLOSED one's last window has passed, so its figures
were final (R7); a REPORTED one's figures were given out.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from accounts.canonical import canonical_text, sha256_of
from lots.types import Term
from lots.wash_sales import first_clear_date

LotKey = tuple[int, int]  # opening transaction, part
SaleKey = tuple[int, int, int]  # sale, opening, part
OwnerYear = tuple[int, int]  # owner, year
_ZERO = Decimal(0)


class Standing(StrEnum):
    """Whether a year's figures can still change without anybody being surprised."""

    OPEN = "open"
    CLOSED = "closed"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class LotFigures:
    """What is stored of a lot part that is held: shares and dollars."""

    account: int
    security: int
    acquired: date
    holding_start: date
    quantity: Decimal
    basis: Decimal


@dataclass(frozen=True, slots=True)
class SaleFigures:
    """What is stored of a lot part sold in a taxable account: shares and dollars."""

    owner: int
    year: int
    holding_start: date
    term: Term
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    disallowed: Decimal
    permanent: Decimal

    @property
    def allowed(self) -> Decimal:
        return self.proceeds - self.basis + self.disallowed


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The stored rows of some households at one moment."""

    lots: Mapping[LotKey, LotFigures]
    sales: Mapping[SaleKey, SaleFigures]


@dataclass(frozen=True, slots=True)
class YearFigures:
    """One owner's realised year in dollars: allowed gain or loss by term, and what was disallowed."""

    short: Decimal = _ZERO
    long: Decimal = _ZERO
    disallowed: Decimal = _ZERO
    permanent: Decimal = _ZERO  # the share of ``disallowed`` that is gone for ever

    def plus(self, sale: SaleFigures) -> "YearFigures":
        """With one sale more."""
        is_short = sale.term is Term.SHORT
        return YearFigures(
            short=self.short + (sale.allowed if is_short else _ZERO),
            long=self.long + (_ZERO if is_short else sale.allowed),
            disallowed=self.disallowed + sale.disallowed,
            permanent=self.permanent + sale.permanent,
        )


@dataclass(frozen=True, slots=True)
class YearChange:
    """An owner's year in which a sale is new, gone or different. Equal totals can hide different lines."""

    owner: int
    year: int
    standing: Standing
    before: YearFigures
    after: YearFigures
    added: int
    removed: int
    changed: int

    @property
    def alters_history(self) -> bool:
        """Whether figures that were final, or were given out, become others."""
        return self.standing is not Standing.OPEN


@dataclass(frozen=True, slots=True)
class LotChange:
    """A lot part that differs, is gone, or was split off a lot that was held before."""

    opening: int
    part: int
    before: LotFigures | None
    after: LotFigures | None


@dataclass(frozen=True, slots=True)
class LedgerChanges:
    """Everything that differs. Lots of new transactions are only counted: nothing was known of them."""

    years: tuple[YearChange, ...] = ()
    lots: tuple[LotChange, ...] = ()
    new_lots: int = 0

    def __bool__(self) -> bool:
        return bool(self.years or self.lots or self.new_lots)

    @property
    def alters_history(self) -> bool:
        """Whether a closed or reported year changes."""
        return any(year.alters_history for year in self.years)

    def sha256(self) -> str:
        """Equal for equal changes: what was shown is what is done. New transactions have no numbers yet."""
        return sha256_of(
            canonical_text(
                {
                    "years": [_plain_year(year) for year in self.years],
                    "lots": [_plain_lot(lot) for lot in self.lots],
                    "new_lots": self.new_lots,
                }
            )
        )


def compare(
    before: LedgerState, after: LedgerState, *, as_of: date, reported: Collection[OwnerYear] = ()
) -> LedgerChanges:
    """What differs, years and owners ascending, then lots by opening and part."""
    openings = {opening for opening, _ in before.lots} | {sale[1] for sale in before.sales}
    lots = [
        LotChange(*key, before.lots.get(key), after.lots.get(key))
        for key in sorted(before.lots.keys() | after.lots.keys())
        if before.lots.get(key) != after.lots.get(key)
    ]
    known = tuple(lot for lot in lots if lot.opening in openings)
    return LedgerChanges(
        years=_years(before.sales, after.sales, as_of, reported),
        lots=known,
        new_lots=len(lots) - len(known),
    )


def standing_of(year: int, as_of: date) -> Standing:
    """OPEN before 31 January of the next year: December's windows end on the 30th (R7)."""
    return Standing.CLOSED if as_of >= first_clear_date(date(year, 12, 31)) else Standing.OPEN


def year_figures(sales: Iterable[SaleFigures]) -> dict[OwnerYear, YearFigures]:
    """Totals by owner and year."""
    totals: dict[OwnerYear, YearFigures] = {}
    for sale in sales:
        place = (sale.owner, sale.year)
        totals[place] = totals.get(place, YearFigures()).plus(sale)
    return totals


def _years(
    before: Mapping[SaleKey, SaleFigures],
    after: Mapping[SaleKey, SaleFigures],
    as_of: date,
    reported: Collection[OwnerYear],
) -> tuple[YearChange, ...]:
    differing: dict[OwnerYear, list[int]] = {}  # rows added, removed, changed
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        for kind, row in ((0, new if old is None else None), (1, old if new is None else None)):
            if row is not None:
                differing.setdefault((row.owner, row.year), [0, 0, 0])[kind] += 1
        if old is not None and new is not None:
            for place in {(old.owner, old.year), (new.owner, new.year)}:
                differing.setdefault(place, [0, 0, 0])[2] += 1
    was, becomes = year_figures(before.values()), year_figures(after.values())
    return tuple(
        YearChange(
            owner=owner,
            year=year,
            standing=Standing.REPORTED if (owner, year) in reported else standing_of(year, as_of),
            before=was.get((owner, year), YearFigures()),
            after=becomes.get((owner, year), YearFigures()),
            added=added,
            removed=removed,
            changed=changed,
        )
        for (owner, year), (added, removed, changed) in sorted(
            differing.items(), key=lambda one: (one[0][1], one[0][0])
        )
    )


def _plain_year(year: YearChange) -> list[object]:
    figures = [
        [one.short, one.long, one.disallowed, one.permanent] for one in (year.before, year.after)
    ]
    return [
        year.owner, year.year, year.standing, *figures, year.added, year.removed, year.changed
    ]  # fmt: skip


def _plain_lot(lot: LotChange) -> list[object]:
    return [
        lot.opening,
        lot.part,
        *(
            None
            if one is None
            else [
                one.account,
                one.security,
                one.acquired,
                one.holding_start,
                one.quantity,
                one.basis,
            ]
            for one in (lot.before, lot.after)
        ),
    ]
