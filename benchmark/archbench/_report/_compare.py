"""The comparison of all pairs of entrants of a board, and what each row may say because of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from msgspec.structs import replace

from archbench import _statistics
from archbench._report._schema import Comparison, Differences, Row
from archbench._report._statistics import Floats
from archbench._statistics import Judgement, Scale, Steps, judge

_Row = TypeVar("_Row", bound=Row)

KNOWN_DIGITS = 9
"""Digits of half a width: the quantile in it is found to a billionth, and further digits differ between processors."""


class Measured(NamedTuple):
    """The results of some entrants, which are compared.

    Args:
        scores: on their scale, shape (entrants, seeds), or (entrants, tasks, seeds) of normalised scores.
        paired: a seed is the same data for all entrants.
        scale: how they are compared.
        steps: to solve the task; None where it has no target.
    """

    scores: Floats
    paired: bool
    scale: Scale
    steps: Steps | None = None


def compare(rows: Sequence[_Row], measured: Measured) -> tuple[list[_Row], Comparison]:
    """Return the rows with what can be said of them, and the comparison of all their pairs.

    Two entrants that both solve the task with every seed are compared by their steps to solve it, all others by their
    scores.

    Args:
        rows: the ranked rows, in the order of the board.
        measured: their results, in the same order.
    """
    scale = measured.scale
    if not rows:
        return [], _nothing(scale)
    found = judge(measured.scores, scale=scale, paired=measured.paired, steps=measured.steps)
    answers = found.answers.copy()
    np.fill_diagonal(answers, "")
    keys = [row.entrant for row in rows]
    means = scale.restored(measured.scores.reshape(len(rows), -1).mean(axis=1))
    return [_placed(row, said, keys) for row, said in zip(rows, answers.tolist(), strict=True)], Comparison(
        pairs=len(rows) * (len(rows) - 1) // 2,
        told_apart=int((answers == "better").sum()),
        equivalent=int((answers == "equivalent").sum()) // 2,
        margin=scale.margin,
        factor=scale.factor,
        reason=found.scores.reason,
        scores=_differences(keys, means, found.scores, ratios=scale.factor is not None),
        steps=_steps(keys, measured.steps, found),
    )


def _steps(keys: Sequence[str], steps: Steps | None, found: Judgement) -> Differences | None:
    """Return the differences between entrants that solve the task with every seed; None with fewer than two."""
    if steps is None or found.steps is None:
        return None
    means = steps.taken[found.solvers].mean(axis=1)
    return _differences([keys[place] for place in found.solvers], means, found.steps)


def _placed(row: _Row, answers: Sequence[str], keys: Sequence[str]) -> _Row:
    """Return a row with its relations to the others, and its rank interval by inversion of them."""
    better, worse, equivalent = (
        [key for key, said in zip(keys, answers, strict=True) if said == word]
        for word in ("better", "worse", "equivalent")
    )
    return replace(
        row,
        could_be_best=not worse,
        rank_interval=(1 + len(worse), len(keys) - len(better)),
        better_than=better,
        worse_than=worse,
        equivalent_to=equivalent,
    )


def _differences(
    keys: Sequence[str], means: Floats, found: _statistics.Comparison, *, ratios: bool = False
) -> Differences:
    """Return the means, and half the widths of the intervals of all differences; none where nothing was compared.

    Args:
        keys: ids of the entrants.
        means: of each.
        found: their comparison.
        ratios: it is one of logarithms.
    """
    halves = np.exp(found.half_widths) if ratios else found.half_widths
    return Differences(
        entrants=list(keys),
        means=[float(mean) for mean in means],
        half_widths=[] if found.reason else [[*map(_known, row[:place])] for place, row in enumerate(halves.tolist())],
    )


def _known(half_width: float) -> float:
    """Return half a width to the digits that are known of it."""
    return float(f"{half_width:.{KNOWN_DIGITS}g}")


def _nothing(scale: Scale) -> Comparison:
    scores = Differences(entrants=[], means=[], half_widths=[])
    return Comparison(
        pairs=0, told_apart=0, equivalent=0, margin=scale.margin, factor=scale.factor, reason="", scores=scores
    )
