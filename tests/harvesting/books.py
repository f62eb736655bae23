"""Small households for the pure tests: lots, prices and what surrounds them, as literals."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from harvesting import finder
from harvesting.types import (
    AccountFacts,
    Book,
    Finding,
    HarvestRules,
    Outcome,
    Plan,
    PricedAt,
    RecentPurchase,
    Surroundings,
)
from lots.coverage import Coverage
from lots.types import LotRow
from lots.year_tax import TaxPosition
from proposals.costs import TradingCosts

TODAY = date(2022, 12, 28)
OLD = date(2020, 3, 2)  # long-term today
TAXABLE, SPOUSE, IRA = 1, 2, 3
AAA, BBB, CCC, DDD, EEE = 11, 12, 13, 14, 15
SYMBOLS = {AAA: "AAA", BBB: "BBB", CCC: "CCC", DDD: "DDD", EEE: "EEE"}
ACCOUNTS = {
    TAXABLE: AccountFacts("Ann taxable", is_taxable=True),
    SPOUSE: AccountFacts("Bob taxable", is_taxable=True),
    IRA: AccountFacts("Ann IRA", is_taxable=False),
}

# A loss is worth what it saves less the spread, so that a test shows the one term it is about.
PLAIN = HarvestRules(
    year_end_easing=Decimal(1),
    minimum_pair_benefit=Decimal(50),
    taxable_sale_chance=Decimal(0),
    swap_back_chance=Decimal(0),
    window_fraction=Decimal(0),
    risk_price=Decimal(0),
)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def lot(
    opening: int,
    security: int = AAA,
    quantity: str = "100",
    basis: str = "10000",
    *,
    account: int = TAXABLE,
    acquired: date = OLD,
    part: int = 0,
) -> LotRow:
    return LotRow(
        opening=opening,
        part=part,
        account=account,
        security=security,
        acquired=acquired,
        holding_start=acquired,
        quantity=Decimal(quantity),
        basis=Decimal(basis),
    )


def book(
    *lots: LotRow,
    prices: Mapping[int, str] | None = None,
    days: Mapping[int, date] | None = None,
    accounts: Mapping[int, AccountFacts] = ACCOUNTS,
    rules: HarvestRules = PLAIN,
) -> Book:
    """Every security costs $80 today unless ``prices`` says otherwise; CCC, DDD and EEE cost $50."""
    known = {AAA: "80", BBB: "80", CCC: "50", DDD: "50", EEE: "50", **(prices or {})}
    return Book(
        as_of=TODAY,
        lots=lots,
        accounts=accounts,
        prices={
            security: PricedAt(Decimal(price), (days or {}).get(security, TODAY))
            for security, price in known.items()
            if price
        },
        symbols=SYMBOLS,
        rules=rules,
    )


def position(
    short: str = "0",
    long: str = "100000",
    *,
    limit: str = "3000",
    carried: str = "0.12",
) -> TaxPosition:
    """40.8 % short, 23.8 % long, 37 % ordinary; by default a year with long-term gains to spare."""
    return TaxPosition(
        short_rate=Decimal("0.408"),
        long_rate=Decimal("0.238"),
        ordinary_rate=Decimal("0.37"),
        loss_limit=Decimal(limit),
        carried_loss_value=Decimal(carried),
        short=Decimal(short),
        long=Decimal(long),
    )


def around(
    *purchases: RecentPurchase,
    substitutes: Mapping[int, tuple[int, ...]] | None = None,
    tax: TaxPosition | None = None,
    half_spreads: Mapping[int, Decimal] | None = None,
    **others: object,
) -> Surroundings:
    """AAA and BBB go into CCC, then DDD; nothing costs anything unless half spreads are given."""
    others.setdefault("costs", TradingCosts(half_spreads=half_spreads or {}))
    return Surroundings(
        tax=tax or position(),
        coverage=Coverage(looked_at=2, not_checked=("Bob 401(k) (B-9)",), left_out=()),
        purchases=purchases,
        substitutes={AAA: (CCC, DDD), BBB: (CCC, DDD)} if substitutes is None else substitutes,
        **others,  # type: ignore[arg-type]
    )


def bought(
    days: int,
    shares: str = "40",
    *,
    security: int = AAA,
    account: int = TAXABLE,
    block: str = "another order",
    opening: int = 99,
) -> RecentPurchase:
    """A purchase so many days ago that opened the lot ``opening``, part 0."""
    return RecentPurchase(
        security=security,
        account=account,
        bought_on=days_ago(days),
        shares=Decimal(shares),
        block=(block, security),
        opening=opening,
        part=0,
    )


def plan(the_book: Book, surroundings: Surroundings | None = None) -> Plan:
    """Screen and find in one go; the findings of both."""
    lots, screened = finder.screen(the_book)
    found = finder.find(the_book, lots, surroundings or around())
    return replace(found, findings=finder.all_findings(screened, found))


def outcomes(found: Plan) -> dict[int, Outcome]:
    """Opening -> verdict; fails where a lot has two."""
    verdicts = {finding.opening: finding.outcome for finding in found.findings}
    assert len(verdicts) == len(found.findings)
    return verdicts


def only(found: Plan, outcome: Outcome) -> Finding:
    """The one finding with this outcome."""
    (finding,) = (one for one in found.findings if one.outcome is outcome)
    return finding
