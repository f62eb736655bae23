"""`python -m benchmarks`: every benchmark beside its anchor, on servers of its own.

`--only ledger` measures the tax engine alone and needs no servers; `--only scan` the night of a small firm in which
nearly everybody has something to do; `--only screen` the bulk screen; `--only night` the night of a large firm, with
`--full` the one of 10,000 accounts and 1,000,000 lots. `--only rebalance` measures the optimiser beside others, with
`--full` on more accounts; `--only rebalance-night` a night of rebalances in memory;
neither needs servers.
"""

import argparse
import os
import sys
from collections.abc import Callable

import django

from benchmarks import ledger
from benchmarks.rebalance import night as rebalance_night
from benchmarks.rebalance import race
from benchmarks.report import REPORT, Figure, append, show
from benchmarks.servers import fresh_servers

SCREEN_LOTS = 4_000_000
COLUMN_ROWS = 1_000_000
NIGHT_ACCOUNTS = 1_000
FULL_NIGHT_ACCOUNTS = 10_000


def main() -> None:
    """Measure, print the table, append the JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=_NAMES)
    parser.add_argument(
        "--largest", type=int, default=ledger.SIZES[-1], help="largest ledger, in trades"
    )
    parser.add_argument("--accounts", type=int, default=1000, help="of the small firm's scan")
    parser.add_argument("--anchor-accounts", type=int, default=200, help="of the foreground scan")
    parser.add_argument(
        "--night-accounts", type=int, default=NIGHT_ACCOUNTS, help="of the large firm's night"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help=f"the large firm's night with {FULL_NIGHT_ACCOUNTS} accounts; the optimiser's slowest runs",
    )
    parser.add_argument(
        "--rebalance-accounts",
        type=int,
        default=rebalance_night.ACCOUNTS,
        help="of the night of rebalances",
    )
    parser.add_argument("--processes", type=int, default=2, help="of the Celery worker")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures: list[Figure] = []
    if options.only in (None, "ledger"):
        figures += ledger.measure(seed=options.seed, largest=options.largest)
    if options.only in (None, "rebalance"):
        figures += race.measure(seed=options.seed, full=options.full)
    if options.only in (None, "rebalance-night"):
        figures += rebalance_night.measure(accounts=options.rebalance_accounts, seed=options.seed)
    for name, measure in _WITH_SERVERS.items():
        if options.only in (None, name):
            figures += _on_servers(measure, options)
    show(figures)
    append(figures)
    sys.stdout.write(f"Added to {REPORT}\n")


def _on_servers(
    measure: Callable[[argparse.Namespace], list[Figure]], options: argparse.Namespace
) -> list[Figure]:
    """Each benchmark has a database of its own, and processes that know no other's."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with fresh_servers():
        _point_django_at_them()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0, interactive=False)
        try:
            return measure(options)
        finally:
            connections.close_all()


def _point_django_at_them() -> None:
    """Settings are loaded once; a second benchmark finds other servers."""
    django.setup()
    from django.conf import settings
    from django.db import connections

    from accounts.one_look import forget_kept
    from config.celery import app
    from config.environment import broker_from_url, database_from_url

    connections.settings["default"].update(database_from_url(os.environ["DATABASE_URL"]))
    settings.DATABASE_URL, settings.REDIS_URL = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    settings.CELERY_BROKER_URL = broker_from_url(settings.REDIS_URL)
    forget_kept()
    app.conf.update(broker_url=settings.CELERY_BROKER_URL)


def _scan(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import scan

    return scan.measure(
        accounts=options.accounts,
        anchor_accounts=options.anchor_accounts,
        processes=options.processes,
        seed=options.seed,
    )


def _screen(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import screen

    return [
        *screen.measure_in_memory(lots=SCREEN_LOTS, seed=options.seed),
        *screen.measure_columns(rows=COLUMN_ROWS),
    ]


def _night(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import night

    accounts = FULL_NIGHT_ACCOUNTS if options.full else options.night_accounts
    return night.measure(accounts=accounts, processes=options.processes, seed=options.seed)


_WITH_SERVERS = {"scan": _scan, "screen": _screen, "night": _night}
_NAMES = ("ledger", "rebalance", "rebalance-night", *_WITH_SERVERS)


if __name__ == "__main__":
    main()
