"""What a household must not trade, said to people; and lists that never leave the firm."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.http import Http404
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account
from accounts.types import AccountKind, Role
from lots import selectors as lot_selectors
from lots.types import EntryKind, Pick
from proposals import selectors, services
from proposals.costs import Commission
from proposals.models import CommissionSchedule
from proposals.types import (
    OPEN,
    BuyBlock,
    HarvestPair,
    ProposalKind,
    SellBlock,
    Status,
    WindowKind,
    WindowRow,
)
from securities.models import PriceStatistic, Security
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk, make_person

pytestmark = pytest.mark.django_db

SOLD = date(2022, 12, 20)


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def sell_at_a_loss(desk: Desk, quantity: str = "5") -> None:
    factories.book(
        desk.account,
        EntryKind.SELL,
        SOLD,
        desk.old,
        quantity,
        amount=str(80 * int(quantity)),
        picks=(Pick(desk.lot.pk, Decimal(quantity)),),
    )


def windows(desk: Desk, day: date = TODAY, **options):
    return selectors.windows(desk.household.pk, day, **options)


# Sources


def test_a_booked_loss_blocks_the_purchase(desk: Desk):
    sell_at_a_loss(desk)
    assert windows(desk).buy_blocked == {
        desk.old.pk: BuyBlock(
            date(2023, 1, 20), "5 OLD sold at a loss on 2022-12-20 in Ann taxable", Decimal(5)
        )
    }


def test_a_gain_blocks_nothing(desk: Desk):
    factories.book(desk.account, EntryKind.SELL, SOLD, desk.old, "5", amount="600")
    assert windows(desk).buy_blocked == {}


def test_a_loss_in_a_retirement_account_blocks_nothing(desk: Desk):
    factories.book(desk.ira, EntryKind.BUY, date(2022, 3, 1), desk.sub, "5", amount="500")
    factories.book(desk.ira, EntryKind.SELL, SOLD, desk.sub, "5", amount="400")
    assert windows(desk).buy_blocked == {}


def test_identical_securities_are_blocked_too(desk: Desk):
    twin = factories.make_security(desk.firm, "TWIN")
    factories.make_identical_group(desk.adviser, desk.old, twin)
    sell_at_a_loss(desk)
    assert set(windows(desk).buy_blocked) == {desk.old.pk, twin.pk}
    assert windows(desk).buy_blocked[twin.pk].cause.endswith("(substantially identical)")


@pytest.mark.parametrize("kind", [EntryKind.BUY, EntryKind.REINVEST])
def test_purchases_and_reinvestments_block_a_loss_sale(desk: Desk, kind: EntryKind):
    factories.book(desk.ira, kind, SOLD, desk.old, "2", amount="160")
    verb = "bought" if kind is EntryKind.BUY else "reinvested"
    assert windows(desk).sell_blocked == {
        desk.old.pk: SellBlock(
            date(2023, 1, 20),
            Decimal(2),
            f"2 OLD {verb} on 2022-12-20 in Ann roth_ira",
            permanent=True,
        )
    }


def test_shares_that_a_spin_off_brought_were_not_bought(desk: Desk):
    """The engine takes none of them as replacements (R19): a loss of them is allowed, and no window opens."""
    child = factories.make_security(desk.firm, "CHILD")
    factories.book(desk.ira, EntryKind.BUY, date(2022, 12, 10), desk.sub, "10", amount="1000")
    factories.book(
        desk.ira, EntryKind.SPIN_OFF, date(2022, 12, 12), desk.sub, "1",
        to_security=child, basis_fraction="0.2",
    )  # fmt: skip
    assert set(windows(desk).sell_blocked) == {desk.sub.pk}


def test_bought_shares_count_under_the_names_they_got_since(desk: Desk):
    new, newest = (factories.make_security(desk.firm, name) for name in ("NEW", "NEWEST"))
    factories.book(desk.ira, EntryKind.BUY, date(2022, 12, 10), desk.sub, "10", amount="1000")
    factories.book(desk.ira, EntryKind.RENAME, date(2022, 12, 12), desk.sub, "1", to_security=new)
    factories.book(desk.ira, EntryKind.MERGE, date(2022, 12, 13), new, "0.5", to_security=newest)
    assert windows(desk).sell_blocked[newest.pk].shares == 5


def test_basis_a_share_leaves_out_what_was_spun_off_the_lot(desk: Desk):
    """20 OLD at 100, nine tenths of the basis in CHILD: 10 a share is left, and the order's price of 80 gains."""
    child = factories.make_security(desk.firm, "CHILD")
    desk.approved(desk.sale("20"), desk.purchase("19"))
    factories.book(
        desk.account, EntryKind.SPIN_OFF, date(2022, 12, 12), desk.old, "1",
        to_security=child, basis_fraction="0.9",
    )  # fmt: skip
    factories.book(
        desk.account, EntryKind.SELL, date(2022, 12, 13), desk.old, "5", amount="500",
        picks=(Pick(desk.lot.pk, Decimal(5)),),
    )  # fmt: skip
    one, _ = selectors.intentions(desk.household.pk)
    assert not one.at_loss


