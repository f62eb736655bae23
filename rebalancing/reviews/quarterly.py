"""What the quarterly review adds of one household: where it stands in the long run (F18). Pure Decimal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from proposals.types import CashFlow
from rebalancing.mandates.rule_words import per_cent
from rebalancing.mandates.rules import CASH_CLASS, Portfolio
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit, note
from rebalancing.telling.amounts import dollars
from rebalancing.types import CENT, ZERO

UNSAID = "not classified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """The quarter of a review's day, and the next one; first and last days of the calendar."""

    first: date
    day: date
    last: date
    next_last: date

    @property
    def left_in_year(self) -> int:
        """How many quarters of the year follow."""
        return 4 - self.last.month // 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLeft:
    """A limit of the whole year and what is used of it, open proposals included; None: not known."""

    name: str
    whole: Decimal
    used: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProgress:
    """A transition plan under way; dollars. ``legacy_then``: when its first step was proposed, None before that.

    ``why_not`` says why the years ahead could not be computed; then ``ending`` is empty.
    """

    started_on: date
    legacy_then: Decimal | None
    legacy_now: Decimal
    used: Sequence[BudgetLeft]
    years: int | None  # until it finishes, this one counted
    ending: str
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWord:
    """A key of the policy that the household answers for itself, and what would count without its word."""

    key: str
    own: str
    else_: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A dated restriction whose last day lies in this quarter or the next."""

    what: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A rebalance that was filled in the quarter: dollars, and tracking errors a year as they were expected.

    ``is_part``: other fills of it lie in another quarter; cost and tax are those of the whole rebalance.
    """

    day: date
    traded: Decimal  # both sides, in the quarter
    is_part: bool = False
    cost: Decimal
    tax: Decimal  # added to the year; negative: saved
    risk_before: Decimal | None
    risk_after: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What the quarter's looks for drift came to: numbers of looks and of rebalances."""

    looks: int
    proposed: int
    approved: int
    refused: int
    executed: Sequence[Executed]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterFacts:
    """What is known of a household at the end of a quarter. ``value`` (dollars) is None where it cannot be weighed."""

    quarter: Quarter
    value: Decimal | None
    plan: PlanProgress | None
    budget: Sequence[BudgetLeft]
    policy: Sequence[OwnWord]
    restrictions: Sequence[Ending]
    needs: Sequence[CashFlow]
    cash: Mapping[int, Decimal]  # account -> dollars
    taxable: frozenset[int]  # accounts that pay needs of the household
    account_names: Mapping[int, str]
    looks: Looks


def quarter_of(day: date) -> Quarter:
    """The quarter a day lies in."""
    first = date(day.year, day.month - (day.month - 1) % 3, 1)
    ends = [_quarters_after(first, count) - timedelta(days=1) for count in (1, 2)]
    return Quarter(first=first, day=day, last=ends[0], next_last=ends[1])


