"""What a harvest is decided from, what comes out of it, and why a loss lot was passed over.

Money is US dollars, quantities are shares, rates are fractions; securities, accounts and openings are primary keys.
A float anywhere is a TypeError.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum

from accounts.typed_values import NOT_RECORDED
from lots.coverage import Coverage
from lots.types import LotRow, Term
from lots.year_tax import TaxPosition
from proposals.costs import TradingCosts
from proposals.types import ComingPurchase, DraftProposal

ZERO = Decimal(0)
CASH = 0  # destination of money that is parked
LotKey = tuple[int, int]  # (opening, part): survives a rebuild of the lots
Place = tuple[int, int]  # account, security
BlockKey = tuple[str, int]  # purchases of one order and security (R9)


class Outcome(StrEnum):
    """The verdict on one loss lot; everything but TAKE is a reason for not harvesting it (F25)."""

    TAKE = "take"
    WAIT = "wait"  # worth more on a later day, which is named
    BELOW_FLOOR = "below_floor"  # loss in dollars or per cent under the policy
    NO_BENEFIT = "no_benefit"  # the sum does not reach the floor
    NO_SUBSTITUTE = "no_substitute"
    SUBSTITUTE_BLOCKED = (
        "substitute_blocked"  # every substitute is inside a window, restricted, or has no price
    )
    RECENT_PURCHASE = "recent_purchase"  # bought in the last 30 days in the household: would wash
    COMING_PURCHASE = "coming_purchase"  # will be bought in the next 30 days by itself
    PERMANENT_WASH = "permanent_wash"  # a retirement account bought or will buy: lost for ever
    RESERVED = "reserved"  # another open proposal sells these shares
    RESTRICTED = "restricted"  # must not be sold
    NO_PRICE = "no_price"
    STALE_PRICE = "stale_price"
    PRICE_JUMP = "price_jump"  # the price moved as only an unbooked split or a wrong price does
    DELISTED = "delisted"
    UNRECONCILED = "unreconciled"  # the account's lots are not what its custodian holds
    NOT_TAX_MANAGED = "not_tax_managed"
    TOO_SMALL = "too_small"  # less than one whole share, to sell or to buy
    HOUSEHOLD_BUSY = "household_busy"  # an approved harvest is still on its way
    NO_TAX_PROFILE = "no_tax_profile"  # no rates of the year, or not for all persons together


class Look(StrEnum):
    """What the bulk screen says about a household."""

    QUIET = "quiet"  # nothing to take and nothing to tell: the exact look can be spared
    SMALL = "small"  # there may be something to tell, but no loss that reaches the floors
    POSSIBLE = "possible"  # there may be a loss to take


def refuse_float(**values: object) -> None:
    """Raises TypeError for every value that is not a Decimal."""
    for name, value in values.items():
        if not isinstance(value, Decimal):
            raise TypeError(f"{name} is a {type(value).__name__}; money and shares are Decimal.")


def dollars_traded(quantity: Decimal, price: Decimal) -> Decimal:
    """Dollars to the cent, by the same expression as ``DraftTrade.amount``."""
    refuse_float(quantity=quantity, price=price)
    return (quantity * price).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestRules:
    """A harvest policy without its table: what a loss must be worth, and how the terms of its sum are priced.

    Dollars, fractions and years; the letters are those of the sum in ``harvesting.economics``.
    """

    minimum_loss: Decimal = Decimal(100)
    minimum_loss_fraction: Decimal = Decimal("0.05")  # of the lot's basis
    year_end_easing: Decimal = Decimal("0.5")  # what is left of those two floors from 1 December
    minimum_benefit: Decimal = Decimal(50)  # net, each further lot of a pair
    minimum_pair_benefit: Decimal = Decimal(100)  # net, a pair of one lot
    maximum_price_age_days: int = 5  # trading days
    maximum_price_jump: Decimal = Decimal("0.4")  # a larger move of a day needs a corporate action
    discount_rate: Decimal = Decimal("0.05")  # D: a year
    horizon_years: Decimal = Decimal(10)  # D: until the substitute is sold
    taxable_sale_chance: Decimal = Decimal(1)  # D: below 1 for gifts and the step-up at death
    future_rate: Decimal | None = None  # D: tax rate of that sale; None = today's long-term rate
    # X: dollars a year per dollar of the pair and unit of its variance. A household's price of 10 on its own tracking
    # error, times the part of it that one pair usually is, a twentieth.
    risk_price: Decimal = Decimal("0.5")
    window_fraction: Decimal = Decimal(
        1
    )  # O: part of the expected shortfall that is counted (docs/backtest.md)
    swap_back_chance: Decimal = Decimal("0.5")  # K, G
    swap_back_horizon_years: Decimal = Decimal(1)  # tracking error that going back saves, how long
    may_keep_substitute: bool = True  # G is zero then
    parks_in_cash: bool = False  # sells although nothing may be bought instead (T9)
    prices_washes: bool = False  # W is priced in taxable accounts, and accepted by a named person
    harvests_gains: bool = False

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if "Decimal" in str(item.type) and not isinstance(value, Decimal | None):
                raise TypeError(f"{item.name} is a {type(value).__name__}; figures are Decimal.")


@dataclass(frozen=True, slots=True)
class PairFigures:
    """How closely a substitute follows what it stands in for; annual fractions, from daily returns.

    ``is_assumed``: there is not enough common history, and the careful default stands in.
    """

    tracking_error: Decimal
    correlation: Decimal
    beta: Decimal
    observations: int
    is_assumed: bool = False

    def __post_init__(self) -> None:
        refuse_float(
            tracking_error=self.tracking_error, correlation=self.correlation, beta=self.beta
        )


@dataclass(frozen=True, slots=True)
class PricedAt:
    """A closing price and its day."""

    price: Decimal
    day: date

    def __post_init__(self) -> None:
        refuse_float(price=self.price)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """An account as far as a harvest is concerned."""

    name: str
    is_taxable: bool
    tax_managed: bool = True
    reinvests_dividends: bool = False
    trades_fractions: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """A household's open lots and today's prices: enough to say which losses pass the floors."""

    as_of: date
    lots: tuple[LotRow, ...]
    accounts: Mapping[int, AccountFacts]
    prices: Mapping[int, PricedAt]
    symbols: Mapping[int, str]
    rules: HarvestRules
    # A price of an earlier day is stale. None: calendar days are counted, which is the stricter reading.
    oldest_fresh_day: date | None = None
    delisted: Mapping[int, date] = field(default_factory=dict)  # since when it no longer trades
    # What will have stopped trading before it could be bought back; ``Surroundings.stays_sold`` keeps what follows.
    ending: Mapping[int, date] = field(default_factory=dict, metadata={NOT_RECORDED: True})

    def symbol(self, security: int) -> str:
        return self.symbols.get(security, f"security {security}")

    def account(self, account: int) -> str:
        return self.accounts[account].name

    def is_fresh(self, security: int) -> bool:
        """Whether there is a price no older than the policy permits, counted in trading days."""
        quote = self.prices.get(security)
        if quote is None:
            return False
        if self.oldest_fresh_day is not None:
            return quote.day >= self.oldest_fresh_day
        return (self.as_of - quote.day).days <= self.rules.maximum_price_age_days


@dataclass(frozen=True, slots=True)
class RecentPurchase:
    """Shares bought in the last 30 days, or about to be, that can still be a replacement (R5, R9, R14).

    ``opening`` is None for what an open proposal is about to buy, and for a purchase that is going to be made by
    itself (``is_coming``), whose ``bought_on`` lies ahead.
    """

    security: int
    account: int
    bought_on: date
    shares: Decimal
    block: BlockKey
    opening: int | None = None
    part: int | None = None
    is_coming: bool = False
    cause: str = ""  # of a coming purchase: a clause for people

    def __post_init__(self) -> None:
        refuse_float(shares=self.shares)


@dataclass(frozen=True, slots=True)
class PaidDividend:
    """A dividend that went ex in the last 60 days; dollars a share."""

    security: int
    ex_date: date
    amount: Decimal

    def __post_init__(self) -> None:
        refuse_float(amount=self.amount)


@dataclass(frozen=True, slots=True)
class DeferredLoss:
    """What the tax engine says of selling all loss lots of one identical group beside purchases that stay (W).

    Dollars of loss by lot that would go into replacement shares, and whether some would be gone for ever.
    """

    by_lot: Mapping[LotKey, Decimal]
    is_permanent: bool

    @property
    def total(self) -> Decimal:
        return sum(self.by_lot.values(), ZERO)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything around the losses that decides whether they may be taken, and what they are worth."""

    tax: TaxPosition
    coverage: Coverage  # whose purchases were looked for
    substitutes: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # by rank
    costs: TradingCosts = field(default_factory=TradingCosts)
    volatilities: Mapping[int, Decimal] = field(default_factory=dict)  # annual
    pairs: Mapping[tuple[int, int], PairFigures] = field(default_factory=dict)
    dividends: tuple[PaidDividend, ...] = ()
    has_budget: bool = False  # of gains this year: then no recent purchase goes along at a gain
    switches: tuple[ComingPurchase, ...] = ()  # reinvestments that can still be switched off
    groups: tuple[frozenset[int], ...] = ()  # substantially identical securities (R24)
    purchases: tuple[RecentPurchase, ...] = ()
    blocks: Mapping[int, BlockKey] = field(default_factory=dict)  # opening -> its order
    buy_blocked: Mapping[int, str] = field(default_factory=dict)  # security -> why and until when
    out_of_date: Mapping[int, tuple[str, ...]] = field(
        default_factory=dict
    )  # mappings not in force
    # Of the mapped substitutes those that left the household's model (F18): by security, a reason each, and the ones
    # that its own list names all the same, a clause each.
    left: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    by_hand: Mapping[int, str] = field(default_factory=dict)
    no_sell: Mapping[tuple[int, int], str] = field(default_factory=dict)  # (account, security)
    # (account, security) -> why what is sold of it is never bought back, a clause: K and G count no swap back for it.
    stays_sold: Mapping[tuple[int, int], str] = field(default_factory=dict)
    unreconciled: Mapping[int, str] = field(default_factory=dict)  # account -> what differs
    reserved: Mapping[LotKey, Decimal] = field(default_factory=dict)
    doubtful: Mapping[int, str] = field(default_factory=dict)  # security -> what its price did
    delisted: Mapping[int, date] = field(default_factory=dict)
    washing: Mapping[int, str] = field(default_factory=dict)  # security -> what the engine says
    deferred: Mapping[frozenset[int], DeferredLoss] = field(
        default_factory=dict
    )  # identical group -> what a strategic wash sale of it would defer, where the rules price it

    def group_of(self, security: int) -> frozenset[int]:
        """The security with everything that is substantially identical to it; sets may share securities."""
        own = frozenset({security})
        return own.union(*(group for group in self.groups if security in group))


