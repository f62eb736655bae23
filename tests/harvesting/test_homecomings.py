"""Pairs that a later harvest brings home: the substitute is sold at a loss, and the first security bought back."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from lots.models import TaxLot
from lots.types import EntryKind
from proposals import selectors, services
from proposals.models import HarvestedPair, Proposal
from proposals.types import ProposalKind, Side, Status
from securities.models import Security
from tests import factories
from tests.harvesting.test_pair_services import MONDAY, Back, approved, make_back, swap_back
from tests.proposals.desk import BOUGHT, TODAY, make_desk

pytestmark = pytest.mark.django_db

LATER = date(2023, 2, 6)  # OLD's window has closed by then
ONE_DAY = timedelta(days=1)


@pytest.fixture
def back() -> Back:
    return make_back()


def harvest_home(back: Back, bought: str = "14", *, of: str = "19") -> Proposal:
    """All SUB are sold at 60 on LATER, and OLD is ordered at 80 for the money."""
    back.stand_at(LATER, sub="60")
    lot = TaxLot.objects.get(security=back.sub)
    sale = back.sale(
        of, security=back.sub.pk, opening=lot.opening_id, part=lot.part, price=Decimal(60),
        basis=Decimal(of) * 80,
    )  # fmt: skip
    home = back.purchase(bought, security=back.old.pk)
    proposal = approved(back, back.submit(sale, home, as_of=LATER))
    services.export_orders(user=back.operations)
    return proposal


def fill_one(back: Back, proposal: Proposal, side: Side, shares: str, price: str) -> None:
    name = f"{proposal.pk}-{side}"
    back.fill((back.order(side, proposal), name, LATER.isoformat(), shares, price))


def fill_both(back: Back, proposal: Proposal, sold: str = "19", bought: str = "14") -> None:
    fill_one(back, proposal, Side.SELL, sold, "60")
    fill_one(back, proposal, Side.BUY, bought, "80")


def rows() -> list[tuple[str, str]]:
    found = HarvestedPair.objects.order_by("proposal_id").values_list("state", "reason")
    return list(found)


def test_a_harvest_that_buys_the_original_back_ends_both_pairs_once(back: Back):
    """I23: SUB's pair and the one that brought OLD itself are done on that night, and never overdue."""
    fill_both(back, harvest_home(back))
    assert selectors.households_with_pairs(back.firm.pk) == {back.household.pk}
    result = back.night(LATER)
    home = "Came home: the harvest of 2023-02-06 bought OLD back."
    assert rows() == [("done", home), ("done", home)]
    assert result.reason == "pairs_ended"
    assert {(row.since, row.as_of) for row in HarvestedPair.objects.all()} == {(LATER, LATER)}
    assert HarvestedPair.objects.latest("pk").figures["sold"] == [
        {"security": "OLD", "dollars": "1140"}
    ]
    before = AuditEvent.objects.filter(action="pair.done").count()
    assert before == 2
    assert back.night(LATER).decisions == ()
    assert back.night(LATER + ONE_DAY).decisions == ()
    assert AuditEvent.objects.filter(action="pair.done").count() == before
    assert selectors.households_with_pairs(back.firm.pk) == frozenset()
    assert selectors.open_pairs(back.household.pk, LATER) == ()
    assert selectors.overdue_pairs(back.firm.pk, date(2023, 6, 1)) == []


def test_a_pair_that_no_night_has_looked_at_since_it_came_home_is_overdue_until_one_does(
    back: Back,
):
    """What was filled before pairs were followed to this end gets its row in the next night."""
    fill_both(back, harvest_home(back))
    late = date(2023, 6, 1)
    numbers = [one.proposal for one in selectors.overdue_pairs(back.firm.pk, late)]
    assert len(numbers) == 2
    back.stand_at(late)
    back.night(late)
    assert [state for state, _ in rows()] == ["done", "done"]
    assert selectors.overdue_pairs(back.firm.pk, date(2023, 7, 3)) == []


def test_while_the_purchase_is_not_filled_the_pair_has_not_come_home(back: Back):
    proposal = harvest_home(back)
    fill_one(back, proposal, Side.SELL, "19", "60")
    back.night(LATER)
    assert rows() == [
        (
            "harvest",
            "The harvest of 2023-02-06 sold the SUB and buys OLD back: that is not filled yet.",
        )
    ]
    fill_one(back, proposal, Side.BUY, "14", "80")
    back.night(LATER)
    assert [state for state, _ in rows()] == ["done", "done"]


