"""Examine one household for a rebalance, and store what was found."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from lots import selectors as lot_selectors
from lots.errors import LedgerError
from lots.types import Ledger, LedgerEntry, LotRow
from lots.year_tax import TaxPosition
from proposals import selectors as proposal_selectors
from proposals import services as proposal_services
from proposals.budgets import Limit, Usage
from proposals.compliance import coming_entries, entries_of, washed_by
from proposals.models import Proposal
from proposals.types import (
    NEARLY_A_LOSS,
    DraftProposal,
    DraftTrade,
    Intention,
    ProposalKind,
    Side,
    Windows,
)
from rebalancing import (
    arrays,
    budget,
    decision,
    drift,
    explanation,
    reasons,
    selectors,
    transition,
    transition_selectors,
    transition_services,
)
from rebalancing.active_risk import active_risk
from rebalancing.best_trades import best_trades, dearer_risk, with_needs_placed
from rebalancing.budget import Bounded
from rebalancing.cash_needs import within_reach
from rebalancing.decision import Scope
from rebalancing.drift import Drift
from rebalancing.errors import RebalancingError
from rebalancing.explanation import Choices, Figures
from rebalancing.gain_prices import gain_prices
from rebalancing.mandate_checks import HASTE, MandateCheck
from rebalancing.models import ModelAssignment, RebalanceLook
from rebalancing.past_returns import since_a_rebalance
from rebalancing.policies import PolicyKind
from rebalancing.reasons import Evidence
from rebalancing.restrictions import conflicts
from rebalancing.risk import RiskModel
from rebalancing.risk_models import risk_model
from rebalancing.rule_words import rule_sentence
from rebalancing.state import assemble, forbidden, restricted, stale_holdings
from rebalancing.types import (
    CENT,
    ZERO,
    HouseholdState,
    LineReason,
    Looked,
    Outcome,
    RebalanceResult,
)
from rebalancing.ways import PlanStep, Solve, Way

CALENDAR = "CALENDAR"  # the date alone
REFUSED = "bad_draft"  # found, and refused by the hard rules when it was to be stored
FRACTION = Decimal("0.00000001")


def examine(
    *,
    household_id: int,
    as_of: date,
    drafts: Sequence[DraftProposal] = (),
    way: Way | None = None,
) -> RebalanceResult:
    """What to trade in one household, or why nothing; reads only.

    ``drafts`` are tonight's proposals that come first (the harvest): they count as executed. A pending rebalance of an
    earlier night is ignored. The optimiser's refusals become the result's reason; nothing is raised for them.
    Whoever asks for a ``way`` has decided to trade: neither the bands nor what it is worth stand in that way.
    """

    def nothing(reason: str, detail: str) -> RebalanceResult:
        return RebalanceResult(household_id, as_of, None, reason, detail)

    assigned = selectors.assignment(household_id)
    if assigned is None:
        return nothing(Outcome.NO_MODEL, "The household follows no model.")
    # The household is rebalanced as a whole: shares that may not be there would weigh on all accounts.
    wrong = lot_selectors.unreconciled(household_id, as_of)
    if wrong:
        told = ". ".join(wrong[account] for account in sorted(wrong))
        return nothing(Outcome.UNRECONCILED, f"Lots do not add up to the custodian's: {told}.")
    tax, why = lot_selectors.tax_or_reason(household_id, as_of.year)
    if tax is None:
        return nothing(Outcome.NO_TAX_PROFILE, why)
    intentions = proposal_selectors.intentions(household_id, as_of=as_of)
    if any(one.kind is ProposalKind.REBALANCE for one in intentions):
        return nothing(Outcome.BUSY, "An approved rebalance is still on its way.")
    books = selectors.books(assigned, tax=tax, as_of=as_of, intentions=intentions)
    if not books.targets:
        return nothing(Outcome.NO_MODEL, f"The model {assigned.model.name} has no weights.")
    if any(lot.acquired > as_of for lot in books.lots):
        return nothing(Outcome.LEDGER_AHEAD, f"The ledger of this household runs past {as_of}.")
    if not books.lots and sum(books.cash.values(), ZERO) <= ZERO:
        return nothing(Outcome.EMPTY, "The household holds neither shares nor cash.")
    stale = stale_holdings(books, drafts)
    if stale:
        names = ", ".join(sorted(books.symbols[security] for security in stale))
        days = books.limits.maximum_price_age_days
        return nothing(Outcome.STALE_PRICES, f"No price of the last {days} days: {names}.")
    state = assemble(books, drafts)
    if state.value <= ZERO:
        return nothing(Outcome.EMPTY, "The household's cash is overdrawn by all it holds.")
    measured = drift.of_state(state)
    schedule = selectors.schedule(household_id, books.limits, as_of)
    # What must be done waits for no look, and whatever pays for it may be traded.
    check = mandate_check(assigned, state)
    must_act = state.must_act or bool(check.breaches)
    touched = Scope.EVERYTHING if must_act else decision.scope(measured, books.limits, schedule)
    search = partial(
        _Search,
        firm_id=assigned.household.firm_id,
        state=check.bounded(state),
        measured=measured,
        check=check,
        lots=books.lots,
        intentions=books.intentions,
        drafts=drafts,
    )
    if way is None and not schedule.is_cooling:
        step = _step_of_plan(search, state, tax=tax, drafts=drafts)
        if step is not None:
            return step
    if touched is Scope.NOTHING and way is None:
        reason = decision.why_nothing(schedule)
        told = explanation.left_alone(measured, state.symbols, schedule)
        looked = _looked(measured, counted=reason is Outcome.INSIDE_BANDS)
        return replace(nothing(reason, told), looked=looked)
    everything = touched is Scope.NOTHING or (way is not None and way.is_whole)
    try:
        found = search(
            touched=Scope.EVERYTHING if everything else touched,
            usage=_usage(state, tax=tax, drafts=drafts, way=way),
            way=way,
        ).run()
    except (RebalancingError, LedgerError) as error:
        return replace(nothing(error.code, str(error)), looked=_looked(measured, counted=False))
    seen = found.looked
    if seen is None or (schedule.due and not schedule.is_cooling):
        return found
    # Cash alone was looked at: the policy's own look is still to come.
    return replace(found, looked=replace(seen, counted=False))


def _usage(
    state: HouseholdState,
    *,
    tax: TaxPosition,
    drafts: Sequence[DraftProposal],
    way: Way | None,
) -> Usage | None:
    """What draws on the year's budget, None without one.

    A plan's own limits hold where somebody changes its step, and on a year's first night, before the year has them.
    """
    usage = proposal_selectors.budget_usage(state.household, state.as_of, drafts=drafts)
    if usage is not None and way is None:
        return usage
    plan = transition_selectors.plan(state.household)
    if plan is None or state.as_of < plan.started_on:
        return usage
    return transition_selectors.usage_under(plan, state.as_of, tax=tax, drafts=drafts)


def _step_of_plan(
    search: "partial[_Search]",
    state: HouseholdState,
    *,
    tax: TaxPosition,
    drafts: Sequence[DraftProposal],
) -> RebalanceResult | None:
    """The night's step of a transition plan; None where none is under way or it would sell nothing of the legacy."""
    plan = transition_selectors.plan(state.household) if transition.has_legacy(state) else None
    if plan is None or state.as_of < plan.started_on:
        return None
    usage = transition_selectors.usage_under(plan, state.as_of, tax=tax, drafts=drafts)
    way = PlanStep(plan.started_on)
    with suppress(RebalancingError, LedgerError):  # the ordinary look then says what is wrong
        found = search(touched=Scope.EVERYTHING, usage=usage, way=way).run()
        if found.draft is not None and transition.sells_legacy(found.draft.trades, state):
            return found
    return None


