"""Words of a proposal's life, and the intention it carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

# A price may move this far between a proposal and its fill: a gain smaller than that may be filled as a loss.
NEARLY_A_LOSS = Decimal("0.02")


def may_turn_loss(*, proceeds: Decimal, basis: Decimal) -> bool:
    """Whether a sale for ``proceeds`` (dollars at today's price) is a loss, or may be one by the time it is filled."""
    return proceeds * (1 - NEARLY_A_LOSS) < basis


class ProposalKind(StrEnum):
    HARVEST = "harvest"
    REBALANCE = "rebalance"
    SWAP_BACK = "swap_back"
    GAIN_HARVEST = (
        "gain_harvest"  # a gain that costs no tax is taken, the shares are bought back at once
    )


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


class RestrictionKind(StrEnum):
    """What must not be done with a security."""

    NO_BUY = "no_buy"
    NO_SELL = "no_sell"


class Cadence(StrEnum):
    """How often a scheduled purchase is made."""

    ONCE = "once"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


class PairState(StrEnum):
    """Where the substitute of a filled harvest stands; an open pair is in exactly one of these (F30, I23).

    Until day 31 it waits. From then on it is decided anew every night; DONE and GONE are the ends.
    """

    WAITING = "waiting"  # inside the window
    PROPOSED = "proposed"  # a swap-back is pending, approved or ordered
    KEEP = "keep"  # going back costs more than it is worth
    HARVEST = (
        "harvest"  # the substitute stands at a loss worth taking: the harvest decides about it
    )
    NEW_CASH = "new_cash"  # the shares stay, new money goes into the original
    DONE = "done"  # swapped back
    GONE = "gone"  # the substitute was sold otherwise
    WAIVED = "waived"  # a person decided to stay


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

    @property
    def may_turn_loss(self) -> bool:
        proceeds = self.quantity * self.price
        return self.side is Side.SELL and may_turn_loss(proceeds=proceeds, basis=self.basis)


@dataclass(frozen=True, slots=True)
class DraftProposal:
    """What a producer submits: trades, the headline figures, and the canonical inputs behind them."""

    household: int
    kind: ProposalKind
    as_of: date
    sentence: str
    reasons: tuple[str, ...]
    trades: tuple[DraftTrade, ...]
    tax_saved: Decimal  # positive = less tax, losses carried to later years at their worth included
    cost: Decimal  # spread and commission, positive
    short_gain: Decimal
    long_gain: Decimal
    carried_worth: Decimal = Decimal(0)  # the part of tax_saved that no return of this year shows
    net: Decimal | None = None  # the whole sum where the kind has one, else tax saved less cost
    wash_deferred: Decimal = Decimal(0)  # dollars of loss that its own sales defer: F28, I9
    risk_before: Decimal | None = None  # tracking error, fraction a year
    risk_after: Decimal | None = None
    gap_bp: Decimal | None = None  # distance to the proven bound; None where the kind has none
    inputs: str = ""  # canonical text
    explanation: dict[str, object] = field(
        default_factory=dict
    )  # candidates and sums, for the page


@dataclass(frozen=True, slots=True)
class Intention:
    """What is still to be done of one trade of an open proposal: a trade of the near future."""

    proposal: int
    kind: ProposalKind
    status: Status
    as_of: date
    account: int
    security: int
    side: Side
    quantity: Decimal  # shares not yet filled
    price: Decimal  # the latest quote; the proposal's where there is none
    opening: int | None
    part: int | None
    at_loss: (
        bool  # a sale in a taxable account that is a loss at ``price``, or nearly (NEARLY_A_LOSS)
    )
    pair: int

    @property
    def amount(self) -> Decimal:
        return (self.quantity * self.price).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class BuyBlock:
    """The household sold the security, or an identical one, at a loss: buying it would wash that loss."""

    clear_on: date  # first day on which buying is safe again
    cause: str
    shares: Decimal = Decimal(0)  # sold at a loss inside the window


@dataclass(frozen=True, slots=True)
class SellBlock:
    """The household bought the security, or an identical one: selling at a loss would be a wash sale."""

    clear_on: date  # first day on which a loss can be taken again
    shares: Decimal  # bought inside the window and held, or about to be bought
    cause: str
    permanent: bool  # some are in a retirement account: the loss would be gone for ever (R16)


@dataclass(frozen=True, slots=True)
class Windows:
    """What one household must not trade on a day. Securities and openings are primary keys."""

    buy_blocked: dict[int, BuyBlock]
    sell_blocked: dict[int, SellBlock]
    reserved: dict[tuple[int, int], Decimal]  # (opening, part) -> shares that others will sell


class WindowKind(StrEnum):
    """What a row of the windows table forbids; the text is read by people."""

    NO_BUY = "no buy"
    NO_LOSS_SALE = "no loss sale"
    REINVESTMENT = "switch reinvestment off"


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One open window, or one hazard, as the household page shows it."""

    security: int
    symbol: str
    what: WindowKind
    shares: Decimal
    clear_on: date
    cause: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class HarvestPair:
    """A substitute that stands in for what a harvest sold, while the window is open."""

    sold: int
    substitute: int
    quantity: Decimal  # shares of the substitute
    amount: Decimal  # dollars of the substitute
    sold_on: date


@dataclass(frozen=True, slots=True)
class Replacement:
    """Shares that take over a disallowed loss, or take it away for ever (R13, R16)."""

    entry: str  # id of the ledger entry that bought them
    bought_on: date
    account: int
    security: int
    shares: Decimal  # as of the sale
    amount: Decimal  # dollars of the loss, to the cent
    is_permanent: bool


@dataclass(frozen=True, slots=True)
class NewWash:
    """A loss, booked or intended, that intended trades would disallow (dollars, to the cent)."""

    sale: str  # id of the ledger entry
    trade_date: date
    account: int
    security: int
    amount: Decimal
    permanent: Decimal
    into: tuple[Replacement, ...] = field(default=(), compare=False)  # what was not there before


@dataclass(frozen=True, slots=True)
class AcceptedWash:
    """Dollars of loss that trades may defer by their own sales, counted at the prices at which the sum was shown."""

    amount: Decimal = Decimal(0)
    prices: Mapping[int, Decimal] = field(default_factory=dict)  # by security


@dataclass(frozen=True, slots=True)
class OwnWash:
    """Loss of one proposal's filled sales that went into shares we bought, or that were known at its approval."""

    proposal: UUID
    kind: ProposalKind
    as_of: date
    washed: Decimal  # dollars, as filled
    as_shown: Decimal  # of the same shares, at the prices at which the proposal was shown
    permanent: Decimal  # dollars gone for ever by a purchase of ours
    accepted: Decimal  # dollars, by name

    @property
    def is_too_much(self) -> bool:
        """A small fall of the price before the fill is accepted with the sum; more shares are not."""
        if self.permanent or not self.accepted:
            return bool(self.washed)
        return self.as_shown > self.accepted + Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a draft cannot become a proposal."""

    code: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Moved:
    """One input that is not what the proposal was computed from."""

    input: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.input}: {self.old} → {self.new}"


@dataclass(frozen=True, slots=True)
class FillImport:
    """What a fills file did. A fill that was known with the same content changes nothing."""

    new: int
    known: int
    linked: int = 0  # of the new ones, those that the ledger held already, from a statement
