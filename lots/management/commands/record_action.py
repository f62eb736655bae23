"""``record_action KIND SYMBOL DATE [--ratio R] [--to SYMBOL] [--basis-fraction F] [--firm NAME] [--dry-run]``."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import Conflict
from accounts.selectors import business_date, firm_names
from accounts.types import QUANTITY_LIMIT
from lots import services
from lots.booking import BookingError
from lots.booking_rules import FRACTION_PLACES, QUANTITY_PLACES
from securities.importers import cells
from securities.importers.cells import CellError
from securities.selectors import firm_named, only_firm, security_ids
from securities.types import ActionKind

_ONE = Decimal(1)


class Command(BaseCommand):
    help = (
        "Book a split, rename, merge or spin_off in every account that ever traded the security; "
        "the same one again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=[kind.value for kind in ActionKind])
        parser.add_argument("symbol")
        parser.add_argument("date", help="the first day of trading in new shares, as 2024-06-10")
        parser.add_argument(
            "--ratio",
            help="new shares per old: 10 for a 10-for-1 split, 0.33333333 for 1 for 3; a rename has none",
        )
        parser.add_argument("--to", metavar="SYMBOL", help="what the shares become or bring")
        parser.add_argument(
            "--basis-fraction", metavar="F", help="spin_off: the part of the basis that moves"
        )
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and book nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, symbol, kind = options["firm"], options["symbol"], ActionKind(options["kind"])
        firm = only_firm() if name is None else firm_named(name)
        if firm is None:
            names = ", ".join(firm_names()) or "none"
            said = "Name the firm with --firm" if name is None else f"There is no firm {name!r}"
            raise CommandError(f"{said}; there are: {names}.")
        known = security_ids(firm.pk)
        for wanted in (symbol, options["to"]):
            if wanted is not None and wanted not in known:
                raise CommandError(f"{firm.name} has no security {wanted!r}.")
        try:
            day = cells.day(options["date"], as_of=business_date(firm))
            words: dict[str, Any] = {
                "firm": firm,
                "kind": kind,
                "security_id": known[symbol],
                "effective_on": day,
                "ratio": _ratio(kind, options["ratio"]),
                "to_security_id": known[options["to"]] if options["to"] is not None else None,
                "basis_fraction": _fraction(options["basis_fraction"]),
            }
            if options["dry_run"]:
                booked, changes = services.preview_action(**words)
            else:
                booked, changes = services.record_action(**words, actor="command"), None
        except CellError as error:
            raise CommandError(f"{error}.") from error
        except Conflict as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        except BookingError as refusal:
            reasons = "; ".join(problem.reason for problem in refusal.problems)
            raise CommandError(
                f"The {kind} is refused, nothing was changed: {reasons}"
            ) from refusal
        sentence = _sentence(symbol, kind, day, booked.new, booked.known)
        if changes is None:
            self.stdout.write(sentence)
            return
        for line in (f"Nothing was booked. {sentence}", *changes.lines()):
            self.stdout.write(line)


def _ratio(kind: ActionKind, text: str | None) -> Decimal:
    """Raises CommandError for a ratio that is missing or makes no sense, CellError for what is no number."""
    if kind is ActionKind.RENAME:
        if text is not None:
            raise CommandError("A rename is one for one: leave --ratio out.")
        return _ONE
    if text is None:
        raise CommandError(f"A {kind} needs --ratio: new shares per old.")
    ratio = cells.number(text, places=QUANTITY_PLACES, below=QUANTITY_LIMIT)
    if ratio == 0 or (kind is ActionKind.SPLIT and ratio == 1):
        raise CommandError(f"A ratio of {text} is no {kind}: give new shares per old.")
    return ratio


def _fraction(text: str | None) -> Decimal | None:
    return None if text is None else cells.number(text, places=FRACTION_PLACES, below=_ONE)


def _sentence(symbol: str, kind: ActionKind, day: date, new: int, known: int) -> str:
    return f"{symbol} {kind} on {day}: booked in {new} accounts, known in {known}."