def test_shares_received_or_sold_again_do_not_block(desk: Desk):
    factories.book(desk.ira, EntryKind.RECEIVE, SOLD, desk.old, "2", amount="160")
    factories.book(desk.ira, EntryKind.BUY, SOLD, desk.sub, "2", amount="160")
    factories.book(desk.ira, EntryKind.SELL, TODAY, desk.sub, "2", amount="170")
    assert windows(desk).sell_blocked == {}


def test_a_purchase_moved_to_another_account_still_blocks(desk: Desk):
    spouse = factories.make_account(desk.household, "T-2", owner="Bob")
    factories.book(desk.account, EntryKind.BUY, SOLD, desk.sub, "2", amount="160")
    factories.book(desk.account, EntryKind.TRANSFER, TODAY, desk.sub, "2", to_account=spouse)
    assert windows(desk).sell_blocked[desk.sub.pk].shares == 2


def test_another_households_trades_do_not_count(desk: Desk):
    other = factories.make_account(factories.make_household(desk.firm, "Other"), "O-1")
    factories.book(other, EntryKind.BUY, SOLD, desk.old, "2", amount="160")
    assert windows(desk).sell_blocked == {}


def test_pending_proposals_count_when_asked_for(desk: Desk):
    desk.submit()
    assert windows(desk).buy_blocked == windows(desk).reserved == {}
    found = windows(desk, statuses=OPEN)
    assert found.buy_blocked[desk.old.pk].cause == (
        "the pending harvest proposal of 2022-12-28 sells 20 OLD at a loss"
    )
    assert found.sell_blocked[desk.sub.pk].shares == 19
    assert found.reserved == {(desk.lot.pk, 0): Decimal(20)}


def test_an_approved_proposal_blocks_from_today_as_long_as_it_is_not_filled(desk: Desk):
    desk.approved()
    for day in (TODAY, TODAY + timedelta(days=40)):
        block = windows(desk, day).buy_blocked[desk.old.pk]
        assert block.clear_on == day + timedelta(days=31)


def test_taking_an_approval_back_frees_its_shares(desk: Desk):
    proposal = desk.approved()
    services.cancel(user=desk.adviser, public_id=proposal.public_id)
    found = windows(desk, statuses=list(Status))
    assert (found.buy_blocked, found.reserved) == ({}, {})


def test_tonights_drafts_count(desk: Desk):
    found = windows(desk, drafts=[desk.draft()])
    assert found.buy_blocked[desk.old.pk].cause == (
        "tonight's harvest proposal sells 20 OLD at a loss"
    )
    assert found.sell_blocked[desk.sub.pk].cause == "tonight's harvest proposal buys 19 SUB"
    assert found.reserved == {(desk.lot.pk, 0): Decimal(20)}


