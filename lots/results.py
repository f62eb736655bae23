"""What a replay hands out: exact Fractions and words, worked out from the engine's integers when they are looked at.

Everything here is decided when the replay ends; only its form is made later (``lots.types.Lazy``).
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from accounts.types import OwnerKind
from lots.holding_period import tacked_start, term
from lots.holdings import Opening, Part, Position, SoldPart
from lots.splits import Measures
from lots.types import (
    EntryKind,
    OpenLot,
    RealizedLot,
    TackingPolicy,
    Term,
    Treatment,
    WashMatch,
)
from lots.units import Exact, Rate, ratio
from lots.wash_sales import IRAS, Match, is_older

_ZERO = Fraction(0)


def realized_lots(rows: Iterable[SoldPart], dollar: int) -> tuple[RealizedLot, ...]:
    """``dollar`` is money units in a dollar."""
    later = RealizedLot.later
    return tuple([later(_realized_lot, row, dollar) for row in rows])


def wash_matches(matches: Iterable[Match], dollar: int) -> tuple[WashMatch, ...]:
    later = WashMatch.later
    return tuple([later(_wash_match, match, dollar) for match in matches])


def open_lots(
    positions: Iterable[Position], measures: Measures, end: int, dollar: int
) -> tuple[OpenLot, ...]:
    """What is left, by date of acquisition, account and order of execution; adjusted parts of a lot first.

    ``end`` is the place behind the last entry.
    """
    lots = [lot for position in positions for lot in position.lots()]
    lots.sort(key=lambda lot: (lot.opening.acquired, lot.position.account.id, lot.opening.order))
    later = OpenLot.later
    return tuple(
        [
            later(_open_lot, part, measures.scale(lot.position.security, end), dollar)
            for lot in lots
            for part in lot.parts
        ]
    )


def _money(quantity: Exact, rate: Rate, dollar: int) -> Fraction:
    return ratio(rate[0] * quantity, rate[1] * dollar)


def _realized_lot(row: SoldPart, dollar: int) -> dict[str, Any]:
    sale, opening, loss = row.sale, row.opening, row.loss
    basis = _money(row.quantity, row.rate, dollar)
    disallowed = permanent = _ZERO
    if loss is not None:
        disallowed = _money(row.quantity - loss.unmatched, loss.rate, dollar)
        permanent = _money(loss.permanent, loss.rate, dollar)
    if row.moved_in:
        basis += ratio(row.moved_in, dollar)
    return {
        "sale": sale.entry.id,
        "trade_date": sale.trade_date,
        "account": sale.account.id,
        "security": sale.security,
        "lot": opening.entry.id,
        "part": row.number,
        "quantity": ratio(row.quantity, sale.scale),
        # A loss on a gift counts from the day of the gift (IRC 1015(a)).
        "acquired": max(opening.acquired, row.holding_start),
        "holding_start": row.holding_start,
        "term": _term(row),
        "proceeds": _money(row.quantity, sale.rate, dollar),
        "basis": basis,
        "disallowed": disallowed,
        "permanent": permanent,
        "event": sale.event,
    }


def _term(row: SoldPart) -> Term:
    if row.opening.is_inherited:
        return Term.LONG
    return term(row.holding_start, row.sale.trade_date)


def _open_lot(part: Part, scale: int, dollar: int) -> dict[str, Any]:
    lot, opening = part.lot, part.lot.opening
    value, given_on = part.gift or (None, None)
    return {
        "opening": opening.entry.id,
        "part": part.number,
        "account": lot.position.account.id,
        "security": lot.position.security,
        "acquired": opening.acquired,
        "holding_start": part.holding_start,
        "quantity": ratio(part.quantity, scale),
        "basis": _money(part.quantity, part.rate, dollar),
        "block": opening.entry.block or opening.entry.id,
        "is_inherited": opening.is_inherited,
        "loss_basis": None if value is None else _money(part.quantity, value, dollar),
        "loss_start": given_on,
    }


def _wash_match(match: Match, dollar: int) -> dict[str, Any]:
    loss, row, sale = match.loss, match.loss.row, match.loss.row.sale
    where = "R13" if match.treatment is Treatment.DEFERRED else "R16"
    how_many = "R11" if loss.unmatched else "R12"
    shares = ratio(match.shares, sale.scale)
    if sale.entry.multiplier != 1:
        shares *= Fraction(sale.entry.multiplier)
    return {
        "sale": sale.entry.id,
        "sold_lot": row.opening.entry.id,
        "replacement": match.opening.entry.id,
        "replacement_account": match.opening.account.id,
        "shares": shares,
        "amount": _money(match.shares, loss.rate, dollar),
        "treatment": match.treatment,
        "rule_ids": ("R5", how_many, where, *_deciding_rules(match)),
        "sold_part": row.number,
        "replacement_part": match.part,
    }


def _deciding_rules(match: Match) -> Sequence[str]:
    """Rules and switches beyond window, quantity and basis that made this match what it is."""
    row, opening = match.loss.row, match.opening
    seller, buyer = row.sale.account, opening.account
    bought, sold = opening.entry, row.sale
    same_taxpayer = (buyer.owner, buyer.owner_kind) == (seller.owner, seller.owner_kind)
    facts = {
        "R17": buyer.id != seller.id and same_taxpayer,
        "R18": not same_taxpayer,
        "R21": row.adjusted,
        "R23": match.is_rescaled,
        "R24": bought.security != sold.security,
        "R25": bought.kind is EntryKind.REINVEST,
        "R26": bought.multiplier != 1 or sold.entry.multiplier != 1,
        "U2": buyer.owner != seller.owner and buyer.owner_kind is OwnerKind.PERSON,
        "U3": match.treatment is Treatment.DEFERRED and _methods_differ(row, opening),
        "U4": match.is_gone,
        "U5": is_older(opening, row.opening),
        "U6": opening.moved_first,
        "U7": not buyer.kind.is_taxable and buyer.kind not in IRAS,
        "U8": bought.security != sold.security,
    }
    return [rule for rule, decided in facts.items() if decided]


def _methods_differ(row: SoldPart, opening: Opening) -> bool:
    starts = {
        tacked_start(
            own=opening.acquired,
            sold_start=row.holding_start,
            sold_on=row.sale.trade_date,
            method=method,
        )
        for method in TackingPolicy
    }
    return len(starts) > 1
