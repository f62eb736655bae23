"""A plan is proposed only if the tax engine itself finds no new wash sale in it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from harvesting import drafts, finder
from harvesting.strategic import with_deferred
from harvesting.types import ZERO, Book, Plan, Surroundings
from lots.types import Ledger, LotRow
from proposals.compliance import entries_of, washed_by
from proposals.types import NewWash

_CENT = Decimal("0.01")


def clean_plan(
    book: Book, lots: Sequence[LotRow], around: Surroundings, ledger: Ledger
) -> tuple[Plan, Surroundings]:
    """The plan that the tax engine finds no wash sale in, before against after, but what was priced and is deferred.

    With it the surroundings that it follows from: those given, and what the engine said.

    What it objects to is taken out and the rest decided again: the security, if its sale would be washed; the
    substitutes identical to it, if their purchase would wash a loss taken before; a strategic wash sale, if the engine
    defers another sum than was priced, or takes a dollar away for ever. Each round takes out something.
    """
    around = with_deferred(book, lots, around, ledger)
    while True:
        plan = finder.find(book, lots, around)
        if not plan.candidates:
            return plan, around
        washes = washed_by(ledger, entries_of(drafts.trades_of(plan), book.as_of))
        if not washes and not plan.deferred:
            return plan, around
        if plan.deferred:
            if _as_priced(plan, washes):
                deferred = sum((wash.amount for wash in washes), ZERO)
                return replace(plan, deferred=deferred), around
            around = replace(around, deferred={})  # once and for all: the next rounds are clean
            continue
        around = _without(around, washes, plan, book)


def _as_priced(plan: Plan, washes: Sequence[NewWash]) -> bool:
    """Whether the engine defers what the plan says, of the plan's own strategic sales, and nothing for ever."""
    strategic = {one.sale.place for one in plan.candidates if one.deferred}
    if any(wash.permanent or (wash.account, wash.security) not in strategic for wash in washes):
        return False
    engine = sum((wash.amount for wash in washes), ZERO)
    return abs(engine - plan.deferred) <= _CENT * len(plan.candidates)


def _without(
    around: Surroundings, washes: Sequence[NewWash], plan: Plan, book: Book
) -> Surroundings:
    washing, blocked = dict(around.washing), dict(around.buy_blocked)
    sold = {candidate.sale.lot.security for candidate in plan.candidates}
    bought = {pair.substitute for pair in plan.pairs if pair.substitute is not None}
    for wash in washes:
        group = around.group_of(wash.security)
        lost = f"${wash.amount:,.2f} of the loss on {book.symbol(wash.security)}"
        for security in sorted(group & bought):
            blocked[security] = f"blocked: buying it would wash {lost} sold on {wash.trade_date}"
        if not group & bought:
            for security in sorted(group & sold):
                washing[security] = f"The tax engine finds that {lost} would be washed (R5)."
    if (washing, blocked) == (around.washing, around.buy_blocked):
        # Neither leg is of the washed group: take out everything rather than propose a wash sale.
        text = "The tax engine finds a wash sale that no single trade explains."
        washing.update(dict.fromkeys(sold, text))
    return replace(around, washing=washing, buy_blocked=blocked)
