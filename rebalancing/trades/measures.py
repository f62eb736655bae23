"""What trades measure: the optimiser's objective and distance from its bound, tracking error, and holdings after them.

Decimals out; the floats in between are those of the problem (``rebalancing.trades.border``).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from lots.year_tax import added_tax
from proposals.types import DraftTrade, Side
from rebalancing.optimizer.objective import evaluate
from rebalancing.optimizer.problem import FloatArray, Problem
from rebalancing.trades import horizons
from rebalancing.trades.border import decimal, floats, fractions
from rebalancing.trades.index import Index
from rebalancing.types import CENT, ZERO, HouseholdState, Position

RISK_QUANTUM = Decimal("0.00000001")
VARIANCE_QUANTUM = RISK_QUANTUM * RISK_QUANTUM
GAP_QUANTUM = Decimal("0.0001")  # basis points


def gap_bp(trades: Sequence[DraftTrade], problem: Problem, index: Index, bound: float) -> Decimal:
    """How far the trades, as rounded, are from the proven bound: basis points of the household's value.

    A little is due to whole shares, which the bound does not know. Rounding may also leave its limits by less than a
    share, and so pass it: that is told as no distance at all.
    """
    buys, sells = _as_fractions(trades, index)
    distance = decimal((evaluate(problem, buys, sells).objective - bound) * 1e4)
    return max(distance, ZERO).quantize(GAP_QUANTUM)


def objective(trades: Sequence[DraftTrade], problem: Problem, index: Index) -> Decimal:
    """What the optimiser minimises, at the trades: dollars over the horizon, so that two sets can be told apart.

    By the exact tax of the year, brackets and all, where the optimiser follows the straight lines of its problem.
    """
    found = evaluate(problem, *_as_fractions(trades, index))
    gains = (decimal(gain) * index.value for gain in (found.st_gain, found.lt_gain))
    short, long = (gain.quantize(CENT) for gain in gains)
    exact = added_tax(index.state.tax, short=short, long=long)
    return decimal(found.objective - found.tax) * index.value + exact


def reckoned(trades: Sequence[DraftTrade], problem: Problem, index: Index) -> Decimal:
    """Dollars of the objective at the trades by the problem's own straight lines of tax: what a bound is of."""
    return decimal(evaluate(problem, *_as_fractions(trades, index)).objective) * index.value


def reckoned_tax(trades: Sequence[DraftTrade], problem: Problem, index: Index) -> Decimal:
    """Dollars of this year's tax by the straight lines that the trades were found with."""
    return decimal(evaluate(problem, *_as_fractions(trades, index)).tax) * index.value


def holdings_after(trades: Sequence[DraftTrade], state: HouseholdState) -> dict[int, Decimal]:
    """Dollars per security once the trades are done."""
    held = state.holdings()
    for trade in trades:
        sign = 1 if trade.side is Side.BUY else -1
        held[trade.security] = held.get(trade.security, ZERO) + sign * trade.quantity * trade.price
    return held


def active_weights(index: Index, holdings: Mapping[int, Decimal]) -> FloatArray:
    """(n,) weights of ``holdings`` (dollars per security) less the model's, whatever the trades aim at."""
    weights = fractions((holdings.get(one, ZERO) for one in index.securities), index.value)
    return weights - model_weights(index)


def model_weights(index: Index) -> FloatArray:
    """(n,) the model's weights, whatever the trades aim at."""
    return floats(index.state.targets.get(one, ZERO) for one in index.securities)


def tracking_error(index: Index, holdings: Mapping[int, Decimal]) -> Decimal:
    """Yearly tracking error of ``holdings`` (dollars per security) against the model, a fraction."""
    return decimal(index.risk.tracking_error(active_weights(index, holdings))).quantize(
        RISK_QUANTUM
    )


def variance_years(index: Index, holdings: Mapping[int, Decimal]) -> dict[int, Decimal] | None:
    """Security -> what it adds to the active variance of ``holdings`` (dollars per security), times its years.

    None where one horizon counts for all.
    """
    if index.years is None:
        return None
    risk = horizons.Risk(index.risk.loadings, index.risk.specific_variance).over(index.years)
    shares = risk.shares(active_weights(index, holdings))
    return {
        security: decimal(share).quantize(VARIANCE_QUANTUM)
        for security, share in zip(index.securities, shares, strict=True)
    }


def _as_fractions(trades: Sequence[DraftTrade], index: Index) -> tuple[FloatArray, FloatArray]:
    """Buys (m,) and sells (L,) of the trades, in fractions of V."""
    bought: dict[Position, Decimal] = {}
    sold: dict[tuple[int | None, int | None], Decimal] = {}
    for trade in trades:
        dollars = trade.quantity * trade.price
        if trade.side is Side.BUY:
            bought[trade.account, trade.security] = dollars
        else:
            sold[trade.opening, trade.part] = dollars
    return (
        fractions((bought.get(position, ZERO) for position in index.positions), index.value),
        fractions((sold.get(lot.key, ZERO) for lot in index.lots), index.value),
    )
