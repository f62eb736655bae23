"""The bulk screen beside the exact one: it may pass too much, and never drops what the finder would look at."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from harvesting import finder
from harvesting.columns import AccountRow, account_columns, day_number, keys, security_columns
from harvesting.screen import Accounts, Lots, Screened, Securities, screen
from harvesting.types import AccountFacts, Book, HarvestRules, PricedAt
from lots.types import LotRow
from securities.types import Quote
from tests.harvesting.books import AAA, BBB, IRA, OLD, TAXABLE, TODAY, days_ago, lot
from tests.harvesting.books import book as make_book

SECURITIES = (11, 12, 13, 14)
HOUSEHOLDS = 150  # a seed
NEVER_MANAGED = {TAXABLE: AccountFacts("Own", is_taxable=True, tax_managed=False)}


def screened(*books: Book) -> Screened:
    """Each book is one household; the columns are made by the night's own code, the lots one by one."""
    rows, lots = [], []
    for number, one in enumerate(books):
        for place, facts in one.accounts.items():
            rows.append(
                AccountRow(100 * number + place, number, facts.is_taxable, facts.tax_managed)
            )
        lots += [(100 * number + row.account, row) for row in one.lots]
    account_ids, security_ids = keys(row.id for row in rows), keys(SECURITIES)
    rows.sort(key=lambda row: row.id)
    dollars = [row.basis if row.loss_basis is None else row.loss_basis for _, row in lots]
    first = books[0]
    return screen(
        Lots(
            account=np.searchsorted(account_ids, [account for account, _ in lots]).astype(np.int32),
            security=np.searchsorted(security_ids, [row.security for _, row in lots]).astype(np.int32),
            quantity=np.array([float(row.quantity) for _, row in lots]),
            basis=np.array([float(basis) for basis in dollars]),
            acquired=np.array([day_number(row.acquired) for _, row in lots], dtype=np.int32),
        ),
        account_columns(
            rows,
            keys(range(len(books))),
            rules=HarvestRules(),
            own_rules={number: one.rules for number, one in enumerate(books)},
        ),
        security_columns(
            security_ids,
            {key: Quote(quote.price, quote.day) for key, quote in first.prices.items()},
            as_of=first.as_of,
            oldest_days=min(one.rules.maximum_price_age_days for one in books),
        ),
        households=len(books),
        as_of=day_number(first.as_of),
    )  # fmt: skip


def random_prices(chance: Random) -> dict[int, PricedAt]:
    """Some securities have no price, some an old one."""
    return {
        security: PricedAt(
            Decimal(chance.randint(1, 10 ** chance.randint(1, 8))) / chance.choice((1, 100, 10**6)),
            days_ago(chance.choice((0, 0, 0, 3, 5, 6, 8, 40))),
        )
        for security in SECURITIES
        if chance.random() > 0.1
    }


def random_lot(chance: Random, opening: int, prices: dict[int, PricedAt]) -> LotRow:
    """Mostly near a floor, where a rounding could decide; one of five is a gift with a basis of its own for losses."""
    security = chance.choice(SECURITIES)
    quantity = Decimal(chance.randint(1, 10 ** chance.randint(1, 9))) / chance.choice(
        (1, 1000, 10**8)
    )
    price = prices[security].price if security in prices else Decimal(7)
    amount = (quantity * price).quantize(Decimal("0.01"))
    basis = chance.choice((
        amount + chance.choice((Decimal(0), Decimal("0.01"), Decimal(50), Decimal(100), Decimal("99.99"))),
        (amount / (1 - Decimal("0.05"))).quantize(Decimal("0.0001")) + Decimal(chance.randint(-2, 2)) / 10000,
        (amount * Decimal(chance.uniform(0.3, 2))).quantize(Decimal("0.0001")),
    ))  # fmt: skip
    gift = (basis * Decimal(chance.uniform(0.5, 1))).quantize(Decimal("0.0001"))
    return LotRow(
        opening=opening,
        part=0,
        account=chance.choice((1, 1, 2, 3)),
        security=security,
        acquired=OLD,
        holding_start=OLD,
        quantity=quantity,
        basis=max(basis, Decimal(0)),
        loss_basis=gift if chance.random() < 0.2 else None,
        loss_start=OLD,
    )


