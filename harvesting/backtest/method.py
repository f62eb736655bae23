"""How one run of the backtest behaves: what of it is the study's method and what is our own rule."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from harvesting.backtest.market import Frequency
from lots.holding_period import term
from lots.types import Term

DAYS_OF_SHORT_TERM = 365
ZERO = Decimal(0)


class Rules(StrEnum):
    """Whose reading of the tax rules decides."""

    METHOD = "method"  # tickers one after the other; long-term after more than 365 days
    OURS = "ours"  # the whole position in one decision; long-term by the calendar (R3)


class SwapBack(StrEnum):
    """What becomes of a substitute after its window."""

    NEVER = "never"  # kept: with ideal substitutes nothing is gained by going back
    TIMER = "timer"  # sold on the first scan after the window, whatever the tax


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One run. Rates and the threshold are fractions."""

    frequency: Frequency
    twins: int  # tickers with the same price path for each stock; all but one are substitutes
    threshold: Decimal = ZERO  # of the basis that a loss must exceed
    wash_rule: bool = True
    rules: Rules = Rules.METHOD
    swap_back: SwapBack = SwapBack.NEVER
    window_fraction: Decimal = ZERO  # term O: part of the expected shortfall that is counted
    always_priced: bool = False  # term O also while another destination remains
    short_rate: Decimal = Decimal("0.35")
    long_rate: Decimal = Decimal("0.15")
    contribution: Decimal = ZERO  # of the money at the start, at the end of every month
    weekday: int = 6  # that ends a week; 6 = Sunday

    def term(self, start: date, day: date) -> Term:
        """Short or long of a lot held from ``start`` to ``day``, as the rules count."""
        if self.rules is Rules.OURS:
            return term(start, day)
        return Term.SHORT if (day - start).days <= DAYS_OF_SHORT_TERM else Term.LONG

    def rate(self, held: Term) -> Decimal:
        """Of a gain or loss of the term."""
        return self.short_rate if held is Term.SHORT else self.long_rate
