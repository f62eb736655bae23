"""Reads of the ledger and of the tables derived from it."""

from lots.selectors.holdings import cash, open_lots
from lots.selectors.ledger import ledger, ledger_stamp
from lots.selectors.naming import accounts_named, directory, names
from lots.selectors.tables import imported_files, tax_lots, transactions
from lots.selectors.tax_years import realized, tax_position

__all__ = [
    "accounts_named",
    "cash",
    "directory",
    "imported_files",
    "ledger",
    "ledger_stamp",
    "names",
    "open_lots",
    "realized",
    "tax_lots",
    "tax_position",
    "transactions",
]
