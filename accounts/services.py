"""Writes about firms and their people: the audit chain, API tokens, idempotent requests."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from accounts.audit_chain import FORMAT_VERSION, GENESIS, link_hash
from accounts.canonical import canonical_text
from accounts.errors import IdempotencyMismatch
from accounts.models import ApiToken, AuditEvent, Firm, IdempotencyRecord, User

_AUDIT_LOCK_SPACE = 0x4C57  # "LW": keeps our advisory locks apart from anybody else's


@transaction.atomic
def record_audit(
    *, firm: Firm, actor: str, action: str, subject: str, facts: dict[str, object]
) -> AuditEvent:
    """Append one event to the firm's chain, in the transaction of the change it records.

    ``facts`` must have a canonical text (no floats). The chain is serialised by an advisory lock per firm.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_AUDIT_LOCK_SPACE, firm.pk])
    last = AuditEvent.objects.filter(firm=firm).order_by("-sequence").first()
    sequence = last.sequence + 1 if last else 1
    previous_hash = last.hash if last else GENESIS
    at = timezone.now()
    payload = canonical_text(
        {"at": at, "actor": actor, "action": action, "subject": subject, "facts": facts}
    )
    return AuditEvent.objects.create(
        firm=firm,
        sequence=sequence,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        format_version=FORMAT_VERSION,
        payload=payload,
        previous_hash=previous_hash,
        hash=link_hash(
            version=FORMAT_VERSION,
            previous_hash=previous_hash,
            firm=firm.pk,
            sequence=sequence,
            payload=payload,
        ),
    )


def issue_token(*, user: User, label: str, expires_at: datetime | None = None) -> str:
    """Make a bearer token and return it: it is shown once, only its hash is kept."""
    token = f"lw_{secrets.token_urlsafe(32)}"
    ApiToken.objects.create(
        user=user, label=label, token_hash=token_hash(token), expires_at=expires_at
    )
    return token


def token_hash(token: str) -> str:
    """SHA-256 of the token: it is random and long, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def revoke_token(*, token: ApiToken) -> None:
    """Revoke; effective on the next request."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def once(
    *, user: User, key: str, request_sha256: str, effect: Callable[[], tuple[int, str]]
) -> tuple[int, str, bool]:
    """Run ``effect`` once per (user, key) and keep its answer in the same transaction.

    Returns (status, body, replayed). The same key with another request raises IdempotencyMismatch; an exception in
    ``effect`` keeps nothing, so a retry runs afresh. Concurrent callers with one key wait for the first.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{user.pk}:{key}"]
            )
        known = IdempotencyRecord.objects.filter(user=user, key=key).first()
        if known is not None:
            if known.request_sha256 != request_sha256:
                raise IdempotencyMismatch(
                    "This Idempotency-Key was used for another request: use a new key for a new request."
                )
            return known.status, known.body, True
        status, body = effect()
        IdempotencyRecord.objects.create(
            user=user, key=key, request_sha256=request_sha256, status=status, body=body
        )
    return status, body, False
