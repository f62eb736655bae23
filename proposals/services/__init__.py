"""Writes: the life of proposals, the orders they become, and the fills that come back."""

from proposals.services.budgets import set_budget
from proposals.services.decisions import approve, cancel, reject
from proposals.services.exporting import export_orders
from proposals.services.fills import import_fills
from proposals.services.life import expire, move, supersede_pending
from proposals.services.orders import close_orders
from proposals.services.restrictions import lift_restriction, restrict
from proposals.services.submission import put_forward, submit

__all__ = [
    "approve",
    "cancel",
    "close_orders",
    "expire",
    "export_orders",
    "import_fills",
    "lift_restriction",
    "move",
    "put_forward",
    "reject",
    "restrict",
    "set_budget",
    "submit",
    "supersede_pending",
]
