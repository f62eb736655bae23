"""A household against the rules of its mandates, before and after trades. Knows no database."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from accounts.canonical import decimal_text
from rebalancing.mandates import rules as mandates
from rebalancing.mandates.bounds import joint_bounds, largest_together, weight_bounds
from rebalancing.mandates.exposures import risk_figures, unit_exposures
from rebalancing.mandates.rule_words import (
    at_least,
    at_most,
    limits,
    rule_sentence,
    shown,
    subject,
)
from rebalancing.mandates.rules import Classification, Portfolio, Rule, RuleFinding
from rebalancing.risk import RiskModel
from rebalancing.telling.figures import Figures
from rebalancing.trades.joint_rows import least_step, one_share
from rebalancing.types import ZERO, HouseholdState, JointBounds

# How much dearer risk becomes, step by step, while a broken rule is not cured.
HASTE = (1, 10, 100, 1000)


class Done(Protocol):
    """A household once some trades are done: what ``explanation.Figures`` say of it."""

    @property
    def after(self) -> Mapping[int, Decimal]:
        """Dollars by security."""
        ...

    @property
    def cash_after(self) -> Mapping[int, Decimal]:
        """Dollars by account."""
        ...


def portfolio_of(
    state: HouseholdState,
    classes: Mapping[int, Classification],
    *,
    risk: RiskModel | None,
    why_no_risk: str = "",
    figures: Done | None = None,
) -> Portfolio:
    """The household as rules see it, as it is or with the trades of ``figures`` done.

    ``risk`` is of ``arrays.universe(state)``; without it rules about risk are unknown because of ``why_no_risk``. The
    household must be worth something.
    """
    holdings = state.holdings() if figures is None else figures.after
    cash = state.cash if figures is None else sum(figures.cash_after.values(), ZERO)
    value = sum(holdings.values(), cash)
    return Portfolio(
        weights={security: dollars / value for security, dollars in holdings.items()},
        cash=cash / value,
        targets=state.targets,
        classes=classes,
        symbols=state.symbols,
        groups=state.groups,
        risk=None if risk is None else risk_figures(state, risk, holdings),
        why_no_risk=why_no_risk,
    )


class MandateCheck:
    """The rules of one household, and how it stands to them before anything is traded."""

    def __init__(
        self,
        *,
        rules: Sequence[Rule],
        state: HouseholdState,
        classes: Mapping[int, Classification],
        risk: RiskModel | None = None,
        why_no_risk: str = "",
    ) -> None:
        self.rules, self._state, self._classes = tuple(rules), state, classes
        self._risk, self._why = risk, why_no_risk
        self._portfolio = portfolio_of(state, classes, risk=risk, why_no_risk=why_no_risk)
        self.before = mandates.check(self.rules, self._portfolio)

    @property
    def portfolio(self) -> Portfolio:
        """The household as its rules see it."""
        return self._portfolio

    @property
    def breaches(self) -> tuple[RuleFinding, ...]:
        """Hard rules that are broken today: a reason to trade inside all bands."""
        return tuple(one for one in self.before if one.is_hard_breach)

    def bounded(self, state: HouseholdState) -> HouseholdState:
        """The state with the weights that hard rules allow single securities, and several together.

        A rule that is broken is a limit that gives way, also where it is about one security.
        """
        asks = any(one.kind is mandates.RuleKind.FACTOR for one in self.rules)
        exposures = unit_exposures(self._state, self._risk) if asks and self._risk else {}
        return replace(
            state,
            bounds=weight_bounds(
                [one.rule for one in self.before if not one.is_hard_breach], self._portfolio
            ),
            joint=joint_bounds(self.before, self._portfolio, exposures),
        )

    def tightened(
        self, joint: Sequence[JointBounds], figures: Figures
    ) -> tuple[JointBounds, ...] | None:
        """The limits with wider margins where these trades miss them in whole shares; None: they miss none.

        A limit that is missed by more than rounding has given way, and stays. Where other names have become the ten
        largest, they get a limit of their own.
        """
        after, traded = self._portfolio_after(figures), len(figures.trades)
        found = [self._widened(one, one.missed(after.weights, after.cash), traded) for one in joint]
        for finding in self.after(figures) if traded else ():
            if finding.is_hard_breach and finding.rule.kind is mandates.RuleKind.TOP_TEN:
                cut = largest_together(finding.rule, after)
                if not any((one.rule, one.weights) == (cut.rule, cut.weights) for one in joint):
                    found.append(cut)
        return None if found == list(joint) else tuple(found)

    def _widened(self, bound: JointBounds, missed: Decimal, trades: int) -> JointBounds:
        """With a wider margin where the limit is missed by no more than rounding: that is a share a trade."""
        share = one_share(bound, self._state) / self._state.value
        if not missed or abs(missed) > share * trades:
            return bound
        step = least_step(bound, self._state) / self._state.value
        if missed > ZERO:
            return replace(bound, high_margin=bound.high_margin + missed + step)
        return replace(bound, low_margin=bound.low_margin - missed + step)

    def left_to_haste(self, state: HouseholdState, figures: Figures) -> bool:
        """Whether a hard rule stays broken that is no limit of the optimiser's: dearer risk may cure it."""
        limits = {one.rule for one in state.joint}
        return any(one.is_hard_breach and one.rule.id not in limits for one in self.after(figures))

    def given_way(self, state: HouseholdState, figures: Figures) -> tuple[str, ...]:
        """Rules on several securities together that are broken after the trades, in words."""
        broken = {one.rule.id for one in self.after(figures) if one.is_hard_breach}
        return tuple(dict.fromkeys(one.name for one in state.joint if one.rule in broken))

    def after(self, figures: Done) -> tuple[RuleFinding, ...]:
        """The same rules once the trades are done."""
        return mandates.check(self.rules, self._portfolio_after(figures))

    def _portfolio_after(self, figures: Done) -> Portfolio:
        return portfolio_of(
            self._state, self._classes, risk=self._risk, why_no_risk=self._why, figures=figures
        )

    def is_cured(self, figures: Figures) -> bool:
        """Whether no hard rule is broken after the trades."""
        return not any(one.is_hard_breach for one in self.after(figures))

    def narrows(self, figures: Figures) -> bool:
        """Whether the trades cure or narrow a breach, and worsen none."""
        return mandates.narrowed(self.before, self.after(figures), spent=self._spent(figures))

    def broken_by(self, figures: Figures) -> tuple[RuleFinding, ...]:
        """Hard rules that the trades break, or break further: they must not be proposed."""
        return self.worsened_by(figures) if figures.trades else ()

    def worsened_by(self, figures: Done) -> tuple[RuleFinding, ...]:
        """The same of anything done, trades or not."""
        return mandates.worsened(self.before, self.after(figures), spent=self._spent(figures))

    def _spent(self, figures: Done) -> Decimal:
        """What trading costs, as a part of the value that it leaves."""
        left = sum(figures.after.values(), sum(figures.cash_after.values(), ZERO))
        return max((self._state.value - left) / left, ZERO) if left > ZERO else ZERO

    def triggers(self, figures: Figures | None = None) -> tuple[str, ...]:
        """Reason codes of the breaches, each once; with ``figures`` of those that the trades bring nearer (F23)."""
        found = self.breaches
        if figures is not None:
            found = mandates.nearer(self.before, self.after(figures))
        return tuple(dict.fromkeys(one.rule.kind.trigger.value for one in found))

    def explanation(self, figures: Figures) -> list[dict[str, object]]:
        """What is broken today, with the figures after the trades, for the proposal's page."""
        return [
            {
                "rule": was.rule.id,
                "what": subject(was.rule, self._state.symbols),
                "limit": limits(was.rule),
                "before": shown(was.rule, was.value),
                "after": shown(now.rule, now.value),
                "cured": now.state is mandates.State.INSIDE,
            }
            for was, now in zip(self.before, self.after(figures), strict=True)
            if was.is_hard_breach
        ]

    def sentence(self, figures: Figures) -> str:
        """What the trades do to each broken rule; empty where none is broken."""
        parts = [
            f"{row['what']} {row['before']} → {row['after']}, {row['limit']} ({row['rule']})"
            for row in self.explanation(figures)
        ]
        return f" Mandate: {'; '.join(parts)}." if parts else ""

    def contradiction(self) -> str:
        """Which hard rules no portfolio keeps beside each other, or beside the policy's cash band; empty: none."""
        symbols, policy = self._state.symbols, self._state.limits
        found = [
            f"{subject(floor, symbols)} cannot be {at_least(floor)} ({floor.id}) and {at_most(ceiling)} ({ceiling.id})."
            for floor, ceiling in mandates.contradictions(self.rules)
        ]
        least = policy.cash_minimum
        most = max(policy.cash_maximum, 1 - sum(self._state.targets.values(), ZERO), least)
        for rule in self.rules:
            is_hard_cash = rule.is_hard and rule.kind is mandates.RuleKind.CASH
            too_low = rule.high is not None and rule.high < least
            too_high = rule.low is not None and rule.low > most
            if is_hard_cash and (too_low or too_high):
                band = f"{decimal_text(least * 100)} % to {decimal_text(most * 100)} %"
                found.append(f"Cash {limits(rule)} ({rule.id}) is outside the policy's {band}.")
        return " ".join(found)

    def told(self) -> str:
        """What is broken today in one sentence."""
        return " ".join(rule_sentence(one, self._state.symbols) for one in self.breaches)
