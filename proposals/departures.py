"""Which names left the model that a household follows: asked of the room above that keeps models (F18).

The harvest and the swap-back ask it too, and know no models.
"""

from collections.abc import Callable, Mapping
from datetime import date

from proposals.types import Departure

Provider = Callable[[int, date], Mapping[int, Departure]]

_providers: list[Provider] = []


def provide(provider: Provider) -> None:
    """Ask ``provider`` for the departures of a household (primary key) on a day; once, when its room is set up."""
    _providers[:] = [provider]


def of_household(household_id: int, as_of: date) -> Mapping[int, Departure]:
    """Security -> its departure in force; nothing where the household follows no model, or no room keeps any."""
    return _providers[0](household_id, as_of) if _providers else {}
