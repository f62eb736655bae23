"""From a filled harvest to a filled swap-back, on the real database and through the real services."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.errors import Conflict, NotAllowed
from accounts.models import AuditEvent, TaxProfile
from accounts.types import FilingStatus
from harvesting import pair_services
from harvesting.models import HarvestPolicy, PairStatistic
from lots.models import TaxLot
from lots.types import EntryKind
from proposals import selectors, services
from proposals.errors import StaleProposal
from proposals.models import (
    HarvestedPair,
    Order,
    Proposal,
    Restriction,
    ScheduledPurchase,
)
from proposals.types import DraftTrade, ProposalKind, Side, Status
from tests import factories
from tests.proposals.desk import TODAY, Desk, fills_file, make_desk
from tests.tax_gaps import GAPS, open_gap

pytestmark = pytest.mark.django_db

DUE = TODAY + timedelta(days=31)  # 2023-01-28, a Saturday; the night after is a Monday
MONDAY = date(2023, 1, 30)


class Back(Desk):
    """A desk whose harvest is filled: 19 SUB bought at 80 for 20 OLD sold at 80; rates for 2023 too."""

    harvest: Proposal

    def stand_at(self, day: date, *, old: str = "80", sub: str = "80") -> None:
        """The firm's business date, with prices and figures of the day."""
        PairStatistic.objects.update(as_of=day)
        for firm in (self.firm, self.account.firm, self.household.firm):
            firm.pinned_date = day
            firm.save()
        factories.set_price(self.old, day, old)
        factories.set_price(self.sub, day, sub)

    def fill(self, *rows: tuple[Order, str, str, str, str]) -> None:
        services.import_fills(user=self.operations, file=fills_file(*rows), name="fills.csv")

    def order(self, side: Side, proposal: Proposal | None = None) -> Order:
        return (proposal or self.harvest).orders.get(side=side)

    def night(self, day: date, **options) -> pair_services.SwapBackResult:
        """Examine and store one night."""
        result = pair_services.examine_pairs(household_id=self.household.pk, as_of=day, **options)
        with transaction.atomic():
            pair_services.store_pairs(result=result)
        return result

    def row(self) -> HarvestedPair:
        return HarvestedPair.objects.get(proposal__household=self.household)


def make_back(
    *,
    sold: str = "20",
    bought: str = "19",
    tracking: str = "0.1",
    desk: Desk | None = None,
    trades: Sequence[DraftTrade] = (),
) -> Back:
    """A desk with its harvest filled as far as said; the sales whole where other ``trades`` are given."""
    desk = Back(**vars(desk or make_desk()))
    TaxProfile.objects.create(
        household=desk.household,
        year=2023,
        filing_status=FilingStatus.MARRIED_JOINTLY,
        federal_ordinary_rate=Decimal("0.35"),
        federal_long_rate=Decimal("0.15"),
        long_outside=Decimal(50_000),
    )
    HarvestPolicy.objects.create(firm=desk.firm, risk_price=Decimal(10))
    PairStatistic.objects.create(
        security=desk.old, substitute=desk.sub, as_of=TODAY, tracking_error=Decimal(tracking),
        correlation=Decimal("0.9"), beta=Decimal(1), observations=252,
    )  # fmt: skip
    desk.harvest, _ = desk.ordered(*trades)
    day = TODAY.isoformat()
    sales = desk.harvest.orders.filter(side=Side.SELL).order_by("pk")
    rows = [
        (order, f"F-{order.pk}", day, str(order.quantity) if trades else sold, "80")
        for order in sales
    ]
    rows += [
        (order, f"F-{order.pk}", day, bought, "80")
        for order in desk.harvest.orders.filter(side=Side.BUY)
    ]
    desk.fill(*(row for row in rows if row[3] != "0"))
    desk.harvest.refresh_from_db()
    if desk.harvest.status == Status.ORDERED:
        desk.harvest = services.close_orders(user=desk.operations, public_id=desk.harvest.public_id)
    return desk


@pytest.fixture
def back() -> Back:
    return make_back()


def approved(desk: Back, proposal: Proposal) -> Proposal:
    return services.approve(
        user=desk.adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
    )


def swap_back(desk: Back) -> Proposal:
    return Proposal.objects.get(kind=ProposalKind.SWAP_BACK, status=Status.PENDING)


