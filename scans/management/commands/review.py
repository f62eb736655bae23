"""One review in the foreground, without a queue."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils import timezone
from tqdm import tqdm

from accounts.errors import LotwiseError
from accounts.typed_day import typed_day
from rebalancing.reviews.types import FindingState
from scans import review_selectors, review_services, selectors, services
from scans.types import CADENCES, Ended, Job
from securities import calendar

_SOME_FAILED = 2
_SAID = (FindingState.BREACHED, FindingState.FLAGGED, FindingState.UNKNOWN)


class Command(BaseCommand):
    """Exit 0: every household ended; 1: refused, nothing was done; 2: at least one household failed."""

    help = (
        "Review every household of a firm in the foreground: what breaks a rule or a band is looked at for trades. "
        "A daily review is made of what the night has found, and a quarterly one looks at the models too. "
        "The same review again replaces its findings, until somebody has signed it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The cadence; without options the latest date of the only firm."""
        parser.add_argument("cadence", choices=[job.value for job in CADENCES])
        parser.add_argument("--as-of", metavar="DATE", help="a trading day, YYYY-MM-DD")
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")
        parser.add_argument("--household", metavar="ID", help="only this one: id or exact name")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be found, write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Turn refusals into one line and exit code 1."""
        try:
            self._review(options)
        except LotwiseError as refusal:
            raise CommandError(str(refusal)) from refusal
        except OperationalError as trouble:
            reason = " ".join(str(trouble).split())
            raise CommandError(
                f"The database does not answer ({reason}). Nothing is lost: run the command again."
            ) from trouble

    def _review(self, options: Mapping[str, Any]) -> None:
        job, firm_key = Job(options["cadence"]), options["firm"]
        if firm_key is None and options["household"] is not None:
            firm_key = selectors.firm_of_household(options["household"])
        firm = selectors.firm(firm_key)
        latest = calendar.business_date(timezone.now())
        as_of = typed_day(options["as_of"], may_be_ahead=True) or selectors.default_night(
            firm, latest
        )
        if job.is_review:
            services.refuse_date(firm=firm, as_of=as_of, job=job)
        key = options["household"]
        only = None if key is None else [selectors.household(firm, key).pk]
        if options["dry_run"]:
            self._preview(firm.pk, job, as_of, only or selectors.household_ids(firm))
        else:
            self._work(firm.pk, job, as_of, only)

    def _preview(self, firm_id: int, job: Job, as_of: date, household_ids: list[int]) -> None:
        states: Counter[str] = Counter()
        rows = review_services.previews(
            firm_id=firm_id, job=job, as_of=as_of, household_ids=household_ids
        )
        total = len(household_ids)
        for name, found in tqdm(rows, total=total, unit="household", disable=None, leave=False):
            states.update(one.state.value for one in found)
            for one in found:
                if one.state in _SAID:
                    with tqdm.external_write_mode():
                        self.stdout.write(f"{name}: {one.state}: {one.sentence}")
        self._table(f"{job.value.capitalize()} review of {as_of}, nothing written", states)

    def _work(self, firm_id: int, job: Job, as_of: date, only: list[int] | None) -> None:
        review = review_services.open_review(
            firm_id=firm_id,
            job=job,
            as_of=as_of,
            household_ids=only,
            actor="manage.py review",
            wake_workers=False,
            again=True,
        )
        failed = 0
        if job.is_review:  # a daily one has been made at once
            failed = self._through(review.run_id)
            looks = review_selectors.open_looks(review)
            failed += 0 if looks is None else self._through(looks)
        self._table(
            f"{job.value.capitalize()} review of {as_of}",
            {state.value: count for state, count in review_selectors.counts(review).items()},
        )
        if failed:
            raise CommandError(
                f"{failed} looks failed; the log has the reasons.", returncode=_SOME_FAILED
            )

    def _through(self, run_id: int) -> int:
        """Work off what is free; how many looks failed."""
        failed = 0
        with tqdm(unit="household", disable=None, leave=False) as bar:
            for ended in services.work_through(run_id=run_id):
                bar.update(ended is Ended.DONE)
                failed += ended is Ended.FAILED
        return failed

    def _table(self, title: str, states: Mapping[str, int]) -> None:
        self.stdout.write(title)
        for state in FindingState:
            self.stdout.write(f"  {state.value:<10} {states.get(state.value, 0):>7}")
