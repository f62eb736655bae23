"""The daily review of one household and of the firm: made of what the night has found, measuring nothing anew (F13).

Pure Decimal. An account may be flagged with no trade and a reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rebalancing.mandates.rule_words import per_cent
from rebalancing.reviews.drift_words import names_out, weight_and_band
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit, not_reviewed, note
from rebalancing.telling.amounts import dollars
from rebalancing.telling.explanation import without_drift
from rebalancing.types import CENT, ZERO, Outcome

# Outcomes of a look that found no hard rule broken.
LEFT_ALONE = frozenset({Outcome.INSIDE_BANDS, Outcome.NOT_DUE, Outcome.COOLING_DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the night's look measured, beside the bands of the policy; fractions.

    ``target`` is the largest name's, ``band`` half the width of its band; both are None, and ``why_no_band`` says why
    in a clause, where targets are not the model's own, because a substitute stands in or a restriction takes a part of
    one away, or where the model of the night is not known any more. ``is_restricted``: the cash that is to be left may
    then be more than ``cash_high``.
    """

    reason: str
    detail: str
    out_of_band: int
    largest: str  # symbol; empty where nothing is held or wanted
    largest_drift: Decimal
    target: Decimal | None
    band: Decimal | None
    why_no_band: str = ""
    cash_weight: Decimal
    cash_low: Decimal
    cash_high: Decimal
    is_restricted: bool = False

    @property
    def cash_state(self) -> FindingState:
        """How cash stands to its band, as far as that is known."""
        if self.cash_low <= self.cash_weight <= self.cash_high:
            return FindingState.INSIDE
        if self.is_restricted and self.cash_weight > self.cash_high:
            return FindingState.UNKNOWN
        return FindingState.BREACHED


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBreach:
    """A hard rule that was broken when somebody measured it last; ``of`` says who and when."""

    rule: str
    sentence: str
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A proposal that waits for a decision; dollars."""

    kind: str
    since: date
    expires_on: date
    sells: Decimal
    buys: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrders:
    """Orders that are not filled: how many, and dollars of what is left of them at their reference prices."""

    not_sent: int = 0
    not_sent_dollars: Decimal = ZERO
    sent: int = 0
    sent_dollars: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyFacts:
    """What the night left of a household. ``measured`` is None where its drift was not; ``reason`` is the night's.

    ``breaches`` are those that an earlier review knew of; a look that would have found them and did not ends them.
    """

    next_night: date
    measured: Measured | None
    reason: str
    detail: str
    failed: bool = False  # nobody's look at it came to an end
    breaches: Sequence[KnownBreach] = ()
    pending: Sequence[Pending] = ()
    orders: OpenOrders = OpenOrders()

    @property
    def broken(self) -> Sequence[KnownBreach]:
        """The rules that are broken as far as is known: a hard one is a reason to act inside all bands."""
        if self.measured is not None and self.measured.reason in LEFT_ALONE:
            return ()
        return self.breaches


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFacts:
    """What the night left of the firm: accounts and households by number, and what is wrong in sentences."""

    households: int
    scanned: int
    skipped: int
    alarms: Sequence[str]
    next_night: date
    later_night: date | None = None  # begun before this one ended: the trade list is that one's
    pending: Sequence[Pending] = ()
    orders: OpenOrders = OpenOrders()


def findings(facts: DailyFacts) -> tuple[NewFinding, ...]:
    """The lines of the household: broken rules, drift and cash, what came of it, and its trades."""
    measured = facts.measured
    return (
        *(_breach(one) for one in facts.broken),
        *(() if measured is None else (*_drift(measured), _cash(measured))),
        _outcome(facts),
        *_pending(facts.pending, facts.next_night),
        *_orders(facts.orders),
    )


def of_night(facts: NightFacts) -> tuple[NewFinding, ...]:
    """The lines of the firm: how the night ended, and the trade list in sums."""
    accounts = facts.scanned + facts.skipped
    return (
        note(
            Topic.NIGHT,
            "accounts",
            Decimal(accounts),
            f"{facts.households:,} households with {accounts:,} accounts: {facts.scanned:,} scanned, "
            f"{facts.skipped:,} skipped.",
            unit=Unit.COUNT,
        ),
        *(
            note(
                Topic.NIGHT,
                f"alarm {number}",
                None,
                sentence,
                state=FindingState.FLAGGED,
            )
            for number, sentence in enumerate(facts.alarms, start=1)
        ),
        *_no_trade_list(facts.later_night),
        *_totals(facts.pending, facts.next_night),
        *_orders(facts.orders),
    )


def _no_trade_list(later: date | None) -> Iterator[NewFinding]:
    if later is not None:
        yield not_reviewed(
            f"The night of {later} had begun when this one ended: proposals and orders are in the review of that one.",
            of="trade list",
        )


def _breach(known: KnownBreach) -> NewFinding:
    return NewFinding(
        topic=Topic.RULE,
        key=known.rule,
        state=FindingState.BREACHED,
        sentence=f"{known.sentence} ({known.of})",
        is_hard=True,
    )


def _drift(measured: Measured) -> Iterator[NewFinding]:
    """In the words of the weekly review where target and band are known; otherwise how far off, and why no more."""
    if not measured.largest:
        return
    symbol, drift, many = measured.largest, measured.largest_drift, measured.out_of_band
    state = FindingState.BREACHED if many else FindingState.INSIDE
    if measured.target is None or measured.band is None:
        off = "on its target, like all others"
        if drift != ZERO:
            way = "above" if drift > ZERO else "below"
            off = f"{_in_points(drift)} {way} its target, the farthest of all"
        told = f"{symbol} is {off}; {names_out(many)}. Its band is not told here: {measured.why_no_band}."
        yield note(Topic.DRIFT, symbol, None, told, state=state)
        return
    target, band = measured.target, measured.band
    weight, low, high = target + drift, max(target - band, ZERO), target + band
    is_out = many > 0 and not low <= weight <= high
    told = weight_and_band(symbol, weight, target, low, high)
    if many > is_out:
        told += f"; {names_out(many)}"
    yield NewFinding(
        topic=Topic.DRIFT,
        key=symbol,
        state=state,
        sentence=f"{told}.",
        value=weight,
        low=low,
        high=high,
        by=max(low - weight, weight - high, ZERO) if many else ZERO,
    )


def _in_points(drift: Decimal) -> str:
    return f"{per_cent(abs(drift)).removesuffix(' %')} percentage points"


def _cash(measured: Measured) -> NewFinding:
    state, weight = measured.cash_state, measured.cash_weight
    low, high = measured.cash_low, measured.cash_high
    doubt = ""
    if state is FindingState.UNKNOWN:
        doubt = " A restriction may leave more in cash: the page Drift has the band in force."
    return NewFinding(
        topic=Topic.CASH,
        key="cash",
        state=state,
        sentence=f"Cash is {per_cent(weight)}, its band {per_cent(low)} to {per_cent(high)}.{doubt}",
        value=weight,
        low=low,
        high=high,
        by=max(low - weight, weight - high, ZERO),
    )


def _outcome(facts: DailyFacts) -> NewFinding:
    measured = facts.measured
    if facts.failed:
        return not_reviewed(f"The night's look at this household failed. {facts.detail}")
    if measured is None:
        return not_reviewed(_told("Drift was not measured", facts.reason, facts.detail))
    reason, waits = measured.reason, any(one.kind == "rebalance" for one in facts.pending)
    # The line of the drift says it already; but where that has no band, a look inside it is all that tells of one.
    tells_band = measured.band is None and reason == Outcome.INSIDE_BANDS
    detail = measured.detail if tells_band else without_drift(measured.detail)
    if reason == Outcome.PROPOSED:
        state, told = FindingState.NOTE, f"A rebalance was proposed. {detail}".strip()
    else:
        wrong = (
            bool(facts.broken)
            or measured.out_of_band > 0
            or measured.cash_state is FindingState.BREACHED
        )
        state = FindingState.FLAGGED if wrong and not waits else FindingState.NOTE
        told = _told("No rebalance", reason, detail)
    return NewFinding(topic=Topic.OUTCOME, key=reason[:200], state=state, sentence=told)


def _told(what: str, reason: str, detail: str) -> str:
    said = reason.replace("_", " ").replace("+", ", ")
    return f"{what}: {said}. {detail}".strip() if said else f"{what}. {detail}".strip()


def _pending(pending: Sequence[Pending], next_night: date) -> Iterator[NewFinding]:
    for one in pending:
        last = one.expires_on < next_night
        when = (
            f"it expires with the night of {next_night}" if last else f"good until {one.expires_on}"
        )
        yield note(
            Topic.PROPOSALS,
            one.kind,
            (one.sells + one.buys).quantize(CENT),
            f"{one.kind.replace('_', ' ').capitalize()} of {one.since} waits for a decision: sells "
            f"{dollars(one.sells)}, buys {dollars(one.buys)}; {when}.",
            unit=Unit.DOLLARS,
            state=FindingState.FLAGGED if last else FindingState.NOTE,
        )


def _totals(pending: Sequence[Pending], next_night: date) -> Iterator[NewFinding]:
    kinds: dict[str, list[Pending]] = {}
    for one in pending:
        kinds.setdefault(one.kind, []).append(one)
    for kind, rows in sorted(kinds.items()):
        sells = sum((one.sells for one in rows), ZERO)
        buys = sum((one.buys for one in rows), ZERO)
        last = sum(one.expires_on < next_night for one in rows)
        yield note(
            Topic.PROPOSALS,
            kind,
            (sells + buys).quantize(CENT),
            f"{kind.replace('_', ' ').capitalize()}: {len(rows):,} pending, selling {dollars(sells)} and buying "
            f"{dollars(buys)}; {last:,} expire{'s' if last == 1 else ''} with the night of {next_night}.",
            unit=Unit.DOLLARS,
            state=FindingState.FLAGGED if last else FindingState.NOTE,
        )


def _orders(orders: OpenOrders) -> Iterator[NewFinding]:
    for key, count, amount, told in (
        ("not sent", orders.not_sent, orders.not_sent_dollars, "approved and in no order file yet"),
        ("not filled", orders.sent, orders.sent_dollars, "sent and not filled"),
    ):
        if count:
            yield note(
                Topic.ORDERS,
                key,
                amount.quantize(CENT),
                f"{count:,} order{'' if count == 1 else 's'} of {dollars(amount)} {told}.",
                unit=Unit.DOLLARS,
            )


def breaches_of_explanation(rows: Sequence[Mapping[str, object]], of: str) -> list[KnownBreach]:
    """The broken rules that a proposal's explanation names."""
    return [
        KnownBreach(
            rule=str(row["rule"]),
            sentence=f"{row['what']} was {row['before']}, the limit is {row['limit']}.",
            of=of,
        )
        for row in rows
    ]
