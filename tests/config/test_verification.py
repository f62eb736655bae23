"""`verify` is silent on a sound database and names what is wrong on another."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.canonical import sha256_of
from accounts.models import Account
from accounts.services import record_audit
from accounts.types import AccountKind, Role
from config.verification import violations
from lots.models import ReportedYear, StatementPosition, TaxLot, Transaction, WashSale
from lots.services import import_positions, rebuild_lots
from lots.types import EntryKind, Treatment
from proposals import services
from proposals.models import Decision, Fill, Order, OrderLot, Proposal, ProposedTrade
from tests.factories import book, make_account, make_firm, make_household, make_security
from tests.proposals.desk import Desk, fills_file, make_desk, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm():
    firm = make_firm(pinned_date=date(2022, 12, 28))
    account = make_account(make_household(firm))
    book(account, EntryKind.CASH_IN, date(2022, 1, 3), amount="10000")
    book(account, EntryKind.BUY, date(2022, 1, 4), make_security(firm), "10", amount="1000")
    return firm


def test_a_sound_database_has_no_violations(firm, capsys):
    assert list(violations()) == []
    call_command("verify")


def test_a_lot_that_does_not_follow_from_the_ledger_is_named(firm):
    TaxLot.objects.update(basis=Decimal(1))
    assert list(violations()) == [
        "Harbor Advisers: Miller: 1 derived rows do not follow from the ledger",
        "Harbor Advisers: Miller: basis of AAA: 1000 came in with purchases, receipts and"
        " disallowed losses, 1 is open or was relieved (I3)",
    ]
    assert TaxLot.objects.get().basis == Decimal(1)  # looking changes nothing
    with pytest.raises(CommandError, match="2 violations"):
        call_command("verify")


def test_a_changed_audit_event_is_named(firm):
    record_audit(firm=firm, actor="ada", action="test.done", subject="x", facts={})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE accounts_auditevent SET payload = '{}' WHERE sequence = 2")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert list(violations()) == [
        "Harbor Advisers: audit chain: event 2 was changed after it was written"
    ]


def test_a_lot_promised_to_more_orders_than_it_has_shares_is_named():
    desk = make_desk()
    desk.ordered(desk.sale("12"), desk.purchase("11"))
    assert list(violations()) == []
    OrderLot.objects.update(quantity=Decimal(25))
    ProposedTrade.objects.filter(side="sell").update(quantity=Decimal(25))
    assert list(violations()) == [
        "Harbor Advisers: Miller: open orders sell 25 of the lot T-1-1, 20 are open"
    ]


def test_rows_that_keep_no_account_of_shares_basis_and_losses_are_named(firm):
    """A loss of 100 that IRA shares took away: somebody then wrote that it was deferred, and cut the new lot."""
    account = firm.accounts.get()
    security = firm.securities.get()
    ira = make_account(account.household, "I-1", kind=AccountKind.ROTH_IRA)
    sale = book(account, EntryKind.SELL, date(2022, 3, 1), security, "10", amount="900")
    bought = book(ira, EntryKind.BUY, date(2022, 3, 2), security, "10", amount="910")
    assert list(violations()) == []

    WashSale.objects.update(treatment=Treatment.DEFERRED)
    TaxLot.objects.filter(opening=bought).update(quantity=Decimal(9))

    name = "Harbor Advisers: Miller"
    assert list(violations()) == [
        f"{name}: 2 derived rows do not follow from the ledger",
        f"{name}: account I-1: 9 shares of AAA are open, 10 follow from its transactions (I1)",
        f"{name}: basis of AAA: 2010 came in with purchases, receipts and disallowed losses,"
        " 1910 is open or was relieved (I3)",
        f"{name}: sale {sale.external_id}: 100.00 is disallowed, 100.00 of it for ever; its matches"
        " say 100.00 and 0.00 (I5)",
    ]


def tampered(statement: str) -> None:
    """What somebody with the database's own password can do, past its guards."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_a_lot_in_another_households_account_is_named(firm):
    other = make_account(make_household(firm, "Other"), "O-1")
    TaxLot.objects.update(account=other)
    assert list(violations()) == [
        "Harbor Advisers: Miller: 1 derived rows do not follow from the ledger",
        "Harbor Advisers: Miller: account T-1: 0 shares of AAA are open, 10 follow from its transactions (I1)",
        "Harbor Advisers: Miller: basis of AAA: 1000 came in with purchases, receipts and disallowed losses,"
        " 0 is open or was relieved (I3)",
        "Harbor Advisers: Other: 1 derived rows do not follow from the ledger",
        "Harbor Advisers: Other: account O-1: 10 shares of a security that the household never traded are open,"
        " 0 follow from its transactions (I1)",
        "Harbor Advisers: Other: lot of another household has 10 shares of a security that the household never"
        " traded, 0 were opened by transaction of another household (I2)",
        "Harbor Advisers: Other: basis of a security that the household never traded: 0 came in with purchases,"
        " receipts and disallowed losses, 1000 is open or was relieved (I3)",
    ]  # fmt: skip


