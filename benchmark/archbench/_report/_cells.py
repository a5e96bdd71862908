"""One entrant on one task: its mean with an interval that can be true, its middle seed, and how often it solves."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from archbench import _statistics
from archbench._declarations import METRICS
from archbench._records import Record, TaskFacts
from archbench._report._scales import scale_of
from archbench._report._schema import TaskEntry, TaskRow
from archbench._report._statistics import Estimate, mean_interval
from archbench._statistics import binomial_interval

NEGLIGIBLE = 0.01
"""Part of the distance from chance to perfect that counts as no gain, where a task declares no margin."""


def cell_interval(values: Sequence[float], task: TaskEntry) -> Estimate:
    """Return the mean of some seeds with its interval, cut at the ends of the range that the metric has.

    Equal seeds give no interval: they say that nothing varied between them, and not that nothing can. Where a task is
    compared by ratios, the mean is the geometric one.

    Args:
        values: shape (seeds,), at least one, in the unit of the metric.
        task: names the metric.
    """
    estimate = mean_interval(values) if task.factor is None else _geometric_mean(values, task)
    if estimate.low is None or estimate.high is None or len(set(values)) == 1:
        return replace(estimate, low=None, high=None)
    rules = METRICS.get(task.metric)
    if rules is None:  # a record of a newer suite
        return estimate
    return replace(estimate, low=max(estimate.low, rules.lowest), high=min(estimate.high, rules.highest))


def _geometric_mean(errors: Sequence[float], task: TaskEntry) -> Estimate:
    """Return the geometric mean with the interval of the mean logarithm; what is next to 0 counts as negligible."""
    scale = scale_of(task, target=None)
    found = mean_interval(scale.oriented(errors))
    bounds = (None if bound is None else float(scale.restored(bound)) for bound in (found.high, found.low))
    low, high = bounds  # a small error has a large oriented value
    return Estimate(mean=float(scale.restored(found.mean)), low=low, high=high, n=found.n)


def middle(values: Sequence[float], *, higher_is_better: bool) -> float:
    """Return the middle of some scores, the worse of the two for an even number: a score that one of them has."""
    return sorted(values, reverse=higher_is_better)[len(values) // 2]


def typical(row: TaskRow) -> float | None:
    """Return the score to draw of an entrant: the mean, or the middle seed where seeds solve the task or do not."""
    if row.solved is not None:
        return row.median
    return row.score.mean if row.score else None


def solved_share(solved: int, seeds: int) -> Estimate:
    """Return the share of seeds that solve a task, with its exact binomial interval.

    Args:
        solved: number of seeds that solved it.
        seeds: number of seeds, at least one.
    """
    exact = binomial_interval(solved, seeds)
    return Estimate(mean=solved / seeds, low=exact.low, high=exact.high, n=seeds)


def still_improving(counted: Sequence[Record], task: TaskEntry | TaskFacts) -> bool:
    """Return whether an entrant was still improving when training ended, so that its scores say little of it.

    One that solved the task with every seed is not, whatever its curve does. Where the task declares no margin, a gain
    counts from a hundredth of the distance from chance to perfect.

    Args:
        counted: the finished records among the compared seeds.
        task: gives the metric and the margin.
    """
    curves = [record.curves for record in counted if record.curves is not None]
    solved = [r.training is not None and r.training.steps_to_target is not None for r in counted]
    if not curves or all(solved):
        return False
    points = min(len(curve.step) for curve in curves)
    margin = NEGLIGIBLE * abs(task.oracle - task.chance) if task.margin is None else task.margin
    return _statistics.still_improving(
        curves[0].step[:points],
        [curve.validation[:points] for curve in curves],
        higher_is_better=task.higher_is_better,
        margin=margin,
    )
