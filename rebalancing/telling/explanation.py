"""A rebalance in words and figures for people: pure Decimal.

Figures in the explanation are strings, exact and unrounded unless they are cents; the page formats them.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal

from accounts.canonical import decimal_text
from lots.coverage import Coverage
from proposals.costs import orders_of
from proposals.types import DraftTrade, Side
from rebalancing.household import published_changes, restrictions, shortfalls
from rebalancing.household.kept_back import kept_back
from rebalancing.policies import policy_words
from rebalancing.policies.drift import Drift, DriftRow
from rebalancing.policies.looks import Schedule
from rebalancing.policies.worth import Worth
from rebalancing.telling.amounts import cents, dollars, grouped, or_none, per_cent, points, weight
from rebalancing.telling.figures import Choices, Figures, Proof
from rebalancing.types import (
    CENT,
    NOTICEABLE_IMPACT,
    NOUNS,
    ONE,
    ZERO,
    HouseholdState,
    Limits,
    LineReason,
)

# What a rebalance has passed before it is told: ``household.checks``, ``Search._washed``, ``MandateCheck.broken_by``.
CHECKED = (
    "Checked again in whole shares, apart from the solver: lots, prices, windows, restrictions and the cash of every "
    "account in exact decimals, wash sales by the tax engine, and that no hard rule of a mandate is broken or broken "
    "further."
)


def choices(found: Choices | None, policy: Limits) -> dict[str, object] | None:
    """The comparison for the proposal's page; None where nothing was compared."""
    if found is None:
        return None
    rows = [("No trade", found.nothing), ("Optimum", found.optimum)]
    if found.rule is not None:
        rows.append((f"Band rule, {policy_words.goes(policy.destination)}", found.rule))
    chosen = "band rule" if found.is_rule else "optimum"
    least = found.proposed
    told = f"Proposed is the {chosen}: {_beside_no_trade(_less(least, found.nothing))}"
    lead = _lead_of_rule(found)
    if found.is_rule and found.optimum < least:
        more = dollars(_less(found.optimum, least))
        told += f". The optimum, {more} better still by this measure, is not worth its whole cost."
    elif found.rule is None:
        told += f". The band rule has no trades to compare: {found.why_no_rule}"
    elif lead > ZERO:
        still = " still" if _less(least, found.nothing) >= ZERO else ""
        told += f". {dollars(lead)} better{still} would be {_rule_refused(found)}"
    else:
        other = found.optimum if found.is_rule else found.rule
        rival = "optimum in whole shares" if found.is_rule else "band rule"
        told += f" and {dollars(_less(least, other))} better than the {rival}."
    return {
        "sentence": told,
        "priced": "Tracking cost over the horizon, cost, tax of this year and later",
        "rows": [{"name": name, "dollars": cents(amount)} for name, amount in rows],
    }


def _less(one: Decimal, other: Decimal) -> Decimal:
    """By how much the first is the less, in cents, as both are told."""
    return other.quantize(CENT) - one.quantize(CENT)


def _beside_no_trade(better: Decimal) -> str:
    """What is proposed beside no trade. It is worse only where cash has to be mended: else it is not proposed."""
    if better < ZERO:
        return f"{dollars(-better)} worse than no trade, which would leave cash outside its limits"
    return f"{dollars(better)} better than no trade"


def _lead_of_rule(found: Choices) -> Decimal:
    """Dollars by which the band rule is better though it is not proposed; nothing where it is, or is not better."""
    if found.rule is None or found.is_rule:
        return ZERO
    return max(_less(found.rule, found.optimum), ZERO)


def _rule_refused(found: Choices) -> str:
    return f"the band rule, which {found.why_not_rule.removesuffix('.')}."


