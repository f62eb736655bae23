"""The state tables, written out in full: a change to them must be meant."""

import itertools

import pytest

from proposals.transitions import (
    ORDER_MOVES,
    PROPOSAL_MOVES,
    TERMINAL,
    may_move,
    may_move_order,
)
from proposals.types import OPEN, OrderStatus, Status

ALLOWED = {
    ("pending", "approved"),
    ("pending", "rejected"),
    ("pending", "superseded"),
    ("pending", "expired"),
    ("pending", "stale"),
    ("approved", "ordered"),
    ("approved", "cancelled"),
    ("ordered", "filled"),
    ("ordered", "cancelled"),
}


@pytest.mark.parametrize(("current", "target"), list(itertools.product(Status, Status)))
def test_a_proposal_moves_only_as_the_table_says(current: Status, target: Status):
    assert may_move(current, target) == ((current.value, target.value) in ALLOWED)


def test_nothing_leaves_a_terminal_state():
    assert frozenset(Status) - set(OPEN) == TERMINAL
    assert all(not PROPOSAL_MOVES[status] for status in TERMINAL)


@pytest.mark.parametrize(("current", "target"), list(itertools.product(OrderStatus, OrderStatus)))
def test_an_order_moves_only_as_the_table_says(current: OrderStatus, target: OrderStatus):
    allowed = {
        ("approved", "ordered"),
        ("approved", "cancelled"),
        ("ordered", "filled"),
        ("ordered", "cancelled"),
    }
    assert may_move_order(current, target) == ((current.value, target.value) in allowed)
    assert set(ORDER_MOVES) == set(OrderStatus)
