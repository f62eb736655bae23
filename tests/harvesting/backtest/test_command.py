"""The command: files, the docs it renews, and what it refuses."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from harvesting.backtest import records, report, results, tables
from harvesting.backtest.tables import TableName
from tests.harvesting.backtest.prices import PRICES


def test_a_table_is_written_and_is_what_is_shipped(tmp_path, monkeypatch):
    """Three runs stand for the table: the command writes exactly their lines of the shipped file."""
    chosen = list(tables.cells(TableName.L2))[4:7]
    monkeypatch.setattr(tables, "cells", lambda table: iter(chosen))
    monkeypatch.setattr(report, "tables", lambda found: ())

    call_command("backtest", "harvest", table="L2", out=str(tmp_path), jobs=1, afresh=True)

    written = (tmp_path / "L2.csv").read_text(encoding="utf-8").splitlines()
    assert written[0].startswith("table,cohort,rules,")
    assert written[1:] == results.csv_text(TableName.L2).splitlines()[5:8]
    about: dict[str, Any] = json.loads((tmp_path / "about.json").read_text(encoding="utf-8"))
    assert about["L2"]["runs"] == 3


def test_kept_results_are_used_as_long_as_code_and_prices_are_the_same(tmp_path, monkeypatch):
    cells = list(tables.cells(TableName.L2))[:1]
    first = records.compute(cells, prices=PRICES, cache_folder=tmp_path)
    monkeypatch.setattr(records, "run", lambda *args, **options: pytest.fail("computed again"))

    assert records.compute(cells, prices=PRICES, cache_folder=tmp_path) == first


def test_a_missing_price_file_is_refused(tmp_path):
    with pytest.raises(CommandError, match="no price file"):
        call_command("backtest", "harvest", prices="nowhere.csv.gz", out=str(tmp_path))
