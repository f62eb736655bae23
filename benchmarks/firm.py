"""A firm of any size, made up from a seed: the same arguments make the same firm, whatever else is in the database.

Twenty stocks move with one market through good years and a bad last one; households follow one of three models, hold
one to four accounts (some of them IRAs) and bought the 12 to 15 lots of an account long ago, lately, or now and then.
So some have losses to take, some only drifted, some bought inside the wash-sale window, and some have nothing to do.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import Account, Firm, Household, Owner, TaxProfile, User
from accounts.types import AccountKind, FilingStatus, Role
from harvesting.models import HarvestPolicy, SubstituteMapping
from lots.services import book
from lots.types import EntryKind, NewTransaction
from rebalancing.models import ModelAssignment, ModelWeight, RebalancePolicy, TargetModel
from securities.calendar import next_business_date
from securities.models import Price, Security

AS_OF = date(2022, 12, 28)
HISTORY_DAYS = 3 * 365
BAD_YEAR_DAYS = 250  # trading days
SECURITIES = 20
HOUSEHOLDS_A_BOOKING = 25
CENT = Decimal("0.01")

_KINDS = (
    (AccountKind.TAXABLE,),
    (AccountKind.TAXABLE, AccountKind.TRADITIONAL_IRA),
    (AccountKind.TAXABLE, AccountKind.TAXABLE, AccountKind.ROTH_IRA),
    (AccountKind.TAXABLE, AccountKind.TAXABLE, AccountKind.TRADITIONAL_IRA, AccountKind.TRUST),
)  # on average 2.5 accounts a household
# When a household bought, as parts of the three years.
_VINTAGES = ((0.0, 0.2), (0.6, 0.8), (0.9, 0.95), (0.0, 1.0))
_RATES = (
    # federal ordinary, federal long-term, NIIT, state
    ("0.24", "0.15", "0", "0.05"),
    ("0.35", "0.15", "0.038", "0.0685"),
    ("0.37", "0.20", "0.038", "0.093"),
)


@dataclass(frozen=True)
class _Market:
    days: Sequence[date]
    closes: Mapping[int, Sequence[Decimal]]  # security -> close on each of the days


def make_firm(*, name: str, accounts: int = 1000, seed: int = 1, as_of: date = AS_OF) -> Firm:
    """Make the firm, pinned to ``as_of``, with about ``accounts`` accounts; returns it."""
    chance = random.Random(seed)
    firm = Firm.objects.create(name=name, pinned_date=as_of)
    securities = _make_securities(firm)
    market = _make_prices(chance, securities, as_of)
    _make_substitutes(firm, securities, as_of)
    models = _make_models(firm, securities)
    RebalancePolicy.objects.create(firm=firm, relative_band=Decimal("0.40"))
    HarvestPolicy.objects.create(firm=firm, minimum_loss=Decimal(2500))
    rows: list[NewTransaction] = []
    for number, kinds in enumerate(household_kinds(accounts)):
        followed = models[number % len(models)]
        members = _make_household(chance, firm, number, kinds, followed.model, as_of.year)
        vintage = chance.choice(_VINTAGES)
        for account in members:
            rows += _transactions(chance, account, followed.securities, market, vintage)
        if number % HOUSEHOLDS_A_BOOKING == HOUSEHOLDS_A_BOOKING - 1:
            book(firm=firm, rows=rows, actor="benchmark")
            rows = []
    if rows:
        book(firm=firm, rows=rows, actor="benchmark")
    return firm


def household_kinds(accounts: int) -> Iterator[tuple[AccountKind, ...]]:
    made = number = 0
    while made < accounts:
        kinds = _KINDS[number % len(_KINDS)][: accounts - made]
        yield kinds
        made += len(kinds)
        number += 1


def _make_securities(firm: Firm) -> list[Security]:
    return Security.objects.bulk_create(
        Security(firm=firm, symbol=f"S{number:02}", name=f"Stock {number}")
        for number in range(SECURITIES)
    )


def _make_prices(chance: random.Random, securities: Sequence[Security], as_of: date) -> _Market:
    days = [as_of - timedelta(days=HISTORY_DAYS)]
    while (following := next_business_date(days[-1])) <= as_of:
        days.append(following)
    levels = {security.pk: chance.uniform(20, 300) for security in securities}
    closes: dict[int, list[Decimal]] = {security.pk: [] for security in securities}
    for position in range(len(days)):
        drift = -0.0005 if position > len(days) - BAD_YEAR_DAYS else 0.0009
        market_move = chance.gauss(drift, 0.008)
        for key in levels:
            levels[key] *= 1 + market_move + chance.gauss(0, 0.009)
            closes[key].append(Decimal(levels[key]).quantize(CENT))
    Price.objects.bulk_create(
        (
            Price(security_id=key, day=day, close=close)
            for key, series in closes.items()
            for day, close in zip(days, series, strict=True)
        ),
        batch_size=5000,
    )
    return _Market(days, closes)


def _make_substitutes(firm: Firm, securities: Sequence[Security], as_of: date) -> None:
    """Each stock's next two neighbours stand in for it."""
    author = User.objects.create_user(
        username=f"research-{firm.pk}", firm=firm, role=Role.ADVISER, password=None
    )
    SubstituteMapping.objects.bulk_create(
        SubstituteMapping(
            firm=firm,
            security=security,
            substitute=securities[(place + rank) % len(securities)],
            rank=rank,
            reason="Made up: a neighbour.",
            author=author,
            reviewed_on=as_of,
        )
        for place, security in enumerate(securities)
        for rank in (1, 2)
    )


