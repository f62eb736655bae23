"""The one place where the backtest meets the finder: a stock and its twins as a household that harvests.

Nothing links two stocks, so each is a household of its own, with one account and one security a twin. Every figure that
the finder sees is Decimal; shares are whole, and so many that one of them does not matter (``START``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from harvesting import finder, lookback
from harvesting.backtest.method import Rules, Setup, SwapBack
from harvesting.types import (
    AccountFacts,
    Book,
    Candidate,
    Finding,
    HarvestRules,
    LotKey,
    Outcome,
    PricedAt,
    Surroundings,
    dollars_traded,
)
from lots.coverage import Coverage
from lots.types import EntryKind, LedgerEntry, LotPick, LotRow
from lots.wash_sales import first_clear_date, in_window
from lots.year_tax import TaxPosition

START = Decimal(10) ** 9  # dollars in each stock
ACCOUNT = 1
Question = tuple[frozenset[int], frozenset[int], frozenset[int]]
ZERO = Decimal(0)
BLOCKED = frozenset({Outcome.RECENT_PURCHASE, Outcome.SUBSTITUTE_BLOCKED, Outcome.NO_SUBSTITUTE})
_SLACK = 1e-6  # of a price: far more than binary floats and cents can lose, so the pre-check drops nothing
_STRICTLY = Decimal("1e-9")  # a loss must exceed the threshold, not reach it
_GAINS = Decimal(10) ** 15  # dollars of gains of either term that every loss can be set against
_ACCOUNTS = {ACCOUNT: AccountFacts("backtest", is_taxable=True)}
_COVERAGE = Coverage(looked_at=1, not_checked=(), left_out=())


@dataclass(slots=True)
class Tally:
    """What happened, counted once per ticker and scan."""

    harvests: int = 0
    blocked: int = 0
    unpaid: int = 0  # taken by nobody because the window is worth more
    along: int = 0  # recent purchases sold along so that a loss is clean
    swaps: int = 0
    looks: int = 0  # questions put to the finder; the same one is not put twice


class StockHousehold:
    """One stock's lots in all its twins, what was sold at a loss when, and every trade as a ledger entry."""

    def __init__(self, setup: Setup, symbol: str, *, price: Decimal, day: date) -> None:
        self.setup = setup
        self.tally = Tally()
        self.entries: dict[str, LedgerEntry] = {}
        self.cash = ZERO  # less than one share
        self._lots: tuple[LotRow, ...] = ()
        self._loss_sales: dict[int, date] = {}
        self._hopeless: dict[Question, int] = {}  # asked before: tickers without a destination
        # Without the rule the finder still needs somewhere to go: a nameless twin, booked back under the one ticker.
        tickers = setup.twins if setup.wash_rule else 2
        self._securities = tuple(range(1, tickers + 1))
        self._symbols = {one: f"{symbol}.{one - 1}" for one in self._securities}
        self._substitutes = {
            one: tuple(other for other in self._securities if other != one)
            for one in self._securities
        }
        self._rules = HarvestRules(
            minimum_loss=Decimal("0.01"),
            minimum_loss_fraction=setup.threshold + _STRICTLY,
            year_end_easing=Decimal(1),
            minimum_benefit=ZERO,
            minimum_pair_benefit=ZERO,
            taxable_sale_chance=ZERO,
            risk_price=ZERO,
            window_fraction=setup.window_fraction,
            swap_back_chance=ZERO,
        )
        self._tax = TaxPosition(
            short_rate=setup.short_rate,
            long_rate=setup.long_rate,
            ordinary_rate=setup.short_rate,
            loss_limit=ZERO,
            carried_loss_value=ZERO,
            short=_GAINS,
            long=_GAINS,
        )
        self._buy(self._securities[0], START, price, day)

    def may_have_a_loss(self, price: float) -> bool:
        """A quick look in floats that never says no where the finder says yes."""
        return price < self._trigger

    def scan(self, *, price: Decimal, day: date, volatility: Decimal) -> None:
        """Let the finder decide about every loss lot, and do what it says."""
        if self.setup.rules is Rules.OURS:
            self._scan_of(self._securities, price, day, volatility)
            return
        for security in sorted({lot.security for lot in self._lots}):
            self._scan_of((security,), price, day, volatility)

    def contribute(self, *, price: Decimal, day: date) -> None:
        """New money buys the first ticker that no loss forbids; where all are forbidden it waits in cash."""
        money = START * self.setup.contribution
        closed = self._closed(day)
        for security in self._securities:
            if security not in closed:
                self._buy(security, money, price, day)
                return
        self.cash += money

    def swap_back(self, *, price: Decimal, day: date) -> None:
        """By the timer: what has risen in a substitute goes back to the first ticker, and the tax is paid."""
        home = self._securities[0]
        if self.setup.swap_back is SwapBack.NEVER or home in self._closed(day):
            return
        going = [
            lot
            for lot in self._lots
            if lot.security != home
            and not in_window(lot.acquired, day)
            and dollars_traded(lot.quantity, price) >= lot.basis
        ]
        if not going:
            return
        money = sum((self._after_tax(lot, price, day) for lot in going), ZERO)
        for lot in going:
            self._sell(lot, dollars_traded(lot.quantity, price), day)
        self._buy(home, money, price, day)
        self.tally.swaps += 1

    def worth(self, price: Decimal) -> Decimal:
        """Dollars before liquidation."""
        return self.cash + sum((lot.quantity * price for lot in self._lots), ZERO)

    def worth_after_tax(self, price: Decimal, day: date) -> Decimal:
        """Dollars when everything is sold at the end, each lot taxed by its term."""
        return self.cash + sum((self._after_tax(lot, price, day) for lot in self._lots), ZERO)

    def _after_tax(self, lot: LotRow, price: Decimal, day: date) -> Decimal:
        amount = dollars_traded(lot.quantity, price)
        rate = self.setup.rate(self.setup.term(lot.acquired, day))
        return amount - (amount - lot.basis) * rate

    def _scan_of(
        self, offered: Collection[int], price: Decimal, day: date, volatility: Decimal
    ) -> None:
        book = self._book(price, day)
        passed, _ = finder.screen(book)
        losing = [lot for lot in passed if lot.security in offered]
        if not losing:
            return
        closed = self._closed(day)
        question = self._question(losing, closed, day)
        if question in self._hopeless:
            self.tally.blocked += self._hopeless[question]
            return
        self.tally.looks += 1
        plan = finder.find(book, losing, self._around(losing, closed, day, volatility))
        self._count(plan.findings)
        if all(finding.outcome is Outcome.SUBSTITUTE_BLOCKED for finding in plan.findings):
            self._hopeless[question] = len({finding.security for finding in plan.findings})
        bought: dict[int, list[Candidate]] = {}
        for one in plan.candidates:
            self.tally.along += one.is_companion
            assert one.substitute is not None  # nothing is parked in cash
            bought.setdefault(one.substitute, []).append(one)
        for substitute, taken in sorted(bought.items()):
            self._carry_out(taken, substitute, price, day)

    def _question(self, losing: Iterable[LotRow], closed: Iterable[int], day: date) -> Question:
        """What decides whether a loss has anywhere to go. The price does not: a finding of yesterday holds today."""
        recent = (lot.opening for lot in self._lots if in_window(lot.acquired, day))
        return frozenset(lot.opening for lot in losing), frozenset(closed), frozenset(recent)

    def _count(self, findings: Iterable[Finding]) -> None:
        verdicts: dict[int, set[Outcome]] = {}
        for finding in findings:
            verdicts.setdefault(finding.security, set()).add(finding.outcome)
        for outcomes in verdicts.values():
            if Outcome.TAKE in outcomes:
                self.tally.harvests += 1
            elif outcomes & BLOCKED:
                self.tally.blocked += 1
            else:
                self.tally.unpaid += 1

    def _carry_out(
        self, taken: Sequence[Candidate], substitute: int, price: Decimal, day: date
    ) -> None:
        """Sell, and buy for the proceeds and the tax saved."""
        money = ZERO
        for one in taken:
            sale = one.sale
            money += sale.amount + self._saved(one, day)
            self._loss_sales[sale.lot.security] = day
            self._sell(sale.lot, sale.amount, day)
        self._buy(substitute if self.setup.wash_rule else self._securities[0], money, price, day)

    def _saved(self, one: Candidate, day: date) -> Decimal:
        """The tax saved as the finder has it, or by the study's count of days; negative for a gain that goes along."""
        if self.setup.rules is Rules.OURS:
            return one.tax_saved
        return one.sale.loss * self.setup.rate(self.setup.term(one.sale.lot.holding_start, day))

    def _book(self, price: Decimal, day: date) -> Book:
        quote = PricedAt(price, day)
        return Book(
            as_of=day,
            lots=self._lots,
            accounts=_ACCOUNTS,
            prices=dict.fromkeys(self._securities, quote),
            symbols=self._symbols,
            rules=self._rules,
        )

    def _around(
        self,
        losing: Sequence[LotRow],
        closed: Mapping[int, str],
        day: date,
        volatility: Decimal,
    ) -> Surroundings:
        purchases = lookback.purchases_held(
            as_of=day,
            lots=self._lots if self.setup.wash_rule else (),
            entries=self.entries,
            spent=(),
        )
        return Surroundings(
            tax=self._tax,
            coverage=_COVERAGE,
            substitutes=self._ranked(closed),
            purchases=purchases,
            blocks={
                lot.opening: lookback.order_of(self.entries[str(lot.opening)]) for lot in self._lots
            },
            buy_blocked=closed,
            volatilities=dict.fromkeys(self._securities, volatility),
            reserved=self._reserved(losing),
        )

    def _reserved(self, losing: Sequence[LotRow]) -> dict[LotKey, Decimal]:
        """By the study's method no gain is ever realised: no recent purchase goes along to make a loss clean."""
        if self.setup.rules is Rules.OURS:
            return {}
        offered = {lot.opening for lot in losing}
        return {
            (lot.opening, lot.part): lot.quantity
            for lot in self._lots
            if lot.opening not in offered
        }

    def _ranked(self, closed: Mapping[int, str]) -> Mapping[int, tuple[int, ...]]:
        """By number; where the window is always priced, only the first that is open, as if it were the last."""
        if not self.setup.always_priced:
            return self._substitutes
        return {
            one: tuple([other for other in ranked if other not in closed][:1] or ranked)
            for one, ranked in self._substitutes.items()
        }

    def _closed(self, day: date) -> dict[int, str]:
        """Tickers that a loss of the last 30 days forbids to buy."""
        if not self.setup.wash_rule:
            return {}
        return {
            security: f"not bought before {first_clear_date(sold_on)}: sold at a loss on {sold_on}"
            for security, sold_on in self._loss_sales.items()
            if in_window(day, sold_on)
        }

    def _sell(self, lot: LotRow, amount: Decimal, day: date) -> None:
        self._lots = tuple(one for one in self._lots if one.opening != lot.opening)
        self._book_entry(
            EntryKind.SELL, lot.security, lot.quantity, amount, day,
            picks=(LotPick(str(lot.opening), lot.quantity),), block=f"{lot.security} on {day}",
        )  # fmt: skip
        self._set_trigger()

    def _buy(self, security: int, money: Decimal, price: Decimal, day: date) -> None:
        money += self.cash
        quantity = (money / price).to_integral_value(ROUND_FLOOR)
        amount = dollars_traded(quantity, price)
        self.cash = money - amount
        opening = self._book_entry(EntryKind.BUY, security, quantity, amount, day)
        lot = LotRow(
            opening=opening,
            part=0,
            account=ACCOUNT,
            security=security,
            acquired=day,
            holding_start=day,
            quantity=quantity,
            basis=amount,
        )
        self._lots = (*self._lots, lot)
        self._set_trigger()

    def _book_entry(
        self, kind: EntryKind, security: int, quantity: Decimal, amount: Decimal, day: date,
        picks: tuple[LotPick, ...] = (), block: str | None = None,
    ) -> int:  # fmt: skip
        number = len(self.entries) + 1
        self.entries[str(number)] = LedgerEntry(
            id=str(number),
            trade_date=day,
            account=str(ACCOUNT),
            kind=kind,
            security=str(security),
            quantity=quantity,
            amount=amount,
            picks=picks,
            block=block,
        )
        return number

    def _set_trigger(self) -> None:
        highest = max((float(lot.basis / lot.quantity) for lot in self._lots), default=0.0)
        self._trigger = highest * (1 - float(self.setup.threshold)) * (1 + _SLACK)
