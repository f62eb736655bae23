"""How a night ended for each account of a household: scanned, or skipped because. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from scans.types import AccountResult, AccountState

# What the producers say when they could not look at the household at all.
_NOT_HARVESTED = frozenset({"no_tax_profile", "stale_prices", "ledger_ahead"})
_NOT_REBALANCED = frozenset({"no_model", "no_tax_profile", "stale_prices", "unreconciled"})
JOINT = "+"  # between the producers' two reason codes
UNRECONCILED = "unreconciled"


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """``is_empty``: neither a lot nor a dollar. ``unreconciled``: how its lots differ from its custodian's, if so."""

    id: int
    is_taxable: bool
    is_empty: bool
    unreconciled: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A producer's reason code and its sentence."""

    reason: str
    detail: str


def account_results(
    accounts: Iterable[AccountFacts], *, harvest: Verdict, rebalance: Verdict
) -> tuple[AccountResult, ...]:
    """One result an account.

    An unreconciled account is skipped (T53), and so is an empty one. A taxable account is looked at for losses and for
    drift, a retirement account for drift only. Looked at by one of the two is scanned, the other's sentence standing
    beside it; by none, skipped.
    """
    return tuple(_account_result(account, harvest, rebalance) for account in accounts)


def _account_result(account: AccountFacts, harvest: Verdict, rebalance: Verdict) -> AccountResult:
    if account.unreconciled:
        return AccountResult(
            account.id, AccountState.SKIPPED, UNRECONCILED, f"{account.unreconciled}."
        )
    if account.is_empty:
        return AccountResult(
            account.id, AccountState.SKIPPED, "empty_account", "It holds neither lots nor cash."
        )
    missing = [harvest] if account.is_taxable and harvest.reason in _NOT_HARVESTED else []
    missing += [rebalance] if rebalance.reason in _NOT_REBALANCED else []
    looks = 2 if account.is_taxable else 1
    together = joint(*missing)
    if len(missing) == looks:
        return AccountResult(account.id, AccountState.SKIPPED, together.reason, together.detail)
    return AccountResult(account.id, AccountState.SCANNED, together.reason, together.detail)


def all_skipped(accounts: Iterable[int], *, because: Verdict) -> tuple[AccountResult, ...]:
    """Every account skipped for one reason."""
    return tuple(
        AccountResult(account, AccountState.SKIPPED, because.reason, because.detail)
        for account in accounts
    )


def joint(*verdicts: Verdict) -> Verdict:
    """Both reason codes, and both sentences, as one; the same verdict is said once."""
    distinct = tuple(dict.fromkeys(verdicts))
    return Verdict(
        JOINT.join(dict.fromkeys(verdict.reason for verdict in distinct)),
        " ".join(verdict.detail for verdict in distinct),
    )
