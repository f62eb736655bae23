"""Everything that a check of trades needs to know about a household."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from accounts.canonical import decimal_text
from accounts.selectors import accounts_of, firm_of, tax_profile
from lots import selectors as lot_selectors
from lots.policy_points import decided
from lots.types import LedgerEntry, Source
from proposals.compliance import Facts, coming_entries, entries_of, feasible, with_entries
from proposals.costs import cash_moved
from proposals.models import Proposal
from proposals.selectors.budgets import usage_given
from proposals.selectors.costs import trading_costs
from proposals.selectors.open_windows import windows_given
from proposals.types import AcceptedWash, Intention, Verdict
from securities import selectors as securities

ZERO = Decimal(0)


def facts(
    household_id: int,
    as_of: date,
    *,
    on_the_way: Sequence[Intention],
) -> Facts:
    """Fresh facts of a household, with the trades of ``on_the_way`` counted in ledger, windows and cash.

    What will be bought by itself is in ledger and windows: a loss sold today can be washed by it (R5, R25).
    """
    firm_id = firm_of(household_id)
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(household_id)}
    accounts = {account.pk: account for account in accounts_of(household_id)}
    possible = feasible(on_the_way, lots)
    costs = trading_costs(household_id, as_of)
    cash = dict(lot_selectors.cash(household_id))
    for account, change in cash_moved(possible, costs).items():
        cash[account] = cash.get(account, ZERO) + change
    windows = windows_given(household_id, as_of, on_the_way=on_the_way, lots=lots)
    return Facts(
        as_of=as_of,
        ledger=with_entries(
            lot_selectors.ledger(household_id),
            (*_entries_by_proposal(possible, as_of), *coming_entries(windows.coming)),
        ),
        lots=lots,
        windows=windows,
        quotes=securities.latest_prices(firm_id, as_of),
        delisted=securities.delisted(firm_id, as_of),
        costs=costs,
        cash=cash,
        groups=lot_selectors.identical_sets(firm_id, as_of),
        symbols=securities.symbols(firm_id),
        accounts={pk: account.name for pk, account in accounts.items()},
        taxable=frozenset(pk for pk, account in accounts.items() if account.is_taxable),
        budget=usage_given(household_id, as_of, on_the_way=possible, lots=lots),
        unreconciled=lot_selectors.unreconciled(household_id, as_of),
        on_the_way=tuple(possible),
    )


def accepted_wash(proposal: Proposal) -> AcceptedWash:
    """What a person accepted by approving the proposal, at the prices at which it was shown; nothing before that."""
    accepted = [
        decision.accepted_wash
        for decision in proposal.decisions.all()
        if decision.verdict == Verdict.APPROVE
    ]
    prices = {trade.security_id: trade.price for trade in proposal.trades.all()}
    return AcceptedWash(sum(accepted, ZERO), prices)


def tax_profile_facts(household_id: int, year: int) -> dict[str, str]:
    """The household's tax profile, what others sold this year, and how the firm reads the law, as text.

    Empty where there is no profile.
    """
    profile = tax_profile(household_id, year)
    if profile is None:
        return {}
    fields = {
        field.name: _field_text(getattr(profile, field.name))
        for field in profile._meta.concrete_fields
        if field.name not in ("id", "household")
    }
    # What our own orders realise was foreseen; what anybody else sold was not.
    sold = lot_selectors.realized(household_id, year, source=Source.STATEMENT)
    firm_id = firm_of(household_id)
    reading = decided(lot_selectors.policy(firm_id))
    return {
        **fields,
        **{f"{one.point.rule}_{one.point.field}": str(one.value) for one in reading},
        "short_realised_by_others": decimal_text(sold.short),
        "long_realised_by_others": decimal_text(sold.long),
    }


def _field_text(value: object) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _entries_by_proposal(
    on_the_way: Sequence[Intention], trade_date: date
) -> tuple[LedgerEntry, ...]:
    """Each proposal's orders are sales and purchase blocks of their own."""
    by_proposal: dict[int, list[Intention]] = {}
    for one in on_the_way:
        by_proposal.setdefault(one.proposal, []).append(one)
    return tuple(
        entry
        for proposal, trades in by_proposal.items()
        for entry in entries_of(trades, trade_date, prefix=f"proposal {proposal}")
    )
