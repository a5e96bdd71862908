"""Verdicts on claims: one effect for each seed, and an interval that holds for all claims of a family together.

A few seeds hardly show how much they vary, so every claim declares a standard deviation to reckon with. It is a floor:
three seeds that agree by chance, or scores at a ceiling, must not pass for certainty. And it counts like one degree of
freedom more, as a prior estimate does. docs/studies.md has the simulation that this rule was chosen by.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from archbench._statistics._comparison import MIN_SEEDS
from archbench._statistics._effort import MOST_SEEDS
from archbench._statistics._ranges import Floats

VERDICT_ERROR = 0.025
"""Error of all intervals of a family together for normal effects; the rest of the 5% is left for effects that are not
normal, and for those who look again after more seeds."""


def half_widths(effects: npt.ArrayLike, *, noise: float, family: int) -> Floats:
    """Return half the width of the simultaneous interval of a mean effect.

    It is Student's t with as many degrees of freedom as seeds: one for each but the first, and one for the declared
    noise, whose square is pooled with the sample variance.

    Args:
        effects: shape (..., seeds); at least three seeds.
        noise: the standard deviation over seeds to reckon with at least.
        family: number of claims that the intervals hold for together; the error is split over them (Bonferroni).

    Returns:
        Shape (...).
    """
    array = np.asarray(effects, dtype=np.float64)
    return _half_width(array.std(axis=-1, ddof=1), array.shape[-1], noise, family)


def say(means: npt.ArrayLike, halves: npt.ArrayLike, *, rule: str, threshold: float) -> npt.NDArray[np.str_]:
    """Return `supported` where the whole interval lies where the rule says, `contradicted` where it lies elsewhere.

    Args:
        means: mean effects.
        halves: half the widths of their intervals, of the same shape.
        rule: `above` or `below` the threshold, or `within` so much of zero.
        threshold: of the rule.

    Returns:
        Of the same shape; `undecided` where an interval lies on both sides.
    """
    mean, half = np.asarray(means, dtype=np.float64), np.asarray(halves, dtype=np.float64)
    # How far the effect lies on the side of the rule; of `within`, the distance to the nearer edge.
    inside = {"above": mean - threshold, "below": threshold - mean, "within": threshold - np.abs(mean)}[rule]
    return np.select([inside > half, inside < -half], ["supported", "contradicted"], default="undecided")


def seeds_for_verdict(effects: npt.ArrayLike, *, noise: float, family: int, rule: str, threshold: float) -> int | None:
    """Return with how many seeds the claim would be decided, if what was seen is the truth; a guide and no promise.

    Args:
        effects: shape (seeds,), at least two.
        noise, family, rule, threshold: as of `half_widths` and `say`.

    Returns:
        None if not even `MOST_SEEDS` would do.
    """
    array = np.asarray(effects, dtype=np.float64)
    seeds = np.arange(max(len(array) + 1, MIN_SEEDS), MOST_SEEDS + 1)
    halves = _half_width(array.std(ddof=1), seeds, noise, family)
    said = say(np.full(len(seeds), array.mean()), halves, rule=rule, threshold=threshold)
    enough = np.flatnonzero(said != "undecided")
    return int(seeds[enough[0]]) if enough.size else None


def _half_width(deviation: npt.ArrayLike, seeds: npt.ArrayLike, noise: float, family: int) -> Floats:
    count = np.asarray(seeds, dtype=np.float64)
    pooled = ((count - 1) * np.square(deviation) + noise**2) / count
    critical = special.stdtrit(count, 1 - VERDICT_ERROR / (2 * family))
    return np.asarray(critical * np.sqrt(np.maximum(pooled, noise**2) / count), dtype=np.float64)
