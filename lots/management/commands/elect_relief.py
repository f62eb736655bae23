"""``manage.py elect_relief ACCOUNT METHOD DATE --user NAME --reason TEXT``: the standing order of an account."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import LotwiseError
from accounts.selectors import person_named
from accounts.typed_day import typed_day
from lots import selectors, services
from lots.types import Relief
from securities.selectors import firm_named


class Command(BaseCommand):
    help = (
        "Say which lots an account's sales take from a day on, where they do not say it themselves."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="number or public id of the account")
        parser.add_argument("method", choices=[method.value for method in Relief])
        parser.add_argument("date", help="first trade date it is for, as 2024-06-10")
        parser.add_argument("--user", required=True, help="who decides it")
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--firm", metavar="NAME|ID", help="needed where several have the account"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = self._account(options["account"], options["firm"])
        author = person_named(options["user"], account.firm)
        if author is None:
            raise CommandError(f"{account.firm.name} has no person {options['user']!r}.")
        method = Relief(options["method"])
        day = typed_day(options["date"], option="date", may_be_ahead=True)
        assert day is not None  # the argument is required
        try:
            services.elect_relief(
                account=account,
                method=method,
                effective_on=day,
                author=author,
                reason=options["reason"],
            )
        except LotwiseError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self.stdout.write(f"{account.number}: sales from {day} on take their lots by {method}.")

    def _account(self, name: str, firm_name: str | None) -> Any:
        firm = firm_named(firm_name) if firm_name is not None else None
        if firm_name is not None and firm is None:
            raise CommandError(f"There is no firm {firm_name!r}.")
        found = selectors.accounts_named(name, firm_id=firm.pk if firm else None)
        if not found:
            raise CommandError(f"There is no account {name!r}.")
        if len(found) > 1:
            raise CommandError(f"Several accounts are {name!r}: name the --firm too.")
        return found[0]
