"""Nothing below the smallest trade, as good as an independent branch and bound, and with a bound that knows of it."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from rebalancing.optimizer import conic, evaluate, single_security, smallest_trade, solve
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.objective import sold_by_position
from rebalancing.optimizer.price_ascent import raised
from rebalancing.optimizer.prices import prices_at
from rebalancing.optimizer.security_bounds import alone_at, bound_at
from rebalancing.optimizer.sides import open_search
from tests.rebalancing.optimizer.households import (
    ST_GAINS,
    USUAL,
    assert_proven,
    household,
    one_security,
    random_feasible,
)
from tests.rebalancing.optimizer.independent import mixed_integer

BASIS_POINT = 1e-4


def trades(problem, buys, sells):
    return np.concatenate([buys, sold_by_position(problem, sells)])


def keeps_the_smallest(problem, buys, sells):
    made = trades(problem, buys, sells)
    return not np.any((made > 0.0) & (made < problem.min_trade))


# By hand: 10 d^2 * 0.04 a year of active risk against 10 bp of cost ---------------------------------


def drifted(over, **changes):
    """One security without gains, `over` its target, and cash that may take anything."""
    values = {
        "weight": 0.5, "targets": [0.5 - over], "gains": (0.0,), "cash_max": [1.0],
        "cost_rates": [0.001], "risk_aversion": 10.0, "specific_variance": [0.04],
        "may_buy": [False], "factor_loadings": np.zeros((1, 0)),
    }  # fmt: skip
    return one_security(**{**values, **changes})


# 0.8 d = 0.001 leaves d = 0.00125, so 0.00875 is sold of a drift of 0.01.
@pytest.mark.parametrize(
    ("smallest", "sold"), [(0.0, 0.00875), (0.0087, 0.00875), (0.012, 0.012), (0.0174, 0.0174), (0.0176, 0.0)]
)  # fmt: skip
def test_a_trade_wanted_at_more_than_half_the_smallest_is_made_at_the_smallest(smallest, sold):
    solution = solve(drifted(0.01, min_trade=smallest))
    assert solution.sells.sum() == pytest.approx(sold, abs=2e-7)
    assert solution.gap_bp <= 0.05  # what is not worth proving further


def test_the_bound_knows_that_a_small_trade_cannot_be_made():
    """Left alone at 0.4 * 0.01^2 = 0.4 bp, where 0.00875 sold would have left 0.0938."""
    solution = solve(drifted(0.01, min_trade=0.02))
    assert not solution.sells.any()
    assert solution.objective == pytest.approx(0.4 * BASIS_POINT)
    assert solution.bound == pytest.approx(0.4 * BASIS_POINT, abs=1e-8)


# Beside an independent branch and bound ------------------------------------------------------------


@pytest.mark.skipif(
    "SCIP" not in cp.installed_solvers(), reason="SCIP (pyscipopt) is not installed here"
)
@pytest.mark.parametrize(
    ("seed", "n", "changes"),
    [
        (0, 8, {"min_trade": 0.01}),
        (2, 8, {"min_trade": 0.01}),
        (3, 8, {"min_trade": 0.002}),
        (4, 10, {"min_trade": 0.005}),
        (5, 6, {"min_trade": 0.01, "location": True}),
        (7, 8, {"min_trade": 0.01, "later": True}),
        (8, 6, {"min_trade": 0.02, "later": True}),
        (6, 6, {"min_trade": 0.01, "security_group": np.arange(6) // 2}),
    ],
    ids=str,
)
def test_i12_as_good_as_scip_with_a_binary_a_trade(seed, n, changes):
    problem = household(seed, n=n, lots=3 * n, accounts=2, **changes)
    solution = solve(problem)
    assert_proven(problem, solution)
    assert keeps_the_smallest(problem, solution.buys, solution.sells)
    best = mixed_integer(problem)
    assert solution.bound <= best + 5e-7  # SCIP's own tolerance
    assert solution.objective <= best + 0.5 * BASIS_POINT


@pytest.mark.skipif(
    "SCIP" not in cp.installed_solvers(), reason="SCIP (pyscipopt) is not installed here"
)
@pytest.mark.parametrize(("seed", "n", "smallest"), [(0, 6, 0.01), (1, 6, 0.02), (3, 8, 0.03)])
def test_a_smallest_trade_as_large_as_a_position_leaves_an_honest_gap(seed, n, smallest):
    """Then the choice made one by one may miss the best one, and the gap says by how much at most."""
    problem = household(seed, n=n, lots=3 * n, accounts=2, min_trade=smallest)
    solution = solve(problem)
    assert_proven(problem, solution)
    assert keeps_the_smallest(problem, solution.buys, solution.sells)
    best = mixed_integer(problem)
    assert solution.bound <= best + 5e-7
    assert solution.objective <= best + 0.1 * BASIS_POINT


# The bound itself ----------------------------------------------------------------------------------


def searched(problem):
    """A search to its end on the condensed problem, and the prices at its best trades."""
    small = condense(problem).problem
    search = open_search(small, conic.solve_conic)
    best = search.run()
    prices = prices_at(small, best)
    assert prices is not None
    return search, prices, best


def bound(search, prices):
    return min(
        bound_at(search.problem, prices, piece, search.buy_max, search.sell_max, search.gains)
        for piece in search.pieces
    )


def disturbed(prices, random, size):
    """Other prices: a bound holds at any."""

    def other(values):
        return values + size * random.standard_normal(np.shape(values))

    return replace(
        prices, exposure=other(prices.exposure), net=other(prices.net), cash=other(prices.cash),
        short_gain=float(other(prices.short_gain)), long_gain=float(other(prices.long_gain)),
        tax_cap=abs(float(other(prices.tax_cap))), joint=other(prices.joint),
    )  # fmt: skip


CAPS: tuple[dict[str, float], ...] = (
    {},
    {"max_st_gain": 0.02},
    {"max_lt_gain": 0.01, "max_tax": 0.01},
    {"max_net_gain": 0.01},
    {"max_st_gain": 0.02, "max_lt_gain": 0.03, "max_tax": 0.002, "max_net_gain": 0.005},
)


@pytest.mark.parametrize("caps", CAPS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_at_any_prices_it_is_below_every_feasible_trade(seed, caps):
    random = np.random.default_rng(seed)
    problem = household(
        seed, n=6, lots=24, accounts=2 + seed % 2, impact=seed % 2 == 0, location=seed % 3 == 0,
        later=seed > 1, security_group=np.arange(6) // (1 + seed % 2), min_trade=0.004 * (seed % 4),
    )  # fmt: skip
    problem = problem.replace(tax=replace(problem.tax, **caps))
    search, prices, _ = searched(problem)
    small = search.problem
    found = [random_feasible(small, random) for _ in range(1000)]
    values = [
        evaluate(small, *one).objective
        for one in found
        if one is not None and keeps_the_smallest(small, *one)
    ]
    assert values
    values.append(solve(problem).objective)
    for size in (0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0):
        assert bound(search, disturbed(prices, random, size)) <= min(values)


def capped(**caps):
    """Two names over their targets: gains of the first that a cap holds back, and a sale of the second
    that is wanted at less than half the smallest."""
    two = np.zeros(2, dtype=np.int64)
    return one_security(
        weights=np.array([0.5, 0.1]), targets=np.array([0.1, 0.09]), cash=np.array([0.4]), cash_max=[2.0],
        position_account=two, position_security=np.arange(2), may_buy=two == 1,
        lot_weight=np.array([0.5, 0.1]), lot_sellable=np.array([0.5, 0.1]), lot_gain=np.array([0.5, 0.0]),
        lot_is_long=two == 0, lot_is_taxable=two == 0, lot_position=np.arange(2),
        specific_variance=np.full(2, 0.04), cost_rates=np.full(2, 0.001), lower=np.zeros(2), upper=np.ones(2),
        factor_loadings=np.zeros((2, 0)), risk_aversion=100.0, min_trade=0.02,
        tax=replace(USUAL, lt_realised=0.1, **caps),
    )  # fmt: skip


# Every dollar sold of the first has 0.5 of gain, taxed at 0.2: 0.3874 would be sold of it without a cap.
@pytest.mark.parametrize(
    ("caps", "sold"),
    [
        ({"max_net_gain": 0.19}, 0.38),
        ({"max_net_gain": 0.19, "max_tax": 0.5}, 0.38),
        ({"max_net_gain": 0.18, "max_tax": 0.03}, 0.30),
        ({"max_net_gain": 0.1, "max_lt_gain": 0.18}, 0.20),
        ({"max_lt_gain": 0.18}, 0.36),
    ],
    ids=str,
)
def test_it_knows_which_cap_binds_and_at_what_price(caps, sold):
    problem = capped(**caps)
    solution = solve(problem)
    assert solution.sells == pytest.approx([sold, 0.0], abs=1e-6)
    search, prices, _ = searched(problem)
    assert bound(search, prices) <= solution.objective
    assert solution.gap_bp <= 0.001  # the second name's sale alone would leave 3.9
    tax_price = prices.tax_cap if "max_tax" in caps else 0.0
    for size in (
        0.01,
        0.1,
        0.5,
        1.0,
        2.0,
        10.0,
    ):  # a price of a cap that is not there counts for nothing
        other = replace(prices, tax_cap=tax_price + size)
        assert bound(search, other) <= solution.objective


@pytest.mark.parametrize("cap", ["max_net_gain", "max_lt_gain"])
def test_a_cap_that_keeps_every_trade_off_a_tax_piece_leaves_the_others_to_prove(cap):
    """Without it the lots could lead to a net gain of the year; with it a net loss is all there is."""
    problem = capped().replace(tax=replace(USUAL, lt_realised=-0.05, **{cap: 0.04}))
    solution = solve(problem)
    assert solution.sells == pytest.approx([0.08, 0.0], abs=1e-6)
    search, prices, _ = searched(problem)
    assert len(search.pieces) > 1
    assert bound(search, prices) <= solution.objective
    assert solution.gap_bp <= 0.001


def in_accounts(count):
    """One security, in each account a loss smaller than the smallest trade, worth selling, and a dear lot."""
    own, weight = np.arange(count), 0.6 / count
    return one_security(
        weights=np.full(count, weight), targets=[0.6 - 0.00018 * count], cash=np.full(count, 0.4 / count),
        cash_min=np.zeros(count), cash_max=np.ones(count), may_buy=own < 0, lot_position=np.tile(own, 2),
        lot_weight=np.repeat([0.003, weight - 0.003], count), lot_sellable=np.repeat([0.003, weight - 0.003], count),
        lot_gain=np.concatenate([-0.1 + 0.001 * own, 0.5 + 0.001 * own]), tax=ST_GAINS,
        lot_is_long=np.zeros(2 * count, np.bool_), lot_is_taxable=np.ones(2 * count, np.bool_),
        position_account=own, position_security=np.zeros(count, np.int64), risk_aversion=5.0, min_trade=0.004,
    )  # fmt: skip


@pytest.mark.parametrize(("accounts", "gap"), [(4, 0.01), (8, 0.01), (24, 20.0)])
def test_a_security_in_many_accounts_is_bounded_after_few_cases(accounts, gap, monkeypatch):
    """Each account doubles what may be done; whatever is left of that makes the bound loose, never wrong."""
    solved, real = [], single_security._solved

    def counted(security):
        solved.append(security)
        return real(security)

    monkeypatch.setattr(single_security, "_solved", counted)
    problem = in_accounts(accounts)
    search, prices, _ = searched(problem)
    found = bound(search, prices)
    assert len(solved) <= 1000
    solution = solve(problem)
    assert found <= solution.objective
    assert solution.gap_bp <= gap


@pytest.mark.parametrize("seed", range(6))
def test_without_a_smallest_trade_or_an_either_or_it_is_the_optimum(seed):
    """Then nothing is lost: the problem is convex."""
    problem = household(
        seed, n=8, lots=24, accounts=1, lot_gain=np.linspace(0.0, 0.6, 24), tax=ST_GAINS
    )
    search, prices, best = searched(problem)
    assert not search.either_or
    assert bound(search, prices) == pytest.approx(best.objective, abs=0.01 * BASIS_POINT)


def test_the_gap_is_small_with_a_smallest_trade():
    """At a fifth of an average position, where the relaxation alone leaves several basis points."""
    gaps = []
    for seed in range(12):
        problem = household(seed, n=30, lots=100, accounts=1, min_trade=0.2 / 30)
        solution = solve(problem)
        assert_proven(problem, solution)
        assert keeps_the_smallest(problem, solution.buys, solution.sells)
        gaps.append(solution.gap_bp)
    assert np.median(gaps) < 0.1
    assert np.quantile(gaps, 0.9) < 1.0


@pytest.mark.parametrize("smallest", [0.002, 0.01])
def test_cash_that_one_account_needs_is_raised_by_one_trade(smallest):
    """A little has to be sold in it, wherever: left out in one position it turns up in the next.

    Most of its positions are smaller than the smallest trade.
    """
    problem = household(0, n=100, accounts=3, lots=500, min_trade=smallest)
    solution = solve(problem)
    assert_proven(problem, solution)
    assert keeps_the_smallest(problem, solution.buys, solution.sells)
    assert trades(problem, solution.buys, solution.sells).any()
    assert solution.gap_bp < 20.0  # nothing traded at all is 152 bp away


def test_time_running_out_wherever_it_does_loses_nothing(monkeypatch):
    """Whatever call it is cut at, trades keep the smallest size and their bound."""
    from rebalancing.errors import SolverTimeout

    problem = household(3, n=30, lots=100, accounts=1, min_trade=0.2 / 30)
    whole = solve(problem)
    real = conic.solve_conic
    for last in range(1, whole.solves):
        calls = iter(range(10_000))

        def engine(sub, limit, calls=calls, last=last):
            if next(calls) >= last:
                raise SolverTimeout("The time is up.")
            return real(sub, limit)

        monkeypatch.setattr(conic, "solve_conic", engine)
        try:
            cut = solve(problem)
        except SolverTimeout:
            continue
        assert_proven(problem, cut)
        assert keeps_the_smallest(problem, cut.buys, cut.sells)
        assert cut.status == "time_limit"
        assert cut.bound <= whole.objective + 1e-9


def test_time_running_out_in_the_proof_leaves_the_bound_as_it_was(monkeypatch):
    from rebalancing.errors import SolverTimeout
    from rebalancing.optimizer.proof import Proof

    search, _, best = searched(household(1, n=8, lots=30, accounts=1, min_trade=0.002))
    other = next(piece for piece in search.pieces if piece != best.piece)
    before = search.bound

    def too_late(*_):
        raise SolverTimeout("The time is up.")

    monkeypatch.setattr(search, "solve_fixed", too_late)
    proof = Proof(search, {other: -np.inf})
    proof._ask(other, (search.subproblem(best.piece, best.sides), best))
    assert proof.bounds[other] == -np.inf
    assert (search.bound, search.ended) == (before, "time_limit")


# Exchanges, prices and the bound at once -----------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "n", "accounts", "smallest"),
    [(1003, 16, 1, 0.03), (1004, 20, 2, 0.01), (1005, 10, 3, 0.01), (1006, 12, 1, 0.03)],
)
def test_sides_that_only_the_smallest_trade_makes_better_are_found(
    seed, n, accounts, smallest, monkeypatch
):
    """Rounding alone leaves more there."""
    problem = household(seed, n=n, accounts=accounts, lots=3 * n, min_trade=smallest)
    solution = solve(problem)
    assert_proven(problem, solution)
    assert keeps_the_smallest(problem, solution.buys, solution.sells)
    assert solution.gap_bp < 0.2
    for better in ("exchanged", "begun_anew"):
        monkeypatch.setattr(smallest_trade, better, lambda _, step, __: step)
    assert solve(problem).gap_bp > 0.3


@pytest.mark.skipif(
    "SCIP" not in cp.installed_solvers(), reason="SCIP (pyscipopt) is not installed here"
)
@pytest.mark.parametrize(
    ("seed", "n", "smallest", "excess"), [(0, 6, 0.05, 0.01), (2, 6, 0.05, 3.0), (4, 8, 0.08, 0.01)]
)
def test_a_smallest_trade_larger_than_most_positions_is_nearly_as_good_as_scip(
    seed, n, smallest, excess
):
    problem = household(seed, n=n, lots=3 * n, accounts=2, min_trade=smallest)
    solution = solve(problem)
    assert_proven(problem, solution)
    best = mixed_integer(problem)
    assert solution.bound <= best + 5e-7
    assert solution.objective <= best + excess * BASIS_POINT


@pytest.mark.parametrize(("seed", "n"), [(7005, 13), (7012, 11), (7017, 16)])
def test_nothing_traded_is_proven_where_every_trade_would_be_too_small(seed, n):
    """The relaxation leaves 135 to 207 bp, of trades that cannot be made."""
    problem = household(seed, n=n, accounts=1 + (seed - 7000) % 3, lots=3 * n, min_trade=0.2)
    solution = solve(problem)
    assert not solution.buys.any()
    assert not solution.sells.any()
    assert_proven(problem, solution)
    assert solution.gap_bp < 1.0


@pytest.mark.parametrize("seed", range(4))
def test_better_prices_prove_more_and_never_too_much(seed):
    random = np.random.default_rng(seed)
    problem = household(
        seed,
        n=6,
        lots=24,
        accounts=2,
        impact=seed % 2 == 0,
        location=seed % 3 == 0,
        later=seed > 1,
        min_trade=0.008,
    )
    search, prices, _ = searched(problem)
    small, better = search.problem, 0
    limits = search.buy_max, search.sell_max, search.gains
    found = [random_feasible(small, random) for _ in range(1000)]
    least = min(
        evaluate(small, *one).objective
        for one in found
        if one is not None and keeps_the_smallest(small, *one)
    )
    least = min(least, solve(problem).objective)
    for size in (0.0, 1e-3, 1e-2):
        alone = alone_at(small, disturbed(prices, random, size), search.buy_max, search.sell_max)
        before = [alone.bound(small, piece, search.gains) for piece in search.pieces]
        after = [raised(small, alone, piece, limits, least)[0] for piece in search.pieces]
        assert min(after) <= least
        for low, high in zip(before, after, strict=True):
            assert high >= low
            better += high > low + BASIS_POINT
    assert better


@pytest.mark.parametrize("seed", range(6))
def test_the_gap_is_the_sum_of_what_each_group_lacks(seed):
    """Nothing that is allowed is better in a group than what the group would do by itself."""
    random = np.random.default_rng(seed)
    problem = household(
        seed,
        n=6,
        lots=24,
        accounts=2,
        security_group=np.arange(6) // 2,
        min_trade=0.01 * (seed % 3),
    )
    search, prices, best = searched(problem)
    small = search.problem
    for size in (0.0, 1e-2):
        alone = alone_at(small, disturbed(prices, random, size), search.buy_max, search.sell_max)
        found = [random_feasible(small, random) for _ in range(200)]
        for one in found:
            if one is not None and keeps_the_smallest(small, *one):
                assert alone.worse(small, *one).min() >= -1e-12
        assert np.abs(alone.worse(small, alone.buys, alone.sells)).max() < 1e-12
    if not small.min_trade:
        alone = alone_at(small, prices, search.buy_max, search.sell_max)
        missing = best.objective - bound(search, prices)
        assert alone.worse(small, best.buys, best.sells).sum() <= missing + 1e-9


@pytest.mark.parametrize("impact", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_step_made_from_a_wider_program_is_the_same_step(seed, impact):
    """Floors move the right-hand side, caps leave trades out; multipliers are those of the step itself."""
    random = np.random.default_rng(seed)
    problem = condense(
        household(seed, n=20, lots=80, accounts=2, impact=impact, later=seed > 1)
    ).problem

    def net(outcome):
        """Of each security: in which account it is bought may not matter."""
        sold = sold_by_position(problem, outcome.sells)
        return np.bincount(problem.position_security, outcome.buys - sold)

    search = open_search(problem, conic.solve_conic)
    for _ in range(4):
        sides = tuple((one, bool(random.random() < 0.5)) for one in search.either_or)
        wide = search.subproblem(search.pieces[0], sides)
        shut = random.random(len(wide.buy_max)) < 0.3
        lots = random.random(len(wide.sell_max))
        sub = replace(
            wide,
            buy_max=np.where(shut, 0.0, wide.buy_max),
            sell_max=np.where(lots < 0.3, 0.0, wide.sell_max),
            sell_min=np.where(lots > 0.9, 0.1 * wide.sell_max, 0.0),
        )
        made, alone = (
            conic.solve_conic(sub, None),
            conic.solve_conic(replace(sub, widest=None), None),
        )
        assert made.status is alone.status
        if alone.duals is None or made.duals is None:
            continue
        assert made.bound == pytest.approx(alone.bound, abs=1e-8)
        assert evaluate(problem, made.buys, made.sells).objective == pytest.approx(
            evaluate(problem, alone.buys, alone.sells).objective, abs=1e-9
        )
        assert np.all(made.sells >= sub.sell_min)
        np.testing.assert_allclose(net(made), net(alone), atol=1e-5)
        np.testing.assert_allclose(made.duals.cash, alone.duals.cash, atol=1e-4)


def test_time_running_out_in_exchanges_loses_nothing(monkeypatch):
    from rebalancing.errors import SolverTimeout

    problem = household(1003, n=16, accounts=1, lots=48, min_trade=0.03)
    whole = solve(problem)
    real = conic.solve_conic
    for last in range(whole.solves - 8, whole.solves):
        calls = iter(range(10_000))

        def engine(sub, limit, calls=calls, last=last):
            if next(calls) >= last:
                raise SolverTimeout("The time is up.")
            return real(sub, limit)

        monkeypatch.setattr(conic, "solve_conic", engine)
        cut = solve(problem)
        assert_proven(problem, cut)
        assert keeps_the_smallest(problem, cut.buys, cut.sells)
        assert cut.status == "time_limit"
        assert cut.bound <= whole.objective + 1e-9
