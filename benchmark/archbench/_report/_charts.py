"""Charts as inline SVG. Geometry only: every value comes from the leaderboard, every colour from the style sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup, escape

from archbench._report._entrants import PALETTE
from archbench._report._schema import Curve, Entrant, OverRow, SeedResult, TaskBoard, TaskEntry
from archbench._report._statistics import Estimate
from archbench._report._text import MINUS, fixed, plus_minus

STRIP = (140, 26)
PLOT = (416, 290)
LEFT, RIGHT, TOP, BOTTOM = 66, 132, 14, 44
MAX_LINES = 8
"""More learning curves than this cannot be told apart; of the others all but the last are drawn faint."""

Scale = Callable[[float], float]
Domain = tuple[float, float]


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element, everything foreign in it escaped."""
    pairs = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(_short(v))}"' for key, v in attributes.items())
    inside = Markup("").join(escape(child) for child in children)
    # Names of elements and attributes are ours; values and children were escaped above.
    return Markup(f"<{name}{pairs}>") + inside + Markup(f"</{name}>")  # noqa: S704


def strip_domain(estimates: Sequence[tuple[Estimate, Sequence[float]]]) -> Domain:
    """A range that holds all dots, and intervals up to half that range beyond them (wider ones are cut)."""
    dots = [dot for estimate, seeds in estimates for dot in (*seeds, estimate.mean)]
    if not dots:
        return 0.0, 1.0
    low, high = min(dots), max(dots)
    reach = (abs(high) * 0.05 or 0.5) if _flat(low, high) else (high - low) / 2
    bounds = [(e.low, e.high) for e, _ in estimates if e.low is not None and e.high is not None]
    low = max(low - reach, min([low, *(bound[0] for bound in bounds)]))
    high = min(high + reach, max([high, *(bound[1] for bound in bounds)]))
    return (low - reach, high + reach) if _flat(low, high) else (low, high)


def _flat(low: float, high: float) -> bool:
    # Means of equal numbers differ in the last bit, and that is no range to draw.
    return math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-12)


def strip(entrant: Entrant, score: Estimate, seeds: Sequence[SeedResult], domain: Domain, digits: int) -> Markup:
    """Seed dots with the mean and its interval, on the axis that all rows of a table share."""
    width, height = STRIP
    x, middle = _linear(domain, (6, width - 6)), height / 2
    parts = []
    if score.low is not None and score.high is not None:
        low, high = (min(max(bound, domain[0]), domain[1]) for bound in (score.low, score.high))
        parts.append(tag("line", x1=x(low), x2=x(high), y1=middle, y2=middle, class_="interval"))
    for seed in seeds:
        if seed.test is not None and domain[0] <= seed.test <= domain[1]:
            parts.append(tag("circle", cx=x(seed.test), cy=middle, r=3.2, class_="dot" if seed.counted else "hollow"))
    parts.append(tag("line", x1=x(score.mean), x2=x(score.mean), y1=middle - 8, y2=middle + 8, class_="mean"))
    values = ", ".join(fixed(s.test, digits) + ("" if s.counted else " (not counted)") for s in seeds if s.test)
    label = f"mean {fixed(score.mean, digits)} {plus_minus(score, digits)}" + (f"; seeds: {values}" if values else "")
    return _svg(STRIP, label, *parts, class_=f"strip {_colour(entrant)}")


def strip_axis(domain: Domain) -> Markup:
    """The axis for the head of the column; decoration, because each cell has its numbers."""
    width, height = STRIP
    x = _linear(domain, (6, width - 6))
    marks = [
        tag("text", _tick(value), x=x(value), y=height - 10, text_anchor="middle")
        + tag("line", x1=x(value), x2=x(value), y1=height - 6, y2=height)
        for value in ticks(domain, 3)
    ]
    return tag("svg", *marks, viewBox=f"0 0 {width} {height}", class_="strip axis", aria_hidden="true")


