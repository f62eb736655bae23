"""Words of a proposal's life, and the intention it carries."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


class ProposalKind(StrEnum):
    HARVEST = "harvest"
    REBALANCE = "rebalance"
    SWAP_BACK = "swap_back"


class Status(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    ORDERED = "ordered"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    STALE = "stale"


OPEN = (Status.PENDING, Status.APPROVED, Status.ORDERED)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class OrderStatus(StrEnum):
    APPROVED = "approved"  # waits for export
    ORDERED = "ordered"  # in an order file
    FILLED = "filled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class DraftTrade:
    """One line of a proposal: shares of one lot to sell, or shares to buy. Money in dollars.

    ``account``, ``security`` and ``opening`` (the transaction that opened the lot; sells only) are primary keys.
    ``pair`` ties the two legs of a harvest; 0 = none.
    """

    account: int
    security: int
    side: Side
    quantity: Decimal
    price: Decimal
    reason: str
    opening: int | None = None
    part: int | None = None
    basis: Decimal = Decimal(0)
    term: str = ""
    pair: int = 0

    @property
    def amount(self) -> Decimal:
        return (self.quantity * self.price).quantize(Decimal("0.01"))

    @property
    def gain(self) -> Decimal:
        return self.amount - self.basis if self.side is Side.SELL else Decimal(0)


@dataclass(frozen=True, slots=True)
class DraftProposal:
    """What a producer submits: trades, the headline figures, and the canonical inputs behind them."""

    household: int
    kind: ProposalKind
    as_of: date
    sentence: str
    reasons: tuple[str, ...]
    trades: tuple[DraftTrade, ...]
    tax_saved: Decimal  # positive = less tax this year
    cost: Decimal  # spread and commission, positive
    short_gain: Decimal
    long_gain: Decimal
    risk_before: Decimal | None = None  # tracking error, fraction a year
    risk_after: Decimal | None = None
    gap_bp: Decimal | None = None  # distance to the proven bound; None where the kind has none
    inputs: str = ""  # canonical text
    explanation: dict[str, object] = field(
        default_factory=dict
    )  # candidates and sums, for the page
