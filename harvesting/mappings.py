"""A firm's substitutes, decided by somebody for a reason: mapped, reviewed, ended; nothing is deleted (F26, N12)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import Http404

from accounts import access
from accounts.errors import Conflict, LotwiseError
from accounts.locks import share_firm
from accounts.models import Firm, Household, User
from accounts.selectors import business_date
from accounts.selectors import household as household_of
from accounts.services import record_audit
from harvesting.models import SubstituteMapping
from harvesting.substitute_rows import buy_restrictions
from lots import selectors as lots
from proposals import departures
from securities.models import Price, Security

LONGEST_REASON = 2_000
MOST_RANKS = 20
_DAY = timedelta(days=1)


class SubstituteRefused(LotwiseError):
    """A mapping that would be wrong, unusable, or decided without a reason. ``problems``: field -> sentence."""

    code = "substitute_refused"
    status = 422

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems.values()))


@dataclass(frozen=True, slots=True)
class Decided:
    """The mapping as it stands now, and what to think of again although it is permitted."""

    mapping: SubstituteMapping
    warnings: tuple[str, ...] = ()


@transaction.atomic
def map_substitute(
    *,
    user: User,
    security_id: int,
    substitute_id: int,
    rank: int,
    reason: str,
    household: UUID | None = None,
    since: date | None = None,
    valid_until: date | None = None,
) -> Decided:
    """Let one security stand in for another from ``since`` (None = today), for the firm or one household.

    Raises NotAllowed, Http404 for a household that is not the firm's, and SubstituteRefused: for a security unknown,
    itself, substantially identical, delisted, without any price or not to be bought; for a rank or pair that is taken;
    for days that contradict each other; for no reason.
    """
    firm = _firm(user)
    as_of = business_date(firm)
    for_whom = household_of(user, household) if household is not None else None
    since = since or as_of
    problems = _day_problems(as_of, since, valid_until) | _reason_problems(reason)
    if not 1 <= rank <= MOST_RANKS:
        problems["rank"] = (
            f"A rank is a whole number from 1 to {MOST_RANKS}; 1 is the first choice."
        )
    security = _security(firm, security_id, "security", problems)
    substitute = _security(firm, substitute_id, "substitute", problems)
    if security is not None and substitute is not None:
        problems |= _pair_problems(firm, for_whom, security, substitute, as_of)
        problems |= _taken(firm, for_whom, security, substitute, rank)
    if problems or security is None or substitute is None:
        raise SubstituteRefused(problems)
    mapping = _created(
        firm=firm,
        household=for_whom,
        security=security,
        substitute=substitute,
        rank=rank,
        reason=reason.strip(),
        author=user,
        since=since,
        reviewed_on=as_of,
        valid_until=valid_until,
    )
    _record(mapping, user, "substitute.mapped", _facts(mapping))
    return Decided(mapping, tuple(_warnings(mapping, as_of)))


@transaction.atomic
def review_mapping(
    *, user: User, mapping_id: int, reason: str, valid_until: date | None = None
) -> Decided:
    """Confirm a mapping today, with today's reviewer, reason and next date of review; the audit chain has the old ones.

    Raises NotAllowed, Http404, Conflict for one that has ended, and SubstituteRefused as ``map_substitute``.
    """
    firm = _firm(user)
    as_of = business_date(firm)
    mapping = _mapping(user, mapping_id)
    problems = _reason_problems(reason) | _day_problems(as_of, mapping.since, valid_until, old=True)
    problems |= _pair_problems(firm, mapping.household, mapping.security, mapping.substitute, as_of)
    if problems:
        raise SubstituteRefused(problems)
    before = _facts(mapping)
    mapping.author, mapping.reason = user, reason.strip()
    mapping.reviewed_on, mapping.valid_until = as_of, valid_until
    mapping.save(update_fields=["author", "reason", "reviewed_on", "valid_until"])
    _record(mapping, user, "substitute.reviewed", {"old": before, "new": _facts(mapping)})
    return Decided(mapping, tuple(_warnings(mapping, as_of)))


@transaction.atomic
def end_mapping(*, user: User, mapping_id: int, reason: str) -> Decided:
    """Stop using a mapping from today on: its last day was yesterday. One that has not begun never will.

    Raises NotAllowed, Http404, Conflict for one that has ended already, SubstituteRefused for no reason.
    """
    firm = _firm(user)
    mapping = _mapping(user, mapping_id)
    if problems := _reason_problems(reason):
        raise SubstituteRefused(problems)
    mapping.ended_on = last_day(mapping.since, business_date(firm))
    mapping.save(update_fields=["ended_on"])
    _record(mapping, user, "substitute.ended", {**_facts(mapping), "why": reason.strip()})
    return Decided(mapping)


def last_day(since: date | None, as_of: date) -> date:
    """The last day of a mapping that is not to be used on ``as_of`` any more."""
    return max(as_of, since or as_of) - _DAY


def _firm(user: User) -> Firm:
    """The user's firm, whose identical groups stay as they are until the transaction ends. Raises NotAllowed."""
    access.require(user, access.Action.DECIDE)
    assert user.firm is not None, "require refuses users without a firm"
    share_firm(user.firm.pk)
    return user.firm


