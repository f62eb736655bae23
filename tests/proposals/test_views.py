"""The desk's pages: what is shown, what is refused, and that a refusal says what moved."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from harvesting import drafts as harvest
from harvesting import gains, pair_decisions
from lots.types import EntryKind
from proposals.models import Proposal
from proposals.types import ReasonCode
from rebalancing import draft
from rebalancing.mandates.rules import Trigger
from rebalancing.telling.reasons import Reason
from rebalancing.versions.ways import PlanStep
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db(transaction=True)  # decisions are outermost transactions


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def browser(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.adviser)
    return client


def decide(browser: Client, proposal: Proposal, verdict: str, **changes: str):
    form = {"verdict": verdict, "content_sha256": proposal.content_sha256, "note": "Seen."}
    return browser.post(reverse("decide", args=[proposal.public_id]), {**form, **changes})


def test_the_inbox_shows_what_is_pending_with_this_years_saving_apart(desk: Desk, browser: Client):
    desk.submit(carried_worth=desk.draft().tax_saved - 100)
    page = browser.get(reverse("inbox")).content.decode()
    assert "Miller" in page
    assert "$100" in page  # saved this year
    assert "$48" in page  # what the carried losses are taken to be worth
    assert "No rejected proposals" in browser.get("/?status=rejected").content.decode()


def test_an_unknown_filter_shows_the_pending_ones(desk: Desk, browser: Client):
    desk.submit()
    answer = browser.get("/?status=nonsense&kind=nonsense")
    assert answer.status_code == 200
    assert "Miller" in answer.content.decode()


def test_the_inbox_is_narrowed_to_a_reason_that_stays_in_the_address(
    desk: Desk, browser: Client, django_assert_num_queries: Any
):
    desk.submit(reasons=("DRIFT", "RISK"))
    shown = browser.get("/?status=pending&reason=RISK").content.decode()
    assert "Miller" in shown
    assert '<option value="RISK" selected>Risk</option>' in shown
    empty = browser.get("/?reason=MANDATE").content.decode()
    assert "No pending proposals for this reason." in empty
    assert "Miller" in browser.get("/?reason=nonsense").content.decode()
    with CaptureQueriesContext(connection) as plain:
        browser.get("/")
    with django_assert_num_queries(len(plain)):
        browser.get("/?reason=RISK")


def test_every_reason_that_is_given_can_be_asked_for():
    given = {
        *(harvest.REASON, gains.REASON, pair_decisions.REASON, draft.CALENDAR),
        *(one.value for one in (*Reason, *Trigger, *draft.PUBLISHED)),
        *PlanStep(date(2022, 1, 3)).reasons,
    }
    assert given <= set(ReasonCode)


def test_a_decision_goes_through_and_the_second_is_refused_with_name_and_time(
    desk: Desk, browser: Client
):
    proposal = desk.submit()
    assert decide(browser, proposal, "approve").status_code == 302
    again = decide(browser, proposal, "reject")
    assert again.status_code == 409
    assert "approved this proposal on" in again.content.decode()
    proposal.refresh_from_db()
    assert proposal.status == "approved"


def test_a_stale_proposal_says_what_moved_and_offers_nothing_to_approve(
    desk: Desk, browser: Client
):
    proposal = desk.submit()
    factories.set_price(desk.old, TODAY, "88")
    answer = decide(browser, proposal, "approve")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "OLD" in page
    assert "80" in page
    assert "88" in page
    assert 'value="approve"' not in page


def test_a_forged_hash_is_refused(desk: Desk, browser: Client):
    proposal = desk.submit()
    assert decide(browser, proposal, "approve", content_sha256="0" * 64).status_code == 409
    assert decide(browser, proposal, "approve", content_sha256="no hash").status_code == 422
    proposal.refresh_from_db()
    assert proposal.status == "pending"


@pytest.fixture
def strategic(desk: Desk) -> Proposal:
    """5 OLD of last week stay: they take over the loss on 5 of the 20 that are sold."""
    factories.book(desk.account, EntryKind.BUY, date(2022, 12, 20), desk.old, "5", amount="400")
    return desk.submit(wash_deferred=Decimal(100))


def shown(browser: Client, proposal: Proposal) -> str:
    return browser.get(reverse("proposal", args=[proposal.public_id])).content.decode()


def test_a_strategic_wash_sale_says_what_is_deferred_and_where(
    browser: Client, strategic: Proposal
):
    page = shown(browser, strategic)
    assert "Strategic wash sale: $100.00 of loss is deferred" in page
    assert (
        "$100.00 of the loss on OLD in Ann taxable goes into 5 OLD bought on 2022-12-20 in Ann taxable"
        in page
    )
    assert 'name="accept_wash" value="100.0000"' in page
    assert "I accept that $100.00 of this loss is deferred" in page
    assert "defers $100" in browser.get(reverse("inbox")).content.decode()


def test_it_is_approved_only_with_the_box_ticked_and_the_page_says_so(
    desk: Desk, browser: Client, strategic: Proposal
):
    answer = decide(browser, strategic, "approve")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Tick &quot;I accept that $100.00 of this loss is deferred&quot;" in page
    assert "Seen." in page
    assert 'name="accept_wash"' in page
    strategic.refresh_from_db()
    assert strategic.status == "pending"
    assert decide(browser, strategic, "approve", accept_wash="100.0000").status_code == 302
    strategic.refresh_from_db()
    assert strategic.status == "approved"
    assert "ada on" in (page := shown(browser, strategic))
    assert "who accepted that $100.00 of loss is deferred" in page


def test_it_is_rejected_with_or_without_the_box(browser: Client, strategic: Proposal):
    assert decide(browser, strategic, "reject", accept_wash="100.0000").status_code == 302
    page = shown(browser, strategic)
    assert "accepted that" not in page
    assert "Rejected by" in page


def test_a_proposal_without_one_has_no_box(desk: Desk, browser: Client):
    page = shown(browser, desk.submit())
    assert "accept_wash" not in page
    assert "Strategic" not in page
    assert "defers" not in browser.get(reverse("inbox")).content.decode()


def test_a_note_that_is_too_long_comes_back_as_typed(desk: Desk, browser: Client):
    answer = decide(browser, desk.submit(), "approve", note="x" * 2001)
    assert answer.status_code == 422
    assert "x" * 2001 in answer.content.decode()


def test_an_approval_is_taken_back_until_its_orders_are_out(desk: Desk, browser: Client):
    proposal = desk.approved()
    page = browser.get(reverse("proposal", args=[proposal.public_id])).content.decode()
    assert "Take the approval back" in page
    assert browser.post(reverse("withdraw", args=[proposal.public_id])).status_code == 302
    proposal.refresh_from_db()
    assert proposal.status == "cancelled"


def test_orders_that_are_out_are_closed_not_taken_back(desk: Desk, browser: Client):
    proposal, _ = desk.ordered()
    assert browser.post(reverse("withdraw", args=[proposal.public_id])).status_code == 409
    assert browser.post(reverse("close-orders", args=[proposal.public_id])).status_code == 302
    proposal.refresh_from_db()
    assert proposal.status == "cancelled"


def test_who_may_not_decide_sees_no_buttons_and_is_refused(desk: Desk):
    proposal = desk.submit()
    client = Client()
    client.force_login(desk.operations)
    page = client.get(reverse("proposal", args=[proposal.public_id])).content.decode()
    assert 'value="approve"' not in page
    assert decide(client, proposal, "approve").status_code == 403


def test_exporting_nothing_says_so(desk: Desk, browser: Client):
    answer = browser.post(reverse("export-orders"))
    assert answer.status_code == 409
    assert "No approved order waits for export" in answer.content.decode()


def test_the_order_file_is_what_was_exported(desk: Desk, browser: Client):
    _, export = desk.ordered()
    answer = browser.get(reverse("order-file", args=[export.number, "lots"]))
    assert answer.content.decode() == export.lots_csv
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment; filename=")


def test_the_household_page_shows_lots_windows_and_open_proposals(desk: Desk, browser: Client):
    desk.approved()
    page = browser.get(reverse("household", args=[desk.household.public_id])).content.decode()
    assert "OLD" in page
    assert "no buy" in page
    assert "28 Jan 2023" in page  # day 31 after the planned sale
    assert "Approved" in page
