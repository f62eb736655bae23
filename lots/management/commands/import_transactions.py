"""``manage.py import_transactions FILE --account ID [--format NAME]``: all or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.selectors import business_date
from accounts.typed_day import typed_day
from lots import selectors, services
from lots.importers import READERS
from securities.management.file_import import FileCommand
from securities.selectors import firm_named, only_firm


class Command(FileCommand):
    help = "Book a custodian's file of transactions; importing it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--account", metavar="ID", help="number or public id of the account")
        parser.add_argument("--format", choices=sorted(READERS), help="told from the file")
        parser.add_argument(
            "--firm",
            metavar="NAME|ID",
            help="where the account does not say it (default: the only one)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what the file would change, book nothing"
        )
        parser.add_argument("--as-of", metavar="DATE", help="today")

    def handle(self, *args: Any, **options: Any) -> None:
        firm, account = self._target(options["firm"], options["account"])
        path: Path = options["file"]
        with self.contents(path) as file:
            arguments = {
                "firm": firm,
                "user": None,
                "file": file,
                "name": path.name,
                "format": options["format"],
                "account": account,
                "as_of": typed_day(options["as_of"]) or business_date(firm),
            }
            if options["dry_run"]:
                self._tell(services.preview_import(**arguments))
            else:
                done = services.import_file(**arguments)
                self.stdout.write(services.summary_sentence(path.name, done))

    def _tell(self, preview: services.ImportPreview) -> None:
        """What the file would change, line by line."""
        self.stdout.write(preview.sentence)
        for line in preview.changes.lines():
            self.stdout.write(line)
        if preview.changes.alters_history:
            self.stdout.write(
                "Figures of closed or reported years change: returns filed on them may need amending."
            )
        self.stdout.write("Dry run: nothing was booked.")

    def _target(self, firm_name: str | None, account_name: str | None) -> tuple[Any, Any]:
        """The firm and, where one was named, the account."""
        firm = firm_named(firm_name) if firm_name is not None else None
        if firm_name is not None and firm is None:
            raise CommandError(f"There is no firm {firm_name!r}.")
        if account_name is None:
            firm = firm or only_firm()
            if firm is None:
                raise CommandError(
                    "Name the --account or the --firm: there is not exactly one firm."
                )
            return firm, None
        found = selectors.accounts_named(account_name, firm_id=firm.pk if firm else None)
        if not found:
            raise CommandError(f"There is no account {account_name!r}.")
        if len(found) > 1:
            raise CommandError(f"Several accounts are {account_name!r}: name the --firm too.")
        return found[0].firm, found[0]