def test_a_substitute_of_two_sold_securities_is_shared_by_dollars(desk: Desk):
    other = factories.make_security(desk.firm, "OTHER")
    factories.set_price(other, TODAY, "80")
    lot = factories.book(desk.account, EntryKind.BUY, date(2022, 3, 1), other, "10", amount="1000")
    desk.approved(
        desk.sale(), desk.sale("10", security=other.pk, opening=lot.pk), desk.purchase("29")
    )
    assert selectors.open_pairs(desk.household.pk, TODAY) == (
        HarvestPair(desk.old.pk, desk.sub.pk, Decimal("19.33333333"), Decimal("1546.6667"), TODAY),
        HarvestPair(other.pk, desk.sub.pk, Decimal("9.66666667"), Decimal("773.3333"), TODAY),
    )


# Rows for people


def test_rows_say_what_until_when_and_why(desk: Desk):
    sell_at_a_loss(desk)
    factories.book(desk.ira, EntryKind.BUY, TODAY, desk.sub, "2", amount="160")
    assert selectors.window_rows(desk.household.pk, TODAY) == [
        WindowRow(
            security=desk.old.pk,
            symbol="OLD",
            what=WindowKind.NO_BUY,
            shares=Decimal(5),
            clear_on=date(2023, 1, 20),
            cause="5 OLD sold at a loss on 2022-12-20 in Ann taxable.",
            permanent=False,
        ),
        WindowRow(
            security=desk.sub.pk,
            symbol="SUB",
            what=WindowKind.NO_LOSS_SALE,
            shares=Decimal(2),
            clear_on=date(2023, 1, 28),
            cause="2 SUB bought on 2022-12-28 in Ann roth_ira.",
            permanent=True,
        ),
    ]
    assert str(WindowKind.NO_BUY) == "no buy"


def test_reinvestment_beside_a_loss_just_taken_is_a_hazard(desk: Desk):
    drip = factories.make_account(
        desk.household, "R-2", kind=AccountKind.ROTH_IRA, owner="Bob", reinvests=True
    )
    factories.book(drip, EntryKind.BUY, date(2022, 3, 1), desk.old, "3", amount="300")
    sell_at_a_loss(desk)
    (row,) = [
        row
        for row in selectors.window_rows(desk.household.pk, TODAY)
        if row.what is WindowKind.REINVESTMENT
    ]
    assert (row.symbol, row.shares, row.permanent) == ("OLD", Decimal(3), True)
    assert row.clear_on == date(2023, 1, 20)
    assert row.cause == (
        "Reinvestment is on in Bob roth_ira: switch it off until 2023-01-20, because 5 OLD sold at "
        "a loss on 2022-12-20 in Ann taxable."
    )


def test_reinvestment_beside_a_loss_that_could_be_taken_is_a_hazard(desk: Desk):
    desk.account.reinvests_dividends = True
    desk.account.save()
    (row,) = selectors.window_rows(desk.household.pk, TODAY)
    assert row.what is WindowKind.REINVESTMENT
    assert row.clear_on == date(2023, 1, 28)
    assert row.cause == (
        "Reinvestment is on in Ann taxable: switch it off until 2023-01-28, because a loss sold "
        "today would be washed by the next dividend."
    )


def test_reinvestment_without_any_loss_is_no_hazard(desk: Desk):
    desk.account.reinvests_dividends = True
    desk.account.save()
    factories.set_price(desk.old, TODAY, "100")
    assert selectors.window_rows(desk.household.pk, TODAY) == []


# Lists


