"""Table L3 as the method was specified with, the files that are shipped, and what is said of them."""

from dataclasses import astuple
from decimal import Decimal

import pytest

from rebalancing.backtest import records, report, results, tables
from rebalancing.backtest.method import Kind
from rebalancing.backtest.records import Record
from rebalancing.backtest.report import MAKERS
from rebalancing.backtest.tables import Cell, TableName, cells
from securities.studies.tables import markdown
from tests.rebalancing.backtest.markets import PRICES

# Rules that take about a second each; the daily calendar and cvxpy take longer.
QUICK = [
    cell
    for cell in cells(TableName.L3)
    if cell.policy.kind in (Kind.NEVER, Kind.POINTS, Kind.BAND)
    or (cell.policy.kind is Kind.CALENDAR and cell.policy.every >= 21)
]

KEYS = 5  # fields of a record that say which run it is: table, rule, look, number, to


def assert_printed(found: Record) -> None:
    """Every figure is the expected one, give or take one in its last printed digit."""
    expected = report.expected_of(found)
    assert expected is not None
    for ours, theirs in (
        (found.tracking_error_bp, expected.tracking_error),
        (found.turnover_percent, expected.turnover),
        (found.trades, expected.trades),
    ):
        printed = Decimal(theirs)
        digit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
        assert abs(Decimal(ours) - printed) <= digit, (report.name_of(found), ours, theirs)


def test_rules_of_l3_computed_now_are_as_expected_and_as_shipped():
    found = records.compute(QUICK, prices=PRICES)

    assert len(found) == 20
    for one in found:
        assert_printed(one)
    assert [one for one in found if one not in set(results.shipped())] == []


def test_every_row_of_l3_that_is_shipped_is_as_expected():
    shipped = [one for one in results.shipped() if one.table == "L3"]
    expected = [one for one in shipped if one.rule != Kind.STUDY.value]

    assert len(expected) == len(tables.EXPECTED) == 24
    for one in expected:
        assert_printed(one)


def assert_shipped(found: Record) -> None:
    """Give or take one in the last printed digit, or in dollars at the end a hundred-thousandth.

    Processors round the last bits of a product of matrices differently, and over thirty years that grows: to a
    ten-millionth of a weight, as measured with four sets of kernels.
    """
    (shipped,) = [one for one in results.shipped() if astuple(one)[:KEYS] == astuple(found)[:KEYS]]
    for ours, theirs in zip(astuple(found)[KEYS:], astuple(shipped)[KEYS:], strict=True):
        printed = Decimal(theirs)
        digit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
        assert abs(Decimal(ours) - printed) <= max(digit, printed / 100_000), (found, shipped)


@pytest.mark.chaos
@pytest.mark.parametrize("table", list(TableName))
def test_a_sample_of_every_table_is_what_is_shipped(table):
    chosen: list[Cell] = list(cells(table))[2::7]

    for one in records.compute(chosen, prices=PRICES, jobs=2):
        assert_shipped(one)


def test_the_shipped_files_hold_every_run_of_every_table():
    for table in TableName:
        runs = records.read(results.csv_text(table))
        assert len(runs) == len(list(cells(table))) == results.about()[table.value]["runs"]
        assert {one.table for one in runs} == {table.value}


def test_the_best_band_is_the_lowest_line_between_its_widths():
    def band(look: str, te: str, turnover: str) -> Record:
        return Record("bands", "band", look, "0.1", "edge", te, turnover, "", "", "", "1", "", "")

    lines = [
        band("1", "10", "40"),
        band("1", "40", "10"),
        band("5", "30", "5"),
        band("5", "50", "4"),
    ]

    def best(te: float) -> float | None:
        return report.best_band(lines, te, lambda one: one.turnover)

    assert best(20) == pytest.approx(20)  # half way in logarithms
    assert best(30) == pytest.approx(5)  # the other look is lower
    assert best(9) is best(51) is None


def test_what_is_said_of_the_optimum_follows_from_the_figures():
    assert report._beats([-0.02, -0.01]) == (
        "beats the best band at every one of 2 points (−2.0 % to −1.0 %)"
    )
    assert report._beats([0.02, -0.01]).startswith("beats the best band at 1 of 2 points only")
    assert report._beats([0.02]).startswith("does not beat the best band")
    assert report._beats([]).startswith("cannot be compared")


def test_the_docs_show_the_shipped_tables_the_verdict_and_every_caveat():
    text = (PRICES.parents[3] / "docs" / "backtest.md").read_text(encoding="utf-8")

    for makers in MAKERS.values():
        for make in makers:
            table = make(results.shipped())
            assert markdown(table) in text, f"{table.name}: run manage.py backtest rebalance"
    flat = " ".join(text.split())
    verdict = [f"- {one.question}: it {one.answer}." for one in report.verdict(results.shipped())]
    for sentence in (f"**{report.QUESTION}** {report.SIGNS}", *report.CAVEATS, *verdict):
        assert sentence in flat
