"""SVG elements, and the mark and colour of an entrant."""

from __future__ import annotations

from functools import cache, lru_cache

from markupsafe import Markup, escape

from archbench._report._schema import Entrant

PALETTE = 10
"""Colours in the style sheet; entrants beyond that share a colour and differ in the shape of their mark."""


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Return one element, with its children and the values of its attributes escaped."""
    pairs = "".join([f' {_attribute(key)}="{_value(value)}"' for key, value in attributes.items()])
    inside = "".join([child if type(child) is Markup else escape(child) for child in children])
    # Names of elements and attributes are ours; values and children were escaped above.
    return Markup(f"<{name}{pairs}>{inside}</{name}>" if children else f"<{name}{pairs}/>")  # noqa: S704


@cache
def _attribute(key: str) -> str:
    """Return the name of an attribute that is written as a Python name."""
    return key.rstrip("_").replace("_", "-")


def image(size: tuple[int, int], label: str, *parts: Markup, class_: str = "plot") -> Markup:
    """Return a whole chart.

    Args:
        size: width and height in pixels.
        label: what the chart shows, for people who cannot see it.
        parts: its elements.
        class_: its class in the style sheet.
    """
    box = f"0 0 {size[0]} {size[1]}"
    return tag("svg", *parts, viewBox=box, width=size[0], height=size[1], class_=class_, role="img", aria_label=label)


def mark(entrant: Entrant, x: float, y: float, r: float) -> Markup:
    """Return a circle, square, diamond or triangle: entrants that share a colour differ in shape."""
    if entrant.colour < PALETTE:
        return tag("circle", cx=x, cy=y, r=r)
    corners = {
        1: [(-r, -r), (r, -r), (r, r), (-r, r)],
        2: [(0, -r * 1.3), (r * 1.3, 0), (0, r * 1.3), (-r * 1.3, 0)],
        3: [(0, -r * 1.2), (r * 1.2, r), (-r * 1.2, r)],
    }[1 + (entrant.colour // PALETTE - 1) % 3]
    return tag("polygon", points=" ".join(f"{short(x + dx)},{short(y + dy)}" for dx, dy in corners))


def colour_class(entrant: Entrant) -> str:
    """Return the class of the colour of an entrant."""
    return f"c{entrant.colour % PALETTE}"


def _value(value: object) -> str:
    """Return the value of an attribute; numbers need no escaping, and most values are numbers."""
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value) if isinstance(value, int) else _text(value)


@lru_cache(maxsize=1024, typed=True)  # typed, since escaped text is equal to text that is not
def _text(value: object) -> Markup:
    """Return the escaped value of an attribute, most of which are classes and ids that many elements have."""
    return escape(value)


def short(value: object) -> object:
    """Return a coordinate with one decimal, and anything else as it is: a third of the bytes, no visible change."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
