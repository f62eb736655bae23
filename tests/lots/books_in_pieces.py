"""Random books of one household as rows to book, and fingerprints of what follows from them."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

from accounts.models import Account, Household
from accounts.types import AccountKind
from lots import services
from lots.booking import BookingError
from lots.models import Disposal, TaxLot, WashSale
from lots.types import EntryKind, NewTransaction
from securities.models import IdenticalMember, Security
from tests.factories import (
    make_account,
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
)

FIRST_DAY = date(2023, 11, 1)
LAST_DAY = date(2024, 6, 28)


def make_book_place(name: str) -> tuple[Household, list[Account], list[Security]]:
    """A household with two taxable accounts and an IRA; of five securities the first three belong to one group."""
    firm = make_firm(name, pinned_date=LAST_DAY)
    household = make_household(firm)
    accounts = [
        make_account(household, "T-1"),
        make_account(household, "T-2", owner="John"),
        make_account(household, "I-1", kind=AccountKind.TRADITIONAL_IRA),
    ]
    securities = [make_security(firm, symbol) for symbol in ("AAA", "BBB", "CCC", "DDD", "EEE")]
    group = make_identical_group(make_user(firm, f"of {name}"), *securities[:2])
    IdenticalMember.objects.create(group=group, security=securities[2], since=date(2024, 2, 1))
    return household, accounts, securities


def random_rows(
    seed: int, accounts: Sequence[Account], securities: Sequence[Security], count: int = 40
) -> list[NewTransaction]:
    """A followable history in order of date: every date has one row, so that booking order cannot change it."""
    chance = random.Random(seed)
    held: dict[tuple[int, int], int] = {}
    told: set[EntryKind] = set()
    rows: list[NewTransaction] = []
    days = sorted(chance.sample(range((LAST_DAY - FIRST_DAY).days), count))
    for number, offset in enumerate(days):
        row = _random_row(chance, accounts, securities, held, told)
        name = f"R-{number:03d}"
        rows.append(
            replace(row, external_id=name, trade_date=FIRST_DAY + timedelta(days=offset), ordinal=number)
        )  # fmt: skip
    return rows


def _random_row(
    chance: random.Random,
    accounts: Sequence[Account],
    securities: Sequence[Security],
    held: dict[tuple[int, int], int],
    told: set[EntryKind],
) -> NewTransaction:
    kinds = {
        EntryKind.BUY: 10,
        EntryKind.SELL: 10,
        EntryKind.TRANSFER: 2,
        EntryKind.REINVEST: 2,
        EntryKind.CASH_IN: 2,
        EntryKind.SPLIT: 1,
        EntryKind.SPIN_OFF: 1,
    }
    kinds = {kind: weight for kind, weight in kinds.items() if kind not in told}
    kind = chance.choices(list(kinds), weights=list(kinds.values()))[0]
    owned = sorted(place for place, shares in held.items() if shares)
    if kind in (EntryKind.SPLIT, EntryKind.SPIN_OFF):
        told.add(kind)  # once a book: two within days of each other would count as one
        return _market_fact(kind, securities, held, owned)
    if kind in (EntryKind.SELL, EntryKind.TRANSFER) and not owned:
        kind = EntryKind.BUY
    if kind is EntryKind.CASH_IN:
        return _row(accounts[0].pk, kind, amount=chance.randint(1, 900))
    if kind in (EntryKind.BUY, EntryKind.REINVEST):
        account, security = chance.choice(accounts).pk, chance.choice(securities).pk
        shares = chance.randint(1, 30)
        held[account, security] = held.get((account, security), 0) + shares
        amount = shares * chance.randint(20, 60)
        return _row(account, kind, security, shares, amount)
    account, security = chance.choice(owned)
    shares = chance.randint(1, held[account, security])
    held[account, security] -= shares
    if kind is EntryKind.SELL:
        return _row(account, kind, security, shares, shares * chance.randint(20, 60))
    taxable = [one.pk for one in accounts[:2]]
    if account not in taxable:
        held[account, security] += shares
        return _row(account, EntryKind.CASH_IN, amount=1)
    target = taxable[1 - taxable.index(account)]
    held[target, security] = held.get((target, security), 0) + shares
    return replace(_row(account, kind, security, shares), to_account=target)


def _market_fact(
    kind: EntryKind,
    securities: Sequence[Security],
    held: dict[tuple[int, int], int],
    owned: Sequence[tuple[int, int]],
) -> NewTransaction:
    """A 2-for-1 split of CCC, or a spin-off of DDD that brings one EEE for each share, for the whole household."""
    old = securities[2 if kind is EntryKind.SPLIT else 3].pk
    new = old if kind is EntryKind.SPLIT else securities[4].pk
    holders = [account for account, security in owned if security == old]
    if not holders:
        return _row(owned[0][0] if owned else securities[0].firm.accounts.all()[0].pk,
                    EntryKind.CASH_IN, amount=2)  # fmt: skip
    for account in holders:
        held[account, new] = held.get((account, new), 0) + held[account, old]
    if kind is EntryKind.SPLIT:
        return _row(holders[0], kind, old, 2)
    fact = _row(holders[0], kind, old, 1)
    return replace(fact, to_security=new, basis_fraction=Decimal("0.25"))


def _row(
    account: int, kind: EntryKind, security: int | None = None, shares: int = 0, amount: int = 0
) -> NewTransaction:
    return NewTransaction(
        account=account,
        external_id="",
        trade_date=FIRST_DAY,
        kind=kind,
        security=security,
        quantity=Decimal(shares),
        amount=Decimal(amount),
    )


def book_in_pieces(
    chance: random.Random, household: Household, rows: Sequence[NewTransaction]
) -> None:
    """Book the rows a few at a time in random order; a piece that sells what is not there yet comes again later."""
    waiting = list(rows)
    chance.shuffle(waiting)
    for _ in range(20 * len(rows)):
        if not waiting:
            return
        size = chance.randint(1, 6)
        piece, waiting = waiting[:size], waiting[size:]
        try:
            services.book(firm=household.firm, rows=piece, actor="test")
        except BookingError as error:
            refusal = error
            waiting += piece
            chance.shuffle(waiting)
    raise refusal  # what is left can never be booked


def told(household: Household) -> dict[str, list[tuple[object, ...]]]:
    """The derived rows by the names of their transactions: equal for two households with equal books."""
    lots = TaxLot.objects.filter(account__household=household).values_list(
        "opening__external_id", "part", "account__number", "security__symbol", "acquired",
        "holding_start", "quantity", "basis",
    )  # fmt: skip
    disposals = Disposal.objects.filter(account__household=household).values_list(
        "sale__external_id", "opening__external_id", "part", "account__number", "security__symbol",
        "trade_date", "acquired", "holding_start", "term", "quantity", "proceeds", "basis",
        "disallowed", "permanent", "is_taxable",
    )  # fmt: skip
    washes = WashSale.objects.filter(sale__account__household=household).values_list(
        "sale__external_id", "ordinal", "sold_opening__external_id", "replacement__external_id",
        "shares", "amount", "treatment", "rule_ids",
    )  # fmt: skip
    tables = {"lots": lots, "disposals": disposals, "washes": washes}
    return {name: sorted(rows.order_by()) for name, rows in tables.items()}


def dump_sha256() -> str:
    """Every column of the derived tables but the row numbers, in the order of the natural keys, as one hash."""
    digest = hashlib.sha256()
    for model, order in ((TaxLot, "opening_id, part"), (Disposal, "sale_id, opening_id, part"),
                         (WashSale, "sale_id, ordinal")):  # fmt: skip
        columns = ", ".join(
            str(field.column) for field in model._meta.concrete_fields if not field.primary_key
        )
        with connection.cursor() as cursor:
            query = (
                f"COPY (SELECT {columns} FROM {model._meta.db_table} ORDER BY {order}) TO STDOUT"
            )
            with cursor.copy(query) as copy:
                for block in copy:
                    digest.update(bytes(block))
    return digest.hexdigest()
