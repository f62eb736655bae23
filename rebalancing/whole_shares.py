"""From the optimiser's dollars to whole shares that every account can pay for: pure Decimal.

Sales are cut to whole shares unless the complete lot goes; purchases are cut to whole shares. Trades that fall below
the minimum are dropped. Then each account's cash is mended: purchases shrink, or sales grow, until the cash is at its
floor or above; what rounding left over buys the shares that were cut by most. Nothing is bought and no loss is sold
that the optimiser did not buy or sell, so its wash-sale sides hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rebalancing.cash_bands import CashBand, cash_bands, household_band
from rebalancing.types import CENT, ZERO, HouseholdState, Position, StateLot

ONE = Decimal(1)
HALF = Decimal("0.5")
SPECK = Decimal("0.000001")  # shares: a float's last digits must not cost a whole one
# What is this near to all of a lot is all of it.
NEARLY_ALL = Decimal("0.999999")
LotKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the optimiser asks for, in dollars."""

    buys: Mapping[Position, Decimal]
    sells: Mapping[LotKey, Decimal]


@dataclass(slots=True)
class Shares:
    """What is traded, in shares."""

    buys: dict[Position, Decimal] = field(default_factory=dict)
    sells: dict[LotKey, Decimal] = field(default_factory=dict)


def amount_of(shares: Decimal, price: Decimal) -> Decimal:
    """Dollars of a trade as a proposal shows them: to the cent."""
    return (shares * price).quantize(CENT)


def cost_of(amount: Decimal, half_spread: Decimal) -> Decimal:
    """Dollars that crossing half the spread costs, not rounded."""
    return amount * half_spread


def in_whole_shares(state: HouseholdState, wanted: Wanted) -> Shares:
    """Shares to trade: whole, above the minimum, and paid for in every account."""
    return _Rounding(state, wanted).run()


def _whole(shares: Decimal) -> Decimal:
    return shares.to_integral_value(ROUND_FLOOR)


def _most(lot: StateLot) -> Decimal:
    """Shares a sale may take: the complete lot, or whole shares of it."""
    return lot.sellable if lot.sellable == lot.quantity else _whole(lot.sellable)


