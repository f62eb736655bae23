"""The year under other readings of unsettled points of the law, as a table. Pure."""

from decimal import Decimal

from lots.reports.alternatives import Readings, YearFigures
from lots.reports.heading import Heading
from lots.reports.tables import CellKind, Report, Table, columns, rows, total
from lots.rounding import cents


def readings_report(heading: Heading, readings: Readings | None, *, remark: str = "") -> Report:
    """Each line turns one switch; without ``readings`` the ``remark`` says why there are none."""
    return Report(
        slug="readings",
        title=f"Other readings of unsettled points, {heading.year}",
        preface=(
            *heading.preface(),
            "Each line turns one switch and leaves the others as the firm decided. The literal "
            "reading of U4 is always shown: the default favours the taxpayer.",
        ),
        tables=() if readings is None else (_table(readings),),
        remark=remark,
    )


def _table(readings: Readings) -> Table:
    money = CellKind.MONEY
    return Table(
        title="Other readings of unsettled points",
        name="Other readings",
        columns=columns(
            "Rule", "Reading", ("Short-term", money), ("Long-term", money), ("Disallowed", money),
            ("Of it for ever", money), "Decides a match",
        ),
        rows=(
            total("", "in force", *_cells(readings.in_force), ""),
            *rows(
                (
                    one.rule, one.reading.value.replace("_", " "), *_cells(one.figures),
                    "yes" if one.decides else "",
                )
                for one in readings.others
            ),
        ),
    )  # fmt: skip


def _cells(figures: YearFigures) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return (
        cents(figures.short), cents(figures.long), cents(figures.disallowed),
        cents(figures.permanent),
    )  # fmt: skip
