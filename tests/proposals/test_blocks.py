"""A block filled in part: every account its pro rata share, nobody always last, and the division on record (T49)."""

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.db.models import Sum
from django.test import Client

from accounts.canonical import sha256_of
from accounts.models import Account, AuditEvent
from config.verification import violations
from lots import services as lots_services
from lots.models import Disposal, Transaction
from lots.types import EntryKind, NewTransaction
from proposals import services
from proposals.allocation import Wanted, allocate
from proposals.block_models import BlockFill, BlockShare
from proposals.models import Fill, Order, OrderExport, OrderLot, Proposal
from proposals.types import FillImport, Side
from securities.importers.refusal import ImportRefused
from tests import factories
from tests.proposals.desk import BOUGHT, TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db

HEADER = "order_id,external_id,trade_date,quantity,price,fee,symbol,side,batch_id,custodian,seed"


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def accounts_of(desk: Desk, count: int, *, each: int = 4) -> list[Account]:
    """So many accounts, ``each`` to a household."""
    found: list[Account] = []
    while len(found) < count:
        household = factories.make_household(desk.firm, f"Household {len(found):03d}")
        for _ in range(min(each, count - len(found))):
            found.append(factories.make_account(household, f"B-{len(found):03d}"))
    return found


def order_file(desk: Desk) -> OrderExport:
    number = OrderExport.objects.count() + 1
    return OrderExport.objects.create(
        firm=desk.firm, number=number, sha256="x", exported_by=desk.operations
    )


def out(
    desk: Desk, accounts: Sequence[Account], wanted: Sequence[str], export: OrderExport, side: Side,
    **changes: Any,
) -> list[Order]:  # fmt: skip
    """Orders that are out, one of each account, for OLD at 80; what is sold was bought at 100 before."""
    proposals: dict[int, Proposal] = {}
    orders = []
    for account, quantity in zip(accounts, wanted, strict=True):
        proposal = proposals.get(account.household_id) or Proposal.objects.create(
            household=account.household, kind="rebalance", status="ordered",
            as_of=changes.get("as_of", TODAY), expires_on=TODAY,
            version=Proposal.objects.count() + 1, sentence="x", content="{}", inputs="",
            content_sha256=sha256_of("{}"), inputs_sha256=sha256_of(""), code_version="1",
        )  # fmt: skip
        proposals[account.household_id] = proposal
        orders.append(
            Order.objects.create(
                proposal=proposal, account=account, security=desk.old, side=side, quantity=quantity,
                reference_price=80, status="ordered", export=export,
                type=changes.get("type", "market"), limit_price=changes.get("limit_price"),
            )
        )  # fmt: skip
    if side == Side.SELL:
        lots_of(desk, orders)
    return orders


def lots_of(desk: Desk, orders: Sequence[Order]) -> None:
    lots_services.book(
        firm=desk.firm,
        actor="test",
        rows=[
            NewTransaction(
                account=order.account_id, external_id="LOT", trade_date=BOUGHT, kind=EntryKind.BUY,
                security=desk.old.pk, quantity=D(order.quantity), amount=D(order.quantity) * 100,
                ordinal=number,
            )
            for number, order in enumerate(orders, 1)
        ],
    )  # fmt: skip
    for order in orders:
        opening = Transaction.objects.get(account=order.account, external_id="LOT")
        OrderLot.objects.create(order=order, opening=opening, part=0, quantity=order.quantity)


def block(
    external_id: str, quantity: str, *, price: str = "80", fee: str = "0", symbol: str = "OLD",
    side: str = "buy", batch: str = "", custodian: str = "", seed: str = "", day: str = "2022-12-28",
) -> str:  # fmt: skip
    return (
        f",{external_id},{day},{quantity},{price},{fee},{symbol},{side},{batch},{custodian},{seed}"
    )


def one_order(order: Order, external_id: str, quantity: str) -> str:
    return f"{order.public_id},{external_id},2022-12-28,{quantity},80,0,,,,,"


def fill(desk: Desk, *rows: str) -> FillImport:
    text = "\n".join([HEADER, *rows])
    return services.import_fills(user=desk.operations, file=text.encode(), name="fills.csv")


def filled() -> dict[int, D]:
    return dict(Order.objects.values_list("pk", "filled_quantity"))


def refused(desk: Desk, *rows: str) -> str:
    """The one reason; nothing was booked."""
    before = (filled(), Fill.objects.count(), BlockFill.objects.count())
    with pytest.raises(ImportRefused) as error:
        fill(desk, *rows)
    (problem,) = error.value.problems
    assert (filled(), Fill.objects.count(), BlockFill.objects.count()) == before
    return f"{problem.line} {problem.column}: {problem.reason}"


