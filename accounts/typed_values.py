"""Dataclasses as plain values for a canonical text, and back: what was decided from, kept so that it can be read again.

The types' own annotations say how a value is read, so a field that is added later is kept without a word here. A record
written before the field was there reads its default; one without a default cannot be read.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

NOT_RECORDED = "not recorded"  # metadata of a field with a default that no decision follows from


def plain_values(value: object) -> object:
    """What ``accounts.canonical.canonical_text`` takes: dataclasses by field, sets in order.

    A field marked NOT_RECORDED is left out.
    A mapping whose keys are not numbers or words becomes a list of its pairs, in the order of their keys.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: plain_values(getattr(value, item.name))
            for item in fields(value)
            if not item.metadata.get(NOT_RECORDED)
        }
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Mapping):
        if all(isinstance(key, int | str) for key in value):
            return {key: plain_values(item) for key, item in value.items()}
        pairs = [[plain_values(key), plain_values(item)] for key, item in value.items()]
        return sorted(pairs, key=lambda pair: str(pair[0]))
    if isinstance(value, frozenset | set):
        return sorted((plain_values(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    return value


def read_values(kind: Any, value: Any) -> Any:
    """The value of the annotated ``kind`` that ``plain_values`` and a JSON text made ``value`` of.

    Raises KeyError, TypeError or ValueError for a text of another kind.
    """
    if isinstance(kind, type) and is_dataclass(kind):
        kinds = _kinds(kind)
        known = {name: read_values(kinds[name], value[name]) for name in kinds if name in value}
        return kind(**known)
    outer, inner = get_origin(kind), get_args(kind)
    if outer in (Union, UnionType):
        return _one_of(inner, value)
    if outer is tuple and inner[-1] is not Ellipsis:
        return tuple(read_values(*pair) for pair in zip(inner, value, strict=True))
    if outer in (tuple, frozenset):
        return outer(read_values(inner[0], item) for item in value)
    if outer is not None and issubclass(outer, Mapping):
        pairs = value.items() if isinstance(value, dict) else value
        return {read_values(inner[0], key): read_values(inner[1], item) for key, item in pairs}
    return _single(kind, value)


@cache
def _kinds(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """Nothing; an exact number, whose text says which; or the one kind that is left."""
    if value is None:
        return None
    if Fraction in kinds and isinstance(value, str) and "/" in value:
        return Fraction(value)
    if int in kinds and isinstance(value, int):
        return value
    left = [one for one in kinds if one not in (NoneType, Fraction, int)]
    if not left:
        raise TypeError(f"{value!r} is none of {kinds}")
    return read_values(left[0], value)


def _single(kind: Any, value: Any) -> Any:
    if kind is date:
        return date.fromisoformat(value)
    if kind in (int, Decimal) or issubclass(kind, Enum):
        return kind(value)
    if kind in (str, bool) and isinstance(value, kind):
        return value
    raise TypeError(f"{value!r} is no {kind}")
