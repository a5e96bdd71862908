"""Scales, ticks, and the frame around a plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from archbench._report._charts._svg import tag
from archbench._report._charts._widths import letters
from archbench._report._text import MINUS

LEFT, TOP, BOTTOM = 66, 14, 44
"""Margins of a plot: tick labels on the left and below."""


class Box(NamedTuple):
    """The size of a plot and its margin for names, in pixels."""

    width: int
    height: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


STANDARD, WIDE = Box(416, 290, 132), Box(560, 330, 190)
PLOT, RIGHT = STANDARD.size, STANDARD.right
LETTER = 5.4
"""Typical width of a letter of a title, in pixels: a title is squeezed only where it is too long, never stretched."""

SMALLEST, LARGEST = -323, 308
"""The powers of ten that are floats, other than 0 and infinity."""
FARTHEST, LEAST_DECADES = 300, 0.005
"""Powers of ten between which there are round numbers, and the least distance of two that four digits tell apart."""
LEAST = 1e-300
"""Room around values that is less is too little to divide by."""

Scale = Callable[[float], float]
"""A value in, a coordinate in pixels out."""

Domain = tuple[float, float]
"""The lowest and the highest value of an axis."""


Bounds = tuple[float | None, float | None]
"""The lowest and the highest value that a score can have; None where there is none."""


class Axes(NamedTuple):
    """The two axes of a plot.

    Args:
        across: values along the horizontal axis.
        up: values along the vertical axis.
        x: scale of the horizontal axis.
        y: scale of the vertical axis.
        box: the plot.
    """

    across: Domain
    up: Domain
    x: Scale
    y: Scale
    box: Box = STANDARD


def make_axes(across: Domain, up: Domain, box: Box = STANDARD) -> Axes:
    """Return the axes of a plot over these values."""
    x, y = linear(across, (LEFT, box.width - box.right)), linear(up, (box.height - BOTTOM, TOP))
    return Axes(across, up, x, y, box)


def linear(domain: Domain, target: tuple[float, float]) -> Scale:
    """Return the scale that maps the ends of a domain to these coordinates."""
    slope = (target[1] - target[0]) / (domain[1] - domain[0])
    return lambda value: target[0] + (value - domain[0]) * slope


def padded(values: Sequence[float]) -> Domain:
    """Return the range of some values with a little room at both ends."""
    low, high = min(values), max(values)
    pad = next((room for room in ((high - low) * 0.06, abs(high) * 0.05) if room > LEAST), 0.5)
    return low - pad, high + pad


def ticks(domain: Domain, about: int) -> list[float]:
    """Return round numbers inside the domain, roughly as many as asked for."""
    rough = (domain[1] - domain[0]) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(domain[0] / step - 1e-9)
    return [n * step for n in range(first, math.floor(domain[1] / step + 1e-9) + 1)]


def tick_label(value: float) -> str:
    """Return a number as it stands at an axis, such as `25k`."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.4g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.4g}k"
    return f"{value:,.4g}".replace("-", MINUS) if abs(value) > 1e-9 else "0"


def possible(values: Iterable[float], bounds: Bounds) -> list[float]:
    """Return the ticks that lie within the bounds of a score: an accuracy of 1.02 is none."""
    low, high = (-math.inf if bounds[0] is None else bounds[0], math.inf if bounds[1] is None else bounds[1])
    return [value for value in values if low - 1e-9 <= value <= high + 1e-9]


def frame(
    axes: Axes,
    below: str,
    beside: str,
    *,
    powers: bool = False,
    powers_up: bool = False,
    bounds: Bounds = (None, None),
) -> Markup:
    """Return the grid, the tick labels and the titles of the axes.

    Args:
        axes: the axes.
        below: title of the horizontal axis.
        beside: title of the vertical axis.
        powers: the horizontal axis is logarithmic; its values are powers of ten.
        powers_up: the vertical axis is logarithmic.
        bounds: the values that are possible on a plain vertical axis.
    """
    box = axes.box
    floor, end = box.height - BOTTOM, box.width - box.right
    turned = f"translate(11 {(TOP + floor) / 2:.0f}) rotate(-90)"
    middle = (LEFT + end) / 2
    room = 2 * min(middle, box.width - middle)
    return tag(
        "g",
        *_grid(axes, powers_up, bounds),
        *_ticks_below(axes, powers),
        tag("line", x1=LEFT, x2=end, y1=floor, y2=floor, class_="tick"),
        tag("text", below, x=middle, y=box.height - 6, text_anchor="middle", class_="title", **_fitted(below, room)),
        tag("text", beside, transform=turned, text_anchor="middle", class_="title", **_fitted(beside, TOP + floor)),
        class_="frame",
    )


def _fitted(title: str, room: float) -> dict[str, Any]:
    """Return the attributes that squeeze a title into the room for it; none if it fits."""
    return {"textLength": room - 4, "lengthAdjust": "spacingAndGlyphs"} if LETTER * letters(title) > room - 4 else {}


def _grid(axes: Axes, powers: bool, bounds: Bounds) -> Iterator[Markup]:
    for value in few(log_ticks(axes.up), 7) if powers else possible(ticks(axes.up, 5), bounds):
        y = axes.y(value)
        yield tag("line", x1=LEFT, x2=axes.box.width - axes.box.right, y1=y, y2=y, class_="grid")
        yield tag("text", power_label(value) if powers else tick_label(value), x=LEFT - 8, y=y + 4, text_anchor="end")


def _ticks_below(axes: Axes, powers: bool) -> Iterator[Markup]:
    floor = axes.box.height - BOTTOM
    for value in few(log_ticks(axes.across), 5) if powers else ticks(axes.across, 4):
        x = axes.x(value)
        yield tag("line", x1=x, x2=x, y1=floor, y2=floor + 4, class_="tick")
        yield tag("text", power_label(value) if powers else tick_label(value), x=x, y=floor + 18, text_anchor="middle")


def power_label(exponent: float) -> str:
    """Return ten to this exponent as it stands at an axis: `0.01`, `20` or `1e−7`."""
    value = 10.0**exponent
    return tick_label(value) if 1e-3 <= value < 1e9 else f"{value:.0e}".replace("e-0", "e-").replace("-", MINUS)


def few(values: list[float], most: int) -> list[float]:
    """Return at most so many of these ticks, evenly spread."""
    return values[:: math.ceil(len(values) / most)] if values else values


def log_ticks(domain: Domain) -> list[float]:
    """Return logarithms of round numbers: powers of ten over a wide range, 1, 2, 5 or finer steps over a narrow one.

    Where that leaves fewer than three, they are those of a plain axis, if it has more: one alone gives no scale.
    """
    powers = range(max(math.floor(domain[0]), SMALLEST), min(math.ceil(domain[1]), LARGEST) + 1)
    for multiples in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        values = [math.log10(m * 10.0**power) for power in powers for m in multiples]
        inside = [value for value in values if domain[0] <= value <= domain[1]]
        if len(inside) >= 3:
            return inside
    if domain[1] - domain[0] < LEAST_DECADES or max(map(abs, domain)) > FARTHEST:
        return inside
    plain = ticks((10.0 ** domain[0], 10.0 ** domain[1]), 4)
    return [math.log10(value) for value in plain] if len(plain) > len(inside) else inside
