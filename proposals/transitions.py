"""The life of a proposal and of an order: which state may follow which. Nothing leaves a terminal state."""

from proposals.types import OrderStatus, Status

PROPOSAL_MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.APPROVED, Status.REJECTED, Status.SUPERSEDED, Status.EXPIRED, Status.STALE}
    ),
    Status.APPROVED: frozenset({Status.ORDERED, Status.CANCELLED}),
    Status.ORDERED: frozenset({Status.FILLED, Status.CANCELLED}),
    Status.FILLED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.SUPERSEDED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.STALE: frozenset(),
}

ORDER_MOVES: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.APPROVED: frozenset({OrderStatus.ORDERED, OrderStatus.CANCELLED}),
    OrderStatus.ORDERED: frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED}),
    OrderStatus.FILLED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}

TERMINAL = frozenset(status for status, following in PROPOSAL_MOVES.items() if not following)


def may_move(current: Status, target: Status) -> bool:
    """Whether a proposal in ``current`` may become ``target``."""
    return target in PROPOSAL_MOVES[current]


def may_move_order(current: OrderStatus, target: OrderStatus) -> bool:
    """Whether an order in ``current`` may become ``target``."""
    return target in ORDER_MOVES[current]
