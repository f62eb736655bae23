"""Schedule D from the sheets of Form 8949, and what is carried on (R31, R32). Pure.

Lines 1b, 2, 3 and 8b, 9, 10 are the printed totals of the boxes, so the schedule ties to the forms to the cent. Sales
are always listed on Form 8949: lines 1a and 8a stay empty. What the household realised elsewhere and brings along from
earlier years comes from its tax profile. Line 21 is negative; the carryover needs taxable income and is left out with
a reason where that is not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.types import FilingStatus
from lots.errors import NoTaxPosition
from lots.netting import CarryoverWorksheet, YearInputs, net, with_gains
from lots.rates import capital_loss_limit
from lots.reports.form_8949 import Box, Form8949
from lots.rounding import cents
from lots.types import Term

ZERO = Decimal(0)
_BOX_LINES = {
    Box.A: "1b", Box.B: "2", Box.C: "3", Box.D: "8b", Box.E: "9", Box.F: "10",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Brought:
    """What the tax profile of the return's year says. Outside gains are signed, carryovers positive dollars."""

    filing_status: FilingStatus
    short_outside: Decimal = ZERO
    long_outside: Decimal = ZERO
    short_carryover: Decimal = ZERO
    long_carryover: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """``number`` is empty for what the schedule itself spreads over several lines."""

    number: str
    words: str
    gain: Decimal  # column (h)
    proceeds: Decimal | None = None
    basis: Decimal | None = None
    adjustment: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ScheduleD:
    """Dollars in cents. ``worksheet`` is exact; without it ``why_no_carryover`` says what is missing."""

    lines: tuple[ScheduleLine, ...]
    line7: Decimal
    line15: Decimal
    line16: Decimal
    line21: Decimal | None  # None: no filing status, so no limit
    worksheet: CarryoverWorksheet | None = None
    why_no_carryover: str = ""

    @property
    def short_carryover(self) -> Decimal | None:
        """Out to the next year, positive."""
        return None if self.worksheet is None else cents(self.worksheet.line8)

    @property
    def long_carryover(self) -> Decimal | None:
        return None if self.worksheet is None else cents(self.worksheet.line13)


def schedule_d(
    form: Form8949,
    *,
    brought: Brought | None = None,
    inputs: YearInputs | None = None,
    why_no_inputs: str = "",
) -> ScheduleD:
    """The schedule of one return and year.

    ``brought`` is None where no tax profile belongs to the return. ``inputs`` are the year's netting without the sales
    of the form, None where income is not known; ``why_no_inputs`` says what is missing of the two.
    """
    short, short_lines = _part(form, Term.SHORT, brought)
    long, long_lines = _part(form, Term.LONG, brought)
    both = short + long
    combined = [ScheduleLine("16", "Lines 7 and 15 together", both)]
    line21 = None
    if brought is not None:
        line21 = max(min(both, ZERO), -capital_loss_limit(brought.filing_status))
        combined.append(ScheduleLine("21", "Loss that reduces other income", line21))
    worksheet, why = _carried(form, brought, inputs, why_no_inputs)
    return ScheduleD(
        lines=(*short_lines, *long_lines, *combined),
        line7=short,
        line15=long,
        line16=both,
        line21=line21,
        worksheet=worksheet,
        why_no_carryover=why,
    )


def _part(
    form: Form8949, term: Term, brought: Brought | None
) -> tuple[Decimal, list[ScheduleLine]]:
    """Part I or Part II: its net figure (line 7 or 15) and its lines."""
    is_short = term is Term.SHORT
    lines = []
    for box in Box:
        if box.term is term:
            sums = form.of_box(box)
            lines.append(
                ScheduleLine(
                    number=_BOX_LINES[box],
                    words=f"Form 8949, box {box}",
                    gain=sums.gain,
                    proceeds=sums.proceeds,
                    basis=sums.basis,
                    adjustment=sums.adjustment,
                )
            )
    if brought is not None:
        outside = brought.short_outside if is_short else brought.long_outside
        carried = brought.short_carryover if is_short else brought.long_carryover
        lines.append(ScheduleLine("", "Realised elsewhere, as entered", outside))
        lines.append(
            ScheduleLine("6" if is_short else "14", "Carryover from earlier years", -carried)
        )
    net_gain = sum((line.gain for line in lines), ZERO)
    words = "Net short-term gain or loss" if is_short else "Net long-term gain or loss"
    lines.append(ScheduleLine("7" if is_short else "15", words, net_gain))
    return net_gain, lines


