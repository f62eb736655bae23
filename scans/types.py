"""Words of the work list, and what its services and selectors hand out."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from harvesting.types import Look
from proposals.types import DraftProposal


class Job(StrEnum):
    DAILY = "daily"  # the night; its review is made of what it found
    INTRADAY = "intraday"  # households looked at again between two nights, on request
    WEEKLY = "weekly"  # reviews: findings for a person to sign, no trades of their own
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"

    @property
    def is_review(self) -> bool:
        """Whether its households are measured for a review, and not looked at for trades."""
        return self in REVIEWS


REVIEWS = (Job.WEEKLY, Job.MONTHLY, Job.QUARTERLY)
CADENCES = (Job.DAILY, *REVIEWS)  # a review is signed for each
DRAFTING = (Job.MONTHLY, Job.QUARTERLY)  # reviews that draft new weights of models
LOOKS = (Job.DAILY, Job.INTRADAY)  # jobs that propose trades


class ItemState(StrEnum):
    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    POISON = "poison"  # tried too often without an end: an operator must look


class AccountState(StrEnum):
    SCANNED = "scanned"
    SKIPPED = "skipped"


class Ended(StrEnum):
    """How one attempt at an item ended."""

    DONE = "done"
    MOVED = "moved"  # the household's ledger or orders changed meanwhile: given back, not counted
    FAILED = "failed"  # an error nobody foresaw: counted, tried again later
    LATE = "late"  # the lease had gone to somebody else: nothing was written
    NOT_OURS = "not_ours"  # done already, or somebody else holds it


@dataclass(frozen=True, slots=True)
class Lease:
    """An item in our hands until the lease ends; ``fence`` proves that it is still ours."""

    item: int
    run: int
    household: int
    as_of: date
    fence: int
    attempts: int
    screened: str = (
        ""  # the bulk screen's word (harvesting.types.Look), made of the facts of ``screen_stamp``
    )
    screen_stamp: str = ""
    job: str = Job.DAILY


@dataclass(frozen=True, slots=True)
class Screened:
    """The bulk screen's word on a household, and the stamp of the ledger and prices it was made of."""

    look: Look
    stamp: str


@dataclass(frozen=True, slots=True)
class AccountResult:
    """How the night ended for one account; ``reason`` is empty for one scanned in every respect."""

    account: int
    state: AccountState
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HouseholdPreview:
    """What a scan would say about a household: ``reason`` as it would be stored, drafts unsaved."""

    household: str
    reason: str
    detail: str
    drafts: tuple[DraftProposal, ...]
    accounts: tuple[AccountResult, ...]


@dataclass(frozen=True, slots=True)
class NotScanned:
    """An account left out of the night, and why."""

    household: str
    account: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. Counts are households unless they say accounts; an unknown figure is None."""

    total: int
    done: int
    failed: int  # given up after too many attempts
    in_work: int
    rate_per_minute: float | None
    eta_seconds: int | None
    finished: bool
    by_reason: dict[str, int]
    proposals: dict[str, int]  # kind -> households that got one
    accounts_scanned: int
    accounts_skipped: int
    not_scanned: tuple[NotScanned, ...]  # the first of them; account_outcomes() pages through all

    @property
    def percent(self) -> int:
        """Ended households of 100; 100 only when all have ended."""
        return 100 * (self.done + self.failed) // self.total if self.total else 100