def worse_than_none(
    nothing: Decimal, traded: Decimal, found: Choices | None, policy: Limits
) -> str:
    """That the best trades are worse than none, in dollars of the objective; empty where they are not."""
    worse = _less(nothing, traded)
    if worse <= ZERO:
        return ""
    told = (
        f"in whole shares the best trades are {dollars(worse)} worse than no trade: {dollars(traded)} against "
        f"{dollars(nothing)} of tracking cost over {policy_words.over_horizon(policy)}, cost, and tax of this year and "
        "later."
    )
    if found is None or found.rule is None or not found.why_not_rule:
        return told
    lead = _less(found.rule, nothing)
    better = f" {dollars(lead)} better than no trade would be {_rule_refused(found)}"
    return told + better if lead > ZERO else told


def sentence(figures: Figures, symbols: Mapping[int, str]) -> str:
    """The proposal in one sentence with its figures."""
    amount = sum((trade.amount for trade in figures.trades), ZERO)
    # In cents before they are added, as the figures of the proposal are: a sum of parts that were rounded apart.
    carried = figures.carried_worth.quantize(CENT)
    tax = figures.worth.tax.quantize(CENT) + carried
    later = f" Losses carried to later years are worth {_more_or_less(carried)}." if carried else ""
    lines = len(figures.trades)
    return (
        f"{far_out(figures.drift, symbols)}; trades {lines} line{'s' if lines != 1 else ''} for "
        f"{dollars(amount)}, tracking error {per_cent(figures.risk_before)} → "
        f"{per_cent(figures.risk_after)}, costs {dollars(figures.worth.trading_cost)} and {_taxes(tax)} "
        f"this year.{later}"
    )


def _taxes(tax: Decimal) -> str:
    return f"{_more_or_less(tax)} tax" if tax.quantize(CENT) else "no tax"


def _more_or_less(amount: Decimal) -> str:
    return f"{dollars(abs(amount))} {'more' if amount > ZERO else 'less'}"


