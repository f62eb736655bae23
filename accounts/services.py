"""Writes about firms and their people: the audit chain, API tokens, idempotent requests."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from accounts.audit_chain import FORMAT_VERSION, GENESIS, link_hash
from accounts.canonical import canonical_text
from accounts.errors import ClientRefused, IdempotencyMismatch
from accounts.models import ApiToken, AuditEvent, Firm, IdempotencyRecord, User
from accounts.selectors import firm_names
from accounts.types import Role

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


@transaction.atomic
def issue_client_token(
    *, username: str, label: str, firm_name: str = "", expires_at: datetime | None = None
) -> str:
    """Make a token for an API client and return it once; a client that is not known is made for the firm.

    Without a name, the firm is the client's own, and for a new client the only one there is. Raises ClientRefused
    for an unknown firm, a new client where there is not exactly one, and a name that a person bears.
    """
    firm = Firm.objects.filter(name=firm_name).first()
    if firm_name and firm is None:
        raise ClientRefused(f"There is no firm {firm_name!r}.")
    user = User.objects.select_related("firm").filter(username=username).first()
    if user is None:
        firm = firm or _only_firm(username)
        user = User.objects.create_user(username=username, firm=firm, role=Role.API_CLIENT)
    if user.role != Role.API_CLIENT or user.firm is None or firm not in (None, user.firm):
        raise ClientRefused(f"{username!r} is no API client of the firm: choose another name.")
    token = issue_token(user=user, label=label, expires_at=expires_at)
    _record_token(user.firm, "token.issued", username, label)
    return token


def _only_firm(username: str) -> Firm:
    firms = list(Firm.objects.all()[:2])
    if len(firms) != 1:
        names = ", ".join(firm_names()) or "none"
        raise ClientRefused(
            f"There is no API client {username!r}: name the firm with --firm to make it; "
            f"there are: {names}."
        )
    return firms[0]


@transaction.atomic
def revoke_client_tokens(*, username: str, label: str | None = None) -> int:
    """Revoke the client's tokens of the label (None: all) and return how many were not revoked yet.

    Raises ClientRefused for an unknown client.
    """
    user = User.objects.select_related("firm").filter(username=username).first()
    if user is None or user.role != Role.API_CLIENT or user.firm is None:
        raise ClientRefused(f"There is no API client {username!r}.")
    tokens = list(ApiToken.objects.filter(user=user, revoked_at=None).order_by("pk"))
    chosen = [token for token in tokens if label in (None, token.label)]
    for token in chosen:
        revoke_token(token=token)
        _record_token(user.firm, "token.revoked", username, token.label)
    return len(chosen)


def _record_token(firm: Firm, action: str, username: str, label: str) -> None:
    record_audit(
        firm=firm, actor="command", action=action, subject=username[:120], facts={"label": label}
    )


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
