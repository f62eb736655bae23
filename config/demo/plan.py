"""What the demonstration's families did over the years, drawn from a seed: pure, the same on every machine.

Prices are adjusted, so dividends are in them already and none is booked. Windows come from real purchases and sales
of December 2022.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from random import Random

from accounts.types import AccountKind, FilingStatus
from config.demo.market import AS_OF, MODELS, SUBSTITUTES, Market
from lots.types import EntryKind

HOUSEHOLDS = 40
_NAMES = (
    "Abbott", "Baker", "Castillo", "Delgado", "Ellison", "Fischer", "Garcia", "Hughes", "Ibarra", "Jensen",
    "Kowalski", "Larsen", "Mendoza", "Nakamura", "Okafor", "Patel", "Quinn", "Rossi", "Schneider", "Tanaka",
    "Underwood", "Vargas", "Whitaker", "Xiong", "Young", "Zimmer", "Andersen", "Brennan", "Costa", "Dubois",
    "Eriksen", "Fontaine", "Gupta", "Hansen", "Ivanov", "Johansson", "Keller", "Lindgren", "Moreau", "Novak",
)  # fmt: skip
_FIRST = (
    "Alex",
    "Blair",
    "Casey",
    "Dana",
    "Elliot",
    "Frances",
    "Jamie",
    "Morgan",
    "Robin",
    "Taylor",
)
_CUSTODIANS = ("Example Custody", "Sample Trust Company")
_PARTNERED = (  # second and further accounts of a couple, in turn
    (AccountKind.TAXABLE,),
    (AccountKind.ROTH_IRA,),
    (AccountKind.K401,),
    (AccountKind.TRADITIONAL_IRA, AccountKind.HSA),
)
_RATES = (  # federal ordinary, federal long-term, NIIT, state: examples of four brackets
    ("0.24", "0.15", "0", "0.05"),
    ("0.32", "0.15", "0.038", "0.0685"),
    ("0.37", "0.20", "0.038", "0.093"),
    ("0.22", "0.15", "0", "0"),
)
_INCOMES = {  # federal ordinary rate -> taxable income of a couple and of one person that it is the rate of
    "0.24": (185_000, 110_000),
    "0.32": (370_000, 200_000),
    "0.37": (800_000, 700_000),
    "0.22": (120_000, 60_000),
}
_STANDARD_DEDUCTION = (25_900, 12_950)
_DIVIDENDS = 3_000  # qualified
_INTEREST = 2_000


@dataclass(frozen=True, slots=True)
class PlannedEntry:
    """One transaction to book; money in dollars, no fees."""

    day: date
    kind: EntryKind
    symbol: str = ""
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)


@dataclass(slots=True)
class PlannedAccount:
    owner: str
    kind: AccountKind
    name: str
    number: str
    custodian: str
    reinvests: bool = False
    entries: list[PlannedEntry] = field(default_factory=list)
    cash: Decimal = Decimal(0)
    held: dict[str, Decimal] = field(default_factory=dict)

    def deposit(self, day: date, amount: Decimal) -> None:
        self.entries.append(PlannedEntry(day, EntryKind.CASH_IN, amount=amount))
        self.cash += amount

    def buy(self, market: Market, day: date, symbol: str, dollars: Decimal) -> None:
        """Whole shares for at most the dollars, and never more than the cash there is."""
        price = market.close(symbol, day)
        shares = (min(dollars, self.cash) / price).quantize(Decimal(1), ROUND_DOWN)
        if shares <= 0:
            return
        amount = (shares * price).quantize(Decimal("0.01"))
        if amount > self.cash:
            return
        self.entries.append(PlannedEntry(day, EntryKind.BUY, symbol, shares, price, amount))
        self.cash -= amount
        self.held[symbol] = self.held.get(symbol, Decimal(0)) + shares

    def sell(self, market: Market, day: date, symbol: str, shares: Decimal) -> None:
        price = market.close(symbol, day)
        shares = min(shares, self.held.get(symbol, Decimal(0)))
        if shares <= 0:
            return
        amount = (shares * price).quantize(Decimal("0.01"))
        self.entries.append(PlannedEntry(day, EntryKind.SELL, symbol, shares, price, amount))
        self.cash += amount
        self.held[symbol] -= shares


@dataclass(slots=True)
class PlannedHousehold:
    name: str
    filing_status: FilingStatus
    rates: tuple[Decimal, ...]
    short_outside: Decimal
    long_outside: Decimal
    long_carryover: Decimal
    model: str
    accounts: list[PlannedAccount]


@dataclass(frozen=True, slots=True)
class PlannedIncome:
    """Dollars, before capital gains."""

    ordinary_income: Decimal
    qualified_dividends: Decimal
    modified_agi: Decimal
    net_investment_income: Decimal


def income_of(household: PlannedHousehold) -> PlannedIncome:
    """An income in the bracket whose rate the household was given; interest is part of the ordinary income."""
    place = 0 if household.filing_status is FilingStatus.MARRIED_JOINTLY else 1
    ordinary = _INCOMES[str(household.rates[0])][place]
    return PlannedIncome(
        ordinary_income=Decimal(ordinary),
        qualified_dividends=Decimal(_DIVIDENDS),
        modified_agi=Decimal(ordinary + _DIVIDENDS + _STANDARD_DEDUCTION[place]),
        net_investment_income=Decimal(_DIVIDENDS + _INTEREST),
    )


def plan_households(market: Market, *, seed: int = 20221228) -> list[PlannedHousehold]:
    """Forty households with about a hundred accounts of every kind."""
    chance = Random(seed)
    return [_household(market, chance, number) for number in range(HOUSEHOLDS)]


def _household(market: Market, chance: Random, number: int) -> PlannedHousehold:
    surname = _NAMES[number]
    couple = number % 3 != 2
    household = PlannedHousehold(
        name=f"{surname} {'family' if couple else 'household'}",
        filing_status=FilingStatus.MARRIED_JOINTLY if couple else FilingStatus.SINGLE,
        rates=tuple(Decimal(rate) for rate in _RATES[number % len(_RATES)]),
        short_outside=Decimal(chance.choice((0, 0, 4_000, 12_000))),
        long_outside=Decimal(chance.choice((0, 0, 6_000, 25_000))),
        long_carryover=Decimal(chance.choice((0, 0, 0, 8_000))),
        model=tuple(MODELS)[number % len(MODELS)],
        accounts=_open_accounts(chance, number, surname, couple=couple),
    )
    if number % 8 == 7:
        _fund_lately(market, household)
    else:
        _invest_over_years(market, chance, household)
        _live_through_december(market, chance, household, number)
    return household


def _open_accounts(
    chance: Random, number: int, surname: str, *, couple: bool
) -> list[PlannedAccount]:
    first, second = chance.sample(_FIRST, 2)
    kinds = [(first, AccountKind.TAXABLE)]
    kinds.append((first, AccountKind.TRADITIONAL_IRA if number % 2 else AccountKind.ROTH_IRA))
    if couple:
        kinds += [(second, kind) for kind in _PARTNERED[number % len(_PARTNERED)]]
    if number % 10 == 4:
        kinds.append((first, AccountKind.TRUST))
    return [
        PlannedAccount(
            owner=f"{person} {surname}",
            kind=kind,
            name=f"{person}'s {_label(kind)}",
            number=f"D{number + 1:02d}-{place + 1}",
            custodian=chance.choice(_CUSTODIANS),
            reinvests=chance.random() < 0.15,
        )
        for place, (person, kind) in enumerate(kinds)
    ]


def _label(kind: AccountKind) -> str:
    return {
        AccountKind.TAXABLE: "taxable account",
        AccountKind.TRADITIONAL_IRA: "IRA",
        AccountKind.ROTH_IRA: "Roth IRA",
        AccountKind.K401: "401(k)",
        AccountKind.HSA: "HSA",
        AccountKind.TRUST: "living trust",
    }[kind]


def _buy_model(
    market: Market, account: PlannedAccount, day: date, model: str, dollars: Decimal
) -> None:
    for symbol, weight in MODELS[model].items():
        account.buy(market, day, symbol, dollars * weight)


def _fund_lately(market: Market, household: PlannedHousehold) -> None:
    """A clean household: bought at the model's weights in the autumn, nothing to harvest worth the name."""
    for account in household.accounts:
        day = market.day_on_or_after(date(2022, 12, 20))
        account.deposit(day, Decimal(180_000))
        _buy_model(market, account, day, household.model, Decimal(180_000))


