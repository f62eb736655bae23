"""Parts of the pages of a model's change that rooms beside this one add, of what is planned and a day."""

from datetime import date

from accounts.page_panels import Panel, Panels
from rebalancing.model_changes.change_previews import Planned

__all__ = ["Panel", "add", "of"]

_panels: Panels[[Planned, date]] = Panels()
add, of = _panels.add, _panels.of