@dataclass(frozen=True, slots=True)
class Sale:
    """Shares of one lot to sell, at a loss unless it only goes along. ``loss`` is dollars, negative for a gain."""

    lot: LotRow
    quantity: Decimal
    price: Decimal
    amount: Decimal
    basis: Decimal  # of the shares sold
    term: Term

    @property
    def key(self) -> LotKey:
        return (self.lot.opening, self.lot.part)

    @property
    def place(self) -> Place:
        return (self.lot.account, self.lot.security)

    @property
    def loss(self) -> Decimal:
        return self.basis - self.amount


@dataclass(frozen=True, slots=True)
class Terms:
    """The sum behind one loss in dollars: ``net = S - D - K - O - G - X - Q - W`` (``harvesting.economics``)."""

    saved: Decimal  # S, of the whole loss
    later: Decimal = ZERO  # D
    cost: Decimal = ZERO  # K
    window: Decimal = ZERO  # O
    swap_back: Decimal = ZERO  # G
    tracking: Decimal = ZERO  # X
    dividends: Decimal = ZERO  # Q
    wash: Decimal = ZERO  # W

    @property
    def charges(self) -> Decimal:
        """Everything that is taken off."""
        return (
            self.later + self.cost + self.window + self.swap_back + self.tracking
            + self.dividends + self.wash
        )  # fmt: skip

    @property
    def net(self) -> Decimal:
        return self.saved - self.charges


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sale that is taken: where its money goes, and its sum to the cent. ``substitute`` None = parked in cash."""

    sale: Sale
    substitute: int | None
    terms: Terms
    tax_saved: Decimal  # by the part of the loss that counts this year
    trading_cost: Decimal  # of both legs now
    deferred: Decimal = ZERO  # dollars of its loss that go into replacement shares
    is_companion: bool = False  # a recent purchase that only goes along so that nothing is washed


@dataclass(frozen=True, slots=True)
class Pair:
    """All sales of one account into one substitute, and the one buy that their money pays for (T28)."""

    number: int
    account: int
    substitute: int | None  # None = cash
    sales: tuple[Sale, ...]
    quantity: Decimal  # shares of the substitute
    price: Decimal
    amount: Decimal
    cost: Decimal  # commission, half spread and impact of both legs, exact
    cash_left: Decimal  # less than one share

    @property
    def proceeds(self) -> Decimal:
        """Dollars sold."""
        return sum((sale.amount for sale in self.sales), ZERO)

    @property
    def out_of_market(self) -> Decimal:
        """The part of the proceeds that does not go into the substitute: cash that is left, and what is paid."""
        return 1 - self.amount / self.proceeds if self.proceeds else Decimal(1)


@dataclass(frozen=True, slots=True)
class Trading:
    """What an order is made of: prices and costs by security, and the accounts that trade fractions of a share."""

    prices: Mapping[int, Decimal]
    costs: TradingCosts
    fractional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one lot, in one plain sentence with the figures. ``loss`` is positive dollars."""

    account: int
    security: int
    opening: int
    part: int
    outcome: Outcome
    detail: str
    quantity: Decimal
    loss: Decimal
    terms: Terms | None = None  # the sum, also where the lot is passed over; None = not priced
    substitute: int | None = None
    wait_until: date | None = None  # first day on which it can, or had better, be taken
    amount: Decimal = ZERO  # dollars the sale would bring


@dataclass(frozen=True, slots=True)
class Plan:
    """What to take, in the order in which it was valued, and why the rest is left alone."""

    candidates: tuple[Candidate, ...]
    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]  # one per lot looked at, TAKE included
    tax_saved: Decimal = ZERO
    cost: Decimal = ZERO
    net: Decimal = ZERO
    gap: Decimal = (
        ZERO  # dollars by which a better choice could beat this one at most; 0 = none can
    )
    deferred: Decimal = ZERO  # dollars of loss that strategic wash sales defer


@dataclass(frozen=True, slots=True)
class HarvestResult:
    """What a scan of one household came to. ``reason`` is a stable code, ``detail`` one plain sentence."""

    household: int
    as_of: date
    draft: DraftProposal | None
    findings: tuple[Finding, ...]
    reason: str
    detail: str
