"""Four hundred days of a simulated firm: the night scans, people decide, custodians fill, clients save and reinvest.

Everything goes through the real services on the real database; the only things made up are the prices and the will of
the people. A client follows the instructions of what the adviser approved, and nothing else.
"""

import logging
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account, Firm
from lots.models import Transaction
from lots.position_check import held_on
from lots.rounding import stored_shares
from lots.selectors import ledger, open_lots, unreconciled
from lots.services import book, import_positions
from lots.types import EntryKind, NewTransaction
from proposals import services as desk
from proposals.errors import AllHeldBack, StaleProposal
from proposals.models import Order, Proposal, ScheduledPurchase
from proposals.selectors import window_rows
from proposals.types import OrderStatus, Side, Status, WindowKind
from scans import services as scans
from securities import calendar
from securities.models import Dividend
from tests.simulation.judgement import Ended
from tests.simulation.world import (
    FIRST_DAY,
    Client,
    World,
    declare,
    set_prices,
    sixty_fourths,
    walk,
)

logger = logging.getLogger(__name__)
INSTRUCTION = re.compile(r"\b(S\d+)\b.*? in (.+?) until (\d{4}-\d{2}-\d{2})")
# Only of a loss that was sold: what is said of losses that could be sold today keeps nobody from reinvesting.
WARNING = re.compile(
    r"^Reinvestment is on in (.+): switch it off until .*, because .* sold at a loss "
)
_CENT = Decimal("0.01")
_JITTER = 0.015  # fills stand within this of the order's price


@dataclass(frozen=True)
class Payment:
    """A dividend owed to an account."""

    account: Account
    security: int
    shares: Decimal
    dividend: Dividend


