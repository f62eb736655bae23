"""Money that a harvest parked in cash: from its filled sales until it is back in what was sold, or gone."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.errors import Conflict
from accounts.models import AuditEvent, TaxProfile
from harvesting import pair_services
from harvesting.models import HarvestPolicy
from lots.models import TaxLot, Transaction
from lots.types import EntryKind
from proposals import selectors, services
from proposals.drafts import problems_of
from proposals.errors import StaleProposal
from proposals.models import (
    CommissionSchedule,
    HarvestedPair,
    Order,
    Proposal,
    Restriction,
    ScheduledPurchase,
)
from proposals.types import PARKED, ProposalKind, Side, Status
from securities.models import Price, PriceStatistic
from tests import factories
from tests.harvesting.test_pair_services import (
    DUE,
    MONDAY,
    Back,
    approved,
    make_back,
    swap_back,
)
from tests.proposals.desk import BOUGHT, TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


def make_parked(*, deposit: str = "2000", desk: Desk | None = None) -> Back:
    """20 OLD sold at 80, and the 1,600 are in cash: the deposit paid for what was sold."""
    desk = desk or make_desk()
    if deposit != "0":
        factories.book(desk.account, EntryKind.CASH_IN, BOUGHT, amount=deposit)
    back = make_back(desk=desk, trades=(desk.sale(reason=PARKED),))
    at(back, TODAY)
    return back


def at(back: Back, day: date, *, old: str = "80") -> None:
    """Stand at the day with OLD's volatility at a fifth."""
    back.stand_at(day, old=old)
    PriceStatistic.objects.filter(security=back.old).delete()
    PriceStatistic.objects.create(
        security=back.old, as_of=day, annual_volatility=Decimal("0.2"), observations=252
    )


@pytest.fixture
def back() -> Back:
    return make_parked()


def spend(back: Back, dollars: str, day: date = MONDAY) -> Transaction:
    return factories.book(back.account, EntryKind.CASH_OUT, day, amount=dollars)


def ordered(back: Back) -> tuple[Proposal, Order]:
    """The pending swap-back approved and sent out, and its purchase."""
    proposal = approved(back, swap_back(back))
    services.export_orders(user=back.operations)
    return proposal, proposal.orders.get()


def fill(back: Back, order: Order, shares: str, price: str = "80", *, day: date = MONDAY) -> None:
    back.fill((order, f"B-{order.pk}-{shares}", day.isoformat(), shares, price))


# The whole road


def test_parked_money_waits_is_proposed_ordered_filled_and_done(back: Back):
    """T9, T44, I23: one state on every night, nothing to tax, and a filled purchase is its end."""
    at(back, DUE - ONE_DAY)
    waiting = back.night(DUE - ONE_DAY)
    assert (waiting.reason, waiting.draft) == ("pairs_waiting", None)
    row = back.row()
    assert (row.substitute, row.account_id, row.due_on) == (None, back.account.pk, DUE)
    assert row.reason == "Day 30 of 31: OLD can be bought from 2023-01-28."
    assert row.figures["parked"] == "1600"

    at(back, MONDAY)
    assert back.night(MONDAY).reason == "swap_back_proposed"
    proposal = swap_back(back)
    (buy,) = proposal.trades.all()
    assert (buy.side, buy.security, buy.quantity, buy.account) == (
        "buy",
        back.old,
        19,
        back.account,
    )
    # 19 at 80 and 0.76 of spread; 10 x 0.2^2 x 1,520 a year
    assert (proposal.tax_saved, proposal.cost, proposal.net) == (
        Decimal(0),
        Decimal("0.76"),
        Decimal("607.24"),
    )
    assert back.row().reason == (
        "Buying OLD back out of cash avoids $608.00 of tracking error in 1 year for $0.76 of trading cost: "
        "$607.24 to the good."
    )
    assert proposal.explanation["swap_backs"][0]["substitute"] == "cash"

    proposal, order = ordered(back)
    assert back.night(MONDAY).draft is None
    assert (back.row().state, back.row().reason) == (
        "proposed",
        "The approved swap-back is on its way.",
    )
    fill(back, order, "19")
    assert selectors.households_with_pairs(back.firm.pk) == {back.household.pk}
    back.night(MONDAY)
    assert back.row().state == "done"
    assert back.row().reason == "$1,520.00 of the $1,600.00 parked bought OLD back."
    assert selectors.households_with_pairs(back.firm.pk) == frozenset()
    assert back.night(MONDAY + ONE_DAY).decisions == ()
    assert [event.action for event in AuditEvent.objects.filter(action__startswith="pair.")] == [
        "pair.waiting", "pair.proposed", "pair.done",
    ]  # fmt: skip


