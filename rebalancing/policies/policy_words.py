"""A rebalance policy in words that an adviser can read to a client: pure."""

from decimal import Decimal

from accounts.canonical import decimal_text
from rebalancing.policies.policy import (
    BandType,
    Cadence,
    CashFlows,
    Destination,
    Horizon,
    PolicyKind,
)
from rebalancing.types import Band, Limits

PER_CENT = Decimal(100)
_LOOKS = {
    Cadence.DAILY: "every business night",
    Cadence.WEEKLY: "on the last business day of each week",
    Cadence.MONTHLY: "on the last business day of each month",
    Cadence.QUARTERLY: "on the last business day of each quarter",
    Cadence.ANNUAL: "on the last business day of each year",
    Cadence.NONE: "at no set date",
}
_GOES = {
    Destination.TARGET: "to its target",
    Destination.HALF: "to half a band from its target",
    Destination.EDGE: "to the edge of its band",
}
_KINDS = {
    PolicyKind.CALENDAR: "calendar",
    PolicyKind.THRESHOLD: "threshold",
    PolicyKind.OPTIMUM: "cost-aware optimum",
}
_CASH = {
    CashFlows.FULL: "a rebalance like any other",
    CashFlows.INVEST_AND_RAISE_ONLY: "only investing or raising it",
}
_HORIZONS = {252: "a trading day", 52: "a week", 12: "a month", 4: "a quarter", 1: "a year"}
_NEAR = Decimal("0.0000001")
_MONTHS_FROM, _YEARS_FROM = (
    60,
    2,
)  # days, years: from there on a horizon is told in months, or in years


def sentences(policy: Limits) -> list[str]:
    """What the policy does, a sentence for each part of it."""
    found = [looks(policy), bands(policy), risk_price(policy.risk_aversion)]
    found.append(_counted(policy))
    if not policy.only_if_worth_it:
        found.append("It trades also where that costs more than the tracking error it avoids.")
    if policy.cash_flows is CashFlows.INVEST_AND_RAISE_ONLY:
        found.append(
            "Where no security is out of band, cash outside its band is invested without a sale "
            "or raised without a purchase."
        )
    if policy.cool_down_days:
        found.append(
            f"After an executed rebalance drift is left alone for {policy.cool_down_days} days."
        )
    if policy.factor_gain_limit is not None:
        found.append(
            f"A rebalance for the factor reason alone realises a net gain of ${policy.factor_gain_limit:,.2f} at most."
        )
    found.append(handling(policy))
    return found


def _counted(policy: Limits) -> str:
    """Over how long what trading saves is counted."""
    years = horizon(policy.horizon_years)
    if policy.horizon is Horizon.ONE:
        return f"What trading saves is counted over {years}."
    return (
        "What trading saves is counted for each security by itself: until its weight is likely to have drifted so far "
        "that trading is worth it again, by its volatility, its trading cost and the tax on gains held. A security "
        f"outside the model counts over {years}."
    )


def terms(policy: Limits) -> dict[str, str]:
    """Everything in a policy that trades are decided by, each part by its name and in words of its own.

    Bands of single securities are left out, and so is what only says how orders are handled.
    """
    later = (
        f"a sale in {decimal_text(policy.later_sale_years)} years, taxed with a chance of "
        f"{_shown(policy.taxable_sale_chance)} %, discounted at {_shown(policy.discount_rate)} % a year"
    )
    days = policy.cool_down_days
    return {
        "kind": _KINDS[policy.kind],
        "look": _LOOKS[policy.cadence],
        "band": band(Band(policy.band_type, policy.absolute_band, policy.relative_band)),
        "aim for what is out of band": goes(policy.destination).removeprefix("to "),
        "answer to cash outside its band": _CASH[policy.cash_flows],
        "cool-down": _counted_in(Decimal(days), "day") if days else "none",
        "demand that trades be worth their cost": "made" if policy.only_if_worth_it else "not made",
        "price of 1 % of tracking error": f"{decimal_text(policy.risk_aversion)} basis points a year",
        "horizon": over_horizon(policy)
        if policy.horizon is Horizon.ONE
        else f"each security's own, {horizon(policy.horizon_years)} outside the model",
        "cash band": f"{_shown(policy.cash_minimum)} % to {_shown(policy.cash_maximum)} %",
        "smallest trade": f"${policy.minimum_trade:,.2f}",
        "largest gain for the factor reason alone": "without a limit"
        if policy.factor_gain_limit is None
        else f"${policy.factor_gain_limit:,.2f}",
        "view of later tax": later,
    }


