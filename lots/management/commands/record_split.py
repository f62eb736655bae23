"""``manage.py record_split SYMBOL DATE RATIO [--firm NAME]``: in every account that ever traded the security."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import Conflict
from accounts.selectors import business_date, firm_names
from accounts.types import QUANTITY_LIMIT
from lots import services
from lots.booking import BookingError
from lots.booking_rules import QUANTITY_PLACES
from securities.importers import cells
from securities.importers.cells import CellError
from securities.selectors import firm_named, only_firm, security_ids


class Command(BaseCommand):
    help = "Book a split in every account that ever traded the security; the same split again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol")
        parser.add_argument("date", help="the first day of trading in new shares, as 2024-06-10")
        parser.add_argument(
            "ratio", help="new shares per old: 10 for 10-for-1, 0.33333333 for 1-for-3"
        )
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")

    def handle(self, *args: Any, **options: Any) -> None:
        name, symbol = options["firm"], options["symbol"]
        firm = only_firm() if name is None else firm_named(name)
        if firm is None:
            names = ", ".join(firm_names()) or "none"
            said = "Name the firm with --firm" if name is None else f"There is no firm {name!r}"
            raise CommandError(f"{said}; there are: {names}.")
        security = security_ids(firm.pk).get(symbol)
        if security is None:
            raise CommandError(f"{firm.name} has no security {symbol!r}.")
        day, ratio = _split(options["date"], options["ratio"], today=business_date(firm))
        try:
            booked = services.book_split(
                firm=firm, security_id=security, effective_on=day, ratio=ratio, actor="command"
            )
        except Conflict as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        except BookingError as refusal:
            reasons = "; ".join(problem.reason for problem in refusal.problems)
            raise CommandError(f"The split is refused, nothing was changed: {reasons}") from refusal
        self.stdout.write(
            f"{symbol} split on {day}: booked in {booked.new} accounts, known in {booked.known}."
        )


def _split(day: str, ratio: str, *, today: date) -> tuple[date, Decimal]:
    """Raises CommandError for what is no past day or no ratio above zero other than 1."""
    try:
        effective_on = cells.day(day, as_of=today)
        number = cells.number(ratio, places=QUANTITY_PLACES, below=QUANTITY_LIMIT)
    except CellError as error:
        raise CommandError(f"{error}.") from error
    if number in (0, 1):
        raise CommandError(f"A ratio of {ratio} is no split: give new shares per old.")
    return effective_on, number
