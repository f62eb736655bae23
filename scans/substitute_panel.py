"""The substitutes on the pages of a model's change: rebalancing and harvesting do not know each other."""

from collections.abc import Mapping
from datetime import date

from harvesting import selectors as harvests
from rebalancing.model_changes import version_panels
from rebalancing.model_changes.change_previews import Planned
from rebalancing.model_changes.version_panels import Panel
from scans.substitute_breaks import checked
from securities import selectors as securities


def add_panel() -> None:
    """Called once, when the room is set up."""
    version_panels.add(Panel("scans/substitute_panel.html", panel))


def panel(planned: Planned, as_of: date) -> Mapping[str, object] | None:
    """Every mapping that the change touches, with what it breaks; None for a change of weights alone."""
    changed = planned.difference
    if not changed.added and not changed.deleted:
        return None
    firm_id = planned.model.firm_id
    rows = checked(
        harvests.standing_mappings(firm_id),
        added=changed.added,
        deleted=changed.deleted,
        members=planned.after,
        symbols=securities.symbols(firm_id),
        as_of=as_of,
    )
    return {"rows": rows, "broken": sum(bool(row.problems) for row in rows)}
