"""How orders are to be traded, from the approval to the order file: suggested, changed, exported (F9, F10)."""

import csv
import io
from decimal import Decimal as D
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.http import Http404
from django.test import Client
from django.urls import reverse

from accounts.errors import Conflict, NotAllowed
from accounts.models import AuditEvent
from accounts.types import Role
from lots.types import EntryKind
from proposals import handling_rules, services
from proposals.errors import BadLimit
from proposals.handling import UNSAID, HandlingRule
from proposals.models import CommissionSchedule, Order, Proposal
from proposals.types import OrderType, ProposalKind
from rebalancing.models import ModelAssignment, RebalancePolicy, TargetModel
from securities.models import PriceStatistic, Security
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk, make_person

pytestmark = pytest.mark.django_db(transaction=True)  # decisions are outermost transactions


@pytest.fixture
def desk() -> Desk:
    made = make_desk()
    factories.book(made.account, EntryKind.CASH_IN, TODAY, amount="10000")
    return made


def approve_purchase(desk: Desk, quantity: str = "10") -> Order:
    """A purchase by itself: no leg of a pair."""
    proposal = desk.approved(desk.purchase(quantity, pair=0), kind=ProposalKind.REBALANCE)
    return proposal.orders.get()


def widen(desk: Desk, half_spread: str = "0.002") -> None:
    Security.objects.filter(firm=desk.firm).update(half_spread=D(half_spread))


def handle(desk: Desk, order: Order, kind: OrderType, limit: str | None = None) -> Order:
    return services.handle_order(
        user=desk.operations,
        public_id=order.public_id,
        order_type=kind,
        limit_price=None if limit is None else D(limit),
    )


def exported(desk: Desk) -> list[dict[str, str]]:
    export = services.export_orders(user=desk.operations)
    return list(csv.DictReader(io.StringIO(export.orders_csv)))


# At the approval


def test_an_order_keeps_what_it_was_expected_to_cost(desk: Desk) -> None:
    CommissionSchedule.objects.create(
        firm=desk.firm, custodian="Example Custody", per_order=D("4.95"), per_share=D("0.01")
    )
    Security.objects.filter(pk=desk.sub.pk).update(average_daily_volume=D(10000))
    PriceStatistic.objects.create(
        security=desk.sub, as_of=TODAY, annual_volatility=D("0.252"), observations=252
    )
    order = approve_purchase(desk)
    assert order.expected_commission == D("5.05")
    assert order.expected_spread == D("0.40")  # 5 bp of $800
    # 800 x 0.252 x sqrt(10 / (252 x 10,000))
    assert order.expected_impact == D("0.4016")
    CommissionSchedule.objects.all().delete()
    order.refresh_from_db()
    assert order.expected_commission == D("5.05")


def test_a_narrow_spread_goes_to_the_market(desk: Desk) -> None:
    order = approve_purchase(desk)
    assert (order.type, order.limit_price) == ("market", None)


def test_a_wide_spread_gets_a_limit(desk: Desk) -> None:
    widen(desk)
    order = approve_purchase(desk)
    assert (order.type, order.limit_price) == ("limit", D("80.16"))


def test_the_legs_of_a_harvest_pair_get_none(desk: Desk) -> None:
    widen(desk)
    assert {order.type for order in desk.approved().orders.all()} == {"market"}


def test_a_large_part_of_the_days_volume_is_worked(desk: Desk) -> None:
    widen(desk)
    Security.objects.filter(pk=desk.sub.pk).update(average_daily_volume=D(99))
    assert approve_purchase(desk).type == "vwap"


# The rule of the household


