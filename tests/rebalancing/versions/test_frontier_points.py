"""Points between little tax and little tracking error: whole shares, checked, inside the budget."""

from dataclasses import replace
from decimal import Decimal as D
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from proposals.budgets import Budget, Usage, fits, gains_of
from rebalancing.errors import RebalancingError, TooFarFromBest
from rebalancing.household.checks import verify
from rebalancing.optimizer import FrontierPoint, Problem, frontier
from rebalancing.telling.figures import Figures
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import universe
from rebalancing.transition.tracking_first import tax_added
from rebalancing.types import HouseholdState
from rebalancing.versions import frontier_points
from rebalancing.versions.frontier_points import FrontierWalk
from rebalancing.versions.ways import AroundRows, PlanStep
from tests.rebalancing.states import DAY, TAX, account, lot, random_state, risk, state
from tests.rebalancing.trades.test_budget import rows_of


def loaded() -> HouseholdState:
    """$100,000 with 60 % in S1 (target 40 %) in lots that gain 80, 50 and 20 dollars a share, one that loses 10."""
    return state(
        accounts=(account(cash="3000"),),
        lots=(
            lot(1, "200", "4000", opening=1),
            lot(1, "200", "10000", opening=2),
            lot(1, "150", "12000", opening=3),
            lot(1, "50", "5500", opening=4),
            lot(2, "370", "35000", opening=5),
        ),
        prices={1: "100", 2: "100", 3: "100"},
        targets={1: "0.40", 2: "0.37", 3: "0.20"},
    )


def walked(
    found: HouseholdState, usage: Usage | None = None, plan: PlanStep | None = None
) -> tuple[FrontierWalk, Figures]:
    walk = FrontierWalk(lots=rows_of(found), plan=plan)
    securities = universe(found)
    return walk, walk.solver(risk(len(securities)), securities, usage)(found)


def test_the_points_go_from_little_tax_to_little_tracking_error() -> None:
    walk, given = walked(loaded())

    assert len(walk.points) >= 5
    assert sum(point.is_given for point in walk.points) == 1
    for earlier, later in pairwise(walk.points):
        assert later.figures.risk_after < earlier.figures.risk_after
        assert (
            later.figures.worth.tax + later.figures.worth.trading_cost
            > earlier.figures.worth.tax + earlier.figures.worth.trading_cost
        )
    for point in walk.points:
        assert not point.figures.trades or verify(point.figures.trades, loaded()) == []
    least, nearest = walk.points[0].figures, walk.points[-1].figures
    # 50 shares at a loss of 10 and 149 at a gain of 20 dollars: 2,480 at 23.8 %
    assert tax_added(least) <= D(0) < tax_added(nearest) == D("590.24")
    assert given.trades == best_trades(loaded(), risk(3)).trades


def test_every_point_is_proven_at_its_own_price_of_risk() -> None:
    walk, _ = walked(loaded())

    *others, nearest = [point.figures.proof.gap_bp for point in walk.points]
    assert all(D(0) <= gap < D(1) for gap in others)
    assert nearest < D(10)  # a price of risk of 10,000 sees what whole shares leave
    for point in walk.points:
        kept = frontier_points.record_of(point)
        assert frontier_points.proof_of_record(kept) == point.figures.proof
    record: dict[str, Any] = frontier_points.record_of(walk.points[-1])
    del record["proof"]["objective"], record["proof"]["bound"]  # as an earlier version kept it
    earlier = frontier_points.proof_of_record(record)
    assert (earlier.objective, earlier.bound) == (None, None)
    assert earlier.gap_bp == nearest


def test_a_point_whose_search_was_cut_short_too_far_away_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = {False: 30.0, True: 6.0}

    def cut(problem: Problem, **keys: Any) -> tuple[FrontierPoint, ...]:
        return tuple(
            replace(
                point,
                solution=replace(
                    point.solution,
                    status="time_limit",
                    bound=point.solution.objective - far[point.is_given] / 1e4,
                    gap_bp=far[point.is_given],
                ),
            )
            for point in frontier(problem, **keys)
        )

    monkeypatch.setattr(frontier_points, "frontier", cut)
    walk, given = walked(loaded())
    assert [point.is_given for point in walk.points] == [True]
    assert walk.left_out >= 4
    record = frontier_points.record_of(walk.points[0])
    told = frontier_points.proof_of_record(record).cut_short
    assert told == given.proof.cut_short
    assert told.startswith("The search was stopped by the clock: these trades are at most $60.")
    far[True] = 30.0
    with pytest.raises(TooFarFromBest):
        walked(loaded())


def test_the_points_stay_inside_the_budget() -> None:
    usage = Usage(
        budget=Budget(year=DAY.year, long_limit=D(1_000)), accounts=frozenset({1}), tax=TAX
    )
    walk, _ = walked(loaded(), usage)

    gains = [
        gains_of(point.figures.trades, rows_of(loaded()), accounts={1}, as_of=DAY)
        for point in walk.points
    ]
    assert len(gains) >= 3
    assert all(fits(usage, one) for one in gains)
    assert max(one.long for one in gains) > D(900)


def test_a_plans_step_is_the_nearest_point_of_its_frontier() -> None:
    usage = Usage(
        budget=Budget(year=DAY.year, long_limit=D(1_000)), accounts=frozenset({1}), tax=TAX
    )
    walk, given = walked(loaded(), usage, PlanStep(DAY))

    assert given.risk_after == min(point.figures.risk_after for point in walk.points)


def test_a_stored_point_is_traded_to_the_share() -> None:
    found = loaded()
    walk, _ = walked(found)
    point = walk.points[-2]
    record = frontier_points.record_of(point)
    way = AroundRows(
        rows=frontier_points.fixed_of(record),
        by="Ada",
        alone=frontier_points.proof_of_record(record),
        because=("FRONTIER",),
    )
    figures = way.solver(risk(3), universe(found), None)(found)

    assert figures == point.figures
    assert frontier_points.is_of(record, figures.trades)
    assert not frontier_points.is_of(record, figures.trades[1:])
    assert record["tax"] == f"{tax_added(figures):.2f}"
    assert record["carried_worth"] == f"{figures.carried_worth:.2f}"
    assert record["later_tax"] == f"{figures.worth.later_tax:.2f}"


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_household_each_point_is_a_proposal(seed: int) -> None:
    found = random_state(Random(seed))
    try:
        walk, given = walked(found)
    except RebalancingError:
        return
    assert verify(given.trades, found) == [] or not given.trades
    assert any(point.is_given for point in walk.points)
    for point in walk.points:
        assert not point.figures.trades or verify(point.figures.trades, found) == []
        record = frontier_points.record_of(point)
        assert len(frontier_points.fixed_of(record)) == len(point.figures.trades)