# 200 accounts


def test_a_block_of_200_accounts_filled_in_three_parts_is_shared_by_all(desk: Desk):
    """Ten shares each. 100 are filled, 100 more, 100 more: who got nothing at first comes before who got something."""
    accounts = accounts_of(desk, 200)
    orders = out(desk, accounts, ["10"] * 200, order_file(desk), Side.BUY)
    first = fill(desk, block("P-1", "100"))
    assert (first.new, first.blocks[0].orders, first.blocks[0].served) == (100, 200, 100)
    after = filled()
    assert Counter(after.values()) == {D(0): 100, D(1): 100}
    served = [after[order.pk] for order in orders]
    assert 20 < sum(served[:100]) < 80  # neither the first accounts nor the last
    fill(desk, block("P-2", "100"))
    assert Counter(filled().values()) == {D(1): 200}
    fill(desk, block("P-3", "100"))
    after = filled()
    assert Counter(after.values()) == {D(1): 100, D(2): 100}
    assert {order.pk for order in orders if after[order.pk] == 2} != {
        order.pk for order, share in zip(orders, served, strict=True) if share
    }
    for told in BlockFill.objects.all():
        assert divided_again(told) == dict(told.shares.values_list("order", "allocated"))
        assert told.fills.aggregate(all=Sum("quantity"))["all"] == told.quantity
    assert len({told.seed for told in BlockFill.objects.all()}) == 3
    assert list(violations()) == []


def divided_again(told: BlockFill) -> dict[int, D]:
    """From the record alone."""
    shares = list(told.shares.select_related("order"))
    wanted = [Wanted(str(one.order.public_id), one.wanted, one.fractions) for one in shares]
    found = allocate(told.quantity, wanted, told.seed).shares
    return {one.order_id: found[str(one.order.public_id)] for one in shares}


# What a block becomes


def test_sales_of_different_sizes_get_their_pro_rata_and_sell_their_lots(desk: Desk):
    accounts = accounts_of(desk, 4)
    orders = out(desk, accounts, ["10", "20", "30", "40"], order_file(desk), Side.SELL)
    result = fill(desk, block("S-1", "50", side="sell", price="79.5", fee="1.00", seed="7"))
    assert [filled()[order.pk] for order in orders] == [5, 10, 15, 20]
    assert [str(one) for one in result.blocks] == [
        "Block S-1: 50 of the 100 shares of OLD that were wanted went pro rata to 4 orders, of which 4 got some; seed 7"
    ]
    told = BlockFill.objects.get()
    assert (told.seed, told.imported_by, told.custodian) == (7, desk.operations, "Example Custody")
    rows = Fill.objects.order_by("order").values_list("block", "price", "fee", "transaction__price")
    assert list(rows) == [
        (told.pk, D("79.5"), D(fee), D("79.5")) for fee in ("0.10", "0.20", "0.30", "0.40")
    ]
    assert list(Disposal.objects.order_by("sale").values_list("quantity", flat=True)) == [
        5, 10, 15, 20,
    ]  # fmt: skip
    fill(desk, block("S-2", "50", side="sell"))
    assert {order.status for order in Order.objects.all()} == {"filled"}
    assert {proposal.status for proposal in Proposal.objects.all()} == {"filled"}
    assert list(violations()) == []


def test_who_wanted_and_got_what_by_which_seed_is_in_the_audit(desk: Desk):
    orders = out(desk, accounts_of(desk, 2), ["3", "3"], order_file(desk), Side.BUY)
    fill(desk, block("B-1", "3"))
    event = json.loads(AuditEvent.objects.get(action="block.divided").payload)
    told, after = BlockFill.objects.get(), filled()
    assert event["actor"] == desk.operations.username
    assert event["facts"]["seed"] == told.seed
    assert event["facts"]["orders"] == {
        str(order.public_id): {"wanted": "3", "allocated": str(int(after[order.pk]))}
        for order in orders
    }
    imported = json.loads(AuditEvent.objects.get(action="fills.imported").payload)
    assert imported["facts"]["blocks"] == ["B-1"]


