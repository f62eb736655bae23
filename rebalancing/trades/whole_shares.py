"""From the optimiser's dollars to shares that every account can trade and pay for: pure Decimal.

Sales are cut to whole shares, or to the fraction that the account trades, unless the complete lot goes; so are
purchases. What must be sold goes whole. Other trades that fall below the minimum take a share more where that is little
more than was asked for, or are dropped, and no security ends above its largest weight. Then each account's cash is
mended: purchases shrink, or sales grow, until the cash is at its floor or above; what rounding left over buys the
shares that were cut by most. Nothing is bought and no loss is sold that the optimiser did not buy or sell, so its
wash-sale sides hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rebalancing.household import location
from rebalancing.household.cash_bands import CashBand, cash_bands, household_band
from rebalancing.types import CENT, ONE, ZERO, HouseholdState, Position, StateLot

HALF = Decimal("0.5")
SPECK = Decimal("0.000001")  # shares: a float's last digits must not cost a whole one
# What is this near to all of a lot is all of it.
NEARLY_ALL = Decimal("0.999999")
# Times the dollars asked for that a trade raised to the smallest size may have: a share can cost more than that.
_LITTLE_MORE = Decimal("1.25")
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


class _Rounding:
    def __init__(self, state: HouseholdState, wanted: Wanted) -> None:
        self._state = state
        self._wanted = wanted
        self._lots = {lot.key: lot for lot in state.lots}
        self._lots_of: dict[Position, list[StateLot]] = {}
        for lot in state.lots:
            self._lots_of.setdefault((lot.account, lot.security), []).append(lot)
        self._bands: Mapping[int, CashBand] = cash_bands(state)
        self._accounts = state.account_of
        self._cash = {account.id: account.cash for account in state.accounts}
        self._heaviest = state.heaviest()  # dollars
        self._held = state.holdings()
        self._places = location.costs(state) or {}
        self._shares = Shares()

    def run(self) -> Shares:
        for key, dollars in self._wanted.sells.items():
            self._set_sale(self._lots[key], self._whole_sale(self._lots[key], dollars))
        self._raise_small_sales()
        self._sell_out()
        for position, dollars in self._wanted.buys.items():
            self._set_buy(position, self._whole_buy(position, dollars))
        self._trade_difference_only()
        self._drop_small_sales()
        self._drop_small_buys()
        for security in sorted(self._heaviest):
            self._reach_weight(security)
        for account in self._bands:
            self._reach_floor(account)
        self._keep_rather_than_move()
        self._buy_back_remainders()
        self._reach_household_ceiling()
        return self._shares

    def _cut(self, position: Position, shares: Decimal) -> Decimal:
        """Shares cut down to what the account can trade."""
        return self._accounts[position[0]].cut(shares)

    def _most(self, lot: StateLot) -> Decimal:
        """Shares a sale may take: the complete lot, or as many as the account can trade of it."""
        return self._accounts[lot.account].most_of(lot)

    def _at_least(self, position: Position, shares: Decimal) -> Decimal:
        """Shares raised to what the account can trade, and at least the least it can."""
        quantum = self._accounts[position[0]].quantum
        return max((shares / quantum).to_integral_value(ROUND_CEILING), ONE) * quantum

    def _must_sell(self, lot: StateLot) -> bool:
        return (lot.account, lot.security) in self._state.must_sell

    def _sell_out(self) -> None:
        """What must be sold, whatever the optimiser's digits say."""
        for lot in self._state.lots:
            if self._must_sell(lot):
                self._set_sale(lot, self._most(lot))

    def _dollars_after(self, security: int) -> Decimal:
        """Dollars of a security that the household ends with."""
        shares = sum(
            (bought for (_, one), bought in self._shares.buys.items() if one == security), ZERO
        )
        shares -= sum(
            (
                sold
                for key, sold in self._shares.sells.items()
                if self._lots[key].security == security
            ),
            ZERO,
        )
        return self._held.get(security, ZERO) + shares * self._price(security)

    def _reach_weight(self, security: int) -> None:
        """Buy less, then sell more, until the security is at its largest weight or below."""
        price, most = self._price(security), self._heaviest[security]
        for position in sorted(one for one in self._shares.buys if one[1] == security):
            over = self._dollars_after(security) - most
            if over > ZERO:
                left = self._shares.buys[position] - self._at_least(position, over / price)
                self._set_buy(position, ZERO if self._is_small(position, left) else left)
        lots = [
            lot
            for lot in self._state.lots
            if lot.security == security
            and (lot.key in self._wanted.sells or not self._state.may_lose(lot))
        ]
        for lot in sorted(lots, key=self._dearness):
            over = self._dollars_after(security) - most
            if over > ZERO:
                sold = self._shares.sells.get(lot.key, ZERO)
                more = self._at_least((lot.account, security), over / price)
                self._set_sale(lot, self._up_to_most(lot, sold + more))

    def _up_to_most(self, lot: StateLot, shares: Decimal) -> Decimal:
        most = self._most(lot)
        return most if shares >= most else self._accounts[lot.account].cut(shares)

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
        return self._accounts[lot.account].cut(shares)

    def _whole_buy(self, position: Position, dollars: Decimal) -> Decimal:
        price = self._price(position[1])
        shares = self._cut(position, dollars / price + SPECK)
        if self._is_small(position, shares) and self._is_wanted(position, dollars):
            raised = self._at_least(position, self._state.smallest_trade(position[0]) / price)
            if raised * price <= dollars * _LITTLE_MORE:
                return raised
        return shares

    def _raise_small_sales(self) -> None:
        """A sale wanted at the smallest size that cutting made smaller takes a share more, if that is little more."""
        wanted: dict[Position, Decimal] = {}
        for key, dollars in self._wanted.sells.items():
            position = self._lots[key].account, self._lots[key].security
            wanted[position] = wanted.get(position, ZERO) + dollars
        for position, dollars in wanted.items():
            missing = self._state.smallest_trade(position[0]) - self._sold_amount(position)
            if missing > ZERO and self._is_wanted(position, dollars):
                self._raise_sale(position, missing, dollars * _LITTLE_MORE)

    def _raise_sale(self, position: Position, missing: Decimal, most: Decimal) -> None:
        """``missing`` dollars more of one lot, where the position then sells no more than ``most``."""
        more = self._at_least(position, missing / self._price(position[1]))
        if self._sold_amount(position) + more * self._price(position[1]) > most:
            return
        chosen = [lot for lot in self._lots_of[position] if lot.key in self._wanted.sells]
        for lot in sorted(chosen, key=self._dearness):
            sold = self._shares.sells.get(lot.key, ZERO)
            if sold + more <= self._most(lot):
                self._set_sale(lot, self._up_to_most(lot, sold + more))
                return

    def _is_wanted(self, position: Position, dollars: Decimal) -> bool:
        """Whether the optimiser asked for a trade of the smallest size, but for a float's last digits."""
        return dollars >= self._state.smallest_trade(position[0]) * NEARLY_ALL

    def _sold_of(self, position: Position) -> list[StateLot]:
        return [lot for lot in self._lots_of.get(position, ()) if lot.key in self._shares.sells]

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
                self._set_buy(position, self._cut(position, self._shares.buys[position] - sold))
            else:
                self._set_buy(position, ZERO)

    def _drop_small_sales(self) -> None:
        positions = {
            (self._lots[key].account, self._lots[key].security) for key in self._shares.sells
        }
        for position in sorted(positions - self._state.must_sell):
            if self._sold_amount(position) < self._state.smallest_trade(position[0]):
                for lot in self._sold_of(position):
                    self._set_sale(lot, ZERO)

    def _is_small(self, position: Position, shares: Decimal) -> bool:
        amount = amount_of(shares, self._price(position[1]))
        return amount < self._state.smallest_trade(position[0])

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
            fewer = max(missing, CENT) / self._paid(largest[1], ONE)
            left = max(shares - self._at_least(largest, fewer), ZERO)
            self._set_buy(largest, ZERO if self._is_small(largest, left) else left)

    def _sell_more(self, account: int, floor: Decimal) -> None:
        """Raise what rounding took away; once more for the commissions of what that sells."""
        before = None
        while self._cash[account] < floor and self._cash[account] != before:
            before = self._cash[account]
            self._sell_for(account, floor)

    def _sell_for(self, account: int, floor: Decimal) -> None:
        """From lots the optimiser chose or lots without a loss."""
        small = self._state.smallest_trade(account)
        for lot in sorted(self._sources(account), key=self._dearness):
            order = self._sold_amount((account, lot.security))
            dollars = floor - self._cash[account]
            if dollars <= ZERO and not ZERO < order < small:
                continue
            dollars = max(dollars, small - order)
            more = self._at_least(
                (account, lot.security), dollars / self._received(lot.security, ONE)
            )
            sold = self._shares.sells.get(lot.key, ZERO)
            self._set_sale(lot, self._up_to_most(lot, sold + more))

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
            value = self._most(lot) * self._price(lot.security)
            worth[lot.security] = worth.get(lot.security, ZERO) + value
        return [lot for lot in lots if worth[lot.security] >= self._state.smallest_trade(account)]

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
            if self._state.may_lose(lot) or sold != sold.to_integral_value():
                continue
            if self._must_sell(lot):
                continue
            for position in sorted(self._shares.buys):
                elsewhere = position[1] == lot.security and position[0] != lot.account
                if elsewhere and not self._lies_better(position, lot):
                    self._keep(lot, position)

    def _lies_better(self, position: Position, lot: StateLot) -> bool:
        """Whether the shares are taxed less in the other account: then the optimiser has moved them there (F36)."""
        there = self._places.get(position, ZERO)
        return there < self._places.get((lot.account, lot.security), ZERO)

    def _keep(self, lot: StateLot, position: Position) -> None:
        sold, bought = self._shares.sells.get(lot.key, ZERO), self._shares.buys[position]
        spare = self._cash[lot.account] - self._bands[lot.account].floor
        affordable = max(spare, ZERO) / self._received(lot.security, ONE)
        kept = min(sold, bought, affordable).to_integral_value(ROUND_FLOOR)
        price = self._price(lot.security)
        order = self._sold_amount((lot.account, lot.security))
        sale, purchase = (self._state.smallest_trade(one) for one in (lot.account, position[0]))
        if 0 < order - kept * price < sale or 0 < (bought - kept) * price < purchase:
            return
        self._set_sale(lot, sold - kept)
        self._set_buy(position, bought - kept)

    def _buy_back_remainders(self) -> None:
        """One share more where more than half a share was cut off and the cash is there."""
        wanted = {
            position: dollars / self._price(position[1]) + SPECK
            for position, dollars in self._wanted.buys.items()
            if position in self._shares.buys and self._accounts[position[0]].quantum == ONE
        }
        cut = {
            position: shares % ONE
            for position, shares in wanted.items()
            if self._shares.buys[position] < shares  # not where it was raised to the smallest size
        }
        for position in sorted(cut, key=lambda position: (-cut[position], position)):
            if cut[position] >= HALF and self._can_pay(position, ONE):
                self._set_buy(position, self._shares.buys[position] + ONE)

    def _can_pay(self, position: Position, extra: Decimal) -> bool:
        """Whether the account can pay for so many shares more, and the security stays within its largest weight."""
        account, security = position
        shares = self._shares.buys[position]
        more = self._paid(security, shares + extra) - self._paid(security, shares)
        more -= self._saved_beyond_spread(position, shares + extra, shares)
        heavy = self._dollars_after(security) + extra * self._price(security)
        if heavy > self._heaviest.get(security, heavy):
            return False
        return self._cash[account] - more >= self._bands[account].floor

    def _reach_household_ceiling(self) -> None:
        """Shares that rounding cut off are bought while the household would end with too much cash."""
        _, most = household_band(self._state)
        while sum(self._cash.values(), ZERO) > most:
            payable = [position for position in self._shares.buys if self._can_pay(position, ONE)]
            if not payable:
                return
            cheapest = min(payable, key=lambda position: (self._price(position[1]), position))
            self._set_buy(cheapest, self._shares.buys[cheapest] + ONE)
