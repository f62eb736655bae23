"""Why a name stays out of band: what keeps back the sales or the purchases that would mend it (F37). Pure Decimal.

A name is told where what may still be sold (or what the accounts that may buy it can pay) does not bring it back to its
band, and something that can be named keeps the rest. Positions that must be sold have sentences of their own
(``rebalancing.household.restrictions.conflicts``). What the policy's look leaves alone is kept back by nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from proposals.types import BuyBlock, Side
from rebalancing.household.restrictions import why_kept
from rebalancing.policies import drift
from rebalancing.policies.drift import DriftRow
from rebalancing.telling.amounts import dollars, per_cent
from rebalancing.types import CENT, ZERO, HouseholdState, Kept, StateLot

NAMED = 3  # sentences: the farthest from their targets
COMING = "another proposal is only buying them"


def kept_back(
    state: HouseholdState,
    after: Mapping[int, Decimal] | None = None,
    cash_after: Mapping[int, Decimal] | None = None,
) -> tuple[str, ...]:
    """A sentence a name, the farthest first, and how many more there are; ``state`` as it is solved.

    ``after`` are dollars by security and ``cash_after`` by account once the trades are done; None: nothing is traded.
    """
    household = _Household(state, state.holdings() if after is None else after)
    cash = state.cash
    if cash_after is not None:
        cash = sum(cash_after.values(), -state.unplaced_need)
    if sum(household.after.values(), cash) <= ZERO:
        return ()
    measured = drift.measure(
        holdings=household.after,
        cash=cash,
        targets=state.targets,
        limits=state.limits,
        whole_targets=state.whole_targets,
    )
    told = [
        sentence
        for row in measured.rows
        for sentence in (
            household.too_much(row, measured.value),
            household.too_little(row, measured.value),
        )
        if sentence
    ]
    more = len(told) - NAMED
    if more <= 0:
        return tuple(told)
    rest = "1 more name stays" if more == 1 else f"{more} more names stay"
    return (*told[:NAMED], f"And {rest} out of band because trades are kept back.")


@dataclass(frozen=True, slots=True)
class _Limit:
    """Where a name ought to end at least or at most, and how a sentence says it."""

    weight: Decimal
    told: str


class _Household:
    """One household's lots and means by what may be traded of them."""

    def __init__(self, state: HouseholdState, after: Mapping[int, Decimal]) -> None:
        self._state = state
        self._held = state.holdings()
        self.after = after
        self._lots: dict[int, list[StateLot]] = {}
        self._means = {account.id: max(account.cash, ZERO) for account in state.accounts}
        for lot in state.lots:
            self._lots.setdefault(lot.security, []).append(lot)
            self._means[lot.account] += self._for_sale(lot)

    def too_much(self, row: DriftRow, value: Decimal) -> str:
        """Why sales leave the name above its band or its largest weight; empty where nothing keeps them back."""
        limit = self._most(row, value)
        if limit is None:
            return ""
        kept = self._kept(row.security)
        lots = self._lots.get(row.security, ())
        sold = max(self._held.get(row.security, ZERO) - self.after.get(row.security, ZERO), ZERO)
        left = sum((self._for_sale(lot) for lot in lots), -sold)
        if not kept or left >= (row.weight - limit.weight) * value:
            return ""
        why = "; ".join(
            f"shares worth {dollars(amount)} are not for sale ({cause})"
            for cause, amount in sorted(kept.items(), key=lambda one: (-one[1], one[0]))
        )
        return f"{self._stays(row)}, above {limit.told}: {why}."

    def too_little(self, row: DriftRow, value: Decimal) -> str:
        """Why purchases leave the name below its band; empty where nothing keeps them back."""
        if not row.breached or row.drift >= ZERO:
            return ""
        why = tuple(self._not_bought(row.security))
        if not why:
            bought = self.after.get(row.security, ZERO) - self._held.get(row.security, ZERO)
            missing = (row.low - row.weight) * value + max(bought, ZERO)
            why = tuple(self._not_bought_in(row.security, missing))
        return f"{self._stays(row)}, below {_band(row)}: {'; '.join(why)}." if why else ""

    def _stays(self, row: DriftRow) -> str:
        return (
            f"{self._state.symbols[row.security]} stays at {per_cent(row.weight)} of the household"
        )

    def _most(self, row: DriftRow, value: Decimal) -> _Limit | None:
        """The largest weight where the name is above it, else the upper end of a band that it is above."""
        most = self._state.max_weights.get(row.security)
        least = max(self._state.limits.minimum_trade, CENT)
        if most is not None and (row.weight - most) * value >= least:
            rule = self._state.restrictions.max_weight(row.security)
            dated = f", {rule.dated}" if rule is not None else ""
            return _Limit(most, f"its largest weight of {per_cent(most)}{dated}")
        if not row.breached or row.drift <= ZERO:
            return None
        return _Limit(row.high, _band(row))

    def _for_sale(self, lot: StateLot) -> Decimal:
        """Dollars; what the policy alone leaves out today would be for sale."""
        state = self._state
        left_out = state.kept.get(lot.key) is Kept.POLICY
        shares = lot.quantity if left_out else state.account_of[lot.account].most_of(lot)
        return shares * state.prices[lot.security]

    def _kept(self, security: int) -> dict[str, Decimal]:
        """Cause -> dollars that are not for sale."""
        state, price = self._state, self._state.prices[security]
        found: dict[str, Decimal] = {}
        for lot in self._lots.get(security, ()):
            told_apart = (lot.account, security) in state.must_sell
            if told_apart or state.kept.get(lot.key) is Kept.POLICY or lot.sellable >= lot.quantity:
                continue
            why = why_kept(lot, state)
            found[why] = found.get(why, ZERO) + (lot.quantity - lot.sellable) * price
        coming = sum(
            (shares for (_, one), shares in state.incoming.items() if one == security), ZERO
        )
        if coming > ZERO:
            found[COMING] = coming * price
        return found

    def _not_bought(self, security: int) -> Iterator[str]:
        """What keeps every account from buying it."""
        state = self._state
        if security in state.delisted:
            yield f"it has not traded since {state.delisted[security]}"
            return
        window = self._window(security)
        if window is not None:
            yield f"it is {window.told}"
        barred = [
            rule
            for rule in (
                state.restrictions.against(Side.BUY, account=account.id, security=security)
                for account in state.accounts
            )
            if rule is not None and rule.account is None
        ]
        if barred and not (window is not None and window.is_restricted):  # else it is told there
            yield f"it must not be bought, {barred[0].dated}"

    def _window(self, security: int) -> BuyBlock | None:
        """The window that closes purchases of it, or of what is identical."""
        blocked = self._state.windows.buy_blocked if self._state.windows is not None else {}
        group = sorted(self._state.group_of(security), key=lambda one: (one != security, one))
        return next(
            (blocked[one] for one in group if one in blocked and blocked[one].is_window), None
        )

    def _not_bought_in(self, security: int, missing: Decimal) -> Iterator[str]:
        """The accounts that must not buy it, where the others cannot pay for what is ``missing``."""
        state = self._state
        barred = {
            account: rule
            for account in state.accounts
            if self._means[account.id] > ZERO
            and (
                rule := state.restrictions.against(Side.BUY, account=account.id, security=security)
            )
        }
        names = {account.id for account in barred}
        able = sum((means for account, means in self._means.items() if account not in names), ZERO)
        if able < missing:
            for account, rule in barred.items():
                yield f"{account.name} must not buy it, {rule.dated}"


def _band(row: DriftRow) -> str:
    if row.high <= ZERO:
        return "its target of 0.0 %"
    return f"its band of {per_cent(row.low)} to {per_cent(row.high)}"
