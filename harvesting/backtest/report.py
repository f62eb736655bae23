"""The tables that people read, made of records: text in every cell, for the page, the docs and the screen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from statistics import mean, stdev

from harvesting.backtest.market import ALL_YEARS, COHORTS, Frequency
from harvesting.backtest.method import Rules, SwapBack
from harvesting.backtest.records import Record
from harvesting.backtest.tables import (
    EXPECTED_CONTRIBUTIONS,
    EXPECTED_L1,
    EXPECTED_L2,
    EXPECTED_ONE_RATE,
    FRACTIONS,
    MONTHLY_MONEY,
    STARTS,
    THRESHOLDS,
    TableName,
)
from securities.studies.tables import Row, Table

CAVEATS = (
    "Twenty survivors, chosen because they are still large: a loss that never came back is not among them.",
    "Adjusted prices: dividends and splits are inside, so dividends are neither taxed nor paid out.",
    "Ideal substitutes: a twin follows its stock to the cent. A real substitute does not.",
    "Every loss is usable at once, at 35 % short-term and 15 % long-term; the tax saved is reinvested the same day; "
    "no trading costs.",
    "Raw differences of returns are noise: without twins, the study behind this method measured −1.4 to +12.6 % a year "
    "on the same data, by where the money is parked. No report shows “harvested portfolio minus index” as a tax gain.",
    "Opportunities fade: 32 years of one lump sum earn 0.34 % a year, fresh cohorts of 8 to 9 years 1.03 to 1.65 %. "
    "Expect little of an account in its eighth year.",
)
FIT, TEST = STARTS[:9], STARTS[16:]  # 1990-1998, over by 2005; 2006-2014: no year in common
WEEKS = (("0", "Monday"), ("1", "Tuesday"), ("2", "Wednesday"), ("3", "Thursday"), ("6", "Friday"))
_TAKEN = "harvests / blocked"
_EXPECTED = "Expected: the figures that the method was specified with, from a program of its own."


def tables(records: Sequence[Record]) -> tuple[Table, ...]:
    """Every table for which there are records."""
    found: list[Table] = []
    for name, makers in _MAKERS.items():
        of_table = select(records, table=name.value)
        found.extend(make(of_table) for make in makers if of_table)
    return tuple(found)


def l1(records: Sequence[Record]) -> Table:
    """Alpha before (after) liquidation in % a year; harvests, blocked attempts."""
    names = {1: "no wash rule", 2: "1 substitute", 3: "2 substitutes"}
    periods = [cohort.name for cohort in (ALL_YEARS, *COHORTS)]
    rows: list[Row] = []
    for twins, expected in EXPECTED_L1.items():
        found = select(records, substitutes=str(twins - 1), short_rate="0.35")
        lump = select(found, contribution="0")
        ours = [only(lump, cohort=period) for period in periods]
        rows.append((names[twins], *map(_l1_cell, ours)))
        rows.append(
            ("expected", *(f"{b} ({a}); {taken} / {not_}" for b, a, taken, not_ in expected))
        )
    blank = ("",) * len(COHORTS)
    one_rate = only(records, short_rate="0.15")
    rows.append(("15 % for both terms, no wash rule", f"{one_rate.bp / 100:.2f}", *blank))
    rows.append(("expected", EXPECTED_ONE_RATE, *blank))
    with_money = only(records, contribution=str(MONTHLY_MONEY))
    rows.append(("1 % of new money a month, no wash rule", f"{with_money.bp / 100:.2f}", *blank))
    rows.append(("expected", EXPECTED_CONTRIBUTIONS, *blank))
    return Table(
        name="L1",
        caption=f"L1. Harvest alpha over history: monthly scans, % a year before (after) liquidation; {_TAKEN}",
        head=("Rule", *periods),
        rows=tuple(rows),
        note=f"{_EXPECTED} Literature: 1.08 % a year without and 0.82 % with the wash rule (Chaudhuri, Burnham, Lo "
        "2020: 500 stocks, 1926-2018, monthly).",
    )


def l2(records: Sequence[Record]) -> Table:
    """Mean bp a year of the four cohorts; harvests and blocked attempts a cohort."""
    rows: list[Row] = []
    for (twins, threshold), expected in EXPECTED_L2.items():
        found = select(records, substitutes=str(twins - 1), threshold=str(threshold))
        ours = [select(found, frequency=frequency.value) for frequency in Frequency]
        rows.append(
            (_kind(twins - 1, threshold), *(f"{printed_bp(one)} ({counts(one)})" for one in ours))
        )
        given = (
            str(bp) if pair is None else f"{bp} ({pair[0]:,} / {pair[1]:,})"
            for bp, pair in expected
        )
        rows.append(("expected", *given))
    return Table(
        name="L2",
        caption="L2. Scan frequency, threshold, substitutes: bp a year before liquidation, mean of four cohorts; "
        f"{_TAKEN} a cohort",
        head=("Substitutes, threshold", *(frequency.value for frequency in Frequency)),
        rows=tuple(rows),
        note=f"{_EXPECTED} Literature, an index fund investor: annual 38, quarterly 107, monthly 123, daily 136 bp "
        "(Khang, Cummings, Paradise 2022).",
    )


def rules(records: Sequence[Record]) -> Table:
    """The study's method, our own rules, and our own with a swap back by the timer."""
    rows: list[Row] = []
    for substitutes, threshold in _kinds():
        of_kind = select(records, substitutes=substitutes, threshold=threshold)
        for frequency in (Frequency.MONTHLY, Frequency.WEEKLY, Frequency.DAILY):
            found = select(of_kind, frequency=frequency.value)
            method = select(found, rules=Rules.METHOD.value)
            ours = select(found, rules=Rules.OURS.value, swap_back=SwapBack.NEVER.value)
            timer = select(found, swap_back=SwapBack.TIMER.value)
            rows.append(
                (
                    f"{_kind(int(substitutes), Decimal(threshold))}, {frequency.value}",
                    *(f"{_mean(one):.1f} ({counts(one)})" for one in (method, ours, timer)),
                    f"{mean(int(one.swap_backs) for one in timer):.0f}",
                    str(sum(int(one.wash_sales) for one in (*ours, *timer))),
                )
            )
    return Table(
        name="rules",
        caption=f"Our rules beside the method: bp a year, mean of four cohorts; {_TAKEN} a cohort",
        head=(
            "Substitutes, threshold, scan", "method", "our rules", "and swap back on day 31", "swap-backs",
            "wash sales",
        ),
        rows=tuple(rows),
        note="Our rules: long-term by the calendar, all tickers of a stock decided at once. The swap back sells what "
        "has risen, and pays the tax. Wash sales: found by the tax engine in all trades of the four cohorts.",
    )  # fmt: skip


