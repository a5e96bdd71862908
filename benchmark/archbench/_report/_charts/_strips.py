"""Strips: the seeds of a row as dots, with their mean and interval, on the axis that a table shares."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from archbench._report._charts._axes import Domain, Scale, few, linear, tick_label, ticks
from archbench._report._charts._svg import colour_class, image, tag
from archbench._report._schema import Entrant, OverRow, SeedResult, TaskBoard, TaskEntry
from archbench._report._statistics import Estimate
from archbench._report._text import fixed, has_target, interval

STRIP = (140, 26)
"""Width and height of a strip, in pixels."""

RADIUS = 3.2
"""Radius of a dot, in pixels."""

FENCE, INNER_FENCE = 3.0, 1.5
"""Rows further from the middle half of all than this many times its width are off the scale (Tukey's two fences).

The axis of a table is cut at the outer ones, that of a chart which writes the scores of such rows at the inner ones.
"""

FEWEST = 5
"""With fewer rows than this, all of them are on the scale."""


def task_domain(board: TaskBoard, task: TaskEntry, fence: float = FENCE) -> Domain:
    """Return the range of the axis of a board: that of its seeds, and of their intervals where it has no target.

    Args:
        board: the board.
        task: its task; a target is on the axis.
        fence: see `strip_domain`.
    """
    rows = [(row.score, [seed.test for seed in row.seeds if seed.test is not None]) for row in board.rows if row.score]
    if task.target is None or not has_target(board):
        return strip_domain(rows, fence)
    point = Estimate(mean=task.target, low=None, high=None, n=0)
    return strip_domain([(point, seeds) for _, seeds in rows], fence)


def strip_domain(estimates: Sequence[tuple[Estimate, Sequence[float]]], fence: float = FENCE) -> Domain:
    """Return a range that holds all dots, and intervals up to half that range beyond them (wider ones are cut).

    A row far from all others would leave these no room; it is off the scale, and the strip says to which side.

    Args:
        estimates: of each row, its mean with the interval, and the values of its dots.
        fence: rows further from the middle half of all than this many times its width are off the scale.
    """
    estimates = _within_fences(estimates, fence)
    dots = [dot for estimate, seeds in estimates for dot in (*seeds, estimate.mean)]
    if not dots:
        return 0.0, 1.0
    low, high = min(dots), max(dots)
    reach = (abs(high) * 0.05 or 0.5) if _flat(low, high) else (high - low) / 2
    bounds = [(e.low, e.high) for e, _ in estimates if e.low is not None and e.high is not None]
    low = max(low - reach, min([low, *(bound[0] for bound in bounds)]))
    high = min(high + reach, max([high, *(bound[1] for bound in bounds)]))
    return (low - reach, high + reach) if _flat(low, high) else (low, high)


def strip(entrant: Entrant, score: Estimate, seeds: Sequence[SeedResult], domain: Domain, digits: int) -> Markup:
    """Return the strip of a row: dots of the seeds, the mean and its interval.

    Args:
        entrant: gives the colour.
        score: the mean with its interval.
        seeds: the dots; those that are not counted are hollow.
        domain: range of the axis that all rows of the table share.
        digits: decimals of the numbers in the description.
    """
    x = _scale(domain)
    said = f"mean {fixed(score.mean, digits)} {interval(score, digits)}".strip()
    values = _values(seeds, digits)
    mean = [_upright(x(score.mean), "mean")] if domain[0] <= score.mean <= domain[1] else []
    parts = (*_interval(score, domain, x), *_dots(seeds, domain, x), *mean)
    return image(STRIP, f"{said}; seeds: {values}" if values else said, *parts, class_=f"strip {colour_class(entrant)}")


def over_strip(entrant: Entrant, row: OverRow, domain: Domain) -> Markup | None:
    """Return the strip of a row over tasks, whose dots are the tasks; None without a score."""
    if row.score is None:
        return None
    dots = [
        SeedResult(seed=n, record="", status="ok", message="", counted=True, test=cell.normalised, steps_to_target=None)
        for n, cell in enumerate(row.cells)
    ]
    return strip(entrant, row.score, dots, domain, 3)


def strip_axis(domain: Domain) -> Markup:
    """Return the axis for the head of the column; decoration, because each cell has its numbers."""
    width, height = STRIP
    x = _scale(domain)
    values = ticks(domain, 3)
    if len(values) < 2:  # one alone gives no scale
        values = few(ticks(domain, 4), 2)
    marks = [
        tag("text", tick_label(value), x=x(value), y=height - 10, text_anchor="middle")
        + tag("line", x1=x(value), x2=x(value), y1=height - 6, y2=height)
        for value in values
    ]
    return tag("svg", *marks, viewBox=f"0 0 {width} {height}", class_="strip axis", aria_hidden="true")


def _interval(score: Estimate, domain: Domain, x: Scale) -> Iterator[Markup]:
    """Yield the bar of the interval, cut at the ends of the axis; nothing without an interval."""
    if score.low is not None and score.high is not None:
        low, high = (min(max(bound, domain[0]), domain[1]) for bound in (score.low, score.high))
        yield tag("line", x1=x(low), x2=x(high), y1=STRIP[1] / 2, y2=STRIP[1] / 2, class_="interval")


def _values(seeds: Sequence[SeedResult], digits: int) -> str:
    known = [seed for seed in seeds if seed.test is not None]
    return ", ".join(fixed(s.test, digits) + ("" if s.counted else " (not counted)") for s in known)


def _upright(x: float, class_: str) -> Markup:
    return tag("line", x1=x, x2=x, y1=STRIP[1] / 2 - 8, y2=STRIP[1] / 2 + 8, class_=class_)


def _dots(seeds: Sequence[SeedResult], domain: Domain, x: Scale) -> Iterator[Markup]:
    """Yield a dot for each seed, beside those that it would cover; an arrow where some are off the scale."""
    drawn: list[float] = []
    for seed in sorted((s for s in seeds if s.test is not None), key=lambda s: (s.test, s.seed)):
        if seed.test is None or not domain[0] <= seed.test <= domain[1]:
            continue
        place = x(seed.test)
        covered = sum(abs(place - other) < RADIUS for other in drawn)
        drawn.append(place)
        height = STRIP[1] / 2 + (0, -5, 5, -8, 8)[covered % 5]
        yield tag("circle", cx=place, cy=height, r=RADIUS, class_="dot" if seed.counted else "hollow")
    values = [seed.test for seed in seeds if seed.test is not None]
    if any(value < domain[0] for value in values):
        yield tag("text", "◂", x=0, y=STRIP[1] / 2 + 4, class_="off-scale")
    if any(value > domain[1] for value in values):
        yield tag("text", "▸", x=STRIP[0], y=STRIP[1] / 2 + 4, text_anchor="end", class_="off-scale")


def _within_fences(
    estimates: Sequence[tuple[Estimate, Sequence[float]]], fence: float
) -> Sequence[tuple[Estimate, Sequence[float]]]:
    """Return the rows that are not far from all others."""
    middles = [statistics.median(seeds) if seeds else estimate.mean for estimate, seeds in estimates]
    if len(middles) < FEWEST:
        return estimates
    low, _, high = statistics.quantiles(middles, n=4)
    reach = fence * (high - low)
    if _flat(low, high):
        return estimates
    return [row for row, at in zip(estimates, middles, strict=True) if low - reach <= at <= high + reach]


def _scale(domain: Domain) -> Scale:
    return linear(domain, (6, STRIP[0] - 6))


def _flat(low: float, high: float) -> bool:
    # Means of equal numbers may differ in the last bit, and that is no range to draw.
    return math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-12)
