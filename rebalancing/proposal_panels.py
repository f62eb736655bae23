"""This room's parts of the page of a rebalance: the points beside it, and solving it again around fixed rows."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from accounts.access import Action, may
from accounts.models import User
from proposals import panels
from proposals.models import Proposal
from proposals.panels import Panel, Typed
from proposals.types import ProposalKind, Status
from rebalancing.transition import curves
from rebalancing.versions import forms as edit_forms
from rebalancing.versions import frontier_services


def add_panels() -> None:
    """Called once, when the room is set up."""
    panels.add(ProposalKind.REBALANCE, Panel("rebalancing/frontier_panel.html", frontier_panel))
    panels.add(ProposalKind.REBALANCE, Panel("rebalancing/edit_panel.html", edit_panel))


def edit_panel(user: User, proposal: Proposal, typed: Typed) -> Mapping[str, object] | None:
    """A choice for each line of a pending rebalance, for who may decide about it."""
    if proposal.status != Status.PENDING or not may(user, Action.DECIDE):
        return None
    trades = list(proposal.trades.select_related("account", "security"))
    return {
        "lines": edit_forms.lines(trades, typed),
        "choices": list(edit_forms.choices()),
        "note": typed.get("note", ""),
        "is_open": bool(typed),
    }


def frontier_panel(user: User, proposal: Proposal, typed: Typed) -> Mapping[str, object] | None:
    """The points beside a rebalance: of a pending one to pick from or to ask for, of a decided one as they were."""
    may_pick = proposal.status == Status.PENDING and may(user, Action.DECIDE)
    found = frontier_services.frontier_of(proposal)
    if found is None:
        return {"may_ask": True} if may_pick else None
    if found.tries and may_pick:
        return {"may_ask": True, "why_none": found.why_none}
    rows = [
        {
            "number": number,
            "tax": Decimal(record["tax"]),
            "carried_worth": carried_worth(record),
            "weighed": Decimal(record["tax"]) - (carried_worth(record) or 0),
            "later_tax": later_tax(record),
            "cost": Decimal(record["cost"]),
            "short_gain": Decimal(record["short_gain"]),
            "long_gain": Decimal(record["long_gain"]),
            "risk": Decimal(record["risk"]),
            "lines": len(record["rows"]),
            "is_given": record["is_given"],
            "is_this": frontier_services.is_this(record, proposal),
        }
        for number, record in enumerate(found.points)
    ]
    across = axis([row["tax"] for row in rows], [row["weighed"] for row in rows])
    chosen = [
        (row[across], row["risk"], str(row["number"] + 1), bool(row["is_this"])) for row in rows
    ]
    return {
        "frontier": found,
        "rows": rows,
        "across": across,
        "curve": curves.curve(chosen) if len(rows) > 1 else None,
        "may_pick": may_pick and len(rows) > 1,
    }


def carried_worth(record: Mapping[str, Any]) -> Decimal | None:
    """What the losses that a point carries on are worth; None of a point kept before this was stored."""
    return Decimal(record["carried_worth"]) if "carried_worth" in record else None


def later_tax(record: Mapping[str, Any]) -> Decimal | None:
    """What a point changes of later tax at today's value; None of a point kept before this was stored."""
    return Decimal(record["later_tax"]) if "later_tax" in record else None


def axis(taxes: Iterable[Decimal], weighed: Iterable[Decimal]) -> str:
    """What the chart has across: the tax of the year where it differs from point to point.

    Where it does not, the tax less what losses carried on are worth; trading cost where that is the same too (as in an
    IRA).
    """
    if len(set(taxes)) > 1:
        return "tax"
    return "weighed" if len(set(weighed)) > 1 else "cost"
