"""``manage.py import_positions FILE [--firm NAME]``: what custodians hold, all or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import business_date
from accounts.typed_day import typed_day
from lots import services
from securities.management.file_import import FirmFileCommand


class Command(FirmFileCommand):
    help = (
        "Compare a custodian's file of positions with the lots; importing it again changes nothing."
    )
    correct_help = "checked: take the place of other statements of the same account and day"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--as-of", metavar="DATE", help="today")

    def handle(self, *args: Any, **options: Any) -> None:
        firm = self.firm(options["firm"])
        path: Path = options["file"]
        with self.contents(path) as file:
            found = services.import_positions(
                firm=firm,
                user=None,
                file=file,
                name=path.name,
                as_of=typed_day(options["as_of"]) or business_date(firm),
                correct=options["correct"],
                dry_run=options["dry_run"],
            )
        self.stdout.write(f"{path.name}: {found.sentence}")
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was stored.")
