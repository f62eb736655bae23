"""Texts of set-up files, and what reading and applying them says."""

from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import AuditEvent
from config.setup_file.applying import set_up
from config.setup_file.reading import read
from config.setup_file.refusal import SetUpRefused

EXAMPLE = Path(settings.BASE_DIR) / "docs" / "example" / "firm.toml"
FIRM = '[firm]\nname = "Harbor Example Advisers"\n'
SINCE = "since = { GOOG = 2014-04-03 }"  # in the example


def problems_of(text: str) -> list[str]:
    """What the reader says about a text."""
    with pytest.raises(SetUpRefused) as refusal:
        read(text.encode())
    return [str(problem) for problem in refusal.value.problems]


def take(text: str, *, dry_run: bool = False) -> str:
    """Apply a text and return the summary."""
    changes = set_up(
        contents=read(text.encode()), name="firm.toml", actor="command", dry_run=dry_run
    )
    return changes.summary()


def refused(text: str) -> list[str]:
    """What applying a text says, after checking that it left no audit event."""
    events = AuditEvent.objects.count()
    with pytest.raises(SetUpRefused) as refusal:
        take(text)
    assert AuditEvent.objects.count() == events
    return [str(problem) for problem in refusal.value.problems]


def edited(*edits: tuple[str, str]) -> str:
    """The example with some texts replaced, each of which must be there."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    return text


def household(text: str) -> str:
    return f'{FIRM}[[households]]\nname = "Miller"\n{text}'