def test_a_lot_of_another_firms_security_is_named(firm):
    TaxLot.objects.update(security=make_security(make_firm("Elm Street"), "XXX"))
    assert any(
        "account T-1: 10 shares of a security that the household never traded" in sentence
        for sentence in violations()
    )


def test_a_forged_transaction_is_named(firm):
    Transaction.objects.create(
        account=firm.accounts.get(), external_id="F-1", kind=EntryKind.CASH_IN,
        trade_date=date(2022, 2, 1), amount=Decimal(500), content_sha256="0",
    )  # fmt: skip
    assert list(violations()) == [
        "Harbor Advisers: Miller: account T-1: transaction F-1 is not what was booked:"
        " its content has another hash"
    ]


def test_a_changed_purchase_is_named_although_its_lots_follow(firm):
    tampered("UPDATE lots_transaction SET amount = 900 WHERE kind = 'buy'")
    rebuild_lots(household_id=firm.households.get().pk)
    assert list(violations()) == [
        "Harbor Advisers: Miller: account T-1: transaction T-1-2 is not what was booked:"
        " its content has another hash"
    ]


def test_a_ledger_that_cannot_be_followed_is_named(firm):
    account = firm.accounts.get()
    book(account, EntryKind.SELL, date(2022, 3, 1), firm.securities.get(), "10", amount="900")
    tampered("UPDATE lots_transaction SET quantity = 9 WHERE kind = 'buy'")
    found = list(violations())
    assert found[0].endswith("T-1-2 is not what was booked: its content has another hash")
    assert found[1].startswith("Harbor Advisers: Miller: the ledger cannot be followed: ")


def test_changed_reported_figures_are_named(firm):
    text = '{"returns":[]}'
    ReportedYear.objects.create(
        household=firm.households.get(), year=2022, figures=text, figures_sha256=sha256_of(text),
        author=make_person(firm, "ada", Role.ADVISER),
    )  # fmt: skip
    assert list(violations()) == []
    tampered("UPDATE lots_reportedyear SET figures = '{\"returns\":[1]}'")
    assert list(violations()) == [
        "Harbor Advisers: Miller: the figures reported of 2022 were changed"
    ]


def test_spun_off_shares_hide_no_oversold_parent():
    desk = make_desk()
    desk.ordered(desk.sale("12"), desk.purchase("11"))
    book(
        desk.account, EntryKind.SPIN_OFF, date(2022, 12, 12), desk.old, "5",
        to_security=make_security(desk.firm, "CHILD"), basis_fraction="0.2",
    )  # fmt: skip
    OrderLot.objects.update(quantity=Decimal(25))
    ProposedTrade.objects.filter(side="sell").update(quantity=Decimal(25))
    assert list(violations()) == [
        "Harbor Advisers: Miller: open orders sell 25 of the lot T-1-1, 20 are open"
    ]


def test_a_renamed_lot_is_promised_under_its_new_name():
    desk = make_desk()
    desk.ordered(desk.sale("12"), desk.purchase("11"))
    book(
        desk.account, EntryKind.RENAME, date(2022, 12, 12), desk.old, "1",
        to_security=make_security(desk.firm, "NEW"),
    )  # fmt: skip
    assert list(violations()) == []


def with_statement(desk):
    import_positions(
        firm=desk.firm, user=None, name="p.csv", as_of=date(2022, 12, 28),
        file=b"account,symbol,quantity,as_of\nT-1,OLD,15,2022-12-28\n",
    )  # fmt: skip


def test_a_proposal_made_before_a_statement_differed_is_no_violation():
    desk = make_desk()
    desk.submit()
    with_statement(desk)
    assert list(violations()) == []


@pytest.mark.parametrize("made", ["proposed", "approved"])
def test_what_was_proposed_or_approved_where_the_lots_did_not_add_up_is_named(made):
    """I22."""
    desk = make_desk()
    proposal = desk.submit() if made == "proposed" else desk.approved()
    with_statement(desk)
    later = timezone.now() + timedelta(minutes=1)
    if made == "proposed":
        Proposal.objects.update(created_at=later)
    else:
        tampered("UPDATE proposals_decision SET decided_at = now() + interval '1 minute'")
    assert proposal.kind == "harvest"
    assert list(violations()) == [
        "Harbor Advisers: Miller: the harvest proposal of 2022-12-28 trades in account T-1, which does "
        "not add up: OLD: lots 20, custodian 15 on 2022-12-28 (I22)"
    ]


def test_a_changed_statement_is_named():
    desk = make_desk()
    with_statement(desk)
    StatementPosition.objects.update(quantity=Decimal(20))
    assert list(violations()) == [
        "Harbor Advisers: Miller: the statement of account T-1 of 2022-12-28 was changed"
    ]


