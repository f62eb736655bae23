"""Which securities are substantially identical on which days (R24, U1). Pure.

The reading (docs/adr/0011):

1. On a day, securities that belong to one group are identical; funds that follow one index are such a group on all
   days where the firm reads U1 so. Groups that share a security on that day are one: the cautious reading.
2. A firm's word on one pair stands above every group, on all days: a pair named identical is, a pair named distinct is
   not. It speaks of that pair alone: of A = B and B = C nothing follows for A and C unless a group says so.

The answer is a list of cliques, each with its days: two securities are identical on a day exactly where some clique
of that day holds both. Cliques may share securities; that makes them no one group.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

_DAY = timedelta(days=1)
_ALWAYS = date.min  # a day before every fact

Pair = tuple[int, int]  # the smaller security first


@dataclass(frozen=True, slots=True)
class Belonging:
    """A security in a group from ``since`` (None = always) through ``until`` (None = still), both included."""

    group: str
    security: int
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, order=True)
class Clique:
    """Securities of which every two are identical from ``since`` through ``until`` (None = without end)."""

    members: tuple[int, ...]  # ascending
    since: date | None = None
    until: date | None = None

    @property
    def securities(self) -> frozenset[int]:
        return frozenset(self.members)

    def touches(self, first: date, last: date) -> bool:
        """Whether it stands on any day from ``first`` through ``last``."""
        return (self.since is None or self.since <= last) and (
            self.until is None or self.until >= first
        )


def cliques(belongings: Sequence[Belonging], overrides: Mapping[Pair, bool]) -> tuple[Clique, ...]:
    """Who is identical when; ``overrides`` says of a pair whether it is. Sorted, so that equal facts read equal."""
    distinct = {pair for pair, is_identical in overrides.items() if not is_identical}
    spans: defaultdict[frozenset[int], list[tuple[date, date | None]]] = defaultdict(list)
    for since, until in _spans(belongings):
        for component in connected(_on(belongings, since).values()):
            for clique in _uncut(component, distinct):
                if spans[clique] and spans[clique][-1][1] == since - _DAY:
                    since_before, _ = spans[clique].pop()
                    spans[clique].append((since_before, until))
                else:
                    spans[clique].append((since, until))
    found = [
        Clique(tuple(sorted(members)), None if since == _ALWAYS else since, until)
        for members, days in spans.items()
        for since, until in days
    ]
    found += [Clique(pair) for pair, is_identical in overrides.items() if is_identical]
    return tuple(sorted(set(found), key=_order))


def identical_around(
    every: Iterable[Clique], first: date, last: date
) -> tuple[frozenset[int], ...]:
    """The securities of each clique that stands on a day from ``first`` through ``last``, larger sets only."""
    sets = {clique.securities for clique in every if clique.touches(first, last)}
    return tuple(
        sorted((one for one in sets if not any(one < other for other in sets)), key=sorted)
    )


def connected(groups: Iterable[Iterable[int]]) -> list[frozenset[int]]:
    """Groups that share a security merged into one, again and again, until none do."""
    merged: list[set[int]] = []
    for group in groups:
        members = set(group)
        apart = []
        for other in merged:
            if other & members:
                members |= other
            else:
                apart.append(other)
        merged = [*apart, members]
    return [frozenset(group) for group in merged]


def _spans(belongings: Iterable[Belonging]) -> list[tuple[date, date | None]]:
    """The stretches of days on which nobody joins or leaves, in order; the last has no end."""
    starts = {_ALWAYS}
    for one in belongings:
        if one.since is not None:
            starts.add(one.since)
        if one.until is not None and one.until < date.max:
            starts.add(one.until + _DAY)
    ordered = sorted(starts)
    return [
        *((start, following - _DAY) for start, following in pairwise(ordered)),
        (ordered[-1], None),
    ]


def _on(belongings: Iterable[Belonging], day: date) -> dict[str, set[int]]:
    """Group -> who belongs to it on a day."""
    members: defaultdict[str, set[int]] = defaultdict(set)
    for one in belongings:
        if (one.since is None or one.since <= day) and (one.until is None or one.until >= day):
            members[one.group].add(one.security)
    return members


def _uncut(component: frozenset[int], distinct: set[Pair]) -> list[frozenset[int]]:
    """Cliques that hold every pair of the component but the distinct ones."""
    cuts = [pair for pair in distinct if component.issuperset(pair)]
    cut = sorted({security for pair in cuts for security in pair})
    rest = component.difference(cut)
    found = [rest, *(rest | {security} for security in cut)]
    found += [
        frozenset({first, second})
        for place, first in enumerate(cut)
        for second in cut[place + 1 :]
        if (first, second) not in distinct
    ]
    many = {clique for clique in found if len(clique) > 1}
    return [clique for clique in many if not any(clique < other for other in many)]


def _order(clique: Clique) -> tuple[tuple[int, ...], date, date]:
    return (clique.members, clique.since or date.min, clique.until or date.max)
