"""``manage.py import_dividends FILE [--firm NAME]``: declared dividends, all or none."""

from pathlib import Path
from typing import Any

from securities import services
from securities.management.file_import import FirmFileCommand


class Command(FirmFileCommand):
    help = (
        "Import declared dividends from a CSV file (symbol,ex_date,pay_date,amount); all or none."
    )
    correct_help = "replace what is known"

    def handle(self, *args: Any, **options: Any) -> None:
        firm = self.firm(options["firm"])
        path: Path = options["file"]
        with self.contents(path) as file:
            result = services.import_dividends(
                firm=firm,
                file=file,
                name=path.name,
                dry_run=options["dry_run"],
                correct=options["correct"],
            )
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{path.name}: {result.rows_new} dividends {would}new, {result.rows_known} known, "
            f"{result.rows_changed} {would}changed"
        )
