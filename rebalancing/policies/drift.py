"""How far a household is from its model, and whether that is far enough to act: pure Decimal.

A security is out of band when it is off its target by *more* than its band: points of the household, a fraction of its
target, or the tighter of both, as the policy says for it, its asset class or all (F2). A holding outside the model has
the target 0 and no band: it is out of band from the smallest trade upwards. Cash has the policy's band; a model that
itself leaves more cash raises the ceiling to what it leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from rebalancing.types import ONE, ZERO, HouseholdState, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One security: fractions of the household's value. ``drift`` = weight - target."""

    security: int
    weight: Decimal
    target: Decimal
    drift: Decimal
    low: Decimal
    high: Decimal
    breached: bool

    @property
    def cannot_fall_out(self) -> bool:
        """The band reaches down to zero: the holding can vanish without ever being out of band (T41)."""
        return self.target > ZERO and self.low <= ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A household against its model; rows in order of falling absolute drift, then security."""

    value: Decimal  # dollars
    rows: tuple[DriftRow, ...]
    cash_weight: Decimal
    cash_target: Decimal
    cash_low: Decimal
    cash_high: Decimal

    @property
    def cash_breached(self) -> bool:
        return not self.cash_low <= self.cash_weight <= self.cash_high

    @property
    def breached(self) -> bool:
        return self.cash_breached or any(row.breached for row in self.rows)

    @property
    def largest(self) -> DriftRow | None:
        """The security farthest from its target."""
        return self.rows[0] if self.rows else None


def measure(
    *,
    holdings: Mapping[int, Decimal],
    cash: Decimal,
    targets: Mapping[int, Decimal],
    limits: Limits,
    whole_targets: Mapping[int, Decimal] | None = None,
) -> Drift:
    """Drift of ``holdings`` (dollars per security, all accounts) and ``cash`` (dollars) from ``targets``.

    ``whole_targets`` are those before substitutes took over a part: a band is as wide as the whole asks for, so that a
    remainder of a target is not out of band by itself (T33).
    Raises TypeError for a float, ValueError where holdings and cash are worth nothing.
    """
    for amount in (cash, *holdings.values(), *targets.values()):
        if not isinstance(amount, Decimal):
            raise TypeError(f"Money and weights are Decimal, not {type(amount).__name__}.")
    value = sum(holdings.values(), cash)
    if value <= ZERO:
        raise ValueError(f"A household worth {value} dollars has no weights.")
    smallest = limits.minimum_trade / value
    rows = [
        _row(
            security=security,
            weight=holdings.get(security, ZERO) / value,
            target=targets.get(security, ZERO),
            limits=limits,
            smallest=smallest,
            whole=(whole_targets or {}).get(security, ZERO),
        )
        for security in holdings.keys() | targets.keys()
    ]
    cash_target = ONE - sum(targets.values(), ZERO)
    return Drift(
        value=value,
        rows=tuple(sorted(rows, key=lambda row: (-abs(row.drift), row.security))),
        cash_weight=cash / value,
        cash_target=cash_target,
        cash_low=limits.cash_minimum,
        cash_high=max(limits.cash_maximum, cash_target),
    )


def of_state(state: HouseholdState) -> Drift:
    """Drift of a household as if all that is on its way had happened."""
    return measure(
        holdings=state.holdings(),
        cash=state.cash,
        targets=state.targets,
        limits=state.limits,
        whole_targets=state.whole_targets,
    )


def worth_buying(state: HouseholdState, measured: Drift | None = None) -> frozenset[int]:
    """Securities that may be bought and are not above their band already, by the drift ``measured`` of the state."""
    rows = (measured or of_state(state)).rows
    too_much = {row.security for row in rows if row.weight > row.high}
    return state.buyable - too_much


def _row(
    *,
    security: int,
    weight: Decimal,
    target: Decimal,
    limits: Limits,
    smallest: Decimal,
    whole: Decimal,
) -> DriftRow:
    width = limits.band_of(security).width(max(target, whole))
    drift = weight - target
    outside = abs(drift) > width
    return DriftRow(
        security=security,
        weight=weight,
        target=target,
        drift=drift,
        low=max(target - width, ZERO),
        high=target + width,
        breached=outside and (target > ZERO or abs(drift) >= smallest),
    )