def test_the_same_file_again_changes_nothing(desk: Desk):
    out(desk, accounts_of(desk, 3), ["5", "5", "5"], order_file(desk), Side.BUY)
    rows = (block("B-1", "7"), block("B-2", "5"))
    assert fill(desk, *rows).new == 6
    before, events = filled(), AuditEvent.objects.count()
    assert fill(desk, *rows) == FillImport(new=0, known=2)
    assert (filled(), AuditEvent.objects.count()) == (before, events)
    fill(desk, block("B-3", "3"))  # the orders are complete: the file is known all the same
    assert fill(desk, *rows) == FillImport(new=0, known=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": "6"},
        {"price": "81"},
        {"fee": "1"},
        {"seed": "8"},
        {"side": "sell"},
        {"batch": "2"},
        {"custodian": "Other"},
        {"day": "2022-12-27"},
    ],
)
def test_a_known_block_with_other_content_is_refused(desk: Desk, changes: dict[str, str]):
    out(desk, accounts_of(desk, 2), ["5", "5"], order_file(desk), Side.BUY)
    fill(desk, block("B-1", "7", seed="7"))
    said = {"quantity": "7", "seed": "7", **changes}
    assert "2 external_id: this block is known with another" in refused(desk, block("B-1", **said))


def test_whole_shares_go_to_accounts_of_whole_shares_and_fractions_to_the_others(desk: Desk):
    whole, parts = accounts_of(desk, 2)
    Account.objects.filter(pk=parts.pk).update(trades_fractions=True)
    orders = out(desk, [whole, parts], ["10", "10.5"], order_file(desk), Side.BUY)
    fill(desk, block("B-1", "7.25"))
    assert filled() == {orders[0].pk: D(4), orders[1].pk: D("3.25")}


def test_what_a_fill_of_the_same_file_takes_is_no_longer_wanted(desk: Desk):
    one, other = out(desk, accounts_of(desk, 2), ["10", "10"], order_file(desk), Side.BUY)
    rows = (block("B-1", "10"), one_order(one, "F-1", "10"))
    assert fill(desk, *rows).new == 2
    assert filled() == {one.pk: D(10), other.pk: D(10)}
    assert BlockShare.objects.get().order == other
    assert fill(desk, *rows) == FillImport(new=0, known=2)


def test_two_orders_of_one_account_are_told_apart(desk: Desk):
    (account,) = accounts_of(desk, 1)
    export = order_file(desk)
    out(desk, [account], ["5"], export, Side.BUY)
    Proposal.objects.update(kind="harvest")
    out(desk, [account], ["5"], export, Side.BUY)
    fill(desk, block("B-1", "10"))
    booked = Transaction.objects.filter(account=account).values_list("external_id", flat=True)
    assert sorted(booked) == ["B-1", "B-1/2"]


def test_what_a_statement_told_of_one_account_is_linked(desk: Desk):
    accounts = accounts_of(desk, 2)
    orders = out(desk, accounts, ["5", "5"], order_file(desk), Side.BUY)
    told = factories.book(
        accounts[1], EntryKind.BUY, TODAY, desk.old, "5", amount="400", external_id="C-7"
    )
    assert fill(desk, block("B-1", "10")).linked == 1
    linked = Fill.objects.get(order=orders[1])
    assert (linked.transaction, linked.block) == (told, BlockFill.objects.get())
    assert list(violations()) == []


# What is refused


def test_what_does_not_fit_is_refused_in_words(desk: Desk):
    accounts = accounts_of(desk, 2)
    out(desk, accounts, ["5", "5"], order_file(desk), Side.BUY)
    for row, reason in [
        (block("B-1", "11"), "2 quantity: 11 shares are more than the 10 that are left of the 2 open"),
        (block("B-1", "5.5"), "2 quantity: 0.5 of a share can be given to nobody"),
        (block("B-1", "5", symbol="SUB"), "2 symbol: no order to buy SUB was out and open"),
        (block("B-1", "5", side="sell"), "2 symbol: no order to sell OLD was out and open"),
        (block("B-1", "5", day="2022-12-27"), "2 symbol: no order to buy OLD was out and open"),
        (block("B-1", "5", batch="9"), "2 symbol: no order to buy OLD of order file 9 was out"),
        (block("B-1", "5", custodian="X"), "2 symbol: no order to buy OLD at X was out"),
        (block("B-1", "5", price="300"), "2 price: 300 is far from the 80"),
    ]:  # fmt: skip
        assert reason in refused(desk, row)
    fill(desk, block("B-0", "4"))
    assert "7 shares are more than the 6 that are left" in refused(desk, block("B-1", "7"))
    reason = refused(desk, block("B-1", "5"), block("B-2", "2"))
    assert "3 quantity: 2 shares are more than the 1 that are left" in reason


