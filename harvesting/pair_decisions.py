"""One decision about a harvest pair on one night: its state, its reason, its sums and its trades. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from harvesting.types import ZERO
from harvesting.ways_back import Return, Situation
from lots.rounding import plain
from proposals.types import BUY_BACK, CASH, DraftTrade, PairState, Side, StandIn

REASON = "SWAP_BACK"


@dataclass(frozen=True, slots=True)
class Decision:
    """The one state of a pair on a night, with its reason in a sentence and its sums as text."""

    pair: StandIn
    state: PairState
    reason: str
    figures: dict[str, object] = field(default_factory=dict)
    back: Return | None = None  # what is proposed

    @property
    def trades(self) -> tuple[DraftTrade, ...]:
        """Lots sold, then what they stood in for is bought; nothing unless a swap-back is proposed.

        Out of cash there are purchases only.
        """
        if self.back is None:
            return ()
        sells = [
            DraftTrade(
                account=self.pair.account,
                security=self.pair.substitute,
                side=Side.SELL,
                quantity=one.quantity,
                price=one.price,
                reason=REASON,
                opening=one.lot.opening,
                part=one.lot.part,
                basis=one.basis,
                term=one.term,
                pair=self.pair.order,
            )
            for one in self.back.sold
        ]
        buys = [
            DraftTrade(
                account=self.pair.account,
                security=one.security,
                side=Side.BUY,
                quantity=one.quantity,
                price=one.price,
                reason=BUY_BACK if self.pair.substitute == CASH else REASON,
                pair=self.pair.order,
            )
            for one in self.back.bought
        ]
        return (*sells, *buys)


def holding_named(pair: StandIn, situation: Situation) -> str:
    """What is held in place of what was sold."""
    return "cash" if pair.substitute == CASH else situation.book.symbol(pair.substitute)


def before_day_31(pair: StandIn, situation: Situation) -> str:
    """Why a pair inside its own window waits (T44), and whether there is anything to wait for."""
    day = (situation.book.as_of - pair.sold_on).days
    left = [situation.left[one] for one in pair.originals if one in situation.left]
    if left:
        return f"Day {day} of 31: {left[0]}."
    return f"Day {day} of 31: {originals_named(pair, situation)} can be bought from {pair.due_on}."


def closed_window(pair: StandIn, situation: Situation) -> tuple[date, str] | None:
    """The day on which the last window of an original opens, and why a due pair waits for it; None = all are open."""
    closed = [situation.closed[one] for one in pair.originals if one in situation.closed]
    if not closed:
        return None
    clear, cause = max(closed)
    home = originals_named(pair, situation)
    return clear, f"Due since {pair.due_on}, but {home} is inside a window until {clear}: {cause}."


def not_priced(securities: Sequence[int], situation: Situation) -> str:
    """Which of them has no price, or an old one; a sentence, empty = all can be traded at today's."""
    book = situation.book
    unpriced = [book.symbol(one) for one in securities if one not in book.prices]
    if unpriced:
        return f"{' and '.join(unpriced)} has no price."
    stale = [one for one in securities if not book.is_fresh(one)]
    if stale:
        return f"The last price of {book.symbol(stale[0])} is of {book.prices[stale[0]].day}."
    return ""


def horizon_named(situation: Situation) -> str:
    years = plain(Fraction(situation.rules.swap_back_horizon_years))
    return f"{years} {'year' if years == '1' else 'years'}"


def verdict_named(net: Decimal) -> str:
    return f"{in_dollars(net)} to the good" if net > ZERO else f"{in_dollars(-net)} too dear"


def new_money_named(used: Mapping[int, Decimal], situation: Situation) -> str:
    """Dollars and original, one after the other."""
    return " and ".join(
        f"{in_dollars(dollars)} into {situation.book.symbol(one)}" for one, dollars in used.items()
    )


def tracking_told(pair: StandIn, situation: Situation) -> list[dict[str, object]]:
    """Original by original how far what is held strays from it, a year."""
    figures = {one: situation.tracking[one, pair.substitute] for one in pair.originals}
    return [
        {
            "security": situation.book.symbol(one),
            "error": as_text(of.tracking_error),
            "assumed": of.is_assumed,
        }
        for one, of in figures.items()
    ]


def dollars_sold(sold: Mapping[int, Decimal], situation: Situation) -> list[dict[str, str]]:
    """What was sold, for the page."""
    return [
        {"security": situation.book.symbol(one), "dollars": as_text(dollars)}
        for one, dollars in sold.items()
    ]


def told(back: Return, days: int | None, symbol: Callable[[int], str]) -> dict[str, object]:
    """The sum of a way back, numbers as text."""
    return {
        "short_gain": as_text(back.short_gain),
        "long_gain": as_text(back.long_gain),
        "avoided": as_text(back.avoided),
        "tax": as_text(back.tax),
        "later": as_text(back.later),
        "cost": as_text(back.cost),
        "net": as_text(back.net),
        "cash_left": as_text(back.cash_left),
        "break_even_days": "" if days is None else str(days),
        "back_shares": as_text(back.shares),
        "buys": [
            {
                "security": symbol(one.security),
                "shares": as_text(one.quantity),
                "amount": as_text(one.amount),
            }
            for one in back.bought
        ],
    }


def originals_named(pair: StandIn, situation: Situation) -> str:
    """What the pair goes back to."""
    return listed([situation.book.symbol(one) for one in pair.originals])


def listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def in_dollars(value: Decimal) -> str:
    return f"{'-' if value < ZERO else ''}${abs(value):,.2f}"


def in_shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))


def as_text(value: Decimal) -> str:
    return plain(Fraction(value))
