"""Which shares leave the account: identified lots, else first in, first out within the account (R22, R20, U9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from lots.errors import Oversold, UnknownLot
from lots.holdings import ZERO, Lot, Part, Position
from lots.splits import in_base_units, in_shares
from lots.types import LedgerEntry, LotPick


@dataclass(slots=True)
class Take:
    """Shares of one part that leave, in base units."""

    part: Part
    quantity: Fraction


def choose(position: Position, entry: LedgerEntry, factor: Fraction) -> list[Take]:
    """The shares that the sale or transfer ``entry`` takes out of ``position``.

    ``factor`` is shares per base share on that day. One Take per part, in the order of original acquisition (R20) and
    inside a lot adjusted shares first (U9).

    The lots identified are binding (R22), their parts are not: parts follow from wash sales, and an entry that comes
    later can cut the same shares differently. A pick that names a part takes from that part first; what the part
    cannot give comes from the lot's other parts in their order (U9). Raises UnknownLot for an identified lot of which
    nothing is held here, and Oversold where there are not enough shares (R26: no short positions).
    """
    if entry.picks:
        return _identified(position, entry, factor)
    wanted = in_base_units(Fraction(entry.quantity), factor)
    takes: list[Take] = []
    for lot in position:
        for part in lot.parts():
            taken = min(part.quantity, wanted)
            takes.append(Take(part, taken))
            wanted -= taken
            if not wanted:
                return takes
    raise _oversold(entry, Fraction(entry.quantity), in_shares(position.held(), factor))


def _identified(position: Position, entry: LedgerEntry, factor: Fraction) -> list[Take]:
    """Every part that is named gives first, whatever the order of the picks; then the lots fill up what is short."""
    takes: dict[Part, Take] = {}
    short: list[tuple[LotPick, Lot, Fraction]] = []
    for pick in entry.picks:
        lot = _picked_lot(position, entry, pick)
        wanted = in_base_units(Fraction(pick.quantity), factor)
        named = [part for part in lot.parts() if part.number == pick.part]
        short.append((pick, lot, _taken_from(named, wanted, takes)))
    for pick, lot, wanted in short:
        if _taken_from(lot.parts(), wanted, takes):
            held = in_shares(sum((part.quantity for part in lot.parts()), ZERO), factor)
            raise _oversold(entry, _picked_of_lot(entry, pick.lot), held, lot=pick.lot)
    return sorted((take for take in takes.values() if take.quantity), key=_acquisition_order)


def _picked_lot(position: Position, entry: LedgerEntry, pick: LotPick) -> Lot:
    lot = position.lot(pick.lot)
    if lot is None:
        raise UnknownLot(
            entry=entry.id, account=entry.account, security=entry.security or "", lot=pick.lot
        )
    return lot


def _taken_from(parts: Iterable[Part], wanted: Fraction, takes: dict[Part, Take]) -> Fraction:
    """Add to ``takes`` what the parts can give, in their order. Returns what is still wanted, in base units."""
    for part in parts:
        take = takes.setdefault(part, Take(part, ZERO))
        taken = min(part.quantity - take.quantity, wanted)
        take.quantity += taken
        wanted -= taken
    return wanted


def _acquisition_order(take: Take) -> tuple[date, int, bool]:
    opening = take.part.lot.opening
    return (opening.acquired, opening.order, not take.part.matched)


def _picked_of_lot(entry: LedgerEntry, lot: str) -> Fraction:
    return sum((Fraction(pick.quantity) for pick in entry.picks if pick.lot == lot), ZERO)


def _oversold(
    entry: LedgerEntry, wanted: Fraction, held: Fraction, *, lot: str | None = None
) -> Oversold:
    return Oversold(
        entry=entry.id,
        account=entry.account,
        security=entry.security or "",
        trade_date=entry.trade_date,
        wanted=wanted,
        held=held,
        lot=lot,
    )
