"""The risk model of a firm's securities, as its setting asks for it, and a household's part of it.

It is estimated once for all securities of the firm, and a household takes its rows: two households give one security
the same risk, and what else a household happens to hold changes nothing. It is kept while the firm's prices, actions,
securities, setting and supplied loadings are what they were (docs/adr/0014).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.one_look import kept_while
from rebalancing.errors import BadReturns
from rebalancing.models import RiskSetting, SuppliedRisk
from rebalancing.risk import RiskModel, check, estimate, from_factor_returns, supplied
from rebalancing.risk.history import Cell, suspects
from rebalancing.trades.index import universe
from rebalancing.types import ZERO, HouseholdState, RiskMethod
from securities import selectors as securities
from securities.calendar import trading_days
from securities.frames import adjusted_returns
from securities.models import Price, Security

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FirmRisk:
    """A firm's model with the row of each security; or, with no model, why there is none."""

    model: RiskModel | None
    rows: Mapping[int, int]
    minimum_coverage: float
    refusal: BadReturns | None = None


def risk_model(*, firm_id: int, state: HouseholdState) -> RiskModel:
    """The risk model of ``universe(state)`` in that order, of the day of ``state``.

    Raises BadReturns where the firm's setting cannot be followed, or too little of what the household holds or should
    hold has a usable history; securities are named by their symbols.
    """
    names = universe(state)
    firm = firm_risk(firm_id, state.as_of)
    if firm.model is None:
        raise firm.refusal or BadReturns("The firm has no risk model.")
    model = firm.model.take([firm.rows[security] for security in names])
    held, value = state.holdings(), state.value
    weights = [
        float(max(held.get(security, ZERO) / value, state.targets.get(security, ZERO)))
        for security in names
    ]
    try:
        found = check(model, np.array(weights), minimum_coverage=firm.minimum_coverage)
    except BadReturns as error:
        raise _named(error, [state.symbols[security] for security in names]) from error
    return replace(model, remarks=(*model.remarks, *found.notes))


def risk_of(firm_id: int, as_of: date, names: Sequence[int]) -> RiskModel:
    """The risk model of some securities of the firm, in their order. Raises BadReturns where the firm has none."""
    firm = firm_risk(firm_id, as_of)
    if firm.model is None:
        raise firm.refusal or BadReturns("The firm has no risk model.")
    return firm.model.take([firm.rows[security] for security in names])


def market_risk_price(firm_id: int) -> Decimal:
    """Return above cash, a year, that a unit of total variance earns by the firm's setting. One query."""
    setting = RiskSetting.objects.filter(firm=firm_id).first() or RiskSetting()
    price: Decimal = setting.market_risk_price
    return price


def _stamp(firm_id: int) -> tuple[int, tuple[int, int]]:
    return securities.price_stamp(firm_id), securities.facts_stamp(firm_id)


@kept_while(_stamp)
def firm_risk(firm_id: int, as_of: date) -> FirmRisk:
    """The model of all securities of the firm; a refusal is kept too, and not raised."""
    setting = RiskSetting.objects.filter(firm=firm_id).first() or RiskSetting()
    classes = dict(
        Security.objects.filter(firm=firm_id).order_by("pk").values_list("pk", "asset_class")
    )
    rows = {security: row for row, security in enumerate(classes)}
    model, refusal = None, None
    try:
        model = _model(firm_id, as_of, setting, classes)
    except BadReturns as error:
        symbols = securities.symbols(firm_id)
        refusal = _named(error, [symbols[security] for security in classes])
    return FirmRisk(model, rows, float(setting.minimum_coverage), refusal)


def _model(
    firm_id: int, as_of: date, setting: RiskSetting, classes: Mapping[int, str]
) -> RiskModel:
    """Raises BadReturns with securities by their rows."""
    if not classes:
        raise BadReturns("The firm has no securities.")
    if setting.method == RiskMethod.SUPPLIED:
        return _supplied(firm_id, as_of, setting, classes)
    factors = _factor_securities(setting) if setting.method == RiskMethod.FACTOR_ETFS else {}
    frame = _Frame(list(classes), as_of, setting.observations, [*factors.values()])
    half_life = setting.half_life if setting.method == RiskMethod.EXPONENTIAL else None
    kwargs: dict[str, Any] = {
        "days": frame.days,
        "longest_silence": frame.longest_silence(setting.maximum_staleness_days),
        "trusted": frame.checked(range(len(classes))),
        "classes": list(classes.values()),
        "estimated_from": frame.days[0],
        "estimated_to": frame.days[-1],
    }
    if factors:
        places = frame.places(factors.values())
        return from_factor_returns(
            frame.returns,
            frame.returns[:, places],
            factors=list(factors),
            trusted_factors=frame.checked(places),
            **kwargs,
        )
    return estimate(frame.returns, factors=setting.factor_count, half_life=half_life, **kwargs)


