"""The tables that people read, made of records, and whether our optimum beats the best band."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

from rebalancing.backtest.method import LOOKS, Kind, Policy
from rebalancing.backtest.records import Record
from rebalancing.backtest.tables import EXPECTED, Expected, TableName
from securities.studies.tables import Row, Table

CAVEATS = (
    "Twenty survivors, chosen because they are still large: none of them went to zero in a portfolio that bought it "
    "all the way down.",
    "Adjusted prices: dividends and splits are inside, so no dividend is taxed and none is used to rebalance.",
    "Losses are used against gains at 35 % short-term and 15 % long-term, are carried on, and never meet other income; "
    "a loss with a purchase of the same name within 30 days is disallowed and joins the new basis, whose holding "
    "period is left as it is.",
    "Half a spread of 5 basis points on every dollar bought or sold, the same in 1992 and in 2022: an assumption. No "
    "commission, no market impact, fractional shares.",
    "An equal-weight target of 20 names, one history of 31 years: figures a few per cent apart are not different.",
    "Values at the end differ mostly by how long winners were kept: at 20 names a raw return difference is noise, and "
    "no report shows it as what a rule earns. Compare spread and tax at equal tracking error.",
)
_DOLLARS = "$1,000,000 at the start, in 20 lots"


def tables(records: Sequence[Record]) -> tuple[Table, ...]:
    """Every table for which there are records; the comparisons need the bands."""
    found: list[Table] = []
    for name, makers in MAKERS.items():
        if select(records, table=name.value):
            found.extend(make(records) for make in makers)
    return tuple(found)


def l3(records: Sequence[Record]) -> Table:
    """Ours beside what the method was specified with."""
    rows: list[Row] = []
    for one in select(records, table=TableName.L3.value):
        expected = expected_of(one)
        given = ("", "", "") if expected is None else (
            expected.tracking_error, expected.turnover, f"{int(expected.trades):,}",
        )  # fmt: skip
        ours = (f"{one.te:.0f}", f"{one.turnover:.1f}", f"{float(one.trades):,.0f}")
        pairs = (text for pair in zip(ours, given, strict=True) for text in pair)
        rows.append((name_of(one), *pairs))
    return Table(
        name="L3",
        caption="L3. When to rebalance: equal-weight target of 20 names, 31 years, no cost charged",
        head=("Rule", "TE bp", "expected", "turnover % / y", "expected", "trades / y", "expected"),
        rows=tuple(rows),
        note="Expected: the figures that the method was specified with, from a program of its own. Turnover is "
        "one-way. The cost-aware optimum counts 8 and 6 trades a year more than there are when it is solved to ten "
        "digits: specks of the solver's tolerance.",
    )


def dollars(records: Sequence[Record]) -> Table:
    """The same rules after spread and tax."""
    rows = tuple(
        (
            name_of(one), f"{one.te:.0f}", f"{int(one.cost):,}", f"{int(one.tax):,}",
            f"{one.drag:.0f}", f"{float(one.value) / 1e6:.1f}", f"{float(one.value_after_tax) / 1e6:.1f}",
        )
        for one in select(records, table=TableName.L3.value)
        if one.rule != Kind.PUBLISHED.value
    )  # fmt: skip
    return Table(
        name="dollars",
        caption=f"The rules of L3 after spread and tax: {_DOLLARS}",
        head=(
            "Rule", "TE bp", "spread $ / y", "tax $ / y", "both, bp / y", "value, $M", "sold and taxed, $M",
        ),
        rows=rows,
        note="Dollars are means of 31 years in which the account grows to the value at the end. Basis points: spread "
        "and tax of each year over its mean value, mean of the years. Lots with the least tax a dollar are sold first.",
    )  # fmt: skip


def bands(records: Sequence[Record]) -> Table:
    """The grid that the optimum is compared with."""
    rows: list[Row] = [
        (
            name_of(one), f"{one.te:.0f}", f"{one.turnover:.1f}", f"{float(one.trades):,.0f}",
            f"{one.drag:.1f}",
        )
        for one in select(records, table=TableName.BANDS.value)
    ]  # fmt: skip
    return Table(
        name="bands",
        caption="The bands that the optimum is measured against",
        head=("Rule", "TE bp", "turnover % / y", "trades / y", "spread and tax, bp / y"),
        rows=tuple(rows),
        note="Relative to target. The best band at a tracking error is the lowest of the lines through the widths of "
        "one look and one destination.",
    )


def optima(records: Sequence[Record]) -> Table:
    """Optima that do not look at tax."""
    return _comparison(
        records,
        TableName.OPTIMA,
        "Our optimum beside the best band at equal tracking error",
        "Price of risk: basis points a year that 1 % of tracking error costs (risk_aversion in a policy). One horizon: "
        "a month for every name. Horizon by name: until a weight is likely to have drifted so far that trading is "
        "worth it again, from volatility, spread and price of risk; nothing fitted to these prices.",
    )


def lots(records: Sequence[Record]) -> Table:
    """Optima that count the tax of lots."""
    return _comparison(
        records,
        TableName.LOTS,
        "Our optimum with the tax of each lot, beside the best band at equal tracking error",
        "Horizon by name, with tax: all tax counts, and the tax on the gains held draws every horizon out; it trades "
        "far more dollars than a band, at the spread of 5 basis points assumed here. Horizon by lot: each lot's tax "
        "counts over a longer horizon of its own. Both pay less tax: lots that cost little are sold at once, dear ones "
        "late. The tax on what is still held at the end is in no figure here.",
    )


@dataclass(frozen=True, slots=True)
class Gap:
    """A run beside the best band of its tracking error."""

    record: Record
    turnover: float | None  # of the best band; None where no band has this tracking error
    drag: float | None

    @property
    def turnover_ratio(self) -> float | None:
        return None if self.turnover is None else self.record.turnover / self.turnover - 1

    @property
    def drag_ratio(self) -> float | None:
        return None if self.drag is None else self.record.drag / self.drag - 1


def gaps(records: Sequence[Record], **values: str) -> tuple[Gap, ...]:
    """Every optimum with these values beside the best band."""
    return tuple(
        Gap(
            one,
            best_band(records, one.te, lambda band: band.turnover),
            best_band(records, one.te, lambda band: band.drag),
        )
        for one in select(records, **values)
    )


def best_band(
    records: Iterable[Record], te: float, figure: Callable[[Record], float]
) -> float | None:
    """The lowest figure at a tracking error (bp) on any line of bands, interpolated in logarithms; None outside all."""
    lines: dict[tuple[str, str], list[Record]] = {}
    for one in select(records, rule=Kind.BAND.value, table=TableName.BANDS.value):
        lines.setdefault((one.look, one.to), []).append(one)
    found = []
    for line in lines.values():
        line.sort(key=lambda one: one.te)
        for low, high in pairwise(line):
            if low.te <= te <= high.te:
                share = log(te / low.te) / log(high.te / low.te)
                found.append(exp((1 - share) * log(figure(low)) + share * log(figure(high))))
    return min(found, default=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to ask whether our optimum beats the best band, and what the records say."""

    question: str
    answer: str


