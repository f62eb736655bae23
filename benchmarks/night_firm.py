"""A large firm for the night's bench: 100 lots an account, made fast, with a stated share of households to act on.

Of the households 15 % hold lots with a loss far above the floors (one of five of them bought the same stock again
within 30 days), 30 % have small losses only, under the floors, and the others none; 10 %, drawn apart, have one stock
at twice its weight, out of its band. So a little less than a quarter of the firm has something to do, about what a
night in an ordinary market brings. A household follows one of five models of 40 stocks and holds one to four accounts.

Transactions and lots are written by COPY: each purchase is one open lot, and ``check_sample`` rebuilds the lots of some
households from their ledgers to see that nothing differs.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from accounts.models import Account, Firm, Household, Owner, TaxProfile, User
from accounts.types import AccountKind, FilingStatus, Role
from benchmarks.firm import AS_OF, household_kinds
from harvesting.models import HarvestPolicy, SubstituteMapping
from lots.services import rebuild_lots
from rebalancing.models import ModelAssignment, ModelWeight, RebalancePolicy, TargetModel
from securities.calendar import next_business_date
from securities.models import Price, Security

SECURITIES = 200
MODELS = 5
NAMES = SECURITIES // MODELS
LOTS_AN_ACCOUNT = 100
SHARE_WITH_LOSSES = 0.15
SHARE_BOUGHT_AGAIN = 0.2  # of those
SHARE_WITH_SMALL_LOSSES = 0.30
SHARE_OUT_OF_BAND = 0.10
_CASH = 0.04
_BATCH = 5_000
_HISTORY_DAYS = 3 * 365
_CHECKED = 12  # households
_ENDS_ABOVE = 1.12  # times the mean close of the first half


@dataclass
class _Stock:
    """A stock's closes, and which days' purchases stand where today."""

    pk: int
    closes: list[float]
    gains: list[int] = field(default_factory=list)  # well below today's close
    small: list[int] = field(default_factory=list)  # up to 2 % above it
    losses: list[int] = field(default_factory=list)  # 10 % above it, or more

    def tilt(self) -> None:
        """Bend the path so that it ends above where it mostly was, whatever chance did: so nobody loses unasked."""
        last = len(self.closes) - 1
        mostly = sum(self.closes[: last // 2]) / (last // 2)
        bend = _ENDS_ABOVE * mostly / self.closes[-1]
        self.closes = [
            max(1.0, round(close * bend ** (place / last), 2))
            for place, close in enumerate(self.closes)
        ]

    def sort_days(self) -> None:
        today = self.closes[-1]
        for place, close in enumerate(self.closes[:-35]):  # all outside the window
            if close < today * 0.99:
                self.gains.append(place)
            elif today * 1.002 < close < today * 1.02:
                self.small.append(place)
            elif close > today * 1.10:
                self.losses.append(place)


@dataclass(frozen=True)
class _Market:
    days: Sequence[date]
    stocks: Sequence[_Stock]


def make_large_firm(
    *, name: str, accounts: int, alike: int | None = None, seed: int = 1, as_of: date = AS_OF
) -> Firm:
    """Make the firm, pinned to ``as_of``, with so many accounts of about 100 lots; returns it.

    With ``alike`` the firm of so many accounts is what it repeats: its households hold and miss the same again.
    """
    chance = random.Random(seed)
    firm = Firm.objects.create(name=name, pinned_date=as_of)
    market = _make_market(chance, firm, as_of)
    _make_substitutes(firm, market, as_of)
    models = _make_models(firm, market)
    RebalancePolicy.objects.create(firm=firm, relative_band=Decimal("0.40"))
    HarvestPolicy.objects.create(firm=firm, minimum_loss=Decimal(500))
    members = _make_households(firm, list(household_kinds(accounts)), models, as_of.year)
    different = len(list(household_kinds(alike or accounts)))
    _write_ledgers(
        [f"{seed} {number % different}" for number in range(len(members))], members, market
    )
    _check_sample(chance, [household for household, _, _ in members])
    return firm


def _make_market(chance: random.Random, firm: Firm, as_of: date) -> _Market:
    """A market that rises by some 8 % a year, with a dip in its second year."""
    days = [as_of - timedelta(days=_HISTORY_DAYS)]
    while (following := next_business_date(days[-1])) <= as_of:
        days.append(following)
    rows = Security.objects.bulk_create(
        Security(firm=firm, symbol=f"N{number:03}", name=f"Stock {number}")
        for number in range(SECURITIES)
    )
    stocks = [_Stock(row.pk, [chance.uniform(20, 300)]) for row in rows]
    for place in range(1, len(days)):
        dip = 0.4 < place / len(days) < 0.6
        move = chance.gauss(-0.0006 if dip else 0.0006, 0.008)
        for stock in stocks:
            close = stock.closes[-1] * (1 + move + chance.gauss(0, 0.010))
            stock.closes.append(max(1.0, round(close, 2)))
    for stock in stocks:
        stock.tilt()
        stock.sort_days()
    Price.objects.bulk_create(
        (
            Price(security_id=stock.pk, day=day, close=Decimal(f"{close:.2f}"))
            for stock in stocks
            for day, close in zip(days, stock.closes, strict=True)
        ),
        batch_size=_BATCH,
    )
    return _Market(days, stocks)


def _make_substitutes(firm: Firm, market: _Market, as_of: date) -> None:
    """Two stocks of another model stand in for each."""
    author = User.objects.create_user(
        username=f"research-{firm.pk}", firm=firm, role=Role.ADVISER, password=None
    )
    SubstituteMapping.objects.bulk_create(
        SubstituteMapping(
            firm=firm,
            security_id=stock.pk,
            substitute_id=market.stocks[(place + NAMES + rank) % SECURITIES].pk,
            rank=rank,
            reason="Made up: a stock of another model.",
            author=author,
            reviewed_on=as_of,
        )
        for place, stock in enumerate(market.stocks)
        for rank in (1, 2)
    )


def _make_models(firm: Firm, market: _Market) -> list[TargetModel]:
    weight = Decimal(str(round((1 - _CASH) / NAMES, 8)))
    models = []
    for number in range(MODELS):
        model = TargetModel.objects.create(firm=firm, name=f"Model {number + 1}")
        ModelWeight.objects.bulk_create(
            ModelWeight(model=model, security_id=stock.pk, weight=weight)
            for stock in _members(market, number)
        )
        models.append(model)
    return models


def _members(market: _Market, number: int) -> Sequence[_Stock]:
    return market.stocks[number * NAMES : (number + 1) * NAMES]


_Member = tuple[int, int, Sequence[int]]  # household, number of its model, its accounts


def _make_households(
    firm: Firm, kinds: Sequence[Sequence[AccountKind]], models: Sequence[TargetModel], year: int
) -> list[_Member]:
    households = Household.objects.bulk_create(
        (Household(firm=firm, name=f"Household {number:05}") for number in range(len(kinds))),
        batch_size=_BATCH,
    )
    owners = Owner.objects.bulk_create(
        (Owner(household=household, name="Owner") for household in households), batch_size=_BATCH
    )
    ModelAssignment.objects.bulk_create(
        (
            ModelAssignment(household=household, model=models[number % MODELS])
            for number, household in enumerate(households)
        ),
        batch_size=_BATCH,
    )
    TaxProfile.objects.bulk_create(
        (
            TaxProfile(
                household=household,
                year=year,
                filing_status=FilingStatus.MARRIED_JOINTLY,
                federal_ordinary_rate=Decimal("0.35"),
                federal_long_rate=Decimal("0.15"),
                niit_rate=Decimal("0.038"),
                state_rate=Decimal("0.05"),
                short_outside=Decimal(20_000),
            )
            for household in households
        ),
        batch_size=_BATCH,
    )
    made = Account.objects.bulk_create(
        (
            Account(
                firm=firm,
                household=household,
                owner=owner,
                name=f"{kind.value} {place}",
                number=f"{household.pk}-{place}",
                custodian="Example Custody",
                kind=kind,
            )
            for household, owner, its_kinds in zip(households, owners, kinds, strict=True)
            for place, kind in enumerate(its_kinds)
        ),
        batch_size=_BATCH,
    )
    of_household: dict[int, list[int]] = {}
    for account in made:
        of_household.setdefault(account.household_id, []).append(account.pk)
    return [
        (household.pk, number % MODELS, of_household[household.pk])
        for number, household in enumerate(households)
    ]


@dataclass(frozen=True, slots=True)
class _Purchase:
    account: int
    security: int
    day: date
    shares: int
    cents: int  # a share


def _write_ledgers(seeds: Sequence[str], members: Sequence[_Member], market: _Market) -> None:
    """COPY the transactions with keys of our own, then the lots that they open; a seed a household."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM lots_transaction")
        first = cursor.fetchone()[0]
        for start in range(0, len(members), _BATCH):
            bookings, lots = [], []
            batch = slice(start, start + _BATCH)
            for seed, member in zip(seeds[batch], members[batch], strict=True):
                chance = random.Random(seed)
                for purchases, cash_cents in _accounts_of(chance, member, market):
                    account = purchases[0].account
                    bookings.append(_cash_line(first, account, market.days[0], cash_cents))
                    first += 1
                    for purchase in purchases:
                        bookings.append(_buy_line(first, purchase))
                        lots.append(_lot_line(first, purchase))
                        first += 1
            _copy(cursor, _BOOKING_COPY, bookings)
            _copy(cursor, _LOT_COPY, lots)
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('lots_transaction', 'id'), %s)", [first]
        )
        cursor.execute("ANALYZE")