def _quarters_after(first: date, count: int) -> date:
    months = first.month - 1 + 3 * count
    return date(first.year + months // 12, months % 12 + 1, 1)


def findings(facts: QuarterFacts) -> tuple[NewFinding, ...]:
    """The lines of the household's quarter; those of its asset classes are ``of_classes``."""
    return (
        *_plan(facts.plan, facts.quarter),
        *_budget(facts.budget, facts.quarter),
        *_policy(facts.policy),
        *of_endings(facts.restrictions, facts.quarter),
        *_needs(facts),
        *_looks(facts),
    )


def of_classes(portfolio: Portfolio) -> Iterator[NewFinding]:
    """Each asset class beside the model's, cash among them, the largest difference first."""
    held, wanted = _by_class(portfolio, portfolio.weights), _by_class(portfolio, portfolio.targets)
    held[CASH_CLASS] = held.get(CASH_CLASS, ZERO) + portfolio.cash
    left = 1 - sum(portfolio.targets.values(), ZERO)
    wanted[CASH_CLASS] = wanted.get(CASH_CLASS, ZERO) + left
    gaps = {one: held.get(one, ZERO) - wanted.get(one, ZERO) for one in held.keys() | wanted.keys()}
    for one, gap in sorted(gaps.items(), key=lambda row: (-abs(row[1]), row[0])):
        points = per_cent(abs(gap)).removesuffix(" %")
        more = f"{points} points {'more' if gap > ZERO else 'less'} than its model"
        yield note(
            Topic.ASSET_CLASS,
            one,
            held.get(one, ZERO),
            f"{class_name(one)} weighs {per_cent(held.get(one, ZERO))}, "
            f"{more if gap else 'as in its model'} ({per_cent(wanted.get(one, ZERO))}).",
        )


def class_name(code: str) -> str:
    """``us_equity`` -> ``US equity``."""
    words = code.replace("_", " ").capitalize()
    return f"US{words[2:]}" if words.startswith("Us ") else words


def _by_class(portfolio: Portfolio, weights: Mapping[int, Decimal]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for security, weight in weights.items():
        known = portfolio.classes.get(security)
        name = known.asset_class if known is not None else UNSAID
        found[name] = found.get(name, ZERO) + weight
    return found


def _plan(plan: PlanProgress | None, quarter: Quarter) -> Iterator[NewFinding]:
    if plan is None:
        return
    then = plan.legacy_then
    gone = "its first step has yet to be proposed"
    if then is not None:
        gone = f"it was {dollars(then)} when the first step was proposed"
    yield note(
        Topic.TRANSITION,
        "legacy left",
        plan.legacy_now.quantize(CENT),
        f"Transition since {plan.started_on}: {dollars(plan.legacy_now)} of the legacy is left; {gone}.",
        unit=Unit.DOLLARS,
    )
    for limit in plan.used:
        told = "what is used is not known"
        if limit.used is not None:
            told = f"{dollars(limit.used)} is used"
        yield NewFinding(
            topic=Topic.TRANSITION,
            key=f"{limit.name} of the year",
            state=FindingState.UNKNOWN if limit.used is None else FindingState.NOTE,
            sentence=f"The plan allows a {limit.name} of {dollars(limit.whole)} a year; {told}.",
            unit=Unit.DOLLARS,
            value=limit.used,
            high=limit.whole,
        )
    yield _finish(plan, quarter)


def _finish(plan: PlanProgress, quarter: Quarter) -> NewFinding:
    if plan.years is not None:
        last = quarter.last.year + plan.years - 1
        state, told = FindingState.NOTE, f"At today's prices the plan finishes in {last}."
    elif plan.why_not:
        state, told = FindingState.UNKNOWN, f"When the plan finishes is not known: {plan.why_not}"
    else:
        state, told = FindingState.FLAGGED, f"The plan does not finish: {plan.ending}."
    years = None if plan.years is None else Decimal(plan.years)
    return note(Topic.TRANSITION, "years left", years, told, unit=Unit.COUNT, state=state)


def _budget(limits: Sequence[BudgetLeft], quarter: Quarter) -> Iterator[NewFinding]:
    quarters = quarter.left_in_year
    ahead = f"with {quarters} quarter{'' if quarters == 1 else 's'} of the year ahead"
    for limit in limits:
        if limit.used is None:
            left, told = None, f"is not known, {ahead}"
        else:
            left = max(limit.whole - limit.used, ZERO)
            told = f"is {dollars(left)}, {ahead}"
        yield note(
            Topic.BUDGET_LEFT,
            limit.name,
            left,
            f"What is left of the {limit.name} budget of {quarter.last.year} ({dollars(limit.whole)}) {told}.",
            unit=Unit.DOLLARS,
            state=FindingState.UNKNOWN if left is None else FindingState.NOTE,
        )


def _policy(words: Sequence[OwnWord]) -> Iterator[NewFinding]:
    told = "; ".join(
        f"{one.key.replace('_', ' ')} {one.own} instead of {one.else_}" for one in words
    )
    said = f"Its policy departs from its model's and the firm's: {told}."
    yield note(
        Topic.POLICY,
        "own policy",
        Decimal(len(words)),
        said if words else "Its policy is that of its model and the firm.",
        unit=Unit.COUNT,
    )


def of_endings(endings: Sequence[Ending], quarter: Quarter) -> Iterator[NewFinding]:
    """Dated restrictions that have run out this quarter, or will by the end of the next."""
    over = [one for one in endings if one.until < quarter.day]
    soon = [one for one in endings if one.until >= quarter.day]
    for key, said, rows in (
        ("run out", "Restrictions that ran out this quarter", over),
        ("run out soon", "Restrictions that run out by the end of the next quarter", soon),
    ):
        told = "; ".join(f"{one.what}, until {one.until}" for one in rows)
        if rows:
            yield note(
                Topic.RESTRICTIONS,
                key,
                Decimal(len(rows)),
                f"{said}: {told}.",
                unit=Unit.COUNT,
                state=FindingState.FLAGGED,
            )


def _needs(facts: QuarterFacts) -> Iterator[NewFinding]:
    needs = [one for one in facts.needs if one.kind.is_need]
    if not needs:
        return
    total = sum((one.amount for one in needs), ZERO)
    short = shortfall(needs, facts.cash, facts.taxable)
    names = facts.account_names
    told = "; ".join(one.told(names) for one in needs)
    covered = (
        f"{dollars(short)} of it is not there in cash yet" if short else "the cash there covers it"
    )
    yield NewFinding(
        topic=Topic.CASH_NEEDS,
        key="next quarter",
        state=FindingState.FLAGGED if short else FindingState.INSIDE,
        sentence=f"Due by {facts.quarter.next_last}: {told}; {covered}.",
        unit=Unit.DOLLARS,
        value=total,
        by=short,
    )


def shortfall(
    needs: Sequence[CashFlow], cash: Mapping[int, Decimal], taxable: frozenset[int]
) -> Decimal:
    """Dollars of the needs that no cash covers today.

    A need of an account is paid there; one of the household from what its taxable accounts then have left.
    """
    left = {account: max(amount, ZERO) for account, amount in cash.items()}
    missing = ZERO
    for need in sorted(needs, key=lambda one: (one.account is None, one.due_on)):
        payers = sorted(taxable) if need.account is None else [need.account]
        open_ = need.amount
        for account in payers:
            paid = min(open_, left.get(account, ZERO))
            left[account] = left.get(account, ZERO) - paid
            open_ -= paid
        missing += open_
    return missing


def _looks(facts: QuarterFacts) -> Iterator[NewFinding]:
    looks = facts.looks
    yield note(
        Topic.LOOKS,
        "quarter",
        Decimal(looks.looks),
        f"{_many(looks.looks, 'look')} for drift since {facts.quarter.first}; {_many(looks.proposed, 'rebalance')} "
        f"proposed, {looks.approved} approved, {looks.refused} refused, {len(looks.executed)} executed.",
        unit=Unit.COUNT,
    )
    for number, one in enumerate(looks.executed, start=1):
        of_value = ""
        if facts.value is not None and facts.value > ZERO:
            of_value = f" ({per_cent(one.traded / 2 / facts.value)} of today's value one way)"
        whole = ", both of the whole rebalance: a part of it lies in another quarter" * one.is_part
        risk = "with a tracking error that is not on record"
        if one.risk_before is not None and one.risk_after is not None:
            risk = f"to bring the tracking error from {per_cent(one.risk_before)} to {per_cent(one.risk_after)}"
        yield note(
            Topic.EXECUTED,
            f"{one.day} {number}",
            one.traded.quantize(CENT),
            f"Rebalance of {one.day}: {dollars(one.traded)} bought and sold{of_value}, {risk}; expected cost "
            f"{dollars(one.cost)}, expected tax of the year {dollars(one.tax)}{whole}.",
            unit=Unit.DOLLARS,
        )


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
