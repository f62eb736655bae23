"""Several pairs decided about at once: each in a transaction of its own, and each with its answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accounts.access import Action, require
from accounts.errors import LotwiseError
from accounts.models import User
from harvesting import pair_services
from proposals.models import HarvestedPair


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one pair; ``refused`` says why nothing did, empty = it is done."""

    pair: HarvestedPair  # as it was looked at
    refused: str = ""

    @property
    def is_done(self) -> bool:
        return not self.refused


def waive_each(*, user: User, pairs: Sequence[HarvestedPair], reason: str) -> list[Answer]:
    """Let each pair stay, for one reason; what ``pair_services.waive`` refuses is that pair's answer alone.

    Raises NotAllowed for a user who may decide about none.
    """
    return _each(user, pairs, lambda pair: pair_services.waive(user=user, pair=pair, reason=reason))


def unwaive_each(*, user: User, pairs: Sequence[HarvestedPair]) -> list[Answer]:
    """Take the waiver of each pair back; what ``pair_services.unwaive`` refuses is that pair's answer alone.

    Raises NotAllowed for a user who may decide about none.
    """
    return _each(user, pairs, lambda pair: pair_services.unwaive(user=user, pair=pair))


def _each(
    user: User, pairs: Sequence[HarvestedPair], decide: Callable[[HarvestedPair], HarvestedPair]
) -> list[Answer]:
    require(user, Action.DECIDE)
    return [_answer(pair, decide) for pair in pairs]


def _answer(pair: HarvestedPair, decide: Callable[[HarvestedPair], HarvestedPair]) -> Answer:
    try:
        decide(pair)
    except LotwiseError as refusal:  # the others are decided about all the same
        return Answer(pair, str(refusal))
    return Answer(pair)
