"""The reasons a rebalance gives, each with its figures, and each only where its figure says so (F20-F23): pure Decimal.

What a reason claims is measured on the rounded trades: a figure that does not fall or a gap that does not narrow is not
a reason. Mandates have figures of their own (``rebalancing.mandates.mandate_checks``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from accounts.canonical import decimal_text
from proposals.types import DraftTrade, Side
from rebalancing.types import ZERO, HouseholdState

CENT = Decimal("0.01")
WEIGHT = Decimal("0.00000001")


class Reason(StrEnum):
    """The reasons that come with evidence; others stand beside them."""

    RISK = "RISK"
    CONTRARIAN = "CONTRARIAN"
    FACTOR = "FACTOR"


class Exposed(Protocol):
    """What is asked of ``rebalancing.trades.active_risk.ActiveRisk``, which this zone does not import."""

    @property
    def exposures(self) -> tuple[Decimal, ...]: ...
    @property
    def factor_risk(self) -> Decimal: ...
    @property
    def contributions(self) -> Mapping[int, Decimal]: ...


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure around the trades, a fraction; ``falls`` where its amount does."""

    name: str
    before: Decimal
    after: Decimal

    @property
    def falls(self) -> bool:
        return abs(self.after) < abs(self.before)

    def record(self) -> dict[str, object]:
        """For a proposal's page."""
        return {
            "name": self.name,
            "before": decimal_text(self.before.quantize(WEIGHT)),
            "after": decimal_text(self.after.quantize(WEIGHT)),
            "falls": self.falls,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """A reason that holds, one sentence, and its figures for the page."""

    reason: Reason
    sentence: str
    rows: tuple[Mapping[str, object], ...]


def evidence(found: Iterable[Evidence | None]) -> tuple[Evidence, ...]:
    """The reasons that hold."""
    return tuple(one for one in found if one is not None)


def of_risk(
    *,
    error: Measure,
    weights: Mapping[int, Decimal],
    after: Mapping[int, Decimal],
    active: tuple[Exposed, Exposed],
    symbols: Mapping[int, str],
) -> Evidence | None:
    """RISK: where the tracking error falls. ``weights`` and ``after`` are fractions by security.

    Beside it the weight of the largest name, and the part of the tracking error that comes from the name that has
    most of it; either may rise, and is shown all the same.
    """
    if not error.falls:
        return None
    before, then = active
    rows = [error]
    if weights:
        top = _largest(weights)
        name = f"Weight of the largest name, {symbols[top]}"
        rows.append(Measure(name, weights[top], after.get(top, ZERO)))
    if before.contributions:
        main = _largest(before.contributions)
        name = f"Tracking error that comes from {symbols[main]}"
        contribution = then.contributions.get(main, ZERO)
        rows.append(Measure(name, before.contributions[main], contribution))
    return Evidence(
        Reason.RISK,
        "The trades lower the tracking error against the model.",
        tuple(row.record() for row in rows),
    )


def of_factors(before: Exposed, after: Exposed, names: Sequence[str] = ()) -> Evidence | None:
    """FACTOR: where the active exposures to the factors, together, narrow. Without names they are numbered."""
    together = Measure("All factors together", before.factor_risk, after.factor_risk)
    if not together.falls:
        return None
    rows = [
        Measure(names[at] if at < len(names) else f"Statistical factor {at + 1}", was, becomes)
        for at, (was, becomes) in enumerate(zip(before.exposures, after.exposures, strict=True))
    ]
    return Evidence(
        Reason.FACTOR,
        "The trades narrow the active exposure to the factors of the risk model, in tracking error a year.",
        tuple(row.record() for row in (together, *rows)),
    )


def of_the_past(
    trades: Sequence[DraftTrade],
    state: HouseholdState,
    returns: Mapping[int, Decimal],
    *,
    since: date,
    rebalanced: bool,
) -> Evidence | None:
    """CONTRARIAN: where more dollars sell what beat the portfolio, or buy what lagged it, than the other way round.

    ``returns`` are those of prices from ``since``; the portfolio's is that of what is held today, held throughout.
    A fact about the past, and no forecast. Names without a return are on neither side.
    """
    portfolio = _portfolio_return(state, returns)
    if portfolio is None:
        return None
    sums = {(side, beat): ZERO for side in Side for beat in (True, False)}
    for trade in trades:
        one = returns.get(trade.security)
        if one is not None and one != portfolio:
            sums[trade.side, one > portfolio] += trade.amount
    winners_sold, laggards_bought = sums[Side.SELL, True], sums[Side.BUY, False]
    laggards_sold, winners_bought = sums[Side.SELL, False], sums[Side.BUY, True]
    if winners_sold + laggards_bought <= laggards_sold + winners_bought:
        return None
    when = ", the last executed rebalance," if rebalanced else ""
    rows = (
        ("Sold of names that beat the portfolio", winners_sold),
        ("Bought of names that lagged it", laggards_bought),
        ("Sold of names that lagged it", laggards_sold),
        ("Bought of names that beat it", winners_bought),
    )
    return Evidence(
        Reason.CONTRARIAN,
        f"Since {since}{when} what is held today has returned {portfolio * 100:+.1f} % by its prices. "
        "A fact about the past, not a forecast.",
        tuple({"name": name, "dollars": str(amount.quantize(CENT))} for name, amount in rows),
    )


def _portfolio_return(state: HouseholdState, returns: Mapping[int, Decimal]) -> Decimal | None:
    """Of what is held today and has a return, held since; None where nothing has."""
    now = then = ZERO
    for security, dollars in state.holdings().items():
        one = returns.get(security)
        if one is not None and one > -1:
            now += dollars
            then += dollars / (1 + one)
    return now / then - 1 if then > ZERO else None


def _largest(figures: Mapping[int, Decimal]) -> int:
    return max(figures, key=lambda one: (abs(figures[one]), -one))
