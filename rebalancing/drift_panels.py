"""Parts of a household's page *Drift* that rooms above this one add: they know the page, it does not know them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from accounts.models import Household


@dataclass(frozen=True, slots=True)
class Panel:
    """A template, and what it shows of a household; None where it shows nothing."""

    template: str
    context: Callable[[Household], Mapping[str, object] | None]


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


def of(household: Household) -> Sequence[Shown]:
    """The panels of a household, in the order in which they were added."""
    found = [(panel.template, panel.context(household)) for panel in _panels]
    return [Shown(template, context) for template, context in found if context is not None]
