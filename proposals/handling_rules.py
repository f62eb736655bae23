"""When an order of a household is not simply sent to the market: asked of the room above that keeps its policy."""

from collections.abc import Callable

from proposals.handling import UNSAID, HandlingRule

Provider = Callable[[int], HandlingRule]

_providers: list[Provider] = []


def provide(provider: Provider) -> None:
    """Ask ``provider`` for the rule of a household (primary key); once, when its room is set up."""
    _providers[:] = [provider]


def rule_of(household_id: int) -> HandlingRule:
    """The household's rule; the defaults where no room provides one."""
    return _providers[0](household_id) if _providers else UNSAID
