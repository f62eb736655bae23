"""What the drift page says of cadences is a row of the shipped results, and the right one."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from rebalancing.backtest.cadences import expected, nearest
from rebalancing.backtest.records import Record
from rebalancing.backtest.report import select
from rebalancing.backtest.results import shipped
from rebalancing.policies.policy import BandType, Cadence, Destination, Horizon, PolicyKind
from rebalancing.types import Limits
from securities.studies.tables import Table

POLICY = Limits(
    absolute_band=D("0.05"),
    relative_band=D("0.20"),
    risk_aversion=D(10),
    horizon_years=D(1),
    cash_minimum=D("0.005"),
    cash_maximum=D("0.05"),
    minimum_trade=D(250),
)
CALENDAR = replace(POLICY, kind=PolicyKind.CALENDAR, cadence=Cadence.QUARTERLY)
THRESHOLD = replace(POLICY, kind=PolicyKind.THRESHOLD, cadence=Cadence.WEEKLY)


def run(rule: str, look: int, number: str, to: str = "", table: str = "lots") -> Record:
    return Record(
        table=table, rule=rule, look=str(look), number=number, to=to, tracking_error_bp="100.4",
        turnover_percent="12.34", trades="10", cost="1", tax="2", drag_bp="77.77", value="1",
        value_after_tax="1",
    )  # fmt: skip


def figures(table: Table, cadence: str) -> tuple[str, ...]:
    (row,) = [row for row in table.rows if row[0].startswith(cadence)]
    return row[2:]


def test_a_calendar_has_a_row_for_each_cadence_as_it_stands_in_the_csv():
    table = expected(CALENDAR)
    assert [row[0] for row in table.rows] == [
        "daily", "weekly", "monthly", "quarterly (this policy)", "annual",
    ]  # fmt: skip
    (shown,) = select(shipped(), table="L3", rule="calendar", look="63")
    assert figures(table, "quarterly") == (
        f"{shown.te:.0f}", f"{shown.turnover:.1f}", f"{shown.drag:.1f}",
    )  # fmt: skip
    assert "20 large US stocks, 30 December 1991 to 28 December 2022" in table.note
    assert "Not measured" not in table.note


def test_a_threshold_is_compared_with_its_own_width_and_destination():
    found = nearest(replace(THRESHOLD, destination=Destination.EDGE), Cadence.WEEKLY, shipped())
    assert found is not None
    assert (found.rule, found.look, found.number, found.to) == ("band", "5", "0.2", "edge")
    table = expected(THRESHOLD)
    assert "weekly (this policy)" in [row[0] for row in table.rows]
    assert table.note.endswith("Not measured with a rule like this one: quarterly, annual.")


@pytest.mark.parametrize(
    ("band_type", "absolute", "relative", "number"),
    [
        (BandType.ABSOLUTE, "0.01", "9", "0.2"),  # a point of a target of 5 points
        (BandType.TIGHTER, "0.02", "0.32", "0.3"),
        (BandType.TIGHTER, "0.005", "0.32", "0.1"),
        (BandType.RELATIVE, "0.005", "0.70", "0.8"),
    ],
)
def test_points_and_relative_bands_meet_at_the_studys_target(
    band_type: BandType, absolute: str, relative: str, number: str
):
    policy = replace(
        THRESHOLD, band_type=band_type, absolute_band=D(absolute), relative_band=D(relative)
    )
    found = nearest(policy, Cadence.MONTHLY, shipped())
    assert found is not None
    assert found.number == number


def test_an_optimum_is_compared_by_its_price_of_risk_or_not_at_all():
    runs = [run("horizon by lot", 5, number) for number in ("3.0", "10.0", "30.0")]
    others = [run("one horizon", 5, "9.0", table="optima"), run("horizon by lot", 1, "100.0")]
    for price, number in (("8", "10.0"), ("18", "30.0"), ("59", "30.0"), ("61", None), ("0", None)):
        found = nearest(replace(POLICY, risk_aversion=D(price)), Cadence.WEEKLY, [*runs, *others])
        assert (None if found is None else found.number) == number
    table = expected(POLICY, [*runs, *others])
    assert table.rows == (
        ("weekly", "horizon by lot, weekly, price of risk 10", "100", "12.3", "77.8"),
    )
    assert "daily, monthly, quarterly, annual" in table.note
    assert "waits for no band" in table.note


def test_a_horizon_by_name_is_compared_with_the_runs_that_count_so():
    runs = [run("horizon by name, with tax", 5, "10.0"), run("horizon by lot", 5, "10.0")]
    by_name = replace(POLICY, horizon=Horizon.BY_NAME)
    assert nearest(by_name, Cadence.WEEKLY, runs) is runs[0]
    assert nearest(POLICY, Cadence.WEEKLY, runs) is runs[1]
    calendar = replace(by_name, kind=PolicyKind.CALENDAR)
    assert nearest(calendar, Cadence.WEEKLY, runs) is runs[0]
    assert "waits for no band; this policy" in expected(by_name, runs).note
    assert "waits for no band" not in expected(calendar, runs).note
    threshold = replace(by_name, kind=PolicyKind.THRESHOLD)
    assert nearest(threshold, Cadence.WEEKLY, runs) is None