def _accounts_of(
    chance: random.Random, member: _Member, market: _Market
) -> Iterator[tuple[list[_Purchase], int]]:
    """Each account's purchases with the cents of cash that pay for them and leave 4 %."""
    _, number, accounts = member
    stocks = _members(market, number)
    mood = chance.random()
    losing = mood < SHARE_WITH_LOSSES
    small = SHARE_WITH_LOSSES <= mood < SHARE_WITH_LOSSES + SHARE_WITH_SMALL_LOSSES
    again = losing and chance.random() < SHARE_BOUGHT_AGAIN
    drifted = chance.choice(stocks) if chance.random() < SHARE_OUT_OF_BAND else None
    for account in accounts:
        dollars = chance.uniform(200_000, 2_000_000)
        purchases: list[_Purchase] = []
        worth = 0.0
        for place, stock in enumerate(stocks):
            target = dollars * (1 - _CASH) / NAMES * (2 if stock is drifted else 1)
            lots = 3 if place < LOTS_AN_ACCOUNT - 2 * NAMES else 2
            for turn in range(lots):
                day = _day(chance, stock, losing=losing and turn == 0 and place % 8 == 0,
                           small=small and turn == 0 and place % 8 == 0)  # fmt: skip
                if again and turn == 1 and place % 8 == 0:
                    day = len(stock.closes) - 10
                shares = max(1, round(target / lots / stock.closes[-1]))
                purchases.append(
                    _Purchase(account, stock.pk, market.days[day], shares, round(100 * stock.closes[day]))
                )  # fmt: skip
                worth += shares * stock.closes[-1]
        purchases.sort(key=lambda one: one.day)
        spent = sum(one.shares * one.cents for one in purchases)
        yield purchases, spent + int(100 * worth * _CASH / (1 - _CASH))


