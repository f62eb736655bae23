"""``manage.py import_market_values FILE [--firm NAME]``: market values of securities, all or none."""

from pathlib import Path
from typing import Any

from securities import services
from securities.management.file_import import FirmFileCommand


class Command(FirmFileCommand):
    help = "Import market values from a CSV file (symbol,day,market_value); all or none."
    correct_help = "replace what is known"

    def handle(self, *args: Any, **options: Any) -> None:
        firm = self.firm(options["firm"])
        path: Path = options["file"]
        with self.contents(path) as file:
            result = services.import_market_values(
                firm=firm,
                file=file,
                name=path.name,
                dry_run=options["dry_run"],
                correct=options["correct"],
            )
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{path.name}: {result.rows_new} market values {would}new, {result.rows_known} known, "
            f"{result.rows_changed} {would}changed"
        )