def random_books(seed: int) -> list[Book]:
    chance = Random(seed)
    prices = random_prices(chance)
    books = []
    for _number in range(HOUSEHOLDS):
        accounts = {
            1: AccountFacts("Own", is_taxable=True),
            2: AccountFacts("Other", is_taxable=True, tax_managed=chance.random() < 0.5),
            3: AccountFacts("IRA", is_taxable=False),
        }
        rules = HarvestRules(
            minimum_loss=Decimal(chance.choice((0, 50, 100, 2500))),
            minimum_loss_fraction=Decimal(chance.choice(("0", "0.05", "0.2", "1"))),
            year_end_easing=Decimal(chance.choice(("0", "0.5", "1"))),
            maximum_price_age_days=chance.choice((0, 5, 30)),
        )
        lots = tuple(random_lot(chance, opening, prices) for opening in range(chance.randint(0, 6)))
        books.append(Book(TODAY, lots, accounts, prices, {}, rules))
    return books


@pytest.mark.parametrize("seed", range(12))
def test_no_household_is_dropped_that_the_finder_would_look_at(seed: int) -> None:
    books = random_books(seed)
    found = screened(*books)
    passed = dropped = quiet = 0
    for number, one in enumerate(books):
        lots, findings = finder.screen(one)
        if lots:
            assert found.may_take[number], one.lots
            passed += 1
        if lots or findings:
            assert not found.is_quiet[number], one.lots
        dropped += not found.may_take[number]
        quiet += bool(found.is_quiet[number])
    assert passed > 5
    assert dropped > 5
    assert quiet > 0 or seed > 0


@pytest.mark.parametrize("easing", ["0", "0.25", "1"])
def test_floors_that_ease_towards_the_end_of_the_year_are_taken_at_their_lowest(
    easing: str,
) -> None:
    rules = HarvestRules(
        minimum_loss=Decimal(1000), minimum_loss_fraction=Decimal("0.4"), year_end_easing=Decimal(easing)
    )  # fmt: skip
    eased = HarvestRules(
        minimum_loss=Decimal(1000) * Decimal(easing),
        minimum_loss_fraction=Decimal("0.4") * Decimal(easing),
        year_end_easing=Decimal(1),
    )
    for basis in ("8001", "8250", "8888", "9500", "14000"):
        on_december_first = make_book(lot(1, basis=basis), rules=eased)
        if finder.screen(on_december_first)[0]:
            assert screened(make_book(lot(1, basis=basis), rules=rules)).may_take[0], basis


@pytest.mark.parametrize(
    ("household", "take", "quiet"),
    [
        (make_book(lot(1, basis="9000")), True, False),
        (make_book(lot(1, basis="8000.05")), False, False),  # a loss of five cents is told
        (make_book(lot(1, basis="7000")), False, True),
        (
            make_book(lot(1, basis="9000", account=IRA)),
            False,
            False,
        ),  # nothing taxable: said exactly
        (make_book(lot(1, basis="7000"), prices={AAA: ""}), False, False),
        (make_book(lot(1, basis="7000"), days={AAA: days_ago(6)}), False, False),
        (make_book(lot(1, basis="9000"), accounts=NEVER_MANAGED), False, False),
        (make_book(lot(1, basis="7000", acquired=TODAY + timedelta(days=1))), False, False),
        (make_book(lot(1, basis="7000"), lot(2, BBB, basis="9000")), True, False),
        (make_book(), False, False),
    ],
)
def test_a_household_is_quiet_only_if_there_is_nothing_to_take_and_nothing_to_tell(
    household, take, quiet
) -> None:
    found = screened(household)
    assert (bool(found.may_take[0]), bool(found.is_quiet[0])) == (take, quiet)


def test_more_lots_than_a_block_are_all_seen() -> None:
    rows = [lot(opening, basis="7000") for opening in range(40_000)]
    assert screened(make_book(*rows)).is_quiet[0]
    assert screened(make_book(*rows, lot(40_000, basis="9000"))).may_take[0]


def test_columns_of_different_lengths_are_refused() -> None:
    one = np.array([1], dtype=np.int32)
    none = np.array([], dtype=np.float64)
    with pytest.raises(ValueError, match="Columns of Lots differ"):
        screen(
            Lots(one, one, none, none, one),
            Accounts(one, one > 0, one > 0, none, none),
            Securities(none, none > 0),
            households=1,
            as_of=day_number(date(2022, 12, 28)),
        )
