"""From the best set of sales to a plan: every figure to the cent, so that the parts add up to the totals. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from harvesting.choice import Best
from harvesting.economics import later_rate, saved_by, to_the_cent, with_loss
from harvesting.offers import Offer
from harvesting.pairs import share_of_cost
from harvesting.sales import finding_of, plain_shares
from harvesting.types import (
    CASH,
    ZERO,
    Book,
    Candidate,
    Finding,
    Outcome,
    Pair,
    Plan,
    Sale,
    Surroundings,
    Terms,
)
from harvesting.valuation import (
    Charges,
    Destination,
    Problem,
    charged_together,
    going_back,
    pairs_of,
)
from lots.rounding import cents, spread


def plan_of(
    best: Best,
    taken: Sequence[Sale],
    others: Iterable[Finding],
    *,
    book: Book,
    around: Surroundings,
    problem: Problem,
) -> Plan:
    """The plan of ``taken``, the sales of the best set with what fractions go along; ``others`` are passed over.

    Lots are valued one after the other, cheapest per dollar of loss first, each on the year that the ones before it
    have left; S and K are spread by largest remainder, so that the lots add up to the plan.
    """
    offers = [_offer_of(sale, best) for sale in taken]
    pairs = pairs_of(taken, best.destinations, problem)
    pair_of = {sale.key: pair for pair in pairs for sale in pair.sales}
    charged = charged_together(offers, best.destinations, pairs, problem)
    marginals, gross, year = [], [], around.tax
    for one in offers:
        marginals.append(Fraction(saved_by(year, one.sale, allowed=one.allowed)))
        gross.append(saved_by(year, one.sale))
        year = with_loss(year, one.sale.term, one.allowed)
    costs = [share_of_cost(one.sale, pair_of[one.key], problem.trading) for one in offers]
    saved = spread(cents(sum(marginals, Fraction(0))), marginals)
    paid = spread(cents(sum(costs, Fraction(0))), costs)
    candidates = tuple(
        _candidate(
            one,
            best.destinations[one.sale.place],
            charged[one.key],
            saved=saved[at],
            gross=gross[at],
            paid=paid[at],
            cost=_with_going_back(one.sale, paid[at], pair_of[one.key], problem),
            book=book,
            around=around,
        )
        for at, one in enumerate(offers)
    )
    findings = (*(_taken(one, book) for one in candidates), *others)
    return Plan(
        candidates=candidates,
        pairs=pairs,
        findings=findings,
        tax_saved=sum((one.tax_saved for one in candidates), ZERO),
        cost=sum(paid, ZERO),
        net=sum((one.terms.net for one in candidates), ZERO),
        gap=to_the_cent(best.gap),
        deferred=sum((one.deferred for one in candidates), ZERO),
    )


def _offer_of(sale: Sale, best: Best) -> Offer:
    """The offer behind a sale; what only goes along with a whole position is a companion."""
    for one in best.offers:
        if one.key == sale.key:
            return replace(one, sale=sale)
    return Offer(sale, is_companion=True)


def _with_going_back(sale: Sale, paid: Decimal, pair: Pair, problem: Problem) -> Decimal:
    """K of a sale to the cent: what is ``paid`` now, and for going back where it may."""
    again = going_back(pair, problem)
    if again is None or sale.place in problem.stays_sold:
        return paid + ZERO
    chance = problem.rules.swap_back_chance
    if again is pair:
        return to_the_cent(paid * (1 + chance))
    return paid + cents(Fraction(chance) * share_of_cost(sale, again, problem.trading))


def _candidate(
    offer: Offer,
    to: Destination,
    charges: Charges,
    *,
    saved: Decimal,
    gross: Decimal,
    paid: Decimal,
    cost: Decimal,
    book: Book,
    around: Surroundings,
) -> Candidate:
    rate = later_rate(book.rules, around.tax)
    parked = to.security == CASH
    later_of_washed = to_the_cent(offer.deferred * rate)
    shown = to_the_cent(gross) if offer.deferred else saved
    return Candidate(
        sale=offer.sale,
        substitute=None if parked else to.security,
        tax_saved=saved,
        trading_cost=paid,
        deferred=to_the_cent(offer.deferred),
        is_companion=offer.is_companion,
        terms=Terms(
            saved=shown,
            later=to_the_cent(charges.later) + later_of_washed,
            cost=cost,
            window=to_the_cent(charges.window),
            swap_back=to_the_cent(charges.swap_back),
            tracking=to_the_cent(charges.tracking),
            dividends=to_the_cent(charges.dividends),
            wash=shown - saved - later_of_washed,
        ),
    )


def _taken(candidate: Candidate, book: Book) -> Finding:
    sale = candidate.sale
    into = (
        "hold the money in cash"
        if candidate.substitute is None
        else f"buy {book.symbol(candidate.substitute)}"
    )
    sold = f"Sell {plain_shares(sale.quantity)} {book.symbol(sale.lot.security)} for ${sale.amount:,.2f}"
    if candidate.is_companion:
        result = "a loss" if sale.loss > ZERO else "a gain"
        why = (
            f"{sold} ({result} of ${abs(sale.loss):,.2f}) along with the older lots, because it was bought in the "
            f"last 30 days and would wash their loss, and {into}."
        )
    else:
        why = (
            f"{sold} ({sale.term}-term loss ${sale.loss:,.2f}) and {into}: saves ${candidate.tax_saved:,.2f} of tax "
            f"now, net ${candidate.terms.net:,.2f} after everything that it costs."
        )
    if candidate.deferred:
        why += (
            f" ${candidate.deferred:,.2f} of the loss is deferred into shares bought in the window."
        )
    finding = finding_of(sale, Outcome.TAKE, why, terms=candidate.terms)
    return replace(finding, substitute=candidate.substitute)
