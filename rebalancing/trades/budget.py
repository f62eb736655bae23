"""A rebalance inside the household's yearly budget of gains (F35): pure Decimal around the optimiser.

The optimiser is given no budget: rounding to whole shares could break its caps again. Where its trades realise more
gain, or add more tax, than is left, lots at a gain are made less sellable and it solves again: the shares that gain
most per dollar sold go first (where the tax is the limit, that cost most tax per dollar), of the terms over their
limit only, and no more of them than brings the rest inside. Lots that would take their place at as high a gain or
higher are held at what the optimiser wanted of them. After three rounds every lot at a gain of those terms is held
so; what is still outside then is no proposal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from lots.types import LotRow, Term
from proposals.budgets import Excess, Gains, Limit, Usage, excesses, gains_of
from proposals.types import DraftTrade, Side
from rebalancing.errors import RebalancingError
from rebalancing.telling.amounts import dollars, per_cent
from rebalancing.telling.figures import Figures
from rebalancing.types import ZERO, HouseholdState, Kept, StateLot

ROUNDS = 3  # before every lot at a gain is held at what was wanted of it
LotKey = tuple[int, int]
Solve = Callable[[HouseholdState], Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """The trades inside the budget, the state they are computed from, and what it was without the budget.

    ``broken`` are the limits that the trades without a budget break, empty where the budget did not bind; ``left_over``
    those that remain broken, and then ``figures`` must not be proposed.
    """

    figures: Figures
    state: HouseholdState
    free: Figures
    broken: tuple[Excess, ...] = ()
    left_over: tuple[Excess, ...] = ()
    conflict: str = ""  # what the optimiser says where it has no answer inside the budget

    @property
    def is_bound(self) -> bool:
        return bool(self.broken)


def within(
    state: HouseholdState,
    usage: Usage | None,
    lots: Mapping[LotKey, LotRow],
    solve: Solve,
) -> Bounded:
    """The best trades inside what is left of the budget; ``lots`` are the household's as booked.

    Raises what ``solve`` raises for the household without a budget.
    """
    free = solve(state)
    broken = _broken(free.trades, state, usage, lots)
    if not broken or usage is None:
        return Bounded(figures=free, state=state, free=free)
    figures, left_over = free, broken
    for number in range(ROUNDS + 1):
        state = _less_sellable(
            state, figures.trades, left_over, usage, lots, every=number == ROUNDS
        )
        try:
            figures = solve(state)
        except RebalancingError as error:
            return Bounded(
                figures=figures,
                state=state,
                free=free,
                broken=broken,
                left_over=left_over,
                conflict=str(error),
            )
        left_over = _broken(figures.trades, state, usage, lots)
        if not left_over:
            break
    return Bounded(figures=figures, state=state, free=free, broken=broken, left_over=left_over)


def why_not(bounded: Bounded) -> str:
    """Why there is no proposal inside the budget, with the figures."""
    told = " ".join(excess.sentence for excess in bounded.broken)
    if bounded.conflict:
        return f"{told} Inside the budget there is no answer: {bounded.conflict}"
    if bounded.left_over:
        return f"{told} No trades inside the budget were found."
    return f"{told} Inside the budget nothing that may be traded makes it better."


def explanation(
    bounded: Bounded, prices: Mapping[Limit, Decimal] | str = ""
) -> dict[str, object] | None:
    """What the budget changed, for the page; None where it did not bind.

    ``prices`` are basis points of tracking error that $1,000 more of a limit would buy, or why they are not known
    (``rebalancing.trades.gain_prices``).
    """
    if not bounded.is_bound:
        return None
    rows = []
    known = {} if isinstance(prices, str) else prices
    for excess in bounded.broken:
        gains = _of_term(excess.limit, bounded.figures)
        rows.append(
            {
                "limit": excess.limit.value,
                "most": f"{excess.most:.2f}",
                "used": f"{excess.before or ZERO:.2f}",
                "without_budget": f"{excess.after or ZERO:.2f}",
                "over": f"{excess.over:.2f}",
                "these_trades": "" if gains is None else f"{gains:.2f}",
                "price_bp": str(known[excess.limit]) if excess.limit in known else None,
            }
        )
    free, now = bounded.free, bounded.figures
    return {
        "rows": rows,
        "risk_without": str(free.risk_after),
        "sentence": (
            f"{_what_binds(bounded)} binds: {' '.join(one.sentence for one in bounded.broken)} "
            "Those trades were made smaller; the tracking error comes to "
            f"{per_cent(now.risk_after)} instead of {per_cent(free.risk_after)}."
            + _priced(bounded, prices)
        ),
    }


def _what_binds(bounded: Bounded) -> str:
    if all(one.limit is Limit.FACTOR for one in bounded.broken):
        return "The policy's limit on gains for the factor reason"
    return "The household's budget of gains"


def _priced(bounded: Bounded, prices: Mapping[Limit, Decimal] | str) -> str:
    """What a little more of each limit that binds would buy."""
    if isinstance(prices, str):
        return f" What $1,000 more would buy is not known: {prices}." if prices else ""
    aim = "" if bounded.state.aims is None else " against what the band rule aims at"
    return "".join(
        f" $1,000 more {one.limit} would buy {prices[one.limit]} basis points of tracking error{aim}."
        for one in bounded.broken
        if one.limit in prices
    )


def sentence(bounded: Bounded) -> str:
    """What the proposal's one sentence adds; empty where the budget did not bind."""
    if not bounded.is_bound:
        return ""
    told = " and ".join(
        f"the {one.limit.named} of {one.allowed} (by {dollars(one.over)})" for one in bounded.broken
    )
    return f" Bound by {told}."


