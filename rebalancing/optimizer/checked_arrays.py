"""Arrays of a problem, checked as they come in: their shapes, and that they hold numbers. All raise BadProblem."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebalancing.errors import BadProblem

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def length(values: Any, name: str) -> int:
    array = np.asarray(values)
    if array.ndim != 1:
        raise BadProblem(f"Problem.{name} has {array.ndim} dimensions; it needs one.")
    return len(array)


def shaped(values: Any, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.asarray(values)
    if array.shape != shape:
        raise BadProblem(f"Problem.{name} has shape {array.shape}; it needs {shape}.")
    return array


def floats(
    values: Any, name: str, shape: tuple[int, ...], *, open_end: float | None = None
) -> FloatArray:
    try:
        array = np.array(shaped(values, name, shape), dtype=np.float64)
    except (TypeError, ValueError) as wrong:
        raise BadProblem(f"Problem.{name} does not hold numbers: {wrong}.") from wrong
    bad = ~np.isfinite(array)
    if open_end is not None:
        bad &= array != open_end
    if np.any(bad):
        at = int(np.flatnonzero(bad)[0])
        raise BadProblem(f"Problem.{name} holds {array.flat[at]} at {at}.")
    return array


def loadings(values: Any, n: int) -> FloatArray:
    array = np.asarray(values)
    if array.ndim != 2:
        raise BadProblem(f"Problem.factor_loadings has {array.ndim} dimensions; it needs (n, k).")
    return floats(array, "factor_loadings", (n, array.shape[1]))


def flags(values: Any, name: str, size: int) -> BoolArray:
    array = shaped(values, name, (size,))
    if not np.all((array == 0) | (array == 1)):
        raise BadProblem(f"Problem.{name} holds something other than true and false.")
    return array.astype(np.bool_)


def indices(values: Any, name: str, size: int, limit: int | None) -> IntArray:
    array = shaped(values, name, (size,))
    if size and not np.issubdtype(array.dtype, np.integer):
        raise BadProblem(f"Problem.{name} holds {array.dtype} numbers; it needs integers.")
    array = array.astype(np.int64)
    if size and (array.min() < 0 or (limit is not None and array.max() >= limit)):
        raise BadProblem(f"Problem.{name} points outside 0..{'' if limit is None else limit - 1}.")
    return array


def price(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as wrong:
        raise BadProblem(f"Problem.{name} is {value!r}, which is not a number.") from wrong
    if not np.isfinite(number) or number < 0.0:
        raise BadProblem(f"Problem.{name} is {number}; it needs to be finite and not negative.")
    return number
