"""Parts of a household's page *Drift* that rooms above this one add."""

from accounts.models import Household
from accounts.page_panels import Panel, Panels

__all__ = ["Panel", "add", "of"]

_panels: Panels[[Household]] = Panels()
add, of = _panels.add, _panels.of
