"""The tax reports of one return and year as tables. Pure: figures come in, typed cells go out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from lots.reports.form_8949 import Form8949, FormLine, Totals, totals
from lots.reports.gains import Unrealized, price_remarks
from lots.reports.heading import Heading
from lots.reports.reconciliation import Reconciled, RowKey
from lots.reports.schedule_d import CarryYear, ScheduleD, worksheet_lines
from lots.reports.tables import Cell, CellKind, Report, Row, Table, columns, noted, rows, total
from lots.reports.wash_status import WashStatus
from lots.rounding import cents, stored_shares
from lots.types import Term

DAY, MONEY, SHARES, COUNT = CellKind.DAY, CellKind.MONEY, CellKind.SHARES, CellKind.COUNT
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineWords:
    """What people call the things that a line is about."""

    owner: str
    account: str
    sale: str
    lot: str
    rules: str
    status: WashStatus


@dataclass(frozen=True, slots=True)
class YearReport:
    """Everything the reports of one return and year are written from."""

    heading: Heading
    form: Form8949
    schedule: ScheduleD
    words: Mapping[RowKey, LineWords]
    remark: str = ""  # what is missing and why

    def words_of(self, line: FormLine) -> LineWords:
        row = line.sale.row
        return self.words[row.sale, row.lot, row.part]


def form_8949_report(year: YearReport) -> Report:
    """Form 8949 box by box, then Schedule D."""
    return Report(
        slug="form-8949",
        title=f"Form 8949 and Schedule D, {year.heading.year}",
        preface=year.heading.preface(),
        remark=year.remark,
        tables=(*(_sheet(year, place) for place in range(len(year.form.sheets))), _schedule(year)),
    )


def _sheet(year: YearReport, place: int) -> Table:
    sheet = year.form.sheets[place]
    return Table(
        title=sheet.box.label,
        name=f"Form 8949 box {sheet.box}",
        columns=columns(
            "(a) Description", ("(b) Acquired", DAY), ("(c) Sold", DAY), ("(d) Proceeds", MONEY),
            ("(e) Cost or other basis", MONEY), "(f) Code", ("(g) Adjustment", MONEY),
            ("(h) Gain or loss", MONEY), ("Of (g): wash sale", MONEY), ("Of (g): basis", MONEY),
            ("Household's basis", MONEY), ("Held from", DAY), "Owner", "Account", "Sale", "Lot",
            "Wash status", "Rules", extra=10,
        ),
        rows=(
            *rows(_form_cells(line, year.words_of(line)) for line in sheet.lines),
            _form_total(sheet.totals),
        ),
    )  # fmt: skip


def _form_cells(line: FormLine, words: LineWords) -> tuple[Cell, ...]:
    return (
        line.description, line.acquired, line.sold, line.proceeds, line.basis, line.codes,
        line.adjustment if line.codes else None, line.gain, line.disallowed, line.correction,
        line.own_basis, line.sale.row.holding_start, words.owner, words.account, words.sale,
        words.lot, words.status.label, words.rules,
    )  # fmt: skip


def _form_total(sums: Totals) -> Row:
    return total(
        "Totals", None, None, sums.proceeds, sums.basis, "", sums.adjustment, sums.gain,
        sums.disallowed, sums.basis - sums.own_basis, sums.own_basis, None, "", "", "", "", "", "",
    )  # fmt: skip


def _schedule(year: YearReport) -> Table:
    lines = [
        (line.number, line.words, line.proceeds, line.basis, line.adjustment, line.gain)
        for line in year.schedule.lines
    ]
    return Table(
        title="Schedule D",
        name="Schedule D",
        columns=columns(
            "Line", "What", ("(d) Proceeds", MONEY), ("(e) Basis", MONEY),
            ("(g) Adjustments", MONEY), ("(h) Gain or loss", MONEY),
        ),
        rows=tuple(
            Row(cells, is_total=cells[0] in ("7", "15", "16", "21")) for cells in lines
        ),
    )  # fmt: skip


def gains_report(year: YearReport) -> Report:
    """Every lot part sold, with subtotals by term; ties to Form 8949 (RP1)."""
    lines = year.form.lines
    by_term = [
        (word, [line for line in lines if line.box.term is term])
        for term, word in ((Term.SHORT, "Short-term"), (Term.LONG, "Long-term"))
    ]
    return Report(
        slug="gains",
        title=f"Realised gains, {year.heading.year}",
        preface=year.heading.preface(),
        tables=(
            Table(
                title=f"Realised gains, {year.heading.year}",
                name="Realised gains",
                columns=columns(
                    "Owner", "Account", "Security", ("Acquired", DAY), ("Held from", DAY),
                    ("Sold", DAY), ("Shares", SHARES), ("Proceeds", MONEY), ("Basis", MONEY),
                    ("Disallowed", MONEY), ("Of it for ever", MONEY), ("Gain or loss", MONEY),
                    "Term", "Code", "Wash status", "Event", "Sale", "Lot", ("Part", COUNT), "Rules", extra=5,
                ),
                rows=(
                    *rows(_gain_cells(line, year.words_of(line)) for line in _by_date(lines)),
                    *(_gain_total(word, totals(some)) for word, some in by_term),
                    _gain_total(
                        "Year to date" if year.heading.is_running else "Year", totals(lines)
                    ),
                ),
            ),
            _carryovers(year.schedule),
        ),
    )  # fmt: skip


def _carryovers(schedule: ScheduleD) -> Table:
    entered = {line.number: line.gain for line in schedule.lines}
    return Table(
        title="Capital loss carryovers",
        name="Carryovers",
        columns=columns("Carryover", ("Short-term", MONEY), ("Long-term", MONEY), "Remark"),
        rows=rows(
            [
                ("from earlier years", _positive(entered.get("6")), _positive(entered.get("14")), ""),
                (
                    "to the next year", schedule.short_carryover, schedule.long_carryover,
                    schedule.why_no_carryover,
                ),
            ]
        ),
    )  # fmt: skip


def _positive(loss: Decimal | None) -> Decimal | None:
    return None if loss is None else abs(loss)


def _by_date(lines: Iterable[FormLine]) -> list[FormLine]:
    def place(line: FormLine) -> tuple[date, int, str, int]:
        row = line.sale.row
        return row.trade_date, len(row.sale), row.sale, row.part  # ids are numbers: 9 before 10

    return sorted(lines, key=place)


def _gain_cells(line: FormLine, words: LineWords) -> tuple[Cell, ...]:
    row = line.sale.row
    return (
        words.owner, words.account, line.sale.symbol, row.acquired, row.holding_start,
        row.trade_date, stored_shares(row.quantity), line.proceeds, line.own_basis, line.disallowed,
        line.permanent, line.gain, row.term.value, "W" if row.disallowed else "",
        words.status.label, row.event.value.replace("_", " "), words.sale, words.lot, row.part,
        words.rules,
    )  # fmt: skip


def _gain_total(word: str, sums: Totals) -> Row:
    return total(
        word, "", "", None, None, None, None, sums.proceeds, sums.own_basis, sums.disallowed,
        sums.permanent, sums.gain, "", "", "", "", "", "", None, "",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeldWords:
    owner: str
    account: str
    symbol: str
    lot: str


def unrealized_report(heading: Heading, held: Sequence[tuple[HeldWords, Unrealized]]) -> Report:
    """Lots of taxable accounts at their latest prices, with the days until they are long-term."""
    lines = [
        (
            words.owner, words.account, words.symbol, one.lot.acquired, one.lot.holding_start,
            one.lot.quantity, one.price, one.priced_on, one.value, one.basis, one.gain, one.term.value,
            "always (inherited)" if one.long_from is None else one.long_from, one.days_to_long,
            words.lot, one.lot.part,
        )
        for words, one in held
    ]  # fmt: skip
    return Report(
        slug="unrealized",
        title=f"Unrealised gains, {heading.as_of:%Y-%m-%d}",
        preface=heading.preface(),
        remark=price_remarks([one for _, one in held], heading.as_of),
        tables=(
            Table(
                title="Unrealised gains of taxable accounts",
                name="Unrealised gains",
                columns=columns(
                    "Owner", "Account", "Security", ("Acquired", DAY), ("Held from", DAY),
                    ("Shares", SHARES), ("Price", SHARES), ("Price of", DAY), ("Value", MONEY), ("Basis", MONEY),
                    ("Gain or loss", MONEY), "Term today", ("Long-term from", DAY),
                    ("Days to long-term", COUNT), "Lot", ("Part", COUNT),
                ),
                rows=(
                    *rows(lines),
                    *(_held_total(term, held) for term in Term),
                ),
            ),
        ),
    )  # fmt: skip


def _held_total(term: Term, held: Sequence[tuple[HeldWords, Unrealized]]) -> Row:
    priced = [one for _, one in held if one.term is term and one.value is not None]
    return total(
        f"{term.value.capitalize()}-term", "", "", None, None, None, None, None,
        sum((one.value or ZERO for one in priced), ZERO),
        sum((one.basis for one in priced), ZERO),
        sum((one.gain or ZERO for one in priced), ZERO),
        "", None, None, "", None,
    )  # fmt: skip


def reconciliation_report(
    year: YearReport, reconciled: Sequence[Reconciled], symbols: Mapping[str, str]
) -> Report:
    """The household's disallowed losses beside box 1g of the broker, with the reason of each difference (R27)."""
    printed: dict[tuple[str, str], list[FormLine]] = {}
    for line in year.form.lines:
        printed.setdefault((line.sale.row.sale, line.sale.row.lot), []).append(line)
    lines = [
        _reconciled_cells(one, printed[one.sale, one.lot], year, symbols) for one in reconciled
    ]
    return Report(
        slug="reconciliation",
        title=f"Household and broker, {year.heading.year}",
        preface=(
            *year.heading.preface(),
            "What a broker shows is computed from the same ledger as it sees it: the same account "
            "and the same CUSIP. Compare it with the Form 1099-B that was received.",
        ),
        remark=year.remark,
        tables=(
            Table(
                title="Disallowed losses beside Form 1099-B",
                name="Household and broker",
                columns=noted(
                    columns(
                        "Account", "Security", "Sale", "Lot", ("Household disallows", MONEY),
                        ("Box 1g", MONEY), ("Difference", MONEY), ("Household's basis", MONEY),
                        ("Box 1e", MONEY), "Term", "Box 2", "Why",
                    )
                ),
                rows=(*rows(lines), _reconciled_total(lines)),
            ),
        ),
    )  # fmt: skip


