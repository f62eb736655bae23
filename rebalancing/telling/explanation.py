"""A rebalance in words and figures for people, and the canonical text of what it was computed from: pure Decimal.

Figures in the explanation are strings, exact and unrounded unless they are cents; the page formats them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from accounts.canonical import canonical_text, decimal_text
from lots import year_tax
from lots.coverage import Coverage
from proposals.costs import orders_of
from proposals.types import DraftTrade, Side, Windows
from proposals.version import LOTWISE_VERSION
from rebalancing.household import published_changes, restrictions, shortfalls
from rebalancing.policies import policy_words
from rebalancing.policies.drift import Drift, DriftRow
from rebalancing.policies.looks import Schedule
from rebalancing.policies.worth import Worth
from rebalancing.types import (
    CENT,
    NOTICEABLE_IMPACT,
    NOUNS,
    ZERO,
    HouseholdState,
    Limits,
    LineReason,
)

POINT = Decimal("0.1")
PER_CENT = Decimal(100)
WEIGHT = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Where the trades come from and how good they are."""

    solver: str
    solver_version: str
    gap_bp: Decimal
    risk_sha256: str
    risk_observations: int  # daily returns; 0 where the model was supplied
    risk_source: str  # what the model was estimated from, in words
    risk_notes: tuple[str, ...]
    cut_short: str = ""  # a sentence where the search was stopped far from its bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Over how long one security's correction counts, and its part of the tracking cost avoided: they add up to it.

    What one security adds to tracking error depends on the others, so one that is not traded has a part too.
    """

    security: int
    years: Decimal
    avoided: Decimal  # dollars over its years
    is_traded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything a proposal says about its trades; dollars, and fractions a year for the risks."""

    drift: Drift
    trades: tuple[DraftTrade, ...]
    after: Mapping[int, Decimal]  # dollars per security
    cash_after: Mapping[int, Decimal]  # dollars per account
    risk_before: Decimal
    risk_after: Decimal
    worth: Worth
    carried_worth: Decimal  # the part of the tax saved that no return of this year shows
    short_gain: Decimal
    long_gain: Decimal
    proof: Proof
    # Dollars of tax a year that the accounts' share of yields saves against the average location (F36).
    location_before: Decimal = ZERO
    location_after: Decimal = ZERO
    lasting: tuple[Lasting, ...] = ()  # empty where one horizon counts for all


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be done, priced by the optimum's objective: dollars over the horizon, or over the securities' own (F4).

    The less the better.

    ``rule`` is None where the band rule has no trades, and then ``why_no_rule`` says why.
    """

    nothing: Decimal
    optimum: Decimal
    rule: Decimal | None = None
    is_rule: bool = False  # the band rule's trades are proposed
    why_no_rule: str = ""


def choices(found: Choices | None, policy: Limits) -> dict[str, object] | None:
    """The comparison for the proposal's page; None where nothing was compared."""
    if found is None:
        return None
    rows = [("No trade", found.nothing), ("Optimum", found.optimum)]
    if found.rule is not None:
        rows.append((f"Band rule, {policy_words.goes(policy.destination)}", found.rule))
    chosen = "band rule" if found.is_rule else "optimum"
    least = found.rule if found.is_rule and found.rule is not None else found.optimum
    told = f"Proposed is the {chosen}: {dollars(found.nothing - least)} better than no trade"
    if found.is_rule and found.optimum < least:
        more = dollars(least - found.optimum)
        told += f". The optimum, {more} better still by this measure, is not worth its whole cost."
    elif found.rule is None:
        told += f". The band rule has no trades to compare: {found.why_no_rule}"
    else:
        other = found.optimum if found.is_rule else found.rule
        rival = "optimum in whole shares" if found.is_rule else "band rule"
        told += f" and {dollars(other - least)} better than the {rival}."
    return {
        "sentence": told,
        "rows": [{"name": name, "dollars": cents(amount)} for name, amount in rows],
    }


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
    if drift.largest is not None:
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
            "ratio": _or_none(worth.ratio, CENT),
            "break_even_days": _or_none(worth.break_even_days, Decimal(1)),
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
        "slices": slices(figures.trades, state),
        "proof": {
            "solver": figures.proof.solver,
            "solver_version": figures.proof.solver_version,
            "gap_bp": decimal_text(figures.proof.gap_bp),
            "cut_short": figures.proof.cut_short,
            "among": list(among),
        },
        "assumptions": _assumptions(figures, state),
        "lines": [line(trade, figures, state) for trade in figures.trades],
        "coverage": coverage.sentence,
    }


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
                f"The {NOUNS[order.side]} of {_grouped(order.shares)} {symbol} is {per_cent(share)} of what is traded "
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
    shares = _grouped(trade.quantity)
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


def dollars(amount: Decimal) -> str:
    """``$1,234.50``."""
    sign = "-" if amount < ZERO else ""
    return f"{sign}${abs(amount).quantize(CENT):,}"


def _grouped(shares: Decimal) -> str:
    """``1250.5`` -> ``1,250.5``."""
    return f"{Decimal(decimal_text(shares)):,f}"


def points(drift: Decimal) -> str:
    """A drift in percentage points with its sign."""
    return f"{(drift * PER_CENT).quantize(POINT):+} points"


def per_cent(fraction: Decimal) -> str:
    return f"{(fraction * PER_CENT).quantize(POINT)} %"


def cents(amount: Decimal) -> str:
    return str(amount.quantize(CENT))


def _or_none(value: Decimal | None, quantum: Decimal) -> str | None:
    return None if value is None else str(value.quantize(quantum))


def _record(value: object) -> dict[str, object]:
    return {item.name: getattr(value, item.name) for item in fields(value)}  # type: ignore[arg-type]  # dataclasses


def _drift(row: DriftRow, state: HouseholdState) -> dict[str, object]:
    return {
        "symbol": state.symbols[row.security],
        "drift": _weight(row.drift),
        "low": _weight(row.low),
        "high": _weight(row.high),
    }


def _cash(figures: Figures, state: HouseholdState) -> dict[str, object]:
    value = figures.drift.value
    return {
        "before": _weight(figures.drift.cash_weight),
        "after": _weight(sum(figures.cash_after.values(), ZERO) / value),
        "low": _weight(figures.drift.cash_low),
        "high": _weight(figures.drift.cash_high),
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
            "before": _weight(row.weight),
            "after": _weight(figures.after.get(row.security, ZERO) / value),
            "target": _weight(row.target),
            "low": _weight(row.low),
            "high": _weight(row.high),
            "breached": row.breached,
        }
        for row in sorted(figures.drift.rows, key=lambda row: (-row.weight, row.security))
    ]


def _weight(fraction: Decimal) -> str:
    return decimal_text(fraction.quantize(WEIGHT))
