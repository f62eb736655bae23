"""A household as the rebalance sees it, exact: shares, dollars, weights; and the words of an answer.

Weights are fractions of the household's value, cash included. Ids are primary keys.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from functools import cached_property

from lots.types import Term
from lots.year_tax import TaxPosition
from proposals.costs import TradingCosts
from proposals.handling import UNSAID
from proposals.types import CashFlow, DraftProposal, Restrictions, Side, Windows, may_turn_loss
from rebalancing.model_changes.recipes import ExitRule, VersionKind
from rebalancing.policies.occasions import Occasion
from rebalancing.policies.policy import (
    BandType,
    Cadence,
    CashFlows,
    Destination,
    Horizon,
    PolicyKind,
)
from rebalancing.policies.worth import Worth

ZERO = Decimal(0)
ONE = Decimal(1)
CENT = Decimal("0.01")
BASIS_POINTS = Decimal(10_000)  # in one
NOUNS = {Side.BUY: "purchase", Side.SELL: "sale"}  # in sentences
Position = tuple[int, int]  # account, security
# What an order costs however small it is must be no more than this part of it.
TICKET_SHARE = Decimal("0.01")
NOTICEABLE_IMPACT = Decimal("0.00005")  # of the dollars traded: half a basis point


class Outcome(StrEnum):
    """Why a household has a proposal, or none. An optimiser's error adds its own ``code`` to these."""

    PROPOSED = "rebalance_proposed"
    NO_MODEL = "no_model"
    NO_TAX_PROFILE = "no_tax_profile"
    BUSY = "busy"  # an approved rebalance is still on its way
    EMPTY = "no_lots_or_cash"
    STALE_PRICES = "stale_prices"
    UNRECONCILED = "unreconciled"  # an account's lots are not what its custodian holds (T53)
    LEDGER_AHEAD = "ledger_ahead"
    NOT_DUE = "not_due"  # the policy's next look is still to come
    COOLING_DOWN = "cooling_down"  # too soon after the last executed rebalance
    INSIDE_BANDS = "inside_bands"
    NOT_WORTH_IT = "not_worth_it"
    NO_TRADES = (
        "no_trades"  # out of band, but nothing that may be done, in whole shares, makes it better
    )
    OVER_BUDGET = "over_budget"  # no trades inside the household's budget of gains make it better
    BREAKS_MANDATE = (
        "breaks_mandate"  # the trades found would break a hard rule, or break it further
    )
    WASH_SALE = "wash_sale"  # what the solver chose would wash, and so did its second choice


class LineReason(StrEnum):
    """Why one line of a proposal is there."""

    MUST_SELL = "MUST_SELL"  # a restriction says so
    # A published version of the model asks for it: a universe change, a reconstitution, or new weights.
    UNIVERSE = "UNIVERSE"
    RECONSTITUTION = "RECONSTITUTION"
    MODEL_CHANGE = "MODEL_CHANGE"
    LOCATION = "LOCATION"  # held elsewhere it is taxed less
    OVERWEIGHT = "OVERWEIGHT"
    UNDERWEIGHT = "UNDERWEIGHT"
    NOT_IN_MODEL = "NOT_IN_MODEL"
    TAX_LOSS = "TAX_LOSS"  # sold although not overweight: the loss is worth more than the drift
    RAISE_CASH = "RAISE_CASH"
    INVEST_CASH = "INVEST_CASH"


class Kept(StrEnum):
    """What keeps shares of a lot from sale beside restrictions, windows and the end of trading; read by people."""

    GIFT = "a gift with two bases has no one gain: a person decides about it"
    BUDGET = "the budget of gains leaves no room for them"
    FACTOR = "the policy's limit on gains for the factor reason leaves no room for them"
    POLICY = "the policy's look trades other names today"
    FIXED = "a line that somebody fixed keeps them"


@dataclass(frozen=True, slots=True)
class Band:
    """How far a security may be off its target: ``absolute`` of the household, ``relative`` of the target."""

    type: BandType
    absolute: Decimal
    relative: Decimal

    def width(self, target: Decimal) -> Decimal:
        """Half the band's width around a target, a fraction of the household; nothing where nothing is wanted."""
        if target <= ZERO:
            return ZERO
        if self.type is BandType.ABSOLUTE:
            return self.absolute
        if self.type is BandType.RELATIVE:
            return self.relative * target
        return min(self.absolute, self.relative * target)