def reasons(one: Reconciled) -> str:
    """``The spouse bought (R18): 120.00; ...``; empty where both agree."""
    return "; ".join(
        f"{found.reason.sentence} ({found.reason.rule})"
        + (f": {cents(found.amount):,}" if found.amount else "")
        for found in one.differences
    )


def _reconciled_cells(
    one: Reconciled, printed: Sequence[FormLine], year: YearReport, symbols: Mapping[str, str]
) -> tuple[Cell, ...]:
    """The household's columns are sums of the lines of Form 8949, so they tie to it."""
    words, sums = year.words_of(printed[0]), totals(printed)
    box_1g = _cents(one.box_1g)
    return (
        words.account, symbols[one.security], words.sale, words.lot, sums.disallowed, box_1g,
        sums.disallowed - (box_1g or ZERO), sums.own_basis, _cents(one.box_1e), _term(one.term),
        _term(one.box_2) if one.box_1g is not None else "", reasons(one),
    )  # fmt: skip


def _cents(amount: Fraction | None) -> Decimal | None:
    return None if amount is None else cents(amount)


def _term(term: Term | None) -> str:
    return "both" if term is None else term.value


def _reconciled_total(lines: Sequence[Sequence[Cell]]) -> Row:
    def column(place: int) -> Decimal:
        return sum((cell for line in lines if isinstance(cell := line[place], Decimal)), ZERO)

    return total("Totals", "", "", "", column(4), column(5), column(6), None, None, "", "", "")


