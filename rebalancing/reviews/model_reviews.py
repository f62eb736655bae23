"""Reads a model, and the firm's risk model, for the quarterly review.

``MODEL_LINES`` lists who has something to say of a model, in the order of its lines.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal

from lots import selectors as lot_selectors
from rebalancing import selectors
from rebalancing.errors import BadReturns
from rebalancing.mandates import rules as mandates
from rebalancing.mandates.rules import Portfolio
from rebalancing.model_changes import universe_selectors
from rebalancing.model_changes.model_drafts import portfolio_of_weights
from rebalancing.models import ModelAssignment, ModelVersion, RiskSetting, TargetModel
from rebalancing.reviews import of_models, of_universe, quarterly
from rebalancing.reviews.of_models import (
    FollowerFacts,
    PriceFacts,
    RiskModelFacts,
    VersionFacts,
    VolumeFacts,
)
from rebalancing.reviews.of_universe import UniverseFacts
from rebalancing.reviews.strategy import endings
from rebalancing.reviews.types import NewFinding, Topic, not_reviewed
from rebalancing.risk_data.risk_models import firm_risk, risk_of
from rebalancing.types import ZERO
from securities import selectors as securities

ModelLines = Callable[[TargetModel, date], Iterable[NewFinding]]


def model_findings(
    *, model: TargetModel, as_of: date, since: date | None = None
) -> tuple[NewFinding, ...]:
    """The lines of one model; one that says so where it has no weights. Reads only.

    ``since``: the first day that no earlier review told of, by default that of the quarter. What is held is known of
    today alone, so that nothing is said of it where the ledger runs past ``as_of``; nor of a model whose weights have
    moved on since.
    """
    if not selectors.targets(model.pk):
        return (not_reviewed("The model has no weights.", of="model"),)
    moved = universe_selectors.moved_on(model.pk, as_of)
    if moved is not None:
        return (not_reviewed(f"Its weights moved on {moved}: review a later date.", of="model"),)
    first = since or quarterly.quarter_of(as_of).first
    found = [line for lines in MODEL_LINES for line in lines(model, as_of)]
    found += of_universe.of_universe(_universe(model, as_of, first))
    if lot_selectors.runs_past(as_of, firm_id=model.firm_id):
        said = f"The ledger runs past {as_of}, so that what was held then is not known: review a later date."
        kept = [line for line in found if line.topic not in _OF_HOLDINGS]
        return (not_reviewed(said, of="holdings"), *kept)
    return tuple(found)


def firm_findings(*, firm_id: int, as_of: date) -> tuple[NewFinding, ...]:
    """The lines of the firm: its risk model, and restrictions for everybody that end. Reads only."""
    quarter = quarterly.quarter_of(as_of)
    lines = list(of_models.of_risk_model(_risk_model(firm_id, as_of)))
    if lot_selectors.runs_past(as_of, firm_id=firm_id):
        lines = [line for line in lines if line.key != of_models.COVERAGE]
        said = f"The ledger runs past {as_of}: how much of what was held then has a history is not known."
        lines.append(not_reviewed(said, of="holdings"))
    return (
        *lines,
        *quarterly.of_endings(endings(quarter, firm=firm_id), quarter),
    )


def _weights(model: TargetModel, as_of: date) -> Iterable[NewFinding]:
    return of_models.of_weights(_portfolio(model, as_of))


def _rules(model: TargetModel, as_of: date) -> Iterable[NewFinding]:
    portfolio = _portfolio(model, as_of)
    found = mandates.check(selectors.rules_of_model(model), portfolio)
    return of_models.of_rules(found, portfolio.symbols)


def _portfolio(model: TargetModel, as_of: date) -> Portfolio:
    targets = selectors.targets(model.pk)
    risk, why = None, ""
    try:
        risk = risk_of(model.firm_id, as_of, sorted(targets))
    except BadReturns as error:
        why = str(error)
    return portfolio_of_weights(
        targets,
        selectors.classes(model.firm_id),
        securities.symbols(model.firm_id),
        risk=risk,
        why_no_risk=why,
    )


def _prices(model: TargetModel, as_of: date) -> Iterable[NewFinding]:
    targets = selectors.targets(model.pk)
    symbols = securities.symbols(model.firm_id)
    quotes = securities.latest_prices(model.firm_id, as_of)
    most = selectors.limits_of_model(model).maximum_price_age_days
    guessed = _guessed(model.firm_id, as_of)
    facts = PriceFacts(
        never=[symbols[one] for one in targets if one not in quotes],
        stale={
            symbols[one]: quotes[one].day
            for one in targets
            if one in quotes and (as_of - quotes[one].day).days > most
        },
        maximum_age_days=most,
        guessed={symbols[one]: guessed[one] for one in targets if one in guessed},
    )
    return of_models.of_prices(facts)


def _guessed(firm_id: int, as_of: date) -> Mapping[int, str]:
    """Security -> why the firm's risk model guesses its risk; nothing where there is no model."""
    firm = firm_risk(firm_id, as_of)
    if firm.model is None:
        return {}
    why = dict(zip(firm.model.guessed, firm.model.reasons, strict=True))
    return {security: why[row] for security, row in firm.rows.items() if row in why}


