"""The strip of a row of an architecture's view: the seeds on one task, on the scale that all tasks share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from archbench._report._charts._axes import Domain, Scale, linear
from archbench._report._charts._strips import RADIUS, STRIP
from archbench._report._charts._svg import image, tag

SCALE = (-0.15, 1.0)
"""Range of the axis: 0 is chance, 1 is perfect, and there is some room for what is worse than chance."""


def normalised_strip(scores: Sequence[float], low: float | None, high: float | None) -> Markup:
    """Return normalised scores of seeds as dots, with the interval of their mean.

    Args:
        scores: of the seeds, 0 for chance and 1 for a perfect predictor.
        low, high: ends of the interval, on the same scale; None without one.
    """
    x, y = linear(SCALE, (RADIUS + 1, STRIP[0] - RADIUS - 1)), STRIP[1] / 2
    parts = [tag("line", x1=x(at), x2=x(at), y1=3, y2=STRIP[1] - 3, class_="bound") for at in (0.0, 1.0)]
    if low is not None and high is not None:
        ends = [x(min(max(end, SCALE[0]), SCALE[1])) for end in (low, high)]
        parts.append(tag("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_="interval"))
    said = ", ".join(f"{score:.3f}" for score in scores)
    return image(STRIP, f"normalised scores of the seeds: {said}", *parts, *_dots(scores, x, y), class_="strip c0")


def difference_strip(mean: float, low: float | None, high: float | None, reach: float) -> Markup:
    """Return a difference from the control with its interval; right of the line is better.

    Args:
        mean: the difference, positive where the entrant is better.
        low, high: ends of its interval; None without one.
        reach: largest distance from 0 that the axis shows.
    """
    domain: Domain = (-reach, reach)
    x, y = linear(domain, (RADIUS + 1, STRIP[0] - RADIUS - 1)), STRIP[1] / 2
    parts = [tag("line", x1=x(0.0), x2=x(0.0), y1=3, y2=STRIP[1] - 3, class_="bound")]
    if low is not None and high is not None:
        ends = [x(min(max(end, -reach), reach)) for end in (low, high)]
        parts.append(tag("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_="interval"))
    at = x(min(max(mean, -reach), reach))
    label = f"difference from the control {mean:+.3f} of the normalised scale"
    return image(STRIP, label, *parts, tag("circle", cx=at, cy=y, r=RADIUS, class_="dot"), class_="strip c0")


def _dots(scores: Sequence[float], x: Scale, y: float) -> Iterator[Markup]:
    """Yield a dot for each score, beside those that it would cover; an arrow for those off the scale."""
    drawn: list[float] = []
    for score in sorted(scores):
        at = x(min(score, SCALE[1]))
        if score < SCALE[0]:
            continue
        covered = sum(abs(at - other) < RADIUS for other in drawn)
        drawn.append(at)
        yield tag("circle", cx=at, cy=y + (0, -5, 5, -8, 8)[covered % 5], r=RADIUS, class_="dot")
    if any(score < SCALE[0] for score in scores):
        yield tag("text", "◂", x=0, y=y + 4, class_="off-scale")
