"""The rate tables: what they hold, and what is refused."""

import json
import shutil
from decimal import Decimal as D

import pytest

from accounts.types import FilingStatus
from lots.rates import (
    TABLES,
    BadRateTable,
    UnknownYear,
    capital_loss_limit,
    known_years,
    load,
    rates,
)


def test_a_year_without_a_table_is_refused_and_the_years_there_are_are_named():
    with pytest.raises(UnknownYear, match="2021; there are those of 2022, 2023, 2024, 2025, 2026"):
        rates(2021)
    assert UnknownYear.code == "unknown_tax_year"
    assert known_years() == (2022, 2023, 2024, 2025, 2026)


@pytest.mark.parametrize(
    ("year", "status", "ordinary", "long_term"),
    [
        (2022, FilingStatus.MARRIED_SEPARATELY, 323925, 258600),
        (2023, FilingStatus.HEAD_OF_HOUSEHOLD, 578100, 523050),
        (2024, FilingStatus.SINGLE, 609350, 518900),
        (2025, FilingStatus.MARRIED_JOINTLY, 751600, 600050),
        (2026, FilingStatus.SURVIVING_SPOUSE, 768700, 613700),
    ],
)
def test_the_highest_brackets_begin_above_these_dollars(year, status, ordinary, long_term):
    assert rates(year).ordinary[status][-2].upto == D(ordinary)
    assert rates(year).ordinary[status][-1].rate == D("0.37")
    assert rates(year).long_term[status][-2].upto == D(long_term)
    assert rates(year).long_term[status][-1].rate == D("0.20")


def test_a_surviving_spouse_has_the_brackets_of_a_joint_return():
    for year in known_years():
        table = rates(year)
        for group in (table.ordinary, table.long_term, table.standard_deduction):
            assert group[FilingStatus.SURVIVING_SPOUSE] == group[FilingStatus.MARRIED_JOINTLY]


def test_every_year_says_where_its_figures_come_from_and_what_is_doubtful():
    for year in known_years():
        assert rates(year).source.startswith("Rev. Proc. ")
        assert "not read" in rates(year).provenance
    assert "201,750 taken" in rates(2026).conflicts[0]
    assert D(201750) in {one.upto for one in rates(2026).ordinary[FilingStatus.HEAD_OF_HOUSEHOLD]}


def test_the_statute_sets_thresholds_and_limits_of_every_year():
    assert rates(2022).niit_rate == rates(2026).niit_rate == D("0.038")
    assert rates(2026).niit_threshold == {
        FilingStatus.SINGLE: D(200000),
        FilingStatus.MARRIED_JOINTLY: D(250000),
        FilingStatus.MARRIED_SEPARATELY: D(125000),
        FilingStatus.HEAD_OF_HOUSEHOLD: D(200000),
        FilingStatus.SURVIVING_SPOUSE: D(250000),
    }
    assert capital_loss_limit(FilingStatus.MARRIED_SEPARATELY) == D(1500)
    assert {capital_loss_limit(s) for s in FilingStatus if s != "mfs"} == {D(3000)}


def _broken(tmp_path, change):
    shutil.copy(TABLES / "statute.json", tmp_path)
    table = json.loads((TABLES / "2026.json").read_text())
    change(table)
    (tmp_path / "2026.json").write_text(json.dumps(table))
    load(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t["ordinary"].pop("hoh"), "ordinary does not have exactly the filing statuses"),
        (lambda t: t["ordinary"]["single"].pop(), "ordinary single: the last bracket has no open"),
        (lambda t: t["ordinary"]["mfj"].reverse(), "ordinary mfj: the last bracket has no open"),
        (lambda t: t["long_term"]["mfs"][1].__setitem__(1, 49450), "mfs: rates and tops"),
        (lambda t: t["long_term"]["mfs"][1].__setitem__(0, "0.25"), "mfs: rates and tops"),
        (lambda t: t["long_term"]["mfs"][1].__setitem__(1, True), "True is no whole number"),
        (lambda t: t["ordinary"]["single"][0].__setitem__(0, "10%"), "'10%' is no rate"),
        (lambda t: t["ordinary"]["single"][0].__setitem__(0, "NaN"), "'NaN' is no rate"),
        (lambda t: t["ordinary"]["single"][0].__setitem__(0, 0.1), "0.1 is a binary number"),
        (lambda t: t.__setitem__("source", " "), "source is empty"),
        (lambda t: t.__setitem__("year", 2027), "year is 2027"),
        (lambda t: t.pop("provenance"), "the keys are not"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path, change, said):
    with pytest.raises(BadRateTable, match=f"2026.json: .*{said}"):
        _broken(tmp_path, change)
