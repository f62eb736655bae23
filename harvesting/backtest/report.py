"""The tables that people read, made of records: text in every cell, for the page, the docs and the screen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import mean, stdev

from harvesting.backtest.market import ALL_YEARS, COHORTS, Frequency
from harvesting.backtest.method import Rules, SwapBack
from harvesting.backtest.records import Record
from harvesting.backtest.tables import (
    EXPECTED_L1,
    EXPECTED_L2,
    EXPECTED_ONE_RATE,
    FRACTIONS,
    NEVER_BLOCKED,
    STARTS,
    THRESHOLDS,
    TableName,
)

CAVEATS = (
    "Twenty survivors: stocks chosen today because they are still large; a loss that never came back is not among them.",
    "Adjusted prices: dividends and splits are inside, so dividends are neither taxed nor reinvested as such.",
    "Ideal substitutes: a twin follows its stock to the cent. A real substitute does not, and its tracking error is no part of this.",
    "Every loss is usable at once at 35 % short-term and 15 % long-term, and the tax saved is reinvested the same day; no trading cost.",
    "A raw difference of returns is noise: without twins the method it comes from gave between −1.4 and +12.6 % a year on the "
    "same data, by where the money was parked. No report shows “harvested portfolio minus index” as a tax gain.",
    "Opportunities fade: 32 years of one lump sum earn 0.34 % a year, fresh cohorts of 8 to 9 years 1.03 to 1.65 %. An account in its "
    "eighth year should expect little.",
)  # fmt: skip  # noqa: E501

_FIT, _TEST = STARTS[:9], STARTS[16:]  # 1990-1998, over by 2005; 2006-2014: no year in common
_TAKEN = "harvests / blocked"


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, a head and rows of text; the first cell of a row is its name."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables(records: Sequence[Record]) -> tuple[Table, ...]:
    """Every table for which there are records."""
    return tuple(
        make(of_table) for name, makers in _MAKERS.items() if (of_table := _of(records, name)) for make in makers
    )


def markdown(table: Table) -> str:
    """A table as it stands in the docs."""
    lines = [
        _line(table.head),
        _line(["---"] + ["---:"] * (len(table.head) - 1)),
        *(_line(row) for row in table.rows),
    ]
    return "\n".join(lines) + "\n"


def l1(records: Sequence[Record]) -> Table:
    """Alpha before (after) liquidation in % a year; harvests, blocked attempts."""
    names = {1: "no wash rule", 2: "1 substitute", 3: "2 substitutes"}
    rows = []
    for twins, expected in EXPECTED_L1.items():
        found = [one for one in records if one.substitutes == str(twins - 1)]
        ours = [_one(found, cohort=cohort.name, short_rate="0.35") for cohort in (ALL_YEARS, *COHORTS)]
        rows.append(
            (names[twins], *(
                f"{_percent(one.alpha_bp)} ({_percent(one.alpha_after_liquidation_bp)}); "
                f"{one.harvests} / {one.blocked}"
                for one in ours
            ))
        )  # fmt: skip
        rows.append(
            ("expected", *(f"{before} ({after}); {taken} / {blocked}" for before, after, taken, blocked in expected))
        )  # fmt: skip
    one_rate = _one(records, short_rate="0.15")
    blank = ("",) * len(COHORTS)
    rows.append(("one rate of 15 %, no wash rule", _percent(one_rate.alpha_bp), *blank))
    rows.append(("expected", EXPECTED_ONE_RATE, *blank))
    return Table(
        name="L1",
        caption="L1. Harvest alpha over history: monthly scans, % a year before (after) liquidation; " + _TAKEN,
        head=("Rule", ALL_YEARS.name, *(cohort.name for cohort in COHORTS)),
        rows=tuple(rows),
        note="Literature: 1.08 % a year without, 0.82 % with the wash rule (Chaudhuri, Burnham, Lo 2020; 500 stocks, 1926-2018).",
    )  # fmt: skip


def l2(records: Sequence[Record]) -> Table:
    """Mean bp a year of the four cohorts; harvests and blocked attempts a cohort."""
    rows = []
    for (twins, threshold), expected in EXPECTED_L2.items():
        found = [
            one for one in records
            if (one.substitutes, one.threshold) == (str(twins - 1), str(threshold))
        ]  # fmt: skip
        ours = [[one for one in found if one.frequency == frequency] for frequency in Frequency]
        name = f"{_substitutes(twins - 1)}, {_percent_of(threshold)}"
        rows.append((name, *(f"{printed_bp(cell)} ({counts(cell)})" for cell in ours)))
        rows.append(
            ("expected", *(
                str(bp) if taken is None else f"{bp} ({taken:,} / {blocked:,})"
                for bp, taken, blocked in expected
            ))
        )  # fmt: skip
    return Table(
        name="L2",
        caption="L2. Scan frequency, threshold, substitutes: bp a year before liquidation, mean of four cohorts; " + _TAKEN + " a cohort",
        head=("Substitutes, threshold", *(frequency.value for frequency in Frequency)),
        rows=tuple(rows),
        note="Literature, index fund investor: annual 38, quarterly 107, monthly 123, daily 136 bp (Khang, Cummings, Paradise 2022).",
    )  # fmt: skip


def rules(records: Sequence[Record]) -> Table:
    """The study's method, our own rules, and our own with a swap back by the timer."""
    rows = []
    for substitutes in ("1", "2"):
        for threshold in THRESHOLDS[:2]:
            for frequency in (Frequency.MONTHLY, Frequency.WEEKLY, Frequency.DAILY):
                cell = _all(records, substitutes=substitutes, threshold=str(threshold), frequency=frequency.value)
                method, ours, timer = (
                    _all(cell, rules=kind.value, swap_back=back.value)
                    for kind, back in (
                        (Rules.METHOD, SwapBack.NEVER), (Rules.OURS, SwapBack.NEVER), (Rules.OURS, SwapBack.TIMER),
                    )
                )
                rows.append((
                    f"{_substitutes(int(substitutes))}, {_percent_of(threshold)}, {frequency.value}",
                    *(f"{_mean(each):.2f} ({counts(each)})" for each in (method, ours)),
                    f"{_mean(timer):.2f} ({counts(timer)})",
                    f"{mean(int(one.swap_backs) for one in timer):.0f}",
                    str(sum(int(one.wash_sales) for one in (*ours, *timer))),
                ))
    return Table(
        name="rules",
        caption="Our rules beside the method: bp a year, mean of four cohorts; " + _TAKEN + " a cohort",
        head=("Substitutes, threshold, scan", "method", "our rules", "and swap back on day 31", "swap-backs", "wash sales found by the tax engine"),
        rows=tuple(rows),
        note="Our rules: long-term by the calendar, all twins of a stock decided at once. The swap back sells what has risen and pays the tax.",
    )  # fmt: skip


