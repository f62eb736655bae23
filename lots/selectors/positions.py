"""Whether lots add up to what custodians hold, account by account."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import or_

from django.db.models import Q, Sum

from accounts import access
from accounts.models import Account, User
from accounts.one_look import read_once
from lots.models import PositionStatement, StatementPosition, TaxLot, Transaction
from lots.position_check import (
    TOLERANCE,
    AccountCheck,
    Holdings,
    Standing,
    Statement,
    check,
    held_before,
    held_on,
    sentence,
)
from lots.rounding import stored_shares
from lots.selectors.ledger import ledger
from lots.types import BreakRow, EntryKind, LedgerEntry, PositionBreaks
from securities.models import Security


@read_once
def unreconciled(
    household_id: int, as_of: date, *, tolerance: Decimal = TOLERANCE
) -> dict[int, str]:
    """Account -> what is wrong, for every account whose lots differ from its newest statement up to ``as_of``.

    An account without a statement is not among them. One query for a household without statements, five with some;
    eight more where a corporate action was booked after a statement. Raises LedgerError for a ledger that cannot be
    followed then.
    """
    checks = _checks({household_id}, as_of, tolerance)
    return _sentences(checks)


def unreconciled_of(household_ids: Collection[int], as_of: date) -> dict[int, str]:
    """The same for several households at once."""
    return _sentences(_checks(household_ids, as_of, TOLERANCE))


def account_checks(
    household_id: int, as_of: date, *, tolerance: Decimal = TOLERANCE
) -> dict[int, AccountCheck]:
    """Every account of a household against its newest statement: reconciled, unreconciled, or no statement."""
    checked = {one.account: one for one in _checks({household_id}, as_of, tolerance)}
    ids = Account.objects.filter(household=household_id).order_by("pk").values_list("pk", flat=True)
    return {
        pk: checked.get(pk) or check(pk, None, {}, tolerance=tolerance) for pk in ids
    }  # fmt: skip


def position_breaks(user: User, as_of: date) -> PositionBreaks:
    """The differences of the user's firm, largest age first, and how many accounts were compared."""
    accounts = access.visible(user, Account).select_related("household")
    by_id = {account.pk: account for account in accounts}
    households = {account.household_id for account in by_id.values()}
    checks = _checks(households, as_of, TOLERANCE)
    symbols = _symbols(checks)
    rows = [
        BreakRow(
            household=by_id[one.account].household.name,
            household_id=by_id[one.account].household.public_id,
            account=f"{by_id[one.account].name} ({by_id[one.account].number})",
            custodian=by_id[one.account].custodian,
            symbol=symbols[found.security],
            ours=stored_shares(found.ours),
            theirs=found.theirs,
            difference=stored_shares(found.difference),
            as_of=one.as_of or as_of,
            age_days=(as_of - (one.as_of or as_of)).days,
        )
        for one in checks
        for found in one.breaks
    ]
    rows.sort(key=lambda row: (row.as_of, row.household, row.account, row.symbol))
    wrong = sum(1 for one in checks if one.standing is Standing.UNRECONCILED)
    return PositionBreaks(
        rows=tuple(rows),
        unreconciled=wrong,
        reconciled=len(checks) - wrong,
        without_statement=len(by_id) - len(checks),
    )


def changed_statements(household_id: int) -> list[tuple[str, date]]:
    """Number and day of the statements whose positions are not what was imported."""
    rows = PositionStatement.objects.filter(account__household=household_id)
    return [
        (row.account.number, row.as_of)
        for row in rows.select_related("account").prefetch_related("positions").order_by("pk")
        if row.content_sha256
        != Statement(
            row.account_id,
            row.as_of,
            {one.security_id: one.quantity for one in row.positions.all()},
        ).content_sha256
    ]


def _sentences(checks: Iterable[AccountCheck]) -> dict[int, str]:
    wrong = [one for one in checks if one.breaks]
    symbols = _symbols(wrong)
    return {one.account: sentence(one, symbols) for one in wrong}


