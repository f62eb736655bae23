"""Which account holds what: the yearly tax on dividends and interest, and what choosing saves (F36). Pure Decimal.

A dollar of a security in a taxable account costs ``ordinary yield x short-term rate + qualified yield x long-term
rate`` a year: the rates are those of the household's place, NIIT and state included, and dividends are ordinary income
or taxed as long-term gain (IRC 1(h)(11)). What is exempt costs nothing; a state that taxes it is not known here.

In an IRA or a Roth nothing is taxed in the year. That is all that is counted: neither what leaves an IRA as ordinary
income, nor that it ends the preferential rate of its gains, nor that what grows most is best in a Roth. So a holding
moves for its yield alone.

The optimiser may not be paid for holding less of what yields: the model decides how much. Costs are therefore counted
against the household holding each security in every account alike, ``t`` being the taxable part of its value: a dollar
in a taxable account costs ``drag x (1 - t)``, one in a retirement account ``-drag x t``. A household with accounts of
one sort only has no costs of location.
"""

from collections.abc import Mapping
from decimal import Decimal

from lots.year_tax import TaxPosition
from rebalancing.types import ONE, ZERO, HouseholdState, Position
from securities.types import Yields


def yearly_drags(yields: Mapping[int, Yields], tax: TaxPosition) -> dict[int, Decimal]:
    """Security -> tax a year on a dollar of it in a taxable account; those without are left out."""
    found = {
        security: one.ordinary * tax.short_rate + one.qualified * tax.long_rate
        for security, one in yields.items()
    }
    return {security: drag for security, drag in found.items() if drag > ZERO}


def taxable_part(state: HouseholdState) -> Decimal:
    """The part of the household's value in taxable accounts, 0 to 1."""
    worth = {account.id: max(account.cash, ZERO) for account in state.accounts}
    for (account, security), quantity in state.shares().items():
        worth[account] += quantity * state.prices[security]
    total = sum(worth.values(), ZERO)
    taxed = sum((worth[account.id] for account in state.accounts if account.is_taxable), ZERO)
    return taxed / total if total > ZERO else ONE


def costs(state: HouseholdState) -> dict[Position, Decimal] | None:
    """Position -> yearly cost of a dollar there against the average location; None where there is nothing to choose.

    Positions of every account and security of the state; negative where the dollar lies better than on average.
    """
    part = taxable_part(state)
    if not state.drags or part in (ZERO, ONE):
        return None
    return {
        (account.id, security): drag * (ONE - part) if account.is_taxable else -drag * part
        for account in state.accounts
        for security, drag in state.drags.items()
    }


def benefit(state: HouseholdState, shares: Mapping[Position, Decimal]) -> Decimal:
    """Dollars of tax a year that where the shares lie saves against the average location; negative: it costs."""
    found = costs(state)
    if found is None:
        return ZERO
    return -sum(
        (
            quantity * state.prices[position[1]] * found.get(position, ZERO)
            for position, quantity in shares.items()
        ),
        ZERO,
    )