# The whole road


def test_a_filled_harvest_waits_is_proposed_ordered_filled_and_done(back: Back):
    """T44, I23: one state on every night, and a filled swap-back is its end."""
    back.stand_at(DUE - timedelta(days=1))
    waiting = back.night(DUE - timedelta(days=1))
    assert (waiting.reason, waiting.draft) == ("pairs_waiting", None)
    assert back.row().reason == "Day 30 of 31: OLD can be bought from 2023-01-28."

    back.stand_at(MONDAY, sub="82")
    result = back.night(MONDAY)
    assert result.reason == "swap_back_proposed"
    row, proposal = back.row(), swap_back(back)
    assert (row.state, row.since, row.due_on, row.as_of) == ("proposed", MONDAY, DUE, MONDAY)
    sell, buy = proposal.trades.order_by("ordinal")
    assert (sell.security, sell.quantity, buy.security, buy.quantity) == (
        back.sub,
        19,
        back.old,
        19,
    )
    # 19 x 2 at 35 %; 1,558 less 0.78 of spread buys 19 at 80 and 0.76 of spread
    assert (proposal.tax_saved, proposal.cost) == (Decimal("-13.30"), Decimal("1.54"))
    assert proposal.explanation["cash_left"] == "36.46"
    assert proposal.short_gain == 38

    approved(back, proposal)
    on_its_way = back.night(MONDAY)
    assert (on_its_way.draft, back.row().state) == (None, "proposed")
    assert back.row().figures["net"] == row.figures["net"]  # the sum stays on record
    services.export_orders(user=back.operations)
    back.fill(
        (back.order(Side.SELL, proposal), "B-1", MONDAY.isoformat(), "19", "82"),
        (back.order(Side.BUY, proposal), "B-2", MONDAY.isoformat(), "19", "80"),
    )
    assert selectors.open_pairs(back.household.pk, MONDAY) == ()
    assert selectors.households_with_pairs(back.firm.pk) == {back.household.pk}
    done = back.night(MONDAY)
    assert selectors.households_with_pairs(back.firm.pk) == frozenset()
    assert (done.reason, back.row().state) == ("pairs_ended", "done")
    assert back.row().reason == "19 SUB went back to OLD."
    assert back.night(MONDAY + timedelta(days=1)).decisions == ()
    assert [event.action for event in AuditEvent.objects.filter(action__startswith="pair.")] == [
        "pair.waiting", "pair.proposed", "pair.done",
    ]  # fmt: skip


def test_the_same_night_again_writes_nothing(back: Back):
    """R6: not a row, not an audit event, not a proposal."""
    back.stand_at(MONDAY)
    back.night(MONDAY)
    proposals = list(Proposal.objects.order_by("pk").values())
    events, rows = AuditEvent.objects.count(), list(HarvestedPair.objects.values())
    with CaptureQueriesContext(connection) as asked:
        back.night(MONDAY)
    writes = ("INSERT", "UPDATE", "DELETE")
    assert [query["sql"] for query in asked if query["sql"].startswith(writes)] == []
    assert list(Proposal.objects.order_by("pk").values()) == proposals
    assert (AuditEvent.objects.count(), list(HarvestedPair.objects.values())) == (events, rows)


def test_a_household_without_pairs_costs_one_query_and_says_nothing():
    desk = make_desk()
    with CaptureQueriesContext(connection) as asked:
        result = pair_services.examine_pairs(household_id=desk.household.pk, as_of=TODAY)
    assert (len(asked), result.reason, result.draft) == (1, "", None)


def test_a_new_night_supersedes_the_pending_swap_back(back: Back):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    first = swap_back(back)
    tuesday = MONDAY + timedelta(days=1)
    back.stand_at(tuesday)
    back.night(tuesday)
    first.refresh_from_db()
    assert first.status == Status.SUPERSEDED


def test_t16_a_risen_substitute_is_kept_with_the_sum_shown():
    """T16: 12 % up in 31 days at 2 % tracking error: the tax is more than going back is worth."""
    desk = make_back(tracking="0.02")
    desk.stand_at(MONDAY, sub="89.60")
    result = desk.night(MONDAY)
    assert (result.reason, result.draft) == ("pairs_kept", None)
    row = desk.row()
    assert row.state == "keep"
    # 19 x 9.60 at 35 %; 10 x 0.02^2 x 1,702.40
    assert (row.figures["tax"], row.figures["avoided"]) == ("63.84", "6.81")
    assert "too dear" in row.reason
    assert "turns long-term on 2023-12-29" in row.reason


