from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.errors import Conflict
from accounts.models import Account, AuditEvent
from accounts.types import AccountKind
from lots import selectors, services
from lots.booking import BookingError
from lots.models import Disposal, TaxLot, Transaction, WashSale
from lots.types import Booked, EntryKind, NewTransaction, Pick, RebuildChanges
from securities.models import CorporateAction, Security
from securities.types import ActionKind
from tests.factories import book, make_account, make_firm, make_household, make_security

pytestmark = pytest.mark.django_db

BUY, SELL = EntryKind.BUY, EntryKind.SELL


@pytest.fixture
def account() -> Account:
    return make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))


@pytest.fixture
def aaa(account: Account) -> Security:
    return make_security(account.firm, "AAA")


def row(account: Account, security: Security | None, **changes: object) -> NewTransaction:
    values: dict[str, object] = {
        "account": account.pk,
        "external_id": "B-1",
        "trade_date": date(2024, 1, 2),
        "kind": BUY,
        "security": security.pk if security else None,
        "quantity": Decimal(10),
        "amount": Decimal(1000),
        "ordinal": 2,
    }
    return NewTransaction(**{**values, **changes})  # type: ignore[arg-type]  # a test's shorthand


def refusals(account: Account, *rows: NewTransaction) -> list[tuple[int, str, str]]:
    with pytest.raises(BookingError) as refused:
        services.book(firm=account.firm, rows=rows, actor="test")
    return [(p.row, p.column, p.reason) for p in refused.value.problems]


def test_a_purchase_opens_a_lot_at_cost_and_fee(account: Account, aaa: Security) -> None:
    bought = book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000", fee="4.95")

    [lot] = TaxLot.objects.all()
    assert (lot.opening_id, lot.part, lot.quantity, lot.basis) == (
        bought.pk, 0, Decimal(10), Decimal("1004.95")
    )  # fmt: skip


def test_a_wash_sale_is_stored_with_its_match_and_its_raised_basis(
    account: Account, aaa: Security
) -> None:
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    sale = book(account, SELL, date(2024, 3, 1), aaa, "10", amount="700")
    bought = book(account, BUY, date(2024, 3, 31), aaa, "4", amount="280")

    [disposal] = Disposal.objects.all()
    assert (disposal.gain, disposal.disallowed, disposal.permanent) == (
        Decimal(-300),
        Decimal(120),
        Decimal(0),
    )
    [wash] = WashSale.objects.all()
    assert (wash.sale_id, wash.replacement_id, wash.shares, wash.amount) == (
        sale.pk, bought.pk, Decimal(4), Decimal(120)
    )  # fmt: skip
    [lot] = TaxLot.objects.all()
    assert (lot.basis, lot.holding_start) == (Decimal(400), date(2024, 2, 1))


def test_a_loss_bought_back_in_an_ira_is_gone_for_ever(account: Account, aaa: Security) -> None:
    ira = make_account(account.household, "IRA-1", kind=AccountKind.ROTH_IRA)
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    book(account, SELL, date(2024, 3, 1), aaa, "10", amount="700")
    book(ira, BUY, date(2024, 3, 15), aaa, "10", amount="710")

    [disposal] = Disposal.objects.all()
    assert (disposal.disallowed, disposal.permanent) == (Decimal(300), Decimal(300))
    [lot] = TaxLot.objects.all()
    assert lot.basis == Decimal(710)


def test_parts_of_a_sale_add_up_to_it(account: Account, aaa: Security) -> None:
    """Three lots of a third each: no cent of 100 dollars is lost."""
    for day in (2, 3, 4):
        book(account, BUY, date(2024, 1, day), aaa, "1", amount="30")
    book(account, SELL, date(2024, 6, 3), aaa, "3", amount="100")

    parts = list(Disposal.objects.order_by("opening").values_list("proceeds", flat=True))
    assert parts == [Decimal("33.3334"), Decimal("33.3333"), Decimal("33.3333")]