class _Frame:
    """Returns (T, n) on the trading days up to a day, from the first on which a security has one."""

    def __init__(
        self, ids: Sequence[int], as_of: date, observations: int, needed: Sequence[int]
    ) -> None:
        self._as_of = as_of
        self._place = {security: place for place, security in enumerate(ids)}
        self._ids = ids
        days = trading_days(as_of, observations + 1)
        returns = adjusted_returns(ids, days)
        known = np.flatnonzero(np.isfinite(returns).any(axis=1))
        if not len(known):
            raise BadReturns(
                f"No security has two closing prices in a row in the {observations} trading days up to {as_of}."
            )
        self.returns: Floats = returns[known[0] :]
        self.days = days[1 + int(known[0]) :]

    def places(self, ids: Collection[int]) -> list[int]:
        return [self._place[security] for security in ids]

    def longest_silence(self, days: int) -> int:
        """In rows: what ``days`` of the calendar back from the day are."""
        first = self._as_of - timedelta(days=days)
        return sum(day >= first for day in self.days) - 1

    def checked(self, columns: Collection[int]) -> frozenset[Cell]:
        """Suspicious returns whose price somebody has looked at; rows of the frame, columns counted in ``columns``."""
        at = list(columns)
        cells = suspects(self.returns[:, at])
        if not cells:
            return frozenset()
        seen = set(
            Price.objects.filter(
                security__in={self._ids[at[column]] for _, column in cells},
                day__in={self.days[row] for row, _ in cells},
                is_checked=True,
            ).values_list("security_id", "day")
        )
        return frozenset(
            (row, column)
            for row, column in cells
            if (self._ids[at[column]], self.days[row]) in seen
        )


def _factor_securities(setting: RiskSetting) -> dict[str, int]:
    """Name of the factor -> its security. Raises BadReturns where none is named."""
    named = dict(setting.factors.order_by("name").values_list("name", "security_id"))
    if not named:
        raise BadReturns(
            "The risk setting asks for factor ETFs and names none.",
            advice="Name them under [risk.factors] of the set-up file.",
        )
    return named


def _supplied(
    firm_id: int, as_of: date, setting: RiskSetting, classes: Mapping[int, str]
) -> RiskModel:
    version = SuppliedRisk.objects.filter(firm=firm_id, as_of__lte=as_of).first()
    if version is None:
        raise BadReturns(
            f"No supplied risk model is on record as of {as_of} or before.", advice=_IMPORT
        )
    if (as_of - version.as_of).days > setting.maximum_staleness_days:
        raise BadReturns(
            f"The newest supplied risk model is as of {version.as_of}, more than "
            f"{setting.maximum_staleness_days} days before {as_of}.",
            advice=_IMPORT,
        )
    pairs = list(version.covariances.values_list("factor_a", "factor_b", "covariance"))
    factors = sorted({name for first, second, _ in pairs for name in (first, second)})
    place = {name: at for at, name in enumerate(factors)}
    covariance = np.full((len(factors), len(factors)), np.nan)
    for first, second, value in pairs:
        covariance[place[first], place[second]] = float(value)
        covariance[place[second], place[first]] = float(value)
    row = {security: at for at, security in enumerate(classes)}
    loadings = np.full((len(classes), len(factors)), np.nan)
    for security, factor, value in version.loadings.values_list("security_id", "factor", "loading"):
        loadings[row[security], place[factor]] = float(value)
    specific = np.full(len(classes), np.nan)
    for security, value in version.specifics.values_list("security_id", "variance"):
        specific[row[security]] = float(value)
    return supplied(
        loadings,
        covariance,
        specific,
        factors=factors,
        classes=list(classes.values()),
        estimated_to=version.as_of,
    )


_IMPORT = "Import one with manage.py import_loadings, or choose another method in the firm's risk setting."


def _named(error: BadReturns, symbols: Sequence[str]) -> BadReturns:
    """The refusal with symbols instead of columns."""

    def symbol(found: re.Match[str]) -> str:
        return symbols[int(found[1])]

    return BadReturns(re.sub(r"column (\d+)", symbol, error.message), advice=error.advice)