def test_the_same_night_again_writes_nothing(back: Back):
    at(back, MONDAY)
    back.night(MONDAY)
    before = list(HarvestedPair.objects.values()), AuditEvent.objects.count()
    with CaptureQueriesContext(connection) as asked:
        back.night(MONDAY)
    writes = ("INSERT", "UPDATE", "DELETE")
    assert [query["sql"] for query in asked if query["sql"].startswith(writes)] == []
    assert (list(HarvestedPair.objects.values()), AuditEvent.objects.count()) == before


def test_a_purchase_filled_in_part_leaves_the_rest_open(back: Back):
    at(back, MONDAY)
    back.night(MONDAY)
    proposal, order = ordered(back)
    fill(back, order, "9")
    back.night(MONDAY)
    assert back.row().state == "proposed"  # the other ten are on their way
    services.close_orders(user=back.operations, public_id=proposal.public_id)
    back.night(MONDAY)
    assert back.row().figures["home"] == "720"
    assert swap_back(back).trades.get().quantity == 10  # 880 less nothing but the spread
    _, again = ordered(back)
    fill(back, again, "10")
    back.night(MONDAY)
    assert back.row().state == "done"
    assert back.row().reason == "$1,520.00 of the $1,600.00 parked bought OLD back."


def test_filled_whole_it_is_done_however_cheap_the_fill_was(back: Back):
    """At 70 the purchase leaves 270, which would buy more; what was proposed has happened."""
    at(back, MONDAY)
    back.night(MONDAY)
    _, order = ordered(back)
    fill(back, order, "19", "70")
    back.night(MONDAY)
    assert back.row().state == "done"


def test_a_purchase_for_a_part_of_the_money_leaves_the_rest_open(back: Back):
    """Tonight's rebalance leaves 320, for 3 shares; it is never approved, and 1,360 are decided about again."""
    at(back, MONDAY)
    buy = back.purchase("16", security=back.sub.pk, pair=0)
    rebalance = back.draft(buy, kind=ProposalKind.REBALANCE, as_of=MONDAY)
    back.night(MONDAY, drafts=[rebalance])
    _, order = ordered(back)
    assert order.quantity == 3
    fill(back, order, "3")
    tuesday = MONDAY + ONE_DAY
    at(back, tuesday)
    back.night(tuesday)
    assert (back.row().state, back.row().figures["parked"]) == ("proposed", "1360")
    _, rest = ordered(back)
    assert rest.quantity == 16
    fill(
        back, rest, "16", "70", day=tuesday
    )  # 240 are left: meant for all of the rest, it is the end
    back.night(tuesday)
    assert (back.row().state, back.row().reason) == (
        "done",
        "$1,360.00 of the $1,600.00 parked bought OLD back.",
    )


def test_without_tax_rates_parked_money_goes_back_all_the_same(back: Back):
    TaxProfile.objects.filter(year=2023).delete()
    at(back, MONDAY)
    assert back.night(MONDAY).draft is not None
    assert swap_back(back).trades.get().quantity == 19


def test_without_price_history_the_volatility_is_assumed_and_said_so(back: Back):
    at(back, MONDAY)
    PriceStatistic.objects.all().delete()
    back.night(MONDAY)
    (told,) = back.row().figures["tracking"]
    assert (told["security"], told["assumed"]) == ("OLD", True)


# Reasons to keep


def test_a_purchase_dearer_than_it_is_worth_is_not_made(back: Back):
    CommissionSchedule.objects.create(
        firm=back.firm, custodian=back.account.custodian, per_order=Decimal(700)
    )
    at(back, MONDAY)
    assert back.night(MONDAY).draft is None
    row = back.row()
    # 900 less the spread buys 11 at 80: 10 x 0.04 x 880 against 700.44
    assert row.state == "keep"
    assert row.reason.endswith(
        "$352.00 of tracking error in 1 year for $700.44 of trading cost: $348.44 too dear."
    )


def test_cash_that_the_books_do_not_know_is_neither_spent_nor_gone():
    back = make_parked(deposit="0")  # -2,000 for OLD and 1,600 back
    at(back, MONDAY)
    assert back.night(MONDAY).draft is None
    assert back.row().state == "keep"
    assert back.row().reason == (
        "The books show -$400.00 of cash in Ann taxable: book the deposits that are missing, so that it is known "
        "what can be spent."
    )


