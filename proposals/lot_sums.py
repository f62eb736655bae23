"""The table of the sums behind each lot of a harvest, narrow enough to be read whole. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# Terms of the stored explanation in the order of the sum; what is not named comes off.
_HEADINGS = {
    "saved": "Tax saved",
    "later": "− Later tax",
    "cost": "− Cost",
    "window": "− Window",
    "swap_back": "− Swap back",
    "tracking": "− Tracking",
    "dividends": "− Dividends",
    "wash": "− Washed",
}


@dataclass(frozen=True, slots=True)
class LotSums:
    """``rows``: each lot as explained, and its figures under ``headings``; dollars as text."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Mapping[str, Any], tuple[str, ...]], ...]


def lot_sums(candidates: Sequence[Mapping[str, Any]]) -> LotSums:
    """Terms that are nothing for every lot are left out. Proposals of old have tax saved and cost alone."""
    told = [
        one.get("terms") or {"saved": one.get("tax_saved"), "cost": one.get("cost")}
        for one in candidates
    ]
    shown = [name for name in _HEADINGS if any(Decimal(terms.get(name) or 0) for terms in told)]
    return LotSums(
        headings=tuple(_HEADINGS[name] for name in shown),
        rows=tuple(
            (one, tuple(terms.get(name) or "" for name in shown))
            for one, terms in zip(candidates, told, strict=True)
        ),
    )