def store(*, result: RebalanceResult) -> Proposal | None:
    """Put the draft before the adviser and keep the look; an older pending proposal is superseded either way.

    The caller holds the household's lock inside a transaction.
    """
    _keep(result)
    transition_services.keep_budget(household_id=result.household, as_of=result.as_of)
    return proposal_services.put_forward(
        draft=result.draft,
        household_id=result.household,
        kind=ProposalKind.REBALANCE,
        as_of=result.as_of,
    )


# Reasons with which a look has come to its end: the next is due with the policy's next period.
_ENDED = frozenset(
    {
        Outcome.PROPOSED,
        Outcome.INSIDE_BANDS,
        Outcome.NO_TRADES,
        Outcome.NOT_WORTH_IT,
        Outcome.OVER_BUDGET,
        Outcome.BREAKS_MANDATE,
    }
)


def _looked(measured: Drift, *, counted: bool, figures: Figures | None = None) -> Looked:
    """The look's figures; those of ``figures`` where trades were found."""
    largest = measured.largest
    traded = figures is not None and bool(figures.trades)
    return Looked(
        counted=counted,
        out_of_band=sum(row.breached for row in measured.rows),
        largest=None if largest is None else largest.security,
        largest_drift=ZERO if largest is None else largest.drift,
        cash_weight=measured.cash_weight,
        risk_before=figures.risk_before if figures else None,
        risk_after=figures.risk_after if figures and traded else None,
        worth=figures.worth if figures and traded else None,
    )


