"""A plan is proposed only if the tax engine itself finds no new wash sale in it."""

from collections.abc import Sequence
from dataclasses import replace

from harvesting import drafts, finder
from harvesting.types import Book, Plan, Surroundings
from lots.types import Ledger, LotRow
from proposals.compliance import entries_of, washed_by
from proposals.types import NewWash


def clean_plan(book: Book, lots: Sequence[LotRow], around: Surroundings, ledger: Ledger) -> Plan:
    """The plan that the tax engine finds no wash sale in, before against after.

    What it objects to is taken out and the rest decided again: the security, if its sale would be washed; the
    substitutes identical to it, if their purchase would wash a loss taken before. Each round takes out something.
    """
    while True:
        plan = finder.find(book, lots, around)
        if not plan.candidates:
            return plan
        washes = washed_by(ledger, entries_of(drafts.trades_of(plan), book.as_of))
        if not washes:
            return plan
        around = _without(around, washes, plan, book)


def _without(
    around: Surroundings, washes: Sequence[NewWash], plan: Plan, book: Book
) -> Surroundings:
    washing, blocked = dict(around.washing), dict(around.buy_blocked)
    sold = {candidate.sale.lot.security for candidate in plan.candidates}
    bought = {pair.substitute for pair in plan.pairs}
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