def _mapping(user: User, mapping_id: int) -> SubstituteMapping:
    """The mapping, locked. Raises Http404, Conflict."""
    rows = access.visible(user, SubstituteMapping).select_related("security", "substitute")
    mapping = rows.select_for_update(of=("self",)).filter(pk=mapping_id).first()
    if mapping is None:
        raise Http404("There is no such mapping.")
    if mapping.ended_on is not None:
        raise Conflict(f"The mapping {told(mapping)} ended on {mapping.ended_on} already.")
    return mapping


def _security(firm: Firm, pk: int, field: str, problems: dict[str, str]) -> Security | None:
    found = Security.objects.filter(firm=firm, pk=pk).first()
    if found is None:
        problems[field] = "There is no such security: choose one of the firm's symbols."
    return found


def _reason_problems(reason: str) -> dict[str, str]:
    if reason.strip() and len(reason) <= LONGEST_REASON:
        return {}
    return {"reason": f"Say why, in at most {LONGEST_REASON:,} characters."}


def _day_problems(
    as_of: date, since: date | None, valid_until: date | None, *, old: bool = False
) -> dict[str, str]:
    problems = {}
    if since is not None and since < as_of and not old:
        problems["since"] = (
            f"A mapping begins today, {as_of}, or later: nobody relied on it before."
        )
    first = max(as_of, since or as_of)
    if valid_until is not None and valid_until < first:
        problems["valid_until"] = f"The review falls due on {first} or later."
    return problems


def _pair_problems(
    firm: Firm, household: Household | None, security: Security, substitute: Security, as_of: date
) -> dict[str, str]:
    """What speaks against buying the one in the place of the other, whatever the rank."""
    if security.pk == substitute.pk:
        return {"substitute": f"{security} cannot stand in for itself."}
    both = {security.pk, substitute.pk}
    if any(both <= identical for identical in lots.identical_sets(firm.pk, as_of)):
        text = (
            f"{substitute} is substantially identical to {security}: the swap would be a wash sale."
        )
        return {"substitute": text}
    if substitute.delisted_on is not None and substitute.delisted_on <= as_of:
        text = f"{substitute} no longer trades since {substitute.delisted_on}."
        return {"substitute": text}
    if not Price.objects.filter(security=substitute, day__lte=as_of).exists():
        return {"substitute": f"{substitute} has no price: import its prices first."}
    restricted = buy_restrictions(firm.pk, household.pk if household else None, as_of)
    if substitute.pk in restricted:
        text = f"{substitute} is restricted, not to be bought: {restricted[substitute.pk]}"
        return {"substitute": text}
    return {}


def _taken(
    firm: Firm, household: Household | None, security: Security, substitute: Security, rank: int
) -> dict[str, str]:
    rows = SubstituteMapping.objects.filter(
        firm=firm, household=household, security=security, ended_on=None
    ).select_related("substitute")
    for row in rows:
        if row.substitute_id == substitute.pk:
            text = f"{substitute} is mapped for {security} already, as rank {row.rank}: end that first."
            return {"substitute": text}
        if row.rank == rank:
            text = f"Rank {rank} of {security} is {row.substitute}: end that first, or take another rank."
            return {"rank": text}
    return {}


def _created(**values: object) -> SubstituteMapping:
    try:
        with transaction.atomic():
            return SubstituteMapping.objects.create(**values)
    except IntegrityError as error:
        raise Conflict(
            "Somebody changed the substitutes of this security at the same moment: look again."
        ) from error


def _warnings(mapping: SubstituteMapping, as_of: date) -> Iterable[str]:
    security, substitute = mapping.security, mapping.substitute
    if security.tracks_index and security.tracks_index == substitute.tracks_index:
        yield (
            f"{security} and {substitute} follow one index, {security.tracks_index}. The firm reads such funds as "
            "distinct (U1); the Internal Revenue Service may not."
        )
    if mapping.household_id is not None:
        left = departures.of_household(mapping.household_id, as_of).get(substitute.pk)
        if left is not None:
            yield f"{left.told(substitute.symbol)}: the household's own list leads to it all the same."


def told(mapping: SubstituteMapping) -> str:
    """The pair as it is told."""
    return f"{mapping.security} -> {mapping.substitute}"


def _facts(mapping: SubstituteMapping) -> dict[str, object]:
    return {
        "household": mapping.household.name if mapping.household else None,
        "security": mapping.security.symbol,
        "substitute": mapping.substitute.symbol,
        "rank": mapping.rank,
        "reason": mapping.reason,
        "author": mapping.author.username,
        "since": mapping.since,
        "ended_on": mapping.ended_on,
        "reviewed_on": mapping.reviewed_on,
        "valid_until": mapping.valid_until,
    }


def _record(mapping: SubstituteMapping, user: User, action: str, facts: dict[str, object]) -> None:
    record_audit(
        firm=mapping.firm,
        actor=user.username,
        action=action,
        subject=f"substitute {mapping.pk} {told(mapping)}"[:120],
        facts=facts,
    )
