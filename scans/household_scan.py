"""One household's night: ask all producers, then store what they found. Knows nothing of leases and messages."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction

import harvesting.gain_services
import harvesting.pair_services
import harvesting.services
import rebalancing.services
from accounts.errors import LotwiseError
from accounts.models import Account, Household
from accounts.one_look import one_look
from harvesting.gain_services import GainResult
from harvesting.pair_services import SwapBackResult
from harvesting.screening import looks, nothing_to_harvest
from harvesting.types import HarvestResult, Look
from lots.errors import LedgerError
from lots.selectors import cash, ledger_stamp, ledger_stamps, open_lots, unreconciled
from proposals.errors import BadDraft
from proposals.selectors import intentions
from rebalancing.errors import RebalancingError
from rebalancing.types import RebalanceResult
from scans.models import AccountOutcome
from scans.outcomes import AccountFacts, Verdict, account_results, all_skipped, joint
from scans.types import AccountResult, Lease, Screened
from securities.selectors import price_stamp

logger = logging.getLogger(__name__)

# What a producer refuses with: the household is skipped because of it, and the night goes on.
REFUSALS = (LotwiseError, LedgerError, RebalancingError)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the producers found, not yet stored; without results where the household was refused."""

    verdict: Verdict
    accounts: tuple[AccountResult, ...]
    harvest: HarvestResult | None = None
    rebalance: RebalanceResult | None = None
    swap_backs: SwapBackResult | None = None
    gains: GainResult | None = None


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
    firm_id = Household.objects.values_list("firm_id", flat=True).get(pk=lease.household)
    return lease.screen_stamp == _screen_stamp(str(facts[0]), price_stamp(firm_id))


def _screen_stamp(ledger: str, prices: int) -> str:
    return f"{ledger}/{prices}"


def examine(*, household_id: int, as_of: date, is_quiet: bool = False) -> Examined:
    """Ask for losses, then for drift in their light, then which substitutes go back, then for gains.

    Reads only.

    Raises one of REFUSALS.

    ``is_quiet``: the bulk screen says that no taxable lot is at a loss.
    """
    with one_look():
        return _examine(household_id, as_of, is_quiet=is_quiet)


def _examine(household_id: int, as_of: date, *, is_quiet: bool) -> Examined:
    look = nothing_to_harvest if is_quiet else harvesting.services.examine
    harvest = look(household_id=household_id, as_of=as_of)
    drafts = () if harvest.draft is None else (harvest.draft,)
    rebalance = rebalancing.services.examine(household_id=household_id, as_of=as_of, drafts=drafts)
    if rebalance.draft is not None:
        drafts = (*drafts, rebalance.draft)
    swap_backs = harvesting.pair_services.examine_pairs(
        household_id=household_id, as_of=as_of, drafts=drafts, findings=harvest.findings
    )
    harvest_says = Verdict(harvest.reason, harvest.detail)
    rebalance_says = Verdict(rebalance.reason, rebalance.detail)
    accounts = account_results(
        _account_facts(household_id, as_of), harvest=harvest_says, rebalance=rebalance_says
    )
    if swap_backs.draft is not None:
        drafts = (*drafts, swap_backs.draft)
    gains = harvesting.gain_services.examine_gains(
        household_id=household_id, as_of=as_of, drafts=drafts
    )
    verdicts = [harvest_says, rebalance_says]
    if swap_backs.reason:
        verdicts.append(Verdict(swap_backs.reason, swap_backs.detail))
    if gains.is_on:
        verdicts.append(Verdict(gains.reason, gains.detail))
    return Examined(joint(*verdicts), accounts, harvest, rebalance, swap_backs, gains)


def refused(*, household_id: int, because: Verdict) -> Examined:
    """Every account skipped for one reason."""
    ids = Account.objects.filter(household=household_id).order_by("pk").values_list("pk", flat=True)
    return Examined(because, all_skipped(ids, because=because))


def store(*, examined: Examined, item_id: int) -> tuple[Verdict, ...]:
    """Write the proposals, findings and account outcomes. The caller holds the household's lock.

    A draft that breaks a hard rule costs its own kind alone: the rest of the night is kept, and the verdicts returned
    say what was refused.
    """
    refusals = [
        _stored(result, write)
        for result, write in (
            (examined.harvest, harvesting.services.store),
            (examined.rebalance, rebalancing.services.store),
            (examined.swap_backs, harvesting.pair_services.store_pairs),
            (examined.gains, harvesting.gain_services.store_gains),
        )
        if result is not None
    ]
    record_accounts(item_id=item_id, results=examined.accounts)
    return tuple(refusal for refusal in refusals if refusal is not None)


def _stored(result: Any, write: Callable[..., object]) -> Verdict | None:
    """The result with its draft, or without it where the draft must never be proposed."""
    try:
        with transaction.atomic():
            write(result=result)
    except BadDraft as refusal:
        logger.error("household %s: a draft was refused: %s", result.household, refusal)
        write(result=replace(result, draft=None))
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
        for account in Account.objects.filter(household=household_id).order_by("pk")
    ]
