"""What a board says of its entrants after comparing all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from msgspec.structs import replace
from scipy import stats

from archbench._report._schema import Comparison, Row
from archbench._report._statistics import MIN_SEEDS, Floats

_Row = TypeVar("_Row", bound=Row)


def compare(
    rows: Sequence[_Row], scores: Floats, *, higher_is_better: bool, margin: float | None
) -> tuple[list[_Row], Comparison]:
    """Return the ranked rows with what can be said of them, and the comparison of all their pairs.

    Args:
        rows: the ranked rows, in the order of the board.
        scores: shape (entrants, seeds), in the same order.
        higher_is_better: the direction of the scores.
        margin: the smallest difference worth a decision, in the unit of the scores; None if there is none.
    """
    keys = [row.entrant for row in rows]
    mean = scores.mean(axis=1)
    k, n = scores.shape
    enough = n >= MIN_SEEDS and k > 1
    if enough:
        rest = scores - mean[:, None] - scores.mean(axis=0) + scores.mean()
        df = (k - 1) * (n - 1)
        half = float(stats.studentized_range.ppf(0.95, k, df) * np.sqrt((rest**2).sum() / df / n))
    halves = np.full((k, k), half if enough else np.inf)
    gap = (mean[:, None] - mean[None, :]) * (1 if higher_is_better else -1)
    better = gap > halves
    equal = ~better & ~better.T & (np.abs(gap) + halves < (margin or 0.0))
    np.fill_diagonal(equal, False)
    placed = [
        replace(
            row,
            could_be_best=not better[:, i].any(),
            rank_interval=(1 + int(better[:, i].sum()), k - int(better[i].sum())),
            better_than=[keys[j] for j in np.flatnonzero(better[i])],
            worse_than=[keys[j] for j in np.flatnonzero(better[:, i])],
            equivalent_to=[keys[j] for j in np.flatnonzero(equal[i])],
        )
        for i, row in enumerate(rows)
    ]
    return placed, Comparison(
        pairs=k * (k - 1) // 2,
        told_apart=int(better.sum()),
        equivalent=int(equal.sum()) // 2,
        margin=margin,
        entrants=keys,
        means=[float(m) for m in mean],
        half_widths=[[float(x) for x in halves[i, :i]] for i in range(k)] if enough else [],
    )
