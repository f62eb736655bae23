"""What the trades of a household cost, as far as the firm has said."""

from datetime import date

from accounts.one_look import kept_while
from accounts.selectors import accounts_of, firm_of
from proposals.costs import Commission, TradingCosts
from proposals.models import CommissionSchedule
from securities import selectors as securities


def trading_costs(household_id: int, as_of: date) -> TradingCosts:
    """Spreads, volumes and volatilities of the firm's securities, and what each account's custodian charges (F8-F10).

    A volatility is the one of the latest night on or before ``as_of``, a half spread the one in force on the day. Four
    queries.
    """
    firm = firm_of(household_id)
    facts = securities.trading_facts(firm, as_of)
    return TradingCosts(
        half_spreads={security: one.half_spread for security, one in facts.items()},
        commissions=_commissions(household_id, firm),
        volatilities={
            security: one.annual_volatility
            for security, one in facts.items()
            if one.annual_volatility is not None
        },
        daily_volumes={
            security: one.daily_volume
            for security, one in facts.items()
            if one.daily_volume is not None
        },
        spread_sources={security: one.spread_source for security, one in facts.items()},
    )


def _commissions(household_id: int, firm_id: int) -> dict[int, Commission]:
    """By account; accounts whose custodian has no schedule are left out."""
    known = schedules(firm_id)
    return {
        account.pk: known[account.custodian]
        for account in accounts_of(household_id)
        if account.custodian in known
    }


@kept_while(securities.facts_stamp)
def schedules(firm_id: int) -> dict[str, Commission]:
    """Custodian -> what it charges."""
    return {
        row.custodian: Commission(
            per_order=row.per_order,
            per_share=row.per_share,
            of_amount=row.of_amount,
            minimum=row.minimum,
        )
        for row in CommissionSchedule.objects.filter(firm=firm_id)
    }
