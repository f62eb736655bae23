"""Decide about what filled harvests hold in place of what they sold, keep that, and let a person decide to stay."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db import transaction

from accounts.access import Action, require
from accounts.errors import Conflict
from accounts.locks import lock_household
from accounts.models import Household, User
from accounts.selectors import business_date
from accounts.services import record_audit
from harvesting import pair_selectors, swap_back, swap_back_drafts
from harvesting.pair_decisions import Decision
from harvesting.types import Finding
from harvesting.ways_back import Situation
from lots.selectors import purchases_searched
from proposals import selectors as proposal_selectors
from proposals import services as proposal_services
from proposals.compliance import Facts
from proposals.drafts import problems_of
from proposals.models import HarvestedPair, Proposal
from proposals.types import (
    CASH,
    ENDED_PAIRS,
    DraftProposal,
    PairState,
    ProposalKind,
    StandIn,
)

SYSTEM = "lotwise"  # the actor of what no person did
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class SwapBackResult:
    """What a night decided about a household's pairs. ``reason`` is a stable code, empty where there are no pairs."""

    household: int
    as_of: date
    decisions: tuple[Decision, ...]
    draft: DraftProposal | None
    reason: str
    detail: str


def examine_pairs(
    *,
    household_id: int,
    as_of: date,
    drafts: Sequence[DraftProposal] = (),
    findings: Sequence[Finding] = (),
) -> SwapBackResult:
    """Where each filled harvest pair of the household stands on ``as_of``, and what goes back. Reads only.

    ``drafts`` are tonight's proposals that come first (harvest, rebalance): their trades count. ``findings`` are what
    tonight's harvest said of each loss lot. A household without pairs costs two queries at most. ``reason`` is one of
    swap_back_proposed, pairs_kept, pairs_waiting, pairs_ended, or empty. Raises LedgerError for a ledger that cannot be
    followed.
    """
    pairs = proposal_selectors.stand_ins(household_id)
    if not pairs:
        return SwapBackResult(household_id, as_of, (), None, "", "")
    under_way = proposal_selectors.intentions(household_id, as_of=as_of)
    coming = (*under_way, *proposal_selectors.draft_intentions(household_id, drafts))
    due = any(pair.due_on <= as_of and pair.is_held and not pair.waived for pair in pairs)
    facts = proposal_selectors.facts(household_id, as_of, on_the_way=coming) if due else None
    checks = [] if facts is None else [facts]
    if (
        facts is not None and drafts
    ):  # they may be rejected: the swap-back must be clean without them too
        checks.append(proposal_selectors.facts(household_id, as_of, on_the_way=under_way))
    situation = pair_selectors.situation(
        household_id,
        as_of,
        pairs,
        on_the_way=coming,
        drafts=drafts,
        findings=findings,
        checks=checks,
        is_busy=any(one.kind is ProposalKind.SWAP_BACK for one in under_way),
    )
    if not checks:
        return _result(household_id, as_of, swap_back.decide(pairs, situation), None)
    decisions, draft = _clean(household_id, pairs, situation, checks)
    return _result(household_id, as_of, decisions, draft)


def _clean(
    household_id: int, pairs: Sequence[StandIn], situation: Situation, checks: Sequence[Facts]
) -> tuple[tuple[Decision, ...], DraftProposal | None]:
    """Decisions whose draft passes every hard check, the tax engine's word included (R29).

    What it objects to is decided again: first without the pair's lots at a loss, then not at all. Where no pair alone
    is to blame, the last one stays. Each round takes something out.
    """
    coverage = purchases_searched(household_id)
    while True:
        decisions = swap_back.decide(pairs, situation)
        draft = swap_back_drafts.draft(
            household=household_id, decisions=decisions, situation=situation, coverage=coverage
        )
        if draft is None or not _problem(draft, checks):
            return decisions, draft
        going = [one for one in decisions if one.back is not None]
        blamed = [
            (one, why)
            for one in going
            if (why := _problem(replace(draft, trades=one.trades), checks))
        ] or [(going[-1], _problem(draft, checks))]
        for one, why in blamed:
            situation = _without(one, why, situation)


def _problem(draft: DraftProposal, checks: Sequence[Facts]) -> str:
    """The first thing that is wrong with it, in words."""
    for facts in checks:
        for problem in problems_of(draft, facts):
            return problem.text
    return ""


def _without(one: Decision, why: str, situation: Situation) -> Situation:
    order = one.pair.order
    at_loss = one.back is not None and any(sale.gain <= 0 for sale in one.back.sold)
    if at_loss and order not in situation.only_gains:
        return replace(situation, only_gains=situation.only_gains | {order})
    text = f"It cannot go back today: {why}"
    return replace(situation, barred={**situation.barred, order: text})


_REASONS = (
    ("swap_back_proposed", (PairState.PROPOSED,)),
    ("pairs_kept", (PairState.KEEP, PairState.NEW_CASH, PairState.HARVEST, PairState.WAIVED)),
    ("pairs_waiting", (PairState.WAITING,)),
    ("pairs_ended", ENDED_PAIRS),
)


def _result(
    household_id: int,
    as_of: date,
    decisions: tuple[Decision, ...],
    draft: DraftProposal | None,
) -> SwapBackResult:
    told = []
    for state in PairState:
        count = sum(one.state is state for one in decisions)
        if count:
            told.append(f"{state.value.replace('_', ' ')} {count}")
    reason = next(
        code for code, states in _REASONS if any(one.state in states for one in decisions)
    )
    detail = draft.sentence if draft else f"Harvest pairs: {', '.join(told)}."
    return SwapBackResult(household_id, as_of, decisions, draft, reason, detail)


