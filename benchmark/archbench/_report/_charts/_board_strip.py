"""The strip chart of a board: a row for each entrant, its seeds as dots on one axis, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from markupsafe import Markup

from archbench._report._cells import typical
from archbench._report._charts._axes import Domain, Scale, linear, possible, tick_label, ticks
from archbench._report._charts._strips import INNER_FENCE, task_domain
from archbench._report._charts._svg import image, short, tag
from archbench._report._charts._widths import letters, shorten
from archbench._report._schema import Entrant, TaskBoard, TaskEntry, TaskRow
from archbench._report._text import NOTHING, decimals, fixed, score_bounds, seconds, solved

WIDTH, ROW, HEAD, FOOT = 640, 19, 18, 20
"""Width of the chart, height of a row, of the axis above and of the names of lines below, in pixels."""

RIGHT, VALUE = 462, 474
"""Right end of the axis, and where the numbers start."""

LEAST, MOST = 146, 225
"""Least and most room for names at the left of the axis, in pixels."""

SHORT = 25
"""Letters that are left of a name where one does not fit."""

BESIDE, LETTER = 10, 7.1
"""Space between a name and the axis, and the width of a letter of a name in bold, in pixels."""

APART = 46
"""Names of lines nearer than this stand on two sides of them, in pixels."""


class _Plot(NamedTuple):
    """The task, the names in the margin, the axis and the number format that all rows of the chart share."""

    task: TaskEntry
    names: Mapping[str, str]
    left: float
    domain: Domain
    x: Scale
    digits: int

    def shows(self, value: float) -> bool:
        """Return whether a value is on the axis."""
        return self.domain[0] <= value <= self.domain[1]


def board_strip(board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant]) -> Markup | None:
    """Return the strip chart of a board.

    Where the task has a target, a row has dots only, filled where the seed solved it: a mean would describe no seed.
    Else it has the mean and its interval, cut at the ends of the axis. An entrant outside of the axis has its score
    written there, so that it does not squeeze the others. The margin is as wide as the longest name needs, up to a
    limit, beyond which names lose their middle; the title of a row has them whole.

    Args:
        board: the board.
        task: its task.
        entrants: the entrants of the page by id.

    Returns:
        The image; None if no entrant has a score.
    """
    rows = [row for row in board.rows if row.score is not None]
    if not rows:
        return None
    domain = task_domain(board, task, INNER_FENCE)
    labels = [entrants[row.entrant].label for row in rows]
    left = min(max(BESIDE + LETTER * max(map(_room, labels)), LEAST), MOST)
    names = shorten(labels, max(map(letters, labels)) if left < MOST else SHORT)
    plot = _Plot(task, names, left, domain, linear(domain, (left, RIGHT)), decimals(board, task))
    end = HEAD + ROW * len(rows)
    drawn = [_row(row, entrants[row.entrant], HEAD + ROW * (n + 0.5), plot) for n, row in enumerate(rows)]
    said = "; ".join(f"{entrants[row.entrant].label} {_value(row, plot)}" for row in rows)
    label = f"{task.metric.replace('_', ' ').capitalize()} of each seed on {task.label}. {said}."
    parts = (*_axis(plot, end), *_lines(plot, end), *drawn)
    return image((WIDTH, end + FOOT), label, *parts, class_="plot board")


def _room(label: str) -> float:
    """Return the room that a name takes, in letters of usual width."""
    return letters(label) + 0.4 * sum(map(label.count, "mwMW"))


def _axis(plot: _Plot, end: float) -> Iterator[Markup]:
    for value in possible(ticks(plot.domain, 5), score_bounds(plot.task)):
        x = plot.x(value)
        yield tag("line", x1=x, x2=x, y1=HEAD, y2=end, class_="grid")
        yield tag("text", tick_label(value), x=x, y=HEAD - 6, text_anchor="middle")


def _lines(plot: _Plot, end: float) -> Iterator[Markup]:
    """Yield the scores of chance and of the target as dashed lines with their names, if they are on the axis."""
    wanted = {"chance": plot.task.chance, "target": plot.task.target}
    known = {name: plot.x(value) for name, value in wanted.items() if value is not None and plot.shows(value)}
    close = len(known) == 2 and abs(known["chance"] - known["target"]) < APART
    for name, x in known.items():
        anchor = "middle" if not close else "end" if x == min(known.values()) else "start"
        yield tag("line", x1=x, x2=x, y1=HEAD, y2=end + 4, class_="reference")
        yield tag("text", name, x=x, y=end + 16, text_anchor=anchor)


def _row(row: TaskRow, entrant: Entrant, y: float, plot: _Plot) -> Markup:
    names = ["row"] + (["best"] if row.could_be_best else []) + ([] if row.rank else ["unranked"])
    return tag(
        "g",
        tag("title", entrant.label),
        tag(
            "text",
            plot.names[entrant.label],
            x=plot.left - BESIDE,
            y=y + 4,
            text_anchor="end",
            class_="who",
        ),
        *_marks(row, y, plot),
        tag("text", _value(row, plot), x=VALUE, y=y + 4),
        tag("text", _cost(row), x=WIDTH - 4, y=y + 4, text_anchor="end", class_="cost"),
        class_=" ".join(names),
        data_e=entrant.colour,
    )


def _marks(row: TaskRow, y: float, plot: _Plot) -> Iterator[Markup]:
    """Yield the interval, the dots and the mean of a row; only its score where it is off the axis."""
    shown = [seed for seed in row.seeds if seed.test is not None and plot.shows(seed.test)]
    middle = typical(row)
    if not shown and middle is not None:
        below = middle < plot.domain[0]
        words = f"{fixed(middle, plot.digits)} off the scale"
        text, x, anchor = (f"◂ {words}", plot.left + 2, "start") if below else (f"{words} ▸", RIGHT - 2, "end")
        yield tag("text", text, x=x, y=y + 4, text_anchor=anchor, class_="off-scale")
        return
    yield from _interval(row, y, plot)
    kinds: dict[str, list[float]] = {"dot": [], "hollow": [], "missed": []}
    for seed in shown:
        missed = row.solved is not None and seed.steps_to_target is None
        kinds["missed" if missed else "dot" if seed.counted else "hollow"].append(plot.x(float(seed.test or 0.0)))
    if kinds["dot"]:  # by their round ends: a third of the bytes of circles
        yield tag("path", d="".join(f"M{short(x)} {short(y)}h0" for x in kinds["dot"]), class_="dot")
    for kind in ("hollow", "missed"):
        yield from (tag("circle", cx=x, cy=y, r=3, class_=kind) for x in kinds[kind])
    if len(shown) < sum(seed.test is not None for seed in row.seeds):
        lowest = min(seed.test for seed in row.seeds if seed.test is not None)
        below = lowest < plot.domain[0]
        yield tag("text", "◂" if below else "▸", x=plot.left - 7 if below else RIGHT + 1, y=y + 4, class_="off-scale")


def _interval(row: TaskRow, y: float, plot: _Plot) -> Iterator[Markup]:
    """Yield the interval and the mean; nothing where the task has a target."""
    if row.score is None or row.solved is not None:
        return
    if row.score.low is not None and row.score.high is not None:
        low, high = (plot.x(min(max(end, plot.domain[0]), plot.domain[1])) for end in (row.score.low, row.score.high))
        yield tag("line", x1=low, x2=high, y1=y, y2=y, class_="interval")
    if plot.shows(row.score.mean):
        yield tag("line", x1=plot.x(row.score.mean), x2=plot.x(row.score.mean), y1=y - 6, y2=y + 6, class_="mean")


def _value(row: TaskRow, plot: _Plot) -> str:
    """Return the mean score, or on how many seeds the entrant solved the task; marked if it was still improving."""
    value = solved(row) if row.solved is not None else fixed(row.score.mean if row.score else None, plot.digits)
    return f"{value}{'…' if row.unfinished else ''}"


def _cost(row: TaskRow) -> str:
    """Return parameters and seconds of training, such as `269k · 4.7 s`."""
    if row.parameters is None:
        size = NOTHING
    else:
        size = f"{row.parameters / 1e3:,.0f}k" if 1e3 <= row.parameters < 1e6 else tick_label(row.parameters)
    return f"{size} · {seconds(row.train_seconds)} s" if row.train_seconds is not None else size
