"""`python -m benchmarks`: every benchmark beside its anchor, on servers of its own.

`--only ledger` measures the tax engine alone and needs no servers; `--only scan` the night of a firm.
"""

import argparse
import os
import sys

import django

from benchmarks import ledger
from benchmarks.report import REPORT, Figure, append, show
from benchmarks.servers import fresh_servers


def main() -> None:
    """Measure, print the table, append the JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=("ledger", "scan"))
    parser.add_argument(
        "--largest", type=int, default=ledger.SIZES[-1], help="largest ledger, in trades"
    )
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--anchor-accounts", type=int, default=200, help="of the foreground scan")
    parser.add_argument("--processes", type=int, default=2, help="of the Celery worker")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures: list[Figure] = []
    if options.only != "scan":
        figures += ledger.measure(seed=options.seed, largest=options.largest)
    if options.only != "ledger":
        figures += _scan_figures(options)
    show(figures)
    append(figures)
    sys.stdout.write(f"Added to {REPORT}\n")


def _scan_figures(options: argparse.Namespace) -> list[Figure]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with fresh_servers():
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from benchmarks import scan

        call_command("migrate", verbosity=0, interactive=False)
        try:
            return scan.measure(
                accounts=options.accounts,
                anchor_accounts=options.anchor_accounts,
                processes=options.processes,
                seed=options.seed,
            )
        finally:
            connections.close_all()


if __name__ == "__main__":
    main()