def _invest_over_years(market: Market, chance: Random, household: PlannedHousehold) -> None:
    """A first purchase years ago, then purchases of a few names at a time, never rebalanced: drift and many lots."""
    for account in household.accounts:
        start = market.day_on_or_after(
            date(chance.choice((2016, 2017, 2018, 2019, 2020, 2021)), chance.randint(1, 11), 12)
        )
        dollars = Decimal(chance.choice((120_000, 200_000, 350_000, 500_000)))
        if account.kind is not AccountKind.TAXABLE:
            dollars /= 2
        account.deposit(start, dollars)
        _buy_model(market, account, start, household.model, dollars)
        _add_every_half_year(market, chance, account, household.model, start)


def _add_every_half_year(
    market: Market, chance: Random, account: PlannedAccount, model: str, start: date
) -> None:
    day = start + timedelta(days=182)
    while day < date(2022, 11, 1):
        trading_day = market.day_on_or_after(day)
        dollars = Decimal(chance.choice((6_000, 12_000, 24_000)))
        account.deposit(trading_day, dollars)
        names = chance.sample(sorted(MODELS[model]), 3)
        for symbol in names:
            account.buy(market, trading_day, symbol, dollars / 3)
        day += timedelta(days=182)


def _live_through_december(
    market: Market, chance: Random, household: PlannedHousehold, number: int
) -> None:
    """Purchases and loss sales inside the window before the scan: some losses are really blocked."""
    taxable, retirement = household.accounts[0], household.accounts[1]
    loser = _worst_holding(market, taxable)
    if loser is None:
        return
    if number % 3 == 0:  # an IRA bought what the taxable account would like to harvest
        day = market.day_on_or_after(AS_OF - timedelta(days=chance.randint(5, 20)))
        retirement.deposit(day, Decimal(6_000))
        retirement.buy(market, day, loser, Decimal(6_000))
    if number % 4 == 1:  # a loss was taken by hand: its window blocks buying back
        day = market.day_on_or_after(AS_OF - timedelta(days=chance.randint(3, 22)))
        taxable.sell(market, day, loser, (taxable.held[loser] / 2).quantize(Decimal(1)))
        taxable.buy(market, day, SUBSTITUTES[loser][0], taxable.cash)
    if number % 5 == 2:  # a monthly plan bought a few more shares
        day = market.day_on_or_after(date(2022, 12, 15))
        taxable.deposit(day, Decimal(1_500))
        taxable.buy(market, day, loser, Decimal(1_500))


def _worst_holding(market: Market, account: PlannedAccount) -> str | None:
    """The holding that lost the largest share of its cost by the end of November 2022."""
    day = market.day_on_or_after(date(2022, 11, 30))
    worst, depth = None, Decimal(0)
    for symbol in sorted(account.held):
        bought = [e for e in account.entries if e.symbol == symbol and e.kind is EntryKind.BUY]
        cost = sum((entry.amount for entry in bought), Decimal(0))
        value = sum((entry.quantity for entry in bought), Decimal(0)) * market.close(symbol, day)
        if cost and (value - cost) / cost < depth:
            worst, depth = symbol, (value - cost) / cost
    return worst
