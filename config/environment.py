"""Typed readers of environment variables: a bad value stops start-up and names what would be accepted."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


def env_bool(name: str, *, default: bool) -> bool:
    """True or False; raises ImproperlyConfigured for anything else than the listed words."""
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r}: use one of 1, true, yes, on, 0, false, no, off")


def env_int(name: str, *, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`; raises ImproperlyConfigured for anything else."""
    value = os.environ.get(name)
    if not value:
        return default
    return whole_number(f"{name}={value!r}", value, least=least, most=most)


def whole_number(what: str, text: str, *, least: int, most: int) -> int:
    """`text` as a number from `least` to `most`; raises ImproperlyConfigured, which begins with `what`."""
    word = text.strip()
    if not (word.isascii() and word.isdigit() and len(word) < 19 and least <= int(word) <= most):
        raise ImproperlyConfigured(f"{what}: use a whole number from {least} to {most}")
    return int(word)


def env_list(name: str, *, default: list[str]) -> list[str]:
    """A comma-separated list, blanks around its parts dropped."""
    value = os.environ.get(name)
    if value is None:
        return default
    return [part.strip() for part in value.split(",") if part.strip()]


def env_path(name: str, *, default: Path) -> Path:
    """An absolute path."""
    value = os.environ.get(name)
    return Path(value).absolute() if value else default


def env_url(name: str, *, default: str) -> str:
    """A URL as text; it is taken apart by the one who connects."""
    return os.environ.get(name, default).strip()


def env_secret(name: str, *, keep_in: Path) -> str:
    """The secret from the environment, else one made once and kept in a private file.

    Raises ImproperlyConfigured where the file can be neither read nor made.
    """
    value = os.environ.get(name, "")
    if value:
        return value
    try:
        return _kept_secret(keep_in)
    except OSError as trouble:
        raise ImproperlyConfigured(
            f"{keep_in} can be neither read nor made ({trouble.strerror}): "
            f"let LOTWISE_DATA_DIR name another folder, or set {name}"
        ) from trouble


def _kept_secret(keep_in: Path) -> str:
    if keep_in.exists():
        return keep_in.read_text().strip()
    # Nobody else may list it; but PostgreSQL's user, where root starts us, must be able to pass.
    keep_in.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    secret = secrets.token_urlsafe(50)
    keep_in.touch(mode=0o600)
    keep_in.write_text(secret)
    return secret


def broker_from_url(url: str) -> str:
    """Celery's spelling of REDIS_URL: ``unix:///path?db=N`` is ``redis+socket:///path?virtual_host=N`` there.

    redis:// and rediss:// addresses are the same for both; without an address there is no broker.
    """
    if not url:
        return url
    parts = _parts_of("REDIS_URL", url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ImproperlyConfigured(
            f"REDIS_URL begins with {parts.scheme!r}: use redis://host:port/0, rediss://... "
            "or unix:///path/to.sock?db=0"
        )
    number = dict(parse_qsl(parts.query)).get("db", "0")
    if parts.scheme != "unix":
        number = parts.path.strip("/") or number
    whole_number(f"REDIS_URL: database {number!r}", number, least=0, most=1_000_000)
    if parts.scheme != "unix":
        return url
    return f"redis+socket://{parts.path}?virtual_host={number}"


def database_from_url(url: str) -> dict[str, Any]:
    """Django's settings for a ``postgresql://user:password@host:port/name?host=/socket/dir`` address.

    Without an address there is no database: commands that need one say so when they connect.
    """
    settings: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"},
        "ATOMIC_REQUESTS": False,
    }
    if not url:
        return {**settings, "NAME": "lotwise"}
    parts = _parts_of("DATABASE_URL", url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured(
            f"DATABASE_URL begins with {parts.scheme!r}: use postgresql://user:password@host:port/name"
        )
    query = dict(parse_qsl(parts.query))
    port = str(parts.port or query.get("port") or "")
    if port:
        whole_number(f"DATABASE_URL: port {port!r}", port, least=1, most=65535)
    return {
        **settings,
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "",
        "PORT": port,
        "TEST": {"TEMPLATE": os.environ.get("LOTWISE_TEST_TEMPLATE") or None},
    }


def _parts_of(name: str, url: str) -> SplitResult:
    """An address taken apart; the message never shows it, for it may hold a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read only now, and refused when it is no port
    except ValueError as trouble:
        raise ImproperlyConfigured(
            f"{name} is no address (the part behind the host's colon has to be a port from 0 to 65535; "
            "in a password write # / ? @ : [ ] as %23 %2F %3F %40 %3A %5B %5D)"
        ) from trouble
    return parts
