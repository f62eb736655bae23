"""``manage.py set_up FILE.toml``: a firm, its people, households, models and policies from one file."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.typed_day import typed_day
from config.setup_file.applying import set_up
from config.setup_file.changes import Changes
from config.setup_file.reading import MOST_BYTES, read
from config.setup_file.refusal import SetUpRefused
from securities import calendar


class Command(BaseCommand):
    help = (
        "Set up a firm from a file, or bring it up to the file; running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.toml")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )
        parser.add_argument(
            "--stand-at",
            metavar="DATE",
            help="for trying things out: a new firm's today is this trading day of the past, "
            "and it is scanned on request only",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError, after one line for each problem, for a file that is refused."""
        path: Path = options["file"]
        pinned_date = typed_day(options["stand_at"], option="--stand-at", may_be_ahead=True)
        if pinned_date is not None:
            _refuse_unended(pinned_date)
        try:
            with path.open("rb") as file:
                contents = read(file.read(MOST_BYTES + 1))
            changes = set_up(
                contents=contents,
                name=path.name,
                actor="command",
                dry_run=options["dry_run"],
                pinned_date=pinned_date,
            )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except SetUpRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"{path.name} is refused, nothing was changed.") from refusal
        self._report(path.name, changes, dry_run=options["dry_run"])

    def _report(self, name: str, changes: Changes, *, dry_run: bool) -> None:
        if not changes:
            self.stdout.write(f"{name}: nothing to change, everything in it is on record.")
            return
        for line in changes.lines():
            self.stdout.write(line)
        if dry_run:
            self.stdout.write(f"{name}, dry run, nothing was changed: {changes.summary()}.")
            return
        self.stdout.write(f"{name}: {changes.summary()}.")
        for username in changes.new.get("person", ()):
            self.stdout.write(
                f"{username} cannot sign in yet: run python manage.py changepassword {username}"
            )


def _refuse_unended(day: date) -> None:
    """Raises CommandError for a date that has no night to scan."""
    if day > calendar.business_date(timezone.now()) or not calendar.is_business_date(day):
        raise CommandError(f"--stand-at {day} is no trading day that has ended.")
