"""Learning curves of an entrant: one for each seed, and their mean where it describes them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from archbench._records import Record
from archbench._report._pairs import all_four_digits
from archbench._report._schema import Curve, SeedCurve, TaskEntry, TaskRow
from archbench._report._seeds import status_of
from archbench._report._statistics import Floats

VISIBLE = 0.05
"""Part of the distance from chance to perfect that is seen in a small chart: a mean this far from all seeds lies."""

_Points = Mapping[int, tuple[float, float]]
"""Validation score and training loss by optimiser step."""


def build_curve(row: TaskRow, group: Sequence[Record], task: TaskEntry) -> Curve | None:
    """Return the curves of the counted trials at the steps that all finished ones have, as far as values are finite.

    Where none finished, these are the partial curves of those that diverged or ran out of time, and there is no mean.

    Args:
        row: the row of an entrant.
        group: its records.
        task: gives the margin, and the distance from chance to perfect.

    Returns:
        The curves; None if no trial has one.
    """
    counted = {seed.record for seed in row.seeds if seed.counted}
    found = [(record, _points(record)) for record in group if record.id in counted and record.curves is not None]
    finished = [points for record, points in found if status_of(record)[0] == "ok"]
    steps = _common_steps(finished) if finished else max((sorted(points) for _, points in found), key=len, default=[])
    if not steps:
        return None
    values = np.array([[points[step] for points in finished] for step in steps])  # (steps, seeds, 2)
    mean = [np.ascontiguousarray(values[..., part]).mean(axis=1).tolist() if finished else [] for part in (0, 1)]
    return Curve(
        entrant=row.entrant,
        n=len(finished),
        step=steps,
        validation=mean[0],
        train_loss=mean[1],
        split=_split(row) or _missed(values[..., 0], mean[0], task),
        seeds=[_seed(record, points, steps) for record, points in found],
    )


def _common_steps(finished: Sequence[_Points]) -> list[int]:
    return sorted(set(finished[0]).intersection(*finished[1:]))


def _points(record: Record) -> _Points:
    if record.curves is None:
        return {}
    curves = record.curves
    points = dict(zip(curves.step, zip(curves.validation, curves.train_loss, strict=True), strict=True))
    if math.isfinite(sum(curves.validation) + sum(curves.train_loss)):  # then all of them are
        return points
    return {step: (score, loss) for step, (score, loss) in points.items() if math.isfinite(score + loss)}


def _seed(record: Record, points: _Points, steps: Sequence[int]) -> SeedCurve:
    """Return the curve of one trial; one that did not finish ends where its values do."""
    known = list(map(points.__getitem__, itertools.takewhile(points.__contains__, steps)))
    validation, train_loss = zip(*known, strict=True) if known else ((), ())
    return SeedCurve(
        seed=record.trial.seed,
        status=status_of(record)[0],
        solved=record.training is not None and record.training.steps_to_target is not None,
        validation=all_four_digits(validation),  # as exact as a chart can show
        train_loss=all_four_digits(train_loss),
    )


def _split(row: TaskRow) -> bool:
    """Return whether some seeds finished and some did not, or some solved the task and some did not."""
    if any(seed.counted and seed.status != "ok" for seed in row.seeds):
        return True
    return row.solved is not None and 0 < row.solved < row.ok


def _missed(seeds: Floats, mean: Sequence[float], task: TaskEntry) -> bool:
    """Return whether the mean is at any step a visible distance from every seed.

    Args:
        seeds: shape (steps, seeds).
        mean: shape (steps,).
        task: gives the distance.
    """
    distance = max(task.margin or 0.0, VISIBLE * abs(task.oracle - task.chance))
    nearest = np.abs(seeds - np.asarray(mean)[:, None]).min(axis=1)
    return bool((nearest > distance).any())