def test_another_loss_on_the_original_keeps_its_window_closed(back: Back):
    other = factories.make_account(back.household, "T-9", owner="Bob")
    at(back, MONDAY)
    factories.book(other, EntryKind.BUY, date(2022, 3, 1), back.old, "5", amount="500")
    factories.book(other, EntryKind.SELL, date(2023, 1, 10), back.old, "5", amount="400")
    assert back.night(MONDAY).draft is None
    row = back.row()
    assert (row.state, row.figures["until"]) == ("waiting", "2023-02-10")
    assert "5 OLD sold at a loss on 2023-01-10" in row.reason


def test_a_restricted_original_is_not_bought(back: Back):
    Restriction.objects.create(
        firm=back.firm, household=back.household, security=back.old, kind="no_buy",
        since=TODAY, reason="The client works there.", author=back.adviser,
    )  # fmt: skip
    at(back, MONDAY)
    assert back.night(MONDAY).draft is None
    assert back.row().reason == "OLD must not be bought: The client works there."


def test_what_tonights_drafts_spend_is_not_spent_twice(back: Back):
    at(back, MONDAY)
    buy = back.purchase("19", security=back.sub.pk, pair=0)
    rebalance = back.draft(buy, kind=ProposalKind.REBALANCE, as_of=MONDAY)
    assert back.night(MONDAY, drafts=[rebalance]).draft is None
    row = back.row()
    assert row.state == "keep"
    assert row.reason == "Other proposals spend the cash: what is left buys no whole share of OLD."


def test_a_draft_that_buys_the_original_itself_is_new_money(back: Back):
    at(back, MONDAY)
    buy = back.purchase("19", security=back.old.pk, pair=0)
    rebalance = back.draft(buy, kind=ProposalKind.REBALANCE, as_of=MONDAY)
    assert back.night(MONDAY, drafts=[rebalance]).draft is None
    row = back.row()
    assert (row.state, row.figures["new_money"]) == ("new_cash", {"OLD": "1520"})
    assert row.reason.endswith("New money goes $1,520.00 into OLD.")


def test_a_plan_that_buys_the_original_is_new_money_where_buying_back_is_dear(back: Back):
    ScheduledPurchase.objects.create(
        account=back.account, security=back.old, amount=Decimal(1600), first_on=TODAY,
        cadence="monthly",
    )  # fmt: skip
    CommissionSchedule.objects.create(
        firm=back.firm, custodian=back.account.custodian, per_order=Decimal(400)
    )
    at(back, MONDAY)
    back.night(MONDAY)
    row = back.row()
    assert row.state == "new_cash"
    assert row.figures["ways"]["new_cash"] == "320"  # half of 10 x 0.04 x 1,600


def test_one_swap_back_at_a_time(back: Back):
    """A second pair in cash is proposed when the first one's approved swap-back is filled."""
    two = two_pairs(back)
    back.night(two)
    assert swap_back(back).trades.count() == 2
    first, second = HarvestedPair.objects.order_by("pk")
    pair_services.waive(user=back.adviser, pair=second, reason="Later.")
    back.night(two)
    ordered(back)
    pair_services.unwaive(user=back.adviser, pair=second)
    back.night(two)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("proposed", "keep")
    assert second.reason.endswith(
        "It is proposed when the approved swap-back of this household is filled."
    )


# Where the cash went


def test_money_that_left_is_gone(back: Back):
    at(back, MONDAY)
    back.night(MONDAY)
    spend(back, "1530")
    back.night(MONDAY)
    assert (back.row().state, back.row().reason) == (
        "keep",
        "The $1,600.00 parked is not there: only $70.00 of cash is in Ann taxable. If the next night does not find it "
        "either, the pair has ended.",
    )
    assert not Proposal.objects.filter(status=Status.PENDING).exists()
    back.night(MONDAY)
    assert back.row().state == "keep"  # the same night again
    back.night(MONDAY + ONE_DAY)
    row = back.row()
    assert row.state == "gone"
    assert row.reason == (
        "The $1,600.00 parked is no longer there: only $70.00 of cash is in Ann taxable."
    )
    assert back.night(MONDAY + 2 * ONE_DAY).decisions == ()


