"""Problems of one security and of random households, brute force, and what every solution owes."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rebalancing.optimizer import Problem, TaxSchedule, conic
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.objective import cash_after, evaluate, worst_violation
from rebalancing.optimizer.sides import open_search
from rebalancing.optimizer.tax_schedule import HalfPlane, Piece, Plane, least_slopes

NO_TAX = TaxSchedule(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
USUAL = TaxSchedule(0.4, 0.2, 0.0, 0.0, 0.003, 0.4, 0.15)
ST_GAINS = replace(USUAL, st_realised=1.0)  # every loss saves 0.4 per dollar
LT_GAINS = replace(USUAL, lt_realised=1.0)


def one_security(*, weight=0.6, target=0.6, gains=(), taxable=True, tax=NO_TAX, **changes):
    """A single account with one security, equal lots of the given gains per dollar, and cash."""
    count = max(len(gains), 1)
    values = {
        "weights": np.array([weight]), "targets": np.array([target]),
        "cash": np.array([1.0 - weight]), "cash_min": np.zeros(1), "cash_max": np.ones(1),
        "factor_loadings": np.zeros((1, 0)), "specific_variance": np.array([0.04]),
        "cost_rates": np.array([0.001]), "lower": np.zeros(1), "upper": np.ones(1),
        "may_buy": np.array([True]), "lot_weight": np.full(count, weight / count),
        "lot_sellable": np.full(count, weight / count), "lot_gain": np.array(gains or (0.0,)),
        "lot_is_long": np.zeros(count, np.bool_), "lot_is_taxable": np.full(count, taxable),
        "lot_position": np.zeros(count, np.int64), "position_account": np.zeros(1, np.int64),
        "position_security": np.zeros(1, np.int64), "tax": tax, "risk_aversion": 1.0,
    }  # fmt: skip
    return Problem(**{**values, **changes})


def household(
    seed,
    *,
    n=6,
    accounts=3,
    lots=24,
    tax=None,
    impact=False,
    location=False,
    later=False,
    **changes,
):
    """A random household: taxable accounts, the last one an IRA, some names restricted."""
    random = np.random.default_rng(seed)
    loadings = np.column_stack([
        0.16 + 0.04 * random.random(n), *(0.05 * random.standard_normal((3, n))),
    ])  # fmt: skip
    target = random.dirichlet(5 * np.ones(n)) * 0.98
    account, security = np.repeat(np.arange(accounts), n), np.tile(np.arange(n), accounts)
    share = random.dirichlet(4 * np.ones(accounts))
    weights = target[security] * share[account] * np.exp(0.5 * random.standard_normal(accounts * n))
    weights *= random.random(accounts * n) < 0.8
    weights[0] += 0.01
    weights *= 0.97 / weights.sum()
    held = np.flatnonzero(weights)
    position = np.concatenate([held, random.choice(held, max(0, lots - len(held)))])
    cut = random.random(len(position)) + 0.1
    value = cut / np.bincount(position, cut, len(weights))[position] * weights[position]
    short, long = (float(so_far) for so_far in random.choice([0.0, 0.02, -0.02], 2))
    year = TaxSchedule(0.408, 0.238, short, long, 0.003, 0.408, 0.2)
    values = {
        "weights": weights, "targets": target, "cash": 0.03 * share,
        "cash_min": 0.002 * share, "cash_max": 0.05 * np.ones(accounts),
        "factor_loadings": loadings, "specific_variance": (0.15 + 0.15 * random.random(n)) ** 2,
        "cost_rates": 0.0003 + 0.0005 * random.random(n), "lower": np.zeros(n),
        "upper": np.maximum(target, np.bincount(security, weights, n)) + 0.05,
        "may_buy": random.random(len(weights)) < 0.9, "lot_weight": value,
        "lot_sellable": value * (random.random(len(value)) < 0.9),
        "lot_gain": np.minimum(0.25 * random.standard_normal(len(value)) + 0.05, 0.9),
        "lot_is_long": random.random(len(value)) < 0.6,
        "lot_is_taxable": account[position] < max(1, accounts - 1),
        "lot_position": position, "position_account": account, "position_security": security,
        "tax": tax or year, "risk_aversion": float(10 ** random.uniform(-1, 1.5)),
        "impact": 0.01 * np.ones(n) if impact else None,
        "location_cost": 0.002 * random.random(len(weights)) if location else None,
    }  # fmt: skip
    problem = Problem(**{**values, **changes})
    return with_later_tax(problem, np.random.default_rng(1000 + seed)) if later else problem


def with_later_tax(problem, random):
    """The problem where each loss owes later, at a rate of its own, and each gain saves no more than it costs."""
    slopes = least_slopes(problem.tax, problem.gain_box(problem.lot_sellable))
    credit = np.where(problem.lot_is_long, slopes[1], slopes[0])
    most = np.where(problem.lot_gain < 0.0, 0.5, credit)
    rate = random.choice([0.146, 0.3, 0.5], len(most))  # often alike: then lots are merged
    return problem.replace(later_tax=-np.minimum(rate, most) * problem.lot_gain)


def assert_proven(problem, solution):
    """What every solution owes: feasible by our arithmetic, honest figures, a valid bound."""
    assert worst_violation(problem, solution.buys, solution.sells).amount <= 1e-8
    found = evaluate(problem, solution.buys, solution.sells)
    assert solution.objective == found.objective
    assert (solution.tax, solution.cost) == (found.tax, found.cost)
    assert solution.later_tax == found.later_tax
    assert (solution.st_gain, solution.lt_gain) == (found.st_gain, found.lt_gain)
    assert solution.active_risk == found.active_risk
    assert solution.bound <= solution.objective
    assert solution.gap_bp == pytest.approx((solution.objective - solution.bound) * 1e4)


def raw_regions(tax):
    """The five regions themselves, one plane each: not the merged pieces the search uses."""
    limit, order = tax.loss_limit, tax.ordinary_rate
    gain_s, loss_s = HalfPlane(-1.0, 0.0, 0.0), HalfPlane(1.0, 0.0, 0.0)
    gain_l, loss_l = HalfPlane(0.0, -1.0, 0.0), HalfPlane(0.0, 1.0, 0.0)
    up, down = HalfPlane(-1.0, -1.0, 0.0), HalfPlane(1.0, 1.0, 0.0)
    carried = tax.carried_loss_value
    return (
        Piece("A", (gain_s, gain_l), (Plane(tax.st_rate, tax.lt_rate, 0.0),)),
        Piece("B", (gain_s, loss_l, up), (Plane(tax.st_rate, tax.st_rate, 0.0),)),
        Piece("C", (loss_s, gain_l, up), (Plane(tax.lt_rate, tax.lt_rate, 0.0),)),
        Piece("D", (down, HalfPlane(-1.0, -1.0, limit)), (Plane(order, order, 0.0),)),
        Piece(
            "E", (HalfPlane(1.0, 1.0, -limit),),
            (Plane(carried, carried, (carried - order) * limit),),
        ),
    )  # fmt: skip


def brute_force(problem):
    """Best objective over every choice of sides and every tax region."""
    small = condense(problem).problem
    search = open_search(small, conic.solve_conic)
    groups = search.either_or
    best = np.inf
    for choice in itertools.product((True, False), repeat=len(groups)):
        sides = tuple(zip(groups, choice, strict=True))
        for region in raw_regions(problem.tax):
            found = search.solve_fixed(search.subproblem(region, sides), sides)
            best = min(best, np.inf if found is None else found.objective)
    return best, len(groups)


def random_feasible(problem, random):
    """Random trades that keep every limit, or None."""
    harvest = random.random(len(problem.targets)) < 0.5  # by group rank
    sells = problem.lot_sellable * random.random(len(problem.lot_weight))
    sells *= random.random(len(sells)) < random.random()
    sells[problem.lot_is_loss & ~harvest[problem.lot_group]] = 0.0
    cash = cash_after(problem, np.zeros(len(problem.weights)), sells) - problem.cash_min
    wanted = random.random(len(problem.weights)) * problem.may_buy
    wanted *= ~harvest[problem.position_group]
    total = np.bincount(problem.position_account, wanted, len(cash))
    scale = np.divide(cash, total, out=np.zeros_like(cash), where=total > 0.0)
    share = 1.0 - 0.9 * random.random(len(cash)) * (cash < 0.04)
    buys = wanted * (share * scale * 0.998)[problem.position_account]
    if worst_violation(problem, buys, sells).amount > 0.0:
        return None
    return buys, sells


def shuffled(problem, random):
    """The household with lots, accounts and positions in another order, and where they came from."""
    lot, account, position = (random.permutation(size) for size in (
        len(problem.lot_weight), len(problem.cash), len(problem.weights),
    ))  # fmt: skip
    new_account, new_position = np.argsort(account), np.argsort(position)
    per_lot = ["lot_weight", "lot_sellable", "lot_gain", "lot_is_long", "lot_is_taxable"]
    if problem.later_tax is not None:
        per_lot.append("later_tax")
    moved = problem.replace(
        **{name: getattr(problem, name)[lot] for name in per_lot},
        **{name: getattr(problem, name)[account] for name in ("cash", "cash_min", "cash_max")},
        weights=problem.weights[position], may_buy=problem.may_buy[position],
        location_cost=problem.location_cost[position],
        lot_position=new_position[problem.lot_position[lot]],
        position_account=new_account[problem.position_account[position]],
        position_security=problem.position_security[position],
    )  # fmt: skip
    return moved, lot, position


def in_dollars(problem, value):
    """Every amount to the cent of a household worth a million, and all of it times value / 1e6."""
    names = ("weights", "cash", "cash_min", "cash_max", "lot_weight", "lot_sellable")
    cents = {name: np.round(1e6 * getattr(problem, name), 2) for name in names}
    return problem.replace(**{name: cents[name] * (value / 1e6) / value for name in names})
