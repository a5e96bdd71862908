"""Plots of score against a cost: parameters, operations, seconds or memory."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from markupsafe import Markup

from archbench._report._cells import typical
from archbench._report._charts._axes import BOTTOM, TOP, Axes, Box, Domain, frame, make_axes, padded, tick_label
from archbench._report._charts._labels import LETTER, fitting, margin
from archbench._report._charts._svg import colour_class, image, mark, short, tag
from archbench._report._charts._widths import letters
from archbench._report._schema import Entrant, TaskBoard, TaskEntry, TaskRow
from archbench._report._statistics import pareto_front
from archbench._report._text import score_bounds

PLOT = Box(500, 360, 0)
"""The plot without its margin for names."""

ROOM = (120, 200)
"""Least and most room for names, in pixels."""

FENCE, FEWEST = 3.0, 5
"""Scores further from the middle half of all than this many times its width stand at the edge, with so many entrants
or more (Tukey's outer fences)."""


class Cost(NamedTuple):
    """A resource that entrants use.

    Args:
        name: its name, for the reader to choose.
        axis: its name with the unit.
        of: its amount; None if it is unknown.
    """

    name: str
    axis: str
    of: Callable[[TaskRow], float | None]


COSTS = (
    Cost("parameters", "trainable parameters", lambda row: row.parameters),
    Cost("FLOPs", "floating-point operations of a forward pass of one example", lambda row: row.flops),
    Cost("train seconds", "seconds of training, mean of a trial", lambda row: row.train_seconds),
    Cost("memory", "peak memory of a trial, in MB", lambda row: _megabytes(row.peak_memory_bytes)),
)
"""The costs that a reader can choose from."""


class _Point(NamedTuple):
    entrant: Entrant
    cost: float
    score: float
    pareto: bool

    def place(self, axes: Axes) -> tuple[float, float]:
        """Return its coordinates in pixels, at the edge of the plot where its score is off the scale."""
        return axes.x(math.log10(self.cost)), axes.y(min(max(self.score, axes.up[0]), axes.up[1]))

    def numbers(self) -> str:
        """Return its score and its cost."""
        return f"{self.score:.4g}, {tick_label(self.cost)}"

    def words(self, up: Domain, room: int | None = None) -> str:
        """Return its name as far as a margin has room for it, with the score where that is off the scale."""
        score = "" if up[0] <= self.score <= up[1] else f" {self.score:.3g}"
        name = self.entrant.label if room is None else fitting(self.entrant.label, room - round(LETTER * len(score)))
        return f"{name}{score}"


class CostChart(NamedTuple):
    """Score against a cost.

    Args:
        cost: the cost.
        figure: the chart; its description has every entrant with score and cost.
        nameless: the entrants whose mark has no room for a whole name, with score and cost in words, the cheapest
            first. A list of them needs no mouse, as the title of a mark does, and marks that cover each other would be
            poor targets for fingers and for the Tab key.
    """

    cost: Cost
    figure: Markup
    nameless: list[tuple[Entrant, str]]


def cost_charts(board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant]) -> list[CostChart]:
    """Return score against each cost that at least two ranked entrants have, Pareto-optimal entrants filled.

    The names at the marks are whole where the widest margin has room for them.
    """
    found = [(cost, _points(board, task, entrants, cost)) for cost in COSTS]
    return [_chart(points, task, cost) for cost, points in found if len(points) > 1]


def _megabytes(size: float | None) -> float | None:
    return None if size is None else size / 1e6


def _points(board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant], cost: Cost) -> list[_Point]:
    known = [
        (entrants[row.entrant], amount, score)
        for row in board.rows
        if row.rank is not None and (amount := cost.of(row)) and (score := typical(row)) is not None
    ]
    if not known:
        return []
    sign = 1.0 if task.higher_is_better else -1.0
    front = pareto_front([sign * score for _, _, score in known], [amount for _, amount, _ in known])
    return [_Point(*point, bool(optimal)) for point, optimal in zip(known, front, strict=True)]