def test_without_price_history_the_tracking_error_is_assumed_and_said_so(back: Back):
    PairStatistic.objects.all().delete()
    back.stand_at(MONDAY)
    back.night(MONDAY)
    assert back.row().figures["tracking"] == [{"security": "OLD", "error": "0.05", "assumed": True}]


@pytest.mark.parametrize("gap", GAPS)
def test_where_no_tax_can_be_computed_the_substitute_is_kept_and_why_is_said(
    back: Back, gap: str, monkeypatch: pytest.MonkeyPatch
):
    back.stand_at(MONDAY)
    said = open_gap(gap, back.household, 2023, monkeypatch)
    assert back.night(MONDAY).draft is None
    assert back.row().state == "keep"
    assert said in back.row().reason


def test_the_horizon_is_a_policy(back: Back):
    HarvestPolicy.objects.update(swap_back_horizon_years=Decimal(2))
    back.stand_at(MONDAY)
    back.night(MONDAY)
    assert back.row().figures["avoided"] == "304"  # 10 x 0.1^2 x 1,520 x 2


# Clean, or not at all


def test_a_swap_back_at_a_loss_beside_a_reinvestment_is_never_proposed(back: Back):
    """R29: a dividend reinvested in the substitute, in an IRA, would take the loss away for ever."""
    back.stand_at(MONDAY, sub="79")  # 19 dollars of loss: under the floors, no harvest
    factories.book(back.ira, EntryKind.REINVEST, date(2023, 1, 20), back.sub, "2", amount="158")
    result = back.night(MONDAY)
    assert result.draft is None
    assert back.row().state == "keep"
    assert "a loss that would be washed" in back.row().reason
    factories.set_price(back.sub, MONDAY, "90")  # at a gain it may go, reinvested or not
    assert back.night(MONDAY).draft is not None


def test_a_gain_that_a_lower_fill_would_wash_is_not_proposed_either(back: Back):
    back.stand_at(MONDAY, sub="80.50")
    factories.book(back.ira, EntryKind.REINVEST, date(2023, 1, 20), back.sub, "2", amount="158")
    assert back.night(MONDAY).draft is None
    assert "lower" in back.row().reason


def test_another_loss_on_the_original_keeps_its_window_closed(back: Back):
    other = factories.make_account(back.household, "T-9", owner="Bob")
    back.stand_at(MONDAY)
    other.firm = back.firm
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
    back.stand_at(MONDAY)
    assert back.night(MONDAY).draft is None
    assert back.row().reason == "OLD must not be bought: The client works there."


def test_what_tonights_drafts_sell_is_not_sold_twice(back: Back):
    back.stand_at(MONDAY, sub="90")
    lot = TaxLot.objects.get(security=back.sub)
    sale = back.sale(
        "19", security=back.sub.pk, opening=lot.opening_id, part=lot.part, price=Decimal(90),
        basis=Decimal(1520), pair=0,
    )  # fmt: skip
    rebalance = back.draft(sale, kind=ProposalKind.REBALANCE, as_of=MONDAY)
    assert back.night(MONDAY, drafts=[rebalance]).draft is None
    assert back.row().reason == "Every share of SUB is being sold by another proposal."


def test_tonights_gains_are_counted_before_its_own(back: Back):
    """A short-term loss of 12,000 in tonight's other draft leaves long-term gain to pay for: 15 % instead of 35 %."""
    back.stand_at(MONDAY, sub="90")
    other = factories.make_security(back.firm, "OTHER")
    factories.set_price(other, MONDAY, "80")
    lot = factories.book(
        back.account, EntryKind.BUY, date(2022, 6, 1), other, "100", amount="20000"
    )
    loss = back.sale("100", security=other.pk, opening=lot.pk, basis=Decimal(20000), pair=0)
    rebalance = back.draft(loss, kind=ProposalKind.REBALANCE, as_of=MONDAY)
    alone = pair_services.examine_pairs(household_id=back.household.pk, as_of=MONDAY)
    beside = pair_services.examine_pairs(
        household_id=back.household.pk, as_of=MONDAY, drafts=[rebalance]
    )
    assert alone.draft is not None
    assert beside.draft is not None
    assert alone.draft.tax_saved == Decimal("-66.50")
    assert beside.draft.tax_saved == Decimal("-28.50")


