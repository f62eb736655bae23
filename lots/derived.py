"""From an exact replay to the rows that are stored: rounded where they are stored, so that parts tie to totals.

Pure. Values are in the order of the model fields named in ``LOT_VALUES``, ``DISPOSAL_VALUES`` and ``WASH_VALUES``; the
keys are natural: a lot part is (opening, part), a disposal (sale, opening, part), a match (sale, ordinal).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from accounts.types import MONEY_LIMIT, QUANTITY_LIMIT
from lots.errors import BadEntry
from lots.rounding import STORED_MONEY, STORED_SHARES, rounded, spread, stored_shares
from lots.types import DisposalEvent, OpenLot, RealizedLot, ReplayResult, Treatment, WashMatch

LOT_KEY = ("opening_id", "part")
LOT_VALUES = (
    "account_id", "security_id", "acquired", "holding_start", "quantity", "basis", "is_inherited",
    "loss_basis", "loss_start",
)  # fmt: skip
DISPOSAL_KEY = ("sale_id", "opening_id", "part")
DISPOSAL_VALUES = (
    "account_id", "security_id", "trade_date", "acquired", "holding_start", "term", "quantity",
    "proceeds", "basis", "disallowed", "permanent", "is_taxable", "event",
)  # fmt: skip
WASH_KEY = ("sale_id", "ordinal")
WASH_VALUES = (
    "sold_opening_id", "replacement_id", "shares", "amount", "treatment", "rule_ids",
)  # fmt: skip

Rows = dict[tuple[int, ...], tuple[object, ...]]
SoldKey = tuple[str, str, int]  # sale, opening, part


@dataclass(frozen=True, slots=True)
class DerivedRows:
    """Natural key -> values, table by table."""

    lots: Rows
    disposals: Rows
    washes: Rows


def derived_rows(result: ReplayResult) -> DerivedRows:
    """The rows of one household's replay.

    Shares are rounded to 1e-8, money to 1e-4. The parts of one lot in one security and the rows of one sale add up to
    their rounded total; a disposal's disallowed loss is the sum of its matches. Shares below half of 1e-8, which only
    splits can leave, have no row of their own: their dollars go to the row beside them. A distribution beyond the
    basis sells no shares and has its row all the same.
    Raises BadEntry for shares or dollars beyond what the tables hold, which only absurd entries make.
    """
    rows = DerivedRows(lots={}, disposals={}, washes={})
    openings: dict[tuple[str, str], list[OpenLot]] = {}
    for lot in result.open_lots:
        openings.setdefault((lot.opening, lot.security), []).append(lot)
    for parts in openings.values():
        _add_lots(rows.lots, parts)
    matches: dict[SoldKey, list[WashMatch]] = {}
    for match in result.matches:
        matches.setdefault((match.sale, match.sold_lot, match.sold_part), []).append(match)
    _add_sales(rows, result.realized, matches, is_taxable=True)
    _add_sales(rows, result.retirement_disposals, matches, is_taxable=False)
    return rows


def _add_lots(rows: Rows, parts: Sequence[OpenLot]) -> None:
    shares = _tied([part.quantity for part in parts], STORED_SHARES)
    dollars = _dollars([part.basis for part in parts], shares)
    losses = _dollars([part.loss_basis or Fraction(0) for part in parts], shares)
    for part, quantity, basis, loss in zip(parts, shares, dollars, losses, strict=True):
        if quantity:
            _check_size(part.opening, quantity, basis)
            rows[int(part.opening), part.part] = (
                int(part.account), int(part.security), part.acquired, part.holding_start, quantity,
                basis, part.is_inherited, None if part.loss_basis is None else loss,
                part.loss_start,
            )  # fmt: skip


def _add_sales(
    rows: DerivedRows,
    realized: Sequence[RealizedLot],
    matches: dict[SoldKey, list[WashMatch]],
    *,
    is_taxable: bool,
) -> None:
    sales: dict[str, list[RealizedLot]] = {}
    for row in realized:
        sales.setdefault(row.sale, []).append(row)
    for parts in sales.values():
        _add_sale(rows, parts, matches, is_taxable=is_taxable)


def _add_sale(
    rows: DerivedRows,
    parts: Sequence[RealizedLot],
    matches: dict[SoldKey, list[WashMatch]],
    *,
    is_taxable: bool,
) -> None:
    if parts[0].event is DisposalEvent.DISTRIBUTION:
        _add_distribution(rows, parts, is_taxable=is_taxable)
        return
    shares = _tied([part.quantity for part in parts], STORED_SHARES)
    proceeds = _dollars([part.proceeds for part in parts], shares)
    basis = _dollars([part.basis for part in parts], shares)
    disallowed = _dollars([part.disallowed for part in parts], shares)
    matched: list[list[WashMatch]] = [[] for _ in parts]
    for place, part in enumerate(parts):
        home = place if shares[place] else _largest(shares)
        matched[home] += matches.get((part.sale, part.lot, part.part), [])
    washes: list[tuple[object, ...]] = []
    for place, part in enumerate(parts):
        if not shares[place]:
            continue
        _check_size(part.sale, shares[place], proceeds[place], basis[place])
        amounts = _amounts(matched[place], disallowed[place])
        rows.disposals[int(part.sale), int(part.lot), part.part] = (
            int(part.account), int(part.security), part.trade_date, part.acquired,
            part.holding_start, part.term.value, shares[place], proceeds[place], basis[place],
            disallowed[place], _permanent(matched[place], amounts), is_taxable, part.event.value,
        )  # fmt: skip
        washes += map(_wash, matched[place], amounts)
    for ordinal, wash in enumerate(washes):
        rows.washes[int(parts[0].sale), ordinal] = wash


def _add_distribution(rows: DerivedRows, parts: Sequence[RealizedLot], *, is_taxable: bool) -> None:
    """The gains of one return of capital: no shares, no basis, and never a loss."""
    gains = _tied([part.proceeds for part in parts], STORED_MONEY)
    for part, gain in zip(parts, gains, strict=True):
        _check_size(part.sale, Decimal(0), gain)
        rows.disposals[int(part.sale), int(part.lot), part.part] = (
            int(part.account), int(part.security), part.trade_date, part.acquired,
            part.holding_start, part.term.value, Decimal(0), gain, Decimal(0), Decimal(0),
            Decimal(0), is_taxable, part.event.value,
        )  # fmt: skip


def _check_size(entry: str, shares: Decimal, *dollars: Decimal) -> None:
    if shares >= QUANTITY_LIMIT or any(abs(amount) >= MONEY_LIMIT for amount in dollars):
        raise BadEntry(
            entry=entry,
            problem=f"its shares or dollars are too large: less than {QUANTITY_LIMIT:,f} shares and "
            f"{MONEY_LIMIT:,f} dollars can be kept",
        )


def _amounts(matches: Sequence[WashMatch], disallowed: Decimal) -> list[Decimal]:
    if not matches:
        return []
    return spread(disallowed, [match.amount for match in matches], STORED_MONEY)


def _permanent(matches: Sequence[WashMatch], amounts: Sequence[Decimal]) -> Decimal:
    gone = (
        amount
        for match, amount in zip(matches, amounts, strict=True)
        if match.treatment is Treatment.PERMANENT
    )
    return sum(gone, Decimal(0))


def _wash(match: WashMatch, amount: Decimal) -> tuple[object, ...]:
    shares = max(stored_shares(match.shares), STORED_SHARES)  # a match of no shares is no match
    return (
        int(match.sold_lot), int(match.replacement), shares, amount, match.treatment.value,
        " ".join(match.rule_ids),
    )  # fmt: skip


def _tied(parts: Sequence[Fraction], quantum: Decimal) -> list[Decimal]:
    """The parts rounded so that they add up to their rounded total."""
    return spread(rounded(sum(parts, Fraction(0)), quantum), parts, quantum)


def _largest(shares: Sequence[Decimal]) -> int:
    return max(range(len(shares)), key=lambda place: shares[place])


def _dollars(parts: Sequence[Fraction], shares: Sequence[Decimal]) -> list[Decimal]:
    """Dollars of rows with these stored shares; what belongs to no shares goes to the largest row."""
    largest = _largest(shares)
    exact = [part if held else Fraction(0) for part, held in zip(parts, shares, strict=True)]
    exact[largest] += sum(parts, Fraction(0)) - sum(exact, Fraction(0))
    return _tied(exact, STORED_MONEY)
