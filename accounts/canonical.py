"""Canonical text: the one form in which content is hashed.

UTF-8 JSON, keys sorted, no blanks; Decimals as plain strings without trailing zeros, dates in ISO form,
lists in the order given. A float has no canonical form and is refused. Hashes are over this text, never
over jsonb, which rewrites what it stores.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID


def canonical_text(value: object) -> str:
    """The canonical text of nested mappings and sequences of plain values.

    Raises TypeError for a float or an unknown type, ValueError for a Decimal that is not finite.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_of(text: str) -> str:
    """Hexadecimal SHA-256 of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def decimal_text(value: Decimal) -> str:
    """``Decimal('1.500')`` and ``Decimal('1.5')`` are one number and have one text: ``1.5``."""
    if not value.is_finite():
        raise ValueError(f"{value} has no canonical text")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical text")