def test_a_purchase_that_is_never_filled_brings_nothing_home(back: Back):
    proposal = harvest_home(back)
    fill_one(back, proposal, Side.SELL, "19", "60")
    services.close_orders(user=back.operations, public_id=proposal.public_id)
    back.night(LATER)
    assert rows() == [("gone", "No SUB of this pair is held any more.")]


def test_a_harvest_of_a_part_leaves_the_rest_of_the_pair_open(back: Back):
    fill_both(back, harvest_home(back, "7", of="10"), "10", "7")
    back.night(LATER)
    assert [state for state, _ in rows()] == ["harvest", "done"]
    assert HarvestedPair.objects.earliest("pk").figures["shares"] == "9"


def test_a_pair_without_a_harvest_asks_nothing_more(back: Back):
    back.stand_at(MONDAY)
    selectors.stand_ins(back.household.pk)
    with CaptureQueriesContext(connection) as before:
        selectors.stand_ins(back.household.pk)
    fill_both(back, harvest_home(back, "7", of="10"), "10", "7")
    back.night(LATER)
    with CaptureQueriesContext(connection) as after:
        selectors.stand_ins(back.household.pk)
    assert len(after) == len(before)


# Two originals, one of which comes home


def two_originals() -> tuple[Back, Security]:
    """29 SUB stand in for 20 OLD and 10 OTHER, sold at 80: a third of them for OTHER."""
    desk = make_desk()
    other = factories.make_security(desk.firm, "OTHER")
    for day in (TODAY, LATER):
        factories.set_price(other, day, "80")
    lot = factories.book(desk.account, EntryKind.BUY, BOUGHT, other, "10", amount="1000")
    sale = desk.sale("10", security=other.pk, opening=lot.pk)
    back = make_back(desk=desk, trades=(desk.sale(), sale, desk.purchase("29")), bought="29")
    return back, other


def test_of_two_originals_one_comes_home_and_the_other_is_followed_on():
    back, other = two_originals()
    fill_both(back, harvest_home(back, "21", of="29"), "29", "21")
    (pair,) = selectors.open_pairs(back.household.pk, LATER)
    assert (pair.sold, pair.substitute, pair.quantity) == (other.pk, back.old.pk, Decimal(7))
    back.night(LATER)
    (first, why), (second, until) = rows()
    assert (first, second) == ("done", "waiting")
    assert why == (
        "Came home: the harvest of 2023-02-06 bought OLD back. What stands in for OTHER is followed as that "
        "harvest's pair."
    )
    assert until == "Day 0 of 31: OTHER can be bought from 2023-03-09."
    row = HarvestedPair.objects.latest("pk")
    assert (row.figures["shares"], row.figures["value"]) == ("7", "560")


def test_only_the_part_that_has_not_come_home_goes_back():
    back, other = two_originals()
    fill_both(back, harvest_home(back, "21", of="29"), "29", "21")
    due = date(2023, 3, 9)
    back.stand_at(due)
    factories.set_price(other, due, "80")
    back.night(due)
    proposal = swap_back(back)
    sell, buy = proposal.trades.order_by("ordinal")
    assert (sell.security, sell.quantity, buy.security) == (back.old, 7, other)
    approved(back, proposal)
    services.export_orders(user=back.operations)
    day = due.isoformat()
    back.fill(
        (back.order(Side.SELL, proposal), "B-1", day, "7", "80"),
        (back.order(Side.BUY, proposal), "B-2", day, str(buy.quantity), "80"),
    )
    back.night(due)
    assert [state for state, _ in rows()] == ["done", "done"]
    assert rows()[1][1] == "7 OLD went back to OTHER."
    assert not Proposal.objects.filter(kind=ProposalKind.SWAP_BACK, status=Status.PENDING).exists()


@pytest.mark.parametrize(("bought", "state"), [("3", "waiting"), ("2", "done")])
def test_less_than_a_share_of_the_rest_counts_as_home(bought: str, state: str):
    """A third of 3 OLD stands on for OTHER; a third of 2 is no whole share."""
    back, _ = two_originals()
    proposal = harvest_home(back, "21", of="29")
    fill_one(back, proposal, Side.SELL, "29", "60")
    fill_one(back, proposal, Side.BUY, bought, "80")
    services.close_orders(user=back.operations, public_id=proposal.public_id)
    back.night(LATER)
    assert rows()[1][0] == state