def _volume(model: TargetModel, as_of: date) -> Iterable[NewFinding]:
    targets = selectors.targets(model.pk)
    symbols = securities.symbols(model.firm_id)
    held = lot_selectors.shares_of_firm(model.firm_id)
    facts = securities.trading_facts(model.firm_id, as_of)
    volumes = {one: facts[one].daily_volume for one in targets}
    return of_models.of_volume(
        VolumeFacts(
            held={symbols[one]: held[one] for one in targets if one in held},
            volumes={symbols[one]: day for one, day in volumes.items() if day is not None},
            slice_above=selectors.limits_of_model(model).slice_above,
        )
    )


def _version(model: TargetModel, as_of: date) -> Iterable[NewFinding]:
    rows = ModelVersion.objects.filter(model=model, as_of__lte=as_of).order_by("-number")
    newest = rows.select_related("decided_by").first()
    facts = None
    if newest is not None:
        facts = VersionFacts(
            number=newest.number,
            state=newest.state,
            as_of=newest.as_of,
            by=newest.author if newest.decided_by is None else newest.decided_by.username,
        )
    return of_models.of_version(facts, model.recipe)


def _universe(model: TargetModel, as_of: date, since: date) -> UniverseFacts:
    """Changes since, and older ones that are open or lapsed; each once, the newest first."""
    recent = universe_selectors.changes_between(model.firm_id, since, as_of, model_id=model.pk)
    known = {one.id for one in recent}
    older = [one for one in universe_selectors.unsettled(model.pk, as_of) if one.id not in known]
    return UniverseFacts(
        since=since,
        day=as_of,
        changes=sorted((*recent, *older), key=lambda one: -one.number),
        exits=universe_selectors.exits(model.firm_id, as_of, model_id=model.pk),
    )


def _followers(model: TargetModel, as_of: date) -> Iterable[NewFinding]:
    households = list(
        ModelAssignment.objects.filter(model=model).values_list("household_id", flat=True)
    )
    worth, unpriced = _dollars(model.firm_id, lot_selectors.shares_in(households), as_of)
    symbols = securities.symbols(model.firm_id)
    return of_models.of_followers(
        FollowerFacts(
            households=len(households),
            dollars=sum(worth.values(), lot_selectors.cash_in(households)),
            unpriced=sorted(symbols[one] for one in unpriced),
        )
    )


def _dollars(
    firm_id: int, shares: Mapping[int, Decimal], as_of: date
) -> tuple[dict[int, Decimal], list[int]]:
    """Security -> dollars of the shares; and what has no price."""
    quotes = securities.latest_prices(firm_id, as_of)
    return (
        {one: held * quotes[one].price for one, held in shares.items() if one in quotes},
        [one for one in shares if one not in quotes],
    )


def _risk_model(firm_id: int, as_of: date) -> RiskModelFacts:
    setting = RiskSetting.objects.filter(firm=firm_id).first() or RiskSetting()
    firm, guessed = firm_risk(firm_id, as_of), _guessed(firm_id, as_of)
    worth, _ = _dollars(firm_id, lot_selectors.shares_of_firm(firm_id), as_of)
    total = sum(worth.values(), ZERO)
    without = sum((amount for one, amount in worth.items() if one in guessed), ZERO)
    symbols = securities.symbols(firm_id)
    model = firm.model
    return RiskModelFacts(
        method=setting.method,
        source="" if model is None else model.source,
        estimated_to=None if model is None else model.estimated_to,
        day=as_of,
        maximum_staleness_days=setting.maximum_staleness_days,
        coverage=Decimal(1) if total <= ZERO else 1 - without / total,
        minimum_coverage=setting.minimum_coverage,
        guessed=sorted(symbols[one] for one in worth if one in guessed),
        why_none=str(firm.refusal or "") if model is None else "",
    )


_OF_HOLDINGS = (Topic.VOLUME, Topic.FOLLOWERS, Topic.EXITS)
MODEL_LINES: tuple[ModelLines, ...] = (_rules, _weights, _prices, _volume, _version, _followers)
