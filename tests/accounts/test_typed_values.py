"""What is kept of a decision's inputs is read again as it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

import pytest

from accounts.canonical import canonical_text
from accounts.typed_values import plain_values, read_values


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    shares: Decimal
    day: date | None = None
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    yes: bool
    rows: tuple[Inner, ...]
    pair: tuple[str, int]
    by_number: Mapping[int, Inner]
    by_pair: Mapping[tuple[int, int], Decimal]
    by_set: Mapping[frozenset[int], Mapping[tuple[int, int], Decimal]]
    sets: tuple[frozenset[int], ...]
    exact: tuple[Decimal | Fraction | int, ...]
    none: Inner | None = None
    added_later: Mapping[int, str] = field(default_factory=dict)


EXAMPLE = Outer(
    name="A",
    yes=True,
    rows=(Inner(shares=Decimal("0.5"), day=date(2022, 12, 28)), Inner(shares=Decimal(3))),
    pair=("order 7", 11),
    by_number={12: Inner(shares=Decimal(1)), 3: Inner(shares=Decimal(2))},
    by_pair={(1, 2): Decimal("1.25"), (1, 10): Decimal(4)},
    by_set={frozenset({5, 4}): {(9, 0): Decimal("0.01")}},
    sets=(frozenset({2, 1}), frozenset()),
    exact=(Decimal("1.5"), Fraction(1, 3), 7),
)


def text() -> str:
    return canonical_text(plain_values(EXAMPLE))


def test_everything_is_read_as_it_was_told():
    assert read_values(Outer, json.loads(text())) == EXAMPLE


def test_a_field_that_was_added_later_has_its_default_and_one_without_is_refused():
    values = json.loads(text())
    del values["added_later"]
    assert read_values(Outer, values) == EXAMPLE
    del values["name"]
    with pytest.raises(TypeError):
        read_values(Outer, values)


def test_a_value_of_another_kind_is_refused():
    values = json.loads(text())
    with pytest.raises(TypeError):
        read_values(Outer, {**values, "name": 3})
    with pytest.raises(ValueError, match="zip"):
        read_values(Outer, {**values, "pair": ["order 7", 11, 12]})


@pytest.mark.parametrize("kind", [int | None, Fraction | None])
@pytest.mark.parametrize("value", ["7", 1.5, [], {}])
def test_what_is_none_of_several_kinds_is_refused(kind: Any, value: object):
    with pytest.raises(TypeError, match="is none of"):
        read_values(kind, value)


def test_a_float_is_refused_before_it_is_kept():
    with pytest.raises(TypeError):
        canonical_text(plain_values({"shares": 0.5}))
