"""What the planner's page shows, gathered from selectors."""

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import urlencode

from accounts.models import Household
from proposals.budgets import Budget
from rebalancing.transition import curves
from rebalancing.transition import selectors as transition_selectors
from rebalancing.transition.forms import LIMITS, PlanForm
from rebalancing.transition.schedule import Column, Schedule, Transition
from rebalancing.types import ONE, ZERO


def context(
    household: Household, *, asked: Budget | None = None, form: PlanForm | None = None
) -> dict[str, object]:
    """Context of the page, perhaps with limits that somebody asks about or a form that was refused."""
    page = transition_selectors.page(household, asked=asked)
    found: dict[str, object] = {
        "household": household,
        "page": page,
        "form": form or PlanForm(initial=_initial(asked)),
        "asked": asked,
        "schedule": page.schedule,
    }
    if page.analysis is not None:
        found |= {
            "analysis": page.analysis,
            "rows": [_row(column, page.analysis) for column in page.analysis.columns],
            "curve": _curve(page.analysis),
            "lines": _lines(page.analysis, page.schedule, is_plan=page.plan is not None),
        }
    return found


def _initial(limits: Budget | None) -> dict[str, str]:
    if limits is None:
        return {}
    values = {name: getattr(limits, name) for name in LIMITS}
    return {name: f"{value:.2f}" for name, value in values.items() if value is not None}


def _row(column: Column, analysis: Transition) -> dict[str, object]:
    first, budget = column.first, column.budget
    return {
        "share": column.share,
        "budget": budget,
        "first": first,
        "sold": first.legacy_sold / analysis.legacy
        if first is not None and analysis.legacy > ZERO
        else None,
        "schedule": column.schedule,
        "query": "" if budget is None else urlencode(_initial(budget)),
    }


def _curve(analysis: Transition) -> curves.Curve | None:
    rows = [
        (column.first.tax, column.first.risk_after, f"{column.share:.0%}", False)
        for column in analysis.columns
        if column.first is not None
    ]
    taxes = [row[0] for row in rows]
    return curves.curve(rows) if taxes and max(taxes) - min(taxes) > ONE else None


def _lines(
    analysis: Transition, schedule: Schedule | None, *, is_plan: bool
) -> curves.Lines | None:
    """What is left of the legacy; the plan's line, or that of the limits asked for, beside the columns'."""
    rows = [
        (f"{column.share:.0%}", _left(column.schedule))
        for column in analysis.columns
        if column.schedule.steps
    ]
    if schedule is not None and schedule.steps:
        rows.append(("plan" if is_plan else "asked", _left(schedule)))
    return curves.over_years(rows) if rows and analysis.legacy > ZERO else None


def _left(schedule: Schedule) -> Sequence[Decimal]:
    steps = schedule.steps
    return [steps[0].legacy_before, *(step.legacy_after for step in steps)]
