"""Which securities are substantially identical, on which days (R24), and which never meet at all.

Groups are data: every two members of one group are identical, and two securities that no group holds together are not,
even where groups overlap (docs/adr/0011). Undated groups hold on every day. A member of a dated group belongs from a
day to a day; sold and acquired shares of two members match if both belong on the day of the sale or on the day of the
acquisition, the cautious reading of a fact that changes between the two.

Two securities that are never identical and never become each other are of different *markets*. What happens in one
market changes nothing in another: a household can be replayed market by market.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from types import MappingProxyType

from lots.types import DatedGroup, IdenticalGroups, LedgerEntry, Membership

_Stretches = dict[str, list[Membership]]  # security -> when it belongs


def merged_groups(groups: IdenticalGroups) -> dict[str, str]:
    """Security -> name of everything that groups connect it with (R24), on whatever days: overlaps connect."""
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

    def __init__(
        self, groups: IdenticalGroups, symbols: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """``symbols``: names of securities that were renamed -> one name for all of them."""
        self._symbols = symbols
        self._ever = merged_groups(groups)
        stretches = [_stretches(group) for group in groups]
        self._groups_of: dict[str, list[_Stretches]] = {}
        for group in stretches:
            for security in group:
                self._groups_of.setdefault(security, []).append(group)
        # False: whoever shares a name is always identical.
        self.changes = any(isinstance(group, DatedGroup) for group in groups) or any(
            len(found) > 1 for found in self._groups_of.values()
        )

    def name(self, security: str) -> str:
        """One name for all securities that are connected at any time: only these can be identical."""
        return self._ever.get(security, security)

    def one(self, security: str) -> str:
        """One name for a security under all its symbols."""
        return self._symbols.get(security, security)

    def identical(self, sold: str, bought: str, *days: date) -> bool:
        """Whether the two are identical on one of the days."""
        if sold == bought:
            return True
        return any(
            _belongs(group[sold], day) and _belongs(group[bought], day)
            for group in self._groups_of.get(sold, ())
            if bought in group
            for day in days
        )


def _stretches(group: Collection[str] | DatedGroup) -> _Stretches:
    """Who belongs to the group, and when."""
    if not isinstance(group, DatedGroup):
        return {security: [Membership(security)] for security in group}
    found: _Stretches = {}
    for member in group.members:
        found.setdefault(member.security, []).append(member)
    return found


def _belongs(stretches: Iterable[Membership], day: date) -> bool:
    return any(
        (one.since is None or one.since <= day) and (one.until is None or day <= one.until)
        for one in stretches
    )


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
