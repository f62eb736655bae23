"""The page of the backtest: what is shipped, with its caveats, and every run as CSV."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.types import Role
from harvesting.backtest import results
from harvesting.backtest.report import CAVEATS
from harvesting.backtest.tables import TableName
from tests.factories import make_firm
from tests.proposals.desk import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(make_person(make_firm("Ours"), "adam", Role.ADVISER))
    return client


def test_the_page_prints_the_caveats_when_and_with_what_it_was_computed(browser):
    """T51: an old account earns a fraction of what fresh ones do, and the page says so beside the figures."""
    page = browser.get(reverse("backtest-harvest")).content.decode()

    assert [caveat for caveat in CAVEATS if caveat not in page] == []
    assert "Opportunities fade" in page
    for about in results.about().values():
        assert str(about["computed_on"]) in page
        assert str(about["code"]) in page


def test_every_chart_has_a_table_under_it(browser):
    page = browser.get(reverse("backtest-harvest")).content.decode()

    assert page.count("<svg") == 3
    assert page.count("<table") == 6
    for chart in re.finditer("<svg", page):
        section_end = page.index("</section>", chart.start())
        assert "<table" in page[chart.start() : section_end]


@pytest.mark.parametrize("table", list(TableName))
def test_the_file_is_the_shipped_one(browser, table):
    answer = browser.get(reverse("backtest-harvest-file", args=[table.value]))

    assert answer.content.decode() == results.csv_text(table)
    assert answer["Content-Disposition"].endswith(f'backtest-harvest-{table.value}.csv"')


def test_an_unknown_table_is_not_found(browser):
    assert browser.get("/backtests/harvest/L9.csv").status_code == 404
