"""Contexts of the pages of models and their versions."""

from datetime import date
from typing import Any

from django.forms import BaseFormSet
from django.utils import timezone

from accounts.selectors import business_date
from rebalancing import selectors
from rebalancing.model_changes import (
    effect_sums,
    stated_views,
    universe_selectors,
    version_panels,
    view_words,
)
from rebalancing.model_changes.change_previews import Planned, findings, preview
from rebalancing.model_changes.forms import BLANK_ROWS, ChangeForm, ViewForm, change_rows
from rebalancing.model_changes.recipes import Recipe, VersionState
from rebalancing.model_changes.universe_drafts import Reconstitution
from rebalancing.model_changes.view_words import Stated
from rebalancing.models import ModelVersion, ReturnView, TargetModel
from rebalancing.risk_data.risk_models import market_risk_price
from rebalancing.types import ZERO
from securities import selectors as securities

OPEN = (VersionState.DRAFT, VersionState.SCHEDULED)


def model_page(model: TargetModel, form: ViewForm | None = None) -> dict[str, object]:
    """A model with its versions, its views and the exits that households still hold."""
    today = business_date(model.firm)
    return {
        **weights_page(model),
        **views_of(model, form),
        "versions": universe_selectors.versions(model),
        "exits": universe_selectors.exits(model.firm_id, today, model_id=model.pk),
    }


def views_of(model: TargetModel, form: ViewForm | None = None) -> dict[str, object]:
    """The model's views, open ones first, and the form for another; nothing where its recipe has none.

    ``form``: as it was typed and refused.
    """
    today = business_date(model.firm)
    rows = stated_views.rows_of(model.pk)
    takes_views = model.recipe == Recipe.MEAN_VARIANCE
    if not rows and not takes_views:
        return {"takes_views": False, "views": []}
    shown = [
        {
            "row": row,
            "told": view_words.sentence(one.symbol, one.over, one.yearly_return),
            "confidence": row.confidence,
            "state": _standing(one, today),
            "may_end": one.until is None or one.until >= today,
        }
        for row in rows
        if (one := stated_views.stated(row))
    ]
    return {
        "takes_views": takes_views,
        "views": sorted(shown, key=lambda one: not one["may_end"]),
        "view_form": form or view_form(model),
        "risk_price": view_words.risk_price(market_risk_price(model.firm_id)),
    }


def _standing(view: Stated, today: date) -> str:
    if view.is_in_force(today):
        return "in force"
    return "to come" if view.since > today else "ended"


def told_of_new(row: ReturnView, today: date) -> str:
    """What becomes of a view that was just put on record."""
    view = stated_views.stated(row)
    if view.is_in_force(today):
        return "The view is on record: the next draft uses it."
    if view.since > today:
        return f"The view is on record: drafts use it from {view.since} on."
    return f"The view is on record: it ended on {view.until}, and no draft uses it."


def view_form(model: TargetModel, data: Any = None) -> ViewForm:
    """The form for a view on the model's names."""
    symbols = securities.symbols(model.firm_id)
    members = sorted(symbols[one] for one in selectors.targets(model.pk))
    return ViewForm(data, members=members, today=business_date(model.firm))


def weights_page(model: TargetModel) -> dict[str, object]:
    """A model with its weights of today, the largest first, and its cash."""
    symbols = securities.symbols(model.firm_id)
    targets = selectors.targets(model.pk)
    rows = sorted(targets.items(), key=lambda row: (-row[1], symbols[row[0]]))
    return {
        "model": model,
        "weights": [(symbols[security], weight) for security, weight in rows],
        "cash": 1 - sum(targets.values(), ZERO),
    }


def with_more_rows(rows: "BaseFormSet[ChangeForm]") -> "BaseFormSet[ChangeForm]":
    """The rows as they were typed, and some empty ones."""
    names = list(ChangeForm.base_fields)
    typed: list[dict[str, Any]] = [
        {name: rows.data.get(f"{row.prefix}-{name}", "") for name in names} for row in rows
    ]
    filled = [row for row in typed if row["symbol"] or row["weight"] or row["note"]]
    blank = len(typed) - len(filled)
    return change_rows(initial=filled, more=max(blank - BLANK_ROWS, 0) + BLANK_ROWS)


def version_page(version: ModelVersion) -> dict[str, object]:
    """A version with its weights and where it stands."""
    price = version.market_risk_price
    return {
        "version": version,
        "rows": selectors.version_weights(version),
        "returns": selectors.version_returns(version),
        "risk_price": price and view_words.risk_price(price),
        "turnover": selectors.turnover(version),
        "followers": selectors.followers(version),
        "today": business_date(version.model.firm),
        "is_open": version.state in OPEN,
        "may_stop": version.state in OPEN or version.is_under_way,
    }


def effect_page(version: ModelVersion) -> dict[str, object]:
    """What the version meets: by what workers have measured of its households, and beside single households."""
    planned, as_of = (
        universe_selectors.planned(version),
        business_date(version.model.firm),
    )
    return {
        **households_page(version),
        "found": findings(planned, as_of, effect_sums.shares_wanted(version)),
        "panels": version_panels.of(planned, as_of),
        "as_of": as_of,
    }


def households_page(version: ModelVersion) -> dict[str, object]:
    """What workers have measured of the version's households, in sum, with how old it is."""
    return {
        "version": version,
        "sums": effect_sums.sums(version),
        "is_open": version.state in OPEN,
        "now": timezone.now(),
    }


def file_page(read: Reconstitution, name: str, file: bytes) -> dict[str, object]:
    """What a file of constituents would change, before anything is written."""
    new, symbols = read.new, securities.symbols(read.model.firm_id)
    planned = Planned(
        model=read.model,
        kind=new.kind,
        before=new.before,
        after=new.after,
        exit_rules=new.exit_rules,
    )
    rows: list[dict[str, Any]] = [
        {
            "symbol": symbols[security],
            "before": new.before.get(security, ZERO),
            "after": new.after.get(security, ZERO),
            "change": new.after.get(security, ZERO) - new.before.get(security, ZERO),
            "exit_rule": new.exit_rules[security].label if security in new.exit_rules else "",
        }
        for security in new.before.keys() | new.after.keys()
    ]
    return {
        "name": name,
        "text": file.decode("utf-8-sig"),
        "read": new,
        "changes_nothing": read.difference.is_empty,
        "rows": sorted(rows, key=lambda row: (-abs(row["change"]), row["symbol"])),
        "difference": read.difference,
        "preview": preview(planned, new.as_of),
        "panels": version_panels.of(planned, new.as_of),
        "as_of": new.as_of,
    }


def published_told(version: ModelVersion) -> str:
    """What publishing came to."""
    if version.state == VersionState.SCHEDULED:
        return f"{version} waits: the first night on or after {version.effective_on} makes its weights the model's."
    if version.is_under_way:
        return f"{version.model} has taken step 1 of {version.steps}; each trading day's night takes the next."
    return f"{version.model} has the new weights from now on."
