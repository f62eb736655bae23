"""Reads: which model a household follows under which policy, and what it owns."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db.models import F, Q

from accounts.models import Household
from accounts.selectors import accounts_of, business_date
from lots import selectors as lot_selectors
from lots.year_tax import TaxPosition
from proposals import selectors as proposal_selectors
from proposals.compliance import feasible
from proposals.types import HarvestPair, Intention
from rebalancing import drift
from rebalancing.models import ModelAssignment, ModelWeight, RebalancePolicy
from rebalancing.state import Books, Substitution, assemble, stale_holdings
from rebalancing.types import Limits
from securities import selectors as securities

ZERO = Decimal(0)
# Weights do not depend on taxes.
UNTAXED = TaxPosition(
    short_rate=ZERO,
    long_rate=ZERO,
    ordinary_rate=ZERO,
    loss_limit=ZERO,
    carried_loss_value=ZERO,
    short=ZERO,
    long=ZERO,
)


def assignment(household_id: int) -> ModelAssignment | None:
    """The model a household follows, with the household; None if it follows none."""
    rows = ModelAssignment.objects.select_related("model", "household__firm")
    return rows.filter(household=household_id).first()


def targets(model_id: int) -> dict[int, Decimal]:
    """Security -> weight in the model."""
    rows = ModelWeight.objects.filter(model=model_id)
    return dict(rows.values_list("security_id", "weight"))


def limits(household: Household) -> Limits:
    """The household's own policy, else its firm's, else the defaults."""
    policy = (
        RebalancePolicy.objects.filter(firm=household.firm_id)
        .filter(Q(household=household.pk) | Q(household=None))
        .order_by(F("household_id").asc(nulls_last=True))
        .first()
    ) or RebalancePolicy()
    return Limits(
        absolute_band=policy.absolute_band,
        relative_band=policy.relative_band,
        risk_aversion=policy.risk_aversion,
        horizon_years=policy.horizon_years,
        cash_minimum=policy.cash_minimum,
        cash_maximum=policy.cash_maximum,
        minimum_trade=policy.minimum_trade,
        maximum_price_age_days=policy.maximum_price_age_days,
    )


def books(
    assigned: ModelAssignment,
    *,
    tax: TaxPosition,
    as_of: date,
    intentions: Sequence[Intention],
) -> Books:
    """Everything on record about a household that follows a model."""
    household = assigned.household
    quotes = securities.latest_prices(household.firm_id, as_of)
    costs = proposal_selectors.trading_costs(household.pk, as_of)
    rows = accounts_of(household.pk)
    lots = lot_selectors.open_lots(household.pk)
    return Books(
        household=household.pk,
        as_of=as_of,
        account_names={account.pk: account.name for account in rows},
        taxable={account.pk: account.is_taxable for account in rows},
        on_the_return=proposal_selectors.accounts_on_the_return(household.pk),
        cash=lot_selectors.cash(household.pk),
        lots=lots,
        prices={security: quote.price for security, quote in quotes.items()},
        price_days={security: quote.day for security, quote in quotes.items()},
        half_spreads=costs.half_spreads,
        costs=costs,
        symbols=securities.symbols(household.firm_id),
        groups=lot_selectors.merged_sets(lot_selectors.identical_sets(household.firm_id, as_of)),
        targets=targets(assigned.model_id),
        substitutions=_substitutions(proposal_selectors.open_pairs(household.pk, as_of)),
        intentions=feasible(intentions, {(lot.opening, lot.part): lot for lot in lots}),
        limits=limits(household),
        tax=tax,
    )


def _substitutions(pairs: Sequence[HarvestPair]) -> tuple[Substitution, ...]:
    return tuple(Substitution(pair.sold, pair.substitute, pair.quantity) for pair in pairs)


def drift_page(household: Household) -> dict[str, object]:
    """Context of the drift page: rows, the model's name, the date; ``why_not`` where there are no rows."""
    today = business_date(household.firm)
    assigned = assignment(household.pk)
    if assigned is None:
        return {"today": today, "why_not": "This household follows no model."}
    found = books(
        assigned,
        tax=UNTAXED,
        as_of=today,
        intentions=proposal_selectors.intentions(household.pk),
    )
    stale = stale_holdings(found)
    if stale:
        names = ", ".join(sorted(found.symbols[security] for security in stale))
        return {"today": today, "why_not": f"There is no price young enough for {names}."}
    state = assemble(found)
    if state.value <= ZERO:
        return {"today": today, "why_not": "The household holds neither shares nor cash."}
    measured = drift.of_state(state)
    return {
        "today": today,
        "model_name": assigned.model.name,
        "drift": measured,
        "rows": [
            {
                "symbol": found.symbols[row.security],
                "weight": row.weight,
                "target": row.target,
                "drift": row.drift,
                "low": row.low,
                "high": row.high,
                "breached": row.breached,
                "cannot_fall_out": row.cannot_fall_out,
            }
            for row in measured.rows
        ],
    }
