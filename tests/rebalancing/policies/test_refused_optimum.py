"""An optimum that is not worth its cost leaves the band rule's trades, where they are worth theirs (F4, F5)."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from proposals.costs import Commission, TradingCosts
from rebalancing.policies import decision, drift
from rebalancing.policies.decision import Scope
from rebalancing.policies.worth import Worth
from rebalancing.telling.explanation import choices, worse_than_none
from rebalancing.telling.figures import Choices
from rebalancing.trades import arrays, measures
from rebalancing.trades.best_trades import best_trades
from tests.rebalancing.policies.test_policies_on_record import say
from tests.rebalancing.states import LIMITS, account, lot, risk, state
from tests.rebalancing.test_services import Desk, desk, drifted

__all__ = ["desk", "drifted"]  # fixtures


def test_tickets_can_make_the_optimum_not_worth_it_and_the_band_rule_worth_it() -> None:
    """Five names of one IRA, $3 an order. The objective knows rates and no tickets, so its optimum mends every name.

    Whole shares are the other way to this, and come to cents.
    """
    held = {1: "246", 2: "195", 3: "197", 4: "191", 5: "170"}
    start = state(
        accounts=(account(1, "100", is_taxable=False),),
        lots=tuple(lot(one, held[one], "100", opening=one, is_taxable=False) for one in held),
        prices=dict.fromkeys(held, "100"),
        targets={1: "0.2", 2: "0.2", 3: "0.2", 4: "0.2", 5: "0.17"},
        limits=replace(LIMITS, risk_aversion=D(4), horizon_years=D("0.25"), minimum_trade=D(100)),
    )
    start = replace(start, costs=TradingCosts(commissions={1: Commission(per_order=D(3))}))
    narrow = decision.narrowed(start, drift.of_state(start), Scope.OUTSIDE)
    optimum, rule = best_trades(start, risk(5)), best_trades(narrow, risk(5))
    assert (len(optimum.trades), len(rule.trades)) == (3, 1)
    assert not optimum.worth.is_worth_it
    assert rule.worth.is_worth_it
    problem, index = arrays.build(start, risk(5))
    nothing, best, other = (
        measures.objective(trades, problem, index) for trades in ((), optimum.trades, rule.trades)
    )
    assert best < other < nothing


@pytest.mark.django_db
def test_the_band_rules_trades_take_the_place_of_an_optimum_that_costs_too_much(
    drifted: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say(drifted, kind="threshold")
    rule = drifted.examine().draft
    say(drifted, kind="optimum")
    optimum = drifted.examine().draft
    assert optimum is not None
    assert rule is not None
    assert rule.cost < optimum.cost

    def up_to(cost: D) -> None:
        cheap = property(lambda worth: worth.trading_cost <= cost)
        monkeypatch.setattr(Worth, "is_worth_it", cheap)

    up_to(rule.cost)
    found = drifted.examine()
    assert found.draft is not None
    assert found.draft.trades == rule.trades
    assert found.draft.gap_bp is not None
    assert optimum.gap_bp is not None
    assert found.draft.gap_bp > optimum.gap_bp
    told = found.draft.explanation["choices"]
    assert isinstance(told, dict)
    assert told["sentence"].startswith("Proposed is the band rule: $")
    assert "better still by this measure, is not worth its whole cost." in told["sentence"]
    # Neither is worth it: the optimum's figures say why.
    up_to(D(0))
    found = drifted.examine()
    assert (found.draft, found.reason) == (None, "not_worth_it")
    assert found.looked is not None
    assert found.looked.worth is not None
    assert found.looked.worth.trading_cost == optimum.cost
    # Worth it by its cost alone, and worse than no trade by the objective: that is no proposal.
    up_to(rule.cost)
    monkeypatch.setattr(measures, "objective", lambda trades, problem, index: D(len(trades)))
    assert drifted.examine().reason == "not_worth_it"


def test_the_optimum_that_was_refused_is_told_beside_the_rule() -> None:
    told = choices(Choices(D(11), D(3), D(4), is_rule=True), LIMITS)
    assert told is not None
    assert told["sentence"] == (
        "Proposed is the band rule: $7.00 better than no trade. The optimum, $1.00 better still by this measure, is "
        "not worth its whole cost."
    )
    told = choices(Choices(D(11), D(5), D(4), is_rule=True), LIMITS)
    assert told is not None
    assert str(told["sentence"]).endswith("and $1.00 better than the optimum in whole shares.")


def test_a_band_rule_that_is_better_and_not_proposed_is_never_less_than_nothing_better() -> None:
    refused = Choices(D(11), D(5), D(4), why_not_rule="is not worth its whole cost")
    told = choices(refused, LIMITS)
    assert told is not None
    assert told["sentence"] == (
        "Proposed is the optimum: $6.00 better than no trade. $1.00 better still would be the band rule, which is not "
        "worth its whole cost."
    )
    # Where cash must be mended the optimum may be worse than no trade.
    told = choices(Choices(D(1), D(5), D(4), why_not_rule="has no trades"), LIMITS)
    assert told is not None
    assert told["sentence"] == (
        "Proposed is the optimum: $4.00 worse than no trade, which would leave cash outside its limits. $1.00 better "
        "would be the band rule, which has no trades."
    )
    # Less than a cent is no lead.
    told = choices(Choices(D(11), D("5.001"), D(5), why_not_rule="has no trades"), LIMITS)
    assert told is not None
    assert str(told["sentence"]).endswith("and $0.00 better than the band rule.")


def test_trades_that_are_worse_than_none_are_told_with_both_figures() -> None:
    why = "would break the mandate. The largest weight is 12 %, at most 10 % (M1)."
    refused = Choices(D(4), D(5), D(3), why_not_rule=why)
    told = (
        "in whole shares the best trades are $1.00 worse than no trade: $5.00 against $4.00 of tracking cost over a "
        "year, cost, and tax of this year and later."
    )
    assert worse_than_none(D(4), D(5), None, LIMITS) == told
    assert worse_than_none(D(4), D(5), refused, LIMITS) == (
        f"{told} $1.00 better than no trade would be the band rule, which {why}"
    )
    assert worse_than_none(D(2), D(5), refused, LIMITS).endswith("this year and later.")
    assert worse_than_none(D(5), D(5), refused, LIMITS) == ""
    assert worse_than_none(D("4.999"), D(5), refused, LIMITS) == ""  # both are told as $5.00
