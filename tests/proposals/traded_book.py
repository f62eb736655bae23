"""Hundreds of filled orders written straight into the tables, of all the kinds that there are."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal as D

from accounts.models import Account, Firm, TaxProfile, User
from accounts.types import AccountKind, FilingStatus, Role
from lots.models import Disposal, Transaction
from lots.types import EntryKind
from proposals.costs import Commission
from proposals.models import CommissionSchedule, Fill, Order, OrderLot, Proposal, ProposedTrade
from proposals.types import ProposalKind, Side, Status
from securities.models import HalfSpread, Security
from securities.types import AssetClass
from tests import factories

TODAY = date(2026, 11, 27)
BEGAN = date(2024, 1, 2)
CENT, SHARE, PRICE, MONEY = D("0.01"), D("0.0001"), D("0.000001"), D("0.0001")
SCHEDULES = {  # of a third custodian nobody knows what it charges
    "Alpha": Commission(per_order=D("4.95")),
    "Beta": Commission(per_share=D("0.0035"), of_amount=D("0.0001"), minimum=D("1.05")),
}
# What is filled in no month from February to April; the last day of one before the 13 months, and the first of them.
DAYS = (
    date(2025, 10, 31), date(2025, 11, 1), date(2025, 11, 27), date(2025, 11, 28), date(2025, 12, 31), date(2026, 1, 2),
    date(2026, 5, 29), date(2026, 6, 1), date(2026, 6, 2), date(2026, 8, 31), date(2026, 10, 30), date(2026, 11, 2),
    date(2026, 11, 26), TODAY,
)  # fmt: skip


@dataclass(frozen=True)
class Book:
    firm: Firm
    adviser: User
    accounts: list[Account]
    securities: list[Security]


def make_book(name: str = "Harbor Advisers") -> Book:
    """Households, accounts of several custodians, and securities whose half spreads come from everywhere."""
    firm = factories.make_firm(name, pinned_date=TODAY)
    accounts = []
    for number, custodian in enumerate(("Alpha", "Beta", "Gamma", "Alpha")):
        household = factories.make_household(firm, f"{name} {number}")
        TaxProfile.objects.create(
            household=household,
            year=2026,
            filing_status=FilingStatus.MARRIED_JOINTLY,
            federal_ordinary_rate=D("0.35"),
            federal_long_rate=D("0.15"),
        )
        kind = AccountKind.ROTH_IRA if number == 3 else AccountKind.TAXABLE
        account = factories.make_account(household, f"{name} {number}", kind=kind)
        Account.objects.filter(pk=account.pk).update(custodian=custodian)
        accounts.append(account)
    for custodian, one in SCHEDULES.items():
        CommissionSchedule.objects.create(
            firm=firm,
            custodian=custodian,
            per_order=one.per_order,
            per_share=one.per_share,
            of_amount=one.of_amount,
            minimum=one.minimum,
        )
    bonds = AssetClass.FIXED_INCOME
    securities = [
        factories.make_security(firm, "OWN", half_spread="0.0004"),
        factories.make_security(firm, "NONE", half_spread=None),
        factories.make_security(firm, "DATED", half_spread="0.0004"),
        factories.make_security(firm, "BOND", asset_class=bonds, half_spread=None),
        factories.make_security(firm, "NOTE", asset_class=bonds, half_spread=None),
    ]
    for security, asset_class, since, fraction in (
        (securities[2], "", TODAY - timedelta(days=100), "0.0011"),
        (securities[2], "", TODAY, "0.0012"),
        (securities[2], "", TODAY + timedelta(days=1), "0.5"),
        (None, bonds, date(2026, 1, 1), "0.0003"),
    ):
        HalfSpread.objects.create(
            firm=firm, security=security, asset_class=asset_class, since=since, fraction=D(fraction)
        )
    adviser = User.objects.create(firm=firm, username=f"ada of {name}", role=Role.ADVISER)
    return Book(firm, adviser, accounts, securities)


def trade(book: Book, count: int, *, seed: int = 1) -> None:
    """So many filled orders by chance: whole and in part, with and without an expectation, in one fill or in two."""
    chance = random.Random(seed)
    for number in range(count):
        _order(book, chance, f"{seed}-{number}")


def _order(book: Book, chance: random.Random, name: str) -> None:
    account = chance.choice(book.accounts)
    security = chance.choice(book.securities)
    side = chance.choice(list(Side))
    ordered = (D(chance.randint(2, 10**6)) / 997).quantize(SHARE)
    filled = ordered if chance.random() < 0.6 else max((ordered / 3).quantize(SHARE), SHARE)
    price = (D(chance.randint(100, 10**6)) / 7 * CENT).quantize(PRICE)
    commission, spread, impact = _expected(chance, account.pk, ordered, price)
    proposal = Proposal.objects.create(
        household=account.household,
        kind=ProposalKind.HARVEST,
        status=Status.FILLED,
        as_of=TODAY,
        expires_on=TODAY,
        version=Proposal.objects.count() + 1,
    )
    order = Order.objects.create(
        proposal=proposal,
        account=account,
        security=security,
        side=side,
        quantity=ordered,
        filled_quantity=filled,
        reference_price=price,
        expected_commission=commission,
        expected_spread=spread,
        expected_impact=impact,
    )
    opening = _opening(order, name, chance) if side is Side.SELL else None
    days = sorted(chance.sample(DAYS, 2))  # often of two months, and of two years
    half = (filled / 2).quantize(SHARE)
    parts = [half, filled - half] if chance.random() < 0.4 and half else [filled]
    for turn, (shares, day) in enumerate(zip(parts, days, strict=False)):
        _fill(order, opening, f"{name}-{turn}", shares, day, chance)


def _expected(
    chance: random.Random, account: int, ordered: D, price: D
) -> tuple[D, D, D] | tuple[None, None, None]:
    if chance.random() < 0.2:
        return None, None, None
    schedule = SCHEDULES.get(Account.objects.get(pk=account).custodian)
    if schedule is None or chance.random() < 0.3:  # as an earlier schedule had it
        commission = D(chance.randint(0, 900)) * CENT
    else:
        commission = schedule.of(ordered, ordered * price).quantize(MONEY)
    return (
        commission,
        (ordered * price * D("0.0005")).quantize(MONEY),
        D(chance.randint(0, 30_000)) * MONEY,
    )


def _opening(order: Order, name: str, chance: random.Random) -> Transaction:
    bought = _transaction(order, f"{name}-open", EntryKind.BUY, BEGAN, order.quantity, D(0))
    ProposedTrade.objects.create(
        proposal=order.proposal,
        ordinal=1,
        account=order.account,
        security=order.security,
        side=Side.SELL,
        quantity=order.quantity,
        price=order.reference_price,
        amount=bought.amount,
        opening=bought,
        part=0,
        basis=(bought.amount * chance.randint(50, 150) / 100).quantize(MONEY),
        term=chance.choice(("short", "long")),
    )
    OrderLot.objects.create(order=order, opening=bought, part=0, quantity=order.quantity)
    return bought


def _fill(
    order: Order,
    opening: Transaction | None,
    name: str,
    shares: D,
    day: date,
    chance: random.Random,
) -> None:
    price = (order.reference_price * (1 + D(chance.randint(-40, 40)) / 10_000)).quantize(PRICE)
    fee = order.expected_commission if chance.random() < 0.5 else D(chance.randint(0, 700)) * CENT
    kind = EntryKind.SELL if order.side == Side.SELL else EntryKind.BUY
    booked = _transaction(order, name, kind, day, shares, fee or D(0))
    Fill.objects.create(
        order=order,
        external_id=name,
        trade_date=day,
        quantity=shares,
        price=price,
        fee=D(0),  # the ledger's is what counts
        transaction=booked,
    )
    if opening is not None:
        Disposal.objects.create(
            sale=booked,
            opening=opening,
            part=0,
            account=order.account,
            security=order.security,
            trade_date=day,
            acquired=BEGAN,
            holding_start=BEGAN,
            term="long",
            quantity=shares,
            proceeds=(shares * price).quantize(MONEY),
            basis=(opening.amount * shares / opening.quantity).quantize(MONEY),
            disallowed=D(chance.randint(0, 2)),
            is_taxable=order.account.kind == AccountKind.TAXABLE,
        )


def _transaction(
    order: Order, name: str, kind: EntryKind, day: date, shares: D, fee: D
) -> Transaction:
    return Transaction.objects.create(
        account=order.account,
        external_id=name,
        kind=kind,
        trade_date=day,
        security=order.security,
        quantity=shares,
        price=order.reference_price,
        amount=(shares * order.reference_price).quantize(MONEY),
        fee=fee,
    )
