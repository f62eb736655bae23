"""What is assumed of a security that has no history: more risk than its like, never none.

It moves with the market as the median of its peers does, and has a large risk of its own: the ninth decile of theirs,
raised where its total variance would otherwise be below their median. Peers are the securities of its asset class;
where fewer than PEERS of them have a history, all securities are, and the total variance is at least their ninth
decile.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebalancing.optimizer.problem import BoolArray, FloatArray

PEERS = 5  # a median of fewer is somebody's, not a class's
HIGH = 0.9


def with_guesses(
    usable: BoolArray,
    loadings: FloatArray,
    specific: FloatArray,
    classes: Sequence[str] | None = None,
    *,
    root: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, dict[int, str]]:
    """Loadings (n, k) and specific variance (n,) of all rows, and column -> what was assumed of it.

    ``usable`` (n,) marks the rows that ``loadings`` and ``specific`` have, at least one; ``classes`` (n,) are asset
    classes, None where all securities are of one. Loadings that are betas come with the ``root`` (k, k) of the factors'
    covariance; else the factors are uncorrelated and of variance 1.
    """
    factor_root = np.eye(loadings.shape[1]) if root is None else root
    full = np.zeros((len(usable), loadings.shape[1]))
    own = np.zeros(len(usable))
    full[usable], own[usable] = loadings, specific
    label = np.zeros(len(usable), dtype=np.int64) if classes is None else _numbers(classes)
    told: dict[int, str] = {}
    guesses: dict[int, tuple[FloatArray, float, str]] = {}
    for row in np.flatnonzero(~usable):
        one = int(label[row])
        if one not in guesses:
            guesses[one] = _guess(full, own, usable, label == one, factor_root)
        full[row], own[row], told[int(row)] = guesses[one]
    return full, own, told


def _guess(
    loadings: FloatArray,
    specific: FloatArray,
    usable: BoolArray,
    alike: BoolArray,
    root: FloatArray,
) -> tuple[FloatArray, float, str]:
    """Loadings (k,), specific variance, and both in words, for the class that ``alike`` (n,) marks."""
    peers = usable & alike
    whose = "its asset class" if not np.all(alike) else "all securities"
    enough = bool(np.all(alike)) or int(peers.sum()) >= PEERS
    if not enough:
        peers, whose = usable, "all securities, too few of its asset class being known"
    median = np.median(loadings[peers], axis=0)
    totals = np.square(loadings[peers] @ root).sum(axis=1) + specific[peers]
    least = float(np.median(totals) if enough else np.quantile(totals, HIGH))
    common = float(np.square(median @ root).sum())
    own = max(float(np.quantile(specific[peers], HIGH)), least - common)
    return median, own, f"median loadings and top-decile specific variance of {whose} assumed"


def _numbers(classes: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    known = {name: number for number, name in enumerate(sorted(set(classes)))}
    return np.array([known[name] for name in classes], dtype=np.int64)