def _keep(result: RebalanceResult) -> None:
    """Write what the night measured (F3); the same night again writes over it."""
    looked = result.looked
    if looked is None:
        return
    refused = result.draft is None and result.reason == Outcome.PROPOSED  # by the hard rules
    worth = looked.worth
    sums: dict[str, Decimal | None] = dict.fromkeys(
        ("avoided", "avoided_per_year", "trading_cost", "commission", "impact", "tax", "later_tax")
    )
    if worth is not None:
        sums = {
            "avoided": worth.avoided.quantize(CENT),
            "avoided_per_year": worth.per_year.quantize(CENT),
            "trading_cost": worth.trading_cost,
            "commission": worth.trading.commission,
            "impact": worth.trading.impact,
            "tax": worth.tax.quantize(CENT),
            "later_tax": worth.later_tax.quantize(CENT),
        }
    RebalanceLook.objects.update_or_create(
        household_id=result.household,
        day=result.as_of,
        defaults={
            "reason": REFUSED if refused else result.reason,
            "detail": result.detail,
            "counted": looked.counted and not refused,
            "out_of_band": looked.out_of_band,
            "largest_id": looked.largest,
            "largest_drift": looked.largest_drift.quantize(FRACTION),
            "cash_weight": looked.cash_weight.quantize(FRACTION),
            "risk_before": looked.risk_before,
            "risk_after": looked.risk_after,
            **sums,
        },
    )


def mandate_check(assigned: ModelAssignment, state: HouseholdState) -> MandateCheck:
    """The household against every rule that binds it; the risk model is asked only where a rule needs it."""
    rules = selectors.rules(assigned)
    firm_id = assigned.household.firm_id
    risk, why = None, ""
    if any(rule.kind.needs_risk for rule in rules):
        risk, why = risk_or_reason(firm_id, state)
    classes = selectors.classes(firm_id) if rules else {}
    return MandateCheck(rules=rules, state=state, classes=classes, risk=risk, why_no_risk=why)


def risk_or_reason(firm_id: int, state: HouseholdState) -> tuple[RiskModel | None, str]:
    """The risk model of the household's universe, or why there is none."""
    try:
        return risk_model(firm_id=firm_id, state=state), ""
    except RebalancingError as error:
        return None, str(error)


