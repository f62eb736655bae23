"""What each cadence cost on the shipped backtest, by the measured rule nearest to a household's policy (F1).

The household's band is taken at the study's target weight, so that points and relative bands compare. An optimum is
compared by its price of risk with the runs that count tax, as the household's does; so is a calendar that counts each
security over its own horizon, because it too trades what pays. Nothing is interpolated: where no run is within a factor
of two, the cadence is said not to be measured.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import log

from rebalancing.backtest.method import Kind
from rebalancing.backtest.page import DAYS
from rebalancing.backtest.records import Record
from rebalancing.backtest.report import name_of, select
from rebalancing.backtest.results import shipped
from rebalancing.backtest.tables import TableName
from rebalancing.policies.policy import Cadence, Horizon, PolicyKind
from rebalancing.types import Band, Limits
from securities.studies.tables import Row, Table

LOOKS: Mapping[Cadence, int] = {
    Cadence.DAILY: 1,
    Cadence.WEEKLY: 5,
    Cadence.MONTHLY: 21,
    Cadence.QUARTERLY: 63,
    Cadence.ANNUAL: 252,
}  # trading days from one look to the next
TARGET = Decimal(1) / 20  # of each name in the study
_FARTHEST = log(2.0)
_TABLES = {
    PolicyKind.CALENDAR: (TableName.L3, Kind.CALENDAR),
    PolicyKind.THRESHOLD: (TableName.BANDS, Kind.BAND),
    PolicyKind.OPTIMUM: (TableName.LOTS, Kind.BY_LOT),
}
_DIFFERS = {
    PolicyKind.CALENDAR: "",
    PolicyKind.THRESHOLD: "",
    PolicyKind.OPTIMUM: (
        " The measured optimum waits for no band and counts each lot over a horizon of its own; this policy trades "
        "where something is out of band and counts over one horizon."
    ),
}


def expected(policy: Limits, records: Sequence[Record] | None = None) -> Table:
    """A row for each cadence that was measured with a rule like the policy's; the note names the others."""
    runs = shipped() if records is None else records
    rows: list[Row] = []
    missing: list[str] = []
    for cadence in LOOKS:
        found = nearest(policy, cadence, runs)
        if found is None:
            missing.append(cadence.value)
            continue
        own = " (this policy)" if cadence is policy.cadence else ""
        rows.append(
            (
                f"{cadence.value}{own}", name_of(found), f"{found.te:.0f}", f"{found.turnover:.1f}",
                f"{found.drag:.1f}",
            )
        )  # fmt: skip
    return Table(
        name="cadences",
        caption="What each cadence cost on past prices",
        head=(
            "Cadence", "Nearest measured rule", "Tracking error, bp", "Turnover, % a year",
            "Spread and tax, bp a year",
        ),
        rows=tuple(rows),
        note=_note(policy, missing),
    )  # fmt: skip


def nearest(policy: Limits, cadence: Cadence, records: Sequence[Record]) -> Record | None:
    """The run of this cadence whose band, or price of risk, is nearest by ratio; None where none is near."""
    table, rule = _line_of(policy)
    runs = select(records, table=table.value, rule=rule.value, look=str(LOOKS[cadence]))
    if rule is Kind.CALENDAR:
        return runs[0] if runs else None
    if policy.kind is PolicyKind.THRESHOLD:
        runs = select(runs, to=policy.destination.value)
    wanted = _number(policy)
    if not runs or wanted <= 0.0:
        return None
    distances = [(abs(log(float(one.number) / wanted)), at) for at, one in enumerate(runs)]
    distance, at = min(distances)
    return runs[at] if distance <= _FARTHEST else None


def _line_of(policy: Limits) -> tuple[TableName, Kind]:
    """The table and the rule of the runs that a policy is compared with."""
    if policy.horizon is Horizon.BY_NAME and policy.kind is not PolicyKind.THRESHOLD:
        return TableName.LOTS, Kind.TAXED
    return _TABLES[policy.kind]


def _differs(policy: Limits) -> str:
    """In what the measured rule is another than the policy."""
    if policy.horizon is Horizon.BY_NAME and policy.kind is PolicyKind.OPTIMUM:
        return " The measured optimum waits for no band; this policy trades where something is out of band."
    return _DIFFERS[policy.kind]


def _number(policy: Limits) -> float:
    """What a run's ``number`` is for a policy of this kind: the half band relative to target, or the price of risk."""
    if policy.kind is not PolicyKind.THRESHOLD:
        return float(policy.risk_aversion)
    band = Band(policy.band_type, policy.absolute_band, policy.relative_band)
    return float(band.width(TARGET) / TARGET)


def _note(policy: Limits, missing: Sequence[str]) -> str:
    unmeasured = (
        f" Not measured with a rule like this one: {', '.join(missing)}." if missing else ""
    )
    return (
        f"Measured on an equal weight of 20 large US stocks, {DAYS}, and on no client's account: it compares cadences "
        "and promises nothing for this household. Tracking error and turnover are before costs; spread and tax are "
        f"over the mean value of each year.{_differs(policy)}{unmeasured}"
    )