def flows(records: Sequence[Record]) -> Table:
    """New money every month: the method leaves a loss beside a recent purchase alone, our rules sell both."""
    rows: list[Row] = []
    for substitutes, threshold in _kinds():
        found = select(records, substitutes=substitutes, threshold=threshold)
        method, ours = (select(found, rules=one.value) for one in (Rules.METHOD, Rules.OURS))
        rows.append(
            (
                _kind(int(substitutes), Decimal(threshold)),
                *(f"{_mean(one):.1f} ({counts(one)})" for one in (method, ours)),
                f"{mean(int(one.sold_along) for one in ours):.0f}",
                str(sum(int(one.wash_sales) for one in found)),
            )
        )
    return Table(
        name="flows",
        caption=f"With 1 % of new money a month, scanned monthly: bp a year, mean of four cohorts; {_TAKEN} a cohort",
        head=("Substitutes, threshold", "method", "our rules", "sold along", "wash sales"),
        rows=tuple(rows),
        note="Sold along: recent purchases that go in the same order so that the older loss is clean, a gain or too "
        "small a loss by themselves. New money buys the first ticker that no loss forbids.",
    )


def window(records: Sequence[Record]) -> Table:
    """The window priced, by the share of the expected shortfall that is counted: the four cohorts."""
    names = {cohort.name for cohort in COHORTS}
    four = [one for one in records if one.cohort in names]
    rows: list[Row] = []
    for substitutes, threshold in _kinds():
        kind = _kind(int(substitutes), Decimal(threshold))
        for name, chosen in _variants(select(four, substitutes=substitutes, threshold=threshold)):
            by_cohort = [only(chosen, cohort=cohort.name).bp for cohort in COHORTS]
            unpaid = mean(int(one.unpaid) for one in chosen)
            rows.append(
                (
                    f"{kind}, {name}", *(f"{bp:.0f}" for bp in by_cohort), f"{mean(by_cohort):.1f}",
                    counts(chosen), f"{unpaid:,.0f}",
                )
            )  # fmt: skip
    return Table(
        name="window",
        caption="Pricing the window (term O), four cohorts: bp a year before liquidation",
        head=("Substitutes, threshold, rule", *(cohort.name for cohort in COHORTS), "mean", _TAKEN, "left alone"),
        rows=tuple(rows),
        note="“Always”: priced although another destination remains. Left alone: not worth the window, once a ticker "
        "and scan, a cohort.",
    )  # fmt: skip


