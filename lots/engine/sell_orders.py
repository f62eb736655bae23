"""Sales that are executed in several fills: one sale for the wash-sale rule (R9, R9b).

All fills of one sell order (of one account, block and security) on one date leave before any of them looks for
replacements, as if they had been one execution: shares that the order itself sells do not replace each other (U4), and
their losses count in the order of original acquisition (R20). The order is disposed of with its last fill of the day
(R7). Each fill keeps its rows, its price and the lots it takes.
"""

from collections.abc import Sequence

from lots.engine.holdings import Loss
from lots.types import EntryKind, LedgerEntry

_Order = tuple[str | None, str, str | None, int]  # block, account, security, day


class SellOrders:
    """Sell orders of one household's entries, and the losses of those that are not complete."""

    def __init__(self, entries: Sequence[LedgerEntry]) -> None:
        """A place is an entry's index in ``entries``, which stand in order of date."""
        self._last_fills = {
            _order(entry): place
            for place, entry in enumerate(entries)
            if entry.block and entry.kind is EntryKind.SELL
        }
        self._waiting: dict[_Order, list[Loss]] = {}

    def complete(self, entry: LedgerEntry, place: int, losses: list[Loss]) -> list[Loss]:
        """The losses that look for replacements now that those of a sale are there: with the last fill, all."""
        if not entry.block or entry.kind is not EntryKind.SELL:
            return losses
        order = _order(entry)
        waiting = self._waiting.setdefault(order, [])
        waiting += losses
        if place != self._last_fills[order]:
            return []
        return sorted(self._waiting.pop(order), key=_acquisition)


def _order(entry: LedgerEntry) -> _Order:
    return entry.block, entry.account, entry.security, entry.trade_date.toordinal()


def _acquisition(loss: Loss) -> tuple[int, int]:
    return loss.opening.acquired, loss.opening.order
