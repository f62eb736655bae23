"""Dated half spreads in proposals and orders: the one of the day counts, and where it comes from is told (F9)."""

import json
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse

from accounts.typed_values import plain_values
from lots.types import EntryKind
from proposals import selectors
from proposals.costs import TradingCosts
from proposals.handling import HandlingRule, suggest
from proposals.types import ProposalKind, Side
from securities.models import HalfSpread, Security
from securities.types import SpreadOf, SpreadSource
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db(transaction=True)  # decisions are outermost transactions


@pytest.fixture
def desk() -> Desk:
    made = make_desk()
    factories.book(made.account, EntryKind.CASH_IN, TODAY, amount="10000")
    return made


def date_spread(desk: Desk, since: date, fraction: str, security: Security | None = None) -> None:
    HalfSpread.objects.create(firm=desk.firm, security=security, since=since, fraction=D(fraction))


def test_the_day_decides_which_half_spread_a_household_pays(desk: Desk) -> None:
    date_spread(desk, TODAY, "0.002", desk.sub)
    before = selectors.trading_costs(desk.household.pk, TODAY - timedelta(days=1))
    after = selectors.trading_costs(desk.household.pk, TODAY)
    assert before.half_spreads[desk.sub.pk] == D("0.0005")
    assert after.half_spreads == {desk.old.pk: D("0.0005"), desk.sub.pk: D("0.002")}
    assert after.spread_sources[desk.sub.pk].words == "SUB's own, of 28 December 2022"


def test_an_order_is_expected_to_cost_the_half_spread_of_its_day(desk: Desk) -> None:
    date_spread(desk, TODAY, "0.002", desk.sub)
    date_spread(desk, TODAY + timedelta(days=1), "0.009", desk.sub)
    proposal = desk.approved(desk.purchase("10", pair=0), kind=ProposalKind.REBALANCE)
    order = proposal.orders.get()
    assert order.expected_spread == D("1.60")  # 20 bp of $800
    assert (order.type, order.limit_price) == ("limit", D("80.16"))
    HalfSpread.objects.all().delete()
    order.refresh_from_db()
    assert order.expected_spread == D("1.60"), "what was recorded stays"


def test_a_proposal_keeps_where_its_half_spreads_came_from(desk: Desk) -> None:
    Security.objects.filter(pk=desk.sub.pk).update(half_spread=None)
    date_spread(desk, TODAY, "0.0012")
    proposal = desk.submit()
    HalfSpread.objects.all().update(fraction=D("0.5"))
    proposal.refresh_from_db()
    assert proposal.explanation["half_spreads"] == [
        {"security": "OLD", "half_spread_bp": "5", "source": "OLD's own"},
        {
            "security": "SUB",
            "half_spread_bp": "12",
            "source": "the firm's default, of 28 December 2022",
        },
    ]


def test_content_and_inputs_do_not_depend_on_how_the_same_figures_were_said(desk: Desk) -> None:
    said = make_desk("Other", prefix="o")
    for security in (said.old, said.sub):
        Security.objects.filter(pk=security.pk).update(half_spread=None)
    silent = desk.submit()
    built_in = said.submit()
    one, other = json.loads(silent.content), json.loads(built_in.content)
    assert one.keys() == other.keys()
    assert {"half_spreads", "spread_sources"} & one.keys() == set()
    figures = ("cost", "net", "tax_saved", "short_gain", "sentence")
    assert [one[name] for name in figures] == [other[name] for name in figures]
    assert silent.inputs == built_in.inputs


def test_a_record_of_a_decision_has_the_figures_and_not_their_sources() -> None:
    source = SpreadSource(SpreadOf.SECURITY, "AAPL", TODAY)
    with_sources = TradingCosts({1: D("0.0004")}, spread_sources={1: source})
    without = TradingCosts({1: D("0.0004")})
    assert plain_values(with_sources) == plain_values(without)
    assert "spread_sources" not in plain_values(without)  # type: ignore[operator]  # a mapping
    assert with_sources == without


def test_a_suggestion_says_where_the_spread_comes_from() -> None:
    source = SpreadSource(SpreadOf.SECURITY, "AAPL", date(2026, 3, 2))
    handled = suggest(
        side=Side.BUY,
        price=D(100),
        half_spread=D("0.0002"),
        share_of_volume=None,
        is_paired=False,
        rule=HandlingRule(),
        spread_source=source,
    )
    assert handled.why == (
        "A spread of 4 bp (AAPL's own, of 2 March 2026), not above the 10 bp of the policy."
    )


def test_the_page_of_a_proposal_says_it(desk: Desk, client: Client) -> None:
    date_spread(desk, TODAY, "0.0008", desk.sub)
    Security.objects.filter(pk=desk.old.pk).update(half_spread=None)
    proposal = desk.submit()
    client.force_login(desk.adviser)
    page = client.get(reverse("proposal", args=[proposal.public_id])).content.decode()
    assert "A spread of 16 bp (SUB&#x27;s own, of 28 December 2022)" in page
    assert "A spread of 10 bp (built in)" in page
    assert "SUB&#x27;s own, of 28 December 2022</td>" in page
    assert "Built in</td>" in page
