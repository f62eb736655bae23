"""One household's night: ask all producers, then store what they found. Knows nothing of leases and messages."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db import DatabaseError, transaction

from accounts.errors import LotwiseError
from accounts.models import Account
from accounts.one_look import one_look
from accounts.selectors import accounts_of, firm_of
from harvesting.screening import looks
from harvesting.types import Look
from lots.errors import LedgerError
from lots.selectors import cash, ledger_stamp, ledger_stamps, open_lots, unreconciled
from proposals.errors import BadDraft
from proposals.selectors import intentions, pending_kinds
from proposals.types import DraftProposal, ProposalKind
from rebalancing.errors import RebalancingError
from scans.models import AccountOutcome
from scans.outcomes import AccountFacts, Verdict, account_results, all_skipped, joint
from scans.producers import PRODUCERS, Producer, Result, Tonight
from scans.types import AccountResult, Lease, Screened
from securities.selectors import price_stamp

logger = logging.getLogger(__name__)

# What a producer refuses with: the household is skipped because of it, and the night goes on.
REFUSALS = (LotwiseError, LedgerError, RebalancingError)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the producers found, in their order and not yet stored; nothing where the household was refused."""

    verdict: Verdict
    accounts: tuple[AccountResult, ...]
    found: Mapping[ProposalKind, Result] = field(default_factory=dict)

    @property
    def drafts(self) -> tuple[DraftProposal, ...]:
        """What is to be proposed."""
        return tuple(result.draft for result in self.found.values() if result.draft is not None)


def moving_facts(household_id: int) -> tuple[object, ...]:
    """What an examination rests on and other people may change: the ledger, and the orders under way."""
    return ledger_stamp(household_id), intentions(household_id)


def screen(*, firm_id: int, household_ids: Collection[int], as_of: date) -> dict[int, Screened]:
    """What the bulk screen says about each household. A quiet one needs no exact look for losses."""
    # The stamps first: what is booked or priced meanwhile makes them old, and the exact look is taken.
    ledgers, prices = ledger_stamps(household_ids), price_stamp(firm_id)
    found = looks(firm_id=firm_id, household_ids=household_ids, as_of=as_of)
    return {
        household: Screened(look, _screen_stamp(ledgers[household], prices))
        for household, look in found.items()
    }


def is_quiet(lease: Lease, facts: tuple[object, ...]) -> bool:
    """Whether the screen ruled the household out and neither its ledger nor a price has changed since.

    ``facts`` are the household's ``moving_facts`` as they are now.
    """
    if lease.screened != Look.QUIET:
        return False
    firm_id = firm_of(lease.household)
    return lease.screen_stamp == _screen_stamp(str(facts[0]), price_stamp(firm_id))


def _screen_stamp(ledger: str, prices: int) -> str:
    return f"{ledger}/{prices}"


class MovedMeanwhile(Exception):
    """The household changed during an examination that came to no end because of it."""


def examine_leased(lease: Lease) -> tuple[Examined, tuple[object, ...]]:
    """What the producers found or refused, and the moving facts as they were just before. Reads only.

    Raises MovedMeanwhile for an error where the facts are not what they were: one read may have been before a booking
    and the next after it. Any other error is raised as it is.
    """
    with one_look():
        facts = moving_facts(lease.household)
        try:
            return _examined(lease, facts), facts
        except DatabaseError:
            raise
        except Exception as error:
            failure = error
    if facts != moving_facts(lease.household):
        raise MovedMeanwhile from failure
    raise failure


def _examined(lease: Lease, facts: tuple[object, ...]) -> Examined:
    night = Tonight(household=lease.household, as_of=lease.as_of, is_quiet=is_quiet(lease, facts))
    try:
        return _examine(night)
    except REFUSALS as refusal:
        return refused_by(refusal, household_id=lease.household)


def examine(*, household_id: int, as_of: date) -> Examined:
    """Ask all producers, each in the light of those before it. Reads only. Raises one of REFUSALS."""
    with one_look():
        return _examine(Tonight(household=household_id, as_of=as_of, is_quiet=False))


def _examine(night: Tonight) -> Examined:
    found: dict[ProposalKind, Result] = {}
    said: dict[ProposalKind, Verdict] = {}
    for producer in PRODUCERS:
        result = producer.look(night)
        night = night.after(result)
        found[producer.kind] = result
        if producer.speaks(result):
            said[producer.kind] = Verdict(result.reason, result.detail)
    accounts = account_results(
        _account_facts(night.household, night.as_of),
        harvest=said[ProposalKind.HARVEST],
        rebalance=said[ProposalKind.REBALANCE],
    )
    return Examined(joint(*said.values()), accounts, found)


def refused_by(refusal: Exception, *, household_id: int) -> Examined:
    """Every account skipped because of one of REFUSALS."""
    code = getattr(refusal, "code", "refused")  # every one of REFUSALS has a code
    return refused(household_id=household_id, because=Verdict(code, str(refusal)))


def refused(*, household_id: int, because: Verdict) -> Examined:
    """Every account skipped for one reason."""
    ids = Account.objects.filter(household=household_id).order_by("pk").values_list("pk", flat=True)
    return Examined(because, all_skipped(ids, because=because))


def store(*, examined: Examined, item_id: int) -> tuple[Verdict, ...]:
    """Write the proposals, findings and account outcomes. The caller holds the household's lock.

    A draft that breaks a hard rule costs its own kind alone: the rest of the night is kept, and the verdicts returned
    say what was refused.
    """
    household_id = next((one.household for one in examined.found.values()), None)
    pending = frozenset() if household_id is None else pending_kinds(household_id)
    refusals = [
        _stored(producer, examined.found[producer.kind], pending)
        for producer in PRODUCERS
        if producer.kind in examined.found
    ]
    record_accounts(item_id=item_id, results=examined.accounts)
    return tuple(refusal for refusal in refusals if refusal is not None)


def _stored(producer: Producer, result: Any, pending: Collection[ProposalKind]) -> Verdict | None:
    """The result with its draft, or without it where the draft must never be proposed."""
    if result.draft is None:  # nothing that could be refused
        producer.store(result, pending)
        return None
    try:
        with transaction.atomic():
            producer.store(result, pending)
    except BadDraft as refusal:
        logger.error("household %s: a draft was refused: %s", result.household, refusal)
        producer.store(replace(result, draft=None), pending)
        return Verdict(refusal.code, str(refusal))
    return None


def record_accounts(*, item_id: int, results: Sequence[AccountResult]) -> None:
    """Write how the night ended for each account, in place of what an earlier, re-opened attempt wrote."""
    AccountOutcome.objects.filter(item=item_id).delete()
    AccountOutcome.objects.bulk_create(
        AccountOutcome(
            item_id=item_id,
            account_id=result.account,
            state=result.state,
            reason=result.reason,
            detail=result.detail,
        )
        for result in results
    )


def _account_facts(household_id: int, as_of: date) -> list[AccountFacts]:
    wrong = unreconciled(household_id, as_of)
    holding = {lot.account for lot in open_lots(household_id)}
    dollars = cash(household_id)
    return [
        AccountFacts(
            id=account.pk,
            is_taxable=account.is_taxable,
            is_empty=account.pk not in holding and not dollars.get(account.pk),
            unreconciled=wrong.get(account.pk, ""),
        )
        for account in accounts_of(household_id)
    ]
