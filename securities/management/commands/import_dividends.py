"""``manage.py import_dividends FILE [--firm NAME]``: declared dividends, all or none."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import firm_names
from securities import selectors, services
from securities.importers.file_text import check_size
from securities.importers.refusal import ImportRefused


class Command(BaseCommand):
    help = (
        "Import declared dividends from a CSV file (symbol,ex_date,pay_date,amount); all or none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")
        parser.add_argument("--correct", action="store_true", help="replace what is known")
        parser.add_argument("--dry-run", action="store_true", help="say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["firm"]
        firm = selectors.only_firm() if name is None else selectors.firm_named(name)
        if firm is None:
            names = ", ".join(firm_names()) or "none"
            said = "Name the firm with --firm" if name is None else f"There is no firm {name!r}"
            raise CommandError(f"{said}; there are: {names}.")
        path: Path = options["file"]
        try:
            check_size(name=path.name, size=path.stat().st_size, limit=settings.IMPORT_MAX_BYTES)
            result = services.import_dividends(
                firm=firm,
                file=path.read_bytes(),
                name=path.name,
                dry_run=options["dry_run"],
                correct=options["correct"],
            )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except ImportRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"{path.name} is refused, nothing was changed.") from refusal
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{path.name}: {result.rows_new} dividends {would}new, {result.rows_known} known, "
            f"{result.rows_changed} {would}changed"
        )
