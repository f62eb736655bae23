"""Check the invariants and the audit chain on the live database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.verification import violations


class Command(BaseCommand):
    """`manage.py verify`: exit 0 when everything holds, 1 with a line for each violation."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes nothing to the database."""
        count = 0
        for violation in violations():
            self.stderr.write(violation)
            count += 1
        if count:
            raise CommandError(f"{count} violations")
        self.stdout.write("Everything holds: audit chains, derived lots, proposals, orders.")