def test_parts_of_a_split_lot_add_up_to_it(account: Account, aaa: Security) -> None:
    """1-for-3 leaves thirds of shares; two parts of one lot still add up."""
    book(account, BUY, date(2023, 1, 3), aaa, "2", amount="90")
    book(account, SELL, date(2024, 3, 1), aaa, "1", amount="10")
    book(account, BUY, date(2024, 3, 2), aaa, "2", amount="20")
    book(account, EntryKind.SPLIT, date(2024, 5, 1), aaa, "0.33333333")

    opening = Transaction.objects.get(trade_date=date(2024, 3, 2))
    parts = TaxLot.objects.filter(opening=opening).order_by("part")
    assert sorted(lot.quantity for lot in parts) == [Decimal("0.33333333"), Decimal("0.33333334")]
    assert sum(lot.basis for lot in parts) == Decimal(55)


def test_a_second_rebuild_changes_nothing(account: Account, aaa: Security) -> None:
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    book(account, SELL, date(2024, 3, 1), aaa, "7", amount="333.33")
    book(account, BUY, date(2024, 3, 2), aaa, "3", amount="100")

    changes = services.rebuild_lots(household_id=account.household_id)

    assert changes == RebuildChanges(inserted=0, updated=0, deleted=0)


def test_a_rebuild_restores_dropped_changed_and_foreign_rows(
    account: Account, aaa: Security
) -> None:
    first = book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    second = book(account, BUY, date(2024, 1, 3), aaa, "10", amount="1100")
    before = selectors.open_lots(account.household_id)
    TaxLot.objects.filter(opening=first).delete()
    TaxLot.objects.filter(opening=second).update(basis=1)
    TaxLot.objects.create(
        account=account, security=aaa, opening=first, part=7, acquired=date(2024, 1, 2),
        holding_start=date(2024, 1, 2), quantity=1, basis=1,
    )  # fmt: skip

    changes = services.rebuild_lots(household_id=account.household_id)

    assert changes == RebuildChanges(inserted=1, updated=1, deleted=1)
    assert selectors.open_lots(account.household_id) == before


def test_a_rebuild_takes_the_same_number_of_queries_for_any_size(
    account: Account, aaa: Security
) -> None:
    def queries() -> int:
        TaxLot.objects.all().delete()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            services.rebuild_lots(household_id=account.household_id)
        return len(captured)

    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    few = queries()
    many = [
        row(account, aaa, external_id=f"X-{n}", trade_date=date(2024, 1, 3)) for n in range(300)
    ]
    services.book(firm=account.firm, rows=many, actor="test")

    assert queries() == few


def test_the_same_row_again_is_known(account: Account, aaa: Security) -> None:
    new = services.book(firm=account.firm, rows=[row(account, aaa)], actor="test")
    again = services.book(firm=account.firm, rows=[row(account, aaa, memo="x")], actor="test")

    assert (new.new, new.known, new.households) == (1, 0, (account.household_id,))
    assert (again.new, again.known, again.households) == (0, 1, ())
    assert AuditEvent.objects.filter(action="transactions.booked").count() == 1


def test_a_known_id_with_other_content_is_refused(account: Account, aaa: Security) -> None:
    services.book(firm=account.firm, rows=[row(account, aaa)], actor="test")

    assert refusals(account, row(account, aaa, quantity=Decimal(11))) == [
        (2, "external_id", "the id is booked already with other content: quantity 10, here 11")
    ]


def test_an_id_twice_with_other_content_is_refused(account: Account, aaa: Security) -> None:
    twin = row(account, aaa, amount=Decimal(999), ordinal=3)

    assert refusals(account, row(account, aaa), twin) == [
        (3, "external_id", "the id stands on line 2 already with other content")
    ]
    assert not Transaction.objects.exists()


