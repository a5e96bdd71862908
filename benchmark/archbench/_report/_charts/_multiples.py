"""Learning curves as small multiples: one panel per entrant, all on the same two axes."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from archbench._report._charts._axes import Domain, Scale, few, linear, log_ticks, padded, possible, tick_label, ticks
from archbench._report._charts._svg import tag
from archbench._report._scales import is_logarithmic
from archbench._report._schema import Curve, SeedCurve, TaskBoard, TaskEntry
from archbench._report._text import score_bounds

PANEL = (210, 112)
"""Width and height of a panel, in pixels."""

LEFT, RIGHT, TOP, FLOOR = 40, 204, 6, 94
"""Edges of the plot inside a panel."""

FENCE = 3.0
"""Curves that leave the middle half of all by more than this many times its width are cut (Tukey's outer fences)."""


class Panel(NamedTuple):
    """The panel of one entrant.

    Args:
        entrant: its id.
        figure: the curves, on a frame that all panels share.
        single: no mean is drawn, because it describes no seed.
    """

    entrant: str
    figure: Markup
    single: bool


class Multiples(NamedTuple):
    """The learning curves of a board.

    Args:
        frame: the axes, which the panels refer to.
        panels: one for each entrant with a curve, in the order of the rows.
    """

    frame: Markup
    panels: list[Panel]


class _Drawing(NamedTuple):
    """Scales and choices that all panels of a figure share."""

    name: str
    validation: bool
    aimed: bool
    x: Scale
    y: Scale


def multiples(board: TaskBoard, task: TaskEntry, name: str, *, validation: bool) -> Multiples | None:
    """Return the validation metric, or the training loss, of each seed against the optimiser steps.

    The mean of an entrant is drawn only where it describes its seeds; each seed that failed, or did not solve the
    task, is dashed.

    Args:
        board: has the curves.
        task: names the metric.
        name: id of the frame; unique on the page.
        validation: draw the validation metric; else the training loss.

    Returns:
        The panels; None without a curve.
    """
    curves = [curve for curve in board.curves if len(curve.step) > 1]
    if not curves:
        return None
    across = (0.0, float(max(curve.step[-1] for curve in curves)))
    upright = _upright([value for curve in curves for value in _values(curve, validation)], task, validation)
    aimed = any(row.solved is not None for row in board.rows)
    drawing = _Drawing(name, validation, aimed, linear(across, (LEFT, RIGHT)), upright.y)
    panels = [Panel(curve.entrant, _panel(curve, drawing), curve.split) for curve in curves]
    return Multiples(_frame(drawing, across, upright), panels)


def _values(curve: Curve, validation: bool) -> list[float]:
    return [value for seed in curve.seeds for value in _of(seed, validation)]


def _of(seed: SeedCurve, validation: bool) -> list[float]:
    return seed.validation if validation else seed.train_loss


class _Upright(NamedTuple):
    """The vertical axis of all panels.

    Args:
        y: its scale, logarithmic where the metric is.
        marks: the values at it.
        chance: the score of guessing, where it is within the plot.
    """

    y: Scale
    marks: Sequence[float]
    chance: float | None


def _upright(values: Sequence[float], task: TaskEntry, validation: bool) -> _Upright:
    powers = validation and is_logarithmic(task) and min(values) > 0 and task.chance > 0
    place: Scale = math.log10 if powers else float
    up = _domain([place(value) for value in values], task, validation)
    y = linear(up, (FLOOR, TOP))
    marks = [10.0**mark for mark in few(log_ticks(up), 5)] if powers else ticks(up, 4)
    marks = possible(marks, score_bounds(task)) if validation else marks
    shown = validation and up[0] <= place(task.chance) <= up[1]
    scale: Scale = (lambda value: y(place(value))) if powers else y
    return _Upright(scale, marks, task.chance if shown else None)


def _domain(values: Sequence[float], task: TaskEntry, validation: bool) -> Domain:
    """Return the range of all panels, without the part that only a few of them reach far above or below the others."""
    low, high = min(values), max(values)
    if len(values) > 3:
        first, _, third = statistics.quantiles(values, n=4)
        reach = FENCE * (third - first) or high - low
        low, high = max(low, first - reach), min(high, third + reach)
    if validation and task.higher_is_better:
        low = min(low, task.chance)
    return padded([low, high]) if validation else padded([min(low, 0.0), high])


def _frame(drawing: _Drawing, across: Domain, upright: _Upright) -> Markup:
    """Return the axes once, as a symbol without a place of its own."""
    marks, chance = upright.marks, upright.chance
    grid = "".join(f"M{LEFT} {drawing.y(value):.0f}H{RIGHT}" for value in marks)
    parts = [tag("path", d=grid, class_="grid"), tag("path", d=f"M{LEFT} {FLOOR}H{RIGHT}", class_="tick")]
    if chance is not None:
        parts.append(tag("path", d=f"M{LEFT} {drawing.y(chance):.0f}H{RIGHT}", class_="chance"))
    parts += [tag("text", tick_label(v), x=LEFT - 5, y=drawing.y(v) + 4, text_anchor="end") for v in marks]
    parts.append(tag("text", "0", x=LEFT, y=FLOOR + 15))
    parts.append(tag("text", f"{tick_label(across[1])} steps", x=RIGHT, y=FLOOR + 15, text_anchor="end"))
    group = tag("g", *parts, id=drawing.name, class_="frame")
    return tag("svg", tag("defs", group), class_="hidden", width=0, height=0, aria_hidden="true")


def _panel(curve: Curve, drawing: _Drawing) -> Markup:
    """Return the panel of an entrant; decoration, because its caption says how it ended."""
    series = [seed for seed in curve.seeds if _of(seed, drawing.validation)]
    lines = [tag("use", href=f"#{drawing.name}"), *_lines(curve, series, drawing)]
    return tag("svg", *lines, viewBox=f"0 0 {PANEL[0]} {PANEL[1]}", aria_hidden="true")


def _lines(curve: Curve, series: Sequence[SeedCurve], drawing: _Drawing) -> Iterator[Markup]:
    """Yield the seeds, those without success apart, and the mean where it describes them."""
    bad = [seed for seed in series if seed.status != "ok" or (drawing.aimed and not seed.solved)]
    good = [seed for seed in series if seed not in bad]
    places = [round(drawing.x(step)) for step in curve.step]
    for seeds, name in ((good, ""), (bad, "bad ")):
        paths = "".join(_path(places, _of(seed, drawing.validation), drawing.y) for seed in seeds)
        if paths:
            yield tag("path", d=paths, class_=name + ("seeds" if curve.split else "thin"))
    if not curve.split:
        mean = curve.validation if drawing.validation else curve.train_loss
        yield tag("path", d=_path(places, mean, drawing.y), class_="mean" if good else "bad mean")


def _path(places: Sequence[int], values: Sequence[float], y: Scale) -> str:
    """Return a line through these points in whole pixels, each relative to the one before: a fifth of the bytes.

    Args:
        places: across, in pixels.
        values: at these places; there may be fewer.
        y: the vertical scale.
    """
    top, floor = TOP - 3, FLOOR + 3
    heights = [top if at < top else floor if at > floor else round(at) for at in map(y, values)]
    points = _bends(list(zip(places, heights, strict=False)))
    moves = [f"{x - a} {y - b}" for (a, b), (x, y) in itertools.pairwise(points)]
    line = f"l{' '.join(moves)}" if len(points) > 1 else "h2"  # a single point is a short stroke
    return f"M{points[0][0]} {points[0][1]}{line}".replace(" -", "-")


def _bends(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the points without those that lie within half a pixel of the line between their neighbours."""
    kept, start = [points[0]], 0
    for end in range(2, len(points)):
        (x, y), (right, top) = points[start], points[end]
        slope = (top - y) / (right - x) if right != x else 0.0
        for a, b in points[start + 1 : end]:  # a loop, since `any` of a generator takes twice as long
            if abs(y + slope * (a - x) - b) > 0.5:
                start = end - 1
                kept.append(points[start])
                break
    return [*kept, points[-1]] if len(points) > 1 else kept
