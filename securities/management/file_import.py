"""What every command that imports a file shares: the firm it is for, the file, the refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import firm_names
from securities.importers.file_text import check_size
from securities.importers.refusal import ImportRefused
from securities.selectors import firm_named, only_firm
from securities.services import FileImport


def named_or_only_firm(name: str | None) -> Any:
    """The firm named, or the only one.

    :raises CommandError: there is none of that name, or not exactly one to take unnamed.
    """
    firm = only_firm() if name is None else firm_named(name)
    if firm is None:
        names = ", ".join(firm_names()) or "none"
        said = "Name the firm with --firm" if name is None else f"There is no firm {name!r}"
        raise CommandError(f"{said}; there are: {names}.")
    return firm


class FileCommand(BaseCommand):
    """A command that imports one file, all of it or nothing."""

    @contextmanager
    def contents(self, path: Path) -> Iterator[bytes]:
        """The bytes of the file; what it is refused for is said on stderr.

        :raises CommandError: the file cannot be read, is too large, or is refused in the body.
        """
        try:
            check_size(name=path.name, size=path.stat().st_size, limit=settings.IMPORT_MAX_BYTES)
            yield path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        except ImportRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"{path.name} is refused, nothing was changed.") from refusal


class FirmFileCommand(FileCommand):
    """One whose file speaks for a whole firm and may correct what is known."""

    correct_help: str

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")
        parser.add_argument("--correct", action="store_true", help=self.correct_help)
        parser.add_argument("--dry-run", action="store_true", help="say what would change")

    def firm(self, name: str | None) -> Any:
        """The firm named, or the only one.

        :raises CommandError: there is none of that name, or not exactly one to take unnamed.
        """
        return named_or_only_firm(name)


class FirmFactsCommand(FirmFileCommand):
    """One that hands the file to an import of ``securities.services`` and tells what it did."""

    correct_help = "replace what is known"
    what: str  # the rows, in words

    def take(self, **file: Any) -> FileImport:
        """The import: firm, file, name, dry_run and correct go to it as they are."""
        raise NotImplementedError

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        firm = self.firm(options["firm"])
        with self.contents(path) as file:
            result = self.take(
                firm=firm,
                file=file,
                name=path.name,
                dry_run=options["dry_run"],
                correct=options["correct"],
            )
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{path.name}: {result.rows_new} {self.what} {would}new, {result.rows_known} known, "
            f"{result.rows_changed} {would}changed"
        )
