"""From approved orders to the file, and from fills back to lots and windows."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.http import Http404

from accounts.canonical import sha256_of
from accounts.errors import Conflict, NotAllowed
from accounts.models import AuditEvent, Firm
from accounts.types import Role
from lots.models import Disposal, TaxLot, Transaction
from lots.selectors import cash
from lots.types import EntryKind
from proposals import selectors, services
from proposals.errors import BadDraft, NothingToExport
from proposals.models import Fill, Order, OrderExport, Proposal
from proposals.types import FillImport, HarvestPair, ProposalKind, Side, Status
from securities.importers.refusal import ImportRefused
from tests import factories
from tests.proposals.desk import TODAY, Desk, fills_file, make_desk, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def order(side: Side) -> Order:
    return Order.objects.get(side=side)


def fill(desk: Desk, *rows) -> FillImport:
    return services.import_fills(user=desk.operations, file=fills_file(*rows), name="fills.csv")


def filled(desk: Desk, *, day: str = "2022-12-28") -> None:
    desk.ordered()
    fill(
        desk,
        (order(Side.SELL), "F-1", day, "20", "80"),
        (order(Side.BUY), "F-2", day, "19", "80"),
    )


# The order file


def test_the_order_file_holds_every_approved_order_once(desk: Desk):
    proposal, export = desk.ordered()
    assert (proposal.status, export.number) == ("ordered", 1)
    assert set(Order.objects.values_list("status", "export")) == {("ordered", export.pk)}
    sell, buy = rows_of(export.orders_csv)
    assert sell["order_id"] == str(order(Side.SELL).public_id)
    assert (sell["batch_id"], sell["side"], sell["symbol"], sell["quantity"]) == (
        "0001",
        "sell",
        "OLD",
        "20",
    )
    assert sell["account_or_block"] == "T-1"
    assert sell["pair_id"] == buy["pair_id"] == f"{proposal.public_id}/1"
    assert sell["approved_by"] == "ada"
    (lot,) = rows_of(export.lots_csv)
    assert lot == {
        "order_id": sell["order_id"],
        "account": "T-1",
        "lot_id": "T-1-1#0",
        "acquired": "2022-03-01",
        "quantity": "20",
        "basis": "2000",
        "method": "specific",
    }
    assert export.sha256 == sha256_of(export.orders_csv + export.lots_csv)
    assert AuditEvent.objects.get(action="orders.exported").subject == "order file 1"


def test_a_second_export_has_nothing(desk: Desk):
    desk.ordered()
    with pytest.raises(NothingToExport):
        services.export_orders(user=desk.operations)
    assert OrderExport.objects.count() == 1


def test_numbers_run_on_and_each_firm_has_its_own(desk: Desk):
    desk.ordered(desk.sale("10"), desk.purchase("9"))
    _, second = desk.ordered(desk.sale("1", pair=0), kind=ProposalKind.REBALANCE)
    _, other = make_desk("Other", prefix="x").ordered()
    assert (second.number, other.number) == (2, 1)


def test_another_firms_orders_are_not_exported(desk: Desk):
    desk.approved()
    stranger = make_person(factories.make_firm("Other"), "eve", Role.OPERATIONS)
    with pytest.raises(NothingToExport):
        services.export_orders(user=stranger)
    assert order(Side.SELL).status == "approved"


def test_an_approver_does_not_trade(desk: Desk):
    desk.approved()
    with pytest.raises(NotAllowed):
        services.export_orders(user=make_person(desk.firm, "bob", Role.APPROVER))


def test_names_that_look_like_formulas_arrive_as_text(desk: Desk):
    desk.adviser.first_name = "=cmd|' /C calc'!A0"
    desk.adviser.save()
    _, export = desk.ordered()
    assert rows_of(export.orders_csv)[0]["approved_by"] == "'=cmd|' /C calc'!A0"


def test_a_file_is_kept_and_handed_out_again_as_it_was(desk: Desk):
    _, export = desk.ordered()
    again = selectors.order_file(desk.operations, 1, "orders")
    assert (again.name, again.text) == ("orders-0001.csv", export.orders_csv)
    assert selectors.order_file(desk.operations, 1, "lots").name == "lots-0001.csv"
    for user, number, part in (
        (desk.operations, 2, "orders"),
        (desk.operations, 1, "secrets"),
        (make_person(factories.make_firm("Other"), "eve", Role.OPERATIONS), 1, "orders"),
    ):
        with pytest.raises(Http404):
            selectors.order_file(user, number, part)


# Fills


def test_a_fill_of_a_sale_relieves_the_named_lot(desk: Desk):
    factories.book(desk.account, EntryKind.BUY, date(2021, 6, 1), desk.old, "5", amount="100")
    desk.ordered()
    assert fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "20", "79.50")) == FillImport(1, 0)
    disposal = Disposal.objects.get()
    assert (disposal.opening_id, disposal.quantity) == (desk.lot.pk, Decimal(20))
    assert (disposal.proceeds, disposal.basis) == (Decimal(1590), Decimal(2000))
    assert Fill.objects.get().transaction.external_id == "F-1"
    assert order(Side.SELL).status == "filled"
    assert Proposal.objects.get().status == "ordered"


def test_partial_fills_complete_the_order_and_the_proposal(desk: Desk):
    desk.ordered()
    fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "12", "80"))
    assert (order(Side.SELL).status, order(Side.SELL).filled_quantity) == ("ordered", Decimal(12))
    fill(
        desk,
        (order(Side.SELL), "F-2", "2022-12-28", "8", "79"),
        (order(Side.BUY), "F-3", "2022-12-28", "10", "80"),
        (order(Side.BUY), "F-4", "2022-12-28", "9", "80.10"),
    )
    assert {one.status for one in Order.objects.all()} == {"filled"}
    assert Proposal.objects.get().status == "filled"
    assert AuditEvent.objects.filter(action="proposal.filled").count() == 1
    fills = Transaction.objects.filter(source="fill")
    for side, kind in ((Side.BUY, "buy"), (Side.SELL, "sell")):  # fills of one order: one block
        blocks = fills.filter(kind=kind).values_list("block", flat=True)
        assert list(blocks) == [str(order(side).public_id)] * 2
    assert cash(desk.household.pk)[desk.account.pk] == Decimal("-2000") + 960 + 632 - 800 - Decimal(
        "720.90"
    )


def test_partial_fills_of_several_lots_take_them_in_order(desk: Desk):
    later = factories.book(
        desk.account, EntryKind.BUY, date(2022, 5, 2), desk.old, "10", amount="1000"
    )
    desk.ordered(desk.sale("20"), desk.sale("10", opening=later.pk), desk.purchase("29"))
    for number, quantity in enumerate(("4", "16", "10"), start=1):
        fill(desk, (order(Side.SELL), f"F-{number}", "2022-12-28", quantity, "80"))
    taken = [
        (row.sale.external_id, row.opening_id, row.quantity)
        for row in Disposal.objects.select_related("sale").order_by("sale_id", "acquired")
    ]
    assert taken == [
        ("F-1", later.pk, Decimal(4)),
        ("F-2", desk.lot.pk, Decimal(10)),
        ("F-2", later.pk, Decimal(6)),
        ("F-3", desk.lot.pk, Decimal(10)),
    ]


def test_the_same_file_or_fill_again_changes_nothing(desk: Desk):
    desk.ordered()
    row = (order(Side.SELL), "F-1", "2022-12-28", "12", "80")
    fill(desk, row)
    before = (Transaction.objects.count(), AuditEvent.objects.count())
    assert fill(desk, row) == FillImport(new=0, known=1)
    assert (Transaction.objects.count(), AuditEvent.objects.count()) == before
    more = (order(Side.SELL), "F-2", "2022-12-28", "8", "80")
    assert fill(desk, row, more) == FillImport(new=1, known=1)
    assert order(Side.SELL).filled_quantity == 20


@pytest.mark.parametrize(
    ("quantity", "price", "day", "column", "reason"),
    [
        ("20.5", "80", "2022-12-28", "quantity", "20.5 shares are more than the 20 that are left"),
        ("1", "0", "2022-12-28", "price", "must be above zero"),
        ("1", "80", "2022-12-29", "trade_date", "in the future"),
        ("1", "80", "2022-12-27", "trade_date", "before the proposal of 2022-12-28"),
        ("1", "160.01", "2022-12-28", "price", "160.01 is far from the 80 of the order"),
        ("1", "39.99", "2022-12-28", "price", "39.99 is far from the 80 of the order"),
    ],
)
def test_a_fill_that_does_not_fit_is_refused_and_nothing_is_booked(
    desk: Desk, quantity, price, day, column, reason
):
    desk.ordered()
    good = (order(Side.BUY), "F-0", "2022-12-28", "1", "80")
    with pytest.raises(ImportRefused) as refused:
        fill(desk, good, (order(Side.SELL), "F-1", day, quantity, price))
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.column) == ("fills.csv", 3, column)
    assert reason in problem.reason
    assert not Fill.objects.exists()
    assert Transaction.objects.count() == 1


def test_two_fills_that_are_too_much_together_are_refused(desk: Desk):
    desk.ordered()
    with pytest.raises(ImportRefused, match="6 shares are more than the 5 that are left"):
        fill(
            desk,
            (order(Side.SELL), "F-1", "2022-12-28", "15", "80"),
            (order(Side.SELL), "F-2", "2022-12-28", "6", "80"),
        )


def test_a_known_fill_with_other_content_is_refused(desk: Desk):
    desk.ordered()
    fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "12", "80"))
    with pytest.raises(ImportRefused, match="known with another date, quantity, price or fee"):
        fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "11", "80"))


def test_an_id_that_the_ledger_knows_otherwise_is_refused_with_its_line(desk: Desk):
    desk.ordered()
    with pytest.raises(
        ImportRefused, match=r"line 2, column external_id: the id is booked already"
    ):
        fill(desk, (order(Side.SELL), "T-1-1", "2022-12-28", "1", "80"))


def test_a_lot_that_was_sold_elsewhere_meanwhile_is_refused_with_its_line(desk: Desk):
    desk.ordered()
    factories.book(desk.account, EntryKind.SELL, TODAY, desk.old, "15", amount="1200")
    with pytest.raises(ImportRefused, match=r"fills.csv, line 2"):
        fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "20", "80"))
    assert not Fill.objects.exists()


def test_another_firms_order_looks_unknown(desk: Desk):
    desk.ordered()
    stranger = make_person(factories.make_firm("Other", pinned_date=TODAY), "eve", Role.OPERATIONS)
    file = fills_file((order(Side.SELL), "F-1", "2022-12-28", "1", "80"))
    with pytest.raises(ImportRefused, match="no order has this id"):
        services.import_fills(user=stranger, file=file, name="fills.csv")


def test_an_order_that_was_not_exported_cannot_have_been_filled(desk: Desk):
    desk.approved()
    with pytest.raises(ImportRefused, match="not been exported yet"):
        fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "1", "80"))


@pytest.mark.parametrize("file", [b"", b"order_id\xff", b"\x00", b"a,b\n1,2\n"])
def test_a_file_that_is_none_is_refused(desk: Desk, file: bytes):
    with pytest.raises(ImportRefused):
        services.import_fills(user=desk.operations, file=file, name="../../fills.csv")


# What a fill opens


def test_a_filled_harvest_blocks_the_security_until_day_31_exactly(desk: Desk):
    filled(desk)
    last, clear = TODAY + timedelta(days=30), TODAY + timedelta(days=31)
    block = selectors.windows(desk.household.pk, last).buy_blocked[desk.old.pk]
    assert block.clear_on == clear == date(2023, 1, 28)
    assert block.cause == "20 OLD sold at a loss on 2022-12-28 in Ann taxable"
    assert selectors.windows(desk.household.pk, clear).buy_blocked == {}
    back = desk.purchase("1", security=desk.old.pk, account=desk.ira.pk, pair=0)
    for security in (desk.old, desk.sub):
        factories.set_price(security, last, "80")
    with pytest.raises(BadDraft, match="must not be bought before 2023-01-28"):
        desk.submit(back, kind=ProposalKind.REBALANCE, as_of=last)
    assert desk.submit(back, kind=ProposalKind.REBALANCE, as_of=clear).status == "pending"


def test_the_substitute_stands_in_after_its_window_has_closed_until_it_is_sold(desk: Desk):
    """T33: the swap-back decides when it goes, not the calendar."""
    desk.approved()
    pair = HarvestPair(desk.old.pk, desk.sub.pk, Decimal(19), Decimal(1520), TODAY)
    assert selectors.open_pairs(desk.household.pk, TODAY) == (pair,)
    services.export_orders(user=desk.operations)
    Firm.objects.update(pinned_date=TODAY + timedelta(days=1))
    sold_on = "2022-12-29"
    fill(
        desk,
        (order(Side.SELL), "F-1", sold_on, "20", "80"),
        (order(Side.BUY), "F-2", sold_on, "19", "80"),
    )
    for day in (date(2023, 1, 28), date(2023, 1, 29), date(2024, 1, 29)):
        (pair,) = selectors.open_pairs(desk.household.pk, day)
        assert (pair.sold_on, pair.quantity) == (date(2022, 12, 29), Decimal(19))
    desk.account.firm.pinned_date = date(2023, 2, 2)
    desk.account.firm.save()
    factories.book(desk.account, EntryKind.SELL, date(2023, 2, 1), desk.sub, "15", amount="1200")
    (pair,) = selectors.open_pairs(desk.household.pk, date(2023, 2, 1))
    assert (pair.quantity, pair.amount) == (Decimal(4), Decimal(320))
    factories.book(desk.account, EntryKind.SELL, date(2023, 2, 2), desk.sub, "4", amount="320")
    assert selectors.open_pairs(desk.household.pk, date(2023, 2, 2)) == ()


def test_what_is_left_of_partly_filled_orders_is_still_intended(desk: Desk):
    desk.ordered()
    fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "12", "80"))
    left = selectors.intentions(desk.household.pk)
    assert [(one.side, one.quantity) for one in left] == [
        ("sell", Decimal(8)),
        ("buy", Decimal(19)),
    ]
    found = selectors.windows(desk.household.pk, TODAY)
    assert found.reserved == {(desk.lot.pk, 0): Decimal(8)}
    assert TaxLot.objects.get(opening=desk.lot).quantity == 8


# Orders that are never filled


def test_closing_unfilled_orders_cancels_the_proposal_and_frees_the_household(desk: Desk):
    proposal, _ = desk.ordered()
    closed = services.close_orders(user=desk.operations, public_id=proposal.public_id)
    assert closed.status == "cancelled"
    assert {one.status for one in Order.objects.all()} == {"cancelled"}
    assert selectors.intentions(desk.household.pk) == ()
    assert selectors.open_pairs(desk.household.pk, TODAY) == ()
    assert desk.submit(desk.sale("10"), desk.purchase("9")).status == "pending"


def test_closing_partly_filled_orders_keeps_what_has_happened(desk: Desk):
    proposal, _ = desk.ordered()
    fill(
        desk,
        (order(Side.SELL), "F-1", "2022-12-28", "10", "80"),
        (order(Side.BUY), "F-2", "2022-12-28", "4.75", "80"),
    )
    closed = services.close_orders(user=desk.operations, public_id=proposal.public_id)
    assert closed.status == "filled"
    assert selectors.intentions(desk.household.pk, statuses=list(Status)) == ()
    assert selectors.windows(desk.household.pk, TODAY).buy_blocked[desk.old.pk].shares == 10
    assert selectors.open_pairs(desk.household.pk, TODAY) == (
        HarvestPair(desk.old.pk, desk.sub.pk, Decimal("4.75"), Decimal(380), TODAY),
    )
    with pytest.raises(ImportRefused, match="this order was closed"):
        fill(desk, (order(Side.SELL), "F-3", "2022-12-28", "1", "80"))


def test_orders_that_are_not_out_cannot_be_closed(desk: Desk):
    proposal = desk.approved()
    with pytest.raises(Conflict, match="is approved"):
        services.close_orders(user=desk.operations, public_id=proposal.public_id)


def test_a_fee_that_eats_the_trade_is_a_mistype(desk: Desk):
    desk.ordered()
    text = "order_id,external_id,trade_date,quantity,price,fee\n"
    text += f"{order(Side.BUY).public_id},F-1,2022-12-28,1,80,8.01\n"
    with pytest.raises(ImportRefused, match=r"8\.01 is more than a tenth of the trade"):
        services.import_fills(user=desk.operations, file=text.encode(), name="fills.csv")
    assert not Fill.objects.exists()
