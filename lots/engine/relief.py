"""Which shares leave the account: identified lots, else by the standing order, else first in, first out (R22, R22b).

A standing order (``lots.types.Relief``) looks at the account's own position only. Inside a lot adjusted shares leave
first (U9), unless the order compares basis: HIFO and LOWEST_TAX look at every part by itself. Whatever the order, the
shares chosen are told in the order of original acquisition, in which losses of one sale count (R20).

* FIFO and LIFO go by date of acquisition, then by order of execution.
* HIFO takes the highest basis per share first; of equal ones the part acquired first.
* LOWEST_TAX takes short-term losses, long-term losses, long-term gains, short-term gains; of each kind the largest loss
  or the smallest gain per share first. Shares that leave without a price (a transfer, a gift) cannot be told apart by
  it: they leave first in, first out, as they do where no standing order is given.
* AVERAGE gives every share of the position the position's average basis, wash-sale adjustments included, and then takes
  first in, first out; holding periods stay (Reg. 1.1012-1(e)). It happens at each disposal or transfer under this
  method, so a purchase in between changes the average only for what leaves later.
"""

from collections.abc import Iterable
from fractions import Fraction

from lots.engine.holdings import Lot, Part, Position, Sale
from lots.engine.ranking import HighestBasis, LowestTax
from lots.engine.units import Exact, rate, ratio, whole
from lots.errors import Oversold, UnknownLot, Unsupported
from lots.types import LedgerEntry, LotPick, Relief

Taken = tuple[Part, Exact]  # shares of one part that leave, in base units


def choose(
    position: Position, entry: LedgerEntry, wanted: Exact, scale: int, sale: Sale | None = None
) -> list[Taken]:
    """The ``wanted`` base units that ``entry`` takes out of ``position``, part by part.

    ``scale`` is base units in a share on that day; ``sale`` knows the price, if there is one. The lots identified are
    binding (R22), their parts are not: parts follow from wash sales, and an entry that comes later can cut the same
    shares differently. A pick that names a part takes from that part first; what the part cannot give comes from the
    lot's other parts in their order (U9). Raises UnknownLot for an identified lot of which nothing is held here,
    Oversold where there are not enough shares (R26: no short positions), and Unsupported for an average over a gift
    with two bases (R22b).
    """
    if entry.picks:
        return _identified(position, entry, scale)
    relief = entry.relief
    if relief is None or relief is Relief.FIFO:
        taken, missing = _taken(position.parts(), wanted)
    elif relief is Relief.AVERAGE:
        average(position, entry)
        taken, missing = _taken(position.parts(), wanted)
    else:
        taken, missing = _taken(_in_order(position, relief, sale), wanted)
        taken.sort(key=_acquisition_order)
    if missing:
        held = ratio(position.held(), scale)
        raise _oversold(entry, position, Fraction(entry.quantity), held)
    return taken


def average(position: Position, entry: LedgerEntry) -> None:
    """Give every part of the position its average basis (R22b)."""
    parts = list(position.parts())
    if any(part.gift is not None for part in parts):
        raise Unsupported(
            f"account {position.account.id} holds shares of {position.security} received as a gift below the donor's "
            "basis; they have one basis for gains and one for losses and cannot be averaged",
            rule="R22b",
            entry=entry.id,
        )
    if len({part.rate for part in parts}) < 2:
        return
    basis = sum(part.quantity * ratio(*part.rate) for part in parts)
    common = rate(basis, position.held())
    adjusted = any(part.adjusted for part in parts)
    for part in parts:
        part.rate = common
        part.adjusted = adjusted
    position.ranking = None


def _taken(parts: Iterable[Part], wanted: Exact) -> tuple[list[Taken], Exact]:
    """What the parts give in their order, and what is missing."""
    taken = []
    for part in parts:
        if part.quantity >= wanted:
            taken.append((part, wanted))
            return taken, 0
        taken.append((part, part.quantity))
        wanted -= part.quantity
    return taken, wanted


def _in_order(position: Position, relief: Relief, sale: Sale | None) -> Iterable[Part]:
    if relief is Relief.LIFO:
        return position.parts_latest_first()
    kind = HighestBasis if relief is Relief.HIFO else LowestTax
    if type(position.ranking) is not kind:
        position.ranking = kind(position)
    return position.ranking.parts(sale)


def _identified(position: Position, entry: LedgerEntry, scale: int) -> list[Taken]:
    """Every part that is named gives first, whatever the order of the picks; then the lots fill up what is short."""
    given: dict[Part, Exact] = {}
    short: list[tuple[LotPick, Lot, Exact]] = []
    for pick in entry.picks:
        lot = _picked_lot(position, entry, pick)
        wanted = whole(pick.quantity, scale)
        named = [part for part in lot.parts if part.number == pick.part]
        short.append((pick, lot, _given(named, wanted, given)))
    for pick, lot, wanted in short:
        if _given(lot.parts, wanted, given):
            held = ratio(sum(part.quantity for part in lot.parts), scale)
            picked = sum(Fraction(other.quantity) for other in entry.picks if other.lot == pick.lot)
            raise _oversold(entry, position, Fraction(picked), held, lot=pick.lot)
    return sorted(
        ((p, quantity) for p, quantity in given.items() if quantity), key=_acquisition_order
    )


def _picked_lot(position: Position, entry: LedgerEntry, pick: LotPick) -> Lot:
    lot = position.lot(pick.lot)
    if lot is None:
        raise UnknownLot(
            entry=entry.id, account=position.account.id, security=position.security, lot=pick.lot
        )
    return lot


def _given(parts: Iterable[Part], wanted: Exact, given: dict[Part, Exact]) -> Exact:
    """Add to ``given`` what the parts still can give, in their order. Returns what is missing, in base units."""
    for part in parts:
        before = given.get(part, 0)
        more = min(part.quantity - before, wanted)
        given[part] = before + more
        wanted -= more
    return wanted


def _acquisition_order(taken: Taken) -> tuple[int, int, bool]:
    part = taken[0]
    opening = part.lot.opening
    return (opening.acquired, opening.order, not part.matched)


def _oversold(
    entry: LedgerEntry,
    position: Position,
    wanted: Fraction,
    held: Fraction,
    *,
    lot: str | None = None,
) -> Oversold:
    return Oversold(
        entry=entry.id,
        account=position.account.id,
        security=position.security,
        trade_date=entry.trade_date,
        wanted=wanted,
        held=held,
        lot=lot,
    )