def starts(records: Sequence[Record]) -> Table:
    """Every starting year, eight years each, against weekly greedy."""
    rows: list[Row] = []
    for substitutes, threshold in _kinds():
        kind = _kind(int(substitutes), Decimal(threshold))
        followed = {one.name for one in STARTS}
        found = [
            one
            for one in select(records, substitutes=substitutes, threshold=threshold)
            if one.cohort in followed
        ]
        weekly = select(found, frequency=Frequency.WEEKLY.value, window_fraction="0")
        mean_of_week = [("weekly greedy, mean of five days", weekly)] if threshold == "0" else []
        for name, chosen in (*mean_of_week, *_variants(found)):
            gaps = gaps_to_weekly(records, substitutes, chosen)
            if len(gaps) < len(STARTS):
                continue  # this part of the window was priced for the four cohorts only
            rows.append(
                (f"{kind}, {name}", f"{mean(_by_start(chosen).values()):.1f}", *_told(gaps))
            )
    return Table(
        name="starts",
        caption="Twenty-five starts, 1990 to 2014, eight years each: bp a year before liquidation, and the difference "
        "to weekly greedy at threshold 0",
        head=("Substitutes, threshold, rule", "mean", "to weekly", "st. dev.", "starts won", "fit", "test"),
        rows=tuple(rows),
        note="Weekly greedy is the mean over weeks that end on each of the five trading days. Starts overlap, so they "
        "are no 25 independent trials. Fit: the nine starts 1990-1998, over by 2005. Test: the nine of 2006-2014.",
    )  # fmt: skip


def gaps_to_weekly(
    records: Sequence[Record], substitutes: str, chosen: Iterable[Record]
) -> dict[str, float]:
    """By start: bp over weekly greedy at threshold 0 with as many substitutes, mean over the days of the week."""
    greedy = select(
        records,
        substitutes=substitutes,
        threshold="0",
        frequency=Frequency.WEEKLY.value,
        window_fraction="0",
    )
    weekly = _by_start(greedy)
    return {start: bp - weekly[start] for start, bp in _by_start(chosen).items()}


def printed_bp(found: Sequence[Record]) -> int:
    """As the method prints a mean: of per cent a year, each rounded to two places."""
    return round(sum(round(one.bp / 100, 2) for one in found) / len(found) * 100)


def counts(found: Sequence[Record]) -> str:
    """Harvests / blocked attempts a cohort, half up."""
    harvests = mean_count(one.harvests for one in found)
    return f"{harvests:,} / {mean_count(one.blocked for one in found):,}"


def mean_count(values: Iterable[str]) -> int:
    """Half up."""
    numbers = [int(value) for value in values]
    exact = Decimal(sum(numbers)) / len(numbers)
    return int(exact.to_integral_value(ROUND_HALF_UP))


def select(records: Iterable[Record], **values: str) -> list[Record]:
    """The records with these values."""
    wanted = tuple(values.items())
    return [one for one in records if all(getattr(one, name) == value for name, value in wanted)]


def only(records: Iterable[Record], **values: str) -> Record:
    """Raises ValueError where there is not exactly one."""
    (found,) = select(records, **values)
    return found


def _variants(kind: Sequence[Record]) -> Iterator[tuple[str, list[Record]]]:
    weekly = select(kind, frequency=Frequency.WEEKLY.value)
    for ends, day in WEEKS:
        if chosen := select(weekly, week_ends=ends, window_fraction="0"):
            yield f"weekly greedy, {day}", chosen
    yield "weekly, Friday, priced at 1", select(weekly, window_fraction="1")
    daily = select(kind, frequency=Frequency.DAILY.value)
    yield "daily greedy", select(daily, window_fraction="0")
    for always, suffix in (("no", ""), ("yes", ", always")):
        for fraction in FRACTIONS:
            if chosen := select(daily, window_fraction=str(fraction), always_priced=always):
                yield f"daily, priced at {fraction}{suffix}", chosen


def _told(gaps: dict[str, float]) -> Row:
    won = sum(gap > 0 for gap in gaps.values())
    return (
        _signed(mean(gaps.values())),
        f"{stdev(gaps.values()):.1f}",
        f"{won} of {len(gaps)}",
        _signed(mean(gaps[one.name] for one in FIT)),
        _signed(mean(gaps[one.name] for one in TEST)),
    )


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


def _l1_cell(one: Record) -> str:
    after = float(one.alpha_after_liquidation_bp)
    return f"{one.bp / 100:.2f} ({after / 100:.2f}); {one.harvests} / {one.blocked}"


def _mean(found: Sequence[Record]) -> float:
    return mean(one.bp for one in found)


def _signed(bp: float) -> str:
    return f"{bp:+.1f}".replace("-", "−")


def _kind(substitutes: int, threshold: Decimal) -> str:
    number = "1 substitute" if substitutes == 1 else f"{substitutes} substitutes"
    return f"{number}, {threshold * 100:.0f} %"


_MAKERS: dict[TableName, tuple[Callable[[Sequence[Record]], Table], ...]] = {
    TableName.L1: (l1,),
    TableName.L2: (l2,),
    TableName.RULES: (rules,),
    TableName.FLOWS: (flows,),
    TableName.WINDOW: (starts, window),
}
