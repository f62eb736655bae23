"""Identical groups (tax facts) and substitutes (policy), which must never overlap; lots follow from the groups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accounts.selectors import business_date
from config.setup_file.contents import GroupEntry, SubstituteEntry
from config.setup_file.records import Records
from harvesting.models import SubstituteMapping
from lots.errors import LedgerError
from lots.models import Transaction
from lots.services import rebuild_lots
from securities.models import IdenticalGroup, IdenticalMember, Security


@dataclass(frozen=True, slots=True)
class _Pair:
    """A security and its substitute: a path in the file, or empty for a pair on record."""

    where: str
    security: Security
    substitute: Security


def apply_tax_facts(
    records: Records, groups: Sequence[GroupEntry], substitutes: Sequence[SubstituteEntry]
) -> None:
    """Write both lists; problems are noted, and then neither is written.

    What the file strikes is taken away before anything is added: the database refuses an overlap at any moment.
    """
    before = len(records.problems.found)
    members = {group.name: _found(records, group.where, group.symbols) for group in groups}
    pairs = {one.symbol: _pairs(records, one) for one in substitutes}
    for where, author in [
        *((one.where, one.author) for one in groups),
        *((one.where, one.author) for one in substitutes),
    ]:
        records.person(f"{where}.author", author)
    final = _final_groups(records, groups, members)
    _refuse_strikes(records, groups, members)
    _refuse_overlap(records, final, pairs)
    if len(records.problems.found) > before:
        return
    rewritten = [one for one in substitutes if _rewrite(records, one)]
    touched = _strike_members(records, members)
    for group in groups:
        touched |= _put_group(records, group, members[group.name])
    for one in rewritten:
        _write_substitutes(records, one, pairs[one.symbol])
    _rebuild(records, touched)


def _found(records: Records, where: str, symbols: Iterable[str]) -> list[Security]:
    """The securities of a group."""
    found = [
        records.security(f"{where}.symbols[{place}]", symbol)
        for place, symbol in enumerate(symbols)
    ]
    return [security for security in found if security is not None]


def _pairs(records: Records, entry: SubstituteEntry) -> list[_Pair]:
    security = records.security(f"{entry.where}.for", entry.symbol)
    pairs = []
    for place, symbol in enumerate(entry.ranked):
        where = f"{entry.where}.use[{place}]"
        substitute = records.security(where, symbol)
        if security is not None and substitute is not None:
            pairs.append(_Pair(where, security, substitute))
    return pairs


def _final_groups(
    records: Records, groups: Sequence[GroupEntry], members: dict[str, list[Security]]
) -> dict[int, str]:
    """Security -> the group it is in once the file is applied; a member of a group outside the file is refused."""
    active = IdenticalMember.objects.filter(group__firm=records.firm, ended_on=None)
    final = {
        security: name
        for security, name in active.values_list("security_id", "group__name")
        if name not in members
    }
    for group in groups:
        for security in members[group.name]:
            other = final.setdefault(security.pk, group.name)
            if other != group.name:
                records.problems.add(
                    f"{group.where}.symbols",
                    f"{security} is in the identical group {other!r} on record, and a security is in one:"
                    f" give {other!r} in the file without it",
                )
    return final


def _refuse_strikes(
    records: Records, groups: Sequence[GroupEntry], members: dict[str, list[Security]]
) -> None:
    """A membership counts for all dates: ending it would take back wash sales of years that are closed (R24)."""
    for group in groups:
        active = IdenticalMember.objects.filter(
            group__firm=records.firm, group__name=group.name, ended_on=None
        )
        on_record = [member.security for member in active.select_related("security")]
        struck = [one.symbol for one in on_record if one not in members[group.name]]
        if struck and Transaction.objects.filter(security__in=on_record).exists():
            records.problems.add(
                f"{group.where}.symbols",
                f"{', '.join(sorted(struck))} cannot leave the identical group {group.name!r}: its members have"
                " transactions, and a group counts for all dates, so wash sales of the past would change;"
                " a membership that ends on a date is not supported yet",
            )


def _refuse_overlap(records: Records, final: dict[int, str], pairs: dict[str, list[_Pair]]) -> None:
    """A substitute that is identical to what it replaces would be a wash sale by construction."""
    on_record = SubstituteMapping.objects.filter(firm=records.firm).exclude(
        security__symbol__in=pairs
    )
    kept = (
        _Pair("", row.security, row.substitute)
        for row in on_record.select_related("security", "substitute")
    )
    for pair in (*(pair for listed in pairs.values() for pair in listed), *kept):
        group = final.get(pair.security.pk)
        if group is not None and group == final.get(pair.substitute.pk):
            of = "" if pair.where else ", as the records have it"
            records.problems.add(
                pair.where or "identical_groups",
                f"{pair.substitute} cannot stand in for {pair.security}{of}:"
                f" both are in the identical group {group!r}, so the swap would be a wash sale",
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


def _strike_members(records: Records, members: dict[str, list[Security]]) -> set[int]:
    """End the memberships that the file no longer names: they stay on record. Returns the securities touched."""
    touched: set[int] = set()
    today = business_date(records.firm)
    active = IdenticalMember.objects.filter(
        group__firm=records.firm, group__name__in=members, ended_on=None
    )
    for member in active.select_related("group", "security"):
        if member.security not in members[member.group.name]:
            member.ended_on = today
            member.save(update_fields=["ended_on"])
            records.changes.add_changed(
                "identical group", member.group.name, f"{member.security} ended on {today}"
            )
            touched |= set(member.group.members.values_list("security_id", flat=True))
    return touched


def _put_group(records: Records, entry: GroupEntry, members: Sequence[Security]) -> set[int]:
    """The group as the file has it. Returns the securities that gain identical ones."""
    group = records.put(
        IdenticalGroup,
        "identical group",
        entry.name,
        key={"firm": records.firm, "name": entry.name},
        values={
            "reason": entry.reason,
            "author": records.people[entry.author],
            "effective_on": entry.effective_on,
        },
    )
    known = set(group.members.filter(ended_on=None).values_list("security_id", flat=True))
    added = [security for security in members if security.pk not in known]
    IdenticalMember.objects.bulk_create(
        IdenticalMember(group=group, security=security) for security in added
    )
    for security in added:
        records.changes.add_changed("identical group", entry.name, f"{security} added")
    return {security.pk for security in members} if added else set()


def _rebuild(records: Records, securities: set[int]) -> None:
    """Replay every household that ever traded one of the securities: its wash sales may be others now."""
    rows = Transaction.objects.filter(security__in=securities)
    households = set(rows.order_by().values_list("account__household", flat=True).distinct())
    for household_id in sorted(households):
        try:
            done = rebuild_lots(household_id=household_id)
        except LedgerError as error:
            records.problems.add("identical_groups", f"household {household_id}: {error}")
            continue
        if done.inserted or done.updated or done.deleted:
            records.changes.households_recomputed += 1
