"""Which securities could stand in for another, ranked by figures; a person decides, nothing is mapped here (T43, T55).

A candidate is weighed by what it would cost to hold it in the place of the security for the days that the window keeps
one out: ``risk price x tracking error^2 x days / 365`` (term X of the harvest's sum) and its own cost, half the spread
at the purchase and again at the sale, and its expense ratio for those days. All are fractions of the dollars that go
into it. Equals follow by correlation, then by how near the beta is to one. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from harvesting.figures import MINIMUM_OBSERVATIONS
from harvesting.types import PairFigures

HOLDING_DAYS = 31  # from the sale to the first day on which the security may be bought again
YEAR_DAYS = Decimal(365)
MOST = 10


@dataclass(frozen=True, slots=True)
class Listed:
    """A security as far as standing in is concerned; the fractions are of the price, and a year's of the value."""

    security: int
    symbol: str
    name: str = ""
    is_fund: bool = False
    half_spread: Decimal = Decimal(0)
    expense_ratio: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A candidate with the figures that it was ranked by, and what a person should know before choosing it."""

    listed: Listed
    figures: PairFigures
    cost: Decimal
    burden: Decimal  # cost and the price of tracking
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The best first; and who was left out, by reason."""

    offered: tuple[Suggestion, ...]
    left_out: Mapping[str, tuple[str, ...]]  # reason -> symbols


def cost_of_standing_in(listed: Listed) -> Decimal:
    """Into the substitute and out of it again, and its expenses in between, as a fraction."""
    return 2 * listed.half_spread + listed.expense_ratio * HOLDING_DAYS / YEAR_DAYS


def suggest(
    target: Listed,
    candidates: Iterable[Listed],
    figures: Mapping[int, PairFigures],
    refusals: Mapping[int, str],
    *,
    risk_price: Decimal,
    most: int = MOST,
) -> Suggestions:
    """The candidates that are not refused, best first. ``figures`` and ``refusals`` by candidate."""
    offered: list[Suggestion] = []
    left_out: dict[str, list[str]] = {}
    for listed in candidates:
        pair = figures[listed.security]
        why = refusals.get(listed.security)
        if why is None and pair.is_assumed:
            why = f"fewer than {MINIMUM_OBSERVATIONS} daily returns in common"
        if why is not None:
            left_out.setdefault(why, []).append(listed.symbol)
            continue
        cost = cost_of_standing_in(listed)
        tracking = risk_price * pair.tracking_error**2 * HOLDING_DAYS / YEAR_DAYS
        offered.append(Suggestion(listed, pair, cost, cost + tracking, _cautions(target, listed)))
    offered.sort(key=_order)
    return Suggestions(
        tuple(offered[:most]),
        {why: tuple(sorted(symbols)) for why, symbols in sorted(left_out.items())},
    )


def _order(one: Suggestion) -> tuple[Decimal, Decimal, Decimal, str]:
    figures = one.figures
    return (one.burden, -figures.correlation, abs(figures.beta - 1), one.listed.symbol)


def _cautions(target: Listed, listed: Listed) -> tuple[str, ...]:
    if target.is_fund and not listed.is_fund:
        return (f"A single name for a fund: the risk of {listed.symbol} alone comes along.",)
    if listed.is_fund and not target.is_fund:
        return (f"A fund may hold {target.symbol} itself: look at what it holds.",)
    return ()