def _symbols(checks: Iterable[AccountCheck]) -> dict[int, str]:
    named = {found.security for one in checks for found in one.breaks}
    if not named:
        return {}
    return dict(Security.objects.filter(pk__in=named).order_by().values_list("pk", "symbol"))


def _checks(
    household_ids: Collection[int], as_of: date, tolerance: Decimal
) -> tuple[AccountCheck, ...]:
    """Every account that has a statement, against the newest one up to ``as_of``."""
    by_household = _newest(household_ids, as_of)
    if not by_household:
        return ()
    today = _held_today(by_household)
    later = _later(by_household)
    found = []
    for household, statements in by_household.items():
        for day in {statement.as_of for statement in statements}:
            held = _held_on(household, day, today[household], later[household])
            found += [
                check(one.account, one, held.get(one.account, {}), tolerance=tolerance)
                for one in statements
                if one.as_of == day
            ]
    return tuple(sorted(found, key=lambda one: one.account))


def _newest(household_ids: Collection[int], as_of: date) -> dict[int, list[Statement]]:
    """Household -> the newest statement of each of its accounts. Two queries, one where there is none."""
    rows = list(
        PositionStatement.objects.filter(
            account__household__in=household_ids, as_of__lte=as_of
        )
        .order_by("account_id", "-as_of")
        .distinct("account_id")
        .values_list("pk", "account_id", "as_of", "account__household_id")
    )  # fmt: skip
    if not rows:
        return {}
    positions: defaultdict[int, dict[int, Decimal]] = defaultdict(dict)
    told = StatementPosition.objects.filter(statement__in=[pk for pk, *_ in rows]).order_by()
    for statement, security, quantity in told.values_list("statement", "security", "quantity"):
        positions[statement][security] = quantity
    found: defaultdict[int, list[Statement]] = defaultdict(list)
    for pk, account, day, household in rows:
        found[household].append(Statement(account, day, positions.get(pk, {})))
    return dict(found)


def _held_today(households: Collection[int]) -> defaultdict[int, Holdings]:
    """Household -> account -> security -> shares of all lots that are open now."""
    held: defaultdict[int, Holdings] = defaultdict(dict)
    rows = TaxLot.objects.filter(account__household__in=households).order_by()
    sums = rows.values_list("account__household", "account", "security").annotate(Sum("quantity"))
    for household, account, security, shares in sums:
        held[household].setdefault(account, {})[security] = Fraction(shares)
    return held


def _later(statements: dict[int, list[Statement]]) -> defaultdict[int, list[LedgerEntry]]:
    """Household -> what was booked of days after the oldest of its statements, as far as it tells shares."""
    by_day: defaultdict[date, list[int]] = defaultdict(list)
    for household, own in statements.items():
        by_day[min(one.as_of for one in own)].append(household)
    after = reduce(
        or_,
        (Q(account__household__in=ids, trade_date__gt=day) for day, ids in by_day.items()),
    )
    rows = Transaction.objects.filter(after).exclude(security=None).order_by("trade_date", "pk")
    found: defaultdict[int, list[LedgerEntry]] = defaultdict(list)
    for household, pk, day, account, kind, security, quantity, to_account in rows.values_list(
        "account__household", "pk", "trade_date", "account", "kind", "security", "quantity",
        "to_account",
    ):  # fmt: skip
        found[household].append(
            LedgerEntry(
                id=str(pk),
                trade_date=day,
                account=str(account),
                kind=EntryKind(kind),
                security=str(security),
                quantity=quantity,
                to_account=None if to_account is None else str(to_account),
            )
        )
    return found


def _held_on(household: int, day: date, today: Holdings, later: Iterable[LedgerEntry]) -> Holdings:
    held = held_before(today, [entry for entry in later if entry.trade_date > day])
    return held_on(ledger(household), day) if held is None else held