def test_money_that_a_late_sweep_brings_back_is_not_gone(back: Back):
    """Missing on Monday, there on Tuesday without a price of OLD, missing on Wednesday: never two nights in a row."""
    at(back, MONDAY)
    spend(back, "1600")
    back.night(MONDAY)
    tuesday, wednesday = MONDAY + ONE_DAY, MONDAY + 2 * ONE_DAY
    at(back, tuesday)
    factories.book(back.account, EntryKind.CASH_IN, tuesday, amount="1600")
    Price.objects.filter(security=back.old).delete()
    back.night(tuesday)
    assert back.row().reason == "OLD has no price."
    at(back, wednesday)
    spend(back, "1600", wednesday)
    back.night(wednesday)
    assert back.row().state == "keep"
    back.night(wednesday + ONE_DAY)
    assert back.row().state == "gone"


def test_of_money_that_left_in_part_the_rest_buys_back(back: Back):
    at(back, MONDAY)
    spend(back, "800", TODAY + ONE_DAY)
    back.night(MONDAY)
    assert swap_back(back).trades.get().quantity == 9
    assert back.row().figures["value"] == "800"


def test_a_purchase_of_somebody_elses_brings_the_money_home(back: Back):
    at(back, MONDAY)
    factories.book(back.account, EntryKind.BUY, MONDAY, back.old, "19", amount="1530")
    back.night(MONDAY)
    row = back.row()
    assert (row.state, row.reason) == (
        "done",
        "$1,530.00 of the $1,600.00 parked bought OLD back.",
    )


def test_what_was_bought_back_in_part_and_spent_for_the_rest_has_ended(back: Back):
    at(back, MONDAY)
    factories.book(back.account, EntryKind.BUY, MONDAY, back.old, "5", amount="400")
    spend(back, "1190")
    back.night(MONDAY)
    assert back.row().state == "keep"
    back.night(MONDAY + ONE_DAY)
    assert back.row().state == "done"
    assert back.row().reason == (
        "$400.00 of the $1,600.00 parked bought OLD back; only $10.00 of cash is in Ann taxable for the rest."
    )


def test_a_purchase_in_another_account_or_of_a_dividend_is_not_the_parked_money(back: Back):
    at(back, MONDAY)
    factories.book(back.ira, EntryKind.BUY, MONDAY, back.old, "19", amount="1530")
    factories.book(back.account, EntryKind.REINVEST, MONDAY, back.old, "1", amount="80")
    (pair,) = selectors.stand_ins(back.household.pk)
    assert pair.parked is not None
    assert (pair.parked.home, pair.parked.balance) == (Decimal(0), Decimal(1600))


def two_pairs(back: Back, *, day: date = TODAY + timedelta(days=10)) -> date:
    """A second 10 OLD, bought and sold ten days later, 800 more in cash; the first day on which both may go back."""
    factories.book(back.account, EntryKind.CASH_IN, BOUGHT, amount="1000")
    lot = factories.book(
        back.account, EntryKind.BUY, date(2022, 3, 2), back.old, "10", amount="1000"
    )
    at(back, day)
    sale = back.sale("10", opening=lot.pk, reason=PARKED)
    proposal = approved(back, back.submit(sale, as_of=day))
    services.export_orders(user=back.operations)
    back.fill((proposal.orders.get(), "S-2", day.isoformat(), "10", "80"))
    due = day + timedelta(days=31)
    at(back, due)
    return due


def test_one_purchase_is_the_money_of_one_pair_come_home(back: Back):
    """1,520 bring the first pair home; the second has its 800 still, and does not claim them when the first is done."""
    due = two_pairs(back)
    factories.book(back.account, EntryKind.BUY, due, back.old, "19", amount="1530")
    back.night(due)
    assert list(HarvestedPair.objects.order_by("pk").values_list("state", flat=True)) == [
        "done",
        "proposed",
    ]
    assert swap_back(back).trades.get().quantity == 9
    back.night(due)
    assert HarvestedPair.objects.latest("pk").state == "proposed"


def test_a_pair_that_is_gone_claims_no_later_purchase(back: Back):
    """The first pair's 1,600 were withdrawn: OLD bought weeks later is the second's, which does not buy it again."""
    at(back, MONDAY)
    spend(back, "1600")
    back.night(MONDAY)
    back.night(MONDAY + ONE_DAY)
    assert back.row().state == "gone"
    due = two_pairs(back, day=MONDAY + 2 * ONE_DAY)
    factories.book(back.account, EntryKind.CASH_IN, due, amount="5000")
    factories.book(back.account, EntryKind.BUY, due, back.old, "10", amount="800")
    assert back.night(due).draft is None
    second = HarvestedPair.objects.latest("pk")
    assert (second.state, second.reason) == (
        "done",
        "$800.00 of the $800.00 parked bought OLD back.",
    )


