"""Parts of the pages of a model's change that rooms beside this one add: they know the page, it does not know them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rebalancing.model_changes.change_previews import Planned


@dataclass(frozen=True, slots=True)
class Panel:
    """A template, and what it shows of a change on a day; None where it shows nothing."""

    template: str
    context: Callable[[Planned, date], Mapping[str, object] | None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with what it shows."""

    template: str
    context: Mapping[str, object]


_panels: list[Panel] = []


def add(panel: Panel) -> None:
    """Add a panel, once, when its room is set up."""
    if panel not in _panels:
        _panels.append(panel)


def of(planned: Planned, as_of: date) -> Sequence[Shown]:
    """The panels of a change, in the order in which they were added."""
    found = [(panel.template, panel.context(planned, as_of)) for panel in _panels]
    return [Shown(template, context) for template, context in found if context is not None]