def looks(policy: Limits) -> str:
    """When it looks, and what it then trades."""
    when = _LOOKS[policy.cadence]
    if policy.kind is PolicyKind.CALENDAR:
        return f"Calendar: rebalances toward the model {when}."
    if policy.kind is PolicyKind.THRESHOLD:
        return (
            f"Threshold: looks {when}; a security out of band goes {goes(policy.destination)}, "
            "and only what offsets it is traded beside it."
        )
    return (
        f"Cost-aware optimum: looks {when}; where something is out of band, trades what is "
        "worth most after cost and tax."
    )


def goes(to: Destination) -> str:
    """Where a security out of band goes."""
    return _GOES[to]


def bands(policy: Limits) -> str:
    """The bands, and how many securities have another."""
    general = band(Band(policy.band_type, policy.absolute_band, policy.relative_band))
    if not policy.bands:
        return f"Band: {general}."
    others = len(policy.bands)
    have = "1 security has another" if others == 1 else f"{others} securities have others"
    return f"Band: {general}; {have}, by name or by class."


def band(one: Band) -> str:
    """``20 % of the target`` or ``5 points of the household``."""
    points = f"{_shown(one.absolute)} points of the household"
    relative = f"{_shown(one.relative)} % of the target"
    if one.type is BandType.ABSOLUTE:
        return points
    if one.type is BandType.RELATIVE:
        return relative
    return f"{points} or {relative}, whichever is tighter"


def handling(policy: Limits) -> str:
    """When an order is suggested to be traded otherwise than at the market (F9, F10)."""
    spread = decimal_text(policy.spread_limit * PER_CENT * PER_CENT)
    return (
        f"An order above {_shown(policy.slice_above)} % of a day's volume is suggested as VWAP, one whose spread is "
        f"above {spread} basis points as a limit order."
    )


def risk_price(risk_aversion: Decimal) -> str:
    """The risk price in basis points (F5)."""
    return (
        f"1 % of tracking error costs {decimal_text(risk_aversion)} basis points a year, "
        "2 % four times that."
    )


def horizon(years: Decimal) -> str:
    """``a month`` or ``0.3 years``."""
    for parts, word in _HORIZONS.items():
        if abs(years * parts - 1) < _NEAR * parts:
            return word
    return f"{decimal_text(years.quantize(Decimal('0.0001')))} years"


def over_horizon(policy: Limits) -> str:
    """What a sum of the objective is counted over: ``a month``, or the securities' own horizons."""
    if policy.horizon is Horizon.BY_NAME:
        return "each security's own horizon"
    return horizon(policy.horizon_years)


def span(years: Decimal) -> str:
    """A horizon as it reads in a table: ``9 days`` (calendar), ``7 months`` or ``2.5 years``."""
    days = years * 365
    if days < _MONTHS_FROM:
        return _counted_in(days, "day")
    if years < _YEARS_FROM:
        return _counted_in(years * 12, "month")
    return f"{decimal_text(years.quantize(Decimal('0.1')))} years"


def _counted_in(amount: Decimal, word: str) -> str:
    number = max(int(amount.to_integral_value()), 1)
    return f"{number} {word}{'' if number == 1 else 's'}"


def _shown(fraction: Decimal) -> str:
    return decimal_text(fraction * PER_CENT)
