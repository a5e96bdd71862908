"""Learning curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from archbench._report._charts._axes import BOTTOM, PLOT, Axes, frame, make_axes, padded
from archbench._report._charts._svg import clip, colour_class, image, mark, short, tag
from archbench._report._schema import Curve, Entrant, TaskBoard, TaskEntry

MAX_LINES = 8
"""More learning curves than this cannot be told apart; all others but the last are drawn faint."""


def learning_curves(
    board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant], *, validation: bool
) -> Markup | None:
    """Return the mean over seeds of the validation metric, or of the training loss, against the optimiser steps.

    The first entrants of the table are named, and the last, so that those that did not learn are seen beside them.

    Returns:
        The plot; None without a curve.
    """
    curves = [curve for curve in board.curves if len(curve.step) > 1]
    if not curves:
        return None
    series = {curve.entrant: curve.validation if validation else curve.train_loss for curve in curves}
    across = (0.0, float(max(curve.step[-1] for curve in curves)))
    axes = make_axes(across, padded([value for values in series.values() for value in values]))
    what = f"validation {task.metric.replace('_', ' ')}" if validation else "training loss"
    named, faint = curves[:MAX_LINES] + curves[MAX_LINES:][-1:], curves[MAX_LINES:-1]
    heights = spread([axes.y(series[curve.entrant][-1]) for curve in named], 13)
    lines = [
        _line(curve, series[curve.entrant], entrants[curve.entrant], axes, height)
        for curve, height in [*((curve, None) for curve in faint), *zip(named, heights, strict=True)]
    ]
    ends = ", ".join(f"{entrants[curve.entrant].label} {series[curve.entrant][-1]:.3g}" for curve in named)
    label = f"Mean {what} over seeds by optimiser step. At the end: {ends}."
    return image(PLOT, label, frame(axes, "steps", what), *lines)


def _line(curve: Curve, values: Sequence[float], entrant: Entrant, axes: Axes, height: float | None) -> Markup:
    """Return a curve with its name at that height; without a height it is faint, and named when it is pointed at."""
    faint = height is None
    points = zip(curve.step, values, strict=True)
    end = axes.x(curve.step[-1])
    name_height = (axes.y(values[-1]) if height is None else height) + 4
    return tag(
        "g",
        tag("title", entrant.label),
        tag("polyline", points=" ".join(f"{short(axes.x(step))},{short(axes.y(value))}" for step, value in points)),
        mark(entrant, end, axes.y(values[-1]), 3),
        tag("text", clip(entrant.label), x=end + 9, y=name_height, class_="name quiet" if faint else "name"),
        class_=f"curve {colour_class(entrant)}{' faint' if faint else ''}",
        data_e=entrant.colour,
    )


def spread(heights: Sequence[float], gap: float, plot: float = PLOT[1]) -> list[float]:
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
