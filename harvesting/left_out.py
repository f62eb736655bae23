"""Why the best set leaves an offer out, in one sentence with the figures. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from harvesting import valuation
from harvesting.choice import Best, needed
from harvesting.offers import Offer
from harvesting.pairs import money_of
from harvesting.sales import finding_of
from harvesting.types import Book, Finding, Outcome
from harvesting.valuation import Destination, Problem, Routes


def left_out(
    offer: Offer, best: Best, problem: Problem, book: Book, later_rate: Decimal
) -> Finding:
    """The verdict on an offer beside the best set: it has nowhere to go, takes another's place, or is not worth it."""
    by_key = {one.key: one for one in problem.offers}
    together = [
        *best.offers,
        *(by_key[key] for key in needed(offer.key, by_key) - {one.key for one in best.offers}),
    ]
    ways = valuation.routes(together, problem)
    if offer.sale.place in ways.stranded:
        return _homeless(offer, together, problem, book, later_rate)
    if ways.stranded:
        return _displacing(offer, ways, best, problem, book, later_rate)
    return _without_benefit(offer, ways.found[offer.sale.place], best, problem, later_rate)


def _homeless(
    offer: Offer, together: Sequence[Offer], problem: Problem, book: Book, later_rate: Decimal
) -> Finding:
    """Each of its substitutes is sold itself, or costs more than the money."""
    sold = valuation.sold_with(together, problem)
    own = [one.sale for one in together if one.sale.place == offer.sale.place]
    money = money_of(own, problem.trading)
    ranked = problem.legal[offer.sale.lot.security]
    too_dear = [
        f"${money:,.2f} do not buy one share of {book.symbol(one)} at ${problem.trading.prices[one]:,.2f}"
        for one in ranked
        if one not in sold
    ]
    blocked = [
        f"{book.symbol(one)} is sold at a loss in this proposal" for one in ranked if one in sold
    ]
    if not blocked:
        return finding_of(offer.sale, Outcome.TOO_SMALL, f"{'; '.join(too_dear)}.")
    why = f"No substitute can be bought: {'; '.join([*blocked, *too_dear])}."
    terms = valuation.alone(offer, problem, later_rate)
    return finding_of(offer.sale, Outcome.SUBSTITUTE_BLOCKED, why, terms=terms)


def _displacing(
    offer: Offer, ways: Routes, best: Best, problem: Problem, book: Book, later_rate: Decimal
) -> Finding:
    """What is sold of more worth would have no substitute left; unless the offer is not worth its own floor either."""
    finding = _without_benefit(offer, ways.found[offer.sale.place], best, problem, later_rate)
    assert finding.terms is not None
    if finding.terms.net < valuation.hurdle(1, problem.rules):
        return finding
    others = ", ".join(sorted({book.symbol(security) for _, security in ways.stranded}))
    symbol = book.symbol(offer.sale.lot.security)
    why = f"{symbol} is bought instead of {others} in this proposal: it cannot be sold as well."
    return replace(finding, outcome=Outcome.SUBSTITUTE_BLOCKED, detail=why)


def _without_benefit(
    offer: Offer, to: Destination, best: Best, problem: Problem, later_rate: Decimal
) -> Finding:
    """Its sum, alone in its orders, on the year that the best set leaves."""
    year = valuation.year_with(best.offers, problem.tax)
    terms = valuation.terms_of(offer, to, replace(problem, tax=year), later_rate)
    why = (
        f"It would save ${terms.saved:,.2f} of tax at this household's rates after netting, less "
        f"${terms.charges:,.2f}: net ${terms.net:,.2f}; {_floor(offer, to, best, problem)}."
    )
    return finding_of(offer.sale, Outcome.NO_BENEFIT, why, terms=terms)


def _floor(offer: Offer, to: Destination, best: Best, problem: Problem) -> str:
    pairs = {
        (one.sale.lot.account, best.destinations[one.sale.place].security) for one in best.offers
    }
    if (offer.sale.lot.account, to.security) in pairs:
        return f"a further lot of a pair must reach ${problem.rules.minimum_benefit:,.2f}"
    return f"a pair must reach ${valuation.hurdle(1, problem.rules):,.2f}"
