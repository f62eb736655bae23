"""Reads of the ledger and of the tables derived from it."""

from lots.selectors.changes import (
    NamedChanges,
    households_of,
    ledger_state,
    named_changes,
    reported_owner_years,
)
from lots.selectors.evidence import changed_reports, changed_transactions
from lots.selectors.holdings import (
    cash,
    cash_in,
    open_lots,
    open_lots_in,
    shares_in,
    shares_of_firm,
)
from lots.selectors.ledger import (
    ledger,
    ledger_stamp,
    ledger_stamps,
    market,
    runs_past,
    succeeded,
    traders,
)
from lots.selectors.naming import accounts_named, directory, names
from lots.selectors.policies import (
    identical_groups,
    identical_sets,
    merged_sets,
    policy,
    policy_decisions,
)
from lots.selectors.positions import (
    account_checks,
    changed_statements,
    position_breaks,
    unreconciled,
    unreconciled_of,
)
from lots.selectors.reports import purchases_searched
from lots.selectors.stored_rows import stored_rows
from lots.selectors.tables import imported_files, tax_lots, transactions
from lots.selectors.tax_years import (
    realized,
    tax_or_reason,
    tax_position,
    taxes_or_reasons,
    year_inputs,
)

__all__ = [
    "NamedChanges",
    "account_checks",
    "accounts_named",
    "cash",
    "cash_in",
    "changed_reports",
    "changed_statements",
    "changed_transactions",
    "directory",
    "households_of",
    "identical_groups",
    "identical_sets",
    "imported_files",
    "ledger",
    "ledger_stamp",
    "ledger_stamps",
    "ledger_state",
    "market",
    "merged_sets",
    "named_changes",
    "names",
    "open_lots",
    "open_lots_in",
    "policy",
    "policy_decisions",
    "position_breaks",
    "purchases_searched",
    "realized",
    "reported_owner_years",
    "runs_past",
    "shares_in",
    "shares_of_firm",
    "stored_rows",
    "succeeded",
    "tax_lots",
    "tax_or_reason",
    "tax_position",
    "taxes_or_reasons",
    "traders",
    "transactions",
    "unreconciled",
    "unreconciled_of",
    "year_inputs",
]
