"""Putting a draft before the adviser."""

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from accounts.canonical import canonical_text, sha256_of
from accounts.locks import lock_household
from accounts.one_look import one_look
from proposals import selectors
from proposals.compliance import Facts
from proposals.content import at_stored_precision, content_text
from proposals.drafts import problems_of
from proposals.errors import (
    BadDraft,
    HouseholdBusy,
)
from proposals.models import (
    Proposal,
    ProposedTrade,
)
from proposals.services.life import SYSTEM, audit, supersede_pending
from proposals.types import (
    DraftProposal,
    Intention,
    ProposalKind,
    Status,
)
from proposals.version import LOTWISE_VERSION
from proposals.washes import deferred_by

BP = Decimal(10_000)
LIFETIME = timedelta(days=5)  # calendar days from the night a proposal was computed for
NIGHT_ORDER = (
    ProposalKind.HARVEST,
    ProposalKind.REBALANCE,
    ProposalKind.SWAP_BACK,
    ProposalKind.GAIN_HARVEST,
)


def put_forward(
    *,
    draft: DraftProposal | None,
    household_id: int,
    kind: ProposalKind,
    as_of: date,
    pending: Collection[ProposalKind] | None = None,
) -> Proposal | None:
    """Submit what a night found, or with nothing found let an older pending proposal of the kind give way.

    The caller holds the household's lock in a transaction, and may have asked under it of which kinds anything is
    ``pending``; None = he has not. Raises what ``submit`` raises.
    """
    if draft is not None:
        return submit(draft=draft)
    if pending is not None and kind not in pending:
        return None
    supersede_pending(household_id=household_id, kind=kind, as_of=as_of)
    return None


def submit(*, draft: DraftProposal) -> Proposal:
    """Put a draft before the adviser; the caller holds the household's lock in a transaction.

    The pending proposal of the same kind gives way. The same content again returns what is there and changes nothing.
    Raises BadDraft for trades that must never be proposed, HouseholdBusy while an approved proposal of the kind is on
    its way.
    """
    household = lock_household(draft.household)
    draft = at_stored_precision(draft)
    _refuse_if_busy(draft)
    with one_look():  # a new one: what is read now, under the lock
        fresh = selectors.facts(household.pk, draft.as_of, on_the_way=_before_in_the_night(draft))
        profile = selectors.tax_profile_facts(household.pk, draft.as_of.year)
    problems = problems_of(draft, fresh)
    if problems:
        raise BadDraft(problems)
    content = content_text(draft, tax_profile=profile)
    same = Proposal.objects.filter(
        household=household,
        kind=draft.kind,
        status=Status.PENDING,
        as_of=draft.as_of,
        content_sha256=sha256_of(content),
        inputs_sha256=sha256_of(draft.inputs),
    ).first()
    if same is not None:
        return same
    supersede_pending(household_id=household.pk, kind=draft.kind, as_of=draft.as_of)
    proposal = _store(_with_spreads(_with_deferrals(draft, fresh), fresh), content)
    audit(proposal, SYSTEM, "proposal.submitted", {"content_sha256": proposal.content_sha256})
    return proposal


def _refuse_if_busy(draft: DraftProposal) -> None:
    busy = Proposal.objects.filter(
        household=draft.household, kind=draft.kind, status__in=selectors.COMMITTED
    ).first()
    if busy is not None:
        raise HouseholdBusy(
            f"The {busy.kind} proposal of {busy.as_of} is {busy.status} and not filled yet: "
            "the next one of its kind waits for it."
        )


def _before_in_the_night(draft: DraftProposal) -> tuple[Intention, ...]:
    """What is committed, and what this night has already proposed in kinds that come first."""
    earlier = NIGHT_ORDER[: NIGHT_ORDER.index(draft.kind)]
    tonight = selectors.intentions(draft.household, statuses=[Status.PENDING], as_of=draft.as_of)
    return (
        *selectors.intentions(draft.household, as_of=draft.as_of),
        *(one for one in tonight if one.as_of == draft.as_of and one.kind in earlier),
    )


def _with_deferrals(draft: DraftProposal, facts: Facts) -> DraftProposal:
    """Where the deferred loss goes, for the page: the shares, their day and account."""
    if not draft.wash_deferred:
        return draft
    rows = [
        {
            "sold": facts.symbol(wash.security),
            "sold_in": facts.account(wash.account),
            "deferred": one.amount,
            "shares": one.shares,
            "security": facts.symbol(one.security),
            "account": facts.account(one.account),
            "bought_on": one.bought_on,
            "is_underway": not one.entry.isdigit(),  # no transaction yet
        }
        for wash in deferred_by(draft.trades, facts)
        for one in wash.into
    ]
    return replace(draft, explanation={**draft.explanation, "deferrals": rows})


def _with_spreads(draft: DraftProposal, facts: Facts) -> DraftProposal:
    """The half spread that each traded security was counted with and where it comes from, for the page (F9)."""
    traded = {trade.security for trade in draft.trades} & facts.costs.spread_sources.keys()
    rows = [
        {
            "security": facts.symbol(one),
            "half_spread_bp": facts.costs.half_spreads[one] * BP,
            "source": facts.costs.spread_sources[one].words,
        }
        for one in sorted(traded, key=facts.symbol)
    ]
    return replace(draft, explanation={**draft.explanation, "half_spreads": rows})


def _store(draft: DraftProposal, content: str) -> Proposal:
    versions = Proposal.objects.filter(
        household=draft.household, kind=draft.kind, as_of=draft.as_of
    )
    proposal = Proposal.objects.create(
        household_id=draft.household,
        kind=draft.kind,
        version=versions.count() + 1,
        as_of=draft.as_of,
        expires_on=draft.as_of + LIFETIME,
        sentence=draft.sentence,
        reasons=list(draft.reasons),
        tax_saved=draft.tax_saved,
        carried_worth=draft.carried_worth,
        net=draft.net,
        wash_deferred=draft.wash_deferred,
        cost=draft.cost,
        short_gain=draft.short_gain,
        long_gain=draft.long_gain,
        risk_before=draft.risk_before,
        risk_after=draft.risk_after,
        gap_bp=draft.gap_bp,
        explanation=json.loads(canonical_text(draft.explanation)),
        content=content,
        content_sha256=sha256_of(content),
        inputs=draft.inputs,
        inputs_sha256=sha256_of(draft.inputs),
        code_version=LOTWISE_VERSION,
    )
    ProposedTrade.objects.bulk_create(
        ProposedTrade(
            proposal=proposal,
            ordinal=ordinal,
            account_id=trade.account,
            security_id=trade.security,
            side=trade.side,
            quantity=trade.quantity,
            price=trade.price,
            amount=trade.amount,
            opening_id=trade.opening,
            part=trade.part,
            basis=trade.basis,
            term=trade.term,
            pair=trade.pair,
            reason=trade.reason,
        )
        for ordinal, trade in enumerate(draft.trades, start=1)
    )
    return proposal