def test_orders_of_two_files_are_one_block_only_where_the_row_says_which(desk: Desk):
    first, second = order_file(desk), order_file(desk)
    accounts = accounts_of(desk, 2, each=1)
    out(desk, accounts[:1], ["5"], first, Side.BUY)
    (later,) = out(desk, accounts[1:], ["5"], second, Side.BUY)
    reason = refused(desk, block("B-1", "5"))
    assert "2 batch_id: orders to buy OLD are open in order files 1, 2: say which it is" in reason
    fill(desk, block("B-1", "5", batch="2"))
    assert filled()[later.pk] == 5


def test_an_order_file_of_a_later_proposal_was_not_out_on_the_day(desk: Desk):
    day = TODAY.replace(day=27)
    accounts = accounts_of(desk, 2, each=1)
    (earlier,) = out(desk, accounts[:1], ["5"], order_file(desk), Side.BUY, as_of=day)
    out(desk, accounts[1:], ["5"], order_file(desk), Side.BUY)
    fill(desk, block("B-1", "3", day="2022-12-27"))
    assert filled()[earlier.pk] == 3


def test_a_block_is_of_one_custodian(desk: Desk):
    accounts = accounts_of(desk, 2)
    Account.objects.filter(pk=accounts[0].pk).update(custodian="Other Custody")
    orders = out(desk, accounts, ["5", "5"], order_file(desk), Side.BUY)
    reason = refused(desk, block("B-1", "5"))
    assert "custodian: orders to buy OLD are open at Example Custody, Other Custody" in reason
    fill(desk, block("B-1", "5", custodian="Other Custody"))
    assert filled()[orders[0].pk] == 5


def test_a_block_is_of_one_type_and_limit(desk: Desk):
    accounts, export = accounts_of(desk, 2, each=1), order_file(desk)
    out(desk, accounts[:1], ["5"], export, Side.BUY)
    out(desk, accounts[1:], ["5"], export, Side.BUY, type="limit", limit_price=D(79))
    assert "several types or limits" in refused(desk, block("B-1", "5"))


def test_an_id_that_an_order_has_a_fill_of_is_refused(desk: Desk):
    one, _ = out(desk, accounts_of(desk, 2), ["5", "5"], order_file(desk), Side.BUY)
    fill(desk, one_order(one, "X-1", "1"))
    assert "has a fill of this id already" in refused(desk, block("X-1", "9"))


def test_a_price_far_from_the_orders_is_said_once_not_for_each(desk: Desk):
    out(desk, accounts_of(desk, 8), ["5"] * 8, order_file(desk), Side.BUY)
    assert "2 price" in refused(desk, block("B-1", "40", price="300"))


def test_another_firms_orders_are_no_part_of_a_block(desk: Desk):
    other = make_desk("Other Advisers", prefix="o-")
    out(other, accounts_of(other, 1), ["5"], order_file(other), Side.BUY)
    (ours,) = out(desk, accounts_of(desk, 1), ["5"], order_file(desk), Side.BUY)
    assert "6 shares are more than the 5" in refused(desk, block("B-1", "6"))
    fill(desk, block("B-1", "5"))
    assert filled()[ours.pk] == 5
    assert fill(other, block("B-1", "4")).new == 1  # another firm's custodian may use the same id


# On record


def test_a_division_that_was_changed_is_found(desk: Desk):
    out(desk, accounts_of(desk, 2), ["5", "5"], order_file(desk), Side.BUY)
    fill(desk, block("B-1", "5"))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        BlockFill.objects.update(seed=1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        BlockShare.objects.update(allocated=2)
    told = BlockFill.objects.get()
    other = BlockFill.objects.create(
        firm=desk.firm, external_id="B-2", security=desk.old, side="buy", export=told.export,
        custodian=told.custodian, trade_date=TODAY, quantity=2, price=80, seed=1,
        imported_by=desk.operations,
    )  # fmt: skip
    for share, got in zip(told.shares.all(), (2, 0), strict=True):
        BlockShare.objects.create(
            block=other, order=share.order, wanted=5, fractions=False, allocated=got
        )
    assert [one.split(": ", 1)[1] for one in violations()] == [
        "block B-2 was not divided as its seed says",
        "block B-2: its fills are not its division",
    ]


def test_the_page_tells_how_a_block_was_divided(desk: Desk):
    out(desk, accounts_of(desk, 2), ["5", "5"], order_file(desk), Side.BUY)
    client = Client()
    client.force_login(desk.operations)
    text = "\n".join([HEADER, block("B-1", "5", seed="9")]).encode()
    page = client.post(
        "/orders/fills/", {"file": SimpleUploadedFile("fills.csv", text)}, follow=True
    )
    assert (
        b"Block B-1: 5 of the 10 shares of OLD that were wanted went pro rata to 2 orders, of which 2 got some; seed 9."
        in page.content
    )