def window(records: Sequence[Record]) -> Table:
    """Daily scans with the window priced, by the share of the expected shortfall that is counted (four cohorts)."""
    rows = []
    for substitutes, threshold in _kinds():
        kind = _all(records, substitutes=substitutes, threshold=threshold)
        four = [one for one in kind if one.cohort in {cohort.name for cohort in COHORTS}]
        for name, chosen in _variants(four):
            by_cohort = [_one(chosen, cohort=cohort.name).bp for cohort in COHORTS]
            rows.append((
                f"{_substitutes(int(substitutes))}, {_percent_of(Decimal(threshold))}, {name}",
                *(f"{bp:.0f}" for bp in by_cohort),
                f"{mean(by_cohort):.1f}", counts(chosen), f"{mean(int(one.unpaid) for one in chosen):,.0f}",
            ))  # fmt: skip
    return Table(
        name="window",
        caption="Pricing the window (term O): bp a year, four cohorts",
        head=("Substitutes, threshold, rule", *(cohort.name for cohort in COHORTS), "mean", _TAKEN, "left for the window"),
        rows=tuple(rows),
        note="“Always”: priced although another destination remains. Left for the window: once a ticker and scan.",
    )  # fmt: skip


def starts(records: Sequence[Record]) -> Table:
    """Every starting year from 1990 to 2014, eight years each, against weekly greedy of all five days of the week."""
    rows = []
    for substitutes, threshold in _kinds():
        kind = _all(records, substitutes=substitutes, threshold=threshold, always_priced="no")
        for name, chosen in _variants(kind, weekly_mean=True):
            gaps = gaps_to_weekly(records, substitutes, chosen)
            rows.append((
                f"{_substitutes(int(substitutes))}, {_percent_of(Decimal(threshold))}, {name}",
                f"{mean(_by_start(chosen).values()):.1f}", _signed(mean(gaps.values())),
                f"{stdev(gaps.values()):.1f}", f"{sum(gap > 0 for gap in gaps.values())} of {len(gaps)}",
                _signed(mean(gaps[one.name] for one in _FIT)), _signed(mean(gaps[one.name] for one in _TEST)),
            ))  # fmt: skip
    return Table(
        name="starts",
        caption="Twenty-five starts, 1990 to 2014, eight years each: bp a year, and the difference to weekly greedy without a threshold",
        head=("Substitutes, threshold, rule", "mean", "to weekly", "st. dev.", "starts won", "first nine (fit)", "last nine (test)"),
        rows=tuple(rows),
        note="Weekly greedy is the mean over weeks that end on each of the five trading days. Starts overlap, so they are no 25 independent "
        "trials. Fit: 1990-1998, over by 2005. Test: 2006-2014.",
    )  # fmt: skip


