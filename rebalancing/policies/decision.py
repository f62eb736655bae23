"""Look or not, trade or not, which names, toward which weights: the policy's part of a rebalance, pure Decimal.

The optimiser finds the lots and the shares; this says what it may touch. A band rule trades the names that are out of
band and what offsets them, each in the needed direction only (T42), and aims at the policy's destination; drift and
tracking error are told against the model all the same. A deposit is invested without a sale, a need of cash raised
without a purchase, where the policy wants nothing else of them (F6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from rebalancing.policies.drift import Drift, DriftRow
from rebalancing.policies.looks import Schedule
from rebalancing.policies.policy import CashFlows, PolicyKind, destinations
from rebalancing.types import ONE, ZERO, HouseholdState, Kept, Limits, Outcome

_SPECK = Decimal("0.000000001")  # of the household: the last digits of a division are no direction


class Scope(StrEnum):
    """How much of a household tonight's trades may touch."""

    NOTHING = "nothing"
    CASH_ONLY = "cash_only"  # invest what is too much, or raise what is missing
    OUTSIDE = "outside"  # names out of band, and their offset
    EVERYTHING = "everything"


def scope(drift: Drift, limits: Limits, schedule: Schedule) -> Scope:
    """What the policy lets tonight's look trade.

    Cash outside its band is an event of its own: it does not wait for a look or for the end of a cool-down.
    """
    if not schedule.due or schedule.is_cooling:
        return Scope.CASH_ONLY if drift.cash_breached else Scope.NOTHING
    if limits.kind is PolicyKind.CALENDAR:
        return Scope.EVERYTHING
    if not drift.breached:
        return Scope.NOTHING
    names = any(row.breached for row in drift.rows)
    if not names and limits.cash_flows is CashFlows.INVEST_AND_RAISE_ONLY:
        return Scope.CASH_ONLY
    return Scope.OUTSIDE if limits.kind is PolicyKind.THRESHOLD else Scope.EVERYTHING


def why_nothing(schedule: Schedule) -> Outcome:
    """The reason of Scope.NOTHING."""
    if schedule.is_cooling:
        return Outcome.COOLING_DOWN
    return Outcome.INSIDE_BANDS if schedule.due else Outcome.NOT_DUE


def narrowed(state: HouseholdState, drift: Drift, touched: Scope) -> HouseholdState:
    """The state in which the optimiser can only do what the scope allows; windows have restricted it already."""
    if touched is Scope.EVERYTHING:
        return state
    if touched is Scope.OUTSIDE:
        return _outside(state, drift)
    if touched is Scope.CASH_ONLY and drift.cash_weight > drift.cash_high:
        return _only(state, sells=frozenset(), buys=state.buyable)
    if touched is Scope.CASH_ONLY and drift.cash_weight < drift.cash_low:
        return _only(state, sells=_held(state), buys=frozenset())
    return _only(state, sells=frozenset(), buys=frozenset())


def aims(state: HouseholdState, drift: Drift) -> dict[int, Decimal]:
    """Weights a band rule wants to end with: names outside at the destination, what that leaves over to those inside.

    A name that cannot be traded in the direction of its target stays where it is, and no other waits for it. An offset
    goes no further than its target; what it cannot take brings names outside nearer to theirs, and the rest is cash.
    Cash inside its band stays, cash outside goes to the model's, or as near as its band allows.
    """
    sellable = {lot.security for lot in state.lots if lot.sellable > ZERO}
    rows = [row for row in drift.rows if _can_move(row, sellable, state.buyable)]
    moving = {row.security for row in rows}
    stuck = {row.security: row.weight for row in drift.rows if row.security not in moving}
    found = destinations(
        weights={row.security: row.weight for row in rows},
        targets={row.security: row.target for row in rows},
        widths={row.security: row.high - row.target for row in rows},
        outside={row.security for row in rows if row.breached},
        to=state.limits.destination,
        total=ONE - _cash_wanted(drift) - sum(stuck.values(), ZERO),
    )
    return stuck | _up_to_targets(found, rows)


def _up_to_targets(found: Mapping[int, Decimal], rows: Sequence[DriftRow]) -> dict[int, Decimal]:
    """The destinations with no name inside its band sent beyond its target."""
    aimed, spare = dict(found), ZERO
    for row in rows:
        if not row.breached:
            low, high = min(row.weight, row.target), max(row.weight, row.target)
            aimed[row.security] = min(max(found[row.security], low), high)
            spare += found[row.security] - aimed[row.security]
    # Dollars that found no offset: names outside that are on the same side of their targets go further.
    gaps = {
        row.security: row.target - aimed[row.security]
        for row in rows
        if row.breached and (row.target - aimed[row.security]) * spare > ZERO
    }
    whole = sum(gaps.values(), ZERO)
    share = min(spare / whole, ONE) if whole else ZERO
    for security, gap in gaps.items():
        aimed[security] += gap * share
    return aimed


def _outside(state: HouseholdState, drift: Drift) -> HouseholdState:
    wanted = aims(state, drift)
    weights = {row.security: row.weight for row in drift.rows}
    less = frozenset(one for one, weight in weights.items() if wanted[one] < weight - _SPECK)
    more = frozenset(one for one, weight in weights.items() if wanted[one] > weight + _SPECK)
    if (
        drift.cash_weight < drift.cash_low
    ):  # a need of cash may be met by whatever is cheapest to sell
        return replace(_only(state, sells=_held(state), buys=more), aims=wanted)
    keeps = {} if _overdrawn(state) else {one: wanted[one] for one in less}
    return replace(_only(state, sells=less, buys=more), aims=wanted, keeps=keeps)


def _only(state: HouseholdState, *, sells: frozenset[int], buys: frozenset[int]) -> HouseholdState:
    """The state in which nothing but ``sells`` can be sold, and nothing but ``buys`` bought.

    Cash cannot move between accounts: one that is overdrawn may sell whatever it holds.
    """
    overdrawn = _overdrawn(state)
    lots = (
        lot if lot.security in sells or lot.account in overdrawn else replace(lot, sellable=ZERO)
        for lot in state.lots
    )
    return replace(state.keeping(lots, Kept.POLICY), buyable=state.buyable & buys)


def _overdrawn(state: HouseholdState) -> frozenset[int]:
    return frozenset(account.id for account in state.accounts if account.cash < ZERO)


def _can_move(row: DriftRow, sellable: set[int], buyable: frozenset[int]) -> bool:
    if row.drift > ZERO:
        return row.security in sellable
    return row.drift == ZERO or row.security in buyable


def _cash_wanted(drift: Drift) -> Decimal:
    if not drift.cash_breached:
        return drift.cash_weight
    return min(max(drift.cash_target, drift.cash_low), drift.cash_high)


def _held(state: HouseholdState) -> frozenset[int]:
    return frozenset(lot.security for lot in state.lots)
