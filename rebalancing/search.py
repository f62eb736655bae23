"""One household that is out of band: solve it, check what comes out, and say why there is nothing or what to trade."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from lots import selectors as lot_selectors
from lots.types import Ledger, LedgerEntry, LotRow
from proposals import selectors as proposal_selectors
from proposals.budgets import Usage, capped
from proposals.compliance import coming_entries, entries_of, washed_by
from proposals.types import (
    NEARLY_A_LOSS,
    DraftProposal,
    DraftTrade,
    Intention,
    Side,
)
from rebalancing import selectors
from rebalancing.draft import Found, draft_of
from rebalancing.errors import RebalancingError
from rebalancing.household.cash_needs import within_reach
from rebalancing.household.kept_back import kept_back
from rebalancing.household.restrictions import conflicts
from rebalancing.household.shortfalls import below_minimum, not_ready
from rebalancing.household.state import restricted, tradable
from rebalancing.mandates.keeping import keeping
from rebalancing.mandates.mandate_checks import HASTE, MandateCheck
from rebalancing.mandates.rule_words import rule_sentence
from rebalancing.policies import decision
from rebalancing.policies.decision import Scope
from rebalancing.policies.drift import Drift
from rebalancing.policies.policy import PolicyKind
from rebalancing.risk_data.risk_models import risk_model
from rebalancing.telling import explanation
from rebalancing.telling.figures import Choices, Figures, Proof
from rebalancing.telling.terms import Terms
from rebalancing.trades import arrays, budget, measures
from rebalancing.trades.best_trades import best_trades, dearer_risk, with_needs_placed
from rebalancing.trades.budget import Bounded
from rebalancing.trades.gain_prices import Prices, gain_prices
from rebalancing.trades.index import universe
from rebalancing.types import (
    BASIS_POINTS,
    ZERO,
    HouseholdState,
    Looked,
    Outcome,
    RebalanceResult,
)
from rebalancing.versions.ways import Solve, Way

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


def look_of(measured: Drift, *, counted: bool, figures: Figures | None = None) -> Looked:
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


class Search:
    """Solve one household that is out of band, twice at most, and check what comes out.

    A ``way`` finds the trades otherwise, and is not asked whether they are worth it. ``factor_gain_limit`` is that of a
    rebalance which nothing but a factor has opened. ``is_for_mandate``: nothing but a broken rule has opened it.
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
        terms: Callable[[], Terms],
        factor_gain_limit: Decimal | None = None,
        is_for_mandate: bool = False,
        way: Way | None = None,
    ) -> None:
        self._way = way
        self._is_for_mandate = is_for_mandate
        self._factor_gain_limit = factor_gain_limit
        self._terms = terms()  # now, and not when the trades are found
        self._measured = measured
        self._check = check
        self._usage = capped(
            usage,
            factor_gain_limit,
            accounts=proposal_selectors.accounts_on_the_return(state.household)
            if factor_gain_limit is not None
            else (),
            year=state.as_of.year,
        )
        self._lots = {(lot.opening, lot.part): lot for lot in lots}
        self._household = state.household
        self._as_of = state.as_of
        self._windows = proposal_selectors.windows(state.household, self._as_of, drafts=drafts)
        ahead = coming_entries(self._windows.coming)
        self._ledgers = _ledgers(state.household, self._as_of, intentions, drafts, ahead)
        self._free = tradable(state, self._windows)
        self._touched = touched
        self._haste = HASTE[0]  # of the trades that were taken
        self._must_act = state.must_act
        self._state = decision.narrowed(self._free, measured, touched)
        self._securities = universe(state)
        self._risk = risk_model(firm_id=firm_id, state=state)

    def run(self) -> RebalanceResult:
        """Raises RebalancingError where the optimiser has no answer or its trades break a rule."""
        self._state = with_needs_placed(self._state, self._risk)
        self._must_act = self._state.must_act  # not for a need of which nothing can be raised
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
                        *kept_back(self._state),
                        *below_minimum(self._state, figures.cash_after),
                        *([self._check.told()] if self._check.breaches else []),
                    ]
                ),
                figures,
            )
        if self._is_for_mandate and not self._check.narrows(figures):
            return self._nothing(
                Outcome.NO_TRADES,
                " ".join(
                    [
                        f"{far_out}. A hard rule is broken, and no trades bring it nearer its limit.",
                        self._check.told(),
                        *kept_back(bounded.state),
                    ]
                ),
                figures,
            )
        at_any_price = self._measured.cash_breached or self._must_act or self._way is not None
        must_trade = at_any_price or self._check.narrows(figures)
        must_pay = self._state.limits.only_if_worth_it and not must_trade
        is_refused = must_pay and not figures.worth.is_worth_it
        among = self._proven_among(bounded)
        told = explanation.not_worth_it(figures, symbols) + budget.sentence(bounded)
        bounded, choices = self._against_the_band_rule(bounded, is_refused=is_refused)
        if is_refused and (choices is None or not choices.is_rule):
            told = " ".join([told, *kept_back(bounded.state)])
            return self._nothing(Outcome.NOT_WORTH_IT, told, figures)
        figures = bounded.figures
        worse = "" if must_trade or self._is_overdrawn else self._worse_than_none(figures, choices)
        if worse:
            return self._nothing(Outcome.NO_TRADES, f"{far_out}, but {worse}", figures)
        draft = draft_of(
            Found(
                bounded=bounded,
                choices=choices,
                among=among,
                gain_prices=self._gain_prices(bounded, choices),
                check=self._check,
                windows=self._windows,
                risk=self._risk,
                way=self._way,
                factor_gain_limit=self._factor_gain_limit,
                executed_on=selectors.executed_on(self._household, self._as_of),
                purchases=lot_selectors.purchases_searched(self._household),
                terms=self._terms,
            )
        )
        return RebalanceResult(
            self._household,
            self._as_of,
            draft,
            Outcome.PROPOSED,
            draft.sentence,
            look_of(self._measured, counted=True, figures=figures),
        )

    def _nothing(
        self, reason: Outcome, detail: str, figures: Figures | None = None
    ) -> RebalanceResult:
        looked = look_of(self._measured, counted=reason in _ENDED, figures=figures)
        told = " ".join([*not_ready(self._state), detail])
        return RebalanceResult(self._household, self._as_of, None, reason, told, looked)

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

        While a hard rule that is no limit of the problem stays broken, risk is made dearer, step by step. The first
        trades that cure are taken, else the last that come nearer and break no other rule, else those at the policy's
        own price. Raises what the optimiser says at that price where no step has an answer.
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
            if not self._check.left_to_haste(self._state, bounded.figures):
                break
        if found is None:
            assert refusal is not None  # every step ended one way or the other
            raise refusal
        return found

    def _within_budget(self, state: HouseholdState, haste: int = HASTE[0]) -> Bounded:
        solve: Solve = partial(best_trades, risk=self._risk, adjust=dearer_risk(haste))
        if self._way is not None:
            solve = self._way.solver(self._risk, self._securities, self._usage)
        return budget.within(state, self._usage, self._lots, keeping(self._check, solve))

    @property
    def _is_overdrawn(self) -> bool:
        return any(account.cash < ZERO for account in self._state.accounts)

    def _priced(self) -> Callable[[Sequence[DraftTrade]], Decimal]:
        """Dollars of trades by the objective of the policy's own price of risk."""
        problem, index = arrays.build(self._state, self._risk)
        return lambda trades: measures.objective(trades, problem, index)

    def _worse_than_none(self, figures: Figures, choices: Choices | None) -> str:
        """Why the trades are not proposed where none are better by their own objective (F4); empty where they are not.

        The optimum never is before it becomes whole shares.
        """
        if choices is not None:
            nothing, traded = choices.nothing, choices.proposed
        else:
            priced = self._priced()
            nothing, traded = priced(()), priced(figures.trades)
        return explanation.worse_than_none(nothing, traded, choices, self._state.limits)

    def _against_the_band_rule(
        self, bounded: Bounded, *, is_refused: bool = False
    ) -> tuple[Bounded, Choices | None]:
        """The optimum beside no trade and the band rule, all priced by the optimum's own objective (F4).

        Whole shares and smallest trades can cost the optimum more than its lead: the better of the two is proposed.
        An optimum that ``is_refused`` as not worth its cost leaves the band rule's trades, where they are worth theirs
        and better than none: the objective knows no ticket of an order, and more orders are more tickets.
        """
        limits = self._state.limits
        # A rule about bands does not know what must be done.
        if self._must_act or self._check.breaches or self._way is not None:
            return bounded, None
        if self._touched is not Scope.EVERYTHING or limits.kind is not PolicyKind.OPTIMUM:
            return bounded, None
        priced = self._priced()
        nothing, mine = priced(()), priced(bounded.figures.trades)
        narrow = decision.narrowed(self._state, self._measured, Scope.OUTSIDE)
        try:
            rule = self._within_budget(narrow)
        except RebalancingError as error:
            return bounded, Choices(nothing, mine, why_no_rule=str(error))
        if rule.left_over:
            return bounded, Choices(nothing, mine, why_no_rule=budget.why_not(rule))
        theirs = priced(rule.figures.trades)
        if theirs >= (nothing if is_refused else mine):
            return bounded, Choices(nothing, mine, theirs)
        why_not = self._why_no_proposal(rule.figures)
        if not why_not:
            # Its own bound is that of a narrower problem with other aims: the optimum's is the one it is compared with.
            proof = nearer_by(bounded.figures.proof, mine - theirs, value=self._state.value)
            told = replace(rule, figures=replace(rule.figures, proof=proof))
            return told, Choices(nothing, mine, theirs, is_rule=True)
        return bounded, Choices(nothing, mine, theirs, why_not_rule=why_not)

    def _why_no_proposal(self, figures: Figures) -> str:
        """What keeps the band rule's trades from passing what the optimum's have passed before; empty: nothing."""
        symbols = self._state.symbols
        if not figures.trades:
            return "has no trades"
        must_pay = self._state.limits.only_if_worth_it and not self._measured.cash_breached
        if must_pay and not figures.worth.is_worth_it:
            return "is not worth its whole cost"
        washed = self._washed(figures.trades)
        if washed:
            return f"would wash a loss of {', '.join(sorted(symbols[one] for one in washed))}"
        broken = self._check.broken_by(figures)
        if broken:
            told = " ".join(rule_sentence(one, symbols) for one in broken)
            return f"would break the mandate. {told}"
        return ""

    def _proven_among(self, bounded: Bounded) -> list[str]:
        """What else holds of the trades that the bound is about, where it is not about all of them."""
        found = [*(self._way.among if self._way else ())]
        if self._haste > HASTE[0]:
            found.append(
                f"with risk {self._haste} times as dear as the policy says, to cure the mandate"
            )
        found += [
            f"with {name} as near its limit as the others allow"
            for name in self._check.given_way(self._state, bounded.figures)
        ]
        if bounded.is_bound:
            found.append("without the sales that were held back for the budget of gains")
        if self._touched is Scope.OUTSIDE:
            found.append("of what is out of band and what offsets it, to where the policy aims")
        if self._touched is Scope.CASH_ONLY:
            found.append("that only invest or raise cash")
        return found

    def _gain_prices(self, bounded: Bounded, choices: Choices | None) -> Prices:
        """What a little more of the budget would buy, where it binds, or why that is not known (F35).

        It is the optimiser's price at the policy's price of risk: of trades found otherwise it says nothing.
        """
        if self._usage is None or not bounded.is_bound:
            return ""
        if self._way is not None:
            return "the trades are not the optimum by themselves"
        if choices is not None and choices.is_rule:
            return "the trades are the band rule's"
        if self._check.breaches and self._factor_gain_limit is None:
            return "a hard rule of the mandate decides the trades"
        return gain_prices(self._state, self._risk, self._usage, haste=self._haste)


def nearer_by(proof: Proof, gained: Decimal, *, value: Decimal) -> Proof:
    """The proof of trades whose objective is ``gained`` dollars below that of the proof's own (negative: above)."""
    gap = max(proof.gap_bp - gained / value * BASIS_POINTS, ZERO).quantize(measures.GAP_QUANTUM)
    if proof.objective is None or proof.bound is None:
        return replace(proof, gap_bp=gap)
    objective = proof.objective - gained
    return replace(proof, gap_bp=gap, objective=objective, bound=min(proof.bound, objective))


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
