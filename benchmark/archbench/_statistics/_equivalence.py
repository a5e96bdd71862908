"""Differences that matter: better, worse, equivalent within a margin, or undecided."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from archbench._statistics._comparison import Comparison

Answer = Literal["better", "worse", "equivalent", "undecided"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)


def answers(comparison: Comparison, margin: float) -> npt.NDArray[np.str_]:
    """Return for each pair what the seeds say about the entrant of the row against that of the column.

    Args:
        comparison: of all pairs; a pair without an interval is undecided.
        margin: see `classify`.

    Returns:
        Shape (entrants, entrants).
    """
    return classify(comparison.differences, comparison.half_widths, margin)


def classify(differences: npt.ArrayLike, half_widths: npt.ArrayLike, margin: float) -> npt.NDArray[np.str_]:
    """Return what intervals of differences say.

    `equivalent`: the interval lies within the margin to both sides. It may exclude 0 as well; the difference is then
    real, and too small to matter. `better` and `worse`: it excludes 0. `undecided`: none of these.

    Args:
        differences: any shape.
        half_widths: half the width of the interval of each difference, same shape; NaN if there is none.
        margin: smallest difference that matters; 0 if none was declared, and then nothing is called equivalent.

    Returns:
        Array of `Answer`, same shape.

    Raises:
        ValueError: the margin is negative.
    """
    if margin < 0:
        raise ValueError(f"a margin of {margin} is negative; give the smallest difference that matters, or 0")
    gap, half = np.asarray(differences, dtype=np.float64), np.asarray(half_widths, dtype=np.float64)
    conditions = [np.abs(gap) + half < margin, gap > half, -gap > half]
    return np.select(conditions, ["equivalent", "better", "worse"], default="undecided")
