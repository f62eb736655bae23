"""How a firm reads the unsettled points of the law, and which securities count as one under that reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Min

from accounts import access
from accounts.models import User
from accounts.one_look import kept_while
from lots.models import TaxPolicy, Transaction
from lots.types import (
    DatedGroup,
    EntryKind,
    IndexFundPolicy,
    Membership,
    OlderLotPolicy,
    Policy,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)
from lots.wash_sales import window
from securities import selectors as securities
from securities.identity import Clique, connected, identical_around

LedgerGroups = tuple[frozenset[str] | DatedGroup, ...]


@kept_while(securities.facts_stamp)
def policy(firm_id: int) -> Policy:
    """The switches in force: the firm's newest row, the cautious defaults where it has none. One query."""
    row = TaxPolicy.objects.filter(firm=firm_id).order_by("-pk").first()
    return Policy() if row is None else policy_of(row)


def policy_of(row: TaxPolicy) -> Policy:
    """A stored decision as the engine takes it."""
    return Policy(
        index_funds=IndexFundPolicy(row.index_funds),
        spouse=SpousePolicy(row.spouse),
        tacking=TackingPolicy(row.tacking),
        sold_replacement=SoldReplacementPolicy(row.sold_replacement),
        older_lot=OlderLotPolicy(row.older_lot),
        tax_deferred=TaxDeferredPolicy(row.tax_deferred),
    )


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """A row with the switches before and after it."""

    row: TaxPolicy
    before: Policy
    after: Policy


def policy_decisions(user: User) -> list[PolicyDecision]:
    """Every decision of the user's firm on the switches, the newest first."""
    rows = access.visible(user, TaxPolicy).select_related("author").order_by("pk")
    found: list[PolicyDecision] = []
    for row in rows:
        before = found[-1].after if found else Policy()
        found.append(PolicyDecision(row, before, policy_of(row)))
    return found[::-1]


def identical_groups(firm_id: int, switches: Policy | None = None) -> LedgerGroups:
    """The firm's identical groups as the engine takes them, under its policy or under ``switches``.

    Every two members of one group are identical on the group's days; groups that share a security are no one group.
    """
    return tuple(_ledger_group(clique) for clique in _cliques(firm_id, switches or policy(firm_id)))


@kept_while(securities.facts_stamp)
def identical_sets(firm_id: int, as_of: date) -> tuple[frozenset[int], ...]:
    """The securities that a trade on ``as_of`` must treat as one: identical on any day of its window (R5, R24).

    Sets may share securities; what is identical to one security is the union of the sets that hold it. A renamed
    security is one under both names, a merged one is identical to its successor from the merger on.
    """
    successions = _successions(firm_id)
    merged = [Clique(pair, day) for kind, pair, day in successions if kind is EntryKind.MERGE]
    renamed = [frozenset(pair) for kind, pair, _ in successions if kind is EntryKind.RENAME]
    every = (*_cliques(firm_id, policy(firm_id)), *merged)
    return _under_all_names(identical_around(every, *window(as_of)), renamed)


def merged_sets(sets: Sequence[frozenset[int]]) -> tuple[frozenset[int], ...]:
    """For those who need every security in at most one set: sets that share one are merged, the careful side."""
    return tuple(sorted(connected(sets), key=sorted))


def _successions(firm_id: int) -> list[tuple[EntryKind, tuple[int, int], date]]:
    """Every rename and merger in the firm's ledgers: the pair, the smaller first, and its earliest day."""
    rows = (
        Transaction.objects.filter(
            account__firm=firm_id,
            kind__in=[EntryKind.RENAME, EntryKind.MERGE],
            to_security__isnull=False,
        )
        .order_by()
        .values_list("kind", "security_id", "to_security_id")
        .annotate(first=Min("trade_date"))
    )
    return sorted(
        (EntryKind(kind), (min(old, new), max(old, new)), day) for kind, old, new, day in rows
    )


def _under_all_names(
    sets: Sequence[frozenset[int]], renamed: Sequence[frozenset[int]]
) -> tuple[frozenset[int], ...]:
    names = connected(renamed)
    widened = [one.union(*(name for name in names if name & one)) for one in sets]
    return tuple(
        sorted(
            {*widened, *(name for name in names if not any(name <= one for one in widened))},
            key=sorted,
        )
    )


def _cliques(firm_id: int, switches: Policy) -> tuple[Clique, ...]:
    same_index = switches.index_funds is IndexFundPolicy.SAME_INDEX_IDENTICAL
    return securities.identical_cliques(firm_id, same_index=same_index)


def _ledger_group(clique: Clique) -> frozenset[str] | DatedGroup:
    names = [str(security) for security in clique.members]
    if clique.since is None and clique.until is None:
        return frozenset(names)
    return DatedGroup(tuple(Membership(name, clique.since, clique.until) for name in names))
