"""Which histories of returns can be used, and how much each day counts.

A column that cannot be used is never an error of the whole: it gets a reason, and then a conservative guess.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from rebalancing.errors import BadReturns
from rebalancing.optimizer.problem import BoolArray, FloatArray

TRADING_DAYS = 252
SHORTEST_HISTORY = 60  # returns: about three months
OUTLIER = 20.0  # robust standard deviations
_NO_MOVE = 1e-10  # returns that differ by less than this are a stale price, not a quiet security
_TENFOLD = float(np.log(10.0))  # no price of a listed security does this in a day; a mistype does
_LEAST = 0.02  # a smaller move is none to ask about, however quiet the security
_LIKE_A_SPLIT = 0.03  # the day's own move beside the split, in logarithms
_COMES_BACK = 0.05
_SPLITS = np.log([1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100])
_NORMAL = 1.4826  # from a median absolute deviation to a standard deviation

Cell = tuple[int, int]  # row, column


@dataclass(frozen=True, eq=False)
class History:
    """A checked frame, what is known of it, the weight of each day, and which columns cannot be used."""

    returns: FloatArray  # (T, n), 0 where unknown
    known: BoolArray  # (T, n)
    weights: FloatArray  # (T,), the newest day's is 1
    reasons: dict[int, str]  # column -> why it cannot be used

    @property
    def usable(self) -> BoolArray:
        """(n,)"""
        usable = np.ones(self.returns.shape[1], dtype=np.bool_)
        usable[list(self.reasons)] = False
        return usable


def history(
    returns: FloatArray,
    *,
    half_life: float | None,
    shortest_history: int,
    longest_silence: int | None = None,
    days: Sequence[dt.date] | None = None,
    trusted: Collection[Cell] = (),
) -> History:
    """Check simple returns (T, n), NaN where unknown, and say why a column cannot be used.

    ``half_life`` in rows; None weighs all days alike. A column whose newest return is more than ``longest_silence``
    rows old is out of date. ``days`` (T,) are named in reasons. A return that is suspect (``suspects``) spoils its
    column, unless its cell is ``trusted``: somebody has looked at it.
    Raises BadReturns when the frame is malformed.
    """
    frame = _checked(returns)
    if half_life is not None and not half_life > 0.0:
        raise BadReturns(f"A half-life of {half_life} days weighs nothing; it needs to be above 0.")
    if days is not None and len(days) != len(frame):
        raise BadReturns(f"{len(days)} days were given for {len(frame)} rows of returns.")
    known = np.isfinite(frame)
    weights = day_weights(len(frame), half_life)
    reasons = _unusable(frame, known, shortest_history, longest_silence, days)
    for row, column in suspects(frame):
        if (row, column) not in trusted and column not in reasons:
            reasons[column] = (
                f"jumps by {frame[row, column]:+.0%} {_on(row, days)}, which looks like a split that is not booked or "
                "a mistyped price"
            )
    known[:, list(reasons)] = False  # nothing of it is counted with
    return History(np.where(known, frame, 0.0), known, weights, dict(sorted(reasons.items())))


def day_weights(rows: int, half_life: float | None) -> FloatArray:
    """(T,) the weight of each day, the oldest first: halved every ``half_life`` days back from the newest."""
    if half_life is None or np.isinf(half_life):
        return np.ones(rows)
    return np.asarray(0.5 ** (np.arange(rows - 1, -1, -1, dtype=np.float64) / half_life))


def suspects(returns: FloatArray) -> list[Cell]:
    """Cells (row, column) that are more likely wrong than a move of the market, oldest first.

    That is a tenfold move; or one of more than OUTLIER robust standard deviations of its column that has the size of a
    usual split, either way, or that the next return takes back. Other large moves are taken as they are.
    """
    frame = np.asarray(returns, dtype=np.float64)
    if not len(frame):
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.log1p(frame)  # -inf where everything was lost
    size = np.abs(moves)
    sigma = _robust_sigma(moves)
    far = np.where(np.isnan(size), 0.0, size) > np.maximum(OUTLIER * sigma, _LEAST)
    found = []
    for row, column in zip(*np.nonzero(far), strict=True):
        move = moves[row, column]
        nearby = [moves[at, column] for at in (row - 1, row + 1) if 0 <= at < len(frame)]
        taken_back = any(abs(move + other) < _COMES_BACK for other in nearby)
        like_a_split = np.abs(np.abs(move) - _SPLITS).min() < _LIKE_A_SPLIT
        if size[row, column] > _TENFOLD or like_a_split or taken_back:
            found.append((int(row), int(column)))
    return found


def _robust_sigma(moves: FloatArray) -> FloatArray:
    """(n,) from the median absolute deviation, or the plain one where most moves are alike; 0 for an empty column."""
    known = np.isfinite(moves)
    sigma = np.zeros(moves.shape[1])
    for column in np.flatnonzero(known.any(axis=0)):
        values = moves[known[:, column], column]
        sigma[column] = _NORMAL * np.median(np.abs(values - np.median(values))) or values.std()
    return sigma


def _checked(returns: FloatArray) -> FloatArray:
    frame = np.asarray(returns, dtype=np.float64)
    if frame.ndim != 2 or frame.shape[1] == 0:
        raise BadReturns(f"Returns have shape {frame.shape}; they need (days, securities).")
    wrong = np.isinf(frame) | (frame < -1.0)
    if np.any(wrong):
        day, column = (int(at[0]) for at in np.nonzero(wrong))
        raise BadReturns(f"The return of column {column} on row {day} is {frame[day, column]}.")
    return frame


def _unusable(
    frame: FloatArray,
    known: BoolArray,
    shortest_history: int,
    longest_silence: int | None,
    days: Sequence[dt.date] | None,
) -> dict[int, str]:
    counts = known.sum(axis=0)
    moves = _spread(frame, known) > _NO_MOVE
    reasons: dict[int, str] = {}
    for column, count in enumerate(counts):
        if count < shortest_history:
            reasons[column] = f"has {count} returns"
            continue
        newest = int(np.flatnonzero(known[:, column])[-1])
        if longest_silence is not None and len(frame) - 1 - newest > longest_silence:
            reasons[column] = f"has no return {_on(newest, days, since=True)}"
        elif not moves[column]:
            reasons[column] = "never moves"
    return reasons


def _spread(frame: FloatArray, known: BoolArray) -> FloatArray:
    """(n,) largest less smallest known return; 0 where nothing is known."""
    highest = np.where(known, frame, -np.inf).max(axis=0, initial=-np.inf)
    lowest = np.where(known, frame, np.inf).min(axis=0, initial=np.inf)
    return np.where(known.any(axis=0), highest - lowest, 0.0)


def _on(row: int, days: Sequence[dt.date] | None, *, since: bool = False) -> str:
    if days is None:
        return f"{'after' if since else 'in'} row {row}"
    return f"{'after' if since else 'on'} {days[row]}"