class Life:
    """One run; ``counts`` says what happened in it."""

    def __init__(self, world: World, *, outside: bool = False) -> None:
        self.world = world
        self.rng = world.rng
        self.outside = outside
        self.today = FIRST_DAY
        self.counts: Counter[str] = Counter()
        self.bought_outside: set[int] = set()  # transactions that nobody here proposed
        # (household, account name, symbol) -> reinvestment and savings rest before that day
        self.resting: dict[tuple[int, str, str], date] = {}
        self.payments: list[Payment] = []
        self.next_scan = FIRST_DAY
        self.log: list[str] = []
        self.wrong_statements: list[tuple[date, str]] = []
        self.ended = Ended()
        self.traded = False  # today
        self._number = 0

    def run(self, days: int) -> None:
        """So many calendar days; the last of them ends with a night that nobody answers."""
        last = FIRST_DAY + timedelta(days=days)
        while (tomorrow := calendar.next_business_date(self.today)) <= last:
            self.day()
            self.today = tomorrow
        self.day()
        self.scan()

    def tell(self) -> None:
        """What happened, for the log of the run."""
        logger.info("seed %s: %s", self.world.seed, dict(sorted(self.counts.items())))

    def day(self) -> None:
        """One business day, from the opening to the orders of the evening."""
        Firm.objects.filter(pk=self.world.firm.pk).update(pinned_date=self.today)
        self.traded = False
        for stock in self.world.stocks:
            walk(stock, self.rng)
        set_prices(self.world.stocks, self.today)
        self.mend()
        self.dividends()
        for client in self.world.clients:
            self.save(client)
            self.deposit(client)
            if self.outside:
                self.trade_outside(client)
        self.decide()
        self.export()
        self.fill(chance=0.85)
        if self.rng.random() < 1 / 15:
            self.reconcile()
        if self.today >= self.next_scan:
            self.next_scan = self.today + timedelta(days=self.rng.randint(11, 18))
            self.scan()
            self.decide()
            self.export()
            self.fill(chance=0.5)
        if self.traded:
            self.heed()
        self.ended.watch(self.world.firm)

    # What clients do

    def dividends(self) -> None:
        """Declared, owed to who holds on the eve of the ex-date, paid or reinvested on the pay date."""
        for stock in self.world.stocks:
            if stock.pays_every:
                declare(stock, self.today)
        yesterday = calendar.previous_business_date(self.today)
        going_ex = Dividend.objects.filter(
            security__firm=self.world.firm, ex_date__gt=yesterday, ex_date__lte=self.today
        )
        for dividend in going_ex:
            for client in self.world.clients:
                self.payments += self.owed(client, dividend)
        for payment in [one for one in self.payments if one.dividend.pay_date <= self.today]:
            self.payments.remove(payment)
            self.pay(payment)

    def owed(self, client: Client, dividend: Dividend) -> list[Payment]:
        """To every account that held on the eve of the ex-date, before anything is traded on it."""
        held: dict[int, Decimal] = {}
        for lot in open_lots(client.household.pk):
            if lot.security == dividend.security_id:
                held[lot.account] = held.get(lot.account, Decimal(0)) + lot.quantity
        return [
            Payment(account, dividend.security_id, held[account.pk], dividend)
            for account in client.accounts
            if account.pk in held
        ]

    def pay(self, payment: Payment) -> None:
        account, stock = payment.account, self.world.stock(payment.security)
        dollars = (payment.shares * payment.dividend.amount).quantize(_CENT)
        if not dollars:  # on a fraction of a share: nothing is paid
            return
        shares = sixty_fourths(dollars / stock.price)
        if not account.reinvests_dividends or not shares:
            self.book(account, EntryKind.CASH_IN, amount=dollars)
            self.counts["dividends in cash"] += 1
        elif self.rests(account, stock.symbol):
            self.book(account, EntryKind.CASH_IN, amount=dollars)
            self.counts["reinvestments switched off"] += 1
        else:
            self.book(
                account, EntryKind.REINVEST, stock.row.pk, shares, (shares * stock.price).quantize(_CENT)
            )  # fmt: skip
            self.counts["reinvestments"] += 1

    def save(self, client: Client) -> None:
        """Savings plans that are due, unless an instruction says to wait."""
        for plan in client.savings:
            if not self.is_due(plan):
                continue
            stock = self.world.stock(plan.security_id)
            if self.rests(plan.account, stock.symbol):
                self.counts["savings put off"] += 1
                continue
            shares = sixty_fourths(plan.amount / stock.price)
            cost = (shares * stock.price).quantize(_CENT)
            self.book(plan.account, EntryKind.CASH_IN, amount=plan.amount)
            self.book(plan.account, EntryKind.BUY, stock.row.pk, shares, cost)
            self.counts["scheduled purchases"] += 1

    def is_due(self, plan: ScheduledPurchase) -> bool:
        """On its day of the month, or the next business day after it."""
        yesterday = calendar.previous_business_date(self.today)
        days = [yesterday + timedelta(days=n) for n in range(1, (self.today - yesterday).days + 1)]
        return any(day >= plan.first_on and day.day == plan.first_on.day for day in days)

    def deposit(self, client: Client) -> None:
        if self.rng.random() < 1 / 45:
            account = self.rng.choice(client.accounts)
            dollars = Decimal(self.rng.choice([2_000, 8_000, 15_000]))
            self.book(account, EntryKind.CASH_IN, amount=dollars)
            self.counts["deposits"] += 1

    def trade_outside(self, client: Client) -> None:
        """The client buys what he likes, without asking."""
        if self.rng.random() < 1 / 12:
            account, stock = self.rng.choice(client.accounts), self.rng.choice(self.world.stocks)
            shares = Decimal(self.rng.randint(1, 40))
            cost = (shares * stock.price).quantize(_CENT)
            self.book(account, EntryKind.CASH_IN, amount=cost)
            done = self.book(account, EntryKind.BUY, stock.row.pk, shares, cost)
            self.bought_outside.add(done)
            self.counts["outside trades"] += 1

    def rests(self, account: Account, symbol: str) -> bool:
        until = self.resting.get((account.household_id, account.name, symbol), date.min)
        return self.today < until

    def follow(self, proposal: Proposal) -> None:
        """Do what the approved proposal says about reinvestment and savings."""
        for text in proposal.explanation.get("instructions", []):
            told = INSTRUCTION.search(text)
            assert told is not None, f"an instruction that nobody can follow: {text}"
            symbol, account, until = told.groups()
            assert Account.objects.filter(household=proposal.household_id, name=account).exists(), (
                text
            )
            key = (proposal.household_id, account, symbol)
            self.resting[key] = max(self.resting.get(key, date.min), date.fromisoformat(until))
            self.counts["instructions followed"] += 1

    def heed(self) -> None:
        """Do what the windows page says after a loss was sold: the day on which it is over is that of the fill."""
        for client in self.world.clients:
            for row in window_rows(client.household.pk, self.today):
                told = WARNING.search(row.cause)
                if row.what != WindowKind.REINVESTMENT or told is None:
                    continue
                key = (client.household.pk, told[1], row.symbol)
                self.resting[key] = max(self.resting.get(key, date.min), row.clear_on)
                self.counts["warnings heeded"] += 1

    # What the house does

    def scan(self) -> None:
        run = scans.open_run(firm_id=self.world.firm.pk, as_of=self.today, wake_workers=False)
        list(scans.work_through(run_id=run.pk))
        self.counts["nights"] += 1
        for item in run.items.all():
            assert item.state == "done", (self.today, item.reason, item.detail)
            self.counts[f"reason {item.reason}"] += 1

    def decide(self) -> None:
        """Most proposals are approved, some are rejected, some wait for another day."""
        pending = Proposal.objects.filter(
            household__firm=self.world.firm, status=Status.PENDING
        ).order_by("pk")
        for proposal in pending:
            chance = self.rng.random()
            if proposal.wash_deferred:
                self.counts["strategic wash sales offered"] += 1
            if chance < 0.15:
                desk.reject(
                    user=self.world.adviser,
                    public_id=proposal.public_id,
                    content_sha256=proposal.content_sha256,
                )
                self.counts["rejected"] += 1
            elif chance < 0.85 and self.approve(proposal):
                self.counts[f"approved {proposal.kind}"] += 1
                self.follow(proposal)

    def approve(self, proposal: Proposal) -> bool:
        """The deferred loss of a strategic wash sale is accepted by name, to the cent."""
        by_name: dict[str, Any] = {}
        if proposal.wash_deferred:
            by_name["accept_wash"] = proposal.wash_deferred
        try:
            desk.approve(
                user=self.world.adviser,
                public_id=proposal.public_id,
                content_sha256=proposal.content_sha256,
                **by_name,
            )
        except StaleProposal as refusal:
            self.counts["stale"] += 1
            self.log += [f"{self.today} {proposal.kind}: {one}" for one in refusal.moved]
            return False
        if by_name:
            self.counts["washes accepted by name"] += 1
        return True

    def export(self) -> None:
        approved = Order.objects.filter(account__firm=self.world.firm, status=OrderStatus.APPROVED)
        waiting = approved.count()
        if not waiting:
            return
        try:
            desk.export_orders(user=self.world.operations)
        except AllHeldBack:
            self.counts["held back"] += 1
        left = set(approved.values_list("proposal", flat=True))
        self.counts["orders"] += waiting - approved.count()
        for proposal in Proposal.objects.filter(pk__in=left, status=Status.APPROVED):
            if self.rng.random() < 0.3:  # somebody takes the approval back
                desk.cancel(user=self.world.adviser, public_id=proposal.public_id)
                self.counts["approvals taken back"] += 1

    # What the custodian does

    def reconcile(self) -> None:
        """Its statement of the evening before; now and then it is wrong at first, and mended by another one."""
        client = self.rng.choice(self.world.clients)
        account = self.rng.choice(client.accounts)
        day = calendar.previous_business_date(self.today)
        held = held_on(ledger(client.household.pk), day).get(account.pk, {})
        lines = ["account,symbol,quantity,as_of"]
        lines += [
            f"{account.number},{self.world.stock(one).symbol},{stored_shares(shares):f},{day}"
            for one, shares in held.items()
        ]
        if not held:
            lines.append(f"{account.number},,0,{day}")
        right = "\n".join(lines)
        if len(held) > 1 and self.rng.random() < 0.3:
            self.state("\n".join(lines[:-1]))  # the last position is missing
            self.wrong_statements.append(
                (self.today + timedelta(days=self.rng.randint(0, 20)), right)
            )
            self.counts["statements that differed"] += 1
            assert account.pk in unreconciled(client.household.pk, self.today)
        else:
            self.state(right)
            self.counts["statements that agreed"] += 1

    def mend(self) -> None:
        """Statements that were wrong are put right when their time has come."""
        for due, right in [one for one in self.wrong_statements if one[0] <= self.today]:
            self.wrong_statements.remove((due, right))
            self.state(right)

    def state(self, text: str) -> None:
        import_positions(
            firm=self.world.firm,
            user=self.world.operations,
            file=text.encode(),
            name="positions.csv",
            as_of=self.today,
            correct=True,
        )

    def fill(self, *, chance: float) -> None:
        """Each proposal's orders are executed together, sales first, sometimes in pieces or only in part."""
        ordered = Proposal.objects.filter(household__firm=self.world.firm, status=Status.ORDERED)
        for proposal in ordered.order_by("pk"):
            if self.rng.random() < chance:
                self.execute(proposal)

    def execute(self, proposal: Proposal) -> None:
        orders = list(proposal.orders.filter(status=OrderStatus.ORDERED).order_by("pk"))
        is_partial = self.rng.random() < 0.08 and not proposal.wash_deferred
        part = Decimal(self.rng.choice(["0.3", "0.6"])) if is_partial else Decimal(1)
        rows: list[tuple[Order, Decimal, Decimal]] = []
        proceeds: dict[int, Decimal] = {}
        for order in sorted(orders, key=lambda order: order.side == Side.BUY):
            # What was accepted to the cent is filled at its price, so that it can be told to the cent.
            price = order.reference_price
            if not proposal.wash_deferred:
                price = self.jittered(price)
            quantity = self.wanted(order, part)
            if order.side == Side.SELL:
                proceeds[order.pair] = proceeds.get(order.pair, Decimal(0)) + quantity * price
            elif order.pair:  # for no more than the sales of the pair bring
                quantity = min(quantity, Decimal(int(proceeds.get(order.pair, Decimal(0)) / price)))
            rows += [(order, piece, price) for piece in self.pieces(quantity) if piece]
        if rows:
            lines = ["order_id,external_id,trade_date,quantity,price,fee"]
            for order, quantity, price in rows:
                self._number += 1
                lines.append(
                    f"{order.public_id},F-{self._number},{self.today},{quantity},{price},0"
                )
            desk.import_fills(
                user=self.world.operations, file="\n".join(lines).encode(), name="fills.csv"
            )
            self.counts["fills"] += len(rows)
            self.traded = True
        proposal.refresh_from_db()
        if proposal.status == Status.ORDERED:
            desk.close_orders(user=self.world.operations, public_id=proposal.public_id)
            self.counts["closed in part"] += 1
        self.counts[f"done {proposal.kind}"] += 1

    def wanted(self, order: Order, part: Decimal) -> Decimal:
        left = order.quantity - order.filled_quantity
        return left if part == 1 else Decimal(int(left * part))

    def pieces(self, quantity: Decimal) -> list[Decimal]:
        if quantity < 3 or self.rng.random() < 0.6:
            return [quantity]
        first = Decimal(int(quantity * Decimal("0.4")))
        return [first, quantity - first]

    def jittered(self, price: Decimal) -> Decimal:
        factor = Decimal(f"{self.rng.uniform(1 - _JITTER, 1 + _JITTER):.6f}")
        return (price * factor).quantize(_CENT)

    # Booking

    def book(
        self,
        account: Account,
        kind: EntryKind,
        security: int | None = None,
        quantity: Decimal = Decimal(0),
        amount: Decimal = Decimal(0),
    ) -> int:
        self._number += 1
        row = NewTransaction(
            account=account.pk,
            external_id=f"X-{self._number}",
            trade_date=self.today,
            kind=kind,
            security=security,
            quantity=quantity,
            amount=amount,
        )
        book(firm=self.world.firm, rows=[row], actor="custodian", as_of=self.today)
        return Transaction.objects.get(account=account, external_id=row.external_id).pk
