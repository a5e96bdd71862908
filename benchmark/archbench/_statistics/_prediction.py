"""Where one further observation is expected, given a few before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from archbench._statistics._comparison import LEVEL, MIN_SEEDS
from archbench._statistics._counts import Interval


def prediction_interval(values: Sequence[float], *, level: float = LEVEL) -> Interval | None:
    """Return the interval in which one further observation of a normal variate lies (Hahn and Meeker 1991, ch. 4).

    It is mean ± t s sqrt(1 + 1/n), with the quantile of Student's t at n - 1 degrees of freedom. Unlike an interval of
    the mean it does not shrink to nothing as n grows: it speaks of one seed.

    Args:
        values: the observations before it, shape (n,).
        level: probability that the interval holds the further one.

    Returns:
        None below three observations, and if all are equal, since nothing is known of their spread then.
    """
    if len(values) < MIN_SEEDS or min(values) == max(values):
        return None
    n, spread = len(values), float(np.std(values, ddof=1))
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * spread * (1 + 1 / n) ** 0.5
    mean = float(np.mean(values))
    return Interval(mean - half, mean + half)
