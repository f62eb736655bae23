"""``manage.py import_positions FILE [--firm NAME]``: what custodians hold, all or nothing."""

from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import business_date, firm_names
from lots import services
from securities.importers.file_text import check_size
from securities.importers.refusal import ImportRefused
from securities.selectors import firm_named, only_firm


class Command(BaseCommand):
    help = (
        "Compare a custodian's file of positions with the lots; importing it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")
        parser.add_argument(
            "--correct",
            action="store_true",
            help="checked: take the place of other statements of the same account and day",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change")
        parser.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="today")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["firm"]
        firm = only_firm() if name is None else firm_named(name)
        if firm is None:
            names = ", ".join(firm_names()) or "none"
            said = "Name the firm with --firm" if name is None else f"There is no firm {name!r}"
            raise CommandError(f"{said}; there are: {names}.")
        path: Path = options["file"]
        try:
            check_size(name=path.name, size=path.stat().st_size, limit=settings.IMPORT_MAX_BYTES)
            found = services.import_positions(
                firm=firm,
                user=None,
                file=path.read_bytes(),
                name=path.name,
                as_of=options["as_of"] or business_date(firm),
                correct=options["correct"],
                dry_run=options["dry_run"],
            )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except ImportRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"{path.name} is refused, nothing was changed.") from refusal
        self.stdout.write(f"{path.name}: {found.sentence}")
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was stored.")