def test_the_same_cash_is_there_for_one_pair_only(back: Back):
    """1,650 are there for 2,400 parked: 19 OLD for the first pair, and of the 50 left no share for the second."""
    due = two_pairs(back)
    spend(back, "750", due)
    back.night(due)
    first, second = HarvestedPair.objects.order_by("pk")
    assert (first.state, second.state) == ("proposed", "keep")
    assert second.reason.startswith("The $800.00 parked is not there: only $50.00 of cash")
    assert swap_back(back).trades.get().quantity == 19
    back.night(due + ONE_DAY)
    second.refresh_from_db()
    assert second.state == "gone"


def test_two_pairs_together_never_spend_more_than_there_is(back: Back):
    due = two_pairs(back)
    spend(back, "600", due)
    back.night(due)
    proposal = swap_back(back)
    assert [trade.quantity for trade in proposal.trades.order_by("ordinal")] == [19, 2]
    assert sum(trade.amount for trade in proposal.trades.all()) + proposal.cost <= 1800


def test_a_swap_back_of_shares_is_not_the_parked_money_come_home(back: Back):
    """19 SUB of another harvest go back to OLD in the same account: paid for by the shares, not by the cash."""
    lot = factories.book(
        back.account, EntryKind.BUY, date(2022, 3, 2), back.old, "10", amount="1000"
    )
    day = TODAY + timedelta(days=10)
    at(back, day)
    sale, buy = back.sale("10", opening=lot.pk), back.purchase("9")
    proposal = approved(back, back.submit(sale, buy, as_of=day))
    services.export_orders(user=back.operations)
    back.fill(
        (back.order(Side.SELL, proposal), "S-2", day.isoformat(), "10", "80"),
        (back.order(Side.BUY, proposal), "S-3", day.isoformat(), "9", "80"),
    )
    factories.book(back.account, EntryKind.CASH_IN, BOUGHT, amount="1000")
    due = day + timedelta(days=31)
    at(back, due)
    back.night(due)
    assert {row.state for row in HarvestedPair.objects.all()} == {"proposed"}
    proposal = approved(back, swap_back(back))
    services.export_orders(user=back.operations)
    sell, buy_order = back.order(Side.SELL, proposal), back.order(Side.BUY, proposal)
    assert buy_order.quantity == 27  # 19 for the cash and 8 for the shares, one order
    back.fill(
        (sell, "B-1", due.isoformat(), "9", "80"), (buy_order, "B-2", due.isoformat(), "27", "80")
    )
    back.night(due)
    first, second = HarvestedPair.objects.order_by("pk")
    assert (first.state, second.state) == ("done", "done")
    assert first.reason == "$1,520.00 of the $1,600.00 parked bought OLD back."
    assert second.reason == "9 SUB went back to OLD."


def test_cash_from_a_substitute_goes_back_to_the_first_security_sold():
    """SUB, which stood in for OLD, was harvested into cash: the cash stands in for OLD."""
    desk = make_desk()
    factories.book(desk.account, EntryKind.CASH_IN, BOUGHT, amount="2000")
    back = make_back(desk=desk)
    day = date(2023, 2, 6)
    back.stand_at(day, sub="60")
    lot = TaxLot.objects.get(security=back.sub)
    sale = back.sale(
        "19", security=back.sub.pk, opening=lot.opening_id, part=lot.part, price=Decimal(60),
        basis=Decimal(1520), reason=PARKED,
    )  # fmt: skip
    proposal = approved(back, back.submit(sale, as_of=day))
    services.export_orders(user=back.operations)
    back.fill((proposal.orders.get(), "C-1", day.isoformat(), "19", "60"))
    back.night(day)
    found = list(HarvestedPair.objects.order_by("proposal_id").values_list("state", "reason"))
    assert found == [
        ("gone", "No SUB of this pair is held any more."),
        ("waiting", "Day 0 of 31: OLD can be bought from 2023-03-09."),
    ]


# Decisions of people, overdue pairs, and what the night costs


def test_a_waived_pair_stays_in_cash_until_that_is_taken_back(back: Back):
    at(back, MONDAY)
    back.night(MONDAY)
    pending = swap_back(back)
    pair_services.waive(user=back.adviser, pair=back.row(), reason="For the roof.")
    with pytest.raises(StaleProposal, match="pair of cash"):
        approved(back, pending)
    assert back.night(MONDAY).draft is None
    assert (back.row().state, back.row().figures["net"]) == ("waived", "607.24")
    pair_services.unwaive(user=back.adviser, pair=back.row())
    assert back.night(MONDAY).draft is not None
    approved(back, swap_back(back))
    with pytest.raises(Conflict, match="take the approval back"):
        pair_services.waive(user=back.adviser, pair=back.row(), reason="For the roof.")


