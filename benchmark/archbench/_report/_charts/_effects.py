"""The strip of a claim: the effect of each seed, their interval, and the threshold of the rule."""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from archbench._report._charts._axes import Domain, linear, padded
from archbench._report._charts._strips import RADIUS
from archbench._report._charts._svg import image, tag
from archbench._report._schema import ClaimEntry

EFFECT = (180, 26)
"""Width and height of a strip, in pixels."""


def effect_strip(claim: ClaimEntry) -> Markup | None:
    """Return the effect of a claim on a scale of its own, with its threshold; for `within`, with both.

    Returns:
        The image; None without an effect.
    """
    if claim.mean is None:
        return None
    domain = _domain(claim)
    x = linear(domain, (RADIUS + 1, EFFECT[0] - RADIUS - 1))
    middle = EFFECT[1] / 2
    parts: list[Markup] = []
    if claim.low is not None and claim.high is not None:
        ends = [x(min(max(end, domain[0]), domain[1])) for end in (claim.low, claim.high)]
        parts.append(tag("line", x1=ends[0], x2=ends[1], y1=middle, y2=middle, class_="interval"))
    parts += [tag("line", x1=x(at), x2=x(at), y1=2, y2=EFFECT[1] - 2, class_="target") for at in thresholds(claim)]
    parts += [tag("circle", cx=x(value), cy=middle, r=RADIUS, class_="dot") for value in _drawn(claim, domain)]
    label = f"{len(claim.effects)} seeds, mean {claim.mean:.3g}; threshold {claim.threshold:.3g}"
    return image(EFFECT, label, *parts, class_=f"strip effect v-{claim.verdict}")


def thresholds(claim: ClaimEntry) -> list[float]:
    """Return the values at which the verdict of a claim turns."""
    return [-claim.threshold, claim.threshold] if claim.rule == "within" else [claim.threshold]


def _domain(claim: ClaimEntry) -> Domain:
    """Return a range that holds the seeds and the threshold, and an interval up to that range beyond them."""
    values = [*_finite(claim), *thresholds(claim)]
    low, high = min(values), max(values)
    reach = (high - low) or abs(high) or 1.0
    if claim.low is not None and claim.high is not None:
        low, high = max(min(low, claim.low), low - reach), min(max(high, claim.high), high + reach)
    return padded([low, high])


def _finite(claim: ClaimEntry) -> list[float]:
    return [value for _, value in claim.effects if math.isfinite(value)]


def _drawn(claim: ClaimEntry, domain: Domain) -> Iterator[float]:
    yield from (value for value in _finite(claim) if domain[0] <= value <= domain[1])
