"""One night in the foreground, without a queue."""

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils import timezone
from tqdm import tqdm

from accounts.errors import LotwiseError
from accounts.typed_day import typed_day
from scans import selectors, services
from scans.outcomes import JOINT
from scans.types import AccountState, Ended, Progress
from securities import calendar

_SOME_FAILED = 2
_SOME_HELD = 3
_POLL_SECONDS = 1.0


class Command(BaseCommand):
    """Exit 0: every household ended; 1: refused, nothing was done; 2: at least one household failed.

    3: none failed, but other workers still hold some after the time of a lease.
    """

    help = (
        "Scan one night in the foreground, without the queue. The same night again changes nothing. "
        "A firm that stands at a date in the past (a demonstration) moves on to the night scanned."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Without options: the latest night of the only firm."""
        parser.add_argument("--as-of", metavar="DATE", help="a trading day, YYYY-MM-DD")
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")
        parser.add_argument("--household", metavar="ID", help="only this one: id or exact name")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be proposed, write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Turn refusals into one line and exit code 1."""
        try:
            self._scan(options)
        except LotwiseError as refusal:
            raise CommandError(str(refusal)) from refusal
        except OperationalError as trouble:
            reason = " ".join(str(trouble).split())
            raise CommandError(
                f"The database does not answer ({reason}). Nothing is lost: run the command again."
            ) from trouble

    def _scan(self, options: Mapping[str, Any]) -> None:
        firm_key, household_key = options["firm"], options["household"]
        if firm_key is None and household_key is not None:
            firm_key = selectors.firm_of_household(household_key)
        firm = selectors.firm(firm_key)
        latest = calendar.business_date(timezone.now())
        night = typed_day(options["as_of"], may_be_ahead=True) or selectors.default_night(
            firm, latest
        )
        services.refuse_date(firm=firm, as_of=night)
        only = None if household_key is None else selectors.household(firm, household_key).pk
        if options["dry_run"]:
            for sentence in services.versions_to_come(firm_id=firm.pk, as_of=night):
                self.stdout.write(sentence)
            self._preview(night, selectors.household_ids(firm) if only is None else [only])
        else:
            self._work(firm.pk, night, only)

    def _work(self, firm_id: int, night: date, household_id: int | None) -> None:
        run = services.open_run(
            firm_id=firm_id,
            as_of=night,
            household_ids=None if household_id is None else [household_id],
            actor="manage.py scan",
            wake_workers=False,
        )
        before = selectors.progress_of(run)
        waiting = 1 if household_id else before.total - before.done - before.failed
        with tqdm(total=waiting, unit="household", disable=None, leave=False) as bar:
            held = self._work_and_wait(run.pk, household_id, bar)
        after = selectors.progress_of(selectors.run_of(run.pk))
        self._show(night, after)
        if after.failed:
            raise CommandError(
                f"{after.failed} of {after.total} households failed; the log has the reasons.",
                returncode=_SOME_FAILED,
            )
        if held:
            raise CommandError(
                f"{held} households are still with other workers: run the command again later.",
                returncode=_SOME_HELD,
            )

    def _work_and_wait(self, run_id: int, household_id: int | None, bar: "tqdm[Any]") -> int:
        """Work off what is free, wait for what others hold, at most as long as a lease; how many are left."""
        deadline = time.monotonic() + settings.SCAN_LEASE_SECONDS + _POLL_SECONDS
        said = False
        while True:
            for ended in services.work_through(run_id=run_id, household_id=household_id):
                bar.update(ended is Ended.DONE)
            services.give_up_hopeless()
            held = selectors.held_elsewhere(run_id, household_id)
            if not held or time.monotonic() >= deadline:
                return held
            if not said:
                said = True
                with tqdm.external_write_mode():
                    self.stderr.write(f"Waiting for {held} households that other workers hold ...")
            time.sleep(_POLL_SECONDS)

    def _preview(self, night: date, household_ids: list[int]) -> None:
        reasons: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        accounts: Counter[AccountState] = Counter()
        for household_id in tqdm(household_ids, unit="household", disable=None, leave=False):
            found = services.preview(household_id=household_id, as_of=night)
            reasons.update(found.reason.split(JOINT))
            kinds.update(draft.kind.value for draft in found.drafts)
            accounts.update(result.state for result in found.accounts)
            for draft in found.drafts:
                with tqdm.external_write_mode():
                    self.stdout.write(f"{found.household}: {draft.kind.value}: {draft.sentence}")
        self._table(f"Night of {night}, nothing written", {
            "households": len(household_ids),
            "accounts scanned": accounts[AccountState.SCANNED],
            "accounts skipped": accounts[AccountState.SKIPPED],
            **_proposals(kinds),
        }, reasons=dict(reasons.most_common()))  # fmt: skip

    def _show(self, night: date, progress: Progress) -> None:
        open_items = progress.total - progress.done - progress.failed
        self._table(f"Night of {night}", {
            "households": progress.total,
            "  done": progress.done,
            **({"  failed": progress.failed} if progress.failed else {}),
            **({"  still open": open_items} if open_items else {}),
            "accounts scanned": progress.accounts_scanned,
            "accounts skipped": progress.accounts_skipped,
            **_proposals(progress.proposals),
        }, reasons=progress.by_reason)  # fmt: skip
        for left_out in progress.not_scanned:
            self.stdout.write(
                f"not scanned: {left_out.household}, {left_out.account}: {left_out.reason}: {left_out.detail}"
            )

    def _table(self, title: str, rows: Mapping[str, int], *, reasons: Mapping[str, int]) -> None:
        """The figures, then the reasons: a household has one for losses and one for drift."""
        width = max(len(name) for name in (*rows, *(f"  {reason}" for reason in reasons)))
        self.stdout.write(title)
        for name, figure in rows.items():
            self.stdout.write(f"  {name:<{width}} {figure:>7}")
        if reasons:
            self.stdout.write("  households by reason")
        for reason, count in reasons.items():
            self.stdout.write(f"    {reason:<{width - 2}} {count:>7}")


def _proposals(kinds: Mapping[str, int]) -> dict[str, int]:
    return {f"proposals: {kind}": kinds[kind] for kind in sorted(kinds)}
