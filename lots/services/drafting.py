"""Files looked at before they are booked: upload, see what would change, confirm the same bytes."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404
from django.utils import timezone

from accounts import access
from accounts.errors import Conflict
from accounts.models import Account, Firm, User
from accounts.selectors import business_date
from lots import selectors
from lots.changes import LedgerChanges
from lots.models import ImportDraft, ImportedFile
from lots.selectors.changes import NamedChanges
from lots.services.importing import (
    book_read,
    file_name,
    households_named,
    known_import,
    read_import,
    summary_sentence,
)
from lots.services.previewing import preview, watched
from lots.types import ImportSummary
from securities.importers.file_text import check_size

DRAFT_LIFE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do. ``draft`` is where to confirm it; None where there is nothing to confirm."""

    name: str
    summary: ImportSummary
    changes: NamedChanges
    draft: UUID | None = None
    sha256: str = ""  # of the bytes

    @property
    def sentence(self) -> str:
        """What the import does, in one sentence."""
        return summary_sentence(self.name, self.summary)


class PreviewOutdated(Conflict):
    """The books have changed since the preview: what the file would do now is in ``preview``."""

    code = "preview_outdated"

    def __init__(self, preview: ImportPreview) -> None:
        self.preview = preview
        super().__init__(
            "The books have changed since you looked: nothing was booked. Look at what the file changes now."
        )


def preview_import(
    *,
    firm: Firm,
    user: User | None,
    file: bytes,
    name: str,
    format: str | None,
    account: Account | None,
    as_of: date,
) -> ImportPreview:
    """What ``import_file`` would do with the same arguments; nothing is written. Raises what it raises."""
    if user is not None:
        access.require(user, access.Action.IMPORT)
    name = file_name(name)
    known = known_import(firm=firm, file=file, name=name, account=account)
    if known is not None:
        return ImportPreview(name, known, selectors.named_changes(LedgerChanges()))
    read = read_import(
        firm=firm, user=user, file=file, name=name, format=format, account=account, as_of=as_of
    )
    summary, changes = preview(
        households=households_named(read), as_of=as_of, change=lambda: book_read(read)
    )
    return ImportPreview(
        name, summary, selectors.named_changes(changes), sha256=hashlib.sha256(file).hexdigest()
    )


def draft_import(*, user: User, file: "UploadedFile[bytes]", account: UUID | None) -> ImportPreview:
    """Look at an uploaded file of transactions and keep it to be confirmed, where it brings anything new.

    ``account`` is the public id of the account the file is for. Raises ImportRefused, NotAllowed, and Http404 for an
    account that the user may not see.
    """
    access.require(user, access.Action.IMPORT)
    assert user.firm is not None, "require refuses users without a firm"
    check_size(
        name=file_name(file.name or ""), size=file.size or 0, limit=settings.IMPORT_MAX_BYTES
    )
    target = access.visible_or_404(user, Account, account) if account is not None else None
    data = file.read()
    seen = preview_import(
        firm=user.firm,
        user=user,
        file=data,
        name=file.name or "",
        format=None,
        account=target,
        as_of=business_date(user.firm),
    )
    _forget_old()
    if not seen.summary.new:
        return seen
    draft = _kept(user, user.firm, seen, data, target)
    return ImportPreview(seen.name, seen.summary, seen.changes, draft.public_id, seen.sha256)


def confirm_import(*, user: User, public_id: UUID, sha256: str) -> str:
    """Book the bytes that were looked at, and say in one sentence what was done; anybody of the firm who imports may.

    Of a file that is booked by now it says so. Raises PreviewOutdated where the bytes would change other figures than
    those shown, Conflict where the draft holds other bytes or is too old, Http404 for a draft of another firm or none,
    ImportRefused and NotAllowed; then nothing is booked, and the draft stays.
    """
    access.require(user, access.Action.IMPORT)
    try:
        draft = access.visible_or_404(user, ImportDraft, public_id)
    except Http404:
        if (record := _booked(user, sha256)) is None:
            raise
        return f"{record.name}: booked already, nothing changed."
    try:
        with transaction.atomic():
            draft = _locked(draft)
            _check(draft, sha256)
            sentence = _book_draft(draft, user)
            draft.delete()
    except PreviewOutdated as outdated:
        ImportDraft.objects.filter(pk=draft.pk).update(
            changes_sha256=outdated.preview.changes.sha256
        )
        raise
    return sentence


def _booked(user: User, sha256: str) -> ImportedFile | None:
    """The firm's booked file of these bytes."""
    return access.visible(user, ImportedFile).filter(sha256=sha256).first()


def discard_import(*, user: User, public_id: UUID) -> str:
    """Forget a draft; nothing was booked. Raises Http404 for a draft of another firm or none, and NotAllowed."""
    access.require(user, access.Action.IMPORT)
    draft = access.visible_or_404(user, ImportDraft, public_id)
    draft.delete()
    return f"{draft.name}: not booked, nothing was changed."


def _kept(
    user: User, firm: Firm, seen: ImportPreview, data: bytes, account: Account | None
) -> ImportDraft:
    """The person's one draft; an earlier one makes room under a new name, so that its page cannot confirm this one."""
    draft, _ = ImportDraft.objects.update_or_create(
        user=user,
        defaults={
            "public_id": uuid4(),
            "firm": firm,
            "account": account,
            "name": seen.name,
            "data": data,
            "sha256": seen.sha256,
            "changes_sha256": seen.changes.sha256,
            "created_at": timezone.now(),
        },
    )
    return draft


def _locked(draft: ImportDraft) -> ImportDraft:
    """Of two confirmations at once the second finds nothing any more. Raises Conflict."""
    rows = ImportDraft.objects.select_for_update(of=("self",)).select_related("firm", "account")
    found = rows.filter(pk=draft.pk, public_id=draft.public_id).first()
    if found is None:
        raise Conflict("The file was booked or discarded meanwhile: upload it again if it is new.")
    return found


def _check(draft: ImportDraft, sha256: str) -> None:
    """Raises Conflict unless these are the bytes that were looked at, not long ago."""
    held = hashlib.sha256(draft.data).hexdigest()
    if not held == draft.sha256 == sha256:
        raise Conflict("The file is another one than you looked at: upload it again.")
    if draft.created_at < timezone.now() - DRAFT_LIFE:
        raise Conflict("You looked at the file too long ago: upload it again.")


def _book_draft(draft: ImportDraft, user: User) -> str:
    data, firm, account = bytes(draft.data), draft.firm, draft.account
    known = known_import(firm=firm, file=data, name=draft.name, account=account)
    if known is not None:
        return summary_sentence(draft.name, known)
    as_of = business_date(firm)
    read = read_import(
        firm=firm, user=user, file=data, name=draft.name, format=None, account=account, as_of=as_of
    )
    summary, changes = watched(
        households=households_named(read), as_of=as_of, change=lambda: book_read(read)
    )
    if changes.sha256() != draft.changes_sha256:
        named = selectors.named_changes(changes)
        raise PreviewOutdated(
            ImportPreview(draft.name, summary, named, draft.public_id, draft.sha256)
        )
    return summary_sentence(draft.name, summary)


def _forget_old() -> None:
    ImportDraft.objects.filter(created_at__lt=timezone.now() - DRAFT_LIFE).delete()