def scatter(board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant]) -> Markup | None:
    """Score against parameters on a logarithmic axis, Pareto-optimal entrants filled and joined."""
    points = [(r.parameters, r.score.mean, r) for r in board.rows if r.score and r.parameters and r.rank is not None]
    if len(points) < 2:
        return None
    low, high = (math.log10(bound(p[0] for p in points)) for bound in (min, max))
    pad = max((high - low) * 0.08, 0.08)
    across, up = (low - pad, high + pad), _padded([p[1] for p in points])
    x, y = _axes(across, up)
    front = sorted((p for p in points if p[2].pareto), key=lambda p: (p[0], p[1]))
    path = "M" + " L".join(f"{_short(x(math.log10(p[0])))} {_short(y(p[1]))}" for p in front)
    parts = [_frame(x, y, across, up, "parameters", task.metric.replace("_", " "), powers=True)]
    parts.append(tag("path", d=path, class_="front"))
    points.sort(key=lambda p: not p[2].pareto)
    names = [_clip(entrants[row.entrant].label) for _, _, row in points]
    places = _beside([(x(math.log10(parameters)), y(mean)) for parameters, mean, _ in points], names)
    texts = []
    for (parameters, mean, row), label, (height, free) in zip(points, names, places, strict=True):
        entrant, left = entrants[row.entrant], x(math.log10(parameters))
        shape = _mark(entrant, left, y(mean), 5.5 if row.pareto else 4.5)
        shape = tag("g", tag("title", entrant.label), shape, class_="filled" if row.pareto else "open")
        name = tag("text", label, x=left + 9, y=height + 4, class_="name" if free else "name quiet")
        shown = {"class_": _colour(entrant), "data_e": entrant.id}
        parts.append(tag("g", shape, **shown))
        texts.append(tag("g", name, **shown))
    best = ", ".join(entrants[p[2].entrant].label for p in front)
    return _svg(PLOT, f"Score against parameters for {len(points)} entrants. Pareto-optimal: {best}.", *parts, *texts)


def learning_curves(
    board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant], *, validation: bool
) -> Markup | None:
    """Mean over seeds of the validation metric, or of the training loss, against the optimiser steps.

    The first entrants of the table are named, and the last: what did not learn is to be seen beside what did.
    """
    curves = [curve for curve in board.curves if len(curve.step) > 1]
    if not curves:
        return None
    named, faint = curves[:MAX_LINES] + curves[MAX_LINES:][-1:], curves[MAX_LINES:-1]
    across = (0.0, float(max(curve.step[-1] for curve in curves)))
    up = _padded([value for curve in curves for value in _series(curve, validation)])
    x, y = _axes(across, up)
    what = f"validation {task.metric.replace('_', ' ')}" if validation else "training loss"
    parts = [_frame(x, y, across, up, "steps", what)]
    for curve in faint:
        parts.append(_line(curve, _series(curve, validation), entrants[curve.entrant], (x, y), None))
    heights = _spread([y(_series(curve, validation)[-1]) for curve in named], 13)
    for curve, height in zip(named, heights, strict=True):
        parts.append(_line(curve, _series(curve, validation), entrants[curve.entrant], (x, y), height))
    ends = ", ".join(f"{entrants[c.entrant].label} {_series(c, validation)[-1]:.3g}" for c in named)
    return _svg(PLOT, f"Mean {what} over seeds by optimiser step. At the end: {ends}.", *parts)


def over_strip(entrant: Entrant, row: OverRow, domain: Domain) -> Markup | None:
    """The score over tasks with its interval; the dots are the tasks."""
    if row.score is None:
        return None
    dots = [
        SeedResult(seed=n, record="", status="ok", message="", counted=True, test=cell.normalised)
        for n, cell in enumerate(row.cells)
    ]
    return strip(entrant, row.score, dots, domain, 3)


def ticks(domain: Domain, about: int) -> list[float]:
    """Round numbers inside the domain."""
    rough = (domain[1] - domain[0]) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(domain[0] / step - 1e-9)
    return [n * step for n in range(first, math.floor(domain[1] / step + 1e-9) + 1)]


def _line(
    curve: Curve, series: Sequence[float], entrant: Entrant, axes: tuple[Scale, Scale], height: float | None
) -> Markup:
    """A curve with its name at that height; without one it is faint, and named at its end when it is pointed at."""
    x, y = axes
    faint = height is None
    points = " ".join(f"{_short(x(step))},{_short(y(value))}" for step, value in zip(curve.step, series, strict=True))
    end = x(curve.step[-1])
    return tag(
        "g",
        tag("title", entrant.label),
        tag("polyline", points=points),
        _mark(entrant, end, y(series[-1]), 3),
        tag(
            "text",
            _clip(entrant.label),
            x=end + 9,
            y=(y(series[-1]) if height is None else height) + 4,
            class_="name quiet" if faint else "name",
        ),
        class_=f"curve {_colour(entrant)}{' faint' if faint else ''}",
        data_e=entrant.id,
    )


def _series(curve: Curve, validation: bool) -> list[float]:
    return curve.validation if validation else curve.train_loss


def _axes(across: Domain, up: Domain) -> tuple[Scale, Scale]:
    width, height = PLOT
    return _linear(across, (LEFT, width - RIGHT)), _linear(up, (height - BOTTOM, TOP))