def test_one_bad_row_keeps_all_rows_out(account: Account, aaa: Security) -> None:
    good = row(account, aaa)
    late = row(account, aaa, external_id="B-2", trade_date=date(2025, 1, 1), ordinal=3)

    assert refusals(account, good, late) == [
        (3, "trade_date", "2025-01-01 is in the future: today is 2024-12-31")
    ]
    assert not Transaction.objects.exists()


def test_an_oversold_account_is_named_in_its_own_words(account: Account, aaa: Security) -> None:
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    sale = row(account, aaa, external_id="S-1", kind=SELL, quantity=Decimal(11), ordinal=7)

    [(line, column, reason)] = refusals(account, sale)

    assert (line, column) == (7, "quantity")
    assert reason.startswith("account T-1 holds 10 shares of AAA on 2024-01-02, 11 are to leave.")
    assert Transaction.objects.count() == 1


def test_a_row_that_breaks_a_booked_sale_is_named(account: Account, aaa: Security) -> None:
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    book(account, SELL, date(2024, 3, 1), aaa, "10", amount="900", external_id="S-9")
    early = row(account, aaa, external_id="S-1", kind=SELL, trade_date=date(2024, 2, 1))

    [(line, column, reason)] = refusals(account, early)

    assert (line, column) == (2, "quantity")
    assert reason.startswith("with this row S-9, booked before, is impossible: account T-1 holds 0")


def test_a_late_purchase_that_cuts_a_lot_differently_is_booked_after_sales_by_part(
    account: Account, aaa: Security
) -> None:
    """A wash sale cut the lot; it was sold by part; then the spouse's earlier purchase takes the wash sale over."""
    spouse = make_account(account.household, "S-1", owner="Bob")
    old = book(account, BUY, date(2023, 1, 3), aaa, "20", amount="2000")
    new = book(account, BUY, date(2024, 6, 3), aaa, "100", amount="9000")
    book(
        account,
        SELL,
        date(2024, 6, 7),
        aaa,
        "20",
        amount="1700",
        picks=(Pick(old.pk, Decimal(20)),),
    )
    parts = TaxLot.objects.filter(opening=new).order_by("part").values_list("quantity", "part")
    assert list(parts) == [(Decimal(80), 0), (Decimal(20), 1)]
    picks = tuple(Pick(new.pk, quantity, part) for quantity, part in parts)
    sale = book(account, SELL, date(2024, 8, 5), aaa, "100", amount="9500", picks=picks)
    assert [row.gain for row in sale.disposals.order_by("part")] == [Decimal(400), Decimal(-200)]

    late = book(spouse, BUY, date(2024, 5, 31), aaa, "20", amount="1800")

    [whole] = sale.disposals.all()
    assert (whole.part, whole.quantity, whole.gain) == (0, Decimal(100), Decimal(500))
    [lot] = TaxLot.objects.all()
    assert (lot.opening_id, lot.quantity, lot.basis) == (late.pk, Decimal(20), Decimal(2100))


def test_a_transfer_between_taxable_and_retirement_is_refused(
    account: Account, aaa: Security
) -> None:
    ira = make_account(account.household, "IRA-1", kind=AccountKind.TRADITIONAL_IRA)
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    move = row(
        account, aaa, external_id="X", kind=EntryKind.TRANSFER, amount=Decimal(0), to_account=ira.pk
    )

    [(line, column, reason)] = refusals(account, move)

    assert (line, column) == (2, "kind")
    assert "between account T-1 (taxable) and account IRA-1 (traditional_ira)" in reason


def test_shares_do_not_travel_to_another_household(account: Account, aaa: Security) -> None:
    other = make_account(make_household(account.firm, "Other"), "O-1")
    move = row(account, aaa, kind=EntryKind.TRANSFER, amount=Decimal(0), to_account=other.pk)

    assert [p[1] for p in refusals(account, move)] == ["to_account"]


