"""Gain harvesting on the real database: examined, proposed, approved, ordered and filled without a wash sale."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.locks import lock_household
from accounts.models import TaxProfile
from harvesting.gain_services import GainResult, examine_gains, store_gains
from harvesting.gains import GainOutcome
from harvesting.models import HarvestPolicy
from lots.models import Disposal, TaxLot, Transaction, WashSale
from lots.types import EntryKind
from proposals import services
from proposals.errors import BadDraft
from proposals.models import GainBudget, Order, Proposal
from proposals.types import DraftProposal, ProposalKind, Side
from scans import household_scan
from tests import factories
from tests.proposals.desk import TODAY, Desk, fills_file, make_desk
from tests.tax_gaps import GAPS, open_gap

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    """In the 0 % bracket with $13,350 of room; 100 AAA bought at 20 stand at 80; the policy takes gains."""
    desk = make_desk()
    TaxProfile.objects.update(
        ordinary_income=D(70000), modified_agi=D(90000), net_investment_income=D(0)
    )
    HarvestPolicy.objects.create(
        firm=desk.firm, harvests_gains=True, future_rate=D("0.15"), discount_rate=D(0)
    )
    return desk


@pytest.fixture
def gain(desk: Desk) -> Transaction:
    security = factories.make_security(desk.firm, "AAA")
    factories.set_price(security, TODAY, "80")
    return factories.book(
        desk.account, EntryKind.BUY, date(2020, 3, 2), security, "100", amount="2000"
    )


def look(desk: Desk, *drafts: DraftProposal) -> GainResult:
    return examine_gains(household_id=desk.household.pk, as_of=TODAY, drafts=drafts)


def store(desk: Desk, result: GainResult) -> Proposal | None:
    with transaction.atomic():
        lock_household(desk.household.pk)
        return store_gains(result=result)


def approved(desk: Desk) -> Proposal:
    proposal = store(desk, look(desk))
    assert proposal is not None
    return services.approve(
        user=desk.adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
    )


def test_a_policy_that_takes_no_gains_costs_two_queries_and_says_nothing(desk: Desk, gain):
    HarvestPolicy.objects.update(harvests_gains=None)
    with CaptureQueriesContext(connection) as queries:
        result = look(desk)
    assert (result.is_on, result.draft, len(queries)) == (False, None, 2)
    verdict = household_scan.examine(household_id=desk.household.pk, as_of=TODAY).verdict
    assert "gain" not in verdict.reason


def test_the_night_proposes_the_gain_beside_the_harvest(desk: Desk, gain):
    examined = household_scan.examine(household_id=desk.household.pk, as_of=TODAY)
    assert examined.verdict.reason.endswith("+gains_proposed")
    [draft] = examined.drafts
    assert (draft.kind, draft.long_gain) == (ProposalKind.GAIN_HARVEST, D(6000))


@pytest.mark.parametrize("first", [Side.SELL, Side.BUY])
def test_filled_in_either_order_it_leaves_a_higher_basis_and_no_wash_sale(desk: Desk, gain, first):
    proposal = approved(desk)
    services.export_orders(user=desk.operations)
    orders = sorted(proposal.orders.all(), key=lambda order: order.side != first)
    assert [(order.side, order.quantity) for order in orders] == sorted(
        [("sell", D(100)), ("buy", D(99))], key=lambda row: row[0] != first
    )
    for number, order in enumerate(orders):
        file = fills_file((order, f"F-{number}", "2022-12-28", str(order.quantity), "80"))
        services.import_fills(user=desk.operations, file=file, name="fills.csv")
    assert not WashSale.objects.exists()
    (sold,) = Disposal.objects.filter(security=gain.security)
    assert (sold.proceeds, sold.basis, sold.term) == (D(8000), D(2000), "long")
    (held,) = TaxLot.objects.filter(security=gain.security)
    assert (held.quantity, held.basis, held.acquired) == (D(99), D(7920), TODAY)
    proposal.refresh_from_db()
    assert proposal.status == "filled"


def test_while_it_is_on_its_way_nothing_more_is_proposed(desk: Desk, gain):
    approved(desk)
    assert look(desk).reason == "gains_busy"


def test_a_later_night_without_a_gain_supersedes_the_pending_one(desk: Desk, gain):
    proposal = store(desk, look(desk))
    assert proposal is not None
    HarvestPolicy.objects.update(harvests_gains=False)
    assert store(desk, look(desk)) is None
    proposal.refresh_from_db()
    assert proposal.status == "superseded"


def test_what_tonights_rebalance_sells_is_left_alone_T48(desk: Desk, gain):
    trade = desk.sale(
        "10", security=gain.security_id, opening=gain.pk, basis=D(200), term="long", pair=0
    )
    tonight = desk.draft(trade, kind=ProposalKind.REBALANCE)
    result = look(desk, tonight)
    assert result.draft is None
    assert GainOutcome.SOLD_TONIGHT in {finding.outcome for finding in result.findings}


def test_the_budget_is_drawn_down_and_kept(desk: Desk, gain):
    GainBudget.objects.create(
        household=desk.household, year=2022, long_limit=D(3000), reason="x", author=desk.adviser
    )
    result = look(desk)
    assert result.draft is not None
    assert result.draft.long_gain == D(2940)  # 49 shares at a gain of 60
    assert store(desk, result) is not None


def test_without_a_later_rate_the_zero_bracket_has_nothing_to_gain(desk: Desk, gain):
    HarvestPolicy.objects.update(future_rate=None)
    result = look(desk)
    assert (result.draft, result.reason) == (None, "no_later_tax")


@pytest.mark.parametrize("gap", GAPS)
def test_where_no_tax_can_be_computed_no_gain_is_taken(desk: Desk, gain, gap, monkeypatch):
    said = open_gap(gap, desk.household, 2022, monkeypatch)
    result = look(desk)
    assert (result.draft, result.reason) == (None, "no_tax_profile")
    assert said in result.detail


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        (ProposalKind.REBALANCE, {}, "churn"),
        (ProposalKind.GAIN_HARVEST, {"quantity": D(101)}, "not_one_for_one"),
        (ProposalKind.GAIN_HARVEST, {"pair": 2}, "not_one_for_one"),
        (ProposalKind.GAIN_HARVEST, {"quantity": D(50)}, "unbalanced_pair"),
    ],
)
def test_only_a_gain_harvest_sells_and_buys_one_security_and_one_for_one(
    desk: Desk, gain, kind, change, code
):
    draft = look(desk).draft
    assert draft is not None
    sale, purchase = draft.trades
    wrong = replace(draft, kind=kind, trades=(sale, replace(purchase, **change)))
    with transaction.atomic(), pytest.raises(BadDraft) as refused:
        services.submit(draft=wrong)
    assert code in [problem.code for problem in refused.value.problems]
    assert not Order.objects.exists()


def test_the_page_shows_the_sum(desk: Desk, gain, client: Client):
    proposal = store(desk, look(desk))
    assert proposal is not None
    client.force_login(desk.adviser)
    text = client.get(f"/proposals/{proposal.public_id}/").text
    for part in ("Later tax avoided", "$900.00", "99 bought back", "IRMAA", "Worth in later years"):
        assert part in text
