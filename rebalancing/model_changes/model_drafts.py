"""New weights of a model by its recipe, exact, within the hard rules of its mandates: over the border and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from lots.rounding import spread
from rebalancing.errors import Infeasible
from rebalancing.mandates import rules as mandates
from rebalancing.mandates.bounds import weight_bounds
from rebalancing.mandates.exposures import risk_of_weights
from rebalancing.mandates.rule_words import rule_sentence
from rebalancing.mandates.rules import Classification, Portfolio, Rule, RuleKind
from rebalancing.model_changes import return_views
from rebalancing.model_changes.model_weights import Band, Task, weights
from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.return_views import View
from rebalancing.optimizer.problem import BoolArray, FloatArray
from rebalancing.risk import RiskModel
from rebalancing.trades import border, measures
from rebalancing.types import ONE, ZERO, Bounds

POINT = Decimal("0.0001")  # weights are made to the basis point


def new_weights(
    recipe: Recipe,
    *,
    targets: Mapping[int, Decimal],
    rules: Sequence[Rule],
    classes: Mapping[int, Classification],
    symbols: Mapping[int, str],
    risk: RiskModel,
    market_risk_price: Decimal,
    views: Sequence[View] = (),
    market_values: Mapping[int, Decimal] | None = None,
) -> dict[int, Decimal]:
    """Security -> new weight, the present sum kept to the basis point; names that get nothing are left out.

    ``risk`` has the securities of ``targets`` in ascending order, which are the rows of ``views``. The hard rules are
    those of the firm and the model; a rule that the new weights would break all the same is a refusal. Raises
    BadProblem, Infeasible, Inaccurate.
    """
    securities = sorted(targets)
    total = sum(targets.values(), ZERO) // POINT * POINT
    present = portfolio_of_weights(targets, classes, symbols)
    bounds = weight_bounds(rules, present)
    limits = [_limits(bounds.get(one)) for one in securities]
    task = Task(
        risk=risk,
        names=[symbols[one] for one in securities],
        reference=np.array([float(targets[one]) for one in securities]),
        total=float(total),
        lower=np.array([float(low) for low, _ in limits]),
        upper=np.array([float(high) for _, high in limits]),
        bands=tuple(_bands(rules, securities, classes)),
        market_risk_price=float(market_risk_price),
        views=tuple(views),
        market_values=None
        if market_values is None
        else np.array([float(market_values[one]) for one in securities]),
    )
    found = _exact(weights(recipe, task), securities, limits, total)
    _refuse_breaches(rules, portfolio_of_weights(found, classes, symbols, risk=risk))
    return {security: weight for security, weight in found.items() if weight > ZERO}


@dataclass(frozen=True, slots=True)
class Returns:
    """Yearly returns above cash before and with the views: of each security, and of each view."""

    names: Mapping[int, tuple[Decimal, Decimal]]
    views: Sequence[tuple[Decimal, Decimal]]


def returns_with_views(
    *,
    targets: Mapping[int, Decimal],
    risk: RiskModel,
    market_risk_price: Decimal,
    views: Sequence[View],
) -> Returns:
    """What mean-variance reckons with; arguments as of ``new_weights``. Raises BadProblem."""
    securities = sorted(targets)
    held = np.array([float(targets[one]) for one in securities])
    prior = return_views.implied(risk, held, float(market_risk_price))
    after = return_views.posterior(risk, prior, views).returns
    return Returns(
        names={
            one: (_told(then), _told(now))
            for one, then, now in zip(securities, prior, after, strict=True)
        },
        views=[
            (_told(then), _told(now))
            for then, now in zip(
                return_views.of_views(prior, views),
                return_views.of_views(after, views),
                strict=True,
            )
        ],
    )


def _told(number: float) -> Decimal:
    return border.decimal(float(number)).quantize(measures.RISK_QUANTUM)


def _limits(bounds: Bounds | None) -> tuple[Decimal, Decimal]:
    """Lowest and highest weight in whole basis points, inside the bounds."""
    low, high = (bounds.low, bounds.high) if bounds else (None, None)
    lowest = max(low or ZERO, ZERO)
    highest = ONE if high is None else min(high, ONE)
    return -(-lowest // POINT) * POINT, highest // POINT * POINT


def _bands(
    rules: Sequence[Rule], securities: Sequence[int], classes: Mapping[int, Classification]
) -> list[Band]:
    found = []
    for rule in rules:
        if not rule.is_hard or rule.kind not in (RuleKind.ASSET_CLASS, RuleKind.SECTOR):
            continue
        if rule.subject == mandates.CASH_CLASS:
            continue  # what the weights leave: the recipe keeps it, and the check below judges it
        members: BoolArray = np.array(
            [_counts(rule, classes.get(one)) for one in securities], dtype=np.bool_
        )
        found.append(
            Band(
                name=f"{rule.kind.replace('_', ' ')} {rule.subject}",
                members=members,
                low=0.0 if rule.low is None else float(rule.low),
                high=1.0 if rule.high is None else float(rule.high),
            )
        )
    return found


def _counts(rule: Rule, known: Classification | None) -> bool:
    if known is None:
        return False
    own = known.sector if rule.kind is RuleKind.SECTOR else known.asset_class
    return own == rule.subject


def _exact(
    found: FloatArray,
    securities: Sequence[int],
    limits: Sequence[tuple[Decimal, Decimal]],
    total: Decimal,
) -> dict[int, Decimal]:
    """Basis points that make the total, each inside its own limits: largest remainders first, then those with room."""
    parts = [Fraction(max(float(one), 0.0)) for one in found]
    scale = Fraction(total) / sum(parts)
    rounded = spread(total, [part * scale for part in parts], POINT)
    exact = [min(max(one, low), high) for one, (low, high) in zip(rounded, limits, strict=True)]
    missing = total - sum(exact, ZERO)
    for at in sorted(range(len(exact)), key=lambda at: (-exact[at], at)):
        low, high = limits[at]
        step = max(min(missing, high - exact[at]), low - exact[at])
        exact[at] += step
        missing -= step
    return dict(zip(securities, exact, strict=True))


def portfolio_of_weights(
    weights_of: Mapping[int, Decimal],
    classes: Mapping[int, Classification],
    symbols: Mapping[int, str],
    *,
    risk: RiskModel | None = None,
    why_no_risk: str = "",
) -> Portfolio:
    """A model as rules see it: nothing of it is active.

    ``risk`` has the securities of ``weights_of`` in ascending order; without it rules about risk are unknown.
    """
    ordered = [weights_of[one] for one in sorted(weights_of)]
    return Portfolio(
        weights=weights_of,
        cash=ONE - sum(weights_of.values(), ZERO),
        targets=weights_of,
        classes=classes,
        symbols=symbols,
        risk=None if risk is None else risk_of_weights(ordered, risk),
        why_no_risk=why_no_risk,
    )


def _refuse_breaches(rules: Sequence[Rule], portfolio: Portfolio) -> None:
    """Raises Infeasible for a hard rule that the recipe could not be told of."""
    broken = mandates.breaches(rules, portfolio)
    if broken:
        told = tuple(rule_sentence(one, portfolio.symbols) for one in broken)
        raise Infeasible(
            f"The new weights break the mandate: {' '.join(told)}",
            conflicts=told,
            advice="Relax the rule, or give the model other names.",
        )
