"""Room and heights for names beside the ends of lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from archbench._report._charts._axes import BOTTOM
from archbench._report._charts._widths import clip, letters

LETTER = 6.7
"""Typical width of a letter of a name, in pixels."""

BEFORE, AFTER = 9, 8
"""Space on both sides of a name, in pixels."""


def margin(names: Iterable[str], least: int, most: int) -> int:
    """Return the width of a margin in which the longest of these names fits, within bounds."""
    return round(min(max(LETTER * max(map(letters, names), default=0) + BEFORE + AFTER, least), most))


def fitting(name: str, width: int) -> str:
    """Return a name as far as a margin of this width has room for it."""
    return clip(name, int((width - BEFORE - AFTER) / LETTER + 0.1))


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
