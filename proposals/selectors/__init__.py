"""Reads about proposals: what a household must not trade, what is on its way, and the pages' lists."""

from proposals.selectors.budgets import (
    accounts_on_the_return,
    budget_of_proposal,
    budget_rows,
    budget_usage,
    gain_budget,
)
from proposals.selectors.check_facts import accepted_wash, facts, tax_profile_facts
from proposals.selectors.coming import (
    cash_flows,
    coming_purchases,
    open_cash_flows,
    restrictions,
    restrictions_in,
)
from proposals.selectors.costs import trading_costs
from proposals.selectors.desk import (
    OrderFile,
    PendingTotal,
    held_back,
    household_proposals,
    inbox,
    order,
    order_export,
    order_exports,
    order_file,
    orders,
    pending_kinds,
    pending_totals,
    proposal,
    waiting_orders,
)
from proposals.selectors.distributions import DistributionLine, distributions_ahead
from proposals.selectors.execution_costs import (
    TaxYears,
    TradedRow,
    order_taxes,
    traded_batches,
    traded_orders,
)
from proposals.selectors.intentions import COMMITTED, draft_trades, intentions
from proposals.selectors.open_windows import draft_intentions, windows
from proposals.selectors.order_lots import lots_left, lots_sold
from proposals.selectors.own_washes import unaccepted_washes
from proposals.selectors.pairs import (
    households_with_pairs,
    open_pairs,
    overdue_pairs,
    stand_ins,
    waived_pairs,
)
from proposals.selectors.traded_sums import TradedSums, traded_sums
from proposals.selectors.window_page import (
    HouseholdWindows,
    WindowFilter,
    household_windows,
    window_households,
    window_rows_of,
    window_table,
)
from proposals.selectors.window_rows import window_rows

__all__ = [
    "COMMITTED",
    "DistributionLine",
    "HouseholdWindows",
    "OrderFile",
    "PendingTotal",
    "TaxYears",
    "TradedRow",
    "TradedSums",
    "WindowFilter",
    "accepted_wash",
    "accounts_on_the_return",
    "budget_of_proposal",
    "budget_rows",
    "budget_usage",
    "cash_flows",
    "coming_purchases",
    "distributions_ahead",
    "draft_intentions",
    "draft_trades",
    "facts",
    "gain_budget",
    "held_back",
    "household_proposals",
    "household_windows",
    "households_with_pairs",
    "inbox",
    "intentions",
    "lots_left",
    "lots_sold",
    "open_cash_flows",
    "open_pairs",
    "order",
    "order_export",
    "order_exports",
    "order_file",
    "order_taxes",
    "orders",
    "overdue_pairs",
    "pending_kinds",
    "pending_totals",
    "proposal",
    "restrictions",
    "restrictions_in",
    "stand_ins",
    "tax_profile_facts",
    "traded_batches",
    "traded_orders",
    "traded_sums",
    "trading_costs",
    "unaccepted_washes",
    "waiting_orders",
    "waived_pairs",
    "window_households",
    "window_rows",
    "window_rows_of",
    "window_table",
    "windows",
]
