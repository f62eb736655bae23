"""What the multipliers of a cone program prove, whatever the solver's accuracy, and the prices that they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from rebalancing.optimizer.cone_columns import Layout
from rebalancing.optimizer.cone_program import Sizes
from rebalancing.optimizer.cone_rows import Program
from rebalancing.optimizer.problem import FloatArray, Problem, summed
from rebalancing.optimizer.subproblem import BASIS_POINTS, PERCENT, Apart, Duals


@dataclass(frozen=True)
class RawSolution:
    """Clarabel's answer as plain numpy."""

    status: str
    x: FloatArray
    z: FloatArray


def transposed(matrix: sparse.csc_array, z: FloatArray) -> FloatArray:
    """A'z, without making a transposed matrix of it first."""
    width = matrix.shape[1]
    column = np.repeat(np.arange(width), np.diff(matrix.indptr))
    return summed(column, matrix.data * z[matrix.indices], width)


def side_prices(program: Program, layout: Layout, raw: RawSolution, first: int) -> FloatArray:
    """Multipliers of z >= 0 and z <= 1: weak duality adds them where z has to be 1, or 0."""
    start = first + program.side_row
    rows = np.maximum(raw.z[start : start + 2 * layout.sides], 0.0)
    return rows.reshape(2, layout.sides) / BASIS_POINTS


def cap_prices(program: Program, raw: RawSolution, first: int) -> tuple[float, ...]:
    """Multipliers of the caps: the solver counts the objective in bp and the caps in per cent."""
    unit = PERCENT / BASIS_POINTS
    return tuple(
        0.0 if row is None else max(float(raw.z[first + row]), 0.0) * unit
        for row in program.cap_rows
    )


def duals(program: Program, raw: RawSolution, first: int, problem: Problem) -> Duals:
    unit = PERCENT / BASIS_POINTS
    cash, joint = np.zeros(len(problem.cash)), np.zeros(len(problem.joint))
    for is_equal, row, way, at in program.cash_rows:
        start = row if is_equal else first + row
        cash[at] -= way * raw.z[start : start + len(at)] * unit
    for row, way, at in program.joint_rows:
        joint[at] += way * raw.z[first + row : first + row + len(at)] * unit
    short, long = -raw.z[program.gain_row : program.gain_row + 2] * unit
    return Duals(cash, float(short), float(long), joint)


def safe_bound(
    program: Program,
    matrix: sparse.csc_array,
    rhs: FloatArray,
    raw: RawSolution,
    sizes: Sizes,
) -> float:
    """A lower bound that holds whatever the solver's accuracy, by weak duality.

    For any multipliers inside the dual cone, f(x) >= -x0'Px0/2 - b'z + r'x with
    r = P x0 + q + A'z; every variable's size is known, so r'x is bounded from below.
    """
    z = _into_dual_cone(raw.z, sizes)
    residual = program.quadratic * raw.x + program.linear + transposed(matrix, z)
    value = -0.5 * float(program.quadratic @ raw.x**2) - float(rhs @ z)
    value -= float(np.abs(residual) @ program.size)
    bound = (value + program.constant) / BASIS_POINTS
    return bound if np.isfinite(bound) else -np.inf


def apart(
    program: Program,
    layout: Layout,
    matrix: sparse.csc_array,
    rhs: FloatArray,
    raw: RawSolution,
    sizes: Sizes,
) -> Apart | None:
    """`safe_bound` without the rows and columns of the tax, of which S and L keep their prices."""
    z = _into_dual_cone(raw.z, sizes)
    start, end = program.tax_rows
    z[sizes[0] + start : sizes[0] + end] = 0.0
    residual = program.quadratic * raw.x + program.linear + transposed(matrix, z)
    short, long = residual[layout.gains : layout.gains + 2]
    residual[layout.gains : layout.tax + 1] = 0.0
    value = -0.5 * float(program.quadratic @ raw.x**2) - float(rhs @ z)
    value -= float(np.abs(residual) @ program.size)
    unit = PERCENT / BASIS_POINTS
    found = Apart(
        (value + program.constant) / BASIS_POINTS, float(short) * unit, float(long) * unit
    )
    return found if np.all(np.isfinite(found)) else None


def is_certificate(
    program: Program,
    matrix: sparse.csc_array,
    rhs: FloatArray,
    raw: RawSolution,
    sizes: Sizes,
) -> bool:
    """Whether the multipliers prove that nothing is feasible, whatever the solver's accuracy.

    A feasible x has 0 <= z'(b - Ax); with every |x| within its size that is at most
    b'z + |A'z|'size, which must therefore not be negative.
    """
    if len(raw.z) != len(rhs) or not np.all(np.isfinite(raw.z)):
        return False
    z = _into_dual_cone(raw.z, sizes)
    return float(rhs @ z) + float(np.abs(transposed(matrix, z)) @ program.size) < 0.0


def _into_dual_cone(multipliers: FloatArray, sizes: Sizes) -> FloatArray:
    """Multipliers moved as little as needed into the dual of the cones."""
    zero, positive, triples, _ = sizes
    z = multipliers.copy()
    z[zero : zero + positive] = np.maximum(z[zero : zero + positive], 0.0)
    cones = z[zero + positive :].reshape(-1, 3)
    second, power = cones[:triples], cones[triples:]
    second[:, 0] = np.maximum(second[:, 0], np.hypot(second[:, 1], second[:, 2]))
    power[:, 1] = np.maximum(power[:, 1], 1e-12)  # dual: (u 3/2)^(2/3) (3 v)^(1/3) >= |w|
    least = 2.0 / 3.0 * np.sqrt(np.abs(power[:, 2]) ** 3 / (3.0 * power[:, 1]))
    power[:, 0] = np.maximum(power[:, 0], least)
    return z