def test_the_inbox_shows_pending_proposals_of_the_own_firm(desk: Desk):
    proposal = desk.submit()
    stranger = make_person(factories.make_firm("Other"), "eve", Role.ADVISER)
    assert list(selectors.inbox(desk.adviser)) == [proposal]
    assert list(selectors.inbox(desk.adviser, kind=ProposalKind.REBALANCE)) == []
    assert list(selectors.inbox(desk.adviser, status=Status.REJECTED)) == []
    assert list(selectors.inbox(desk.adviser, status=None)) == [proposal]
    assert list(selectors.inbox(stranger, status=None)) == []
    (total,) = selectors.pending_totals(desk.adviser)
    assert (total.kind, total.count, total.tax_saved) == ("harvest", 1, Decimal(148))
    assert selectors.pending_totals(stranger) == []


def test_every_list_is_empty_for_another_firm(desk: Desk):
    proposal, _ = desk.ordered()
    stranger = make_person(factories.make_firm("Other"), "eve", Role.ADVISER)
    for select in (selectors.orders, selectors.order_exports):
        assert select(desk.adviser).exists()
        assert not select(stranger).exists()
    assert selectors.household_proposals(desk.adviser, desk.household.public_id).get() == proposal
    assert not selectors.household_proposals(stranger, desk.household.public_id).exists()
    with pytest.raises(Http404):
        selectors.proposal(stranger, proposal.public_id)


def test_a_proposal_comes_with_everything_its_page_shows(desk: Desk, django_assert_num_queries):
    submitted = desk.submit()
    with django_assert_num_queries(3):
        proposal = selectors.proposal(desk.adviser, submitted.public_id)
        shown = [
            (trade.side, trade.security.symbol, trade.account.owner.name, trade.gain)
            for trade in proposal.trades.all()
        ]
        assert list(proposal.decisions.all()) == []
        assert proposal.household.firm == desk.firm
    assert shown == [("sell", "OLD", "Ann", Decimal(-400)), ("buy", "SUB", "Ann", Decimal(0))]


# What trades cost


def test_costs_are_the_firms_and_each_accounts_custodians(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
):
    other = factories.make_account(desk.household, "T-2")
    Account.objects.filter(pk=other.pk).update(custodian="Nobody knows its prices")
    CommissionSchedule.objects.create(
        firm=desk.firm, custodian="Example Custody", per_order=Decimal("4.95"), minimum=Decimal(6)
    )
    elsewhere = factories.make_firm("Other")
    CommissionSchedule.objects.create(firm=elsewhere, custodian="Nobody knows its prices")
    Security.objects.filter(pk=desk.sub.pk).update(average_daily_volume=Decimal(1_000_000))
    for security, day in ((desk.old, TODAY), (desk.sub, TODAY + timedelta(days=1))):
        PriceStatistic.objects.create(
            security=security, as_of=day, annual_volatility=Decimal("0.25"), observations=250
        )
    with django_assert_num_queries(4):
        costs = selectors.trading_costs(desk.household.pk, TODAY)
    charged = Commission(per_order=Decimal("4.95"), minimum=Decimal(6))
    assert costs.commissions == {desk.account.pk: charged, desk.ira.pk: charged}
    assert costs.half_spreads == {
        desk.old.pk: Decimal("0.0005"),
        desk.sub.pk: Decimal("0.0005"),
    }
    assert costs.volatilities == {desk.old.pk: Decimal("0.25")}  # the other is of tomorrow
    assert costs.daily_volumes == {desk.sub.pk: Decimal(1_000_000)}


def test_what_is_on_its_way_pays_its_commission_order_by_order(desk: Desk):
    """1600 - 0.80 - 4.95 and 1520 + 0.76 + 4.95: two lots sold are one order."""
    CommissionSchedule.objects.create(
        firm=desk.firm, custodian="Example Custody", per_order=Decimal("4.95")
    )
    desk.approved(desk.sale("12"), desk.sale("8"), desk.purchase())
    before = lot_selectors.cash(desk.household.pk)[desk.account.pk]
    on_the_way = selectors.intentions(desk.household.pk)
    fresh = selectors.facts(desk.household.pk, TODAY, on_the_way=on_the_way)
    assert fresh.cash[desk.account.pk] - before == Decimal("68.54")
