"""Which shares a fill takes, which stay reserved, and executions that a statement told before."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEvent
from config.verification import violations
from lots.models import Disposal, TaxLot, Transaction
from lots.types import EntryKind, Pick
from proposals import selectors, services
from proposals.errors import BadDraft
from proposals.models import Fill, Order, Proposal
from proposals.types import FillImport, ProposalKind, Side
from securities.importers.refusal import ImportRefused
from securities.models import Security
from tests import factories
from tests.proposals.desk import TODAY, Desk, fills_file, make_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def order(side: Side) -> Order:
    return Order.objects.get(side=side, proposal__kind=ProposalKind.HARVEST)


def fill(desk: Desk, *rows) -> FillImport:
    return services.import_fills(user=desk.operations, file=fills_file(*rows), name="fills.csv")


def purchase(desk: Desk, day: date, quantity: str, amount: str) -> Transaction:
    return factories.book(desk.account, EntryKind.BUY, day, desk.old, quantity, amount=amount)


def statement_sale(desk: Desk, quantity: str, amount: str, **changes) -> Transaction:
    return factories.book(
        desk.account, EntryKind.SELL, TODAY, desk.old, quantity, amount=amount, **changes
    )


# Orders whose security became another one


def became(desk: Desk, kind: EntryKind, ratio: str = "1") -> Security:
    new = factories.make_security(desk.firm, "NEW")
    factories.book(desk.account, kind, TODAY, desk.old, ratio, to_security=new)
    return new


def test_an_order_of_a_renamed_security_is_filled_under_its_new_name(desk: Desk):
    desk.ordered()
    new = became(desk, EntryKind.RENAME)
    sell, buy = order(Side.SELL), order(Side.BUY)
    fill(desk, (sell, "F-1", "2022-12-28", "20", "80"), (buy, "F-2", "2022-12-28", "19", "80"))
    [sold] = Disposal.objects.all()
    assert (sold.security, sold.opening, sold.quantity) == (new, desk.lot, Decimal(20))
    assert Proposal.objects.get().status == "filled"
    assert list(violations()) == []


def test_a_statements_sale_under_the_new_name_is_known(desk: Desk):
    desk.ordered()
    new = became(desk, EntryKind.RENAME)
    told = factories.book(
        desk.account, EntryKind.SELL, TODAY, new, "20", amount="1600",
        picks=(Pick(desk.lot.pk, Decimal(20)),),
    )  # fmt: skip
    assert fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "20", "80")).linked == 1
    assert Fill.objects.get().transaction == told


def test_an_order_of_a_merged_security_is_refused_with_the_way_out(desk: Desk):
    desk.ordered()
    became(desk, EntryKind.MERGE, "0.5")
    with pytest.raises(ImportRefused) as refused:
        fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "20", "80"))
    assert (
        "OLD became NEW by the merger of 2022-12-28: close the order and book the trade as a transaction"
    ) in str(refused.value)
    assert not Fill.objects.exists()


# The lots of partial fills


def test_after_a_partial_fill_the_lots_not_yet_sold_stay_reserved(desk: Desk):
    later = purchase(desk, date(2022, 5, 2), "20", "2000")
    desk.ordered(desk.sale(), desk.sale(opening=later.pk), desk.purchase("39"))
    sell = order(Side.SELL)
    fill(desk, (sell, "F-1", "2022-12-28", "20", "80"))  # the latest acquired lot goes first
    assert TaxLot.objects.get(security=desk.old).opening_id == desk.lot.pk
    assert selectors.windows(desk.household.pk, TODAY).reserved == {(desk.lot.pk, 0): Decimal(20)}
    with pytest.raises(BadDraft, match="20 are open and 20 of them are reserved"):
        desk.submit(desk.sale(pair=0), kind=ProposalKind.REBALANCE)
    fill(desk, (sell, "F-2", "2022-12-28", "20", "80"))
    assert not TaxLot.objects.filter(security=desk.old).exists()
    assert list(violations()) == []


def test_a_fill_in_the_middle_of_a_lot_leaves_the_rest_of_it_reserved(desk: Desk):
    later = purchase(desk, date(2022, 5, 2), "20", "2000")
    desk.ordered(desk.sale(), desk.sale(opening=later.pk), desk.purchase("39"))
    fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "5", "80"))
    assert selectors.windows(desk.household.pk, TODAY).reserved == {
        (desk.lot.pk, 0): Decimal(20),
        (later.pk, 0): Decimal(15),
    }


def lots_of_ten_and_six(desk: Desk) -> tuple[Transaction, Order]:
    """An order for two recent lots; filled below their basis, each sale is washed by the other lot."""
    ten = purchase(desk, TODAY - timedelta(days=20), "10", "700")
    six = purchase(desk, TODAY - timedelta(days=10), "6", "420")
    proposal, _ = desk.ordered(
        desk.sale("10", opening=ten.pk, basis=Decimal(700), pair=0),
        desk.sale("6", opening=six.pk, basis=Decimal(420), pair=0),
        kind=ProposalKind.REBALANCE,
    )
    return ten, proposal.orders.get()


def test_a_lot_that_the_orders_own_fill_has_split_is_filled_whole(desk: Desk):
    ten, sell = lots_of_ten_and_six(desk)
    fill(desk, (sell, "F-1", "2022-12-28", "6", "69"))
    parts = TaxLot.objects.filter(opening=ten).order_by("part").values_list("part", "quantity")
    assert [quantity for _, quantity in parts] == [Decimal(4), Decimal(6)]  # the loss sits on six
    reserved = selectors.windows(desk.household.pk, TODAY).reserved
    assert reserved == {(ten.pk, part): quantity for part, quantity in parts}
    assert list(violations()) == []
    fill(desk, (sell, "F-2", "2022-12-28", "10", "69"))
    assert not TaxLot.objects.filter(opening=ten).exists()
    assert Proposal.objects.get().status == "filled"


def test_fills_of_one_file_that_split_each_others_lots_are_booked(desk: Desk):
    ten, sell = lots_of_ten_and_six(desk)
    fill(
        desk,
        (sell, "F-1", "2022-12-28", "6", "69"),
        (sell, "F-2", "2022-12-28", "7", "69"),
        (sell, "F-3", "2022-12-28", "3", "69"),
    )
    assert not TaxLot.objects.filter(opening=ten).exists()
    assert Proposal.objects.get().status == "filled"


def test_a_part_that_covers_its_shares_is_named(desk: Desk):
    ten, sell = lots_of_ten_and_six(desk)
    services.close_orders(user=desk.operations, public_id=sell.proposal.public_id)
    statement_sale(desk, "4", "320", picks=(Pick(desk.lot.pk, Decimal(4)),))  # splits the six
    lots = TaxLot.objects.filter(security=desk.old, opening__trade_date=TODAY - timedelta(days=20))
    part, quantity = lots.values_list("part", "quantity")[lots.count() - 1]
    basis = TaxLot.objects.get(opening=ten, part=part).basis
    factories.set_price(desk.old, TODAY, "140")
    again, _ = desk.ordered(
        desk.sale(
            str(quantity), opening=ten.pk, part=part, price=Decimal(140), basis=basis, pair=0
        ),
        kind=ProposalKind.REBALANCE,
        as_of=TODAY,
    )
    fill(desk, (again.orders.get(), "F-9", "2022-12-28", str(quantity), "140"))
    assert Disposal.objects.get(sale__external_id="F-9").part == part


# Executions that a statement told before


def test_a_fill_that_a_statement_told_before_is_linked_and_not_booked_again(desk: Desk):
    desk.ordered()
    told = statement_sale(desk, "20", "1600.01", external_id="C-77")
    rows = (
        (order(Side.SELL), "F-1", "2022-12-28", "20", "80"),
        (order(Side.BUY), "F-2", "2022-12-28", "19", "80"),
    )
    assert fill(desk, *rows) == FillImport(new=2, known=0, linked=1)
    assert Fill.objects.get(external_id="F-1").transaction_id == told.pk
    assert Transaction.objects.filter(kind=EntryKind.SELL).count() == 1
    assert Proposal.objects.get().status == "filled"
    (link,) = facts_of("fills.imported")["linked"]
    assert (link["fill"], link["transaction"]) == ("F-1", "C-77")
    assert "lots_sold" not in link  # they are the ordered ones
    assert fill(desk, *rows) == FillImport(new=0, known=2)
    assert list(violations()) == []


def facts_of(action: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(AuditEvent.objects.get(action=action).payload)["facts"]
    return facts


def test_a_statement_with_the_fills_own_id_is_the_same_execution(desk: Desk):
    desk.ordered()
    told = statement_sale(desk, "20", "1600", external_id="F-1")
    fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "20", "80"))
    assert Fill.objects.get().transaction_id == told.pk


def test_other_lots_of_a_linked_sale_are_recorded_and_the_rest_of_the_order_follows(desk: Desk):
    later = purchase(desk, date(2022, 5, 2), "20", "2000")
    desk.ordered(desk.sale(), desk.sale(opening=later.pk), desk.purchase("39"))
    statement_sale(desk, "20", "1600")  # first in, first out: the older lot
    sell = order(Side.SELL)
    fill(desk, (sell, "F-1", "2022-12-28", "20", "80"))
    (link,) = facts_of("fills.imported")["linked"]
    assert list(link["lots_ordered"]) == [str(later.pk)]
    assert list(link["lots_sold"]) == [str(desk.lot.pk)]
    assert selectors.windows(desk.household.pk, TODAY).reserved == {(later.pk, 0): Decimal(20)}
    fill(desk, (sell, "F-2", "2022-12-28", "20", "79"))
    assert order(Side.SELL).status == "filled"
    assert list(violations()) == []


@pytest.mark.parametrize(("quantity", "amount"), [("19", "1520"), ("20", "1600.02")])
def test_a_sale_that_is_another_execution_is_not_linked(desk: Desk, quantity: str, amount: str):
    purchase(desk, date(2021, 5, 3), "20", "2000")  # sold first, so the ordered lot stays
    desk.ordered()
    statement_sale(desk, quantity, amount)
    result = fill(desk, (order(Side.SELL), "F-1", "2022-12-28", "20", "80"))
    assert result == FillImport(new=1, known=0, linked=0)
    assert Transaction.objects.filter(kind=EntryKind.SELL).count() == 2


def test_equal_executions_are_linked_one_to_one(desk: Desk):
    desk.ordered()
    told = {statement_sale(desk, "10", "800").pk, statement_sale(desk, "10", "800").pk}
    sell = order(Side.SELL)
    rows = [(sell, name, "2022-12-28", "10", "80") for name in ("F-1", "F-2")]
    assert fill(desk, *rows).linked == 2
    assert set(Fill.objects.values_list("transaction_id", flat=True)) == told


def test_a_second_equal_execution_is_booked_where_the_first_is_linked(desk: Desk):
    """The statement has told of one sale of ten; its fill explains it, and the next fill is another sale of ten."""
    desk.ordered()
    told = statement_sale(desk, "10", "800")
    sell = order(Side.SELL)
    assert fill(desk, (sell, "F-1", "2022-12-28", "10", "80")) == FillImport(
        new=1, known=0, linked=1
    )
    assert fill(desk, (sell, "F-2", "2022-12-28", "10", "80")) == FillImport(
        new=1, known=0, linked=0
    )
    assert Fill.objects.get(external_id="F-1").transaction_id == told.pk
    assert Fill.objects.get(external_id="F-2").transaction.source == "fill"
    assert list(violations()) == []