QUESTION = "Does our optimum beat the best band at equal tracking error?"
SIGNS = "In brackets: how far it lies from the best band's figure; below zero is better."


def verdict(records: Sequence[Record]) -> tuple[Answer, ...]:
    """``QUESTION`` answered: first in turnover, without tax, then in what spread and tax take a year."""
    turnover = {
        "one horizon for all names": _turnovers(gaps(records, rule=Kind.FIXED.value)),
        "a horizon for each name, looked at daily": _turnovers(
            gaps(records, rule=Kind.BY_NAME.value, look="1")
        ),
        "a horizon for each name, looked at weekly": _turnovers(
            gaps(records, rule=Kind.BY_NAME.value, look="5")
        ),
    }
    drag = {
        "counting all tax, over horizons that know of it": _drags(records, Kind.TAXED),
        "counting each lot's tax over the horizon of the spread (a research variant)": _drags(
            records, Kind.BY_LOT
        ),
        "not looking at tax": _drags(records, Kind.BY_NAME),
    }
    return (
        *(Answer(f"Turnover, no tax, {way}", _beats(found)) for way, found in turnover.items()),
        *(Answer(f"Spread and tax a year, {way}", _beats(found)) for way, found in drag.items()),
    )


def _drags(records: Sequence[Record], kind: Kind) -> list[float]:
    found = gaps(records, rule=kind.value)
    return [gap.drag_ratio for gap in found if gap.drag_ratio is not None]


