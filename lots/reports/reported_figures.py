"""The figures of a tax year as they were given out: totals of every return, and a hash over its lines. Pure."""

from collections.abc import Sequence
from datetime import date

from accounts.canonical import canonical_text, sha256_of
from lots.reports.contents import YearReport
from lots.reports.filings import Filing
from lots.reports.form_8949 import FormLine
from lots.types import Term

FORMAT = 2  # 1 had no Schedule D


def reported_figures(
    year: int, as_of: date, returns: Sequence[tuple[Filing, YearReport]]
) -> dict[str, object]:
    """What is kept of a reported year; dollars in cents. It has a canonical text."""
    return {
        "format": FORMAT,
        "year": year,
        "as_of": as_of,
        "policy": {
            rule: value for _, report in returns[:1] for rule, value in report.heading.policy
        },
        "returns": [_return(filing, report) for filing, report in returns],
    }


def _return(filing: Filing, report: YearReport) -> dict[str, object]:
    short, long = report.form.of_term(Term.SHORT), report.form.of_term(Term.LONG)
    return {
        "key": filing.key,
        "title": filing.title,
        "provisional": report.heading.is_provisional,
        "short": short.gain,
        "long": long.gain,
        "proceeds": short.proceeds + long.proceeds,
        "disallowed": short.disallowed + long.disallowed,
        "permanent": short.permanent + long.permanent,
        "schedule_d": {
            "line7": report.schedule.line7,
            "line15": report.schedule.line15,
            "line16": report.schedule.line16,
            "line21": report.schedule.line21,
            "short_carryover": report.schedule.short_carryover,
            "long_carryover": report.schedule.long_carryover,
        },
        "lines": len(report.form.lines),
        "lines_sha256": sha256_of(canonical_text([_line(line) for line in report.form.lines])),
    }


def _line(line: FormLine) -> list[object]:
    row = line.sale.row
    return [
        row.sale, row.lot, row.part, line.box, line.description, line.acquired, line.sold,
        line.proceeds, line.basis, line.codes, line.adjustment, line.gain, line.permanent,
    ]  # fmt: skip
