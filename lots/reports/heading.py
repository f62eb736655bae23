"""What every tax report says before its figures: whose, as of when, how final, and what nobody looked at. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from lots.coverage import LeftOut
from lots.reports.wash_status import (
    OpenLoss,
    QuietAccount,
    first_final_day,
    open_losses,
    seen_to,
)
from lots.rounding import cents
from lots.types import RealizedLot

DRAFT = "Draft, not tax advice. The client's return is the preparer's business."


@dataclass(frozen=True, slots=True)
class OpenSale:
    """A loss that a purchase through ``until`` can still disallow, in the words of people."""

    sentence: str
    until: date


@dataclass(frozen=True, slots=True)
class Heading:
    """The facts beside the figures of one return and year."""

    household: str
    filing: str
    year: int
    as_of: date
    booked_through: date | None
    is_provisional: bool
    open_sales: tuple[OpenSale, ...]
    unchecked: tuple[str, ...]  # accounts declared and never imported (R17)
    policy: tuple[tuple[str, StrEnum], ...]  # (rule, value in force)
    unlisted: tuple[str, ...] = ()  # taxable accounts whose own sales are not here either
    left_out: tuple[LeftOut, ...] = ()  # accounts that do not count as the firm reads U2 and U7
    quiet: tuple[str, ...] = ()  # a sentence for each account whose bookings end inside a window

    @property
    def is_running(self) -> bool:
        """Whether the year is not over: its totals are those of the year to date."""
        return self.as_of < date(self.year, 12, 31)

    @property
    def state(self) -> str:
        """``PROVISIONAL`` or ``NOT CLOSED`` with its reason, or that every window has closed."""
        if not self.is_provisional:
            return "Every wash-sale window of the year has closed."
        final = first_final_day(self.year)
        if self.as_of >= final:
            last = final - timedelta(days=1)
            booked = (
                "nothing is booked"
                if self.booked_through is None
                else f"the ledger is booked through {_words(self.booked_through)} only"
            )
            return f"NOT CLOSED: {booked}. Purchases up to {_words(last)} would not be seen."
        return (
            f"PROVISIONAL: no figure of {self.year} is final before {_words(final)}, because a "
            "purchase within 30 days after a sale disallows its loss."
        )

    @property
    def unchecked_sentence(self) -> str:
        """Empty where every account is in the ledger."""
        said = []
        if self.unchecked:
            said.append(
                "NOT CHECKED for wash sales, because their transactions are not here: "
                f"{', '.join(self.unchecked)}. Purchases there can disallow losses shown as allowed."
            )
        if self.unlisted:
            said.append(f"NOT LISTED: sales in {', '.join(self.unlisted)}.")
        said.extend(one.sentence for one in self.left_out)
        return " ".join(said)

    @property
    def policy_sentence(self) -> str:
        """The switches of the unsettled points, with every report."""
        return "Policy in force: " + ", ".join(f"{rule} {value}" for rule, value in self.policy)

    @property
    def subject(self) -> str:
        """``Miller, Ann: tax year 2025, as of 10 January 2026, ledger booked through ...``."""
        booked = (
            f"ledger booked through {_words(self.booked_through)}"
            if self.booked_through is not None
            else "nothing booked"
        )
        return (
            f"{self.household}, {self.filing}: tax year {self.year}, as of {_words(self.as_of)}, "
            f"{booked}."
        )

    def preface(self) -> tuple[str, ...]:
        """Everything above as lines, for files."""
        lines = (
            DRAFT,
            self.subject,
            self.state,
            *(sale.sentence for sale in self.open_sales),
            *self.quiet,
            self.unchecked_sentence,
            f"{self.policy_sentence}.",
        )
        return tuple(line for line in lines if line)


def open_sales(
    rows: Sequence[RealizedLot],
    as_of: date,
    booked_through: date | None,
    *,
    names: dict[str, str],
    symbols: dict[str, str],
) -> tuple[OpenSale, ...]:
    """The losses still open, soonest closed first; ``names`` are those of sales, ``symbols`` those of securities."""
    return tuple(
        OpenSale(
            sentence=(
                f"{_why_open(loss, as_of)}: {symbols[loss.security]} sold on {_words(loss.trade_date)} "
                f"({names[loss.sale]}), ${cents(loss.allowed):,} of its loss through "
                f"{_words(loss.until)}."
            ),
            until=loss.until,
        )
        for loss in sorted(
            open_losses(rows, seen_to(as_of, booked_through)), key=lambda loss: loss.until
        )
    )


def _why_open(loss: OpenLoss, as_of: date) -> str:
    return "Still open" if loss.until >= as_of else "Not booked to the end of its window"


def quiet_sentence(quiet: QuietAccount, label: str) -> str:
    """Of an account that may have been quiet, or may not have been imported."""
    after = "" if quiet.last is None else f" after {_words(quiet.last)}"
    return (
        f"Nothing is booked in {label}{after}: purchases up to {_words(quiet.until)} would not be "
        "seen."
    )


def _words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
