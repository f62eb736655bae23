"""A household's tax year as it will be once everything that comes first has been traded. Pure.

Whoever proposes trades prices them on this year, so that all kinds of a night net against the same gains and losses
(R31):

- What is approved or ordered comes first, tonight's drafts after it, each in the order given.
- Sales are cut to the shares that are there, and count on the lot parts that they will relieve
  (``proposals.compliance.feasible``). Two sales of one lot never count more shares than it has.
- Only sales in accounts on the household's return count: not those of a retirement account (R16), not a corporation's,
  which is another taxpayer (R18).
- A gain is that of ``proposals.budgets.gains_of``, to the cent: the basis and the term of the lot as it is held, a
  loss on a gift by the gift's own (``lots.held_lots``). What a wash sale would disallow of it is not foreseen here.
"""

from collections.abc import Collection, Iterable
from datetime import date

from lots.types import LotRow
from lots.year_tax import TaxPosition, with_added
from proposals.budgets import gains_of
from proposals.compliance import Trade, feasible
from proposals.types import DraftProposal, Intention


def year_ahead(
    position: TaxPosition,
    *,
    under_way: Iterable[Intention],
    lots: Iterable[LotRow],
    accounts: Collection[int],
    as_of: date,
    drafts: Iterable[DraftProposal] = (),
) -> TaxPosition:
    """``position``, the year as booked, with what the trades that come first will realise if sold on ``as_of``.

    ``lots`` are the household's as booked, ``accounts`` those on its return.
    """
    trades: list[Trade] = [*under_way, *(trade for draft in drafts for trade in draft.trades)]
    held = {(lot.opening, lot.part): lot for lot in lots}
    gains = gains_of(feasible(trades, held), held, accounts=accounts, as_of=as_of)
    return with_added(position, short=gains.short, long=gains.long)
