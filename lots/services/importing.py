"""Files of transactions and prices brought in."""

import hashlib
from datetime import date
from pathlib import PurePath
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts import access
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
    name = _file_name(name)
    if account is not None and account.firm_id != firm.pk:
        raise ImportRefused([Problem(name, 0, "", "the account is none of the firm's")])
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    fingerprint = {
        "firm": firm,
        "sha256": hashlib.sha256(file).hexdigest(),
        "target": str(account.public_id) if account is not None else "",
    }
    if (known := ImportedFile.objects.filter(**fingerprint).first()) is not None:
        return _known_file(known)
    read = read_file(
        file,
        name=name,
        format=format,
        directory=selectors.directory(firm.pk, account),
        as_of=as_of,
        limit=settings.IMPORT_MAX_BYTES,
    )
    with transaction.atomic():
        record, is_first = ImportedFile.objects.get_or_create(
            **fingerprint, defaults={"name": name, "format": read.format, "imported_by": user}
        )
        if not is_first:  # somebody else's import of the same file has just finished
            return _known_file(record)
        return _book_file(firm, user, read, record, as_of)


def _known_file(record: ImportedFile) -> ImportSummary:
    return ImportSummary(
        format=record.format,
        new=0,
        known=record.rows_new + record.rows_known,
        file_known=True,
        households=(),
    )


def _book_file(
    firm: Firm, user: User | None, read: ReadFile, record: ImportedFile, as_of: date
) -> ImportSummary:
    try:
        booked = book(
            firm=firm,
            rows=read.rows,
            actor=user.username if user is not None else "command",
            imported_file=record,
            as_of=as_of,
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
        format=read.format,
        new=booked.new,
        known=booked.known,
        file_known=False,
        households=booked.households,
    )


def _file_name(name: str) -> str:
    """The last part of a path, fit to be stored and shown."""
    last = PurePath(name.replace("\\", "/")).name[:255]
    return "".join(letter if letter.isprintable() else "?" for letter in last) or "upload"


def upload(
    *,
    user: User,
    what: str,
    file: "UploadedFile[bytes]",
    account: UUID | None,
    checked: bool = False,
) -> str:
    """Take an uploaded file of ``transactions`` or ``prices`` and say in one sentence what it did.

    ``account`` is the public id of the account a file of transactions is for; ``checked`` says that somebody has
    looked at prices that change or move far. Raises ImportRefused, NotAllowed, and
    Http404 for an account that the user may not see.
    """
    access.require(user, access.Action.IMPORT)
    assert user.firm is not None, "require refuses users without a firm"
    firm, name = user.firm, _file_name(file.name or "")
    check_size(name=name, size=file.size or 0, limit=settings.IMPORT_MAX_BYTES)
    as_of = business_date(firm)
    if what == "prices":
        prices = import_prices(
            firm=firm, user=user, file=file.read(), name=name, as_of=as_of, correct=checked
        )
        return (
            f"{name}: {prices.rows_new} prices new, {prices.rows_known} known, "
            f"{prices.rows_changed} changed."
        )
    summary = import_file(
        firm=firm,
        user=user,
        file=file.read(),
        name=name,
        format=None,
        account=access.visible_or_404(user, Account, account) if account is not None else None,
        as_of=as_of,
    )
    return summary_sentence(name, summary)


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
