"""A flame graph: one HTML file that works offline. Width is time; below each part lie the parts that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archbench._report._templates import templates


@dataclass(frozen=True, slots=True)
class FlameNode:
    """Something that takes time, and its parts.

    Args:
        name: short, for the box.
        seconds: of all of it; the parts take at most as long.
        path: its full name, for the box that is pointed at.
        colour: a number below 6; parts have that of the whole.
        parts: in the order of execution.
    """

    name: str
    seconds: float
    path: str = ""
    colour: int = 0
    parts: list[FlameNode] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Box:
    """One rectangle: its place in shares of the whole width, its row, and its texts."""

    x: float
    width: float
    row: int
    colour: int
    name: str
    title: str


def render_flame(root: FlameNode, *, title: str, facts: Sequence[str]) -> str:
    """Return the page.

    Args:
        root: what takes all of the time.
        title: heading of the page.
        facts: lines below it.
    """
    boxes = list(_place(root, root.seconds, x=0.0, row=0, colour=-1))
    rows = 1 + max(box.row for box in boxes)
    parts = [(part, describe_time(part.seconds, root.seconds)) for part in root.parts]
    return (
        templates().get_template("flame.html.j2").render(title=title, facts=facts, boxes=boxes, rows=rows, parts=parts)
    )


def describe_time(seconds: float, whole: float) -> str:
    """Return a time for people, and its share of the whole."""
    return f"{1000 * seconds:.3g} ms, {seconds / whole:.1%}"


def _place(node: FlameNode, whole: float, *, x: float, row: int, colour: int) -> Iterator[Box]:
    title = f"{node.path or node.name}: {describe_time(node.seconds, whole)}"
    yield Box(x=x, width=node.seconds / whole, row=row, colour=colour, name=node.name, title=title)
    for part in node.parts:
        yield from _place(part, whole, x=x, row=row + 1, colour=part.colour if row == 0 else colour)
        x += part.seconds / whole
