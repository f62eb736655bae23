"""``manage.py import_half_spreads FILE [--firm NAME]``: half spreads from a day on, all or none."""

from pathlib import Path
from typing import Any

from securities import services
from securities.management.file_import import FirmFileCommand


class Command(FirmFileCommand):
    help = "Import half spreads from a CSV file (symbol or asset_class,since,half_spread); all or none."
    correct_help = "replace what is known"

    def handle(self, *args: Any, **options: Any) -> None:
        firm = self.firm(options["firm"])
        path: Path = options["file"]
        with self.contents(path) as file:
            result = services.import_half_spreads(
                firm=firm,
                file=file,
                name=path.name,
                dry_run=options["dry_run"],
                correct=options["correct"],
            )
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{path.name}: {result.rows_new} half spreads {would}new, {result.rows_known} known, "
            f"{result.rows_changed} {would}changed"
        )
