"""Forecast of the number of seeds that would decide an open comparison."""

from __future__ import annotations

import numpy as np
from scipy import special

from archbench._statistics._comparison import MIN_SEEDS

MOST_SEEDS = 200
"""Largest number of seeds of a forecast, and of a sequential rule; nobody pays for more."""


def seeds_to_decide(difference: float, deviation: float, *, margin: float, seen: int, level: float) -> int | None:
    """Return with how many seeds an interval of the expected width would decide, if what was seen is the truth.

    That is when the half width of a t interval falls below the difference (better or
    worse) or below what separates it from the margin (equivalent). A guide to the cost and no promise: a new difference
    will be smaller or larger.

    Args:
        difference: observed mean difference.
        deviation: standard deviation of the difference over seeds.
        margin: smallest difference that matters; 0 if none was declared.
        seen: number of seeds there are, which did not decide it.
        level: error of the interval of this pair.

    Returns:
        None if not even `MOST_SEEDS` would do.
    """
    needed = max(abs(difference), margin - abs(difference))
    seeds = np.arange(max(seen + 1, MIN_SEEDS), MOST_SEEDS + 1)
    halves = special.stdtrit(seeds - 1, 1 - level / 2) * deviation / np.sqrt(seeds)
    enough = np.flatnonzero(halves < needed)
    return int(seeds[enough[0]]) if enough.size else None