def gaps_to_weekly(
    records: Sequence[Record], substitutes: str, chosen: Iterable[Record]
) -> dict[str, float]:
    """By start: bp over weekly greedy at threshold 0 with as many substitutes, mean over the days of the week."""
    greedy = _all(
        records, substitutes=substitutes, threshold="0", frequency=Frequency.WEEKLY.value,
        window_fraction="0",
    )  # fmt: skip
    weekly = _by_start(greedy)
    return {start: bp - weekly[start] for start, bp in _by_start(chosen).items()}


def printed_bp(found: Sequence[Record]) -> int:
    """As the method prints a mean: of per cent a year, each rounded to two places."""
    return round(sum(round(one.bp / 100, 2) for one in found) / len(found) * 100)


def counts(found: Sequence[Record]) -> str:
    """Harvests / blocked attempts a cohort, half up."""
    return f"{_mean_count(one.harvests for one in found):,} / {_mean_count(one.blocked for one in found):,}"


def _variants(
    kind: Sequence[Record], *, weekly_mean: bool = False
) -> Iterator[tuple[str, list[Record]]]:
    weekly = _all(kind, frequency=Frequency.WEEKLY.value)
    greedy = _all(weekly, window_fraction="0")
    if weekly_mean:
        yield "weekly greedy, mean of five days", greedy
    for ends, day in (("0", "Monday"), ("1", "Tuesday"), ("2", "Wednesday"), ("3", "Thursday"), ("6", "Friday")):
        yield f"weekly greedy, {day}", _all(greedy, week_ends=ends)
    yield "weekly, priced at 1", [one for one in weekly if one.window_fraction == "1"]
    daily = _all(kind, frequency=Frequency.DAILY.value)
    yield "daily greedy", _all(daily, window_fraction="0")
    for always in ("no", "yes"):
        for fraction in FRACTIONS:
            chosen = _all(daily, window_fraction=str(fraction), always_priced=always)
            if chosen:
                yield f"daily, priced at {fraction}{', always' if always == 'yes' else ''}", chosen


def _by_start(found: Iterable[Record]) -> dict[str, float]:
    """Mean bp by starting year; several records of one start are days of the week."""
    known = {start.name for start in STARTS}
    values: dict[str, list[float]] = {}
    for one in found:
        if one.cohort in known:
            values.setdefault(one.cohort, []).append(one.bp)
    return {start: mean(several) for start, several in values.items()}


def _kinds() -> Iterator[tuple[str, str]]:
    for substitutes in ("1", "2"):
        for threshold in THRESHOLDS[:2]:
            yield substitutes, str(threshold)


def _of(records: Iterable[Record], name: TableName) -> list[Record]:
    return [one for one in records if one.table == name.value]


def _all(records: Iterable[Record], **values: str) -> list[Record]:
    wanted = tuple(values.items())
    return [one for one in records if all(getattr(one, name) == value for name, value in wanted)]


def _one(records: Iterable[Record], **values: str) -> Record:
    """Raises ValueError where there is not exactly one."""
    (found,) = _all(records, **values)
    return found


def _mean(found: Sequence[Record]) -> float:
    return mean(one.bp for one in found)


def _mean_count(values: Iterable[str]) -> int:
    numbers = [int(value) for value in values]
    exact = Decimal(sum(numbers)) / len(numbers)
    return int(exact.to_integral_value(ROUND_HALF_UP))


def _percent(bp: str) -> str:
    return f"{float(bp) / 100:.2f}"


def _percent_of(fraction: Decimal) -> str:
    return f"{fraction * 100:.0f} %"


def _signed(bp: float) -> str:
    return f"{bp:+.1f}".replace("-", "−")


def _substitutes(count: int) -> str:
    return "1 substitute" if count == 1 else f"{count} substitutes"


def _line(row: Iterable[str]) -> str:
    return f"| {' | '.join(row)} |"


_MAKERS: dict[TableName, tuple[Callable[[Sequence[Record]], Table], ...]] = {
    TableName.L1: (l1,),
    TableName.L2: (l2,),
    TableName.RULES: (rules,),
    TableName.WINDOW: (starts, window),
}
