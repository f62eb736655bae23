"""The canonical text of what a rebalance was computed from. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from accounts.canonical import canonical_text
from lots import year_tax
from proposals.types import Windows
from proposals.version import LOTWISE_VERSION
from rebalancing.telling.figures import Proof
from rebalancing.types import ZERO, HouseholdState


def inputs_text(
    state: HouseholdState,
    windows: Windows,
    proof: Proof,
    securities: Sequence[int],
    terms: Mapping[str, object],
) -> str:
    """Canonical text of all that the trades follow from; the risk model by the hash of its numbers.

    ``terms`` are what an approval asks for again (``rebalancing.telling.terms``).
    """
    return canonical_text(
        {
            "household": state.household,
            "as_of": state.as_of,
            "version": LOTWISE_VERSION,
            "accounts": [_record(account) for account in state.accounts],
            "lots": [_record(lot) for lot in state.lots],
            "incoming": [
                [*position, quantity] for position, quantity in sorted(state.incoming.items())
            ],
            "securities": [
                {
                    "id": security,
                    "symbol": state.symbols[security],
                    "price": state.prices[security],
                    "half_spread": state.half_spreads[security],
                    "target": state.targets.get(security, ZERO),
                    "aim": state.aimed.get(security, ZERO),
                    "keeps": state.keeps.get(security),
                    "may_buy": security in state.buyable,
                    **_bound(state, security),
                    "identical": sorted(state.group_of(security)),
                    "yearly_drag": state.drags.get(security, ZERO),
                }
                for security in securities
            ],
            "windows": {
                "no_buys": {
                    security: block.clear_on for security, block in windows.buy_blocked.items()
                },
                "no_loss_sales": {
                    security: block.clear_on for security, block in windows.sell_blocked.items()
                },
            },
            "model": dict(sorted(state.whole_targets.items())),
            "restrictions": [_record(row) for row in state.restrictions.rows],
            "needs": [_record(flow) for flow in state.needs],
            **({"joint": [_record(one) for one in state.joint]} if state.joint else {}),
            "tax": year_tax.record(state.tax),
            "policy": _record(state.limits)
            | {"bands": {one: _record(band) for one, band in state.limits.bands.items()}},
            "risk": {"sha256": proof.risk_sha256, "observations": proof.risk_observations},
            "solver": {"name": proof.solver, "version": proof.solver_version},
            "terms": terms,
        }
    )


def _bound(state: HouseholdState, security: int) -> dict[str, object]:
    """A mandate's bounds on the security; nothing where there are none."""
    bounds = state.bounds.get(security)
    return {} if bounds is None else {"low": bounds.low, "high": bounds.high}


def _record(value: object) -> dict[str, object]:
    return {item.name: getattr(value, item.name) for item in fields(value)}  # type: ignore[arg-type]  # dataclasses