def test_a_plan_that_buys_the_original_is_new_money():
    desk = make_back(tracking="0.05")
    ScheduledPurchase.objects.create(
        account=desk.account, security=desk.old, amount=Decimal(1600), first_on=TODAY,
        cadence="monthly",
    )  # fmt: skip
    desk.stand_at(MONDAY, sub="92")
    desk.night(MONDAY)
    row = desk.row()
    assert row.state == "new_cash"
    assert row.figures["new_money"] == {"OLD": "1600"}


# Fills in part, closed orders, chains


def test_a_pair_filled_in_part_is_about_what_was_filled():
    desk = make_back(sold="10", bought="9")
    desk.stand_at(MONDAY)
    desk.night(MONDAY)
    sell, buy = swap_back(desk).trades.order_by("ordinal")
    assert (sell.quantity, buy.quantity) == (9, 8)


@pytest.mark.parametrize(("sold", "bought"), [("20", "0"), ("0", "19")])
def test_half_a_pair_is_none(sold: str, bought: str):
    """Nothing was bought, or nothing was sold: there is nothing to go back from, or to."""
    desk = make_back(sold=sold, bought=bought)
    assert selectors.stand_ins(desk.household.pk) == ()
    assert selectors.open_pairs(desk.household.pk, MONDAY) == ()


def test_a_substitute_sold_otherwise_is_gone(back: Back):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    factories.book(back.account, EntryKind.SELL, MONDAY, back.sub, "19", amount="1520")
    back.night(MONDAY)
    assert back.row().state == "gone"
    assert not Proposal.objects.filter(status=Status.PENDING).exists()


def test_a_partly_filled_swap_back_leaves_the_rest_open(back: Back):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    proposal = approved(back, swap_back(back))
    services.export_orders(user=back.operations)
    back.fill(
        (back.order(Side.SELL, proposal), "B-1", MONDAY.isoformat(), "9", "80"),
        (back.order(Side.BUY, proposal), "B-2", MONDAY.isoformat(), "8", "80"),
    )
    services.close_orders(user=back.operations, public_id=proposal.public_id)
    back.night(MONDAY)
    assert back.row().state == "proposed"
    assert swap_back(back).trades.get(side=Side.SELL).quantity == 10
    (pair,) = selectors.open_pairs(back.household.pk, MONDAY)
    assert (pair.sold, pair.substitute, pair.quantity) == (back.old.pk, back.sub.pk, Decimal(10))


def test_what_a_swap_back_of_several_lots_filled_in_part_leaves_is_whole_shares(back: Back):
    """The pair's own 12 are filled first and one of the 7 older; in proportion it would be 4.79 of these."""
    old_day = date(2021, 3, 1)
    factories.book(back.account, EntryKind.CASH_IN, old_day, amount="567")
    factories.book(back.account, EntryKind.BUY, old_day, back.sub, "7", amount="567")
    back.stand_at(MONDAY)
    back.night(MONDAY)
    proposal = approved(back, swap_back(back))
    sold = proposal.trades.filter(side=Side.SELL).order_by("quantity")
    assert [trade.quantity for trade in sold] == [7, 12]
    services.export_orders(user=back.operations)
    back.fill(
        (back.order(Side.SELL, proposal), "B-1", MONDAY.isoformat(), "13", "80"),
        (back.order(Side.BUY, proposal), "B-2", MONDAY.isoformat(), "12", "80"),
    )
    services.close_orders(user=back.operations, public_id=proposal.public_id)
    (one,) = selectors.stand_ins(back.household.pk)
    assert one.shares == 6
    assert one.swapped == 13
    back.night(MONDAY)
    left = swap_back(back).trades.filter(side=Side.SELL)
    assert all(trade.quantity == int(trade.quantity) for trade in left)
    assert sum(trade.quantity for trade in left) == 6


