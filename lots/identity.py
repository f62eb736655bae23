"""Which securities are substantially identical, on which days (R24), and which never meet at all.

Groups are data. Undated groups hold on every day, and groups that overlap are one. A member of a dated group belongs
from a day to a day; sold and acquired shares of two members match if both belong on the day of the sale or on the day
of the acquisition, the cautious reading of a fact that changes between the two.

Two securities that are never identical and never become each other are of different *markets*. What happens in one
market changes nothing in another: a household can be replayed market by market.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from lots.types import DatedGroup, IdenticalGroups, LedgerEntry, Membership

_DAY = timedelta(days=1)


def merged_groups(groups: IdenticalGroups) -> dict[str, str]:
    """Security -> name of its identical group (R24). Groups that overlap, on whatever days, are one group."""
    return _merged(
        group.securities() if isinstance(group, DatedGroup) else group for group in groups
    )


def markets(entries: Iterable[LedgerEntry], groups: IdenticalGroups) -> Mapping[str, str]:
    """Security -> market. Group membership, renames, mergers and spin-offs connect securities.

    The replay of one market's entries alone (and of those without a security, which touch no lot) gives exactly the
    rows of that market in the replay of them all.
    """
    links: list[Collection[str]] = [
        group.securities() if isinstance(group, DatedGroup) else group for group in groups
    ]
    securities: dict[str, None] = {}
    for entry in entries:
        if entry.security is not None:
            securities[entry.security] = None
            if entry.to_security is not None:
                links.append((entry.security, entry.to_security))
    merged = _merged(links)
    return {security: security for security in securities} | merged


class Identity:
    """Substantially identical or not, for two securities and two days."""

    def __init__(self, groups: IdenticalGroups) -> None:
        self._undated = [group for group in groups if not isinstance(group, DatedGroup)]
        self._memberships = [
            group.members for group in groups if isinstance(group, DatedGroup) and group.members
        ]
        self._ever = merged_groups(groups)
        self._turns = sorted(_turns(member for group in self._memberships for member in group))
        self._by_turn: dict[int, dict[str, str]] = {}
        self.changes = bool(self._memberships)  # False: whoever shares a name is always identical

    def name(self, security: str) -> str:
        """One name for all securities that are connected at any time: only these can be identical."""
        return self._ever.get(security, security)

    def identical(self, sold: str, bought: str, *days: date) -> bool:
        """Whether the two are identical on one of the days."""
        if sold == bought:
            return True
        for day in days:
            names = self._on(day)
            if sold in names and names[sold] == names.get(bought):
                return True
        return False

    def _on(self, day: date) -> dict[str, str]:
        turn = bisect_right(self._turns, day)
        names = self._by_turn.get(turn)
        if names is None:
            belonging = [
                [member.security for member in group if _belongs(member, day)]
                for group in self._memberships
            ]
            names = self._by_turn[turn] = _merged([*self._undated, *belonging])
        return names


def _belongs(member: Membership, day: date) -> bool:
    return (member.since is None or member.since <= day) and (
        member.until is None or day <= member.until
    )


def _turns(members: Iterable[Membership]) -> set[date]:
    """The days on which anything is different from the day before."""
    turns = set()
    for member in members:
        if member.since is not None:
            turns.add(member.since)
        if member.until is not None and member.until < date.max:
            turns.add(member.until + _DAY)
    return turns


def _merged(groups: Iterable[Collection[str]]) -> dict[str, str]:
    """Member -> the least name among everything that overlaps with its group."""
    parent: dict[str, str] = {}

    def root(member: str) -> str:
        while (above := parent.setdefault(member, member)) != member:
            parent[member] = parent[above]
            member = above
        return member

    for group in groups:
        first, *others = map(root, group) if group else ("",)
        for other in others:
            low, high = sorted((first, root(other)))
            parent[high] = first = low
    return {member: root(member) for member in tuple(parent)}
