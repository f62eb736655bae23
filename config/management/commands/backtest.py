"""The product's own decisions over thirty-three years of real prices."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

import harvesting.backtest.records
import harvesting.backtest.report
import harvesting.backtest.tables
import rebalancing.backtest.records
import rebalancing.backtest.report
import rebalancing.backtest.tables
from proposals.version import LOTWISE_VERSION
from securities.studies.records import fingerprint, note
from securities.studies.tables import renewed, section

PRICES = Path("config") / "demo" / "data" / "sp500_20_stocks.csv.gz"
BUILD = Path("build") / "backtest"


@dataclass(frozen=True)
class Study:
    """Which runs there are, how they are computed and kept, and how they are told."""

    help: str
    tables: ModuleType  # TableName, cells, with_needed
    records: ModuleType  # compute, write, ROOMS
    report: ModuleType  # tables


STUDIES = {
    "harvest": Study(
        "tables L1, L2, our rules, pricing the window",
        harvesting.backtest.tables,
        harvesting.backtest.records,
        harvesting.backtest.report,
    ),
    "rebalance": Study(
        "table L3, curves of bands and of the optimum, the same after costs and tax",
        rebalancing.backtest.tables,
        rebalancing.backtest.records,
        rebalancing.backtest.report,
    ),
}


class Command(BaseCommand):
    """Writes one CSV file a table, and when and with what it was computed; prints the tables as Markdown."""

    help = "Run the harvest finder or the ways to rebalance over real prices of 1990-2022."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand a study."""
        studies = parser.add_subparsers(dest="study", required=True)
        for name, study in STUDIES.items():
            one = studies.add_parser(name, help=study.help)
            one.add_argument(
                "--table",
                choices=[name.value for name in study.tables.TableName],
                help="only this one",
            )
            one.add_argument("--out", metavar="FOLDER", default=str(BUILD), help=f"default {BUILD}")
            one.add_argument("--docs", metavar="FILE", help="renew the tables between their marks")
            one.add_argument("--prices", metavar="FILE", help=f"default {PRICES}")
            one.add_argument(
                "--jobs",
                type=int,
                default=os.cpu_count() or 1,
                help="processes; default: all processors",
            )
            one.add_argument(
                "--afresh", action="store_true", help="do not use results kept from an earlier run"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute, write, and print the tables."""
        study = STUDIES[options["study"]]
        chosen = options["table"]
        out = Path(options["out"])
        prices = Path(options["prices"] or settings.BASE_DIR / PRICES)
        if not prices.is_file():
            raise CommandError(f"There is no price file {prices}.")
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"The folder {out} cannot be made: {error.strerror}.") from error
        names = study.tables.TableName
        found: list[Any] = []
        for name in names if chosen is None else study.tables.with_needed(names(chosen)):
            found += self._computed(study, name, out, prices, options)
        shown = study.report.tables(found)
        self.stdout.write("\n".join(section(table) for table in shown))
        if options["docs"]:
            docs = Path(options["docs"])
            docs.write_text(renewed(docs.read_text(encoding="utf-8"), shown), encoding="utf-8")

    def _computed(
        self, study: Study, name: Any, out: Path, prices: Path, options: Mapping[str, Any]
    ) -> Sequence[Any]:
        """The records of a table, written beside when and with what they were computed."""
        cells = list(study.tables.cells(name))
        began = time.monotonic()
        with tqdm(total=len(cells), desc=name.value, unit="run", disable=None, leave=False) as bar:
            found: Sequence[Any] = study.records.compute(
                cells,
                prices=prices,
                cache_folder=None if options["afresh"] else settings.BASE_DIR / BUILD / "cells",
                jobs=options["jobs"],
                done=lambda: bar.update(),
            )
        seconds = time.monotonic() - began
        (out / f"{name.value}.csv").write_text(study.records.write(found), encoding="utf-8")
        self.stdout.write(f"{name.value}: {len(cells)} runs in {seconds:.1f} s\n")
        note(
            out,
            name.value,
            day=timezone.localdate(),
            version=LOTWISE_VERSION,
            code=fingerprint(prices, study.records.ROOMS),
            runs=len(cells),
        )
        return found
