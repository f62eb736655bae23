"""What a replay hands out: words, dates and exact Fractions, worked out from its records when they are looked at.

Everything here is decided when the replay ends; only its form is made later (``lots.types.Lazy``).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from accounts.types import OwnerKind
from lots.engine.holdings import Part, Position
from lots.engine.records import MatchRecord, Records, RowRecord
from lots.engine.units import Exact, ratio
from lots.holding_period import tacked_start, term
from lots.types import (
    DisposalEvent,
    EntryKind,
    LedgerAccount,
    LedgerEntry,
    OpenLot,
    Policy,
    RealizedLot,
    ReplayResult,
    TackingPolicy,
    Term,
    Treatment,
    WashMatch,
)
from lots.wash_sales import IRAS

_ZERO = Fraction(0)


def replay_result(records: Records, positions: Iterable[Position], policy: Policy) -> ReplayResult:
    """The result of a replay that has ended. Each of its tables is made when it is first asked for."""
    return ReplayResult.later(_tables, _Desk(records), tuple(positions), policy)


class _Desk:
    """The records of a replay, and what is found out about them on the way."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.dollar = records.dollar

    @cached_property
    def lost(self) -> dict[int, tuple[Exact, Exact, MatchRecord]]:
        """Row -> base units matched, those of them whose loss is gone for ever, and one of its matches."""
        lost: dict[int, tuple[Exact, Exact, MatchRecord]] = {}
        for match in self.records.matches:
            row, shares, is_permanent = match[0], match[3], match[6]
            units, permanent, _ = lost.get(row, (0, 0, match))
            lost[row] = units + shares, permanent + (shares if is_permanent else 0), match
        return lost


def _tables(
    name: str, desk: _Desk, positions: Sequence[Position], policy: Policy
) -> dict[str, Any]:
    records = desk.records
    if name == "realized":
        later = RealizedLot.later
        made: Any = tuple(
            [later(_realized_lot, desk, row, index) for index, row in enumerate(records.realized)]
        )
    elif name == "retirement_disposals":
        made = tuple(
            [RealizedLot.later(_realized_lot, desk, row, None) for row in records.retirement]
        )
    elif name == "matches":
        made = tuple(
            [WashMatch.later(_wash_match, desk, match, policy) for match in records.matches]
        )
    elif name == "open_lots":
        made = _open_lots(desk, positions)
    else:
        made = policy
    return {name: made}


def _open_lots(desk: _Desk, positions: Sequence[Position]) -> tuple[OpenLot, ...]:
    """What is left, by date of acquisition, account and order of execution; adjusted parts of a lot first."""
    lots = [lot for position in positions for lot in position.lots()]
    lots.sort(key=lambda lot: (lot.opening.acquired, lot.position.account.id, lot.opening.order))
    return tuple([OpenLot.later(_open_lot, desk, part) for lot in lots for part in lot.parts])


def _realized_lot(_name: str, desk: _Desk, row: RowRecord, index: int | None) -> dict[str, Any]:
    """``index`` is None in a retirement account, which has no losses (R16)."""
    records, dollar = desk.records, desk.dollar
    sale, opened, part, quantity, basis, basis_units, start, _ = row
    place, account, security, event, scale, price, price_units = records.sales[sale]
    opening, sold = records.entries[opened], records.entries[place]
    cost = ratio(basis * quantity, basis_units * dollar)
    proceeds = ratio(price * quantity, price_units * dollar)
    disallowed = permanent = _ZERO
    if index is not None and index in desk.lost:
        units, gone, match = desk.lost[index]
        disallowed = ratio(match[4] * units, match[5] * dollar)
        permanent = ratio(match[4] * gone, match[5] * dollar)
    if index in records.moved_in:
        cost += ratio(records.moved_in[index], dollar)
    acquired, begun = opening.acquired or opening.trade_date, date.fromordinal(start)
    is_inherited = opening.kind is EntryKind.INHERIT
    return {
        "sale": sold.id,
        "trade_date": sold.trade_date,
        "account": account,
        "security": security,
        "lot": opening.id,
        "part": part,
        "quantity": _ZERO if event == DisposalEvent.DISTRIBUTION else ratio(quantity, scale),
        "acquired": max(acquired, begun),  # later only in the loss of a gift (IRC 1015(a))
        "holding_start": begun,
        "term": Term.LONG if is_inherited else term(begun, sold.trade_date),
        "proceeds": proceeds,
        "basis": cost,
        "disallowed": disallowed,
        "permanent": permanent,
        "event": DisposalEvent(event) if event else DisposalEvent.SALE,
    }


