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

    `better` and `worse`: the simultaneous interval of the difference excludes 0. `equivalent`: it lies within the
    margin to both sides; it may exclude 0 as well, and then the difference is real but too small to matter.
    `undecided`: neither, or no comparison.

    Args:
        comparison: of all pairs.
        margin: the smallest difference that matters, in the unit of the scores; 0 if none was declared.

    Returns:
        Shape (entrants, entrants).
    """
    if margin < 0:
        raise ValueError(f"a margin of {margin} is negative; give the smallest difference that matters, or 0")
    within = np.abs(comparison.differences) + comparison.half_widths < margin
    return np.select(
        [within, comparison.better, comparison.better.T], ["equivalent", "better", "worse"], default="undecided"
    )
