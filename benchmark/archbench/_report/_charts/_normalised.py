"""Strips of an architecture's view: its seeds on each task, on the scale that all tasks share, and beside its control.

Dots are one path with round ends, a fifth of the bytes of circles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from archbench._report._charts._axes import linear
from archbench._report._charts._strips import RADIUS, STRIP
from archbench._report._charts._svg import short, tag

SCALE = (-0.15, 1.0)
"""Range of the axis: 0 is chance, 1 is perfect, and there is some room for what is worse than chance."""

MIDDLE = STRIP[1] // 2


def normalised_strip(scores: Sequence[float], low: float | None, high: float | None) -> Markup:
    """Return normalised scores of seeds as dots, with the interval of their mean.

    Args:
        scores: of the seeds, 0 for chance and 1 for a perfect predictor.
        low, high: ends of the interval, on the same scale; None without one.
    """
    x = linear(SCALE, (RADIUS + 1, STRIP[0] - RADIUS - 1))
    ends = None if low is None or high is None else [x(min(max(end, SCALE[0]), SCALE[1])) for end in (low, high)]
    inside = [x(min(score, SCALE[1])) for score in sorted(scores) if score >= SCALE[0]]
    parts = [_bounds([x(0.0), x(1.0)]), *_interval(ends), dots(inside, MIDDLE)]
    if len(inside) < len(scores):
        parts.append(tag("text", "◂", x=0, y=MIDDLE + 4, class_="off-scale"))
    return _strip("seeds: " + ", ".join(f"{score:.2f}" for score in scores), parts)


def difference_strip(mean: float, low: float | None, high: float | None, reach: float) -> Markup:
    """Return a difference from the control with its interval; decoration, right of the line is better.

    Args:
        mean: the difference on the normalised scale, positive where the entrant is better.
        low, high: ends of its interval; None without one.
        reach: largest distance from 0 that the axis shows.
    """
    x = linear((-reach, reach), (RADIUS + 1, STRIP[0] - RADIUS - 1))
    ends = None if low is None or high is None else [x(min(max(end, -reach), reach)) for end in (low, high)]
    at = x(min(max(mean, -reach), reach))
    return _strip("", [_bounds([x(0.0)]), *_interval(ends), dots([at], MIDDLE)])


def dots(places: Sequence[float], y: float, class_: str = "dots") -> Markup:
    """Return a dot at each place in rising order, beside those that it would cover, as one path with round ends."""
    heights = [short(y + aside) for aside in (0, -5, 5, -8, 8)]
    path, first = [], 0
    for number, at in enumerate(places):
        while at - places[first] >= RADIUS:  # those before the first near one are further away
            first += 1
        path.append(f"M{short(at)} {heights[(number - first) % 5]}h0")
    return tag("path", d="".join(path), class_=class_)


def _strip(label: str, parts: Sequence[Markup]) -> Markup:
    """Return a strip; without a label it is decoration."""
    size, said = (
        f"0 0 {STRIP[0]} {STRIP[1]}",
        {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"},
    )
    return tag("svg", *parts, viewBox=size, class_="strip c0", **said)


def _bounds(places: Sequence[float]) -> Markup:
    return tag("path", d="".join(f"M{short(at)} 3V{STRIP[1] - 3}" for at in places), class_="bound")


def _interval(ends: Sequence[float] | None) -> Iterator[Markup]:
    if ends is not None:
        yield tag("path", d=f"M{short(ends[0])} {MIDDLE}H{short(ends[1])}", class_="interval")