def _open_lot(_name: str, desk: _Desk, part: Part) -> dict[str, Any]:
    lot, opening = part.lot, part.lot.opening
    entry, security = opening.entry, lot.position.security
    value, given_on = part.gift or (None, None)
    return {
        "opening": entry.id,
        "part": part.number,
        "account": lot.position.account.id,
        "security": security,
        "acquired": date.fromordinal(opening.acquired),
        "holding_start": date.fromordinal(part.holding_start),
        "quantity": ratio(part.quantity, desk.records.scale_at_end(security)),
        "basis": ratio(part.rate[0] * part.quantity, part.rate[1] * desk.dollar),
        "block": entry.block or entry.id,
        "is_inherited": opening.is_inherited,
        "loss_basis": value and ratio(value[0] * part.quantity, value[1] * desk.dollar),
        "loss_start": given_on and date.fromordinal(given_on),
    }


def _wash_match(_name: str, desk: _Desk, match: MatchRecord, policy: Policy) -> dict[str, Any]:
    records = desk.records
    row, opened, part, units, dollars, per, is_permanent, is_rescaled, is_gone = match
    sale, sold_opened, sold_part, sold_units, _, _, start, adjusted = records.realized[row]
    place, account, security, _, scale, _, _ = records.sales[sale]
    sold, replacement = records.entries[place], records.entries[opened]
    bought = replacement.security or ""
    is_other = records.one(bought) != records.one(security)
    covered = records.measures.multiplier(security)
    facts = {
        "R21": adjusted,
        "R23": is_rescaled,
        "R24": is_other,
        "R25": replacement.kind is EntryKind.REINVEST,
        "R26": records.measures.multiplier(bought) != 1 or covered != 1,
        "U3": not is_permanent and _methods_differ(replacement, start, sold),
        "U4": is_gone,
        "U5": _own_date(replacement) < _own_date(records.entries[sold_opened]),
        "U6": opened in records.moved_first,
        "U8": is_other,
    }
    facts |= _who(records.accounts[account], records.accounts[replacement.account])
    all_matched = desk.lost[row][0] == sold_units
    return {
        "sale": sold.id,
        "sold_lot": records.entries[sold_opened].id,
        "replacement": replacement.id,
        "replacement_account": replacement.account,
        "shares": ratio(units, scale) * covered,
        "amount": ratio(dollars * units, per * desk.dollar),
        "treatment": Treatment.PERMANENT if is_permanent else Treatment.DEFERRED,
        "rule_ids": (
            "R5",
            "R12" if all_matched else "R11",
            "R16" if is_permanent else "R13",
            *sorted((rule for rule, decided in facts.items() if decided), key=_rule_order),
        ),
        "sold_part": sold_part,
        "replacement_part": part,
    }


def _who(seller: LedgerAccount, buyer: LedgerAccount) -> dict[str, bool]:
    """Rules and switches that turn on who sold and who bought."""
    same_taxpayer = (buyer.owner, buyer.owner_kind) == (seller.owner, seller.owner_kind)
    return {
        "R17": buyer.id != seller.id and same_taxpayer,
        "R18": not same_taxpayer,
        "U2": buyer.owner != seller.owner and buyer.owner_kind is OwnerKind.PERSON,
        "U7": not buyer.kind.is_taxable and buyer.kind not in IRAS,
    }


def _own_date(entry: LedgerEntry) -> date:
    return entry.acquired or entry.trade_date


def _methods_differ(replacement: LedgerEntry, sold_start: int, sold: LedgerEntry) -> bool:
    """Whether the three readings of U3 give different starts, opening lots keeping an earlier one of their own."""
    own = _own_date(replacement)
    starts = {
        min(
            replacement.holding_start or own,
            tacked_start(
                own=own,
                sold_start=date.fromordinal(sold_start),
                sold_on=sold.trade_date,
                method=method,
            ),
        )
        for method in TackingPolicy
    }
    return len(starts) > 1


def _rule_order(rule: str) -> tuple[str, int]:
    return rule[0], int(rule[1:])