class _Search:
    """Solve one household that is out of band, twice at most, and check what comes out.

    A ``way`` finds the trades otherwise, and is not asked whether they are worth it.
    """

    def __init__(
        self,
        *,
        firm_id: int,
        state: HouseholdState,
        measured: Drift,
        touched: Scope,
        check: MandateCheck,
        lots: Sequence[LotRow],
        intentions: Sequence[Intention],
        drafts: Sequence[DraftProposal],
        usage: Usage | None,
        way: Way | None = None,
    ) -> None:
        self._way = way
        self._measured = measured
        self._check = check
        self._usage = usage
        self._lots = {(lot.opening, lot.part): lot for lot in lots}
        self._household = state.household
        self._as_of = state.as_of
        self._windows = proposal_selectors.windows(state.household, self._as_of, drafts=drafts)
        ahead = coming_entries(self._windows.coming)
        self._ledgers = _ledgers(state.household, self._as_of, intentions, drafts, ahead)
        blocks = self._windows.buy_blocked
        self._free = restricted(
            forbidden(state, self._windows),
            no_buys=[security for security, block in blocks.items() if block.is_window],
            no_loss_sales=self._windows.sell_blocked,
        )
        self._touched = touched
        self._haste = HASTE[0]  # of the trades that were taken
        self._must_act = state.must_act
        self._state = decision.narrowed(self._free, measured, touched)
        self._securities = arrays.universe(state)
        self._risk = risk_model(firm_id=firm_id, state=state)

    def run(self) -> RebalanceResult:
        """Raises RebalancingError where the optimiser has no answer or its trades break a rule."""
        self._state = with_needs_placed(self._state, self._risk)
        bounded = self._best()
        washed = self._washed(bounded.figures.trades)
        if washed:
            # Windows err on the careful side, so this is rare: bar what offends and solve once more.
            self._state = within_reach(
                restricted(self._state, no_buys=washed, no_loss_sales=washed)
            )
            bounded = self._best()
            washed = self._washed(bounded.figures.trades)
        figures, symbols = bounded.figures, self._state.symbols
        if washed:
            names = ", ".join(sorted(symbols[security] for security in washed))
            return self._nothing(
                Outcome.WASH_SALE, f"The best trades would wash a loss of {names}.", figures
            )
        if bounded.left_over or (bounded.is_bound and not figures.trades):
            return self._nothing(Outcome.OVER_BUDGET, budget.why_not(bounded), bounded.free)
        broken = self._check.broken_by(figures)
        if broken:
            told = " ".join(rule_sentence(one, symbols) for one in broken)
            return self._nothing(
                Outcome.BREAKS_MANDATE,
                f"The best trades would break the mandate. {told}",
                figures,
            )
        far_out = explanation.far_out(self._measured, symbols)
        if not figures.trades:
            return self._nothing(
                Outcome.NO_TRADES,
                " ".join(
                    [
                        f"{far_out}, but nothing that may be traded makes it better.",
                        *conflicts(self._state),
                        *([self._check.told()] if self._check.breaches else []),
                    ]
                ),
                figures,
            )
        at_any_price = self._measured.cash_breached or self._must_act or self._way is not None
        must_pay = not (at_any_price or self._check.narrows(figures))
        if must_pay and self._state.limits.only_if_worth_it and not figures.worth.is_worth_it:
            told = explanation.not_worth_it(figures, symbols) + budget.sentence(bounded)
            return self._nothing(Outcome.NOT_WORTH_IT, told, figures)
        among = self._proven_among(bounded)
        bounded, choices = self._against_the_band_rule(bounded)
        figures = bounded.figures
        draft = self._draft(bounded, choices, among)
        return RebalanceResult(
            self._household,
            self._as_of,
            draft,
            Outcome.PROPOSED,
            draft.sentence,
            _looked(self._measured, counted=True, figures=figures),
        )

    def _nothing(
        self, reason: Outcome, detail: str, figures: Figures | None = None
    ) -> RebalanceResult:
        looked = _looked(self._measured, counted=reason in _ENDED, figures=figures)
        return RebalanceResult(self._household, self._as_of, None, reason, detail, looked)

    def _washed(self, trades: Sequence[DraftTrade]) -> frozenset[int]:
        """Securities whose losses the trades would wash, by the tax engine itself.

        It is asked twice: at the trades' prices, and as if every sale were filled a little lower, because a small gain
        may be a loss by then.
        """
        if not trades:
            return frozenset()
        lower = [
            replace(trade, price=trade.price * (1 - NEARLY_A_LOSS))
            if trade.side is Side.SELL
            else trade
            for trade in trades
        ]
        return frozenset(
            wash.security
            for fills in (trades, lower)
            for ledger in self._ledgers
            for wash in washed_by(ledger, entries_of(fills, self._as_of, prefix="rebalance"))
        )

    def _best(self) -> Bounded:
        """The best trades, inside what is left of the household's budget of gains.

        While a hard rule stays broken risk is made dearer, step by step. The first trades that cure are taken, else the
        last that come nearer and break no other rule, else those at the policy's own price. Raises what the optimiser
        says at that price where no step has an answer.
        """
        if self._way is not None or not self._check.breaches:
            return self._within_budget(self._state)
        found: Bounded | None = None
        refusal: RebalancingError | None = None
        for haste in HASTE:
            try:
                bounded = self._within_budget(self._state, haste)
            except RebalancingError as error:
                refusal = refusal or error
                continue
            is_nearer = self._check.narrows(bounded.figures) and not bounded.left_over
            if found is None or is_nearer:
                found, self._haste = bounded, haste
            if is_nearer and self._check.is_cured(bounded.figures):
                break
        if found is None:
            assert refusal is not None  # every step ended one way or the other
            raise refusal
        return found

    def _within_budget(self, state: HouseholdState, haste: int = HASTE[0]) -> Bounded:
        solve: Solve = partial(best_trades, risk=self._risk, adjust=dearer_risk(haste))
        if self._way is not None:
            solve = self._way.solver(self._risk, self._securities, self._usage)
        return budget.within(state, self._usage, self._lots, solve)

    def _against_the_band_rule(self, bounded: Bounded) -> tuple[Bounded, Choices | None]:
        """The optimum beside no trade and the band rule, all priced by the optimum's own objective (F4).

        Whole shares and smallest trades can cost the optimum more than its lead: the better of the two is proposed.
        """
        limits = self._state.limits
        # A rule about bands does not know what must be done.
        if self._must_act or self._check.breaches or self._way is not None:
            return bounded, None
        if self._touched is not Scope.EVERYTHING or limits.kind is not PolicyKind.OPTIMUM:
            return bounded, None
        problem, index = arrays.build(self._state, self._risk)

        def priced(trades: Sequence[DraftTrade]) -> Decimal:
            return arrays.objective(trades, problem, index)

        nothing, mine = priced(()), priced(bounded.figures.trades)
        narrow = decision.narrowed(self._state, self._measured, Scope.OUTSIDE)
        try:
            rule = self._within_budget(narrow)
        except RebalancingError as error:
            return bounded, Choices(nothing, mine, why_no_rule=str(error))
        if rule.left_over:
            return bounded, Choices(nothing, mine, why_no_rule=budget.why_not(rule))
        theirs = priced(rule.figures.trades)
        if theirs < mine and self._may_propose(rule.figures):
            # Its own bound is that of a narrower problem with other aims: the optimum's is the one it is compared with.
            gained = (mine - theirs) / index.value * arrays.BASIS_POINTS
            gap = max(bounded.figures.proof.gap_bp - gained, ZERO).quantize(arrays.GAP_QUANTUM)
            proof = replace(bounded.figures.proof, gap_bp=gap)
            told = replace(rule, figures=replace(rule.figures, proof=proof))
            return told, Choices(nothing, mine, theirs, is_rule=True)
        return bounded, Choices(nothing, mine, theirs)

    def _may_propose(self, figures: Figures) -> bool:
        """Whether the band rule's trades pass what the optimum's have passed before."""
        must_pay = self._state.limits.only_if_worth_it and not self._measured.cash_breached
        return (
            bool(figures.trades)
            and (figures.worth.is_worth_it or not must_pay)
            and not self._washed(figures.trades)
            and not self._check.broken_by(figures)
        )

    def _proven_among(self, bounded: Bounded) -> list[str]:
        """What else holds of the trades that the bound is about, where it is not about all of them."""
        found = [*(self._way.among if self._way else ())]
        if self._haste > HASTE[0]:
            found.append(
                f"with risk {self._haste} times as dear as the policy says, to cure the mandate"
            )
        if bounded.is_bound:
            found.append("without the sales that were held back for the budget of gains")
        if self._touched is Scope.OUTSIDE:
            found.append("of what is out of band and what offsets it, to where the policy aims")
        if self._touched is Scope.CASH_ONLY:
            found.append("that only invest or raise cash")
        return found

    def _evidence(self, figures: Figures, state: HouseholdState) -> tuple[Evidence, ...]:
        """The reasons of the trades, each with its figures (F20-F22)."""
        securities = arrays.universe(state)
        value = figures.drift.value
        weights = {one: dollars / value for one, dollars in state.holdings().items()}
        after = {one: dollars / value for one, dollars in figures.after.items()}
        then, now = (
            active_risk(self._risk, securities, weights=held, targets=state.targets)
            for held in (weights, after)
        )
        executed_on = selectors.executed_on(self._household, self._as_of)
        since, returns = since_a_rebalance(securities, executed_on, self._as_of)
        return reasons.evidence(
            (
                reasons.of_risk(
                    error=reasons.Measure(
                        "Tracking error", figures.risk_before, figures.risk_after
                    ),
                    weights=weights,
                    after=after,
                    active=(then, now),
                    symbols=state.symbols,
                ),
                reasons.of_factors(then, now, self._risk.factors if self._risk.named else ()),
                reasons.of_the_past(
                    figures.trades,
                    state,
                    returns,
                    since=since,
                    rebalanced=executed_on is not None,
                ),
            )
        )

    def _gain_prices(
        self, bounded: Bounded, choices: Choices | None
    ) -> Mapping[Limit, Decimal] | None:
        """What a little more of the budget would buy, where it binds (F35).

        It is the optimiser's price at the policy's price of risk: of trades found otherwise it says nothing.
        """
        if self._usage is None or self._way is not None or not bounded.is_bound:
            return None
        if self._check.breaches or (choices is not None and choices.is_rule):
            return None
        return gain_prices(self._state, self._risk, self._usage)

    def _draft(
        self, bounded: Bounded, choices: Choices | None, among: Sequence[str]
    ) -> DraftProposal:
        figures, state, way = bounded.figures, bounded.state, self._way
        worth = figures.worth
        evidence = self._evidence(figures, state)
        return DraftProposal(
            household=self._household,
            kind=ProposalKind.REBALANCE,
            as_of=self._as_of,
            sentence=explanation.sentence(figures, state.symbols)
            + self._check.sentence(figures)
            + budget.sentence(bounded),
            reasons=(
                *(way.reasons if way else ()),
                *self._check.triggers(),
                *_reasons(bounded, evidence),
            ),
            trades=figures.trades,
            tax_saved=-worth.tax.quantize(CENT),
            carried_worth=figures.carried_worth.quantize(CENT),
            cost=worth.trading_cost,
            short_gain=figures.short_gain,
            long_gain=figures.long_gain,
            risk_before=figures.risk_before,
            risk_after=figures.risk_after,
            gap_bp=figures.proof.gap_bp,
            inputs=explanation.inputs_text(
                way.recorded(state) if way else state,
                self._windows,
                figures.proof,
                arrays.universe(state),
            ),
            explanation={
                **explanation.explanation(
                    figures, state, lot_selectors.purchases_searched(self._household), among
                ),
                **(way.told(figures.trades, state) if way else {}),
                "budget": budget.explanation(bounded, self._gain_prices(bounded, choices)),
                "mandate": self._check.explanation(figures),
                "choices": explanation.choices(choices, state.limits),
                "evidence": [
                    {"reason": one.reason.value, "sentence": one.sentence, "rows": list(one.rows)}
                    for one in evidence
                ],
                "instructions": _to_switch_off(figures.trades, state, self._windows),
            },
        )


