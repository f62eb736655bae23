"""Contexts of the pages of models and their versions."""

from datetime import date
from typing import Any

from django.forms import BaseFormSet

from accounts.selectors import business_date
from rebalancing import selectors
from rebalancing.model_changes import universe_selectors, version_effects, version_panels
from rebalancing.model_changes.change_previews import Planned, Preview, preview
from rebalancing.model_changes.forms import BLANK_ROWS, ChangeForm, change_rows
from rebalancing.model_changes.recipes import VersionState
from rebalancing.model_changes.universe_drafts import Reconstitution
from rebalancing.models import ModelVersion, TargetModel
from rebalancing.types import ZERO
from securities import selectors as securities

MOST_SHOWN = 500  # households in the table; the sums are over all
OPEN = (VersionState.DRAFT, VersionState.SCHEDULED)


def model_page(model: TargetModel) -> dict[str, object]:
    """A model with its versions and the exits that households still hold."""
    left = universe_selectors.exits(model.firm_id, business_date(model.firm))
    return {
        **weights_page(model),
        "versions": universe_selectors.versions(model),
        "exits": [one for one in left if one.model == model.name],
    }


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
    return {
        "version": version,
        "rows": selectors.version_weights(version),
        "turnover": selectors.turnover(version),
        "followers": selectors.followers(version),
        "today": business_date(version.model.firm),
        "is_open": version.state in OPEN,
        "may_stop": version.state in OPEN or version.is_under_way,
    }


def effect_page(version: ModelVersion) -> dict[str, object]:
    """What the version would do to every household, as far as it is computed, and what it breaks elsewhere."""
    planned = universe_selectors.planned(version)
    found = version_effects.computed(version, planned)
    return {
        "version": version,
        "to_come": found.to_come,
        "oldest": found.oldest,
        **_effect(planned, business_date(version.model.firm), found.preview),
    }


def compute_more(version: ModelVersion, *, again: bool) -> int:
    """Compute the effect on the households that are to come, for a moment; on all of them ``again``, if so."""
    if again:
        version_effects.forget(version)
    return version_effects.compute_more(version, universe_selectors.planned(version))


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
        **_effect(planned, new.as_of, preview(planned, new.as_of)),
    }


def _effect(planned: Planned, as_of: date, found: Preview) -> dict[str, object]:
    return {
        "preview": found,
        "shown": found.rows[:MOST_SHOWN],
        "panels": version_panels.of(planned, as_of),
        "as_of": as_of,
    }


def published_told(version: ModelVersion) -> str:
    """What publishing came to."""
    if version.state == VersionState.SCHEDULED:
        return f"{version} waits: the first night on or after {version.effective_on} makes its weights the model's."
    if version.is_under_way:
        return f"{version.model} has taken step 1 of {version.steps}; each trading day's night takes the next."
    return f"{version.model} has the new weights from now on."