def _frame(x: Scale, y: Scale, across: Domain, up: Domain, below: str, beside: str, *, powers: bool = False) -> Markup:
    """Grid, tick labels and axis titles."""
    width, height = PLOT
    floor = height - BOTTOM
    parts = []
    for value in ticks(up, 5):
        parts.append(tag("line", x1=LEFT, x2=width - RIGHT, y1=y(value), y2=y(value), class_="grid"))
        parts.append(tag("text", _tick(value), x=LEFT - 8, y=y(value) + 4, text_anchor="end"))
    for value in _log_ticks(across) if powers else ticks(across, 4):
        text = _tick(10**value) if powers else _tick(value)
        parts.append(tag("line", x1=x(value), x2=x(value), y1=floor, y2=floor + 4, class_="tick"))
        parts.append(tag("text", text, x=x(value), y=floor + 18, text_anchor="middle"))
    parts.append(tag("line", x1=LEFT, x2=width - RIGHT, y1=floor, y2=floor, class_="tick"))
    parts.append(tag("text", below, x=(LEFT + width - RIGHT) / 2, y=height - 6, text_anchor="middle", class_="title"))
    turned = f"translate(11 {(TOP + floor) / 2:.0f}) rotate(-90)"
    parts.append(tag("text", beside, transform=turned, text_anchor="middle", class_="title"))
    return tag("g", *parts, class_="frame")


def _log_ticks(domain: Domain) -> list[float]:
    """Logarithms of round numbers: powers of ten over a wide range, 1, 2, 5 or finer steps over a narrow one."""
    powers = range(math.floor(domain[0]), math.ceil(domain[1]) + 1)
    for multiples in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        values = [math.log10(m * 10.0**power) for power in powers for m in multiples]
        inside = [value for value in values if domain[0] <= value <= domain[1]]
        if len(inside) >= 3:
            break
    return inside


def _mark(entrant: Entrant, x: float, y: float, r: float) -> Markup:
    """Circle, square, diamond or triangle: entrants that share a colour differ in shape."""
    if entrant.colour < PALETTE:
        return tag("circle", cx=x, cy=y, r=r)
    corners = {
        1: [(-r, -r), (r, -r), (r, r), (-r, r)],
        2: [(0, -r * 1.3), (r * 1.3, 0), (0, r * 1.3), (-r * 1.3, 0)],
        3: [(0, -r * 1.2), (r * 1.2, r), (-r * 1.2, r)],
    }[1 + (entrant.colour // PALETTE - 1) % 3]
    return tag("polygon", points=" ".join(f"{_short(x + dx)},{_short(y + dy)}" for dx, dy in corners))


def _svg(size: tuple[int, int], label: str, *parts: Markup, class_: str = "plot") -> Markup:
    box = f"0 0 {size[0]} {size[1]}"
    return tag("svg", *parts, viewBox=box, width=size[0], height=size[1], class_=class_, role="img", aria_label=label)


def _colour(entrant: Entrant) -> str:
    return f"c{entrant.colour % PALETTE}"


def _linear(domain: Domain, target: tuple[float, float]) -> Scale:
    slope = (target[1] - target[0]) / (domain[1] - domain[0])
    return lambda value: target[0] + (value - domain[0]) * slope


def _padded(values: Sequence[float]) -> Domain:
    low, high = min(values), max(values)
    pad = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    return low - pad, high + pad


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Label heights at least `gap` apart, kept near the points and inside the plot."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = [0.0] * len(heights)
    last = -math.inf
    for index in order:
        last = placed[index] = max(heights[index], last + gap)
    ceiling = PLOT[1] - BOTTOM - 2 + gap
    for index in reversed(order):
        ceiling = placed[index] = min(placed[index], ceiling - gap)
    return placed


def _beside(points: Sequence[tuple[float, float]], names: Sequence[str]) -> list[tuple[float, bool]]:
    """Height of the name beside each point, and whether it covers nothing there; others appear when pointed at."""
    taken = [(x - 5, x + 5, y, 10) for x, y in points]
    places = []
    for (x, y), name in zip(points, names, strict=True):
        start, end = x + 9, x + 9 + 7 * len(name)
        free = [
            height
            for height in (y, y - 7, y + 7, y - 14, y + 14)
            if TOP <= height <= PLOT[1] - BOTTOM - 5
            and not any(left < end and start < right and abs(height - at) < gap for left, right, at, gap in taken)
        ]
        taken += [(start, end, height, 13) for height in free[:1]]
        places.append((free[0] if free else y, bool(free)))
    return places


def _tick(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:.4g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.4g}k"
    return f"{value:,.4g}".replace("-", MINUS) if abs(value) > 1e-9 else "0"


def _clip(label: str, size: int = 17) -> str:
    return label if len(label) <= size else f"{label[: size - 1]}…"


def _short(value: object) -> object:
    """Coordinates with one decimal: a third of the bytes, no visible change."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
