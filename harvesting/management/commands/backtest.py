"""The finder over thirty-three years of real prices."""

import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from harvesting.backtest import records, report, tables
from harvesting.backtest.results import ABOUT
from proposals.version import LOTWISE_VERSION

PRICES = Path("config") / "demo" / "data" / "sp500_20_stocks.csv.gz"
BUILD = Path("build") / "backtest"


class Command(BaseCommand):
    """Writes one CSV file a table, and when and with what it was computed; prints the tables as Markdown."""

    help = "Run the harvest finder over real prices of 1990-2022 and compare it with published figures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand a study."""
        studies = parser.add_subparsers(dest="study", required=True)
        harvest = studies.add_parser("harvest", help="tables L1, L2, our rules, pricing the window")
        harvest.add_argument(
            "--table", choices=[name.value for name in tables.TableName], help="only this one"
        )
        harvest.add_argument("--out", metavar="FOLDER", default=str(BUILD), help=f"default {BUILD}")
        harvest.add_argument("--docs", metavar="FILE", help="renew the tables between their marks")
        harvest.add_argument("--prices", metavar="FILE", help=f"default {PRICES}")
        harvest.add_argument(
            "--jobs",
            type=int,
            default=os.cpu_count() or 1,
            help="processes; default: all processors",
        )
        harvest.add_argument(
            "--afresh", action="store_true", help="do not use results kept from an earlier run"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute, write, and print the tables."""
        chosen = options["table"]
        out = Path(options["out"])
        prices = Path(options["prices"] or settings.BASE_DIR / PRICES)
        if not prices.is_file():
            raise CommandError(f"There is no price file {prices}.")
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"The folder {out} cannot be made: {error.strerror}.") from error
        for name in tables.TableName if chosen is None else [tables.TableName(chosen)]:
            self._table(name, out, prices, options)

    def _table(
        self, name: tables.TableName, out: Path, prices: Path, options: Mapping[str, Any]
    ) -> None:
        cells = list(tables.cells(name))
        began = time.monotonic()
        with tqdm(total=len(cells), desc=name.value, unit="run", disable=None, leave=False) as bar:
            found = records.compute(
                cells,
                prices=prices,
                cache_folder=None if options["afresh"] else settings.BASE_DIR / BUILD / "cells",
                jobs=options["jobs"],
                done=lambda: bar.update(),
            )
        seconds = time.monotonic() - began
        (out / f"{name.value}.csv").write_text(records.write(found), encoding="utf-8")
        shown = report.tables(found)
        text = "\n".join(_section(table) for table in shown)
        self.stdout.write(text)
        self.stdout.write(f"{name.value}: {len(cells)} runs in {seconds:.1f} s\n")
        if options["docs"]:
            _renew(Path(options["docs"]), shown)
        _note(out, name.value, records.fingerprint(prices), len(cells), timezone.localdate())


def _section(table: report.Table) -> str:
    note = f"\n{table.note}\n" if table.note else ""
    return f"**{table.caption}**\n\n{report.markdown(table)}{note}"


def _renew(docs: Path, shown: Iterable[report.Table]) -> None:
    """Put each table between its marks, ``<!-- NAME -->`` and ``<!-- end of NAME -->``."""
    text = docs.read_text(encoding="utf-8")
    for table in shown:
        first, last = f"<!-- {table.name} -->\n", f"<!-- end of {table.name} -->"
        if first in text and last in text:
            before, rest = text.split(first, 1)
            after = rest.split(last, 1)[1]
            text = f"{before}{first}\n{_section(table)}\n{last}{after}"
    docs.write_text(text, encoding="utf-8")


def _note(out: Path, name: str, fingerprint: str, runs: int, day: date) -> None:
    """When and with which code a table was computed, beside it."""
    path = out / ABOUT
    about = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    about[name] = {
        "computed_on": day.isoformat(),
        "version": LOTWISE_VERSION,
        "code": fingerprint,
        "runs": runs,
    }
    path.write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")
