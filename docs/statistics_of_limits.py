"""Simulate two rules at their limits: equivalence of seeds that all won, and flat curves that are called unfinished.

`statistics_by_simulation.py` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from archbench._statistics import decide, still_improving
from archbench._statistics._comparison import step_of
from archbench._statistics._equivalence import classify
from archbench._statistics._ranges import Floats

MARGIN = 0.05
EXAMPLES = 360
"""Test examples behind the score of a seed that lost."""

MOST = 10
"""Largest number of seeds of `--decide`."""

POINTS, CURVES = 10, 3
"""Validations of a curve, and seeds whose mean it is."""

Compare = Callable[[Floats, float], tuple[Floats, Floats]]
Rng = np.random.Generator


def players(count: int, compare: Compare) -> Iterator[dict[str, Any]]:
    """Yield how often an entrant that always wins is called equivalent to one that wins with some probability only.

    Args:
        count: boards of each cell.
        compare: returns differences and half widths of many boards, whose scores have one smallest change.
    """
    for entrants in (2, 10):
        for wins in (0.7, 0.8, 0.9):
            rng = np.random.default_rng([8, entrants, int(10 * wins)])
            made = won_or_lost(rng, (count, entrants, MOST), wins)
            found = {str(seeds): _equivalent(made[:, :, :seeds], compare) for seeds in (3, 5, 10)}
            looks = [decide(board, margin=MARGIN, max_seeds=MOST, paired=True).answers for board in made]
            for seeds, answers in {**found, f"`--decide`, at most {MOST}": np.array(looks) == "equivalent"}.items():
                pairs = answers[:, ::2, 1::2]  # winners by players
                some, each = pairs.any(axis=(1, 2)).mean(), pairs.mean()
                cell = {"entrants": entrants, "seeds": seeds, "wins": wins}
                yield {**cell, "some": 100 * float(some), "each": 100 * float(each)}


def won_or_lost(rng: Rng, shape: tuple[int, int, int], wins: float) -> Floats:
    """Return scores of 1 in every second entrant, and in the others of 1 with probability `wins`, else about 0.5."""
    lost = rng.binomial(EXAMPLES, 0.5, shape) / EXAMPLES
    always = (np.arange(shape[1]) % 2 == 0)[:, None]
    return np.where(always | (rng.random(shape) < wins), 1.0, lost)


def _equivalent(made: Floats, compare: Compare) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which pairs are called equivalent, shape (boards, entrants, entrants)."""
    steps = np.array([step_of(board, MARGIN) for board in made])
    found = np.zeros((*made.shape[:2], made.shape[1]), dtype=np.bool_)
    for step in np.unique(steps):
        alike = steps == step
        found[alike] = classify(*compare(made[alike], float(step)), MARGIN) == "equivalent"
    return found


def flat_curves(count: int) -> Iterator[dict[str, Any]]:
    """Yield how often a curve that has ended its rise is called not trained long enough to say.

    Args:
        count: curves of each cell; margins are in standard deviations of the mean curve's noise.
    """
    steps = np.arange(1, POINTS + 1)
    for correlation in (0.0, 0.5, 0.8):
        made = flat(np.random.default_rng([9, int(10 * correlation)]), count, correlation)
        for margin in (0.0, 0.5, 1.0, 2.0):
            wrong = [still_improving(steps, curve, higher_is_better=True, margin=margin) for curve in made]
            yield {"correlation": correlation, "margin": margin, "percent": 100 * float(np.mean(wrong))}


def flat(rng: Rng, count: int, correlation: float) -> Floats:
    """Return curves about 0, shape (count, CURVES, POINTS), whose mean over CURVES has unit variance at every point."""
    made = np.sqrt(CURVES) * rng.standard_normal((count, CURVES, POINTS))
    for point in range(1, POINTS):
        made[..., point] = correlation * made[..., point - 1] + np.sqrt(1 - correlation**2) * made[..., point]
    return made