def test_the_substitute_of_a_substitute_stands_in_for_the_first(back: Back):
    """SUB was harvested into NEXT: NEXT is OLD's now (T33), and goes back to OLD."""
    third = factories.make_security(back.firm, "NEXT")
    later = date(2023, 2, 6)
    back.stand_at(later, sub="60")
    factories.set_price(third, later, "50")
    lot = TaxLot.objects.get(security=back.sub)
    sale = back.sale(
        "19", security=back.sub.pk, opening=lot.opening_id, part=lot.part, price=Decimal(60),
        basis=Decimal(1520),
    )  # fmt: skip
    buy = back.purchase("22", security=third.pk, price=Decimal(50))
    approved(back, back.submit(sale, buy, as_of=later))
    (pair,) = [
        one for one in selectors.open_pairs(back.household.pk, later) if one.substitute == third.pk
    ]
    assert pair.sold == back.old.pk
    services.export_orders(user=back.operations)
    second = Proposal.objects.filter(kind=ProposalKind.HARVEST).latest("pk")
    back.fill(
        (back.order(Side.SELL, second), "C-1", later.isoformat(), "19", "60"),
        (back.order(Side.BUY, second), "C-2", later.isoformat(), "22", "50"),
    )
    (pair,) = selectors.open_pairs(back.household.pk, later)
    assert (pair.sold, pair.substitute, pair.quantity) == (back.old.pk, third.pk, Decimal(22))
    back.night(later)
    states = HarvestedPair.objects.order_by("proposal_id").values_list(
        "substitute__symbol", "state"
    )
    assert list(states) == [("SUB", "gone"), ("NEXT", "waiting")]


# Waivers


def test_a_waived_pair_stays_until_it_is_taken_back(back: Back):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    pending = swap_back(back)
    pair_services.waive(user=back.adviser, pair=back.row(), reason=" The client likes  SUB. ")
    assert back.row().reason == "ada decided to stay: The client likes SUB."
    with pytest.raises(StaleProposal, match="pair of SUB"):
        approved(back, pending)
    assert back.night(MONDAY).draft is None
    assert back.row().state == "waived"
    assert back.row().figures["net"]
    (pair,) = selectors.open_pairs(back.household.pk, MONDAY)  # it still counts as the original
    assert pair.quantity == 19
    pair_services.unwaive(user=back.adviser, pair=back.row())
    assert back.row().state == "keep"
    assert back.night(MONDAY).draft is not None
    assert back.row().state == "proposed"


def test_a_night_that_looked_before_the_waiver_does_not_undo_it(back: Back):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    tuesday = MONDAY + timedelta(days=1)
    back.stand_at(tuesday)
    looked = pair_services.examine_pairs(household_id=back.household.pk, as_of=tuesday)
    pair_services.waive(user=back.adviser, pair=back.row(), reason="A gift.")
    with transaction.atomic():
        pair_services.store_pairs(result=looked)
    assert back.row().state == "waived"


def test_who_may_not_decide_may_not_waive_and_a_reason_is_needed(back: Back):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    with pytest.raises(NotAllowed):
        pair_services.waive(user=back.operations, pair=back.row(), reason="Because.")
    with pytest.raises(Conflict, match="needs a reason"):
        pair_services.waive(user=back.adviser, pair=back.row(), reason="  ")
    with pytest.raises(Conflict, match="not waived"):
        pair_services.unwaive(user=back.adviser, pair=back.row())
    approved(back, swap_back(back))
    with pytest.raises(Conflict, match="take the approval back"):
        pair_services.waive(user=back.adviser, pair=back.row(), reason="Because.")


# Overdue


def test_a_due_pair_that_a_night_left_out_is_overdue(back: Back):
    """I23: due on Saturday 28 January; on Tuesday it is more than one business day late."""
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    assert selectors.overdue_pairs(back.firm.pk, MONDAY) == []
    (late,) = selectors.overdue_pairs(back.firm.pk, tuesday)  # no night has ever looked
    assert (late.due_on, late.looked_at, late.household_name) == (DUE, None, "Miller")
    back.stand_at(tuesday)
    back.night(tuesday)
    assert selectors.overdue_pairs(back.firm.pk, tuesday) == []
    (late,) = selectors.overdue_pairs(back.firm.pk, wednesday)
    assert (late.proposal, late.pair, late.looked_at) == (back.harvest.pk, 1, tuesday)
    other = factories.make_firm("Other")
    assert selectors.overdue_pairs(other.pk, wednesday) == []
