"""A household whose tax year cannot be computed: the night, the look between nights, the pages and the API say why."""

from html import unescape

import pytest
from django.test import Client

from accounts.types import AccountKind
from harvesting.models import HarvestFinding
from proposals.models import Proposal
from scans import services
from scans.models import AccountOutcome, ScanItem
from scans.types import AccountState, Ended, ItemState
from tests.clients import make_client
from tests.factories import make_user
from tests.scans.conftest import NIGHT
from tests.tax_gaps import GAPS, open_gap


@pytest.fixture(params=GAPS)
def gap(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def adams(add_household):
    """A loss of $4,000 above the floors."""
    return add_household("Adams")


def scan(firm) -> ScanItem:
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    return run.items.get()


def test_the_night_finds_the_loss_and_says_why_it_is_not_taken(firm, adams, gap, monkeypatch):
    said = open_gap(gap, adams, NIGHT.year, monkeypatch)
    item = scan(firm)
    assert (item.state, item.reason) == (ItemState.DONE, "no_tax_profile+no_model")
    assert said in item.detail
    assert not Proposal.objects.exists()
    finding = HarvestFinding.objects.get()
    assert (finding.outcome, finding.loss) == ("no_tax_profile", 4000)
    assert said in finding.detail
    taxable = AccountOutcome.objects.get(account__number="T-Adams")
    assert (taxable.state, taxable.reason) == (AccountState.SKIPPED, "no_tax_profile+no_model")
    assert said in taxable.detail


def test_the_next_night_takes_the_loss_once_the_year_is_known(firm, adams, monkeypatch):
    profile = adams.tax_profiles.get()
    with monkeypatch.context() as patch:
        open_gap("half an income", adams, NIGHT.year, patch)
        assert services.preview(household_id=adams.pk, as_of=NIGHT).drafts == ()
    profile.save()
    assert scan(firm).reason == "harvest_proposed+no_model"


def test_a_look_between_two_nights_ends_well_and_says_why(firm, adams, gap, monkeypatch):
    said = open_gap(gap, adams, NIGHT.year, monkeypatch)
    assert services.scan_household_now(user=make_user(firm), household=adams) is Ended.DONE
    assert said in ScanItem.objects.get().detail


def test_the_households_pages_are_there_and_say_why(firm, adams, gap, monkeypatch):
    said = open_gap(gap, adams, NIGHT.year, monkeypatch)
    scan(firm)
    browser = Client()
    browser.force_login(make_user(firm))
    home = f"/households/{adams.public_id}/"
    account = adams.accounts.get(number="T-Adams")
    sale = f"what-if/?account={account.public_id}&security=AAA&shares=10"
    for page in ("", "losses/?tab=passed_over", sale):
        answer = browser.get(home + page)
        assert answer.status_code == 200
        assert said in unescape(answer.text), page
    for page in ("taxes/", "windows/", "drift/"):
        assert browser.get(home + page).status_code == 200


def test_the_api_answers_and_says_why(firm, adams, gap, monkeypatch):
    said = open_gap(gap, adams, NIGHT.year, monkeypatch)
    client = make_client(firm)
    home = f"/api/v1/households/{adams.public_id}/"
    account = adams.accounts.get(number="T-Adams", kind=AccountKind.TAXABLE)
    asked = {"account": str(account.public_id), "security": "AAA", "shares": "10"}
    answer = client.get(f"{home}what-if/", asked)
    assert answer.status_code == 200
    assert said in answer.json()["tax_note"]
    assert {method["tax"] for method in answer.json()["methods"]} == {None}
    for address in (home, f"{home}windows/", "/api/v1/lots/", "/api/v1/proposals/"):
        assert client.get(address).status_code == 200