def carryforward_report(heading: Heading, years: Sequence[CarryYear]) -> Report:
    """Losses carried from year to year, and the worksheet of each year that has one."""
    lines = [
        (
            one.year, one.short_in, one.long_in, one.schedule.line7, one.schedule.line15,
            one.schedule.line16, one.schedule.line21, one.schedule.short_carryover,
            one.schedule.long_carryover, one.problem or one.schedule.why_no_carryover,
        )
        for one in years
    ]  # fmt: skip
    worksheets = [
        Table(
            title=f"Capital Loss Carryover Worksheet, {one.year} to {one.year + 1}",
            name=f"Worksheet {one.year}",
            columns=columns(("Line", COUNT), "What", ("Dollars", MONEY)),
            rows=rows(worksheet_lines(one.schedule.worksheet)),
        )
        for one in years
        if one.schedule.worksheet is not None
    ]
    return Report(
        slug="carryforward",
        title=f"Carryforward schedule through {heading.year}",
        preface=heading.preface(),
        tables=(
            Table(
                title="Capital losses carried forward",
                name="Carryforward",
                columns=columns(
                    ("Year", COUNT), ("Short-term in", MONEY), ("Long-term in", MONEY),
                    ("Line 7", MONEY), ("Line 15", MONEY), ("Line 16", MONEY), ("Line 21", MONEY),
                    ("Short-term out", MONEY), ("Long-term out", MONEY), "Remark",
                ),
                rows=rows(lines),
            ),
            *worksheets,
        ),
    )  # fmt: skip
