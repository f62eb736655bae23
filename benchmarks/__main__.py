"""`python -m benchmarks`: every benchmark beside its anchor, on servers of its own."""

import argparse
import os
import sys

import django

from benchmarks.report import REPORT, append, show
from benchmarks.servers import fresh_servers


def main() -> None:
    """Measure, print the table, append the JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--anchor-accounts", type=int, default=200, help="of the foreground scan")
    parser.add_argument("--processes", type=int, default=2, help="of the Celery worker")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with fresh_servers():
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from benchmarks import scan

        call_command("migrate", verbosity=0, interactive=False)
        try:
            figures = scan.measure(**vars(options))
        finally:
            connections.close_all()
    show(figures)
    append(figures)
    sys.stdout.write(f"Added to {REPORT}\n")


if __name__ == "__main__":
    main()
