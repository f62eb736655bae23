"""Identical groups (tax facts) and substitutes (policy), which must never overlap; lots follow from the groups."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from accounts.models import Household
from accounts.selectors import business_date
from config.setup_file import identity
from config.setup_file.contents import SetUpFile, SubstituteEntry
from config.setup_file.records import Records, differences
from harvesting.mappings import last_day
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


@dataclass(frozen=True, slots=True)
class _List:
    """A list of the file: the firm's (``household`` None) or a household's."""

    entry: SubstituteEntry
    household: Household | None
    pairs: Sequence[_Pair]


def apply_tax_facts(records: Records, contents: SetUpFile, touched: set[int]) -> None:
    """Write groups, pairs and substitutes; problems are noted. ``touched``: securities to be replayed anyway.

    What the file strikes is taken away before anything is added: the database refuses an overlap at any moment.
    """
    groups, substitutes = contents.identical_groups, contents.substitutes
    before = len(records.problems.found)
    members = {group.name: identity.found(records, group.where, group.symbols) for group in groups}
    named = {household.name for household in contents.households}
    lists = [_List(one, _whose(records, one, named), _pairs(records, one)) for one in substitutes]
    for where, author in (
        *((one.where, one.author) for one in groups),
        *((one.where, one.author) for one in contents.identical_pairs),
        *((one.where, one.author) for one in substitutes),
    ):
        records.person(f"{where}.author", author)
    final = identity.final_groups(records, groups, members)
    said = identity.final_pairs(records, contents.identical_pairs)
    _refuse_overlap(records, final, said, lists)
    if len(records.problems.found) > before:
        return
    missing = [(one, _make_room(records, one)) for one in lists]
    touched |= identity.strike_members(records, groups, members)
    touched |= identity.put_pairs(records, contents.identical_pairs)
    for group in groups:
        touched |= identity.put_group(records, group, members[group.name])
    for one, ranks in missing:
        _write_substitutes(records, one, ranks)
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
    rows = SubstituteMapping.objects.filter(firm=records.firm, ended_on=None)
    return rows.select_related("security", "substitute")


def _whose(records: Records, entry: SubstituteEntry, named: Collection[str]) -> Household | None:
    """The household of a list, made where the file is about to make it; None, for the firm's list or with a problem."""
    if entry.household is None:
        return None
    key = {"firm": records.firm, "name": entry.household}
    if entry.household in named:
        return records.put(Household, "household", entry.household, key=key, values={})
    known = Household.objects.filter(**key).first()
    if known is None:
        records.problems.add(
            f"{entry.where}.household",
            f"{entry.household!r} is no household of the firm: add it to [[households]]",
        )
    return known


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
    lists: Sequence[_List],
) -> None:
    """A substitute that is identical to what it replaces would be a wash sale by construction."""
    told = {(one.entry.symbol, one.household.pk if one.household else None) for one in lists}
    kept = (
        _Pair("", row.security, row.substitute)
        for row in _on_record(records)
        if (row.security.symbol, row.household_id) not in told
    )
    for pair in (*(pair for one in lists for pair in one.pairs), *kept):
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


def _make_room(records: Records, one: _List) -> dict[int, _Pair]:
    """End what the list on record says and the file does not; returns by rank what is to be written.

    Nothing is deleted: a mapping that the file dropped, or gave another rank, ends with yesterday. One that stays takes
    the file's reason, author and review.
    """
    entry = one.entry
    rows = list(
        _on_record(records)
        .filter(security__symbol=entry.symbol, household=one.household)
        .order_by("rank")
    )
    wanted = dict(enumerate(one.pairs, start=1))
    kept = {
        row.rank
        for row in rows
        if row.rank in wanted and wanted[row.rank].substitute.pk == row.substitute_id
    }
    old, new = ", ".join(row.substitute.symbol for row in rows), ", ".join(entry.ranked)
    if not rows and wanted:
        records.changes.add_new("list of substitutes", entry.list_name)
    elif old != new:
        what = f"{old or 'none'} -> {new or 'none'}"
        records.changes.add_changed("list of substitutes", entry.list_name, what)
    today = business_date(records.firm)
    for row in rows:
        if row.rank not in kept:
            row.ended_on = last_day(row.since, today)
            row.save(update_fields=["ended_on"])
        elif _renew(row, _said(records, entry)) and old == new:
            what = "reason, author or review"
            records.changes.add_changed("list of substitutes", entry.list_name, what)
    return {rank: pair for rank, pair in wanted.items() if rank not in kept}


def _said(records: Records, entry: SubstituteEntry) -> dict[str, object]:
    """What the file says of every mapping in the list; a day that it leaves out stays as it is."""
    days = {"since": entry.since, "valid_until": entry.valid_until}
    return {
        "reason": entry.reason,
        "author": records.people[entry.author],
        "reviewed_on": entry.reviewed_on,
        **{key: day for key, day in days.items() if day is not None},
    }


def _renew(row: SubstituteMapping, said: dict[str, object]) -> bool:
    """Bring a mapping that stays up to the file; whether anything differed."""
    differing = differences(row, said)
    for column, value in differing.items():
        setattr(row, column, value)
    if differing:
        row.save(update_fields=list(differing))
    return bool(differing)


def _write_substitutes(records: Records, one: _List, pairs: Mapping[int, _Pair]) -> None:
    """What is new in a list that was there before begins today, where the file names no day."""
    told_before = SubstituteMapping.objects.filter(
        firm=records.firm, security__symbol=one.entry.symbol, household=one.household
    ).exists()
    since = business_date(records.firm) if told_before else None
    SubstituteMapping.objects.bulk_create(
        SubstituteMapping(
            firm=records.firm,
            household=one.household,
            security=pair.security,
            substitute=pair.substitute,
            rank=rank,
            **{"since": since, **_said(records, one.entry)},
        )
        for rank, pair in pairs.items()
    )