def _of_term(limit: Limit, figures: Figures) -> Decimal | None:
    if limit is Limit.TAX:
        return figures.worth.tax
    if limit is Limit.FACTOR:
        return figures.short_gain + figures.long_gain
    return figures.short_gain if limit is Limit.SHORT else figures.long_gain


def _broken(
    trades: Sequence[DraftTrade],
    state: HouseholdState,
    usage: Usage | None,
    lots: Mapping[LotKey, LotRow],
) -> tuple[Excess, ...]:
    return () if usage is None else excesses(usage, _gains(trades, state, usage, lots))


def _gains(
    trades: Sequence[DraftTrade],
    state: HouseholdState,
    usage: Usage,
    lots: Mapping[LotKey, LotRow],
) -> Gains:
    """By the function that submission and approval ask."""
    return gains_of(trades, lots, accounts=usage.accounts, as_of=state.as_of)


def _less_sellable(
    state: HouseholdState,
    trades: Sequence[DraftTrade],
    broken: Sequence[Excess],
    usage: Usage,
    lots: Mapping[LotKey, LotRow],
    *,
    every: bool,
) -> HouseholdState:
    """The state in which what was too much cannot be sold again; with ``every`` no other gain in its place either."""
    terms = _terms_over(broken)
    by_tax = any(excess.limit is Limit.TAX for excess in broken)
    wanted = {
        (trade.opening or 0, trade.part or 0): trade.quantity
        for trade in trades
        if trade.side is Side.SELL
    }
    counted = [
        lot
        for lot in state.lots
        if lot.account in usage.accounts and lot.term in terms and _gain(lot, state) > ZERO
    ]
    dearness = {lot.key: _per_dollar(lot, state, by_tax=by_tax) for lot in counted}
    sold = sorted(
        (lot for lot in counted if wanted.get(lot.key)),
        key=lambda lot: (-dearness[lot.key], lot.key),
    )
    kept = dict(wanted)
    last = Fraction(0)
    for lot in sold:
        last = dearness[lot.key]
        kept[lot.key] = _most_that_fits(lot, kept, trades, state, usage, lots)
        if kept[lot.key]:
            break
        if not excesses(usage, _gains(_cut(trades, kept), state, usage, lots)):
            break
    held = {
        lot.key: kept.get(lot.key, ZERO) for lot in counted if every or dearness[lot.key] >= last
    }
    only_factor = all(excess.limit is Limit.FACTOR for excess in broken)
    return state.keeping(
        (
            replace(lot, sellable=min(lot.sellable, held.get(lot.key, lot.sellable)))
            for lot in state.lots
        ),
        Kept.FACTOR if only_factor else Kept.BUDGET,
    )


def _terms_over(broken: Sequence[Excess]) -> frozenset[Term]:
    """The terms whose gains are too much; a limit on the tax, or for the factor reason, is about both."""
    of = {
        Limit.SHORT: {Term.SHORT},
        Limit.LONG: {Term.LONG},
        Limit.TAX: {Term.SHORT, Term.LONG},
        Limit.FACTOR: {Term.SHORT, Term.LONG},
    }
    return frozenset(term for excess in broken for term in of[excess.limit])


def _most_that_fits(
    lot: StateLot,
    kept: Mapping[LotKey, Decimal],
    trades: Sequence[DraftTrade],
    state: HouseholdState,
    usage: Usage,
    lots: Mapping[LotKey, LotRow],
) -> Decimal:
    """Whole shares of a lot that may still be sold beside what is kept of the others; 0 where none fit."""
    low, high = 0, int(kept[lot.key])
    while low < high:
        middle = (low + high + 1) // 2
        tried = _cut(trades, {**kept, lot.key: Decimal(middle)})
        if excesses(usage, _gains(tried, state, usage, lots)):
            high = middle - 1
        else:
            low = middle
    return Decimal(low)


def _cut(trades: Sequence[DraftTrade], kept: Mapping[LotKey, Decimal]) -> list[DraftTrade]:
    """The trades with fewer shares sold; sales of nothing are left out."""
    found = []
    for trade in trades:
        if trade.side is Side.SELL:
            trade = replace(trade, quantity=kept[trade.opening or 0, trade.part or 0])
        if trade.quantity:
            found.append(trade)
    return found


def _gain(lot: StateLot, state: HouseholdState) -> Decimal:
    return lot.quantity * state.prices[lot.security] - lot.basis


def _per_dollar(lot: StateLot, state: HouseholdState, *, by_tax: bool) -> Fraction:
    """Gain per dollar sold; where the tax is the limit, tax per dollar sold at the rates of the household's place."""
    proceeds = Fraction(lot.quantity) * Fraction(state.prices[lot.security])
    rate = state.tax.short_rate if lot.term is Term.SHORT else state.tax.long_rate
    return Fraction(_gain(lot, state)) / proceeds * (Fraction(rate) if by_tax else 1)
