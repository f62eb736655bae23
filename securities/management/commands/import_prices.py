"""``manage.py import_prices FILE [--firm NAME]``: closing prices, all or none."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import business_date
from accounts.typed_day import typed_day
from securities import services
from securities.management.file_import import FirmFileCommand


class Command(FirmFileCommand):
    help = "Import closing prices from a CSV file, long (date,symbol,close) or wide; all or none."
    correct_help = "checked: replace known prices, accept large moves"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--as-of", metavar="DATE", help="today")

    def handle(self, *args: Any, **options: Any) -> None:
        firm = self.firm(options["firm"])
        path: Path = options["file"]
        with self.contents(path) as file:
            result = services.import_prices(
                firm=firm,
                user=None,
                file=file,
                name=path.name,
                as_of=typed_day(options["as_of"]) or business_date(firm),
                dry_run=options["dry_run"],
                correct=options["correct"],
            )
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{path.name}: {result.rows_new} prices {would}new, {result.rows_known} known, "
            f"{result.rows_changed} {would}changed"
        )