def _day(chance: random.Random, stock: _Stock, *, losing: bool, small: bool) -> int:
    if losing and stock.losses:
        return chance.choice(stock.losses)
    if small and stock.small:
        return chance.choice(stock.small)
    # A stock that has never been cheaper is bought at its lowest.
    return chance.choice(
        stock.gains or [min(range(len(stock.closes) - 35), key=stock.closes.__getitem__)]
    )


_BOOKING_COPY = (
    "COPY lots_transaction (id, account_id, external_id, kind, trade_date, security_id, quantity, price, amount,"
    " fee, block, relief, memo, source, content_sha256, booked_at) FROM STDIN"
)
_LOT_COPY = (
    "COPY lots_taxlot (account_id, security_id, opening_id, part, acquired, holding_start, quantity, basis,"
    " is_inherited) FROM STDIN"
)
_NOWHERE = "0" * 64


def _cash_line(key: int, account: int, day: date, cents: int) -> str:
    return _booking_line(key, account, "cash_in", day, "\\N", "0", "\\N", cents)


def _buy_line(key: int, one: _Purchase) -> str:
    return _booking_line(
        key, one.account, "buy", one.day, str(one.security), str(one.shares), f"{one.cents / 100:.2f}",
        one.shares * one.cents,
    )  # fmt: skip


def _booking_line(
    key: int, account: int, kind: str, day: date, security: str, shares: str, price: str, cents: int
) -> str:
    return (
        f"{key}\t{account}\tb{key}\t{kind}\t{day}\t{security}\t{shares}\t{price}\t{cents // 100}.{cents % 100:02}"
        f"\t0\t\t\t\tstatement\t{_NOWHERE}\t{_NOW}\n"
    )


def _lot_line(opening: int, one: _Purchase) -> str:
    cents = one.shares * one.cents
    return (
        f"{one.account}\t{one.security}\t{opening}\t0\t{one.day}\t{one.day}\t{one.shares}"
        f"\t{cents // 100}.{cents % 100:02}\tf\n"
    )


_NOW = timezone.now().isoformat()


def _copy(cursor, statement: str, lines: Sequence[str]) -> None:  # type: ignore[no-untyped-def]
    with cursor.copy(statement) as copy:
        for start in range(0, len(lines), 2_000):
            copy.write("".join(lines[start : start + 2_000]))


def _check_sample(chance: random.Random, households: Sequence[int]) -> None:
    """Raises RuntimeError where a household's lots are not what its ledger says."""
    for household in chance.sample(list(households), min(_CHECKED, len(households))):
        changes = rebuild_lots(household_id=household)
        if changes.inserted or changes.updated or changes.deleted:
            raise RuntimeError(f"household {household}: a rebuild changes its lots: {changes}")
