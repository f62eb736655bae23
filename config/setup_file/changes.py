"""What a set-up did, or in a dry run would do: counted for people, listed for the audit trail."""

from collections.abc import Iterator
from dataclasses import dataclass, field

PLURALS = {
    "firm": "firms",
    "person": "people",
    "security": "securities",
    "identical group": "identical groups",
    "identical pair": "identical pairs",
    "list of substitutes": "lists of substitutes",
    "model": "models",
    "view": "views",
    "tax policy": "tax policies",
    "harvest policy": "harvest policies",
    "rebalance policy": "rebalance policies",
    "rebalance band": "rebalance bands",
    "risk setting": "risk settings",
    "household": "households",
    "owner": "owners",
    "account": "accounts",
    "tax profile": "tax profiles",
    "budget": "budgets",
    "model assignment": "model assignments",
    "commission schedule": "commission schedules",
    "half spread": "half spreads",
    "dividend": "dividends",
    "distribution": "distributions",
    "scheduled purchase": "scheduled purchases",
    "expected cash flow": "expected cash flows",
    "restriction": "restrictions",
    "mandate": "mandates",
    "mandate rule": "mandate rules",
}  # in the order in which a summary names them


@dataclass(slots=True)
class Changes:
    """``new``: noun -> names; ``changed``: noun -> name -> what differs, in words."""

    new: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    households_recomputed: int = 0  # whose lots follow from other identical groups now

    def __bool__(self) -> bool:
        return bool(self.new or self.changed)

    def add_new(self, noun: str, name: str) -> None:
        """Something was made."""
        self.new.setdefault(noun, []).append(name)

    def add_changed(self, noun: str, name: str, what: str) -> None:
        """Something that was there differs now; a part of something new is no change."""
        if name not in self.new.get(noun, ()):
            self.changed.setdefault(noun, {}).setdefault(name, []).append(what)

    def lines(self) -> Iterator[str]:
        """One line for each thing changed."""
        for noun, named in self.changed.items():
            for name, what in named.items():
                yield f"{noun} {name}: {'; '.join(what)}"

    def summary(self) -> str:
        """``3 households new, 1 account changed``; empty where nothing differs."""
        parts = [
            f"{len(found)} {noun if len(found) == 1 else plural} {verb}"
            for verb, all_found in (("new", self.new), ("changed", self.changed))
            for noun, plural in PLURALS.items()
            if (found := all_found.get(noun))
        ]
        if count := self.households_recomputed:
            parts.append(f"tax lots of {count} household{'s' if count > 1 else ''} recomputed")
        return ", ".join(parts)

    def facts(self) -> dict[str, object]:
        """For the audit event."""
        return {
            "new": self.new,
            "changed": self.changed,
            "households_recomputed": self.households_recomputed,
        }