def test_the_nearer_word_of_the_policy_counts(desk: Desk) -> None:
    widen(desk)
    assert handling_rules.rule_of(desk.household.pk) == UNSAID
    model = TargetModel.objects.create(firm=desk.firm, name="Core")
    ModelAssignment.objects.create(household=desk.household, model=model)
    RebalancePolicy.objects.create(firm=desk.firm, spread_limit=D("0.001"), slice_above=D("0.02"))
    RebalancePolicy.objects.create(firm=desk.firm, model=model, spread_limit=D("0.0040"))
    assert handling_rules.rule_of(desk.household.pk) == HandlingRule(
        spread_limit=D("0.0040"), slice_above=D("0.02")
    )
    assert approve_purchase(desk).type == "market"  # 40 bp are not above 40


def test_without_a_room_that_knows_the_policy_the_defaults_count(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    RebalancePolicy.objects.create(firm=desk.firm, spread_limit=D("0.5"))
    monkeypatch.setattr(handling_rules, "_providers", [])
    assert handling_rules.rule_of(desk.household.pk) == UNSAID


# A person says otherwise


def test_it_is_changed_until_the_export_and_the_change_is_on_record(desk: Desk) -> None:
    order = approve_purchase(desk)
    handle(desk, order, OrderType.LIMIT, "80.05")
    order.refresh_from_db()
    assert (order.type, order.limit_price) == ("limit", D("80.05"))
    event = AuditEvent.objects.get(action="order.handled")
    assert event.actor == desk.operations.username
    assert str(order.public_id) in event.payload
    assert '"before":{"limit_price":null,"type":"market"}' in event.payload
    assert '"after":{"limit_price":"80.05","type":"limit"}' in event.payload
    handle(desk, order, OrderType.LIMIT, "80.050")  # the same again
    assert AuditEvent.objects.filter(action="order.handled").count() == 1
    handle(desk, order, OrderType.TWAP)
    order.refresh_from_db()
    assert (order.type, order.limit_price) == ("twap", None)


@pytest.mark.parametrize(
    ("kind", "limit", "said"),
    [
        (OrderType.LIMIT, None, "needs its price"),
        (OrderType.LIMIT, "80.005", "not on the tick"),
        (OrderType.LIMIT, "160.01", "far from the 80"),
        (OrderType.LIMIT, "39.99", "far from the 80"),
        (OrderType.LIMIT, "0", "above zero"),
        (OrderType.MARKET, "80", "Market has no limit price"),
        (OrderType.VWAP, "80", "VWAP has no limit price"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    desk: Desk, kind: OrderType, limit: str | None, said: str
) -> None:
    order = approve_purchase(desk)
    with pytest.raises(BadLimit, match=said):
        handle(desk, order, kind, limit)
    order.refresh_from_db()
    assert order.type == "market"
    assert not AuditEvent.objects.filter(action="order.handled").exists()


def test_an_order_that_left_meanwhile_is_a_conflict(desk: Desk) -> None:
    order = approve_purchase(desk)
    exported(desk)
    with pytest.raises(Conflict, match="ordered by now"):
        handle(desk, order, OrderType.LIMIT, "80.05")


def test_only_the_firms_own_people_who_trade_may(desk: Desk) -> None:
    order = approve_purchase(desk)
    stranger = make_person(factories.make_firm("Other"), "eve", Role.OPERATIONS)
    approver = make_person(desk.firm, "bob", Role.APPROVER)
    for user, refusal in ((stranger, Http404), (approver, NotAllowed)):
        with pytest.raises(refusal):
            services.handle_order(
                user=user, public_id=order.public_id, order_type=OrderType.TWAP, limit_price=None
            )
    with pytest.raises(Http404):
        services.handle_order(
            user=desk.operations, public_id=UUID(int=0), order_type=OrderType.TWAP, limit_price=None
        )


def test_the_database_holds_a_limit_where_there_is_one_and_nowhere_else(desk: Desk) -> None:
    order = approve_purchase(desk)
    for change in (
        {"type": "limit"},
        {"limit_price": D(80)},
        {"expected_impact": None},
        {"type": "stop"},
    ):
        with pytest.raises(IntegrityError):
            Order.objects.filter(pk=order.pk).update(**change)


# The order file


def test_the_file_carries_type_and_limit(desk: Desk) -> None:
    order = approve_purchase(desk)
    handle(desk, order, OrderType.LIMIT, "80.10")
    (row,) = exported(desk)
    assert (row["type"], row["limit"], row["instruction"]) == ("limit", "80.1", "")


def test_an_order_to_be_worked_says_so_beside_its_lots(desk: Desk) -> None:
    proposal = desk.approved()
    handle(desk, proposal.orders.get(side="sell"), OrderType.VWAP)
    sale, purchase = exported(desk)
    assert (sale["type"], sale["limit"]) == ("vwap", "")
    assert sale["instruction"] == (
        "Relieve the lots named in the lot file; Work it with the volume of the day (VWAP)"
    )
    assert purchase["type"] == "market"
    assert "Work it" not in purchase["instruction"]


# The pages


@pytest.fixture
def browser(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.adviser)
    return client


def page_of(browser: Client, proposal: Proposal) -> str:
    return browser.get(reverse("proposal", args=[proposal.public_id])).content.decode()


def test_the_proposal_shows_what_is_suggested_and_why(desk: Desk, browser: Client) -> None:
    widen(desk)
    proposal = desk.submit(desk.purchase("10", pair=0), kind=ProposalKind.REBALANCE)
    page = page_of(browser, proposal)
    assert "A spread of 40 bp (SUB&#x27;s own), above the 10 bp of the policy" in page
    assert "$80.16" in page
    assert "Suggested for the orders" in page


def test_a_pair_says_why_it_has_no_limit(desk: Desk, browser: Client) -> None:
    widen(desk)
    assert "a limit left unfilled breaks the pair" in page_of(browser, desk.submit())


def test_an_approved_proposal_shows_what_was_chosen(desk: Desk, browser: Client) -> None:
    order = approve_purchase(desk)
    handle(desk, order, OrderType.LIMIT, "80.05")
    page = page_of(browser, order.proposal)
    assert "$80.05" in page
    assert "Suggested for the orders" not in page


def post(browser: Client, order: Order, **typed: str):
    return browser.post(reverse("handle-order", args=[order.public_id]) + "?page=1", typed)


def test_the_blotter_changes_an_order_by_a_plain_form(desk: Desk, browser: Client) -> None:
    order = approve_purchase(desk)
    page = browser.get(reverse("orders")).content.decode()
    assert f'action="{reverse("handle-order", args=[order.public_id])}?page=1"' in page
    answer = post(browser, order, type="limit", limit_price="$80.05")
    assert (answer.status_code, answer["Location"]) == (302, "/orders/?page=1")
    order.refresh_from_db()
    assert order.limit_price == D("80.05")
    page = browser.get(reverse("orders")).content.decode()
    assert 'value="80.05"' in page
    assert "Limit $80.05" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"type": "limit", "limit_price": "80.005"}, "not on the tick"),
        ({"type": "limit", "limit_price": "eighty"}, "Enter dollars as a number"),
        ({"type": "limit", "limit_price": "80.12345"}, "no more than 4 decimal places"),
        ({"type": "stop", "limit_price": ""}, "Select a valid choice"),
    ],
)
def test_what_was_typed_stays_where_it_is_refused(
    desk: Desk, browser: Client, typed: dict[str, str], said: str
) -> None:
    order = approve_purchase(desk)
    answer = post(browser, order, **typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    if typed["limit_price"]:
        assert f'value="{typed["limit_price"]}"' in page
    order.refresh_from_db()
    assert order.type == "market"


def test_who_may_not_trade_has_no_form_and_what_is_out_has_none(
    desk: Desk, browser: Client
) -> None:
    order = approve_purchase(desk)
    bob = Client()
    bob.force_login(make_person(desk.firm, "bob", Role.APPROVER))
    assert "handling/" not in bob.get(reverse("orders")).content.decode()
    assert post(bob, order, type="twap").status_code == 403
    exported(desk)
    assert "handling/" not in browser.get(reverse("orders")).content.decode()
    assert post(browser, order, type="twap").status_code == 409