def _chart(points: list[_Point], task: TaskEntry, cost: Cost) -> CostChart:
    up = _within_fences([point.score for point in points])
    room = margin([point.words(up) for point in points], *ROOM)
    box = Box(PLOT.width + room, PLOT.height, room)
    axes = make_axes(_decades(points), up, box)
    front = sorted((point for point in points if point.pareto), key=lambda point: (point.cost, point.score))
    best = ", ".join(point.entrant.label for point in front)
    every = "; ".join(f"{point.entrant.label} {point.numbers()}" for point in points)
    label = f"Score against {cost.name} for {len(points)} entrants. Pareto-optimal: {best}. Score and cost: {every}."
    below = frame(axes, cost.axis, task.metric.replace("_", " "), powers=True, bounds=score_bounds(task))
    # Pareto-optimal entrants come first, so that they are the ones that keep their names where there is no room.
    points.sort(key=lambda point: not point.pareto)
    names = [point.words(up, room) for point in points]
    heights = [
        height if free else None
        for height, free in place_names([point.place(axes) for point in points], names, PLOT.height)
    ]
    named = [
        height is not None and name == point.words(up)
        for point, name, height in zip(points, names, heights, strict=True)
    ]
    marks = [_mark(*each, axes) for each in zip(points, names, heights, named, strict=True)]
    figure = image(box.size, label, below, _front(front, axes), *marks, class_="plot wide cost")
    without = sorted((point for point, whole in zip(points, named, strict=True) if not whole), key=attrgetter("cost"))
    return CostChart(cost, figure, [(point.entrant, point.numbers()) for point in without])


def _within_fences(scores: Sequence[float]) -> Domain:
    """Return the range of the scores that are not far from all others."""
    if len(scores) < FEWEST:
        return padded(scores)
    low, _, high = statistics.quantiles(scores, n=4)
    reach = FENCE * (high - low)
    return padded([score for score in scores if low - reach <= score <= high + reach])


def _decades(points: Sequence[_Point]) -> Domain:
    low, high = (math.log10(bound(point.cost for point in points)) for bound in (min, max))
    pad = max((high - low) * 0.08, 0.08)
    return low - pad, high + pad


def _front(front: Sequence[_Point], axes: Axes) -> Markup:
    places = [point.place(axes) for point in front]
    return tag("path", d="M" + " L".join(f"{short(x)} {short(y)}" for x, y in places), class_="front")


def _mark(point: _Point, name: str, height: float | None, whole: bool, axes: Axes) -> Markup:
    """Return a mark with its name at this height, if any; pointing at the mark shows a name that is not there whole."""
    x, y = point.place(axes)
    shape = mark(point.entrant, x, y, 5.5 if point.pareto else 4.5)
    if not axes.up[0] <= point.score <= axes.up[1]:
        arrow = "▾" if point.score < axes.up[0] else "▴"
        shape = tag("text", arrow, x=x, y=y + 4, class_="off-scale")
    beside = [] if height is None else [tag("text", name, x=x + 9, y=height + 4, class_="name")]
    title = [] if whole else [tag("title", f"{point.entrant.label} {point.score:.4g}")]
    kind = "filled" if point.pareto else "open"
    return tag("g", *title, *beside, shape, class_=f"{colour_class(point.entrant)} {kind}", data_e=point.entrant.colour)


def place_names(
    points: Sequence[tuple[float, float]], names: Sequence[str], plot: int = PLOT.height
) -> list[tuple[float, bool]]:
    """Return the height of the name beside each point, and whether it covers nothing there.

    Names that would cover something are shown only when their point is pointed at, and below the chart.
    """
    taken = [(x - 5, x + 5, y, 10) for x, y in points]  # left, right, height, and the distance to keep from it
    places = []
    for (x, y), name in zip(points, names, strict=True):
        start, end = x + 9, x + 9 + 7 * letters(name)
        near = [(at, gap) for left, right, at, gap in taken if left < end and start < right and abs(y - at) < gap + 15]
        free = [
            height
            for height in (y, y - 7, y + 7, y - 14, y + 14)
            if TOP <= height <= plot - BOTTOM - 5 and not any(abs(height - at) < gap for at, gap in near)
        ]
        taken += [(start, end, height, 13) for height in free[:1]]
        places.append((free[0] if free else y, bool(free)))
    return places
