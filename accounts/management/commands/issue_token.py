"""Give an API client a bearer token."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.errors import LotwiseError
from accounts.services import issue_client_token

MOST_DAYS = 3650


class Command(BaseCommand):
    help = "Make a bearer token for an API client and print it, once: only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--label", required=True, help="what the token is for")
        parser.add_argument("--days", type=int, help="how long it holds; without it until revoked")
        parser.add_argument(
            "--firm", default="", help="makes a new client in it; needed where there are several"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for what cannot be done."""
        days = options["days"]
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {MOST_DAYS}.")
        for name, longest in (("username", 150), ("label", 60)):
            if not 1 <= len(options[name]) <= longest or not options[name].isprintable():
                raise CommandError(f"The {name} must have 1 to {longest} printable characters.")
        try:
            token = issue_client_token(
                username=options["username"],
                label=options["label"],
                firm_name=options["firm"],
                expires_at=None if days is None else timezone.now() + timedelta(days=days),
            )
        except LotwiseError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(token)
        self.stderr.write("Keep it now: it is shown once.")