class RiskMethod(StrEnum):
    """What a firm's risk model is estimated from."""

    STATISTICAL = "statistical"  # price histories, all days alike
    EXPONENTIAL = "exponential"  # price histories, the newer days counting more
    FACTOR_ETFS = "factor_etfs"  # regressions on the prices of named factors
    SUPPLIED = "supplied"  # loadings, factor covariance and specific variances that were imported


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A rebalance policy without its tables, every key answered: bands and cash are fractions, money is dollars.

    ``bands`` are those of securities that have one of their own, or of their class (F2).
    """

    absolute_band: Decimal
    relative_band: Decimal
    risk_aversion: Decimal  # price of active variance, per year
    horizon_years: Decimal  # by name: of what has no horizon of its own
    cash_minimum: Decimal
    cash_maximum: Decimal
    minimum_trade: Decimal
    maximum_price_age_days: int = 5
    # Tax that the new basis changes later: when what is held is sold, how likely that is taxed, and a year's discount.
    discount_rate: Decimal = Decimal("0.05")
    later_sale_years: Decimal = Decimal(10)
    taxable_sale_chance: Decimal = Decimal(1)
    slice_above: Decimal = UNSAID.slice_above  # of a day's volume: a larger order should be sliced
    spread_limit: Decimal = UNSAID.spread_limit  # of the price, bid to ask: above it a limit order
    # Dollars of net gain of a rebalance opened for the factor reason alone (F17); None = no limit.
    factor_gain_limit: Decimal | None = None
    cash_need_days: int = 10  # so many days ahead of a need its cash is raised
    kind: PolicyKind = PolicyKind.OPTIMUM
    cadence: Cadence = Cadence.DAILY
    band_type: BandType = BandType.TIGHTER
    destination: Destination = Destination.HALF
    cash_flows: CashFlows = CashFlows.FULL
    horizon: Horizon = Horizon.ONE
    cool_down_days: int = 0  # calendar days after an executed rebalance
    only_if_worth_it: bool = True
    bands: Mapping[int, Band] = field(default_factory=dict)

    def band_of(self, security: int) -> Band:
        """The security's own band, or the policy's."""
        return self.bands.get(security) or Band(
            self.band_type, self.absolute_band, self.relative_band
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest weight a security may have; None: no bound."""

    low: Decimal | None = None
    high: Decimal | None = None

    def tightened(self, *, low: Decimal | None, high: Decimal | None) -> "Bounds":
        """Both bounds, the tighter of each."""
        lows = [one for one in (self.low, low) if one is not None]
        highs = [one for one in (self.high, high) if one is not None]
        return Bounds(max(lows, default=None), min(highs, default=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class JointBounds:
    """What a rule allows several securities and cash together: low <= weights x weight + cash x cash <= high.

    Fractions of the household's value; ``name`` is the rule in words. Trades stay away from the limits by the margins,
    which whole shares may need.
    """

    rule: str  # its id
    name: str
    weights: Mapping[int, Decimal]  # by security, what a unit of its weight counts
    cash: Decimal = Decimal(0)
    low: Decimal | None = None
    high: Decimal | None = None
    low_margin: Decimal = Decimal(0)
    high_margin: Decimal = Decimal(0)
    is_of_doubt: bool = (
        False  # only worth keeping where the rule's other limit is kept: then nobody can say
    )

    def value(self, weights: Mapping[int, Decimal], cash: Decimal) -> Decimal:
        """What a portfolio comes to."""
        held = (each * weights.get(one, ZERO) for one, each in self.weights.items())
        return sum(held, self.cash * cash)

    def missed(self, weights: Mapping[int, Decimal], cash: Decimal) -> Decimal:
        """By how much a portfolio is outside: above zero beyond ``high``, below it under ``low``, 0 inside."""
        value = self.value(weights, cash)
        if self.high is not None and value > self.high:
            return value - self.high
        return min(value - self.low, ZERO) if self.low is not None else ZERO


@dataclass(frozen=True, slots=True)
class Exit:
    """A name that left the household's model with a version, and what becomes of its shares (F18)."""

    rule: ExitRule
    since: date
    kind: VersionKind
    version: str  # in words


@dataclass(frozen=True, slots=True)
class ModelChange:
    """A published change of one weight that the household has not been rebalanced for yet; fractions."""

    before: Decimal
    after: Decimal
    kind: VersionKind
    version: str  # in words


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAccount:
    """An account and the dollars it holds once what is on its way has happened.

    ``cash`` leaves out what is ``set_aside`` for a need (``rebalancing.household.cash_needs``): below zero it
    must be raised.
    """

    id: int
    name: str
    is_taxable: bool
    cash: Decimal
    quantum: Decimal = Decimal(1)  # shares are traded in multiples of it
    set_aside: Decimal = Decimal(0)

    def cut(self, shares: Decimal) -> Decimal:
        """The shares cut down to what the account can trade."""
        return (shares / self.quantum).to_integral_value(ROUND_FLOOR) * self.quantum

    def most_of(self, lot: "StateLot") -> Decimal:
        """Shares a sale of the lot may take: the complete lot, or as many as can be traded of it."""
        return lot.sellable if lot.sellable == lot.quantity else self.cut(lot.sellable)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLot:
    """Shares of one lot that nothing else is going to sell. ``basis`` in dollars is that of ``quantity``."""

    account: int
    security: int
    opening: int
    part: int
    is_taxable: bool
    term: Term  # if sold on the state's date
    quantity: Decimal
    basis: Decimal
    sellable: Decimal  # shares that may be sold, <= quantity

    @property
    def key(self) -> tuple[int, int]:
        return self.opening, self.part

    def may_lose(self, price: Decimal, half_spread: Decimal) -> bool:
        """Whether a sale at about ``price`` may be a loss for the wash-sale rule: a retirement account has none (R16).

        A gain smaller than the spread, or than the rounding to cents, may be a loss once it is filled.
        """
        net = self.quantity * price * (1 - half_spread) - CENT
        return self.is_taxable and net < self.basis

    def may_turn_loss(self, price: Decimal) -> bool:
        """Whether a sale may be a loss by the time it is filled (``proposals.types.may_turn_loss``)."""
        return self.is_taxable and may_turn_loss(proceeds=self.quantity * price, basis=self.basis)


@dataclass(frozen=True, kw_only=True)
class HouseholdState:
    """One household on one date, as if everything approved or drafted tonight had been executed.

    ``incoming`` are shares that those trades buy: they are held, and cannot be sold. ``targets`` count an open
    harvest's substitute as the original (T33). ``buyable`` are the securities that no window, identical group,
    missing price or end of trading forbids.
    """

    household: int
    as_of: date
    accounts: tuple[StateAccount, ...]
    lots: tuple[StateLot, ...]
    incoming: Mapping[Position, Decimal]
    prices: Mapping[int, Decimal]  # dollars a share
    half_spreads: Mapping[int, Decimal]  # fraction of the price, per side
    symbols: Mapping[int, str]
    targets: Mapping[int, Decimal]
    groups: tuple[frozenset[int], ...]
    buyable: frozenset[int]
    tax: TaxPosition
    limits: Limits
    whole_targets: Mapping[int, Decimal] = field(default_factory=dict)  # before substitutes count
    # Where a band rule wants the weights to end; None: at the targets. Drift and tracking error never look at them.
    aims: Mapping[int, Decimal] | None = None
    keeps: Mapping[int, Decimal] = field(default_factory=dict)  # least weight after the trades
    # The optimiser weighs rates and impact; the exact cost of the rounded orders, tickets too, is paid in cash.
    costs: TradingCosts = field(default_factory=TradingCosts)
    restrictions: Restrictions = field(default_factory=Restrictions)
    # What they come to (``rebalancing.household.restrictions``).
    barred: frozenset[Position] = frozenset()  # purchases that one account must not make
    must_sell: frozenset[Position] = frozenset()
    max_weights: Mapping[int, Decimal] = field(default_factory=dict)  # fractions of the value
    # Why, where it is neither restriction nor window nor the end of trading: by lot, what kept it first.
    kept: Mapping[tuple[int, int], Kept] = field(default_factory=dict)
    windows: Windows | None = None  # those that its lots and purchases are cut by
    needs: tuple[CashFlow, ...] = ()  # cash that is set aside for them
    unplaced_need: Decimal = Decimal(0)  # dollars of them that no account sets aside yet
    is_beyond_means: bool = (
        False  # the accounts that have to pay are worth less: nothing is set aside
    )
    drags: Mapping[int, Decimal] = field(default_factory=dict)  # yearly tax on a taxable dollar
    exits: Mapping[int, Exit] = field(default_factory=dict)  # by security, those in force
    delisted: Mapping[int, date] = field(default_factory=dict)  # since when it no longer trades
    model_changes: Mapping[int, ModelChange] = field(default_factory=dict)
    bounds: Mapping[int, Bounds] = field(
        default_factory=dict
    )  # of a mandate, on a security's weight
    joint: tuple[JointBounds, ...] = ()  # of a mandate, on several securities and cash together

    @property
    def cash(self) -> Decimal:
        """Dollars over all accounts, without what is set aside for needs."""
        return sum((account.cash for account in self.accounts), -self.unplaced_need)

    @cached_property
    def value(self) -> Decimal:
        """Dollars: shares at their prices, and cash."""
        return sum(self._dollars.values(), self.cash)

    @property
    def more_leaves_than_stays(self) -> bool:
        """Whether more cash has to be raised than the household is worth without it."""
        return self.cash < -self.value

    @property
    def aimed(self) -> Mapping[int, Decimal]:
        """Weights that the optimiser trades toward."""
        return self.targets if self.aims is None else self.aims

    @cached_property
    def account_of(self) -> Mapping[int, StateAccount]:
        """The accounts by their id."""
        return {account.id: account for account in self.accounts}

    @property
    def must_act(self) -> bool:
        """Whether something must be done at any price: shares to sell, a weight above its limit, cash for a need."""
        short = any(account.set_aside and account.cash < ZERO for account in self.accounts)
        taxable_cash = sum((max(one.cash, ZERO) for one in self.accounts if one.is_taxable), ZERO)
        return (
            short
            or self.is_beyond_means  # somebody must be told
            or self.unplaced_need > taxable_cash
            or any(dollars > ZERO for dollars in self.forced().values())
        )

    def forced(self) -> dict[int, Decimal]:
        """Account -> dollars, at most, of what must be sold there: positions to sell out, weights above their limit."""
        found = {account.id: ZERO for account in self.accounts}
        over = self.overweight()
        for lot in self.lots:
            most = self.account_of[lot.account].most_of(lot) * self.prices[lot.security]
            if (lot.account, lot.security) in self.must_sell:
                found[lot.account] += most
            elif over.get(lot.security, ZERO) > ZERO:
                found[lot.account] += min(most, over[lot.security])
        return found

    def overweight(self) -> dict[int, Decimal]:
        """Security -> dollars held above its largest weight; less than a smallest trade is left out."""
        held, value = self.holdings(), self.value
        over = {
            security: held.get(security, ZERO) - most * value
            for security, most in self.max_weights.items()
        }
        least = self.limits.minimum_trade
        return {one: dollars for one, dollars in over.items() if dollars >= max(least, CENT)}

    def heaviest(self) -> dict[int, Decimal]:
        """Security -> dollars that it may come to: its largest weight, or what must stay of it all the same."""
        if not self.max_weights:
            return {}
        held, value, over = self.holdings(), self.value, self.overweight()
        kept = {
            security: dollars
            - sum(
                self.account_of[lot.account].most_of(lot) * self.prices[security]
                for lot in self.lots
                if lot.security == security
            )
            for security, dollars in held.items()
        }
        return {
            security: max(
                most * value,
                kept.get(security, ZERO) if security in over else held.get(security, ZERO),
            )
            for security, most in self.max_weights.items()
        }

    def shares(self) -> dict[Position, Decimal]:
        """Shares per account and security, incoming ones included."""
        return dict(self._shares)

    def holdings(self) -> dict[int, Decimal]:
        """Dollars per security, over all accounts."""
        return dict(self._dollars)

    @cached_property
    def _shares(self) -> Mapping[Position, Decimal]:
        held = {position: quantity for position, quantity in self.incoming.items() if quantity}
        for lot in self.lots:
            position = (lot.account, lot.security)
            held[position] = held.get(position, ZERO) + lot.quantity
        return held

    @cached_property
    def _dollars(self) -> Mapping[int, Decimal]:
        found: dict[int, Decimal] = {}
        for (_, security), quantity in self._shares.items():
            found[security] = found.get(security, ZERO) + quantity * self.prices[security]
        return found

    def smallest_trade(self, account: int) -> Decimal:
        """Dollars: the policy's smallest trade, or more where the custodian charges a ticket for every order."""
        return max(self.limits.minimum_trade, self.costs.ticket(account) / TICKET_SHARE)

    def keeping(self, lots: Iterable[StateLot], why: Kept) -> "HouseholdState":
        """The state with these of its lots; ``why`` less of them is for sale is remembered."""
        before = {lot.key: lot.sellable for lot in self.lots}
        left = tuple(lots)
        less = {lot.key: why for lot in left if lot.sellable < before[lot.key]}
        return replace(self, lots=left, kept={**less, **self.kept})

    def may_turn_loss(self, lot: StateLot) -> bool:
        return lot.may_turn_loss(self.prices[lot.security])

    def may_lose(self, lot: StateLot) -> bool:
        """Whether selling from the lot today may be a loss that a purchase can wash."""
        return lot.may_lose(self.prices[lot.security], self.half_spreads[lot.security])

    def group_of(self, security: int) -> frozenset[int]:
        """The securities that count as identical with this one (R24), itself included."""
        return next((group for group in self.groups if security in group), frozenset({security}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The figures of one look that got as far as measuring the drift (F3): fractions, and dollars in ``worth``.

    ``counted`` looks are the policy's: the next is due with the next period. ``worth`` is of trades that were found.
    """

    counted: bool
    out_of_band: int  # securities
    largest: int | None
    largest_drift: Decimal
    cash_weight: Decimal
    risk_before: Decimal | None = None
    risk_after: Decimal | None = None
    worth: Worth | None = None


@dataclass(frozen=True, slots=True)
class RebalanceResult:
    """The answer for one household: a draft, or a stable reason code and one plain sentence why there is none.

    ``looked`` is None where nothing was measured. ``occasions`` are what a look that counts has seen.
    """

    household: int
    as_of: date
    draft: DraftProposal | None
    reason: str
    detail: str
    looked: Looked | None = None
    occasions: tuple[Occasion, ...] = ()
