"""Bars of what trading was expected to cost and did cost, a month each. Pure; places for an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from proposals.execution_costs import Month

ZERO = Decimal(0)
WIDTH = 700
_LEFT, _RIGHT = 80, 110  # for the month's name, and for the figures
_STEP = 26


@dataclass(frozen=True, slots=True)
class CostBar:
    """One month: figures in basis points of the dollars traded, places in units of the view box."""

    label: str
    expected: Decimal
    realised: Decimal
    text_y: int
    expected_y: int
    realised_y: int
    error_y: int
    expected_x: str
    expected_width: str
    realised_x: str
    realised_width: str
    error_from: (
        str  # one standard error to each side of what was realised; empty where there is none
    )
    error_to: str


@dataclass(frozen=True, slots=True)
class CostBars:
    """The months in their order, beside one line at zero."""

    rows: tuple[CostBar, ...]
    zero_x: str
    height: int
    width: int = WIDTH
    label_x: int = WIDTH - _RIGHT + 8


def cost_bars(months: Sequence[Month]) -> CostBars:
    """Commission, spread and impact as expected over fees and slippage, of the months that have an expectation."""
    figures = [
        (month, (totals.expected_commission_bp or ZERO) + (totals.expected_trading_bp or ZERO),
         totals.fees_bp + totals.slippage_bp, totals.error_bp)
        for month in months
        if (totals := month.expected) is not None
    ]  # fmt: skip
    ends = [ZERO]
    for _, expected, realised, error in figures:
        ends += [expected, realised - (error or ZERO), realised + (error or ZERO)]
    low, high = min(ends), max(ends)
    scale = (WIDTH - _LEFT - _RIGHT) / (high - low) if high > low else ZERO

    def place(value: Decimal) -> Decimal:
        return _LEFT + (value - low) * scale

    rows = []
    for number, (month, expected, realised, error) in enumerate(figures):
        top = number * _STEP
        rows.append(
            CostBar(
                label=f"{month.first:%b %Y}",
                expected=expected,
                realised=realised,
                text_y=top + 15,
                expected_y=top + 3,
                realised_y=top + 12,
                error_y=top + 16,
                expected_x=_units(min(place(expected), place(ZERO))),
                expected_width=_units(abs(expected) * scale),
                realised_x=_units(min(place(realised), place(ZERO))),
                realised_width=_units(abs(realised) * scale),
                error_from="" if error is None else _units(place(realised - error)),
                error_to="" if error is None else _units(place(realised + error)),
            )
        )
    return CostBars(tuple(rows), zero_x=_units(place(ZERO)), height=max(len(rows), 1) * _STEP)


def _units(value: Decimal) -> str:
    return f"{value:.1f}"
