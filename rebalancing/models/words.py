"""Columns that hold a word of a StrEnum, or nothing."""

from enum import StrEnum

from django.db.models import CheckConstraint, Q


def word_or_none(name: str, field: str, words: type[StrEnum]) -> CheckConstraint:
    """CHECK that a column holds a word of the enum, or nothing, which inherits."""
    return CheckConstraint(
        condition=Q(**{f"{field}__in": ["", *(word.value for word in words)]}), name=name
    )