def test_parked_money_that_no_night_has_looked_at_is_overdue(back: Back):
    """I23: due on Saturday 28 January; on Tuesday it is more than one business day late."""
    assert selectors.overdue_pairs(back.firm.pk, MONDAY) == []
    (late,) = selectors.overdue_pairs(back.firm.pk, MONDAY + ONE_DAY)
    assert (late.proposal, late.pair, late.due_on) == (back.harvest.pk, 1, DUE)
    at(back, MONDAY + ONE_DAY)
    back.night(MONDAY + ONE_DAY)
    assert selectors.overdue_pairs(back.firm.pk, MONDAY + ONE_DAY) == []


def test_an_approval_asks_for_the_cash_again(back: Back):
    at(back, MONDAY)
    back.night(MONDAY)
    spend(back, "500")
    with pytest.raises(StaleProposal, match="cash in Ann taxable"):
        approved(back, swap_back(back))


def test_the_rebalance_sees_cash_and_no_stand_in(back: Back):
    assert selectors.open_pairs(back.household.pk, MONDAY) == ()


def test_a_night_asks_the_same_number_of_queries_for_two_pairs(back: Back):
    at(back, MONDAY)

    def asked(day: date) -> int:
        with CaptureQueriesContext(connection) as queries:
            pair_services.examine_pairs(household_id=back.household.pk, as_of=day)
        return len(queries)

    asked(MONDAY)
    one = asked(MONDAY)
    due = two_pairs(back)
    asked(due)
    assert len(selectors.stand_ins(back.household.pk)) == 2
    assert asked(due) == one


def test_a_policy_with_no_price_on_risk_keeps_the_cash(back: Back):
    HarvestPolicy.objects.update(risk_price=Decimal(0))
    at(back, MONDAY)
    assert back.night(MONDAY).draft is None
    assert back.row().state == "keep"
    assert back.row().figures["break_even_days"] == ""


def test_the_draft_beyond_the_cash_is_never_submitted(back: Back):
    """Whatever a producer computes: the purchase must be paid for by cash that is there."""
    at(back, MONDAY)
    result = pair_services.examine_pairs(household_id=back.household.pk, as_of=MONDAY)
    assert result.draft is not None
    (buy,) = result.draft.trades
    facts = selectors.facts(back.household.pk, MONDAY, on_the_way=())
    assert problems_of(result.draft, facts) == ()
    more = replace(result.draft, trades=(replace(buy, quantity=Decimal(20)),))
    (problem,) = problems_of(more, facts)
    assert (problem.code, problem.text) == (
        "not_enough_cash",
        "Ann taxable has $1600.00 of cash to spend, $1600.80 is needed to buy back what was sold.",
    )
    other = replace(buy, account=back.ira.pk, quantity=Decimal(1))
    split = replace(result.draft, trades=(buy, other))
    assert "unbalanced_pair" in {one.code for one in problems_of(split, facts)}
    plain = replace(result.draft, trades=(replace(buy, reason="SWAP_BACK"),))
    assert [one.code for one in problems_of(plain, facts)] == ["unbalanced_pair"]


# The pages


def test_the_pages_say_cash(back: Back):
    at(back, MONDAY)
    back.night(MONDAY)
    browser = Client()
    browser.force_login(back.adviser)
    for path in ("/swap-backs/", f"/households/{back.household.public_id}/swap-backs/"):
        shown = browser.get(path).content.decode()
        for text in ("$1,600.00 in cash", "Go back", "Cost of buying", "Volatility of OLD: 20.00"):
            assert text in shown
    proposal = swap_back(back)
    shown = browser.get(f"/proposals/{proposal.public_id}/").content.decode()
    assert "Swap back cash to OLD" in shown
    assert "19 OLD" in shown
    assert "buying it back is not taxed" in shown
    path = f"/proposals/{back.harvest.public_id}/pairs/1/waiver/"
    answer = browser.post(path, {"decision": "stay", "reason": "For the roof."}, follow=True)
    assert "The cash stays." in answer.content.decode()
    spend(back, "1590")
    back.night(MONDAY)
    back.night(MONDAY + ONE_DAY)
    assert "cash" in browser.get("/swap-backs/?tab=done").content.decode()
