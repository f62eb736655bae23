"""Whose sales stand on one return. Pure.

A married couple that files jointly has one Form 8949 and one Schedule D; otherwise every person has their own. A
corporation that the household controls is another taxpayer (R18). Retirement accounts have nothing to report (R16).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.types import FilingStatus, OwnerKind
from lots.errors import NoTaxPosition

JOINT = "joint"


class SeveralReturns(NoTaxPosition):
    """Persons of one household that file apart: its sales are not one taxpayer's, and its tax profile nobody's."""

    code = "several_returns"

    def __init__(self, *, names: Sequence[str], year: int) -> None:
        super().__init__(
            f"{' and '.join(names)} file separate returns for {year}, and a tax profile is one "
            "return's: no tax is computed for them together. Keep every return in a household of "
            "its own, or enter filing status mfj where they file jointly."
        )


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
    is_corporation: bool = False


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
        Filing(
            key=owner.id,
            title=f"{owner.name} (corporation)",
            owners=frozenset({owner.id}),
            is_corporation=True,
        )
        for owner in owners
        if owner.kind is OwnerKind.CORPORATION
    ]
    return tuple(found)


def one_return(owners: Sequence[TaxOwner], status: FilingStatus, year: int) -> None:
    """Raises SeveralReturns where the persons' sales are not on one return: netting them would be wrong (R31)."""
    persons = [owner.name for owner in owners if owner.kind is OwnerKind.PERSON]
    if persons and not any(filing.is_whole for filing in filings(owners, status)):
        raise SeveralReturns(names=persons, year=year)


def why_no_profile(filing: Filing, year: int, *, is_entered: bool) -> str:
    """Why the household's tax profile of the year says nothing of this return; ``is_entered``: there is one."""
    if filing.is_corporation:
        return "A corporation's own return: the household's tax profile and carryovers are not its."
    if not is_entered:
        return f"No tax profile is entered for {year}, so what is carried in and on is not known."
    if not filing.is_return:
        return "A part of the joint return: carryovers belong to the whole."
    return "A separate return: the tax profile and its carryovers are kept for the household."