@dataclass(frozen=True)
class _Model:
    model: TargetModel
    securities: Sequence[int]


def _make_models(firm: Firm, securities: Sequence[Security]) -> list[_Model]:
    """Three models of 12 of the stocks each, at 8 % a stock; 4 % is cash."""
    models = []
    for number, name in enumerate(("Growth", "Balanced", "Income")):
        model = TargetModel.objects.create(firm=firm, name=name)
        members = [securities[(4 * number + step) % len(securities)] for step in range(12)]
        ModelWeight.objects.bulk_create(
            ModelWeight(model=model, security=member, weight=Decimal("0.08")) for member in members
        )
        models.append(_Model(model, [member.pk for member in members]))
    return models


def _make_household(
    chance: random.Random,
    firm: Firm,
    number: int,
    kinds: Sequence[AccountKind],
    model: TargetModel,
    year: int,
) -> list[Account]:
    household = Household.objects.create(firm=firm, name=f"Household {number:05}")
    owner = Owner.objects.create(household=household, name="Owner")
    ModelAssignment.objects.create(household=household, model=model)
    ordinary, long, niit, state = (Decimal(rate) for rate in chance.choice(_RATES))
    TaxProfile.objects.create(
        household=household,
        year=year,
        filing_status=FilingStatus.MARRIED_JOINTLY,
        federal_ordinary_rate=ordinary,
        federal_long_rate=long,
        niit_rate=niit,
        state_rate=state,
        short_outside=Decimal(chance.randrange(0, 50_000)),
    )
    return Account.objects.bulk_create(
        Account(
            firm=firm,
            household=household,
            owner=owner,
            name=f"{kind.value} {place}",
            number=f"{number:05}-{place}",
            custodian="Example Custody",
            kind=kind,
        )
        for place, kind in enumerate(kinds)
    )


def _transactions(
    chance: random.Random,
    account: Account,
    securities: Sequence[int],
    market: _Market,
    vintage: tuple[float, float],
) -> Iterator[NewTransaction]:
    """Cash on the first day, then equal dollars into each stock; up to three of them in two purchases."""
    dollars = chance.randrange(60_000, 600_000)
    yield NewTransaction(
        account=account.pk,
        external_id="cash",
        trade_date=market.days[0],
        kind=EntryKind.CASH_IN,
        amount=Decimal(dollars),
    )
    share = dollars * 0.965 / len(securities)
    halved = set(chance.sample(list(securities), chance.randint(0, 3)))
    for place, security in enumerate(securities):
        for lot in range(2 if security in halved else 1):
            day = int(chance.uniform(*vintage) * (len(market.days) - 1))
            spent = share / 2 if security in halved else share
            yield _purchase(account, security, f"buy-{place}-{lot}", spent, market, day)


def _purchase(
    account: Account, security: int, external_id: str, dollars: float, market: _Market, day: int
) -> NewTransaction:
    price = market.closes[security][day]
    quantity = max(Decimal(1), Decimal(int(dollars / float(price))))
    return NewTransaction(
        account=account.pk,
        external_id=external_id,
        trade_date=market.days[day],
        kind=EntryKind.BUY,
        security=security,
        quantity=quantity,
        price=price,
        amount=(quantity * price).quantize(CENT),
    )
