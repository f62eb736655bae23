"""Short notation for hand-written ledgers: ``buy("b1", "2026-03-02", 100, "50.00")``. Amounts are per share."""

from datetime import date
from decimal import Decimal
from typing import Any

from accounts.types import AccountKind, OwnerKind
from lots.types import EntryKind, LedgerAccount, LedgerEntry, LotPick, OpenLot, ReplayResult

T = LedgerAccount("T", AccountKind.TAXABLE, "ann")
T2 = LedgerAccount("T2", AccountKind.TAXABLE, "ann")
SPOUSE = LedgerAccount("S", AccountKind.TAXABLE, "bob")
IRA = LedgerAccount("I", AccountKind.TRADITIONAL_IRA, "ann")
ROTH = LedgerAccount("R", AccountKind.ROTH_IRA, "ann")
K401 = LedgerAccount("K", AccountKind.K401, "ann")
CORP = LedgerAccount("C", AccountKind.TAXABLE, "ann", OwnerKind.CORPORATION)
ACCOUNTS = (T, T2, SPOUSE, IRA, ROTH, K401, CORP)


def day(text: str) -> date:
    return date.fromisoformat(text)


def trade(
    kind: EntryKind, id_: str, on: str, quantity: str | int, price: str | int, **more: Any
) -> LedgerEntry:
    shares = Decimal(quantity)
    fields: dict[str, Any] = {"account": "T", "security": "M"} | more
    fields["fee"] = Decimal(fields.get("fee", 0))
    return LedgerEntry(
        id=id_,
        trade_date=day(on),
        kind=kind,
        quantity=shares,
        amount=shares * Decimal(price),
        **fields,
    )


def buy(id_: str, on: str, quantity: str | int, price: str | int, **more: Any) -> LedgerEntry:
    return trade(EntryKind.BUY, id_, on, quantity, price, **more)


def reinvest(id_: str, on: str, quantity: str | int, price: str | int, **more: Any) -> LedgerEntry:
    return trade(EntryKind.REINVEST, id_, on, quantity, price, **more)


def sell(
    id_: str, on: str, quantity: str | int, price: str | int, *, of: Any = (), **more: Any
) -> LedgerEntry:
    """``of``: pairs or triples (lot, shares[, part]) identified for the sale."""
    return trade(EntryKind.SELL, id_, on, quantity, price, picks=picks(of), **more)


def opening(id_: str, on: str, quantity: str | int, price: str | int, **more: Any) -> LedgerEntry:
    """``acquired``: the date as text. ``price``: the adjusted basis per share."""
    more["acquired"] = day(more["acquired"])
    return trade(EntryKind.OPENING, id_, on, quantity, price, **more)


def gift(id_: str, on: str, quantity: str | int, price: str | int, **more: Any) -> LedgerEntry:
    """``price``: the donor's basis per share; ``market_value``: of all shares."""
    if "market_value" in more:
        more["market_value"] = Decimal(more["market_value"])
    return trade(EntryKind.GIFT, id_, on, quantity, price, **more)


def give(id_: str, on: str, quantity: str | int, *, of: Any = (), **more: Any) -> LedgerEntry:
    return trade(EntryKind.GIVE, id_, on, quantity, 0, picks=picks(of), **more)


def receive(id_: str, on: str, quantity: str | int, price: str | int, **more: Any) -> LedgerEntry:
    return trade(EntryKind.RECEIVE, id_, on, quantity, price, **more)


def transfer(
    id_: str, on: str, quantity: str | int, to: str, *, of: Any = (), **more: Any
) -> LedgerEntry:
    return trade(EntryKind.TRANSFER, id_, on, quantity, 0, to_account=to, picks=picks(of), **more)


def split(id_: str, on: str, ratio: str, **more: Any) -> LedgerEntry:
    return trade(EntryKind.SPLIT, id_, on, ratio, 0, **more)


def picks(of: Any) -> tuple[LotPick, ...]:
    return tuple(LotPick(pick[0], Decimal(pick[1]), *pick[2:]) for pick in of)


def lots(result: ReplayResult, opening: str) -> list[tuple[Any, ...]]:
    """(shares, basis, holding start) of the open parts of one lot, adjusted parts first."""
    return [_shown(lot) for lot in result.open_lots if lot.opening == opening]


def _shown(lot: OpenLot) -> tuple[Any, ...]:
    return lot.quantity, lot.basis, lot.holding_start.isoformat()


def sale(result: ReplayResult, id_: str) -> list[tuple[Any, ...]]:
    """(shares, gain, disallowed) of the rows of one sale."""
    return [(row.quantity, row.gain, row.disallowed) for row in result.realized if row.sale == id_]