@transaction.atomic(savepoint=False)
def store_pairs(
    *, result: SwapBackResult, pending: Collection[ProposalKind] | None = None
) -> Proposal | None:
    """Keep each pair's state, and put the swap-backs before the adviser; the caller holds the household's lock.

    A pending swap-back of an earlier night is superseded either way. The same night again writes nothing. Who goes on
    after BadDraft has a savepoint.
    """
    if not result.decisions:
        return None
    _keep(result)
    return proposal_services.put_forward(
        draft=result.draft,
        household_id=result.household,
        kind=ProposalKind.SWAP_BACK,
        as_of=result.as_of,
        pending=pending,
    )


def _keep(result: SwapBackResult) -> None:
    """One row a pair. What a person waived meanwhile, or what has ended, is left as it is."""
    stored = {
        (row.proposal_id, row.pair): row
        for row in HarvestedPair.objects.filter(proposal__household=result.household)
    }
    household = Household.objects.select_related("firm").get(pk=result.household)
    for decision in result.decisions:
        row = stored.get((decision.pair.proposal, decision.pair.pair))
        if row is None:
            row = HarvestedPair(proposal_id=decision.pair.proposal, pair=decision.pair.pair)
        elif row.state in ENDED_PAIRS or (
            row.state == PairState.WAIVED and decision.state not in (PairState.WAIVED, *ENDED_PAIRS)
        ):
            continue
        _keep_one(row, decision, result.as_of, household)


def _keep_one(row: HarvestedPair, decision: Decision, as_of: date, household: Household) -> None:
    pair = decision.pair
    is_new_state = row.pk is None or row.state != decision.state
    said = {
        "account_id": pair.account,
        "substitute_id": None if pair.substitute == CASH else pair.substitute,
        "sold_on": pair.sold_on,
        "due_on": pair.due_on,
        "state": decision.state.value,
        "since": as_of if is_new_state else row.since,
        "as_of": as_of,
        "reason": decision.reason,
        # Without a price, or once the shares are under way, the last sum stays on record.
        "figures": decision.figures
        if "value" in decision.figures
        else {**row.figures, **decision.figures},
    }
    if row.pk is not None and all(getattr(row, name) == value for name, value in said.items()):
        return
    for name, value in said.items():
        setattr(row, name, value)
    row.save()
    if is_new_state:
        _audit(row, household, SYSTEM, {"as_of": as_of, "reason": decision.reason})


def _audit(row: HarvestedPair, household: Household, actor: str, facts: dict[str, object]) -> None:
    record_audit(
        firm=household.firm,
        actor=actor,
        action=f"pair.{row.state}",
        subject=f"pair {row.pair} of proposal {row.proposal.public_id}",
        facts={"household": household.public_id, **facts},
    )


def waive(*, user: User, pair: HarvestedPair, reason: str) -> HarvestedPair:
    """Let a pair stay with its substitute until somebody takes that back; the nights go on saying what it costs.

    Raises NotAllowed, and Conflict without a reason, for a pair that has ended, or whose swap-back is approved.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Conflict("Say why the substitute stays: a waiver needs a reason.")
    if len(reason) > MAX_REASON:
        raise Conflict(f"A reason has at most {MAX_REASON} characters; this one has {len(reason)}.")
    with transaction.atomic(durable=True):
        row = _decidable(user, pair)
        if row.state == PairState.WAIVED:
            raise Conflict("This pair is waived already: load the page again.")
        if any(one.under_way for one in _standing(row)):
            raise Conflict("Its swap-back is approved: take the approval back first.")
        who = user.get_full_name() or user.username
        _decided(row, PairState.WAIVED, f"{who} decided to stay: {reason}", user)
    return row


def unwaive(*, user: User, pair: HarvestedPair) -> HarvestedPair:
    """Take a waiver back: the next night decides again. Raises NotAllowed, and Conflict for one not waived."""
    with transaction.atomic(durable=True):
        row = _decidable(user, pair)
        if row.state != PairState.WAIVED:
            raise Conflict("This pair is not waived: load the page again.")
        today = business_date(row.proposal.household.firm)
        state = PairState.WAITING if today < row.due_on else PairState.KEEP
        who = user.get_full_name() or user.username
        _decided(row, state, f"{who} took the waiver back; the next night decides again.", user)
    return row


def _decidable(user: User, pair: HarvestedPair) -> HarvestedPair:
    """The pair as it is now, its household locked."""
    fresh = User.objects.get(pk=user.pk)  # a role may have been taken away
    require(fresh, Action.DECIDE)
    lock_household(pair.proposal.household_id)
    row = HarvestedPair.objects.select_related("proposal__household__firm").get(pk=pair.pk)
    if row.state in ENDED_PAIRS:
        raise Conflict("This pair has ended: there is nothing left to decide.")
    return row


def _standing(row: HarvestedPair) -> list[StandIn]:
    found = proposal_selectors.stand_ins(row.proposal.household_id)
    return [one for one in found if (one.proposal, one.pair) == (row.proposal_id, row.pair)]


def _decided(row: HarvestedPair, state: PairState, reason: str, user: User) -> None:
    row.state, row.reason = state.value, reason
    row.since = business_date(row.proposal.household.firm)
    row.save(update_fields=["state", "reason", "since"])
    _audit(row, row.proposal.household, user.username, {"reason": reason})
