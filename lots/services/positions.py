"""Custodians' positions, which the lots must add up to."""

from collections.abc import Iterable, Sequence
from datetime import date

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts import access
from accounts.locks import lock_households, share_firm
from accounts.models import Account, Firm, User
from accounts.selectors import business_date
from accounts.services import record_audit
from lots import selectors
from lots.importers.positions import ReadStatement, read_positions
from lots.models import PositionStatement, StatementPosition
from lots.position_check import Statement
from lots.services.importing import file_name
from lots.types import PositionImport
from securities.importers.file_text import check_bytes, check_size
from securities.importers.refusal import Problems


def import_positions(
    *,
    firm: Firm,
    user: User | None,
    file: bytes,
    name: str,
    as_of: date,
    correct: bool = False,
    dry_run: bool = False,
) -> PositionImport:
    """Take a file of custodian positions, all or nothing; the same file again changes nothing.

    A statement that differs from the one known for its account and day is refused unless ``correct``: somebody has
    looked at it, and it takes the other's place. Raises ImportRefused with every problem found, NotAllowed.
    """
    if user is not None:
        access.require(user, access.Action.IMPORT)
    name = file_name(name)
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    check_bytes(name=name, data=file)
    read = read_positions(file, Problems(name), selectors.directory(firm.pk), as_of)
    with transaction.atomic():
        share_firm(firm.pk)
        accounts = Account.objects.in_bulk({one.statement.account for one in read})
        households = {account.household_id for account in accounts.values()}
        lock_households(households)
        fresh, replaced, known = _sorted_out(read, name=name, correct=correct)
        PositionStatement.objects.filter(pk__in=replaced).delete()
        _store(fresh, user)
        wrong = selectors.unreconciled_of(households, as_of)
        found = PositionImport(
            new=len(fresh) - len(replaced),
            known=known,
            replaced=len(replaced),
            unreconciled=tuple(
                f"{accounts[pk].number}: {wrong[pk]}" for pk in sorted(accounts) if pk in wrong
            ),
        )
        if dry_run:
            transaction.set_rollback(True)
        elif fresh:
            _audit(firm, user, name, found)
    return found


def upload_positions(*, user: User, file: "UploadedFile[bytes]", checked: bool = False) -> str:
    """Take an uploaded file of positions and say in a few words what it did. Raises ImportRefused, NotAllowed."""
    access.require(user, access.Action.IMPORT)
    assert user.firm is not None, "require refuses users without a firm"
    name = file_name(file.name or "")
    check_size(name=name, size=file.size or 0, limit=settings.IMPORT_MAX_BYTES)
    found = import_positions(
        firm=user.firm,
        user=user,
        file=file.read(),
        name=name,
        as_of=business_date(user.firm),
        correct=checked,
    )
    return f"{name}: {found.sentence}"


def _sorted_out(
    read: Sequence[ReadStatement], *, name: str, correct: bool
) -> tuple[list[Statement], list[int], int]:
    """Statements to store, keys of those that give way to them, and the number of those that are known.

    Raises ImportRefused for one that differs from what is known, unless ``correct``.
    """
    accounts = {one.statement.account for one in read}
    rows = PositionStatement.objects.filter(account__in=accounts).order_by()
    stored = {
        (account, day): (pk, sha256)
        for pk, account, day, sha256 in rows.values_list("pk", "account", "as_of", "content_sha256")
    }
    fresh: list[Statement] = []
    replaced: list[int] = []
    problems = Problems(name)
    for one in read:
        pk, sha256 = stored.get((one.statement.account, one.statement.as_of), (None, ""))
        if sha256 == one.statement.content_sha256:
            continue
        fresh.append(one.statement)
        if pk is None:
            continue
        replaced.append(pk)
        if not correct:
            problems.add(
                f"another statement of this account and {one.statement.as_of} is known: say that "
                "this one takes its place, once somebody has looked at it",
                line=one.line,
            )
    problems.raise_if_any()
    return fresh, replaced, len(read) - len(fresh)


def _store(statements: Iterable[Statement], user: User | None) -> None:
    for statement in statements:
        row = PositionStatement.objects.create(
            account_id=statement.account,
            as_of=statement.as_of,
            content_sha256=statement.content_sha256,
            imported_by=user,
        )
        StatementPosition.objects.bulk_create(
            StatementPosition(statement=row, security_id=security, quantity=quantity)
            for security, quantity in sorted(statement.positions.items())
        )


def _audit(firm: Firm, user: User | None, name: str, found: PositionImport) -> None:
    record_audit(
        firm=firm,
        actor=user.username if user is not None else "command",
        action="positions.imported",
        subject=name[:120],
        facts={
            "new": found.new,
            "replaced": found.replaced,
            "unreconciled": found.unreconciled,
        },
    )
