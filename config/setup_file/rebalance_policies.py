"""Rebalance policies of a set-up file, with the bands of securities and asset classes."""

from accounts.models import Household
from config.setup_file.contents import BandEntry, RebalanceEntry
from config.setup_file.records import Records, shown
from config.setup_file.tables import path
from rebalancing import selectors
from rebalancing.models import ModelAssignment, RebalanceBand, RebalancePolicy, TargetModel
from rebalancing.policies.policy import BandType, Cadence, Destination, PolicyKind
from securities.models import Security
from securities.types import AssetClass

# What a firm starts with (F2): look every night, trade what is a fifth off its target, half a band back. The horizon is
# stated, because a name that a band brought back stays there for longer than until the next night's look.
NEW_FIRM = {
    "kind": PolicyKind.THRESHOLD,
    "cadence": Cadence.DAILY,
    "band_type": BandType.RELATIVE,
    "relative_band": selectors.DEFAULTS["relative_band"],
    "destination": Destination.HALF,
    "horizon_years": selectors.DEFAULTS["horizon_years"],
}


def put_rebalance_policy(
    records: Records,
    entry: RebalanceEntry,
    *,
    household: Household | None = None,
    model: TargetModel | None = None,
) -> None:
    """A policy's own words: the firm's (neither given), a model's, or a household's.

    A key that the file leaves out stays, one under ``inherit`` says nothing any more; a band likewise.
    """
    name = household.name if household else f"of {model.name}" if model else "of the firm"
    row = records.put(
        RebalancePolicy,
        "rebalance policy",
        name,
        key={"firm": records.firm, "household": household, "model": model},
        values=dict(entry.figures),
    )
    blank = {key: "" if key in selectors.WORDS else None for key in entry.inherits}
    records.update(row, "rebalance policy", name, blank)
    for symbol, band in entry.securities.items():
        security = records.security(path(f"{entry.where}.securities", symbol), symbol)
        if security is not None:
            _band(records, row, name, band, security=security)
    for asset_class, band in entry.classes.items():
        _band(records, row, name, band, asset_class=asset_class)


def start_with_bands(records: Records) -> None:
    """The policy of a new firm whose file says nothing of rebalancing."""
    RebalancePolicy.objects.create(firm=records.firm, **NEW_FIRM)
    records.changes.add_new("rebalance policy", "of the firm")


def refuse_crossed_cash(records: Records, where: dict[str, str]) -> None:
    """No household's policy, nor a model's or the firm's, may ask for more cash than it allows.

    ``where`` are the places of the policies in the file, by the names of their households, models (with ``of``) and
    ``of the firm``.
    """
    firm = records.firm
    assigned = dict(
        ModelAssignment.objects.filter(household__firm=firm).values_list("household_id", "model_id")
    )
    for row in RebalancePolicy.objects.filter(firm=firm).select_related("household", "model"):
        name = (
            row.household.name
            if row.household
            else f"of {row.model.name}"
            if row.model
            else "of the firm"
        )
        model_id = assigned.get(row.household_id or 0) if row.household_id else row.model_id
        found = selectors.resolved(selectors.policy_rows(firm.pk, row.household_id, model_id))
        if found.cash_minimum > found.cash_maximum:
            low, high = shown(found.cash_minimum), shown(found.cash_maximum)
            told = f"cash_minimum {low} is above cash_maximum {high}"
            if name in where:
                records.problems.add(where[name], told)
            else:
                records.problems.add("policies.rebalance", f"for the policy {name}, {told}")


def _band(
    records: Records,
    policy: RebalancePolicy,
    name: str,
    entry: BandEntry,
    *,
    security: Security | None = None,
    asset_class: AssetClass | None = None,
) -> None:
    of = security.symbol if security else asset_class
    records.put(
        RebalanceBand,
        "rebalance band",
        f"{of} in the policy {name}",
        key={"policy": policy, "security": security, "asset_class": asset_class or ""},
        values=dict(entry.figures),
    )