def _turnovers(found: Iterable[Gap]) -> list[float]:
    return [gap.turnover_ratio for gap in found if gap.turnover_ratio is not None]


def _beats(ratios: Sequence[float]) -> str:
    if not ratios:
        return "cannot be compared with a band: none has its tracking error"
    won = sum(ratio < 0 for ratio in ratios)
    low, high = _percent(min(ratios)), _percent(max(ratios))
    span = f"{low} to {high}"
    if won == len(ratios):
        return f"beats the best band at every one of {won} points ({span})"
    if won == 0:
        return f"does not beat the best band at any of {len(ratios)} points ({span})"
    return f"beats the best band at {won} of {len(ratios)} points only ({span})"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:+.1f} %".replace("-", "−")


def _comparison(records: Sequence[Record], table: TableName, caption: str, note: str) -> Table:
    rows: list[Row] = []
    for gap in gaps(records, table=table.value):
        one = gap.record
        rows.append(
            (
                name_of(one), f"{one.te:.0f}", f"{float(one.trades):,.0f}", f"{one.turnover:.1f}",
                "–" if gap.turnover is None else f"{gap.turnover:.1f}",
                "–" if gap.turnover_ratio is None else _percent(gap.turnover_ratio),
                f"{one.drag:.1f}", "–" if gap.drag is None else f"{gap.drag:.1f}",
                "–" if gap.drag_ratio is None else _percent(gap.drag_ratio),
            )
        )  # fmt: skip
    return Table(
        name=table.value,
        caption=caption,
        head=(
            "Optimum", "TE bp", "trades / y", "turnover % / y", "best band", "difference",
            "spread and tax, bp / y", "best band", "difference",
        ),
        rows=tuple(rows),
        note=note,
    )  # fmt: skip


def expected_of(one: Record) -> Expected | None:
    """What the method was specified with for a run, or None."""
    return _EXPECTED.get((one.rule, one.look, one.number, one.to))


def name_of(one: Record) -> str:
    """A rule in words."""
    look, number = LOOKS[int(one.look)], float(one.number)
    match Kind(one.rule):
        case Kind.NEVER:
            return "never"
        case Kind.CALENDAR:
            return f"calendar, {look}"
        case Kind.POINTS:
            return f"{100 * number:.0f} points, all to target, {look}"
        case Kind.BAND:
            return f"band {100 * number:g} % to {one.to}, {look}"
        case Kind.STUDY:
            return f"cost-aware optimum, {look}, cost/λ {number:g}, solved exactly"
        case Kind.PUBLISHED:
            return f"cost-aware optimum, {look}, cost/λ {number:g}"
        case Kind.FIXED | Kind.BY_NAME | Kind.TAXED | Kind.BY_LOT:
            return f"{one.rule}, {look}, price of risk {number:g}"


def select(records: Iterable[Record], **values: str) -> list[Record]:
    """The records with these values."""
    wanted = tuple(values.items())
    return [one for one in records if all(getattr(one, name) == value for name, value in wanted)]


def _key(policy: Policy) -> tuple[str, str, str, str]:
    to = "" if policy.to is None else policy.to.value
    return policy.kind.value, str(policy.every), str(policy.number), to


_EXPECTED = {_key(policy): expected for policy, expected in EXPECTED.items()}
MAKERS: dict[TableName, tuple[Callable[[Sequence[Record]], Table], ...]] = {
    TableName.L3: (l3, dollars),
    TableName.BANDS: (bands,),
    TableName.OPTIMA: (optima,),
    TableName.LOTS: (lots,),
}