def _carried(
    form: Form8949, brought: Brought | None, inputs: YearInputs | None, why_no_inputs: str
) -> tuple[CarryoverWorksheet | None, str]:
    if brought is None:
        return None, why_no_inputs or "No tax profile belongs to this return."
    if inputs is None:
        return None, why_no_inputs or (
            "The tax profile of the year gives no taxable income, and the carryover depends on it "
            "(R32): enter ordinary_income."
        )
    whole = with_gains(
        inputs, short=form.of_term(Term.SHORT).gain, long=form.of_term(Term.LONG).gain
    )
    try:
        return net(whole).worksheet, ""
    except NoTaxPosition as unknown:
        return None, str(unknown)


@dataclass(frozen=True, slots=True)
class CarryYear:
    """One year of the carryforward schedule; dollars. Carryovers are positive."""

    year: int
    schedule: ScheduleD
    short_in: Decimal
    long_in: Decimal
    problem: str  # what was entered does not follow from earlier years; empty = it does, or nobody can tell


def carryforward(
    schedules: Mapping[int, ScheduleD], brought: Mapping[int, Brought]
) -> tuple[CarryYear, ...]:
    """The years in order; each one's carryover in is what was entered, held against the last year that is known.

    ``brought`` holds the years that have a tax profile. A loss that a gap between them swallows is told by name.
    """
    found = []
    for year in sorted(schedules):
        entered = brought.get(year)
        short = entered.short_carryover if entered is not None else ZERO
        long = entered.long_carryover if entered is not None else ZERO
        known = max(
            (one for one in schedules if one < year and _is_known(schedules[one])), default=0
        )
        found.append(
            CarryYear(
                year=year,
                schedule=schedules[year],
                short_in=short,
                long_in=long,
                problem=_problem(schedules[known], known, year, brought) if known else "",
            )
        )
    return tuple(found)


def _is_known(schedule: ScheduleD) -> bool:
    return schedule.worksheet is not None


def _problem(before: ScheduleD, known: int, year: int, brought: Mapping[int, Brought]) -> str:
    """What becomes of the carryovers out of the year ``known``; nothing between it and ``year`` is."""
    entered = brought.get(year)
    characters = (
        ("short-term", before.short_carryover, entered.short_carryover if entered else ZERO),
        ("long-term", before.long_carryover, entered.long_carryover if entered else ZERO),
    )
    told = [_lost(known, *one) for one in characters if one[1] != one[2]]
    if not told:
        return ""
    unknown = [*range(known + 1, year), *(() if entered else (year,))]
    if not unknown:
        return " ".join(f"{sentence}." for sentence in told)
    return f"{'; '.join(told)}: {_gap(unknown, brought)}."


def _lost(known: int, character: str, out: Decimal | None, entered: Decimal) -> str:
    if not entered:
        return f"{out:,.2f} {character} carried out of {known} was not brought forward"
    return f"{entered:,.2f} {character} is brought in, {out:,.2f} was carried out of {known}"


def _gap(years: Sequence[int], brought: Mapping[int, Brought]) -> str:
    """Why nothing is known of the years."""
    missing = [str(year) for year in years if year not in brought]
    if not missing:
        names = ", ".join(map(str, years))
        return f"what {names} carries on is not known"
    return f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no tax profile"


WORKSHEET_WORDS: Sequence[str] = (
    "Taxable income without a floor at zero",
    "Loss of Schedule D, line 21",
    "Lines 1 and 2 together, at least 0",
    "Smaller of lines 2 and 3: used this year",
    "Loss of line 7",
    "Gain of line 15",
    "Lines 4 and 6 together",
    "Short-term carryover to the next year",
    "Loss of line 15",
    "Gain of line 7",
    "Line 4 less line 5, at least 0",
    "Lines 10 and 11 together",
    "Long-term carryover to the next year",
)


def worksheet_lines(worksheet: CarryoverWorksheet) -> list[tuple[int, str, Decimal]]:
    """(line, words, dollars in cents) of the Capital Loss Carryover Worksheet."""
    return [
        (number, words, cents(getattr(worksheet, f"line{number}")))
        for number, words in enumerate(WORKSHEET_WORDS, start=1)
    ]
