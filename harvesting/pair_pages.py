"""What the swap-back page shows of a pair, gathered from its row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harvesting.ways_back import Way
from proposals.models import HarvestedPair
from proposals.types import ENDED_PAIRS, PairState

DAYS = 31
_WAYS = {
    Way.BACK: "Back today",
    Way.LATER: "Back when the gain is long-term",
    Way.NEW_CASH: "New money into the original",
    Way.HARVEST: "Harvest the substitute",
    Way.KEEP: "Keep",
}
_ADVICE = {
    PairState.WAITING: "Wait",
    PairState.PROPOSED: "Go back",
    PairState.KEEP: "Keep",
    PairState.HARVEST: "Left to the harvest",
    PairState.NEW_CASH: "Keep, new money goes home",
    PairState.DONE: "Done",
    PairState.GONE: "Gone",
    PairState.WAIVED: "Waived",
}


@dataclass(frozen=True, slots=True)
class PairLine:
    """One pair as the page shows it; figures are text, empty where they are not known."""

    row: HarvestedPair
    figures: dict[str, Any]
    sold: str
    day: int  # of 31, at the night that looked last
    advice: str
    ways: tuple[tuple[str, str], ...]  # each way with its dollars

    @property
    def is_open(self) -> bool:
        return PairState(self.row.state) not in ENDED_PAIRS

    @property
    def ticked(self) -> str:
        """What its tick box sends."""
        return f"{self.row.proposal.public_id}/{self.row.pair}"

    @property
    def is_cash(self) -> bool:
        """Whether the money of the sales is parked."""
        return self.row.substitute_id is None

    @property
    def is_waived(self) -> bool:
        return self.row.state == PairState.WAIVED

    @property
    def is_proposed(self) -> bool:
        return self.row.state == PairState.PROPOSED


def lines(rows: Iterable[HarvestedPair]) -> list[PairLine]:
    """The rows with what a template cannot work out."""
    return [_line(row) for row in rows]


def _line(row: HarvestedPair) -> PairLine:
    figures: dict[str, Any] = row.figures
    ways = figures.get("ways", {})
    return PairLine(
        row=row,
        figures=figures,
        sold=", ".join(one["security"] for one in figures.get("sold", [])),
        day=min((row.as_of - row.sold_on).days, DAYS),
        advice=_ADVICE[PairState(row.state)],
        ways=tuple((_WAYS[way], ways[way.value]) for way in Way if way.value in ways),
    )
