"""Writes: the life of proposals, the orders they become, and the fills that come back."""

from proposals.services.budgets import keep_limits, set_budget
from proposals.services.cash_flows import (
    call_off_cash_flow,
    expect_cash_flow,
    settle_cash_flow,
)
from proposals.services.decisions import approve, cancel, decidable, moved_since, reject
from proposals.services.exporting import export_orders
from proposals.services.fills import import_fills
from proposals.services.life import expire, move, require_now, supersede_pending
from proposals.services.orders import close_orders, handle_order
from proposals.services.restrictions import lift_restriction, restrict
from proposals.services.submission import put_forward, submit

__all__ = [
    "approve",
    "call_off_cash_flow",
    "cancel",
    "close_orders",
    "decidable",
    "expect_cash_flow",
    "expire",
    "export_orders",
    "handle_order",
    "import_fills",
    "keep_limits",
    "lift_restriction",
    "move",
    "moved_since",
    "put_forward",
    "reject",
    "require_now",
    "restrict",
    "set_budget",
    "settle_cash_flow",
    "submit",
    "supersede_pending",
]
