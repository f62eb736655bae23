"""Drafts of a model's weights by its recipe, from prices, views and market values on record.

The weights themselves are found in ``rebalancing.model_changes.model_drafts``; what becomes of a draft is up to
``rebalancing.model_changes.model_versions``.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts import access
from accounts.canonical import decimal_text
from accounts.errors import LotwiseError
from accounts.models import User
from accounts.selectors import business_date
from rebalancing import selectors
from rebalancing.errors import RebalancingError
from rebalancing.model_changes import stated_views, view_words
from rebalancing.model_changes.model_drafts import new_weights, returns_with_views
from rebalancing.model_changes.model_versions import NewVersion, stored
from rebalancing.model_changes.recipes import Recipe, VersionKind
from rebalancing.model_changes.return_views import View
from rebalancing.models import ModelVersion, ReturnView, TargetModel
from rebalancing.risk_data.risk_models import market_risk_price, risk_of
from securities import selectors as securities

MOST_DAYS = 35  # market values come by the month; older ones are refused


class NoPrices(LotwiseError):
    """A name of the model has no price: its risk cannot be estimated."""

    code = "no_prices"


class NoMarketValues(LotwiseError):
    """A name of the model has no market value, or only an old one."""

    code = "no_market_values"


class NotDrafted(LotwiseError):
    """The recipe finds no weights within the mandate, or has no risk model."""

    code = "not_drafted"
    status = 422


class StrayView(LotwiseError):
    """A view is about a name that its model does not have."""

    code = "stray_view"


@transaction.atomic
def draft(*, model: TargetModel, as_of: date, author: str) -> ModelVersion | None:
    """New weights by the model's recipe, as a draft in place of an older one; None where nothing would change.

    Raises NoPrices, NoMarketValues, StrayView, and BadReturns, BadProblem, Infeasible or Inaccurate of the recipe.
    """
    recipe, before = Recipe(model.recipe), selectors.targets(model.pk)
    if recipe is Recipe.FIXED or not before:
        return None
    quotes = securities.latest_prices(model.firm_id, as_of)
    symbols = securities.symbols(model.firm_id)
    missing = sorted(symbols[one] for one in before if one not in quotes)
    if missing:
        raise NoPrices(f"{model.name}: there is no price of {', '.join(missing)}.")
    risk = risk_of(model.firm_id, as_of, sorted(before))
    risk_price = market_risk_price(model.firm_id)
    rows = stated_views.in_force(model.pk, as_of) if recipe is Recipe.MEAN_VARIANCE else []
    views = _views(model, rows, before)
    valued_on, market_values = None, None
    if recipe is Recipe.MARKET_VALUE:
        valued_on, market_values = _market_values(model, before, symbols, as_of)
    after = new_weights(
        recipe,
        targets=before,
        rules=selectors.rules_of_model(model),
        classes=selectors.classes(model.firm_id),
        symbols=symbols,
        risk=risk,
        market_risk_price=risk_price,
        views=views,
        market_values=market_values,
    )
    if after == before:
        return None
    told = returns_with_views(targets=before, risk=risk, market_risk_price=risk_price, views=views)
    return stored(
        model,
        NewVersion(
            kind=VersionKind.RECIPE,
            recipe=recipe,
            before=before,
            after=after,
            as_of=as_of,
            reason=f"{recipe.replace('_', ' ').capitalize()}{_with(len(rows))} by the "
            + (f"market values of {valued_on}." if valued_on else f"prices up to {as_of}."),
            views=[
                _view_record(row, *returns) for row, returns in zip(rows, told.views, strict=True)
            ],
            returns=told.names if rows else {},
            market_risk_price=risk_price if rows else None,
        ),
        author=author,
    )[0]


def _market_values(
    model: TargetModel, targets: Mapping[int, Decimal], symbols: Mapping[int, str], as_of: date
) -> tuple[date, dict[int, Decimal]]:
    """The newest market values, all of one day: those of two days would weigh a move of prices as well.

    Raises NoMarketValues with the names that have none of that day, or where the day is too long ago.
    """
    newest = securities.newest_market_values(targets, as_of)
    if not newest:
        raise NoMarketValues(
            f"{model.name}: there are no market values of its names: use manage.py import_market_values."
        )
    day = max(newest.values())
    lacking = [
        f"{symbols[one]} ({f'the newest is of {newest[one]}' if one in newest else 'none at all'})"
        for one in sorted(targets, key=lambda one: symbols[one])
        if newest.get(one) != day
    ]
    if lacking:
        raise NoMarketValues(
            f"{model.name}: there is no market value of {day} of {', '.join(lacking)}."
        )
    if (as_of - day).days > MOST_DAYS:
        raise NoMarketValues(
            f"{model.name}: the newest market values are of {day}, more than {MOST_DAYS} days before {as_of}: "
            f"{', '.join(sorted(symbols[one] for one in targets))}."
        )
    return day, securities.market_values(targets, day)


def _views(
    model: TargetModel, rows: Sequence[ReturnView], targets: Mapping[int, Decimal]
) -> list[View]:
    """The views over the border. Raises StrayView for one about a name that the model does not have any more."""
    place = {security: at for at, security in enumerate(sorted(targets))}
    for row in rows:
        for security in (row.security, row.over):
            if security is not None and security.pk not in place:
                raise StrayView(
                    f"{model.name} does not have {security} any more, and a view is about it: end the view."
                )
    return [
        View(
            row=place[row.security_id],
            spread=float(row.yearly_return),
            confidence=float(row.confidence),
            over=None if row.over_id is None else place[row.over_id],
        )
        for row in rows
    ]


def _view_record(row: ReturnView, implied: Decimal, expected: Decimal) -> dict[str, str | None]:
    """A view as a version keeps it, whatever becomes of the view."""
    one = stated_views.stated(row)
    return {
        "view": view_words.sentence(one.symbol, one.over, one.yearly_return),
        "yearly_return": decimal_text(one.yearly_return),
        "confidence": decimal_text(one.confidence),
        "implied": decimal_text(implied),
        "expected": decimal_text(expected),
        "since": one.since.isoformat(),
        "until": None if one.until is None else one.until.isoformat(),
        "author": row.author.username,
        "reason": row.reason,
    }


def _with(views: int) -> str:
    return f" with {views} view{'' if views == 1 else 's'}" if views else ""


def draft_now(*, user: User, model: TargetModel) -> ModelVersion | None:
    """``draft`` on the firm's business date, because somebody asks for it. Raises NotAllowed, NoPrices, NotDrafted."""
    access.require(user, access.Action.DECIDE)
    held = access.visible(user, TargetModel).select_related("firm").get(pk=model.pk)
    try:
        return draft(model=held, as_of=business_date(held.firm), author=user.username)
    except RebalancingError as refusal:
        raise NotDrafted(f"{held}: no new weights. {refusal}") from refusal
