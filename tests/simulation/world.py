"""A random firm from a seed: prices that walk and jump, an identical pair, substitutes, and its households."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from accounts.models import Account, Firm, Household, TaxProfile, User
from accounts.types import AccountKind, FilingStatus, Role
from harvesting.models import HarvestPolicy, SubstituteMapping
from lots.types import EntryKind
from proposals.models import ScheduledPurchase
from proposals.types import Cadence
from rebalancing.models import ModelAssignment, ModelWeight, RebalancePolicy, TargetModel
from securities import calendar
from securities.models import Dividend, Price, Security
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_identical_group,
    make_security,
)

FIRST_DAY = date(2022, 3, 1)
SIXTY_FOURTH = Decimal(1) / 64  # what the oracle counts shares in
_HISTORY = 90  # closes before the first day: what risk is estimated from
_CENT = Decimal("0.01")


@dataclass
class Stock:
    """A security and how it moves."""

    row: Security
    price: Decimal
    volatility: float  # of a day
    drift: float
    pays_every: int = 0  # days between dividends; 0 = pays none
    next_declared: date = date.max

    @property
    def symbol(self) -> str:
        return self.row.symbol


@dataclass
class Client:
    """A household and what it does by itself."""

    household: Household
    accounts: list[Account]
    savings: list[ScheduledPurchase] = field(default_factory=list)

    @property
    def taxable(self) -> list[Account]:
        return [account for account in self.accounts if account.is_taxable]


@dataclass
class World:
    """Everything the simulation moves."""

    seed: int
    rng: Random
    firm: Firm
    adviser: User
    operations: User
    stocks: list[Stock]
    clients: list[Client]

    def stock(self, security: int) -> Stock:
        return next(stock for stock in self.stocks if stock.row.pk == security)


def make_world(seed: int, *, households: int = 1, prices_washes: bool = False) -> World:
    """The firm on the evening before FIRST_DAY; the same seed makes the same firm.

    With ``prices_washes`` its policy offers strategic wash sales, which a person may accept by name.
    """
    rng = Random(seed)
    eve = calendar.previous_business_date(FIRST_DAY)
    firm = make_firm(f"Simulated {seed}", pinned_date=eve)
    adviser, operations = (
        User.objects.create(firm=firm, username=f"{role.value} {seed}", role=role)
        for role in (Role.ADVISER, Role.OPERATIONS)
    )
    stocks = _stocks(firm, rng)
    make_identical_group(adviser, stocks[0].row, stocks[1].row)
    _history(stocks, rng, eve)
    _substitutes(firm, adviser, stocks, rng)
    if prices_washes:
        HarvestPolicy.objects.create(firm=firm, prices_washes=True)
    model = _model(firm, stocks, rng)
    clients = [_client(firm, model, stocks, rng, eve, number) for number in range(households)]
    return World(seed, rng, firm, adviser, operations, stocks, clients)


def walk(stock: Stock, rng: Random) -> None:
    """One day: mostly a small step, now and then a jump that stays below what a split would do."""
    step = rng.gauss(stock.drift, stock.volatility)
    if rng.random() < 1 / 50:
        step += rng.choice([-0.22, -0.15, -0.1, 0.1, 0.15])
    factor = Decimal(f"{max(0.7, min(1.3, 1 + step)):.6f}")
    stock.price = max(Decimal(5), (stock.price * factor).quantize(_CENT))


def set_prices(stocks: list[Stock], day: date) -> None:
    Price.objects.bulk_create(
        Price(security=stock.row, day=day, close=stock.price) for stock in stocks
    )


def sixty_fourths(shares: Decimal) -> Decimal:
    """Shares cut down to whole 64ths."""
    return Decimal(int(shares / SIXTY_FOURTH)) * SIXTY_FOURTH


def _stocks(firm: Firm, rng: Random) -> list[Stock]:
    """Five to eight; the first two are identical and move alike."""
    stocks = [
        Stock(
            row=make_security(firm, f"S{number}"),
            price=Decimal(rng.randint(30, 150)),
            volatility=rng.uniform(0.012, 0.025),
            drift=rng.uniform(-0.0012, 0.0008),
            pays_every=rng.choice([0, 63, 91, 91]),
        )
        for number in range(rng.randint(5, 8))
    ]
    for stock in stocks:
        if stock.pays_every:
            stock.next_declared = FIRST_DAY + timedelta(days=rng.randint(0, stock.pays_every))
    return stocks


def _history(stocks: list[Stock], rng: Random, eve: date) -> None:
    days = [eve]
    while len(days) < _HISTORY:
        days.append(calendar.previous_business_date(days[-1]))
    for day in reversed(days):
        for stock in stocks:
            walk(stock, rng)
        set_prices(stocks, day)


def _substitutes(firm: Firm, author: User, stocks: list[Stock], rng: Random) -> None:
    identical = {stocks[0].row.pk, stocks[1].row.pk}
    for stock in stocks:
        own = identical if stock.row.pk in identical else {stock.row.pk}
        others = [other for other in stocks if other.row.pk not in own]
        for rank, other in enumerate(rng.sample(others, rng.randint(2, 3)), start=1):
            SubstituteMapping.objects.create(
                firm=firm,
                security=stock.row,
                substitute=other.row,
                rank=rank,
                reason="Moves alike.",
                author=author,
                reviewed_on=FIRST_DAY,
            )


def _model(firm: Firm, stocks: list[Stock], rng: Random) -> TargetModel:
    RebalancePolicy.objects.create(firm=firm)
    model = TargetModel.objects.create(firm=firm, name="Model")
    chosen = [stocks[0], *rng.sample(stocks[2:], 3)]
    for stock, weight in zip(chosen, ("0.31", "0.26", "0.22", "0.18"), strict=True):
        ModelWeight.objects.create(model=model, security=stock.row, weight=Decimal(weight))
    return model


def _client(
    firm: Firm, model: TargetModel, stocks: list[Stock], rng: Random, eve: date, number: int
) -> Client:
    household = make_household(firm, f"Household {number}")
    for year in range(FIRST_DAY.year, FIRST_DAY.year + 3):
        TaxProfile.objects.create(
            household=household,
            year=year,
            filing_status=FilingStatus.MARRIED_JOINTLY,
            federal_ordinary_rate=Decimal("0.35"),
            federal_long_rate=Decimal("0.15"),
            short_outside=Decimal(rng.choice([0, 20_000])),
        )
    accounts = [
        make_account(household, f"T-{number}", reinvests=rng.random() < 0.5),
        make_account(household, f"S-{number}", owner="Bob", reinvests=rng.random() < 0.3),
        make_account(
            household, f"I-{number}", kind=AccountKind.TRADITIONAL_IRA, reinvests=True
        ),
    ]  # fmt: skip
    ModelAssignment.objects.create(household=household, model=model)
    client = Client(household, accounts)
    held = [weight.security for weight in model.weights.select_related("security")]
    for account in accounts:
        _opening(account, held, stocks, rng, eve)
    if rng.random() < 0.7:
        client.savings.append(_savings(rng.choice(accounts), rng.choice(held), rng))
    return client


def _opening(
    account: Account, held: list[Security], stocks: list[Stock], rng: Random, eve: date
) -> None:
    """A few purchases of the last two years, some of them of the last weeks, at prices around today's."""
    book(account, EntryKind.CASH_IN, eve - timedelta(days=800), amount="250000")
    purchases = sorted(
        (eve - timedelta(days=rng.choice([rng.randint(1, 40), rng.randint(40, 700)])), security)
        for security in (one.pk for one in held)
        for _ in range(rng.randint(1, 2))
    )
    for day, pk in purchases:
        stock = next(stock for stock in stocks if stock.row.pk == pk)
        price = (stock.price * Decimal(f"{rng.uniform(0.7, 1.5):.4f}")).quantize(_CENT)
        shares = max(1, int(Decimal(25_000) / stock.price))
        book(account, EntryKind.BUY, day, stock.row, str(shares), amount=str(shares * price))


def _savings(account: Account, security: Security, rng: Random) -> ScheduledPurchase:
    return ScheduledPurchase.objects.create(
        account=account,
        security=security,
        amount=Decimal(rng.choice([300, 500, 1000])),
        first_on=FIRST_DAY + timedelta(days=rng.randint(3, 25)),
        cadence=Cadence.MONTHLY,
        reason="Savings plan.",
    )


def declare(stock: Stock, today: date) -> Dividend | None:
    """A dividend is known twenty days before its ex-date and paid ten days after it."""
    if today < stock.next_declared:
        return None
    stock.next_declared = today + timedelta(days=stock.pays_every)
    ex_date = today + timedelta(days=20)
    return Dividend.objects.create(
        security=stock.row,
        ex_date=ex_date,
        pay_date=ex_date + timedelta(days=10),
        amount=(stock.price * Decimal("0.006")).quantize(_CENT) + _CENT,
    )
