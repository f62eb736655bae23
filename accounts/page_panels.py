"""Parts of a page that rooms above the page's own add: they know the page, it does not know them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, ParamSpec

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Panel(Generic[P]):
    """A template, and what it shows of what the page is about; None where it shows nothing."""

    template: str
    context: Callable[P, Mapping[str, object] | None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with what it shows."""

    template: str
    context: Mapping[str, object]


class Panels(Generic[P]):
    """The panels of one page, in the order in which they were added."""

    def __init__(self) -> None:
        self._panels: list[Panel[P]] = []

    def add(self, panel: Panel[P]) -> None:
        """Add a panel, once, when its room is set up."""
        if panel not in self._panels:
            self._panels.append(panel)

    def of(self, *args: P.args, **kwargs: P.kwargs) -> Sequence[Shown]:
        """Those that show something of this."""
        found = [(panel.template, panel.context(*args, **kwargs)) for panel in self._panels]
        return [Shown(template, context) for template, context in found if context is not None]
