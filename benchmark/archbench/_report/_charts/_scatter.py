"""The plot of score against parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from archbench._report._cells import typical
from archbench._report._charts._axes import BOTTOM, PLOT, TOP, Axes, Domain, frame, make_axes, padded
from archbench._report._charts._svg import clip, colour_class, image, mark, short, tag
from archbench._report._schema import Entrant, TaskBoard, TaskEntry


class _Point(NamedTuple):
    entrant: Entrant
    parameters: int
    score: float
    pareto: bool

    def place(self, axes: Axes) -> tuple[float, float]:
        """Return its coordinates in pixels."""
        return axes.x(math.log10(self.parameters)), axes.y(self.score)


def scatter(board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant]) -> Markup | None:
    """Return score against parameters on a logarithmic axis, with Pareto-optimal entrants filled and joined.

    Returns:
        The plot; None with fewer than two ranked entrants.
    """
    points = [
        _Point(entrants[row.entrant], row.parameters, score, bool(row.pareto))
        for row in board.rows
        if row.parameters and row.rank is not None and (score := typical(row)) is not None
    ]
    if len(points) < 2:
        return None
    axes = make_axes(_decades(points), padded([point.score for point in points]))
    front = sorted((point for point in points if point.pareto), key=lambda point: (point.parameters, point.score))
    best = ", ".join(point.entrant.label for point in front)
    label = f"Score against parameters for {len(points)} entrants. Pareto-optimal: {best}."
    below = frame(axes, "parameters", task.metric.replace("_", " "), powers=True)
    # Pareto-optimal entrants come first, so that they are the ones that keep their names where there is no room.
    points.sort(key=lambda point: not point.pareto)
    return image(PLOT, label, below, _front(front, axes), *_marks(points, axes), *_names(points, axes))


def _decades(points: Sequence[_Point]) -> Domain:
    low, high = (math.log10(bound(point.parameters for point in points)) for bound in (min, max))
    pad = max((high - low) * 0.08, 0.08)
    return low - pad, high + pad


def _front(front: Sequence[_Point], axes: Axes) -> Markup:
    places = [point.place(axes) for point in front]
    return tag("path", d="M" + " L".join(f"{short(x)} {short(y)}" for x, y in places), class_="front")


def _marks(points: Sequence[_Point], axes: Axes) -> list[Markup]:
    marks = []
    for point in points:
        shape = mark(point.entrant, *point.place(axes), 5.5 if point.pareto else 4.5)
        title = tag("title", point.entrant.label)
        marks.append(_coloured(point, tag("g", title, shape, class_="filled" if point.pareto else "open")))
    return marks


def _names(points: Sequence[_Point], axes: Axes) -> list[Markup]:
    labels = [clip(point.entrant.label) for point in points]
    places = [point.place(axes) for point in points]
    heights = place_names(places, labels)
    return [
        _coloured(point, tag("text", label, x=x + 9, y=height + 4, class_="name" if free else "name quiet"))
        for point, label, (x, _), (height, free) in zip(points, labels, places, heights, strict=True)
    ]


def _coloured(point: _Point, element: Markup) -> Markup:
    """Return an element in the colour of its entrant, found by the script of the page."""
    return tag("g", element, class_=colour_class(point.entrant), data_e=point.entrant.colour)


def place_names(points: Sequence[tuple[float, float]], names: Sequence[str]) -> list[tuple[float, bool]]:
    """Return the height of the name beside each point, and whether it covers nothing there.

    Names that would cover something are shown only when their point is pointed at.
    """
    taken = [(x - 5, x + 5, y, 10) for x, y in points]  # left, right, height, and the distance to keep from it
    places = []
    for (x, y), name in zip(points, names, strict=True):
        start, end = x + 9, x + 9 + 7 * len(name)
        free = [
            height
            for height in (y, y - 7, y + 7, y - 14, y + 14)
            if TOP <= height <= PLOT[1] - BOTTOM - 5
            and not any(left < end and start < right and abs(height - at) < gap for left, right, at, gap in taken)
        ]
        taken += [(start, end, height, 13) for height in free[:1]]
        places.append((free[0] if free else y, bool(free)))
    return places
