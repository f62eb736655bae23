"""Identical groups and pairs as a set-up file states them: dated, and nothing on record is lost."""

from collections.abc import Iterable, Sequence
from datetime import date

from django.db.models import QuerySet

from accounts.selectors import business_date
from config.setup_file.contents import GroupEntry, PairEntry
from config.setup_file.records import Records
from config.setup_file.tables import path
from lots import selectors
from lots.errors import LedgerError
from lots.services import rebuild_lots
from securities.identity import Pair
from securities.models import IdenticalGroup, IdenticalMember, IdenticalOverride, Security
from securities.selectors import identical_overrides


def found(records: Records, where: str, symbols: Iterable[str]) -> list[Security]:
    """The securities of a list; a problem is noted for a symbol that is none."""
    securities = [
        records.security(f"{where}.symbols[{place}]", symbol)
        for place, symbol in enumerate(symbols)
    ]
    return [security for security in securities if security is not None]


def final_groups(
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


def final_pairs(records: Records, pairs: Sequence[PairEntry]) -> dict[Pair, bool]:
    """Pair -> whether it is identical once the file is applied, as far as the firm spoke of it."""
    final = identical_overrides(records.firm.pk)
    for entry in pairs:
        securities = found(records, entry.where, entry.symbols)
        if len(securities) == 2:
            final[_ordered(securities)] = entry.is_identical
    return final


def strike_members(
    records: Records, groups: Sequence[GroupEntry], members: dict[str, list[Security]]
) -> set[int]:
    """End the memberships that the file no longer names, or ended on a day. They stay on record, and so do the wash
    sales of their days. Returns the securities touched.
    """
    touched: set[int] = set()
    today = business_date(records.firm)
    for group in groups:
        rows = _rows(records, group)
        for member in rows.filter(ended_on=None).select_related("security"):
            symbol = member.security.symbol
            if member.security not in members[group.name] and symbol not in group.ended:
                _end(records, group, member, today)
                touched |= _ever(rows)
        for symbol, day in group.ended.items():
            touched |= _ended(records, group, rows, symbol, day)
    return touched


def put_group(records: Records, entry: GroupEntry, members: Sequence[Security]) -> set[int]:
    """The group as the file has it. Returns the securities whose identical ones are others now."""
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
    rows = _rows(records, entry)
    changed = [_put_member(records, entry, group, rows, security) for security in members]
    for symbol, day in entry.ended.items():
        security = records.security(path(f"{entry.where}.ended", symbol), symbol)
        if security is not None and not rows.filter(security=security).exists():
            changed.append(True)
            IdenticalMember.objects.create(
                group=group, security=security, since=entry.since.get(symbol), ended_on=day
            )
            _said(records, entry, f"{symbol} added, ended on {day}")
    return _ever(rows) if any(changed) else set()


def put_pairs(records: Records, pairs: Sequence[PairEntry]) -> set[int]:
    """Write the pairs of which the file says another thing than the firm did. Returns their securities."""
    said, touched = identical_overrides(records.firm.pk), set()
    for entry in pairs:
        securities = found(records, entry.where, entry.symbols)
        pair = _ordered(securities)
        if said.get(pair) == entry.is_identical:
            continue
        IdenticalOverride.objects.create(
            firm=records.firm,
            first_id=pair[0],
            second_id=pair[1],
            is_identical=entry.is_identical,
            author=records.people[entry.author],
            reason=entry.reason,
        )
        name = " and ".join(sorted(entry.symbols))
        records.changes.add_changed(
            "identical pair", name, "identical" if entry.is_identical else "not identical"
        )
        touched |= set(pair)
    return touched


def rebuild(records: Records, securities: set[int]) -> None:
    """Replay every household that ever traded one of the securities: its wash sales may be others now."""
    for household_id in selectors.traders(securities):
        try:
            done = rebuild_lots(household_id=household_id)
        except LedgerError as error:
            records.problems.add("identical_groups", f"household {household_id}: {error}")
            continue
        if done.inserted or done.updated or done.deleted:
            records.recomputed.add(household_id)


def _rows(records: Records, group: GroupEntry) -> QuerySet[IdenticalMember]:
    return IdenticalMember.objects.filter(group__firm=records.firm, group__name=group.name)


def _ever(rows: QuerySet[IdenticalMember]) -> set[int]:
    return set(rows.values_list("security_id", flat=True))


def _ended(
    records: Records, group: GroupEntry, rows: QuerySet[IdenticalMember], symbol: str, day: date
) -> set[int]:
    """End a membership on the day that the file gives, or move the day on record. Returns the securities touched."""
    where = path(f"{group.where}.ended", symbol)
    if day > business_date(records.firm):
        records.problems.add(where, f"{day} is still to come: end it when it has ended")
        return set()
    of_security = rows.filter(security__symbol=symbol).select_related("security")
    member = of_security.filter(ended_on=None).first() or of_security.order_by("-ended_on").first()
    if member is None or member.ended_on == day:
        return set()
    _end(records, group, member, day)
    return _ever(rows)


def _end(records: Records, group: GroupEntry, member: IdenticalMember, day: date) -> None:
    since = group.since.get(member.security.symbol, member.since)
    if since is not None and since > day:
        records.problems.add(
            f"{group.where}.symbols",
            f"{member.security} belongs since {since}: it cannot end on {day}",
        )
        return
    member.since, member.ended_on = since, day
    member.save(update_fields=["since", "ended_on"])
    _said(records, group, f"{member.security} ended on {day}")


def _put_member(
    records: Records,
    entry: GroupEntry,
    group: IdenticalGroup,
    rows: QuerySet[IdenticalMember],
    security: Security,
) -> bool:
    """Whether the membership is new, or begins on another day."""
    since = entry.since.get(security.symbol)
    active = rows.filter(security=security, ended_on=None).first()
    if active is not None:
        if since is None or since == active.since:
            return False
        _said(records, entry, f"{security} since {active.since or 'always'} -> {since}")
        active.since = since
        active.save(update_fields=["since"])
        return True
    left = rows.filter(security=security).order_by("-ended_on").first()
    if left is not None and left.ended_on and (since is None or since < left.ended_on):
        records.problems.add(
            path(f"{entry.where}.since", security.symbol),
            f"it is missing or too early: {security} left the group on {left.ended_on}, say since when it"
            " belongs again",
        )
        return False
    IdenticalMember.objects.create(group=group, security=security, since=since)
    _said(records, entry, f"{security} added" + (f" since {since}" if since else ""))
    return True


def _said(records: Records, group: GroupEntry, what: str) -> None:
    records.changes.add_changed("identical group", group.name, what)


def _ordered(securities: Sequence[Security]) -> Pair:
    first, second = sorted(security.pk for security in securities)
    return first, second
