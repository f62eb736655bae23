"""Take an API client's bearer tokens back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import LotwiseError
from accounts.services import revoke_client_tokens


class Command(BaseCommand):
    help = "Revoke an API client's tokens; effective on the next request."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--label", help="only the tokens of this label")
        chosen.add_argument("--all", action="store_true", help="every token of the client")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown client, or where no token was good any more."""
        try:
            count = revoke_client_tokens(username=options["username"], label=options["label"])
        except LotwiseError as error:
            raise CommandError(str(error)) from error
        if not count:
            raise CommandError("There is no such token, or it is revoked already.")
        self.stdout.write(f"Revoked {count}.")
