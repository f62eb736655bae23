"""Words of the work list."""

from enum import StrEnum


class Job(StrEnum):
    DAILY = "daily"


class ItemState(StrEnum):
    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    POISON = "poison"  # tried too often without an end: an operator must look


class AccountState(StrEnum):
    SCANNED = "scanned"
    SKIPPED = "skipped"