# I9: wash sales of our own orders


RECENT = date(2022, 12, 20)


def bought_by_an_order(desk: Desk, account: Account, quantity: str) -> None:
    """A purchase of OLD, filled last week: by an order of ours, which no check looked at."""
    proposal = Proposal.objects.create(
        household=desk.household, kind="rebalance", status="filled", as_of=RECENT, expires_on=RECENT,
        version=Proposal.objects.count() + 1,
        sentence="x", content="{}", content_sha256=sha256_of("{}"), inputs="", code_version="1",
        inputs_sha256=sha256_of(""),
    )  # fmt: skip
    order = Order.objects.create(
        proposal=proposal, account=account, security=desk.old, side="buy", quantity=quantity,
        filled_quantity=quantity, reference_price=80, status="filled",
    )  # fmt: skip
    dollars = str(Decimal(quantity) * 80)
    booked = book(account, EntryKind.BUY, RECENT, desk.old, quantity, amount=dollars)
    Fill.objects.create(
        order=order, external_id=f"F{order.pk}", trade_date=RECENT, quantity=quantity, price=80,
        transaction=booked,
    )  # fmt: skip


def harvested(desk: Desk, accepted: str, price: str = "80") -> Proposal:
    """The loss on OLD taken, a deferral of ``accepted`` dollars accepted, filled at ``price``."""
    proposal = desk.submit(wash_deferred=Decimal(accepted))
    services.approve(
        user=desk.adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256,
        accept_wash=Decimal(accepted),
    )  # fmt: skip
    services.export_orders(user=desk.operations)
    rows = [
        (order, f"F{order.pk}", str(RECENT + timedelta(days=8)), str(order.quantity), price)
        for order in proposal.orders.order_by("-side")
    ]
    services.import_fills(user=desk.operations, file=fills_file(*rows), name="fills.csv")
    return proposal


@pytest.mark.parametrize("price", ["80", "60", "90"])
def test_an_accepted_wash_sale_of_our_orders_is_no_violation_at_any_fill(price: str):
    desk = make_desk()
    bought_by_an_order(desk, desk.account, "5")
    harvested(desk, "100", price)
    assert WashSale.objects.get().shares == 5
    assert list(violations()) == []


def test_a_wash_sale_of_our_orders_that_nobody_accepted_is_named():
    desk = make_desk()
    proposal = harvested(desk, "0")
    bought_by_an_order(desk, desk.account, "5")
    assert list(violations()) == [
        f"Harbor Advisers: Miller: harvest of 2022-12-28 ({proposal.public_id}): our orders washed"
        " $100.00 of its loss, $0.00 was accepted (I9)"
    ]


@pytest.mark.parametrize("price", ["80", "95"])
def test_more_shares_than_were_accepted_are_named_at_any_fill(price: str):
    """The sixth share was bought by an order of ours afterwards: at 95 even six defer less than $100."""
    desk = make_desk()
    bought_by_an_order(desk, desk.account, "5")
    proposal = harvested(desk, "100", price)
    bought_by_an_order(desk, desk.account, "1")
    (sentence,) = violations()
    assert str(proposal.public_id) in sentence
    assert sentence.endswith("$100.00 was accepted (I9)")


def test_a_loss_that_our_order_for_the_ira_took_is_named_whatever_was_accepted():
    desk = make_desk()
    bought_by_an_order(desk, desk.account, "5")
    harvested(desk, "100")
    bought_by_an_order(desk, desk.ira, "5")
    (sentence,) = violations()
    assert "of its loss, $100.00 of it for ever, $100.00 was accepted (I9)" in sentence


def test_a_wash_sale_by_somebody_elses_purchase_is_not_ours():
    desk = make_desk()
    harvested(desk, "0")
    book(desk.account, EntryKind.BUY, RECENT, desk.old, "5", amount="400")
    assert WashSale.objects.exists()
    assert list(violations()) == []


def test_what_was_booked_before_the_approval_counts_towards_the_accepted_sum():
    desk = make_desk()
    book(desk.account, EntryKind.BUY, RECENT, desk.old, "4", amount="320")
    proposal = harvested(desk, "80")
    assert list(violations()) == []
    bought_by_an_order(desk, desk.account, "1")
    assert list(violations()) == [
        f"Harbor Advisers: Miller: harvest of 2022-12-28 ({proposal.public_id}): our orders washed"
        " $100.00 of its loss, $80.00 was accepted (I9)"
    ]


def test_an_approval_that_accepted_another_sum_is_named():
    desk = make_desk()
    book(desk.account, EntryKind.BUY, RECENT, desk.old, "5", amount="400")
    harvested(desk, "100")
    tampered("UPDATE proposals_decision SET accepted_wash = 50")
    assert [sentence.split(": ", 1)[1] for sentence in violations()] == [
        f"decision {Decision.objects.get().pk} accepted another deferred loss than its proposal"
        " states (I9)"
    ]
