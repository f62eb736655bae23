"""The finder against an independent program, the figures of the method, and the files that are shipped."""

from pathlib import Path

import pytest
from django.conf import settings

from harvesting.backtest import records, report, results
from harvesting.backtest.market import Frequency
from harvesting.backtest.records import Record
from harvesting.backtest.run import run
from harvesting.backtest.tables import Cell, TableName, cells
from securities.studies.tables import Table, markdown
from tests.harvesting.backtest import oracle
from tests.harvesting.backtest.prices import PRICES, history, method_of

BP = 1e-4
CHEAP = (Frequency.QUARTERLY, Frequency.MONTHLY)


def cheap_cells() -> list[Cell]:
    """L1 without the contributions, and the quarterly and monthly columns of L2."""
    l1 = [cell for cell in cells(TableName.L1) if not cell.setup.contribution]
    return l1 + [cell for cell in cells(TableName.L2) if cell.setup.frequency in CHEAP]


@pytest.fixture(scope="module")
def cheap() -> dict[Cell, Record]:
    chosen = cheap_cells()
    return dict(zip(chosen, records.compute(chosen, prices=PRICES), strict=True))


def assert_agrees(cell: Cell, found: Record) -> None:
    """Alpha to a hundredth of the basis point that is asked for, and every count."""
    theirs = oracle.alpha(history(), cell.cohort, method_of(cell))
    assert (int(found.harvests), int(found.blocked)) == (theirs.harvests, theirs.blocked), cell
    assert found.bp * BP == pytest.approx(theirs.before, abs=0.01 * BP), cell
    after = float(found.alpha_after_liquidation_bp) * BP
    assert after == pytest.approx(theirs.after, abs=0.01 * BP), cell


def ours_and_expected(table: Table) -> list[tuple[str, str]]:
    """Our cells beside those that the method was specified with; the counts fall away where none are given."""
    pairs = []
    for ours, expected in zip(table.rows[::2], table.rows[1::2], strict=True):
        assert expected[0] == "expected"
        for one, other in zip(ours[1:], expected[1:], strict=True):
            pairs.append((one if "(" in other or not other else one.split(" (")[0], other))
    return pairs


def test_the_finder_agrees_with_the_independent_program(cheap):
    for cell, found in cheap.items():
        assert_agrees(cell, found)


def test_every_trade_of_the_finder_is_free_of_wash_sales(cheap):
    assert {found.wash_sales for cell, found in cheap.items() if cell.setup.wash_rule} == {"0"}


def test_without_the_rule_the_tax_engine_would_find_wash_sales():
    cell = next(cells(TableName.L1))
    found = run(history(), cell.cohort, cell.setup, check=True)

    assert not cell.setup.wash_rule
    assert found.washed > found.harvests


def test_the_shipped_files_are_what_the_command_writes(cheap):
    shipped = set(results.shipped())

    assert [cell for cell, found in cheap.items() if found not in shipped] == []


def test_the_shipped_files_hold_every_run_of_every_table():
    for table in TableName:
        runs = records.read(results.csv_text(table))
        assert len(runs) == len(list(cells(table))) == results.about()[table.value]["runs"]
        assert {one.table for one in runs} == {table.value}


def test_every_cell_of_l1_and_l2_is_printed_as_the_method_has_it():
    """30 cells of L2 and 17 of L1, counts included (N13)."""
    l1, l2 = (table for table in report.tables(results.shipped()) if table.name in ("L1", "L2"))

    for table, cells_expected in ((l1, 17), (l2, 30)):
        pairs = ours_and_expected(table)
        assert [pair for pair in pairs if pair[0] != pair[1]] == []
        assert len([pair for pair in pairs if pair[1]]) == cells_expected


def test_no_trade_under_our_own_rules_is_a_wash_sale():
    found = [one for one in results.shipped() if one.rules == "ours"]

    assert found
    assert {one.wash_sales for one in found} == {"0"}


def test_the_docs_show_the_shipped_tables_and_every_caveat():
    text = (Path(settings.BASE_DIR) / "docs" / "backtest.md").read_text(encoding="utf-8")

    for table in report.tables(results.shipped()):
        assert markdown(table) in text, f"{table.name}: run manage.py backtest harvest"
    flat = " ".join(text.split())
    assert [caveat for caveat in report.CAVEATS if caveat not in flat] == []


def test_a_file_read_back_is_what_was_written():
    found = results.shipped()[:5]

    assert records.read(records.write(found)) == found
    with pytest.raises(ValueError, match="columns"):
        records.read("a,b\n1,2\n")


@pytest.mark.chaos
def test_the_finder_agrees_with_the_independent_program_in_every_cell():
    chosen = [*cells(TableName.L1), *cells(TableName.L2)]
    found = records.compute(chosen, prices=PRICES, jobs=2)

    for cell, one in zip(chosen, found, strict=True):
        assert_agrees(cell, one)
    assert [one for one in found if one not in set(results.shipped())] == []


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("table", "every"), [(TableName.RULES, 9), (TableName.FLOWS, 5), (TableName.WINDOW, 16)]
)
def test_a_sample_of_the_other_tables_is_what_is_shipped(table, every):
    """They follow from the finder as it is: after a change there, ``manage.py backtest harvest`` writes them anew."""
    found = records.compute(list(cells(table))[3::every], prices=PRICES, jobs=2)

    assert [one for one in found if one not in set(results.shipped())] == []
