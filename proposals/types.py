"""Words of a proposal's life, and the intention it carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from proposals.allocation import DividedBlock

# A price may move this far between a proposal and its fill: a gain smaller than that may be filled as a loss.
NEARLY_A_LOSS = Decimal("0.02")


def may_turn_loss(*, proceeds: Decimal, basis: Decimal) -> bool:
    """Whether a sale for ``proceeds`` (dollars at today's price) is a loss, or may be one by the time it is filled."""
    return proceeds * (1 - NEARLY_A_LOSS) < basis


# Reason of harvest sales whose money stays in cash, where the policy permits that (T9).
PARKED = "HARVEST_TO_CASH"
# Reason of a swap-back's purchases that such money pays for.
BUY_BACK = "BUY_BACK_FROM_CASH"
CASH = 0  # in place of a substitute's primary key: the money of the sales is parked


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


class ReasonCode(StrEnum):
    """Why there is a proposal: first what opened it, then what stands beside it (F20-F23). Clients ask by them."""

    HARVEST = "HARVEST"
    GAIN_HARVEST = "GAIN_HARVEST"
    SWAP_BACK = "SWAP_BACK"
    DRIFT = "DRIFT"
    CALENDAR = "CALENDAR"  # the date alone
    DEPOSIT = "DEPOSIT"
    CASH_NEED = "CASH_NEED"
    RESTRICTION = "RESTRICTION"
    UNIVERSE = "UNIVERSE"
    RECONSTITUTION = "RECONSTITUTION"
    MODEL_CHANGE = "MODEL_CHANGE"
    MANDATE = "MANDATE"
    RISK_LIMIT = "RISK_LIMIT"
    FACTOR = "FACTOR"
    RISK = "RISK"
    CONTRARIAN = "CONTRARIAN"
    TAX_LOSS = "TAX_LOSS"
    BUDGET = "BUDGET"
    TRANSITION = "TRANSITION"
    EDITED = "EDITED"
    FRONTIER = "FRONTIER"


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
    MUST_SELL = (
        "must_sell"  # all of it, as far as wash sales and other restrictions permit; never bought
    )
    HOLD_GAINS = "hold_gains"  # no sale of a lot whose gain is more than ``limit`` of its value
    MAX_WEIGHT = "max_weight"  # never bought beyond ``limit`` of the household's value

    @property
    def has_limit(self) -> bool:
        """Whether a restriction of this kind names a fraction."""
        return self in (RestrictionKind.HOLD_GAINS, RestrictionKind.MAX_WEIGHT)

    @property
    def told(self) -> str:
        """What it says of a security, after its name."""
        return _TOLD[self]


_TOLD = {
    RestrictionKind.NO_BUY: "must not be bought",
    RestrictionKind.NO_SELL: "must not be sold",
    RestrictionKind.MUST_SELL: "must be sold",
    RestrictionKind.HOLD_GAINS: "is held where its gain is large",
    RestrictionKind.MAX_WEIGHT: "has a largest weight",
}


class Cadence(StrEnum):
    """How often a scheduled purchase is made."""

    ONCE = "once"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


class Proration(StrEnum):
    """How a yearly budget of gains opens over the year (F35)."""

    NONE = "none"  # all of it from the first day
    MONTHLY = "monthly"  # a twelfth more with each month
    QUARTERLY = "quarterly"  # a quarter more with each quarter

    @property
    def label(self) -> str:
        """As the form says it."""
        return {
            Proration.NONE: "from the first day, all of it",
            Proration.MONTHLY: "a twelfth more each month",
            Proration.QUARTERLY: "a quarter more each quarter",
        }[self]


class CashFlowKind(StrEnum):
    """Cash that is going to leave an account, or to come into it, on a day (F6)."""

    WITHDRAWAL = "withdrawal"
    RMD = "rmd"  # a required minimum distribution out of a retirement account
    FEE = "fee"
    DEPOSIT = "deposit"

    @property
    def is_need(self) -> bool:
        """Whether the cash leaves."""
        return self is not CashFlowKind.DEPOSIT

    @property
    def told(self) -> str:
        """In a sentence."""
        return "required distribution" if self is CashFlowKind.RMD else self.value


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


ENDED_PAIRS = (PairState.DONE, PairState.GONE)


class OrderType(StrEnum):
    """How the custodian is asked to trade an order (F10); Lotwise does not execute."""

    MARKET = "market"
    LIMIT = "limit"
    TWAP = "twap"
    VWAP = "vwap"

    @property
    def label(self) -> str:
        """As people write it."""
        return self.upper() if self in (OrderType.TWAP, OrderType.VWAP) else self.capitalize()


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
    # Dollars of net gain that a rebalance opened for the factor reason alone may realise (F17); None = no limit.
    factor_gain_limit: Decimal | None = None
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


class Origin(StrEnum):
    """What opened a window; the text is read by people."""

    TRADE = "trade"  # booked from a statement
    FILL = "fill"  # booked from a fill of one of our orders
    REINVESTED = "reinvested dividend"
    ORDER = "order"
    APPROVED = "approved proposal"
    PENDING = "pending proposal"
    DRAFT = "tonight's draft"
    DIVIDEND = "dividend ahead"  # will be reinvested
    PLAN = "scheduled purchase"


@dataclass(frozen=True, slots=True)
class Cause:
    """One fact that keeps a window open: a sale at a loss, or a purchase."""

    origin: Origin
    security: int
    day: date
    shares: Decimal
    text: str
    retirement: bool = False
    loss: Decimal = Decimal(0)  # dollars of it that can still be disallowed; of sales only


@dataclass(frozen=True, slots=True)
class ComingPurchase:
    """Shares that will be bought by themselves: by a savings plan, or with a dividend (R25, F31)."""

    security: int
    account: int
    day: date
    shares: Decimal  # about: at the latest price
    price: Decimal  # dollars a share it is reckoned at
    cause: str  # a clause
    is_reinvestment: bool
    retirement: bool  # would take a loss away for ever (R16)
    # It cannot be relied on to be stopped, so it counts as a purchase. A reinvestment that can still be
    # switched off in time does not: ``instruction`` says what to do.
    counts: bool = True
    instruction: str = ""

    def __post_init__(self) -> None:
        for value in (self.shares, self.price):
            if not isinstance(value, Decimal):
                raise TypeError(f"Shares and prices are Decimal, not {type(value).__name__}.")


@dataclass(frozen=True, slots=True)
class RestrictionRow:
    """A restriction in force: of the whole household where ``account`` is None (F37)."""

    security: int
    kind: RestrictionKind
    account: int | None
    since: date
    until: date | None  # last day; None = until somebody ends it
    reason: str
    whose: str = ""  # a clause such as "for the firm"
    limit: Decimal | None = None  # a fraction, of the kinds that have one

    @property
    def dated(self) -> str:
        """The reason with its dates and its level."""
        until = f" until {self.until}" if self.until else ""
        reason = self.reason.strip().rstrip(".")
        return f"{reason} (restricted {self.whose}{' ' if self.whose else ''}since {self.since}{until})"


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Dollars that are going to leave an account or the household, or to come in (F6). Ids are primary keys."""

    kind: CashFlowKind
    amount: Decimal  # dollars, above zero
    due_on: date
    account: int | None  # None = the household's: any of its taxable accounts may raise it
    reason: str

    def told(self, accounts: Mapping[int, str]) -> str:
        """``$5,000.00 for the required distribution of 2024-12-15 from Ann IRA``."""
        where = "the household" if self.account is None else accounts[self.account]
        way = "from" if self.kind.is_need else "into"
        return f"${self.amount:,.2f} for the {self.kind.told} of {self.due_on} {way} {where}"


_NOT_TO_BUY = (RestrictionKind.NO_BUY, RestrictionKind.MUST_SELL)


@dataclass(frozen=True, slots=True)
class Restrictions:
    """The restrictions of one household on one day."""

    rows: tuple[RestrictionRow, ...] = ()

    def against(self, side: Side, *, account: int, security: int) -> RestrictionRow | None:
        """The restriction that any such trade would break; the household's before the account's.

        What must be sold is not bought.
        """
        kinds = _NOT_TO_BUY if side is Side.BUY else (RestrictionKind.NO_SELL,)
        broken = self._on(security, account, *kinds)
        return min(broken, key=lambda row: row.account is not None) if broken else None

    def must_sell(self, *, account: int, security: int) -> RestrictionRow | None:
        """The order to sell the position out; the household's before the account's."""
        found = self._on(security, account, RestrictionKind.MUST_SELL)
        return min(found, key=lambda row: row.account is not None) if found else None

    def hold_gains(self, *, account: int, security: int) -> RestrictionRow | None:
        """The tightest limit on the gain, as a fraction of its value, of a lot that is sold."""
        found = self._on(security, account, RestrictionKind.HOLD_GAINS)
        return min(found, key=lambda row: row.limit or Decimal(0)) if found else None

    def max_weight(self, security: int) -> RestrictionRow | None:
        """The tightest limit on the security's part of the household."""
        found = self._on(security, None, RestrictionKind.MAX_WEIGHT)
        return min(found, key=lambda row: row.limit or Decimal(0)) if found else None

    def _on(
        self, security: int, account: int | None, *kinds: RestrictionKind
    ) -> list[RestrictionRow]:
        return [
            row
            for row in self.rows
            if row.kind in kinds and row.security == security and row.account in (None, account)
        ]


@dataclass(frozen=True, slots=True)
class Departure:
    """A name that left the model which a household follows, by a published version (F18): it is not bought again."""

    since: date
    version: str  # in words, the model named
    is_held: bool  # its exit rule sells nothing

    def told(self, symbol: str) -> str:
        """A clause."""
        return f"{symbol} left the model on {self.since} by {self.version}"

    def holds(self, *, account: int, security: int, by: Restrictions) -> bool:
        """Whether the account's shares of it must stay; an order to sell them goes before the rule."""
        return self.is_held and by.must_sell(account=account, security=security) is None


@dataclass(frozen=True, slots=True)
class BuyBlock:
    """The household sold the security, or an identical one, at a loss: buying it would wash that loss.

    With ``is_restricted`` it must not be bought anyway (F37); then ``clear_on`` is ``date.max`` where no day is set.
    """

    clear_on: date  # first day on which buying is safe again
    cause: str
    shares: Decimal = Decimal(0)  # sold at a loss inside the window
    is_restricted: bool = False
    opened_by: tuple[Cause, ...] = field(default=(), compare=False)

    @property
    def told(self) -> str:
        """A clause: until when, and why."""
        until = "" if self.clear_on == date.max else f" until {self.clear_on}"
        return f"blocked{until}: {self.cause}"

    @property
    def is_window(self) -> bool:
        """Whether a loss would be washed, restricted or not."""
        return self.shares > 0 or not self.is_restricted


@dataclass(frozen=True, slots=True)
class SellBlock:
    """The household bought the security, or an identical one, or will: selling at a loss would be a wash sale."""

    clear_on: date  # first day on which a loss can be taken again
    shares: Decimal  # bought inside the window and held, or about to be bought
    cause: str
    permanent: bool  # some are in a retirement account: the loss would be gone for ever (R16)
    # Every day looked at is inside some window: a savings plan goes on. ``clear_on`` is only where the look ended.
    is_endless: bool = field(default=False, compare=False)
    opened_by: tuple[Cause, ...] = field(default=(), compare=False)

    @property
    def coming(self) -> Decimal:
        """Those of the shares that will be bought by themselves."""
        ahead = (Origin.PLAN, Origin.DIVIDEND)
        return sum((one.shares for one in self.opened_by if one.origin in ahead), Decimal(0))


@dataclass(frozen=True, slots=True)
class Windows:
    """What one household must not trade on a day. Securities, accounts and openings are primary keys."""

    buy_blocked: dict[int, BuyBlock]
    sell_blocked: dict[int, SellBlock]
    # (opening, part) -> shares that others will sell, or that must not be sold
    reserved: dict[tuple[int, int], Decimal]
    # What will be bought by itself in the window of the day; those that count are in ``sell_blocked`` already.
    coming: tuple[ComingPurchase, ...] = ()
    restricted: Restrictions = Restrictions()
    no_sell: frozenset[tuple[int, int]] = frozenset()  # (account, security)

    @property
    def switches(self) -> tuple[ComingPurchase, ...]:
        """Reinvestments that would wash a loss sold today unless they are switched off (F31)."""
        return tuple(one for one in self.coming if not one.counts)


class WindowKind(StrEnum):
    """What a row of the windows table forbids; the text is read by people."""

    NO_BUY = "no buy"
    NO_LOSS_SALE = "no loss sale"
    PLAN = "suspend the plan"
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
    is_endless: bool = field(default=False, compare=False)  # a plan goes on
    opened_by: tuple[Cause, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class HarvestPair:
    """A substitute that stands in for what a harvest sold, until it is swapped back or sold otherwise."""

    sold: int
    substitute: int
    quantity: Decimal  # shares of the substitute
    amount: Decimal  # dollars of the substitute
    sold_on: date


@dataclass(frozen=True, slots=True)
class ParkedMoney:
    """What a harvest's sales brought where nothing was bought instead, and what has become of it; dollars (T9)."""

    proceeds: Decimal  # fees of the sales paid
    home: Decimal  # of them have bought an original since
    balance: (
        Decimal  # booked cash of the account for this pair; below zero = deposits were never booked
    )
    is_back: bool = False  # a swap-back meant for all that was left of it was filled whole
    missed_on: date | None = None  # the last night that looked, if it found the cash gone

    @property
    def left(self) -> Decimal:
        """What has not gone home, whether or not it is still there."""
        return max(self.proceeds - self.home, Decimal(0))


@dataclass(frozen=True, slots=True)
class Homecoming:
    """The later harvest that sold a pair's substitute and buys what it stood in for back."""

    harvest_of: date
    bought: tuple[int, ...]  # the originals of the pair among what it buys
    is_filled: bool  # in part at least


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A filled harvest pair whose substitute is still to be decided about (F30). Ids are primary keys.

    ``order`` is the purchase that brought the substitute, or the first sale whose money was parked: its number is the
    pair's own in every swap-back.
    """

    proposal: int
    pair: int  # its number in the harvest
    order: int
    account: int
    substitute: int  # CASH where the money was parked
    originals: Mapping[int, Decimal]  # security -> dollars sold of it, the first sold of a chain
    sold_on: date  # the last fill of its sales
    due_on: date  # day 31 (T44)
    openings: frozenset[int]  # what opened the substitute's lots
    shares: Decimal  # of the substitute that still stand in
    swapped: Decimal = Decimal(0)  # shares that swap-backs have sold for it
    under_way: bool = False  # an approved swap-back is not filled yet
    waived: str = ""  # why a person decided to stay; empty = nobody did
    harvested_on: date | None = None  # the night of its harvest
    # Security -> dollars sold of what its own purchase bought back: no part of ``originals`` and ``shares``.
    home: Mapping[int, Decimal] = field(default_factory=dict)
    homecoming: Homecoming | None = None
    parked: ParkedMoney | None = None  # of a pair in cash, which has no shares

    @property
    def is_held(self) -> bool:
        """Whether there may be something to go back from."""
        return self.shares > 0 or (self.parked is not None and self.parked.left > 0)


@dataclass(frozen=True, slots=True)
class OverduePair:
    """A pair past its day that the last night did not look at (I23)."""

    household: int
    household_name: str
    proposal: int
    pair: int
    due_on: date
    looked_at: date | None  # None = never


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
    """One input that is not what the proposal was computed from; ``told`` says it in words where somebody has them."""

    input: str
    old: str
    new: str
    told: str = ""  # a clause: it begins small and ends without a full stop

    def __str__(self) -> str:
        return self.told or f"{self.input}: {self.old} → {self.new}"

    @property
    def sentence(self) -> str:
        """As a line of its own."""
        text = str(self)
        return f"{text[:1].upper()}{text[1:]}." if self.told else text


@dataclass(frozen=True, slots=True)
class FillImport:
    """What a fills file did. A fill, or a block's, that was known with the same content changes nothing."""

    new: int  # fills of orders, those of blocks among them
    known: int  # rows
    linked: int = 0  # of the new ones, those that the ledger held already, from a statement
    blocks: tuple[DividedBlock, ...] = ()  # the new ones
