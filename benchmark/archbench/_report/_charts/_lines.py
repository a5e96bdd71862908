"""The charts of studies: lines over numbers, with the single seeds as dots."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from archbench._declarations import Chart, Line
from archbench._report._charts._axes import WIDE, Axes, Box, frame, make_axes, padded
from archbench._report._charts._labels import BEFORE, fitting, margin, spread
from archbench._report._charts._svg import PALETTE, image, short, tag

Point = tuple[float, float]

MOST_NAMES = 8
"""Lines that have names where only some of them matter; of more, those alone do."""

MOST_ROOM = 240
"""Most room for the names of the lines of a wide plot, in pixels."""

MOST_MARKS = 30
"""Points of a line that are marked; more would hide the line."""


class _Drawn(NamedTuple):
    """A line as it is drawn: logarithms where an axis is logarithmic, and only what can be shown.

    Args:
        label: its name.
        runs: stretches of neighbouring points; a gap lies between two of them.
        seeds: further dots.
        dashed: for what a theory predicts.
    """

    label: str
    runs: list[list[Point]]
    seeds: list[Point]
    dashed: bool

    @property
    def points(self) -> list[Point]:
        """All points of the line and all dots."""
        return [point for run in self.runs for point in run] + self.seeds


def line_chart(chart: Chart, box: Box | None = None, accents: Collection[str] = ()) -> Markup | None:
    """Return a chart as an image.

    Args:
        chart: the chart.
        box: its size; without one, a wide plot with as much room at the right as the names need.
        accents: labels of the lines that matter; the others are then drawn faint. Without any, all have colours.

    Returns:
        The image; None if nothing of it can be drawn.
    """
    lines = [_prepare(line, chart) for line in chart.lines]
    points = [point for line in lines for point in line.points]
    if not points:
        return None
    if box is None:
        box = WIDE._replace(right=margin(shown_names(chart, accents), WIDE.right, MOST_ROOM))
    axes = make_axes(padded([x for x, _ in points]), padded([y for _, y in points]), box)
    heights = _heights(lines, axes, accents)
    drawn = [
        _draw(line, _look(line, index, accents), axes, heights.get(index))
        for index, line in enumerate(lines)
        if line.points
    ]
    below = frame(axes, chart.x, chart.y, powers=chart.log_x, powers_up=chart.log_y)
    return image(box.size, chart.description or chart.title, below, *drawn, class_="plot wide")


def shown_names(chart: Chart, accents: Collection[str]) -> list[str]:
    """Return the names of lines that a chart shows, as `line_chart` draws it."""
    return [line.label for line in chart.lines if _has_name(line.label, len(chart.lines), accents)]


def _has_name(label: str, lines: int, accents: Collection[str]) -> bool:
    return not accents or lines <= MOST_NAMES or label in accents


def _prepare(line: Line, chart: Chart) -> _Drawn:
    pairs = zip(line.x, line.y, strict=False)
    return _Drawn(
        line.label,
        list(_runs(_place(x, y, chart) for x, y in pairs)),
        [place for x, y in line.seeds if (place := _place(x, y, chart))],
        line.dashed,
    )


def _place(x: float, y: float | None, chart: Chart) -> Point | None:
    """Return a point on the scales of the chart; None if it has no place there."""
    across, up = _scaled(x, chart.log_x), _scaled(y, chart.log_y)
    return None if across is None or up is None else (across, up)


def _scaled(value: float | None, log: bool) -> float | None:
    if value is None or not math.isfinite(value) or (log and value <= 0):
        return None
    return math.log10(value) if log else float(value)


def _runs(points: Iterable[Point | None]) -> Iterator[list[Point]]:
    run: list[Point] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []


def _heights(lines: Sequence[_Drawn], axes: Axes, accents: Collection[str]) -> dict[int, float]:
    """Return the heights of the names by the number of the line; of many lines only those that matter have one."""
    named = [n for n, line in enumerate(lines) if line.points and _has_name(line.label, len(lines), accents)]
    ends = [(lines[n].runs[-1] if lines[n].runs else sorted(lines[n].seeds))[-1] for n in named]
    return dict(zip(named, spread([axes.y(y) for _, y in ends], 13, axes.box.height), strict=True))


def _look(line: _Drawn, index: int, accents: Collection[str]) -> str:
    """Return the class of a line: its colour, or whether it matters."""
    look = f"c{index % PALETTE}" if not accents else "accent" if line.label in accents else "faint"
    return f"{look}{' dashed' if line.dashed else ''}"


def _draw(line: _Drawn, look: str, axes: Axes, height: float | None) -> Markup:
    """Return a line with its name at this height in the margin, where no other line covers it."""
    seeds = "".join(f"M{short(axes.x(x))} {short(axes.y(y))}h0" for x, y in line.seeds)  # dots by their round ends
    points = [point for run in line.runs for point in run]
    marks = [] if line.dashed or len(points) > MOST_MARKS else [_mark(point, axes) for point in points]
    return tag(
        "g",
        tag("title", line.label),
        *([tag("path", d=seeds, class_="seed")] if seeds else []),
        *(tag("polyline", points=_path(run, axes)) for run in line.runs if len(run) > 1),
        *marks,
        *([] if height is None else [_name(line.label, height, axes.box)]),
        class_=f"curve {look}",
    )


def _name(label: str, height: float, box: Box) -> Markup:
    """Return the name of a line, as far as the margin has room for it."""
    return tag("text", fitting(label, box.right), x=box.width - box.right + BEFORE, y=height + 4, class_="name")


def _path(run: Sequence[Point], axes: Axes) -> str:
    return " ".join(f"{short(axes.x(x))},{short(axes.y(y))}" for x, y in run)


def _mark(point: Point, axes: Axes) -> Markup:
    return tag("circle", cx=axes.x(point[0]), cy=axes.y(point[1]), r=3.2)