def _to_switch_off(
    trades: Sequence[DraftTrade], state: HouseholdState, windows: Windows
) -> list[str]:
    """Reinvestments that would wash a loss sold here with the next dividend (R25, F31)."""
    taxable = {account.id for account in state.accounts if account.is_taxable}
    sold = {
        one
        for trade in trades
        if trade.account in taxable and trade.may_turn_loss
        for one in state.group_of(trade.security)
    }
    return [one.instruction for one in windows.switches if one.security in sold]


def _ledgers(
    household_id: int,
    as_of: date,
    intentions: Sequence[Intention],
    drafts: Sequence[DraftProposal],
    ahead: Sequence[LedgerEntry],
) -> tuple[Ledger, ...]:
    """The ledger as booked and approved, and the one with tonight's drafts too: the trades must wash in neither.

    Both end with what will be bought by itself.
    """
    booked = _with(lot_selectors.ledger(household_id), ahead)
    approved = _with(booked, entries_of(intentions, as_of, prefix="approved"))
    if not drafts:
        return (approved,)
    drafted = [trade for draft in drafts for trade in draft.trades]
    return approved, _with(approved, entries_of(drafted, as_of, prefix="draft"))


def _with(ledger: Ledger, entries: Iterable[LedgerEntry]) -> Ledger:
    return replace(ledger, entries=(*ledger.entries, *entries))


def _reasons(bounded: Bounded, evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """DRIFT first where a security is out of band, then what else moved the proposal."""
    found, figures = [], bounded.figures
    if any(row.breached for row in figures.drift.rows):
        found.append("DRIFT")
    if any(trade.reason == LineReason.MUST_SELL for trade in figures.trades):
        found.append("RESTRICTION")
    if figures.drift.cash_breached:
        found.append(
            "CASH_NEED" if figures.drift.cash_weight < figures.drift.cash_low else "DEPOSIT"
        )
    found += [one.reason.value for one in evidence]
    if figures.short_gain + figures.long_gain < ZERO:
        found.append("TAX_LOSS")
    if bounded.is_bound:
        found.append("BUDGET")
    return tuple(found) or (CALENDAR,)
