"""From the database to columns: the open lots of many households as arrays, read-only, for the bulk screen.

PostgreSQL itself strings each column together in its binary form, and the answer is one row with one text of bytes a
column: neither a row nor a figure is ever a Python object. (COPY sends a message a row, which costs more than reading.)
All columns are strung in one pass over the same rows, so that places agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from psycopg import Cursor

from harvesting.screen import Accounts, BoolArray, IntArray, Lots, Securities
from harvesting.types import HarvestRules
from securities.types import Quote

Keys = NDArray[np.int64]  # primary keys, ascending

_EPOCH = date(2000, 1, 1)
_FEW_ACCOUNTS = 500  # so many are looked up one by one; for more the whole firm is read
_STRUNG = """
    SELECT string_agg(int8send(lot.account_id), ''),
           string_agg(int8send(lot.security_id), ''),
           string_agg(float8send(lot.screen_quantity), ''),
           string_agg(float8send(lot.screen_basis), ''),
           string_agg(int4send(lot.acquired - date '2000-01-01'), '')
      FROM lots_taxlot lot
"""
_OF_ACCOUNTS = _STRUNG + "WHERE lot.account_id = ANY(%s)"
_OF_FIRM = (
    _STRUNG
    + "JOIN accounts_account account ON account.id = lot.account_id WHERE account.firm_id = %s"
)


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


def lot_columns(account_ids: Keys, security_ids: Keys, *, firm_id: int) -> Lots:
    """Every open lot of the accounts, all of one firm. One query.

    Raises ValueError for a lot of a security that is not among ``security_ids``.
    """
    if len(account_ids) <= _FEW_ACCOUNTS:
        strung = _asked(_OF_ACCOUNTS, account_ids.tolist())
    else:
        strung = _asked(_OF_FIRM, firm_id)
    account, security, quantity, basis, acquired = (
        np.frombuffer(text or b"", dtype=kind)
        for text, kind in zip(strung, (">i8", ">i8", ">f8", ">f8", ">i4"), strict=True)
    )
    place, wanted = _found(account, account_ids)
    if not wanted.all():  # of the firm's other households
        place, security, quantity, basis, acquired = (
            column[wanted] for column in (place, security, quantity, basis, acquired)
        )
    return Lots(
        account=place,
        security=_places(security, security_ids),
        quantity=quantity.astype(np.float64),
        basis=basis.astype(np.float64),
        acquired=acquired.astype(np.int32),
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


def _asked(statement: str, parameter: object) -> tuple[bytes | None, ...]:
    """The one row of the answer, in binary: as text every byte would be two. No lot at all makes nulls."""
    connection.ensure_connection()
    with Cursor(connection.connection) as cursor:
        row = cursor.execute(statement, [parameter], binary=True).fetchone()
    return tuple(row or ())


def _places(ids: NDArray[np.int64], known: Keys) -> IntArray:
    """The place of each key in ``known``. Raises ValueError for one that is not there."""
    places, wanted = _found(ids, known)
    if not wanted.all():
        raise ValueError("A row names a key that is not among those asked for.")
    return places


def _found(ids: NDArray[np.int64], known: Keys) -> tuple[IntArray, BoolArray]:
    """The place of each key in ``known``, and whether it is there at all."""
    if not len(known):
        return np.zeros(len(ids), dtype=np.int32), np.zeros(len(ids), dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return places.astype(np.int32), known[places] == ids
