"""The page of the rebalancing backtest: what is shipped, with its caveats and its verdict, and every run as CSV."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from accounts.types import Role
from rebalancing.backtest import page, results
from rebalancing.backtest.report import CAVEATS, QUESTION, SIGNS
from rebalancing.backtest.tables import TableName
from tests.factories import make_firm
from tests.proposals.desk import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(make_person(make_firm("Ours"), "adam", Role.ADVISER))
    return client


def shown(browser: Client) -> str:
    return unescape(browser.get(reverse("backtest-rebalance")).content.decode())


def test_the_page_says_whether_the_optimum_beats_the_best_band_and_prints_the_caveats(browser):
    text = shown(browser)

    lines = [f"<li>{one.question}: it {one.answer}.</li>" for one in page.verdict()]
    assert len(lines) == 6
    assert [one for one in (QUESTION, SIGNS, *CAVEATS, *lines) if one not in text] == []
    for about in results.about().values():
        assert str(about["computed_on"]) in text
        assert str(about["code"]) in text


def test_every_chart_has_a_table_under_it_and_a_dot_for_each_of_its_runs(browser):
    text = shown(browser)

    charts = [section.chart for section in page.sections() if section.chart]
    assert text.count('role="img"') == len(charts) == 2
    assert text.count("<table") == 5
    for found, chart in zip(re.finditer('role="img"', text), charts, strict=True):
        end = text.index("</section>", found.start())
        assert "<table" in text[found.start() : end]
        drawn = text[found.start() : text.index("</svg>", found.start())]
        assert drawn.count("<circle") == sum(len(line.points) for line in chart.lines)
        assert all(line.points for line in chart.lines)


def test_each_backtest_leads_to_the_other(browser):
    assert reverse("backtest-harvest") in shown(browser)
    other = browser.get(reverse("backtest-harvest")).content.decode()
    assert reverse("backtest-rebalance") in other


@pytest.mark.parametrize("table", list(TableName))
def test_the_file_is_the_shipped_one(browser, table):
    answer = browser.get(reverse("backtest-rebalance-file", args=[table.value]))

    assert answer.content.decode() == results.csv_text(table)
    assert answer["Content-Disposition"].endswith(f'backtest-rebalance-{table.value}.csv"')


def test_an_unknown_table_is_not_found(browser):
    assert browser.get("/backtests/rebalance/L9.csv").status_code == 404
