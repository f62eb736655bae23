"""A proposal from the trades that were found: its sentence, reasons, figures and the proof, ready to be stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lots.coverage import Coverage
from proposals.types import (
    DraftProposal,
    DraftTrade,
    ProposalKind,
    ReasonCode,
    Windows,
)
from rebalancing.household import shortfalls
from rebalancing.mandates.mandate_checks import MandateCheck
from rebalancing.risk import RiskModel
from rebalancing.risk_data.past_returns import since_a_rebalance
from rebalancing.telling import explanation, inputs, reasons, terms
from rebalancing.telling.figures import Choices
from rebalancing.telling.reasons import Evidence
from rebalancing.telling.terms import Terms
from rebalancing.trades import budget
from rebalancing.trades.active_risk import active_risk
from rebalancing.trades.budget import Bounded
from rebalancing.trades.gain_prices import Prices
from rebalancing.trades.index import universe
from rebalancing.types import (
    CENT,
    ZERO,
    HouseholdState,
    LineReason,
)
from rebalancing.versions.ways import Way

CALENDAR = ReasonCode.CALENDAR.value  # the date alone
PUBLISHED = (LineReason.UNIVERSE, LineReason.RECONSTITUTION, LineReason.MODEL_CHANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search ended with, and what the proposal tells of the way there."""

    bounded: Bounded
    choices: Choices | None
    among: Sequence[str]
    gain_prices: Prices
    check: MandateCheck
    windows: Windows
    risk: RiskModel
    way: Way | None
    factor_gain_limit: Decimal | None
    executed_on: date | None
    purchases: Coverage
    terms: Terms


def draft_of(found: Found) -> DraftProposal:
    """The proposal that tells what was found, with the inputs it was found from."""
    bounded, way = found.bounded, found.way
    figures, state = bounded.figures, bounded.state
    worth = figures.worth
    evidence = _evidence(found)
    return DraftProposal(
        household=state.household,
        kind=ProposalKind.REBALANCE,
        as_of=state.as_of,
        sentence=_missing_first(state)
        + explanation.sentence(figures, state.symbols)
        + found.check.sentence(figures)
        + budget.sentence(bounded)
        + "".join(f" {one}" for one in shortfalls.below_minimum(state, figures.cash_after)),
        reasons=tuple(
            dict.fromkeys(  # a factor may be a limit that is cured and a gap that narrows
                (
                    *(way.reasons if way else ()),
                    *found.check.triggers(figures),
                    *_reasons(bounded, evidence),
                )
            )
        ),
        trades=figures.trades,
        tax_saved=-worth.tax.quantize(CENT),
        carried_worth=figures.carried_worth.quantize(CENT),
        cost=worth.trading_cost,
        short_gain=figures.short_gain,
        long_gain=figures.long_gain,
        risk_before=figures.risk_before,
        risk_after=figures.risk_after,
        gap_bp=figures.proof.gap_bp,
        factor_gain_limit=found.factor_gain_limit,
        inputs=inputs.inputs_text(
            way.recorded(state) if way else state,
            found.windows,
            figures.proof,
            universe(state),
            terms.record(found.terms),
        ),
        explanation={
            **explanation.explanation(figures, state, found.purchases, found.among),
            **(way.told(figures.trades, state) if way else {}),
            "budget": budget.explanation(bounded, found.gain_prices),
            "factor_gain_limit": None
            if found.factor_gain_limit is None
            else f"{found.factor_gain_limit:.2f}",
            "mandate": found.check.explanation(figures),
            "choices": explanation.choices(found.choices, state.limits),
            "evidence": [
                {"reason": one.reason.value, "sentence": one.sentence, "rows": list(one.rows)}
                for one in evidence
            ],
            "instructions": _to_switch_off(figures.trades, state, found.windows),
        },
    )


def _missing_first(state: HouseholdState) -> str:
    """What cannot be made ready of the cash that is needed: nobody may take the proposal for all of it."""
    short = shortfalls.shortfall(state)
    return "" if short is None else f"{short.sentence} "


def _evidence(found: Found) -> tuple[Evidence, ...]:
    """The reasons of the trades, each with its figures (F20-F22)."""
    figures, state = found.bounded.figures, found.bounded.state
    securities = universe(state)
    value = figures.drift.value
    weights = {one: dollars / value for one, dollars in state.holdings().items()}
    after = {one: dollars / value for one, dollars in figures.after.items()}
    then, now = (
        active_risk(found.risk, securities, weights=held, targets=state.targets)
        for held in (weights, after)
    )
    since, returns = since_a_rebalance(securities, found.executed_on, state.as_of)
    return reasons.evidence(
        (
            reasons.of_risk(
                error=reasons.Measure("Tracking error", figures.risk_before, figures.risk_after),
                weights=weights,
                after=after,
                active=(then, now),
                symbols=state.symbols,
            ),
            reasons.of_factors(then, now, found.risk.factors if found.risk.named else ()),
            reasons.of_the_past(
                figures.trades,
                state,
                returns,
                since=since,
                rebalanced=found.executed_on is not None,
            ),
        )
    )


def _to_switch_off(
    trades: Sequence[DraftTrade], state: HouseholdState, windows: Windows
) -> list[str]:
    """Reinvestments that would wash a loss sold here with the next dividend (R25, F31)."""
    taxable = {account.id for account in state.accounts if account.is_taxable}
    sold = {
        one
        for trade in trades
        if trade.account in taxable and trade.may_turn_loss
        for one in state.group_of(trade.security)
    }
    return [one.instruction for one in windows.switches if one.security in sold]


def _reasons(bounded: Bounded, evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """What a published version asks for first, DRIFT where a security is out of band, then what else moved it."""
    figures = bounded.figures
    lines = {trade.reason for trade in figures.trades}
    found = [reason.value for reason in PUBLISHED if reason in lines]
    if any(row.breached for row in figures.drift.rows):
        found.append(ReasonCode.DRIFT.value)
    if any(trade.reason == LineReason.MUST_SELL for trade in figures.trades):
        found.append(ReasonCode.RESTRICTION.value)
    if figures.drift.cash_breached:
        found.append(
            ReasonCode.CASH_NEED.value
            if figures.drift.cash_weight < figures.drift.cash_low
            else ReasonCode.DEPOSIT.value
        )
    found += [one.reason.value for one in evidence]
    if figures.short_gain + figures.long_gain < ZERO:
        found.append(ReasonCode.TAX_LOSS.value)
    if bounded.is_bound:
        found.append(ReasonCode.BUDGET.value)
    return tuple(found) or (CALENDAR,)
