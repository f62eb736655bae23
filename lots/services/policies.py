"""A firm's reading of the unsettled points of the law: decided by somebody, for a reason, with its effect in view."""

from dataclasses import asdict, replace

from django.db import transaction

from accounts import access
from accounts.errors import Conflict, LotwiseError
from accounts.locks import lock_firm
from accounts.models import Firm, Household, User
from accounts.selectors import business_date
from accounts.services import record_audit
from lots import selectors
from lots.changes import LedgerChanges
from lots.errors import LedgerError
from lots.models import TaxPolicy
from lots.selectors.changes import NamedChanges
from lots.services.previewing import preview, watched
from lots.services.rebuilding import rebuild_lots
from lots.types import Policy, Scope

LONGEST_REASON = 2_000


class ReasonMissing(LotwiseError):
    """A tax decision without a reason, or with one that nobody will read."""

    code = "reason_missing"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            f"Say why, in at most {LONGEST_REASON:,} characters: a decision on a tax question has a reason."
        )


class EffectOutdated(Conflict):
    """The books have changed since the effect was shown: what the decision would change now is in ``changes``."""

    code = "effect_outdated"

    def __init__(self, changes: NamedChanges) -> None:
        self.changes = changes
        super().__init__(
            "The books have changed since you looked: nothing was decided. Look at the effect again."
        )


def reason_given(reason: str) -> str:
    """The reason without blanks around it. Raises ReasonMissing for none, or for a treatise."""
    text = reason.strip()
    if not text or len(text) > LONGEST_REASON:
        raise ReasonMissing
    return text


@transaction.atomic
def preview_policy(*, user: User, policy: Policy) -> NamedChanges:
    """What the firm's figures would be under other switches, year by year; nothing is written.

    Raises what ``set_policy`` raises.
    """
    firm = _locked_firm(user)
    households = _households(firm)
    _, changes = preview(
        households=households,
        as_of=business_date(firm),
        change=lambda: put_policy(firm=firm, author=user, policy=policy, reason="preview"),
    )
    return selectors.named_changes(changes)


@transaction.atomic
def set_policy(
    *, user: User, policy: Policy, reason: str, shown_sha256: str | None = None
) -> LedgerChanges:
    """Put other switches in force and rebuild every household of the firm; returns what changed.

    Locks the firm and all its households in order. With ``shown_sha256`` only if the effect is the one that was shown.
    Raises NotAllowed, ReasonMissing, Conflict for the switches that are in force already or a ledger that cannot be
    followed, EffectOutdated; then nothing is written.
    """
    firm = _locked_firm(user)
    reason = reason_given(reason)
    _, changes = watched(
        households=_households(firm),
        as_of=business_date(firm),
        change=lambda: put_policy(firm=firm, author=user, policy=policy, reason=reason),
    )
    if shown_sha256 is not None and changes.sha256() != shown_sha256:
        raise EffectOutdated(selectors.named_changes(changes))
    return changes


def put_policy(*, firm: Firm, author: User, policy: Policy, reason: str) -> list[int]:
    """Write the decision, rebuild and record it; the caller holds the locks. Returns the households that changed.

    Raises Conflict.
    """
    before = selectors.policy(firm.pk)
    policy = replace(policy, scope=Scope.HOUSEHOLD)  # the broker's view is no reading of the law
    if policy == before:
        raise Conflict("These switches are in force already.")
    row = TaxPolicy.objects.create(firm=firm, author=author, reason=reason, **switches(policy))
    touched = [household for household in _households(firm) if _rebuilt(household)]
    record_audit(
        firm=firm,
        actor=author.username,
        action="tax_policy.set",
        subject=f"tax policy {row.pk}",
        facts={
            "old": switches(before),
            "new": switches(policy),
            "reason": reason,
            "households_changed": touched,
        },
    )
    return touched


def switches(policy: Policy) -> dict[str, str]:
    """The six switches by the names of their columns, as text."""
    return {name: str(value) for name, value in asdict(policy).items() if name != "scope"}


def _rebuilt(household_id: int) -> bool:
    try:
        done = rebuild_lots(household_id=household_id)
    except LedgerError as error:
        raise Conflict(
            f"The ledger of household {household_id} cannot be followed: {error}"
        ) from error
    return bool(done.inserted or done.updated or done.deleted)


def _households(firm: Firm) -> list[int]:
    return list(Household.objects.filter(firm=firm).order_by("pk").values_list("pk", flat=True))


def _locked_firm(user: User) -> Firm:
    """The user's firm, in which nothing is being booked: its households and their trades can all be seen."""
    access.require(user, access.Action.DECIDE)
    assert user.firm is not None, "require refuses users without a firm"
    lock_firm(user.firm.pk)
    return user.firm
