"""Solved or not: how many seeds solved a task, and how soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from archbench._statistics._comparison import LEVEL


class Interval(NamedTuple):
    """Lower and upper bound."""

    low: float
    high: float


def binomial_interval(successes: int, trials: int, *, level: float = LEVEL) -> Interval:
    """Return the exact interval of a probability from a count (Clopper and Pearson 1934, Biometrika 26).

    Args:
        successes: such as the seeds that solved the task.
        trials: such as all seeds, at least 1.
        level: probability that the interval holds, at least.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} of {trials} is no count; give 0 to N successes of N >= 1 trials")
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else special.betaincinv(successes, trials - successes + 1, tail)
    high = 1.0 if successes == trials else special.betaincinv(successes + 1, trials - successes, 1 - tail)
    return Interval(float(low), float(high))


def restricted_mean_steps(steps: Sequence[float | None], budget: float) -> float:
    """Return the mean number of steps to solve within the budget: an unsolved seed has used all of it.

    The restricted mean survival time (Royston and Parmar 2013, BMC Med. Res. Methodol. 13:152) at the budget. Every
    seed is censored at the budget and nowhere else, so it needs no estimate of a survival curve, and an entrant that
    solves quickly twice and never once is placed between one that always solves and one that never does.

    Args:
        steps: steps to the target of each seed, None where it was not reached.
        budget: steps of the training.
    """
    return float(np.mean([budget if taken is None else min(taken, budget) for taken in steps]))


def order_by_steps(steps: Sequence[Sequence[float | None]], budget: float) -> list[int]:
    """Return positions of entrants in the order in which they solve a task.

    More solved seeds first, and of equally many the smaller restricted mean. It is an order to show and no comparison:
    `compare_all` on restricted steps says who is certainly sooner.

    Args:
        steps: of each entrant, see `restricted_mean_steps`.
        budget: steps of the training.
    """
    keys = [(-sum(taken is not None for taken in row), restricted_mean_steps(row, budget)) for row in steps]
    return sorted(range(len(steps)), key=lambda index: keys[index])
