"""Whose sales stand on one return. Pure.

A married couple that files jointly has one Form 8949 and one Schedule D; otherwise every person has their own. A
corporation that the household controls is another taxpayer (R18). Retirement accounts have nothing to report (R16).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.types import FilingStatus, OwnerKind

JOINT = "joint"


@dataclass(frozen=True, slots=True)
class TaxOwner:
    """An owner with at least one taxable account."""

    id: str
    name: str
    kind: OwnerKind


@dataclass(frozen=True, slots=True)
class Filing:
    """One return, or one owner's part of a joint one. ``key`` names it in addresses and files."""

    key: str
    title: str
    owners: frozenset[str]
    is_return: bool = True  # False: only a part of the joint return
    is_whole: bool = False  # all persons of the household: its tax profile is this return's


def filings(owners: Sequence[TaxOwner], status: FilingStatus | None) -> tuple[Filing, ...]:
    """The returns of a household's year, the joint one first; ``status`` None = nobody entered a tax profile."""
    persons = [owner for owner in owners if owner.kind is OwnerKind.PERSON]
    is_joint = status is FilingStatus.MARRIED_JOINTLY and bool(persons)
    found = []
    if is_joint:
        names = " and ".join(owner.name for owner in persons)
        found.append(
            Filing(
                key=JOINT,
                title=f"Joint return of {names}",
                owners=frozenset(owner.id for owner in persons),
                is_whole=True,
            )
        )
    found += [
        Filing(
            key=owner.id,
            title=f"{owner.name}, part of the joint return" if is_joint else owner.name,
            owners=frozenset({owner.id}),
            is_return=not is_joint,
            is_whole=not is_joint and len(persons) == 1,
        )
        for owner in persons
    ]
    found += [
        Filing(key=owner.id, title=f"{owner.name} (corporation)", owners=frozenset({owner.id}))
        for owner in owners
        if owner.kind is OwnerKind.CORPORATION
    ]
    return tuple(found)