def test_another_firms_account_and_security_are_unknown(account: Account) -> None:
    stranger = make_account(make_household(make_firm("Other Firm")), "Z-1")
    foreign = make_security(stranger.firm, "ZZZ")

    assert refusals(account, row(stranger, foreign)) == [
        (2, "account", "the account is none of the firm's"),
        (2, "symbol", "the security is none of the firm's"),
    ]


def test_a_float_is_a_programming_error(account: Account, aaa: Security) -> None:
    with pytest.raises(TypeError, match="quantity must be a Decimal, not float"):
        services.book(firm=account.firm, rows=[row(account, aaa, quantity=10.0)], actor="test")


@pytest.mark.parametrize("bad", ["NaN", "sNaN", "Infinity", "-1", "1e12"])
def test_a_quantity_that_is_no_quantity_is_refused(
    account: Account, aaa: Security, bad: str
) -> None:
    [(line, column, reason)] = refusals(account, row(account, aaa, quantity=Decimal(bad)))

    assert (line, column) == (2, "quantity")
    assert reason.endswith("is not between 0 and 1,000,000,000,000")


def test_lots_can_be_named_by_external_id_even_in_the_same_booking(
    account: Account, aaa: Security
) -> None:
    rows = [
        row(account, aaa, external_id="B-1"),
        row(account, aaa, external_id="B-2", ordinal=3),
        row(
            account, aaa, external_id="S-1", kind=SELL, trade_date=date(2024, 2, 1), ordinal=4,
            picks=(Pick("B-2", Decimal(10)),),
        ),
    ]  # fmt: skip
    services.book(firm=account.firm, rows=rows, actor="test")

    [lot] = TaxLot.objects.all()
    assert lot.opening.external_id == "B-1"
    again = services.book(firm=account.firm, rows=rows, actor="test")
    assert (again.new, again.known) == (0, 3)


def test_lots_can_be_named_by_key_after_a_transfer(account: Account, aaa: Security) -> None:
    second = make_account(account.household, "T-2")
    bought = book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    book(account, EntryKind.TRANSFER, date(2024, 1, 3), aaa, "10", to_account=second)
    book(
        second, SELL, date(2024, 1, 4), aaa, "4", amount="500", picks=(Pick(bought.pk, Decimal(4)),)
    )

    [lot] = TaxLot.objects.all()
    assert (lot.account_id, lot.quantity, lot.basis) == (second.pk, Decimal(6), Decimal(600))


def test_an_unknown_lot_is_refused(account: Account, aaa: Security) -> None:
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    sale = row(account, aaa, external_id="S", kind=SELL, picks=(Pick("nope", Decimal(10)),))

    assert refusals(account, sale) == [
        (2, "lots", "'nope' names no transaction of the household, or more than one")
    ]


def test_a_lot_that_is_not_held_any_more_is_refused(account: Account, aaa: Security) -> None:
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000", external_id="B-1")
    book(account, SELL, date(2024, 1, 3), aaa, "10", amount="1000")
    book(account, BUY, date(2024, 1, 4), aaa, "10", amount="1000")
    sale = row(
        account, aaa, external_id="S", kind=SELL, trade_date=date(2024, 1, 5),
        picks=(Pick("B-1", Decimal(10)),),
    )  # fmt: skip

    [(line, column, reason)] = refusals(account, sale)

    assert (line, column) == (2, "lots")
    assert reason.startswith("account T-1 holds no shares of lot B-1 of AAA on that day.")


def test_the_ledger_refuses_to_be_changed_by_a_rebuild_or_a_booking(
    account: Account, aaa: Security
) -> None:
    bought = book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    content = Transaction.objects.filter(pk=bought.pk).values().get()
    book(account, BUY, date(2023, 1, 2), aaa, "10", amount="900")
    services.rebuild_lots(household_id=account.household_id)

    assert Transaction.objects.filter(pk=bought.pk).values().get() == content


