"""What is left of an order's lots once some of its shares are sold. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LotShares:
    """Shares of one lot part that an order sells; ``opening`` is the primary key of what opened the lot."""

    opening: int
    part: int
    quantity: Decimal


Lots = tuple[LotShares, ...]


def unsold(lots: Sequence[LotShares], sold: Mapping[int, Decimal], filled: Decimal) -> Lots:
    """The lots in their order without the ``filled`` shares, of which ``sold`` says how many each opening gave.

    Shares that came from elsewhere (a custodian may relieve other lots than it was told) count against the first lots.
    """
    of_opening, left = dict(sold), []
    for lot in lots:
        gone = min(of_opening.get(lot.opening, ZERO), lot.quantity, filled)
        if gone:
            of_opening[lot.opening] -= gone
            filled -= gone
        left.append(replace(lot, quantity=lot.quantity - gone))
    return split_off(left, filled)[1]


def split_off(lots: Sequence[LotShares], quantity: Decimal) -> tuple[Lots, Lots]:
    """The next ``quantity`` shares of the lots, and the rest of them."""
    taken, left = [], []
    for lot in lots:
        here = min(lot.quantity, quantity)
        quantity -= here
        taken.append(replace(lot, quantity=here))
        left.append(replace(lot, quantity=lot.quantity - here))
    return _some(taken), _some(left)


def filled_of(
    trades: Sequence[LotShares], lots: Sequence[LotShares], filled: Decimal
) -> tuple[Decimal, ...]:
    """Of each trade of one sell order, how many shares the first ``filled`` shares of the order are.

    ``lots`` are those of the order, in the order in which fills take them; trades of one lot are filled in theirs. What
    an order of whole shares has filled is so told in whole shares, where a part of each trade would cut them.
    """
    place = {(lot.opening, lot.part): number for number, lot in enumerate(lots)}
    found = [ZERO] * len(trades)
    for number in sorted(
        range(len(trades)), key=lambda one: (place[trades[one].opening, trades[one].part], one)
    ):
        found[number] = min(trades[number].quantity, filled)
        filled -= found[number]
    return tuple(found)


def _some(lots: Sequence[LotShares]) -> Lots:
    return tuple(lot for lot in lots if lot.quantity)
