"""What a proposal buys shortly before a capital-gain distribution (F39)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from lots import selectors as lot_selectors
from lots.types import Term
from proposals.distributions import DAYS_AHEAD, Announced, BoughtBefore, bought_before
from proposals.models import Proposal
from proposals.selectors.budgets import accounts_on_the_return
from proposals.types import OPEN, Side, Status
from securities.selectors import announced_distributions, symbols


@dataclass(frozen=True, slots=True)
class DistributionLine:
    """A purchase before a distribution, with the names for people."""

    symbol: str
    account: str
    bought: BoughtBefore


def distributions_ahead(proposal: Proposal, today: date) -> Sequence[DistributionLine]:
    """What the purchases of an open proposal would receive of gains distributed in the 30 days after ``today``.

    Only accounts on the household's return: in a retirement account nothing is taxed (R16), and a corporation's income
    is another taxpayer's. One query where nothing is announced.
    """
    if Status(proposal.status) not in OPEN:
        return ()
    trades = list(proposal.trades.all())
    bought = {trade.security_id for trade in trades if trade.side == Side.BUY}
    rows = announced_distributions(bought, today, today + timedelta(days=DAYS_AHEAD))
    if not rows:
        return ()
    announced = [
        Announced(security, ex_date, Term(kind), amount, source)
        for security, ex_date, kind, amount, source in rows
    ]
    household = proposal.household
    asked = {(household.pk, one.ex_date.year) for one in announced}
    taxes = lot_selectors.taxes_or_reasons(asked)
    found = bought_before(
        trades,
        announced,
        today=today,
        taxable=accounts_on_the_return(household.pk),
        years={year: position for (_, year), position in taxes.items()},
    )
    names = symbols(household.firm_id)
    accounts = {trade.account_id: trade.account.name for trade in trades}
    return [
        DistributionLine(names[one.announced.security], accounts[one.account], one) for one in found
    ]
