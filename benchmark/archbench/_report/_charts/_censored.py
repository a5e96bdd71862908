"""Steps to solve a task: a dot for each seed, and an open mark where training ended before it was solved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from archbench._report._charts._axes import Scale, linear, tick_label, ticks
from archbench._report._charts._normalised import dots
from archbench._report._charts._svg import image, tag
from archbench._report._charts._widths import shorten
from archbench._report._schema import Entrant, SeedResult, TaskBoard, TaskRow

LEFT, WIDTH, ROW, HEAD = 170, 640, 25, 22
"""Margin for names, width, height of a row and of the axis above them, in pixels."""

LONGEST = 23
"""Letters of a name that the margin has room for."""

RADIUS = 3.2
"""Radius of a mark, in pixels."""


def steps_chart(board: TaskBoard, entrants: Mapping[str, Entrant]) -> Markup | None:
    """Return the steps after which each seed solved the task, in the order of the rows.

    A seed that did not solve it has an open mark at the steps that it was trained for.

    Returns:
        The chart; None where the task has no target, or no seed is known.
    """
    rows = [row for row in board.rows if row.solved_share is not None and any(map(_trained, row.seeds))]
    if not rows:
        return None
    longest = max(_trained(seed) for row in rows for seed in row.seeds)
    x = linear((0.0, float(longest)), (LEFT, WIDTH - 12))
    height = HEAD + ROW * len(rows) + 4
    parts = [*_axis(x, longest, height)]
    names = shorten((entrants[row.entrant].label for row in rows), LONGEST)
    for place, row in enumerate(rows):
        entrant = entrants[row.entrant]
        parts.append(_row(row, entrant, names[entrant.label], x, HEAD + ROW * place + ROW / 2))
    label = f"Steps to solve the task, {len(rows)} entrants; open marks are seeds that did not solve it"
    return image((WIDTH, height), label, *parts, class_="plot wide steps")


def _trained(seed: SeedResult) -> int:
    return seed.steps_to_target or seed.steps or 0


def _axis(x: Scale, longest: int, height: int) -> Iterator[Markup]:
    for value in ticks((0.0, float(longest)), 5):
        yield tag("line", x1=x(value), x2=x(value), y1=HEAD - 4, y2=height - 4, class_="grid")
        yield tag("text", tick_label(value), x=x(value), y=HEAD - 9, text_anchor="middle")


def _row(row: TaskRow, entrant: Entrant, short: str, x: Scale, y: float) -> Markup:
    """Return the shortened name of an entrant and its seeds, those that did not solve the task apart."""
    seeds = sorted((seed for seed in row.seeds if seed.counted and _trained(seed)), key=_trained)
    name = tag("text", short, x=LEFT - 12, y=y + 4, text_anchor="end", class_="name")
    solved = [x(_trained(seed)) for seed in seeds if seed.steps_to_target is not None]
    parts = [dots(solved, y)] if solved else []
    parts += _rings([x(_trained(seed)) for seed in seeds if seed.steps_to_target is None], y)
    return tag("g", tag("title", entrant.label), name, *parts, data_e=entrant.colour)


def _rings(places: Sequence[float], y: float) -> Iterator[Markup]:
    """Yield an open mark for each place, beside those that it would cover."""
    for number, at in enumerate(places):
        covered = sum(abs(at - other) < RADIUS for other in places[:number])
        yield tag("circle", cx=at, cy=y + (0, -5, 5, -8, 8)[covered % 5], r=RADIUS, class_="censored")
