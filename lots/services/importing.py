"""Files of transactions and prices brought in."""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts import access
from accounts.locks import lock_households, share_firm
from accounts.models import Account, Firm, User
from accounts.selectors import business_date
from lots import selectors
from lots.booking import BookingError
from lots.importers import ReadFile, read_file
from lots.models import ImportedFile
from lots.services.booking import book
from lots.types import ImportSummary
from securities.importers.file_text import check_size
from securities.importers.refusal import MOST_PROBLEMS, ImportRefused, Problem
from securities.services import import_prices


@dataclass(frozen=True, slots=True)
class ReadImport:
    """A file that was read and not booked yet."""

    firm: Firm
    user: User | None
    name: str
    fingerprint: dict[str, object]  # what makes it the same file again
    content: ReadFile
    as_of: date


def import_file(
    *,
    firm: Firm,
    user: User | None,
    file: bytes,
    name: str,
    format: str | None,
    account: Account | None,
    as_of: date,
) -> ImportSummary:
    """Book a file of transactions, all or nothing; the same file or the same rows again change nothing.

    ``account`` is the one the file is for, where the file does not say; ``format`` None is told from the content.
    Raises ImportRefused with every problem found, each with file, line, column and reason.
    """
    if user is not None:
        access.require(user, access.Action.IMPORT)
    known = known_import(firm=firm, file=file, name=name, account=account)
    if known is not None:
        return known
    return book_read(
        read_import(
            firm=firm, user=user, file=file, name=name, format=format, account=account, as_of=as_of
        )
    )


def known_import(
    *, firm: Firm, file: bytes, name: str, account: Account | None
) -> ImportSummary | None:
    """What is on record of these very bytes; None where they were never booked. Raises ImportRefused."""
    name = file_name(name)
    if account is not None and account.firm_id != firm.pk:
        raise ImportRefused([Problem(name, 0, "", "the account is none of the firm's")])
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    record = ImportedFile.objects.filter(**_fingerprint(firm, file, account)).first()
    return None if record is None else _known_file(record)


def read_import(
    *,
    firm: Firm,
    user: User | None,
    file: bytes,
    name: str,
    format: str | None,
    account: Account | None,
    as_of: date,
) -> ReadImport:
    """The file's rows, to be booked by ``book_read``. Raises ImportRefused."""
    name = file_name(name)
    content = read_file(
        file,
        name=name,
        format=format,
        directory=selectors.directory(firm.pk, account),
        as_of=as_of,
        limit=settings.IMPORT_MAX_BYTES,
    )
    return ReadImport(firm, user, name, _fingerprint(firm, file, account), content, as_of)


@transaction.atomic
def book_read(read: ReadImport) -> ImportSummary:
    """Book what was read, all or nothing. Raises ImportRefused.

    The households are locked before the file is put on record: whoever looks at the same file has them locked by then.
    """
    share_firm(read.firm.pk)
    lock_households(households_named(read))
    record, is_first = ImportedFile.objects.get_or_create(
        **read.fingerprint,
        defaults={"name": read.name, "format": read.content.format, "imported_by": read.user},
    )
    if not is_first:  # somebody else's import of the same file has just finished
        return _known_file(record)
    return _book_file(read, record)


def households_named(read: ReadImport) -> frozenset[int]:
    """The households whose accounts the file names."""
    accounts = {row.account for row in read.content.rows}
    rows = Account.objects.filter(firm=read.firm, pk__in=accounts).order_by()
    return frozenset(rows.values_list("household_id", flat=True))


def _fingerprint(firm: Firm, file: bytes, account: Account | None) -> dict[str, object]:
    return {
        "firm": firm,
        "sha256": hashlib.sha256(file).hexdigest(),
        "target": str(account.public_id) if account is not None else "",
    }


def _known_file(record: ImportedFile) -> ImportSummary:
    return ImportSummary(
        format=record.format,
        new=0,
        known=record.rows_new + record.rows_known,
        file_known=True,
        households=(),
    )


def _book_file(read: ReadImport, record: ImportedFile) -> ImportSummary:
    try:
        booked = book(
            firm=read.firm,
            rows=read.content.rows,
            actor=read.user.username if read.user is not None else "command",
            imported_file=record,
            as_of=read.as_of,
        )
    except BookingError as error:
        raise ImportRefused(
            [
                Problem(record.name, problem.row, problem.column, problem.reason)
                for problem in error.problems[:MOST_PROBLEMS]
            ]
        ) from error
    if booked.new:
        record.rows_new, record.rows_known = booked.new, booked.known
        record.save(update_fields=["rows_new", "rows_known"])
    else:
        record.delete()  # it brought nothing: other rows or bytes than a booked file, the same facts
    return ImportSummary(
        format=read.content.format,
        new=booked.new,
        known=booked.known,
        file_known=False,
        households=booked.households,
    )


def file_name(name: str) -> str:
    """The last part of a path, fit to be stored and shown."""
    last = PurePath(name.replace("\\", "/")).name[:255]
    return "".join(letter if letter.isprintable() else "?" for letter in last) or "upload"


def upload_prices(*, user: User, file: "UploadedFile[bytes]", checked: bool = False) -> str:
    """Take an uploaded file of prices and say in one sentence what it did.

    ``checked`` says that somebody has looked at prices that change or move far. Raises ImportRefused, NotAllowed.
    """
    access.require(user, access.Action.IMPORT)
    assert user.firm is not None, "require refuses users without a firm"
    name = file_name(file.name or "")
    check_size(name=name, size=file.size or 0, limit=settings.IMPORT_MAX_BYTES)
    prices = import_prices(
        firm=user.firm,
        user=user,
        file=file.read(),
        name=name,
        as_of=business_date(user.firm),
        correct=checked,
    )
    return (
        f"{name}: {prices.rows_new} prices new, {prices.rows_known} known, "
        f"{prices.rows_changed} changed."
    )


def summary_sentence(name: str, summary: ImportSummary) -> str:
    """What an import did, for people."""
    if summary.file_known:
        return f"{name}: this file was imported before, nothing changed."
    if not summary.new:
        return f"{name}: all {summary.known} transactions are known, nothing changed."
    return (
        f"{name}: {summary.new} transactions new, {summary.known} known, "
        f"in {len(summary.households)} households."
    )
