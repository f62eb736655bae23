"""Errors that people and client systems see: a stable code and one plain sentence."""


class LotwiseError(Exception):
    """Base of every refusal. ``code`` is stable and machine-readable; the text says what to do."""

    code = "refused"
    status = 400  # of the API's answer


class Conflict(LotwiseError):
    """Somebody or something else was first, or what was looked at has changed."""

    code = "conflict"
    status = 409


class IdempotencyMismatch(LotwiseError):
    """An idempotency key came back with another request."""

    code = "idempotency_mismatch"
    status = 422


class NotAllowed(LotwiseError):
    """The user's role does not permit the action."""

    code = "not_allowed"
    status = 403


class ClientRefused(LotwiseError):
    """The API client, or the firm it shall belong to, is not what was named."""

    code = "client_refused"
