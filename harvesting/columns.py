"""From the database to columns: the open lots of many households as arrays, read-only, for the bulk screen.

COPY in PostgreSQL's binary format. No column is null and none varies in length, so every row has the same bytes in the
same places and the whole answer is one array of records: no row is ever a Python object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from harvesting.screen import Accounts, IntArray, Lots, Securities
from harvesting.types import HarvestRules
from securities.types import Quote

Keys = NDArray[np.int64]  # primary keys, ascending

_EPOCH = date(2000, 1, 1)
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER_BYTES = len(_SIGNATURE) + 8  # flags, and the length of an extension: both zero
_TRAILER = b"\xff\xff"
_COPY_LOTS = """
    COPY (SELECT account_id, security_id, quantity::float8, coalesce(loss_basis, basis)::float8,
                 acquired - date '2000-01-01'
            FROM lots_taxlot WHERE account_id = ANY(%s)) TO STDOUT (FORMAT BINARY)
"""
_LOT_RECORD = np.dtype(
    [
        ("fields", ">i2"),
        ("bytes_1", ">i4"), ("account", ">i8"),
        ("bytes_2", ">i4"), ("security", ">i8"),
        ("bytes_3", ">i4"), ("quantity", ">f8"),
        ("bytes_4", ">i4"), ("basis", ">f8"),
        ("bytes_5", ">i4"), ("acquired", ">i4"),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as the screen needs it; primary keys."""

    id: int
    household: int
    is_taxable: bool
    tax_managed: bool


def day_number(day: date) -> int:
    """Days since 2000-01-01, as ``Lots.acquired`` counts them."""
    return (day - _EPOCH).days


def keys(ids: Iterable[int]) -> Keys:
    """The primary keys in order: the place of each is its place in the columns."""
    return np.array(sorted(ids), dtype=np.int64)


def lot_columns(account_ids: Keys, security_ids: Keys) -> Lots:
    """Every open lot of the accounts. One COPY. Raises ValueError for a lot of a security that is not named."""
    records = _copied(_COPY_LOTS, [account_ids.tolist()])
    return Lots(
        account=_places(records["account"], account_ids),
        security=_places(records["security"], security_ids),
        quantity=records["quantity"].astype(np.float64),
        basis=records["basis"].astype(np.float64),
        acquired=records["acquired"].astype(np.int32),
    )


def account_columns(
    rows: Sequence[AccountRow],
    household_ids: Keys,
    *,
    rules: HarvestRules,
    own_rules: Mapping[int, HarvestRules],
) -> Accounts:
    """The accounts in the order of ``rows``, with the lowest floors that any day of the year has.

    ``rules`` are the firm's; ``own_rules`` those of the households with words of their own.
    """
    floors = [_lowest_floors(own_rules.get(row.household, rules)) for row in rows]
    return Accounts(
        household=_places(np.array([row.household for row in rows], dtype=np.int64), household_ids),
        is_taxable=np.array([row.is_taxable for row in rows], dtype=np.bool_),
        tax_managed=np.array([row.tax_managed for row in rows], dtype=np.bool_),
        dollar_floor=np.array([dollars for dollars, _ in floors], dtype=np.float64),
        fraction_floor=np.array([fraction for _, fraction in floors], dtype=np.float64),
    )


def security_columns(
    security_ids: Keys, quotes: Mapping[int, Quote], *, as_of: date, oldest_days: int
) -> Securities:
    """Prices in the order of the keys. Fresh is a price of the last ``oldest_days`` calendar days."""
    oldest = as_of - timedelta(days=oldest_days)
    found = [quotes.get(security) for security in security_ids.tolist()]
    return Securities(
        price=np.array([np.nan if one is None else float(one.price) for one in found], np.float64),
        is_fresh=np.array([one is not None and one.day >= oldest for one in found], np.bool_),
    )


def _lowest_floors(rules: HarvestRules) -> tuple[float, float]:
    """Dollars and fraction of the basis when they are eased the furthest (towards the end of the year)."""
    easing = min(1.0, float(rules.year_end_easing))
    return float(rules.minimum_loss) * easing, float(rules.minimum_loss_fraction) * easing


def _copied(statement: str, parameters: Sequence[object]) -> NDArray[np.void]:
    """The rows of a binary COPY as records. Raises ValueError for an answer that is not what was asked for."""
    with connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        answer = b"".join(copy)
    rows, rest = divmod(len(answer) - _HEADER_BYTES - len(_TRAILER), _LOT_RECORD.itemsize)
    if not answer.startswith(_SIGNATURE) or not answer.endswith(_TRAILER) or rest:
        raise ValueError("PostgreSQL's answer to a binary COPY has another layout than expected.")
    return np.frombuffer(answer, dtype=_LOT_RECORD, count=rows, offset=_HEADER_BYTES)


def _places(ids: NDArray[np.int64], known: Keys) -> IntArray:
    """The place of each key in ``known``. Raises ValueError for one that is not there."""
    places = np.searchsorted(known, ids)
    if len(ids) and (places.max() >= len(known) or not np.array_equal(known[places], ids)):
        raise ValueError("A row names a key that is not among those asked for.")
    return places.astype(np.int32)
