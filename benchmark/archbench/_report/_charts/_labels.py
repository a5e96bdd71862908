"""Heights for names beside the ends of lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

from archbench._report._charts._axes import BOTTOM


def spread(heights: Sequence[float], gap: float, plot: float) -> list[float]:
    """Return label heights at least `gap` apart, kept near the points and inside a plot of this height."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = [0.0] * len(heights)
    last = -math.inf
    for index in order:
        last = placed[index] = max(heights[index], last + gap)
    ceiling = plot - BOTTOM - 2 + gap
    for index in reversed(order):
        ceiling = placed[index] = min(placed[index], ceiling - gap)
    return placed
