"""The firm's records while a file is applied: write what is missing or differs, look up what is named."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Model

from accounts.canonical import decimal_text
from accounts.models import Firm, User
from config.setup_file.changes import Changes
from config.setup_file.refusal import Problems
from rebalancing.models import TargetModel
from securities.models import Security

M = TypeVar("M", bound=Model)


@dataclass(slots=True)
class Records:
    """One firm, what changed so far, what stands in the way, and rows by the names the file uses."""

    firm: Firm
    changes: Changes
    problems: Problems = field(default_factory=Problems)
    people: dict[str, User] = field(default_factory=dict)
    securities: dict[str, Security] = field(default_factory=dict)
    models: dict[str, TargetModel] = field(default_factory=dict)
    recomputed: set[int] = field(default_factory=set)  # households whose lots are others now

    def put(
        self, model: type[M], noun: str, name: str, *, key: dict[str, Any], values: dict[str, Any]
    ) -> M:
        """The row under ``key``, made or brought up to ``values``; a value of None is left as it is."""
        given = {column: value for column, value in values.items() if value is not None}
        row = model._default_manager.filter(**key).first()
        if row is None:
            self.changes.add_new(noun, name)
            return model._default_manager.create(**key, **given)
        self.update(row, noun, name, given)
        return row

    def update(self, row: Model, noun: str, name: str, values: dict[str, Any]) -> None:
        """Write the values that differ, and say which."""
        differing = differences(row, values)
        for column, value in differing.items():
            old = getattr(row, column)
            self.changes.add_changed(noun, name, f"{column} {shown(old)} -> {shown(value)}")
            setattr(row, column, value)
        if differing:
            row.save(update_fields=list(differing))

    def person(self, where: str, username: str) -> User | None:
        """A person of the firm; None, with a problem noted, where there is none."""
        found = self.people.get(username)
        if found is None:
            self.problems.add(where, f"{username!r} is no person of the firm: add it to [[people]]")
        return found

    def security(self, where: str, symbol: str) -> Security | None:
        """A security of the firm; None, with a problem noted, where there is none."""
        found = self.securities.get(symbol)
        if found is None:
            self.problems.add(
                where, f"{symbol!r} is no security of the firm: add it to [[securities]]"
            )
        return found


def differences(row: Model, values: dict[str, Any]) -> dict[str, Any]:
    """The values that the row does not have; what a foreign key names is told by its key, without a query."""
    return {
        column: value
        for column, value in values.items()
        if (
            getattr(row, f"{column}_id") != value.pk
            if isinstance(value, Model)
            else getattr(row, column) != value
        )
    }


def shown(value: object) -> str:
    """A value as a change names it."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or '""'
