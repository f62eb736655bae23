"""``manage.py import_loadings FILE --as-of DATE [--firm NAME]``: a supplied risk model, all or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.typed_day import typed_day
from rebalancing.risk_data.risk_imports import import_loadings
from securities.management.file_import import FirmFileCommand


class Command(FirmFileCommand):
    help = "Import a risk model from a CSV file (figure,of,factor,value); all or nothing."
    correct_help = "replace the model known for the day"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--as-of", required=True, metavar="DATE", help="its day")

    def handle(self, *args: Any, **options: Any) -> None:
        firm = self.firm(options["firm"])
        path: Path = options["file"]
        as_of = typed_day(options["as_of"])
        assert as_of is not None  # the option is required
        with self.contents(path) as file:
            result = import_loadings(
                firm=firm,
                file=file,
                name=path.name,
                as_of=as_of,
                dry_run=options["dry_run"],
                correct=options["correct"],
            )
        would = "would be " if options["dry_run"] else ""
        what = f"{would}{'new' if result.is_new else 'changed'}" if result.changed else "known"
        self.stdout.write(
            f"{path.name}: {result.securities} securities on {result.factors} factors as of "
            f"{as_of}, {what}"
        )
        for remark in result.remarks:
            self.stdout.write(f"  {remark}")