def test_a_split_reaches_every_account_that_ever_traded_the_security(
    account: Account, aaa: Security
) -> None:
    other = make_account(make_household(account.firm, "Other"), "O-1")
    bystander = make_account(account.household, "T-9")
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    book(other, BUY, date(2024, 1, 2), aaa, "3", amount="300")
    split = {
        "firm": account.firm, "security_id": aaa.pk, "effective_on": date(2024, 5, 1),
        "ratio": Decimal(2), "kind": ActionKind.SPLIT, "actor": "test",
    }  # fmt: skip

    booked = services.record_action(**split)  # type: ignore[arg-type]  # one call, twice
    again = services.record_action(**split)  # type: ignore[arg-type]  # one call, twice

    assert (booked.new, again.new, again.known) == (2, 0, 2)
    assert CorporateAction.objects.count() == 1
    assert not bystander.transactions.exists()
    assert list(TaxLot.objects.order_by("account").values_list("quantity", "basis")) == [
        (Decimal(20), Decimal(1000)),
        (Decimal(6), Decimal(300)),
    ]


def test_a_split_of_another_ratio_on_the_same_day_is_refused(
    account: Account, aaa: Security
) -> None:
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    services.record_action(
        firm=account.firm, security_id=aaa.pk, kind=ActionKind.SPLIT, effective_on=date(2024, 5, 1), ratio=Decimal(2),
        actor="test",
    )  # fmt: skip

    with pytest.raises(Conflict, match="AAA is known to split by 2 on 2024-05-01, not by 3"):
        services.record_action(
            firm=account.firm, security_id=aaa.pk, kind=ActionKind.SPLIT,
            effective_on=date(2024, 5, 1), ratio=Decimal(3), actor="test",
        )  # fmt: skip


def test_a_split_after_the_trades_of_its_day_is_refused(account: Account, aaa: Security) -> None:
    book(account, BUY, date(2024, 4, 30), aaa, "1", amount="100")
    book(account, BUY, date(2024, 5, 1), aaa, "10", amount="1000")

    with pytest.raises(Conflict, match="book the split before the trades of its day"):
        services.record_action(
            firm=account.firm, security_id=aaa.pk, kind=ActionKind.SPLIT,
            effective_on=date(2024, 5, 1), ratio=Decimal(2), actor="test",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "amount", "ratio"),
    [("900000000000", "1000", "2"), ("10", "99999999999999", "1.5")],
    ids=["shares", "dollars"],
)
def test_what_the_tables_cannot_hold_is_refused(
    account: Account, aaa: Security, quantity: str, amount: str, ratio: str
) -> None:
    rows = [
        row(account, aaa, quantity=Decimal(quantity), amount=Decimal(amount), fee=Decimal(1)),
        row(
            account, aaa, external_id="S", kind=EntryKind.SPLIT, quantity=Decimal(ratio),
            amount=Decimal(0), trade_date=date(2024, 2, 1), ordinal=3,
        ),
    ]  # fmt: skip

    assert refusals(account, *rows) == [
        (
            2,
            "kind",
            "its shares or dollars are too large: less than 1,000,000,000,000 shares and "
            "100,000,000,000,000 dollars can be kept.",
        )
    ]


@pytest.mark.django_db(transaction=True)
def test_two_bookings_of_the_same_rows_at_once_book_them_once() -> None:
    account = make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))
    aaa = make_security(account.firm, "AAA")
    rows = [row(account, aaa, external_id=f"B-{n}") for n in range(20)]
    start = Barrier(4)

    def once() -> Booked:
        start.wait()
        try:
            return services.book(firm=account.firm, rows=rows, actor="test")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        booked = [future.result() for future in [pool.submit(once) for _ in range(4)]]

    assert sorted(result.new for result in booked) == [0, 0, 0, 20]
    assert account.transactions.count() == TaxLot.objects.count() == 20
