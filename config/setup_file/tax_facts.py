"""Identical groups (tax facts) and substitutes (policy), which must never overlap; lots follow from the groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from accounts.selectors import business_date
from config.setup_file import identity
from config.setup_file.contents import SetUpFile, SubstituteEntry
from config.setup_file.records import Records
from harvesting.models import SubstituteMapping
from lots import selectors as lot_selectors
from lots.types import IndexFundPolicy
from securities.identity import Pair
from securities.models import Security
from securities.selectors import identical_cliques


@dataclass(frozen=True, slots=True)
class _Pair:
    """A security and its substitute: a path in the file, or empty for a pair on record."""

    where: str
    security: Security
    substitute: Security


def apply_tax_facts(records: Records, contents: SetUpFile, touched: set[int]) -> None:
    """Write groups, pairs and substitutes; problems are noted. ``touched``: securities to be replayed anyway.

    What the file strikes is taken away before anything is added: the database refuses an overlap at any moment.
    """
    groups, substitutes = contents.identical_groups, contents.substitutes
    before = len(records.problems.found)
    members = {group.name: identity.found(records, group.where, group.symbols) for group in groups}
    pairs = {one.symbol: _pairs(records, one) for one in substitutes}
    for where, author in (
        *((one.where, one.author) for one in groups),
        *((one.where, one.author) for one in contents.identical_pairs),
        *((one.where, one.author) for one in substitutes),
    ):
        records.person(f"{where}.author", author)
    final = identity.final_groups(records, groups, members)
    said = identity.final_pairs(records, contents.identical_pairs)
    _refuse_overlap(records, final, said, pairs)
    if len(records.problems.found) > before:
        return
    rewritten = [one for one in substitutes if _rewrite(records, one)]
    touched |= identity.strike_members(records, groups, members)
    touched |= identity.put_pairs(records, contents.identical_pairs)
    for group in groups:
        touched |= identity.put_group(records, group, members[group.name])
    for one in rewritten:
        _write_substitutes(records, one, pairs[one.symbol])
    identity.rebuild(records, touched)


def refuse_identical_substitutes(records: Records) -> None:
    """Whatever makes them identical from tomorrow on, an index or a reading of the law: it would be a wash sale.

    Groups and pairs were looked at before they were written, and the database looks at them too.
    """
    same_index = (
        lot_selectors.policy(records.firm.pk).index_funds is IndexFundPolicy.SAME_INDEX_IDENTICAL
    )
    tomorrow = business_date(records.firm) + timedelta(days=1)
    standing = [
        clique.securities
        for clique in identical_cliques(records.firm.pk, same_index=same_index)
        if clique.touches(tomorrow, date.max)
    ]
    for row in _on_record(records):
        if any({row.security_id, row.substitute_id} <= securities for securities in standing):
            records.problems.add(
                "substitutes",
                f"{row.substitute} cannot stand in for {row.security}: they are substantially identical,"
                " so the swap would be a wash sale",
            )


def _on_record(records: Records) -> QuerySet[SubstituteMapping]:
    rows = SubstituteMapping.objects.filter(firm=records.firm)
    return rows.select_related("security", "substitute")


def _pairs(records: Records, entry: SubstituteEntry) -> list[_Pair]:
    security = records.security(f"{entry.where}.for", entry.symbol)
    pairs = []
    for place, symbol in enumerate(entry.ranked):
        where = f"{entry.where}.use[{place}]"
        substitute = records.security(where, symbol)
        if security is not None and substitute is not None:
            pairs.append(_Pair(where, security, substitute))
    return pairs


def _refuse_overlap(
    records: Records,
    final: dict[int, str],
    said: Mapping[Pair, bool],
    pairs: dict[str, list[_Pair]],
) -> None:
    """A substitute that is identical to what it replaces would be a wash sale by construction."""
    kept = (
        _Pair("", row.security, row.substitute)
        for row in _on_record(records).exclude(security__symbol__in=pairs)
    )
    for pair in (*(pair for listed in pairs.values() for pair in listed), *kept):
        first, second = sorted((pair.security.pk, pair.substitute.pk))
        group = final.get(first)
        in_one_group = group is not None and group == final.get(second)
        if not said.get((first, second), in_one_group):
            continue
        of = "" if pair.where else ", as the records have it"
        why = (
            f"both are in the identical group {group!r}"
            if in_one_group
            else "the firm says that they are identical"
        )
        records.problems.add(
            pair.where or "identical_groups",
            f"{pair.substitute} cannot stand in for {pair.security}{of}:"
            f" {why}, so the swap would be a wash sale",
        )


def _mappings(records: Records, entry: SubstituteEntry) -> list[SubstituteMapping]:
    rows = SubstituteMapping.objects.filter(firm=records.firm, security__symbol=entry.symbol)
    return list(rows.select_related("substitute", "author").order_by("rank"))


def _rewrite(records: Records, entry: SubstituteEntry) -> bool:
    """Whether the list on record says anything else; then it makes room. Ranks cannot be swapped in place."""
    rows = _mappings(records, entry)
    said = [
        (row.substitute.symbol, row.reason, row.author.username, row.reviewed_on) for row in rows
    ]
    wanted = [(symbol, entry.reason, entry.author, entry.reviewed_on) for symbol in entry.ranked]
    if said == wanted:
        return False
    if rows:
        old, new = ", ".join(row[0] for row in said), ", ".join(entry.ranked)
        what = f"{old} -> {new or 'none'}" if old != new else "reason, author or review"
        records.changes.add_changed("list of substitutes", entry.symbol, what)
        SubstituteMapping.objects.filter(pk__in=[row.pk for row in rows]).delete()
    else:
        records.changes.add_new("list of substitutes", entry.symbol)
    return True


def _write_substitutes(records: Records, entry: SubstituteEntry, pairs: Sequence[_Pair]) -> None:
    SubstituteMapping.objects.bulk_create(
        SubstituteMapping(
            firm=records.firm,
            security=pair.security,
            substitute=pair.substitute,
            rank=rank,
            reason=entry.reason,
            author=records.people[entry.author],
            reviewed_on=entry.reviewed_on,
        )
        for rank, pair in enumerate(pairs, start=1)
    )
