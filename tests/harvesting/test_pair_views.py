"""The swap-back page, a household's tab, the waiver, and the sum on the proposal's page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from proposals.models import HarvestedPair, Proposal
from proposals.types import ProposalKind
from tests.harvesting.test_pair_services import DUE, MONDAY, Back, make_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def back() -> Back:
    return make_back()


@pytest.fixture
def browser(back: Back) -> Client:
    client = Client()
    client.force_login(back.adviser)
    return client


def page(browser: Client, tab: str = "") -> str:
    return browser.get("/swap-backs/", {"tab": tab} if tab else {}).content.decode()


def test_an_empty_tab_says_which_pair_is_due_next(back: Back, browser: Client):
    assert "No pair waits for its window to close." in page(browser)
    back.stand_at(DUE - timedelta(days=3))
    back.night(DUE - timedelta(days=3))
    shown = page(browser)
    assert "No pair is due." in shown
    assert "Next due on 28 January 2023" in shown
    assert "Miller" in shown
    waiting = page(browser, "waiting")
    assert "28 of 31" in waiting
    assert "Day 28 of 31: OLD can be bought from 2023-01-28." in waiting


def test_a_due_pair_is_shown_with_its_sum_and_its_proposal(back: Back, browser: Client):
    back.stand_at(MONDAY, sub="82")
    back.night(MONDAY)
    shown = page(browser)
    for text in (
        "OLD",
        "19 SUB",
        "$38 / $0",
        "$13.30",
        "$1.54",
        "$155.80",
        "Go back",
        "= Back today",
    ):
        assert text in shown
    proposal = Proposal.objects.get(kind=ProposalKind.SWAP_BACK)
    assert f"/proposals/{proposal.public_id}/" in shown
    why = browser.get(f"/proposals/{proposal.public_id}/").content.decode()
    assert "The sum of each way back" in why
    assert "19 OLD" in why
    assert "Tracking cost avoided" in why


def test_each_tab_shows_its_pairs_and_counts_them(back: Back, browser: Client):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    expected = {"waiting": 0, "due": 1, "proposed": 1, "kept": 0, "done": 0, "waived": 0}
    shown = page(browser)
    for tab, count in expected.items():
        assert f"{tab.capitalize()} {count}</a>" in shown
        assert ("19 SUB" in page(browser, tab)) is bool(count)
    assert "19 SUB" in page(browser, "nonsense")  # as without one


def test_a_person_stays_with_a_reason_and_decides_again(back: Back, browser: Client):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    path = f"/proposals/{back.harvest.public_id}/pairs/1/waiver/"
    answer = browser.post(path, {"decision": "stay", "reason": "A gift next month."}, follow=True)
    assert "SUB stays." in answer.content.decode()
    assert HarvestedPair.objects.get().state == "waived"
    assert "A gift next month." in page(browser, "waived")
    browser.post(path, {"decision": "decide"})
    assert HarvestedPair.objects.get().state == "keep"
    for bad in ({"decision": "stay", "reason": "x" * 501}, {"decision": "nonsense"}):
        browser.post(path, bad)
        assert HarvestedPair.objects.get().state == "keep"
    assert browser.post(path, {"decision": "stay"}).status_code == 409


def test_who_may_not_decide_sees_no_button(back: Back):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    client = Client()
    client.force_login(back.operations)
    assert "waiver" not in page(client)
    path = f"/proposals/{back.harvest.public_id}/pairs/1/waiver/"
    assert client.post(path, {"decision": "stay", "reason": "Why not."}).status_code == 403
    assert client.get(f"/households/{back.household.public_id}/swap-backs/").status_code == 200


def test_the_page_asks_the_same_number_of_queries_for_many_pairs(back: Back, browser: Client):
    back.stand_at(MONDAY)
    back.night(MONDAY)
    with CaptureQueriesContext(connection) as one:
        page(browser)
    row = HarvestedPair.objects.get()
    for number in range(2, 12):
        row.pk, row.pair = None, number
        row.save()
    with CaptureQueriesContext(connection) as many:
        page(browser)
    assert len(many) == len(one)