class _Rounding:
    def __init__(self, state: HouseholdState, wanted: Wanted) -> None:
        self._state = state
        self._wanted = wanted
        self._lots = {lot.key: lot for lot in state.lots}
        self._bands: Mapping[int, CashBand] = cash_bands(state)
        self._cash = {account.id: account.cash for account in state.accounts}
        self._shares = Shares()

    def run(self) -> Shares:
        for key, dollars in self._wanted.sells.items():
            self._set_sale(self._lots[key], self._whole_sale(self._lots[key], dollars))
        for position, dollars in self._wanted.buys.items():
            self._set_buy(position, _whole(dollars / self._price(position[1]) + SPECK))
        self._trade_difference_only()
        self._drop_small_sales()
        self._drop_small_buys()
        for account in self._bands:
            self._reach_floor(account)
        self._keep_rather_than_move()
        self._buy_back_remainders()
        self._reach_household_ceiling()
        return self._shares

    def _price(self, security: int) -> Decimal:
        return self._state.prices[security]

    def _paid(self, security: int, shares: Decimal) -> Decimal:
        """Dollars a purchase takes out of its account."""
        amount = amount_of(shares, self._price(security))
        return amount + cost_of(amount, self._state.half_spreads[security])

    def _received(self, security: int, shares: Decimal) -> Decimal:
        amount = amount_of(shares, self._price(security))
        return amount - cost_of(amount, self._state.half_spreads[security])

    def _saved_beyond_spread(self, position: Position, shares: Decimal, before: Decimal) -> Decimal:
        """Dollars of commission and impact by which an order of ``shares`` is cheaper than one of ``before``."""
        account, security = position
        price = self._price(security)
        new, old = (
            self._state.costs.beyond_spread(
                account=account, security=security, shares=one, amount=amount_of(one, price)
            )
            for one in (shares, before)
        )
        return old - new

    def _set_buy(self, position: Position, shares: Decimal) -> None:
        account, security = position
        before = self._shares.buys.pop(position, ZERO)
        self._cash[account] += self._paid(security, before) - self._paid(security, shares)
        self._cash[account] += self._saved_beyond_spread(position, shares, before)
        if shares > ZERO:
            self._shares.buys[position] = shares

    def _set_sale(self, lot: StateLot, shares: Decimal) -> None:
        order = self._sold_shares((lot.account, lot.security))
        before = self._shares.sells.pop(lot.key, ZERO)
        received = self._received(lot.security, shares) - self._received(lot.security, before)
        received += self._saved_beyond_spread(
            (lot.account, lot.security), order - before + shares, order
        )
        self._cash[lot.account] += received
        if shares > ZERO:
            self._shares.sells[lot.key] = shares

    def _whole_sale(self, lot: StateLot, dollars: Decimal) -> Decimal:
        shares = min(dollars / self._price(lot.security) + SPECK, lot.sellable)
        if lot.sellable == lot.quantity and shares >= lot.quantity * NEARLY_ALL:
            return lot.quantity
        return _whole(shares)

    def _sold_of(self, position: Position) -> list[StateLot]:
        lots = [self._lots[key] for key in self._shares.sells]
        return [lot for lot in lots if (lot.account, lot.security) == position]

    def _sold_shares(self, position: Position) -> Decimal:
        """Shares of the order that sells from a position."""
        return sum((self._shares.sells[lot.key] for lot in self._sold_of(position)), ZERO)

    def _sold_amount(self, position: Position) -> Decimal:
        """Dollars of the order that sells from a position."""
        return sum(
            (
                amount_of(self._shares.sells[lot.key], self._price(lot.security))
                for lot in self._sold_of(position)
            ),
            ZERO,
        )

    def _trade_difference_only(self) -> None:
        """One account never sells and buys one security (T39): the smaller side goes."""
        for position in list(self._shares.buys):
            lots = self._sold_of(position)
            sold = sum((self._shares.sells[lot.key] for lot in lots), ZERO)
            if not sold:
                continue
            if sold < self._shares.buys[position]:
                for lot in lots:
                    self._set_sale(lot, ZERO)
                self._set_buy(position, _whole(self._shares.buys[position] - sold))
            else:
                self._set_buy(position, ZERO)

    def _drop_small_sales(self) -> None:
        positions = {
            (self._lots[key].account, self._lots[key].security) for key in self._shares.sells
        }
        for position in sorted(positions):
            if self._sold_amount(position) < self._state.limits.minimum_trade:
                for lot in self._sold_of(position):
                    self._set_sale(lot, ZERO)

    def _is_small(self, position: Position, shares: Decimal) -> bool:
        return amount_of(shares, self._price(position[1])) < self._state.limits.minimum_trade

    def _drop_small_buys(self) -> None:
        for position, shares in list(self._shares.buys.items()):
            if self._is_small(position, shares):
                self._set_buy(position, ZERO)

    def _reach_floor(self, account: int) -> None:
        """Shrink purchases, the largest first; where none are left, sell more."""
        floor = self._bands[account].floor
        while self._cash[account] < floor:
            bought = [position for position in self._shares.buys if position[0] == account]
            if not bought:
                self._sell_more(account, floor)
                return
            largest = max(
                bought,
                key=lambda position: (
                    self._paid(position[1], self._shares.buys[position]),
                    position,
                ),
            )
            shares = self._shares.buys[largest]
            missing = floor - self._cash[account]
            fewer = (missing / self._paid(largest[1], ONE)).to_integral_value(ROUND_CEILING)
            left = max(shares - max(fewer, ONE), ZERO)
            self._set_buy(largest, ZERO if self._is_small(largest, left) else left)

    def _sell_more(self, account: int, floor: Decimal) -> None:
        """Raise what rounding took away, from lots the optimiser chose or lots without a loss."""
        for lot in sorted(self._sources(account), key=self._dearness):
            order = self._sold_amount((account, lot.security))
            dollars = floor - self._cash[account]
            if dollars <= ZERO and not ZERO < order < self._state.limits.minimum_trade:
                continue
            dollars = max(dollars, self._state.limits.minimum_trade - order)
            more = (dollars / self._received(lot.security, ONE)).to_integral_value(ROUND_CEILING)
            sold = self._shares.sells.get(lot.key, ZERO)
            most = _most(lot)
            self._set_sale(lot, most if sold + more >= most else _whole(sold + more))

    def _sources(self, account: int) -> list[StateLot]:
        """Lots that may be sold to raise cash, of positions worth a trade."""
        lots = [
            lot
            for lot in self._state.lots
            if lot.account == account
            and lot.sellable > ZERO
            and (lot.key in self._wanted.sells or not self._state.may_lose(lot))
        ]
        worth: dict[int, Decimal] = {}
        for lot in lots:
            value = _most(lot) * self._price(lot.security)
            worth[lot.security] = worth.get(lot.security, ZERO) + value
        return [lot for lot in lots if worth[lot.security] >= self._state.limits.minimum_trade]

    def _dearness(self, lot: StateLot) -> tuple[bool, bool, Decimal, int, LotKey]:
        """What is sold already goes first, then what the optimiser chose, then the smallest gain per dollar."""
        gain = self._price(lot.security) - lot.basis / lot.quantity if lot.is_taxable else ZERO
        return (
            not self._sold_amount((lot.account, lot.security)),
            lot.key not in self._wanted.sells,
            gain / self._price(lot.security),
            lot.security,
            lot.key,
        )

    def _keep_rather_than_move(self) -> None:
        """Shares sold in one account and bought in another stay where they are, if the seller can spare the cash.

        The household ends with the same shares and the same cash, less two spreads.
        """
        for key, sold in list(self._shares.sells.items()):
            lot = self._lots[key]
            if self._state.may_lose(lot) or sold != _whole(sold):
                continue
            for position in sorted(self._shares.buys):
                if position[1] == lot.security and position[0] != lot.account:
                    self._keep(lot, position)

    def _keep(self, lot: StateLot, position: Position) -> None:
        sold, bought = self._shares.sells.get(lot.key, ZERO), self._shares.buys[position]
        spare = self._cash[lot.account] - self._bands[lot.account].floor
        affordable = _whole(max(spare, ZERO) / self._received(lot.security, ONE))
        kept = min(sold, bought, affordable)
        price = self._price(lot.security)
        order = self._sold_amount((lot.account, lot.security))
        small = self._state.limits.minimum_trade
        if 0 < order - kept * price < small or 0 < (bought - kept) * price < small:
            return
        self._set_sale(lot, sold - kept)
        self._set_buy(position, bought - kept)

    def _buy_back_remainders(self) -> None:
        """One share more where more than half a share was cut off and the cash is there."""
        cut = {
            position: (dollars / self._price(position[1]) + SPECK) % ONE
            for position, dollars in self._wanted.buys.items()
            if position in self._shares.buys
        }
        for position in sorted(cut, key=lambda position: (-cut[position], position)):
            if cut[position] >= HALF and self._can_pay_one(position):
                self._set_buy(position, self._shares.buys[position] + ONE)

    def _can_pay_one(self, position: Position) -> bool:
        account, security = position
        shares = self._shares.buys[position]
        more = self._paid(security, shares + ONE) - self._paid(security, shares)
        more -= self._saved_beyond_spread(position, shares + ONE, shares)
        return self._cash[account] - more >= self._bands[account].floor

    def _reach_household_ceiling(self) -> None:
        """Shares that rounding cut off are bought while the household would end with too much cash."""
        _, most = household_band(self._state)
        while sum(self._cash.values(), ZERO) > most:
            payable = [position for position in self._shares.buys if self._can_pay_one(position)]
            if not payable:
                return
            cheapest = min(payable, key=lambda position: (self._price(position[1]), position))
            self._set_buy(cheapest, self._shares.buys[cheapest] + ONE)
