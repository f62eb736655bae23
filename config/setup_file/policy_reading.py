"""A rebalance policy of a set-up file: the firm's, a model's or a household's. No database, no clock."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from accounts.types import MONEY_LIMIT
from config.setup_file.contents import BandEntry, RebalanceEntry
from config.setup_file.tables import Range, Table
from rebalancing.policies.policy import (
    BandType,
    Cadence,
    CashFlows,
    Destination,
    Horizon,
    PolicyKind,
)
from securities.types import AssetClass

LONGEST_KEY = 40
_ZERO = Decimal(0)
_SHARE = Range(
    places=8, least=_ZERO, below=Decimal(1), words="at least 0 and below 1; 24 percent is 0.24"
)
_DAYS = Range(places=0, least=_ZERO, below=Decimal(366))
_BAND = {
    "absolute_band": _SHARE,
    "relative_band": Range(places=8, least=_ZERO, below=Decimal(100)),
}
_NUMBERS = {
    **_BAND,
    "risk_aversion": Range(places=8, least=_ZERO, below=Decimal(100_000)),
    "horizon_years": Range(places=8, least=_ZERO, below=Decimal(100)),
    "cash_minimum": _SHARE,
    "cash_maximum": Range(places=8, least=_ZERO, below=Decimal(2)),
    "minimum_trade": Range(places=4, least=_ZERO, below=MONEY_LIMIT),
    "maximum_price_age_days": _DAYS,
    "cool_down_days": _DAYS,
    "later_sale_years": Range(places=8, least=_ZERO, below=Decimal(100)),
    "taxable_sale_chance": Range(
        places=8, least=_ZERO, below=Decimal("1.00000001"), words="from 0 to 1"
    ),
    "discount_rate": _SHARE,
    "slice_above": Range(places=8, least=_ZERO, below=Decimal(1), above=True),
    "spread_limit": _SHARE,
    "factor_gain_limit": Range(places=4, least=_ZERO, below=MONEY_LIMIT),
    "cash_need_days": _DAYS,
}
_WORDS: dict[str, type[StrEnum]] = {
    "kind": PolicyKind,
    "cadence": Cadence,
    "band_type": BandType,
    "destination": Destination,
    "cash_flows": CashFlows,
    "horizon": Horizon,
}
_FLAGS = ("only_if_worth_it",)
KEYS = (*_WORDS, *_NUMBERS, *_FLAGS)


def rebalance(table: Table | None) -> RebalanceEntry | None:
    """The policy in a table; None where it is left out."""
    if table is None:
        return None
    figures = _figures(table, _WORDS, _NUMBERS)
    for key in _FLAGS:
        if (value := table.flag(key)) is not None:
            figures[key] = value
    inherits = table.names("inherit", longest=LONGEST_KEY) if table.has("inherit") else ()
    for key in inherits:
        if key not in KEYS:
            table.refuse(
                "inherit", f"{key!r} is no key of a policy; the keys are {', '.join(KEYS)}"
            )
        elif key in figures:
            table.refuse("inherit", f"{key!r} has a value in this policy too")
    securities = _bands(table.table("securities"))
    classes = _bands(table.table("classes"))
    known = {one.value: one for one in AssetClass}
    for name, entry in classes.items():
        if name not in known:
            table.refuse("classes", f"{name!r} at {entry.where} is none of {', '.join(known)}")
    table.close()
    return RebalanceEntry(
        where=table.where,
        figures=figures,
        inherits=inherits,
        securities=securities,
        classes={known[name]: entry for name, entry in classes.items() if name in known},
    )


def _bands(rows: Table | None) -> dict[str, BandEntry]:
    """The bands under free keys: symbols, or asset classes."""
    found: dict[str, BandEntry] = {}
    for name in [] if rows is None else rows.free_keys():
        table = rows.table(name) if rows is not None else None
        if table is None:
            continue
        figures = _figures(table, {"band_type": BandType}, _BAND)
        table.close()
        if not figures and rows is not None:
            rows.refuse(name, 'it says nothing: write { relative_band = "0.1" }, say')
        found[name] = BandEntry(where=table.where, figures=figures)
    return found


def _figures(
    table: Table, words: dict[str, type[StrEnum]], numbers: dict[str, Range]
) -> dict[str, Any]:
    """What the table gives of some words and numbers."""
    found: dict[str, Any] = {
        key: table.word(key, list(allowed)) for key, allowed in words.items() if table.has(key)
    }
    for key, allowed in numbers.items():
        if table.has(key):
            value = table.number(key, allowed)
            found[key] = value if allowed.places else int(value)
    return found
