"""What saves the solver work must not change an answer: trades left out, tax pieces never relaxed."""

from dataclasses import replace

import numpy as np
import pytest

from rebalancing.optimizer import conic, sides, solve
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.sides import Search, open_search
from rebalancing.optimizer.subproblem import Status
from rebalancing.optimizer.tax_schedule import Box, pieces
from tests.rebalancing.optimizer.households import USUAL, assert_proven, household
from tests.rebalancing.optimizer.test_tax_schedule import SCHEDULES

MANY = {"n": 20, "lots": 160, "accounts": 2}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_least_of_a_piece_is_below_every_point_of_it_and_reached(schedule):
    random = np.random.default_rng(3)
    for _ in range(20):
        low, high = random.uniform(-0.05, 0.0, 2), random.uniform(0.0, 0.05, 2)
        box = Box(low[0], high[0], low[1], high[1])
        prices = random.uniform(-0.5, 0.5, 2)
        grid = [
            (s, t) for s in np.linspace(*box[:2], 41) for t in np.linspace(*box[2:], 41)
        ]  # fmt: skip
        for piece in pieces(schedule):
            inside = [point for point in grid if piece.contains(*point)]
            if not inside:
                continue
            values = [piece.value(s, t) + prices @ (s, t) for s, t in inside]
            least = piece.least(float(prices[0]), float(prices[1]), box)
            assert least <= min(values) + 1e-15
            assert least >= min(values) - 0.005  # a step of the grid at these prices


def test_nothing_is_said_of_a_box_without_end():
    piece, *_ = pieces(USUAL)
    assert piece.least(0.0, 0.0, Box(-np.inf, 1.0, 0.0, 1.0)) == -np.inf


@pytest.mark.parametrize("seed", range(6))
def test_multipliers_of_one_tax_piece_never_say_too_much_of_another(seed):
    problem = condense(household(seed, **MANY)).problem
    search = open_search(problem, conic.solve_conic)
    groups = search.either_or
    found = {
        piece: conic.solve_conic(replace(search.subproblem(piece, ()), undecided=groups), None)
        for piece in search.pieces
    }
    for piece, outcome in found.items():
        for other, its_own in found.items():
            if outcome.status is its_own.status is Status.OPTIMAL:
                assert search.elsewhere(outcome, other) <= its_own.bound + 1e-8
        if outcome.status is Status.OPTIMAL:
            assert search.elsewhere(outcome, piece) == pytest.approx(outcome.bound, abs=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_a_piece_that_is_never_relaxed_holds_nothing_better(monkeypatch, seed):
    problem = household(seed, tax=USUAL, **MANY)
    quick = solve(problem)
    monkeypatch.setattr(Search, "elsewhere", lambda *_: -np.inf)
    thorough = solve(problem)
    assert_proven(problem, quick)
    assert quick.objective == pytest.approx(thorough.objective, abs=sides.CLOSE)
    assert quick.bound <= thorough.objective + 1e-12
    assert quick.solves < thorough.solves


@pytest.mark.parametrize("guess", ["as ever", "no trade at all", "every other trade"])
@pytest.mark.parametrize("impact", [False, True])
def test_trades_left_out_are_let_in_where_they_pay(monkeypatch, guess, impact):
    problem = condense(household(7, impact=impact, **MANY)).problem
    search = open_search(problem, conic.solve_conic)
    calls = []
    real, likely = conic.run_clarabel, conic._likely

    def run(*args):
        calls.append(len(args[1]))
        return real(*args)

    guesses = {
        "as ever": likely,
        "no trade at all": lambda _, columns: np.zeros(len(columns.sign), dtype=np.bool_),
        "every other trade": lambda _, columns: np.arange(len(columns.sign)) % 2 == 0,
    }
    for piece in search.pieces:
        for undecided in (search.either_or, ()):
            sub = replace(search.subproblem(piece, ()), undecided=undecided)
            if not undecided:
                buys = tuple((group, sides.BUY) for group in search.either_or)
                sub = search.subproblem(piece, buys)
            with monkeypatch.context() as patch:
                patch.setattr(conic, "_WORTH_SIFTING", 10**6)
                whole = conic.solve_conic(sub, None)
            with monkeypatch.context() as patch:
                patch.setattr(conic, "_WORTH_SIFTING", 5)
                patch.setattr(conic, "_likely", guesses[guess])
                patch.setattr(conic, "run_clarabel", run)
                calls.clear()
                sifted = conic.solve_conic(sub, None)
            assert sifted.status is whole.status
            assert calls
            if whole.status is Status.OPTIMAL:
                assert sifted.bound == pytest.approx(whole.bound, abs=1e-8)
