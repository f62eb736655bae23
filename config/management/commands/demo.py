"""Load the demonstration firm into the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo.load import client_token, load_demo


class Command(BaseCommand):
    """`manage.py demo`: one firm, forty households, real prices up to 28 December 2022."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """All or nothing; a second call says that the firm is there."""
        try:
            firm = load_demo()
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{firm.name}: {firm.households.count()} households, {firm.accounts.count()} accounts. "
            f"API token (shown once): {client_token(firm)}"
        )
