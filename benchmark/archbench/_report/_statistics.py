"""Statistics of the leaderboard: pure functions on arrays whose axes are named in the docstrings.

A *cell* is one entrant on one task: a float array of shape (seeds,). The seeds are the unit of replication; the tasks
are a fixed set, so an interval holds over seeds, on these tasks. Intervals are Student's t and not a percentile
bootstrap: with three seeds, a 95% interval of the bootstrap covers about 74% for one cell and 86% for a mean over ten
tasks, while t and Welch-Satterthwaite keep what they promise (`tests/report/test_statistics.py` simulates it).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import special

from archbench._statistics import LEVEL, MIN_SEEDS

Floats = npt.NDArray[np.float64]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A mean with its interval.

    Args:
        mean: the mean, in the unit of the values.
        low: lower bound of the 95% interval, in the same unit; None when there are too few seeds for an interval.
        high: upper bound of the 95% interval, in the same unit; None when there are too few seeds for an interval.
        n: number of seeds; of a mean over tasks, the smallest number of seeds on any of them.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


def mean_interval(values: npt.ArrayLike) -> Estimate:
    """Return the mean of one cell with Student's t interval.

    Args:
        values: shape (seeds,), at least one.
    """
    return _combine([np.asarray(values, dtype=np.float64)], [1.0])


def mean_over_tasks(cells: Sequence[npt.ArrayLike]) -> Estimate:
    """Return the equal-weight mean of task means with a Welch-Satterthwaite interval (Welch 1947, Biometrika 34).

    Args:
        cells: one array of shape (seeds,) per task; the numbers of seeds may differ.
    """
    arrays = [np.asarray(cell, dtype=np.float64) for cell in cells]
    return _combine(arrays, [1 / len(arrays)] * len(arrays))


def normalise(values: npt.ArrayLike, *, chance: float, oracle: float, logarithmic: bool = False) -> Floats:
    """Return values scaled to 0 at `chance` and 1 at `oracle`, so that for every metric higher is better.

    Both anchors are fixed by the task, so a score never depends on the other entrants. Values below 0 (worse than
    chance) are kept.

    Args:
        values: any shape, in the unit of the metric.
        chance, oracle: the anchors, in the unit of the metric.
        logarithmic: scale the logarithms, which for a perplexity are bits.
    """
    scores = np.asarray(values, dtype=np.float64)
    if logarithmic:
        scores, chance, oracle = np.log(scores), math.log(chance), math.log(oracle)
    return (scores - chance) / (oracle - chance)


def competition_ranks(scores: npt.ArrayLike, *, higher_is_better: bool = True) -> list[int]:
    """Return ranks from 1 for people, where equal scores share the best place: 1, 2, 2, 4.

    Args:
        scores: shape (entrants,).
    """
    array = _ascending(scores, higher_is_better)
    return [1 + int(place) for place in np.searchsorted(np.sort(array), array)]


def average_ranks(scores: npt.ArrayLike, *, higher_is_better: bool = True) -> Floats:
    """Return ranks from 1 on each task for arithmetic, where equal scores share their mean place: 1, 2.5, 2.5, 4.

    Args:
        scores: shape (entrants, tasks), or (entrants,).
    """
    array = _ascending(scores, higher_is_better)
    return np.apply_along_axis(_mean_places, 0, array)


def _mean_places(values: Floats) -> Floats:
    """Return the place of each value in rising order, from 1; equal values share the mean of their places."""
    order = np.sort(values)
    return (np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right") + 1) / 2


def pareto_front(scores: npt.ArrayLike, costs: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return which entrants no other entrant dominates (at least as good in both, better in one); exact ties stay.

    Args:
        scores: shape (entrants,), higher is better.
        costs: shape (entrants,), lower is better, NaN where unknown: such an entrant neither dominates nor is marked.
    """
    score, cost = np.asarray(scores, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    no_worse = (score[None, :] >= score[:, None]) & (cost[None, :] <= cost[:, None])  # (entrant, rival)
    better = (score[None, :] > score[:, None]) | (cost[None, :] < cost[:, None])
    front: npt.NDArray[np.bool_] = ~(no_worse & better).any(axis=1) & ~np.isnan(cost)
    return front


def _combine(cells: Sequence[Floats], weights: Sequence[float]) -> Estimate:
    """Return a weighted sum of independent cell means, with degrees of freedom after Welch and Satterthwaite."""
    n = min(len(cell) for cell in cells)
    mean = float(sum(weight * cell.mean() for weight, cell in zip(weights, cells, strict=True)))
    if n < MIN_SEEDS:
        return Estimate(mean=mean, low=None, high=None, n=n)
    variances = [w**2 * cell.var(ddof=1) / len(cell) for w, cell in zip(weights, cells, strict=True)]
    spread = sum(v**2 / (len(cell) - 1) for v, cell in zip(variances, cells, strict=True))
    total = sum(variances)
    half = float(_quantile_of_t(float(total**2 / spread)) * np.sqrt(total)) if spread else 0.0
    return Estimate(mean=mean, low=mean - half, high=mean + half, n=n)


@functools.lru_cache(maxsize=4096)
def _quantile_of_t(freedom: float) -> np.float64:
    """Return the quantile of Student's t that leaves half of what the level leaves above it; few degrees occur.

    It is `scipy.stats.t.ppf`, whose module takes half a second to import.
    """
    return np.float64(special.stdtrit(freedom, (1 + LEVEL) / 2))


def _ascending(scores: npt.ArrayLike, higher_is_better: bool) -> Floats:
    """Return scores with the sign that sorts the best first, rounded to 12 digits.

    Without the rounding, the order in which numbers were summed could break a tie.
    """
    array = np.asarray(scores, dtype=np.float64)
    with np.errstate(divide="ignore"):
        digits = np.where(array == 0, 0.0, np.floor(np.log10(np.abs(array))))
    scale = 10.0 ** (11 - digits)
    rounded = np.round(array * scale) / scale
    return -rounded if higher_is_better else rounded
