"""``manage.py set_up FILE.toml [--dry-run]``: a firm, its people, households, models and policies from one file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.setup_file.applying import set_up
from config.setup_file.changes import Changes
from config.setup_file.reading import MOST_BYTES, read
from config.setup_file.refusal import SetUpRefused


class Command(BaseCommand):
    help = (
        "Set up a firm from a file, or bring it up to the file; running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.toml")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError, after one line for each problem, for a file that is refused."""
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                contents = read(file.read(MOST_BYTES + 1))
            changes = set_up(
                contents=contents, name=path.name, actor="command", dry_run=options["dry_run"]
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
