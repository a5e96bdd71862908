"""Steps to solve a task: a dot for each seed, and an open mark where training ended before it was solved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from archbench._report._charts._axes import Scale, linear, tick_label, ticks
from archbench._report._charts._svg import clip, image, tag
from archbench._report._schema import Entrant, SeedResult, TaskBoard, TaskRow

LEFT, WIDTH, ROW, HEAD = 150, 560, 20, 22
"""Margin for names, width, height of a row and of the axis above them, in pixels."""

RADIUS = 3.6
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
    for place, row in enumerate(rows):
        parts.append(_row(row, entrants[row.entrant], x, HEAD + ROW * place + ROW / 2))
    label = f"Steps to solve the task, {len(rows)} entrants; open marks are seeds that did not solve it"
    return image((WIDTH, height), label, *parts, class_="plot wide steps")


def _trained(seed: SeedResult) -> int:
    return seed.steps_to_target or seed.steps or 0


def _axis(x: Scale, longest: int, height: int) -> Iterator[Markup]:
    for value in ticks((0.0, float(longest)), 5):
        yield tag("line", x1=x(value), x2=x(value), y1=HEAD - 4, y2=height - 4, class_="grid")
        yield tag("text", tick_label(value), x=x(value), y=HEAD - 9, text_anchor="middle")


def _row(row: TaskRow, entrant: Entrant, x: Scale, y: float) -> Markup:
    dots = list(_dots([seed for seed in row.seeds if seed.counted and _trained(seed)], x, y))
    name = tag("text", clip(entrant.label, 22), x=LEFT - 12, y=y + 4, text_anchor="end", class_="name")
    return tag("g", tag("title", entrant.label), name, *dots, data_e=entrant.colour)


def _dots(seeds: Sequence[SeedResult], x: Scale, y: float) -> Iterator[Markup]:
    """Yield a mark for each seed, beside those that it would cover."""
    drawn: list[float] = []
    for seed in seeds:
        at = x(_trained(seed))
        covered = sum(abs(at - other) < RADIUS for other in drawn)
        drawn.append(at)
        height = y + (0, -5, 5, -8, 8)[covered % 5]
        yield tag("circle", cx=at, cy=height, r=RADIUS, class_="censored" if seed.steps_to_target is None else "solved")
