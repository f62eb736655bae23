"""What is kept of a year that is given out, and which years can be."""

import json

import pytest

from accounts.canonical import canonical_text
from accounts.errors import Conflict
from lots.models import ReportedYear
from lots.selectors.tax_desk import tax_desk
from lots.services.reporting import differs_from_reported, mark_reported
from tests.factories import make_firm, make_user
from tests.lots.tax_household import address, day, make_taxed_household

pytestmark = pytest.mark.django_db


@pytest.fixture
def household():
    return make_taxed_household(make_firm(pinned_date=day("2026-12-10")))


@pytest.mark.parametrize("year", [2999, 2027, 1950])
def test_a_year_without_figures_is_not_reported(household, year, client):
    user = make_user(household.firm)
    with pytest.raises(Conflict, match=f"There are no figures of {year}"):
        mark_reported(user=user, household=household, year=year)
    client.force_login(user)
    page = client.post(address(household, f"{year}/reported/"), follow=True)
    assert f"There are no figures of {year}" in page.content.decode()
    assert not ReportedYear.objects.exists()


def test_schedule_d_is_kept(household):
    kept = mark_reported(user=make_user(household.firm), household=household, year=2026)
    [schedule] = [one["schedule_d"] for one in json.loads(kept.figures)["returns"]]
    assert (schedule["line7"], schedule["line15"], schedule["line16"]) == ("-630", "0", "-630")


def test_figures_kept_before_schedule_d_was_have_not_changed(household):
    kept = mark_reported(user=make_user(household.firm), household=household, year=2026)
    figures = json.loads(kept.figures)
    for one in figures["returns"]:
        del one["schedule_d"]
    older = ReportedYear(household=household, year=2026, figures=canonical_text(figures))
    assert not differs_from_reported(tax_desk(household, 2026), older)