def far_out(drift: Drift, symbols: Mapping[int, str]) -> str:
    """What is farthest from the model, such as ``Largest drift AAPL +7.2 points``."""
    parts = []
    if drift.largest is not None and drift.cash_weight >= -ONE:  # else nearly all of it is sold
        row = drift.largest
        parts.append(f"Largest drift {symbols[row.security]} {points(row.drift)}")
    if drift.cash_weight < ZERO:  # a part of what stays would say nothing
        parts.append(f"{dollars(-drift.cash_weight * drift.value)} of cash to raise")
    elif drift.cash_breached:
        band = f"{per_cent(drift.cash_low)} to {per_cent(drift.cash_high)}"
        parts.append(f"cash {per_cent(drift.cash_weight)} outside {band}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


_SHORT = re.compile(
    r"Only \$[\d.,]+ of the .+? (?=Largest drift |[Cc]ash |\$[\d.,]+ of cash to raise)"
)
_DRIFT_TOLD = re.compile(
    r"(?:Largest drift .+? [+-][\d.]+ points)?"
    r"(?:,? ?[Cc]ash -?[\d.]+ % outside -?[\d.]+ % to -?[\d.]+ %|,? ?\$[\d.,]+ of cash to raise)?"
    r"(?:, inside its band of -?[\d.]+ % to -?[\d.]+ %; cash -?[\d.]+ %\.|; \d+ securit(?:y is|ies are) out of band\."
    r"|; |, but )"
)


def without_drift(told: str) -> str:
    """What a look said, without the drift that it began with (``far_out``, ``inside``): where that is told already.

    What is missing of the cash that is needed stands before it, and stays.
    """
    short = _SHORT.match(told)
    first = "" if short is None else short[0]
    told = told.removeprefix(first)
    found = _DRIFT_TOLD.match(told)
    rest = told if found is None else told[found.end() :].strip()
    return f"{first}{rest[:1].upper()}{rest[1:]}"


def inside(drift: Drift, symbols: Mapping[int, str]) -> str:
    """Why a household inside its bands is left alone, with the largest drift."""
    if drift.largest is None:
        return "The household holds cash only, as its model does."
    row = drift.largest
    return (
        f"Largest drift {symbols[row.security]} {points(row.drift)}, inside its band of "
        f"{per_cent(row.low)} to {per_cent(row.high)}; cash {per_cent(drift.cash_weight)}."
    )


def left_alone(drift: Drift, symbols: Mapping[int, str], schedule: Schedule) -> str:
    """Why nothing was looked for: inside the bands, or not the time for it; the largest drift either way."""
    if schedule.due and not schedule.is_cooling:
        return inside(drift, symbols)
    out = sum(row.breached for row in drift.rows)
    names = "1 security is" if out == 1 else f"{out} securities are"
    told = f"{far_out(drift, symbols)}; {names} out of band" if drift.rows else "Cash only"
    if schedule.is_cooling:
        return f"{told}. Nothing is traded for drift before {schedule.cooling_until}."
    if schedule.next_on is None:
        return f"{told}. The policy looks at drift only when it is asked to."
    return f"{told}. The next look is on {schedule.next_on}."


def not_worth_it(figures: Figures, symbols: Mapping[int, str]) -> str:
    """The rule of thumb where it says no, with both sides, their ratio and the days to break even (F5)."""
    worth = figures.worth
    return (
        f"{far_out(figures.drift, symbols)}, but the best trades avoid {dollars(worth.avoided)} of "
        f"tracking cost and cost {dollars(worth.cost)} ({parts_of(worth)}){verdict(worth)}."
    )


def parts_of(worth: Worth) -> str:
    """What the trades cost, part by part: commission, half spread, impact, tax now and later (F8-F11)."""
    parts = {
        "commission": worth.trading.commission,
        "spread": worth.trading.spread,
        "impact": worth.trading.impact,
        "tax": worth.tax,
        "tax later": worth.later_tax,
    }
    told = {name: amount for name, amount in parts.items() if amount or name in ("spread", "tax")}
    return ", ".join(f"{name} {dollars(amount)}" for name, amount in told.items())


def verdict(worth: Worth) -> str:
    """Ratio and break-even, to be put behind the two sums; empty where nothing is paid."""
    if worth.ratio is None:
        return ""
    days = worth.break_even_days
    even = "never breaks even" if days is None else f"breaks even after {days:,.0f} days"
    return f": ratio {worth.ratio.quantize(CENT)}, {even}"


def explanation(
    figures: Figures, state: HouseholdState, coverage: Coverage, among: Sequence[str] = ()
) -> dict[str, object]:
    """Figures behind the proposal, for its page: plain values only.

    ``among`` says what else holds of the trades that the proof is about; empty where it is about all of them.
    """
    worth = figures.worth
    largest = figures.drift.largest
    return {
        "kind": "rebalance",
        "largest_drift": _drift(largest, state) if largest else None,
        "cash": _cash(figures, state),
        "cash_is_out": figures.drift.cash_breached,
        "weights": _weights(figures, state),
        "risk": {
            "before": decimal_text(figures.risk_before),
            "after": decimal_text(figures.risk_after),
            "observations": figures.proof.risk_observations,
            "source": figures.proof.risk_source,
            "notes": list(figures.proof.risk_notes),
        },
        "worth": {
            "tracking_cost_avoided": cents(worth.avoided),
            "trading_cost": cents(worth.trading_cost),
            "commission": cents(worth.trading.commission),
            "spread": cents(worth.trading.spread),
            "impact": cents(worth.trading.impact) if _shows_impact(figures) else None,
            "tax": cents(worth.tax),
            "later_tax": cents(worth.later_tax),
            "cost": cents(worth.cost),
            "ratio": or_none(worth.ratio, CENT),
            "break_even_days": or_none(worth.break_even_days, Decimal(1)),
            "risk_aversion": decimal_text(state.limits.risk_aversion),
            "horizon_years": decimal_text(state.limits.horizon_years),
            "is_worth_it": worth.is_worth_it,
            "risk_price": policy_words.risk_price(state.limits.risk_aversion),
            "horizon": policy_words.over_horizon(state.limits),
            "horizons": horizons(figures, state.symbols),
        },
        "policy": policy_words.sentences(state.limits),
        "location": _location(figures),
        "needs": [
            *shortfalls.told(state),
            *restrictions.conflicts(state),
            *shortfalls.below_minimum(state, figures.cash_after),
        ],
        "must_act": state.must_act,
        "kept_back": list(kept_back(state, figures.after, figures.cash_after)),
        "slices": slices(figures.trades, state),
        "proof": _proof(figures.proof, among),
        "assumptions": _assumptions(figures, state),
        "lines": [line(trade, figures, state) for trade in figures.trades],
        "coverage": coverage.sentence,
    }


def _proof(proof: Proof, among: Sequence[str]) -> dict[str, object]:
    """The distance from the bound and the two that it lies between, in dollars to the cent; a bound is rounded down."""
    told: dict[str, object] = {
        "solver": proof.solver,
        "solver_version": proof.solver_version,
        "gap_bp": decimal_text(proof.gap_bp),
        "cut_short": proof.cut_short,
        "among": list(among),
        "checked": CHECKED,
    }
    if proof.objective is not None and proof.bound is not None:
        objective = proof.objective.quantize(CENT)
        bound = min(proof.bound.quantize(CENT, rounding=ROUND_FLOOR), objective)
        told |= {"objective": cents(objective), "bound": cents(bound)}
    return told


def horizons(figures: Figures, symbols: Mapping[int, str]) -> list[dict[str, str]]:
    """How long each traded security counts and what it avoids, the most first; the rows add up to what is avoided.

    Empty where one horizon counts for all.
    """
    traded = sorted(
        (one for one in figures.lasting if one.is_traded),
        key=lambda one: (-abs(one.avoided), one.security),
    )
    if not traded:
        return []
    rows = [
        {
            "name": symbols[one.security],
            "span": policy_words.span(one.years),
            "years": decimal_text(one.years),
            "dollars": cents(one.avoided),
        }
        for one in traded
    ]
    told = sum((one.avoided.quantize(CENT) for one in traded), ZERO)
    others = figures.worth.avoided.quantize(CENT) - told
    if others:
        rows.append(
            {"name": "What is not traded", "span": "", "years": "", "dollars": cents(others)}
        )
    return rows


def _shows_impact(figures: Figures) -> bool:
    """Whether the market impact is worth a figure: above half a basis point of what is traded (F10)."""
    traded = sum((trade.amount for trade in figures.trades), ZERO)
    return figures.worth.trading.impact > traded * NOTICEABLE_IMPACT


def slices(trades: Sequence[DraftTrade], state: HouseholdState) -> list[str]:
    """Orders too large for one day's market: a person slices them (F10)."""
    found = []
    for order in orders_of(trades):
        share = state.costs.share_of_volume(security=order.security, shares=order.shares)
        if share is not None and share > state.limits.slice_above:
            symbol = state.symbols[order.security]
            found.append(
                f"The {NOUNS[order.side]} of {grouped(order.shares)} {symbol} is {per_cent(share)} of what is traded "
                "in a day: slice it (TWAP or VWAP) or spread it over several days."
            )
    return found


def _location(figures: Figures) -> dict[str, object] | None:
    """What the location of the holdings saves in tax a year; None where it makes no difference."""
    if not figures.location_before and not figures.location_after:
        return None
    return {"before": cents(figures.location_before), "after": cents(figures.location_after)}


def _assumptions(figures: Figures, state: HouseholdState) -> list[str]:
    proof, tax, limits = figures.proof, state.tax, state.limits
    notes = "; ".join(proof.risk_notes)
    return [
        f"A loss carried into later years is valued at {dollars(tax.carried_loss_value)} a dollar.",
        "Costs are commission, half the spread, and an impact that grows with the square root of a trade's share of "
        "the daily volume.",
        f"Tax later: what is held is sold in {decimal_text(limits.later_sale_years)} years at today's long-term rate "
        f"with a chance of {per_cent(limits.taxable_sale_chance)}, discounted at {per_cent(limits.discount_rate)} "
        "a year.",
        f"Tracking errors come from {proof.risk_source}" + (f" ({notes})." if notes else "."),
    ]


def line(trade: DraftTrade, figures: Figures, state: HouseholdState) -> str:
    """One line of the proposal in words."""
    symbol = state.symbols[trade.security]
    shares = grouped(trade.quantity)
    row = next(row for row in figures.drift.rows if row.security == trade.security)
    why = _WHY[LineReason(trade.reason)].format(
        symbol=symbol,
        weight=per_cent(row.weight),
        target=per_cent(row.target),
        version=published_changes.version_of(trade.security, state),
    )
    if trade.side is Side.BUY:
        return f"Buy {shares} {symbol} for {dollars(trade.amount)}: {why}."
    gain = ""  # in a retirement account there is none that anybody is taxed on
    if state.account_of[trade.account].is_taxable:
        kind = "gain" if trade.gain >= ZERO else "loss"
        gain = f", a {trade.term}-term {kind} of {dollars(abs(trade.gain))}"
    return f"Sell {shares} {symbol} for {dollars(trade.amount)}{gain}: {why}."


_PUBLISHED = "by {version} the target of {symbol} is {target}, and it is {weight} of the household"
_WHY = {
    LineReason.OVERWEIGHT: "{symbol} is {weight} of the household, its target is {target}",
    LineReason.UNDERWEIGHT: "{symbol} is {weight} of the household, its target is {target}",
    LineReason.NOT_IN_MODEL: "{symbol} is not in the model",
    LineReason.TAX_LOSS: "the loss saves more tax than the drift costs",
    LineReason.MUST_SELL: "a restriction says that {symbol} must be sold",
    LineReason.UNIVERSE: _PUBLISHED,
    LineReason.RECONSTITUTION: _PUBLISHED,
    LineReason.MODEL_CHANGE: _PUBLISHED,
    LineReason.LOCATION: "{symbol} is taxed less where the household holds it then",
    LineReason.RAISE_CASH: "cash is needed in this account",
    LineReason.INVEST_CASH: "cash of this account is invested",
}


def _drift(row: DriftRow, state: HouseholdState) -> dict[str, object]:
    return {
        "symbol": state.symbols[row.security],
        "drift": weight(row.drift),
        "low": weight(row.low),
        "high": weight(row.high),
    }


def _cash(figures: Figures, state: HouseholdState) -> dict[str, object]:
    value = figures.drift.value
    return {
        "before": weight(figures.drift.cash_weight),
        "after": weight(sum(figures.cash_after.values(), ZERO) / value),
        "low": weight(figures.drift.cash_low),
        "high": weight(figures.drift.cash_high),
        "accounts": [
            {
                "account": account.id,
                "set_aside": cents(account.set_aside),
                "before": cents(account.cash),
                "after": cents(figures.cash_after[account.id]),
            }
            for account in state.accounts
        ],
    }


def _weights(figures: Figures, state: HouseholdState) -> list[dict[str, object]]:
    value = figures.drift.value
    return [
        {
            "security": row.security,
            "symbol": state.symbols[row.security],
            "before": weight(row.weight),
            "after": weight(figures.after.get(row.security, ZERO) / value),
            "target": weight(row.target),
            "low": weight(row.low),
            "high": weight(row.high),
            "breached": row.breached,
        }
        for row in sorted(figures.drift.rows, key=lambda row: (-row.weight, row.security))
    ]
