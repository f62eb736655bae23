"""Where part of a lot is worth more than all of it: the tax rate changes, or impact outgrows what is saved. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from harvesting.bounds import cuttable
from harvesting.least_costs import Leasts, least_costs
from harvesting.offers import Offer
from harvesting.sales import resized
from harvesting.types import ZERO
from harvesting.valuation import Problem, value, year_with
from lots.rounding import STORED_SHARES
from lots.year_tax import loss_kinks

_PASSES = 4
_LEAST_LOSS = Decimal("0.01")


def with_lots_cut(chosen: Sequence[Offer], problem: Problem) -> tuple[Offer, ...]:
    """The set with the shares of each lot where the whole gains most by it, one lot after the other.

    Only lots that nothing requires, and that require nothing, are cut: the others are clean only entirely.
    """
    free = cuttable(problem)
    least = least_costs(problem, cut=free)
    best = tuple(chosen)
    reached = value(best, problem) or ZERO
    for _ in range(_PASSES):
        before = reached
        for offer in problem.offers:
            if offer.key not in free:
                continue
            others = tuple(one for one in best if one.key != offer.key)
            for size in _sizes(offer, others, least, problem):
                tried = (*others, size)
                worth = value(tried, problem)
                if worth is not None and worth > reached:
                    best, reached = tried, worth
        if reached == before:
            break
    return best


def _sizes(
    offer: Offer, others: Sequence[Offer], least: Leasts, problem: Problem
) -> Iterator[Offer]:
    """The offer whole, and with the shares at which its worth may bend beside the others."""
    yield offer
    sale = offer.sale
    for part in _bends(offer, others, least, problem):
        for quantity in _tradable(sale.quantity * part, sale.lot.account, problem):
            if ZERO < quantity < sale.quantity:
                cut = resized(sale, quantity)
                if cut.loss >= max(problem.smallest_loss, _LEAST_LOSS):
                    yield replace(offer, sale=cut)


def _bends(
    offer: Offer, others: Sequence[Offer], least: Leasts, problem: Problem
) -> Iterator[Decimal]:
    """Parts of the lot: its loss brought to a change of the rate, and no more than its impact leaves worth selling."""
    sale, tax = offer.sale, problem.tax
    for kink in loss_kinks(year_with(others, tax), term=sale.term, upto=sale.loss):
        yield kink / sale.loss
    rates = {tax.short_rate, tax.long_rate, tax.ordinary_rate, tax.carried_loss_value}
    for rate in sorted(rates):
        yield from least.best_parts(offer, rate)


def _tradable(shares: Decimal, account: int, problem: Problem) -> tuple[Decimal, ...]:
    """Shares that can be sold, next below and next above."""
    if account in problem.trading.fractional:
        return (shares.quantize(STORED_SHARES, ROUND_FLOOR),)
    whole = shares.to_integral_value(ROUND_FLOOR)
    return whole, whole + 1
