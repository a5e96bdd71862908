"""One entrant on one task: its mean with an interval that can be true, its middle seed, and how often it solves."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from scipy import stats

from archbench._declarations import METRICS
from archbench._report._schema import TaskEntry
from archbench._report._statistics import LEVEL, Estimate, mean_interval


def cell_interval(values: Sequence[float], task: TaskEntry) -> Estimate:
    """Return the mean of some seeds with its interval, cut at the ends of the range that the metric has.

    Equal seeds give no interval: they say that nothing varied between them, and not that nothing can.

    Args:
        values: shape (seeds,), at least one, in the unit of the metric.
        task: names the metric.
    """
    estimate = mean_interval(values)
    if estimate.low is None or estimate.high is None or len(set(values)) == 1:
        return replace(estimate, low=None, high=None)
    lowest, highest = METRICS[task.metric].bounds if task.metric in METRICS else (-float("inf"), float("inf"))
    return replace(estimate, low=max(estimate.low, lowest), high=min(estimate.high, highest))


def middle(values: Sequence[float], *, higher_is_better: bool) -> float:
    """Return the middle of some scores, the worse of the two for an even number: a score that one of them has."""
    return sorted(values, reverse=higher_is_better)[len(values) // 2]


def solved_share(solved: int, seeds: int) -> Estimate:
    """Return the share of seeds that solve a task, with the exact interval of Clopper and Pearson (Biometrika 1934).

    Args:
        solved: number of seeds that solved it.
        seeds: number of seeds, at least one.
    """
    exact = stats.binomtest(solved, seeds).proportion_ci(LEVEL, method="exact")
    return Estimate(mean=solved / seeds, low=float(exact.low), high=float(exact.high), n=seeds)
