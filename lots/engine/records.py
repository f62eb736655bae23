"""What a replay keeps for good: sales, lot parts sold and matches, as plain tuples of numbers and names.

A million trades make several million of these. Python's garbage collector walks again and again over every object that
could be part of a cycle; a tuple of ints and strings cannot be one, and the collector forgets it at the first sight. So
records refer to each other and to entries by index, and words and Fractions are made when somebody looks
(``engine.results``).
"""

from collections.abc import Callable, Mapping, Sequence

from lots.engine.holdings import Sale
from lots.engine.splits import Measures
from lots.engine.units import Exact
from lots.types import DisposalEvent, LedgerAccount, LedgerEntry

# place, account, security, event, base units in a share, proceeds as a rate
SaleRecord = tuple[int, str, str, str, int, int, int]
# sale, place of the opening, part, base units, basis as a rate, start (a day number), carries a washed loss
RowRecord = tuple[int, int, int, Exact, int, int, int, bool]
# row, place of the opening, part, base units of the sale, dollars as a rate, permanent, rescaled, sold already
MatchRecord = tuple[int, int, int, Exact, int, int, bool, bool, bool]


class Records:
    """One replay's sales, rows and matches, in the order in which they were made."""

    def __init__(
        self,
        entries: Sequence[LedgerEntry],
        accounts: Mapping[str, LedgerAccount],
        measures: Measures,
        dollar: int,
        one: Callable[[str], str],
    ) -> None:
        """``one``: a security under any of its symbols -> one name for all of them."""
        self.entries = entries
        self.accounts = accounts
        self.measures = measures
        self.one = one
        self.dollar = dollar  # money units in a dollar
        self.sales: list[SaleRecord] = []
        self.realized: list[RowRecord] = []
        self.retirement: list[RowRecord] = []
        self.matches: list[MatchRecord] = []
        self.moved_in: dict[int, Exact] = {}  # row -> losses moved into its basis (U4 literal)
        self.moved_first: set[int] = set()  # places of purchases that U6 put before others

    def add_sale(self, sale: Sale) -> int:
        """Its index."""
        event = "" if sale.event is DisposalEvent.SALE else sale.event.value
        price, unit = sale.rate
        self.sales.append(
            (sale.place, sale.account.id, sale.security, event, sale.scale, price, unit)
        )
        return len(self.sales) - 1

    def scale_at_end(self, security: str) -> int:
        """Base units in a share behind the last entry."""
        return self.measures.scale(security, len(self.entries))
