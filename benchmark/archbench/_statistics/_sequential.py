"""Comparison that adds seeds until it is decided, with an error of at most 5% however often it looks.

To look after every seed and to stop at the first interval that excludes 0 is wrong far more often than the interval
promises. So every look uses one nominal level, small enough that all looks together are wrong in 3.5% (Pocock 1977,
Biometrika 64; here for Student's t, whose path does not depend on the unknown variance). The largest number of seeds
belongs to the rule: choose it before the first look.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from archbench._statistics._comparison import MIN_SEEDS, step_of
from archbench._statistics._crossing import probability_to_leave
from archbench._statistics._equivalence import classify
from archbench._statistics._ranges import Floats
from archbench._statistics._solvers import Steps, prefer_steps

ERROR = 0.035
"""Error of all looks together for normal scores; the rest of the 5% is left for scores that are not."""

TOLERANCE = 1e-5
"""Relative error of the search for a nominal level."""

MOST_STEPS = 12
"""Steps of that search, which takes three to six: a probability that jumps by its own small error cannot hold it up."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Decision:
    """Answers about all pairs after some seeds.

    Args:
        seeds: seeds used: those at which the last pair was decided, or all that there are.
        answers: as of `answers`, shape (K, K); a pair keeps the first answer other than `undecided`.
        decided_at: number of seeds at which a pair got its answer, shape (K, K); 0 while it is undecided.
        by_steps: pairs that were compared by their steps to solve, the others by their scores; shape (K, K).
        differences: mean of the row's entrant minus mean of the column's after `seeds` seeds, shape (K, K); of pairs in
            `by_steps`, by how many steps the row's entrant is sooner.
        half_widths: half the width of the intervals after `seeds` seeds, shape (K, K).
        level: nominal error of each of these intervals.
    """

    seeds: int
    answers: npt.NDArray[np.str_]
    decided_at: npt.NDArray[np.int_]
    by_steps: npt.NDArray[np.bool_]
    differences: Floats
    half_widths: Floats
    level: float

    @property
    def complete(self) -> bool:
        """No pair is undecided."""
        pairs = ~np.eye(len(self.answers), dtype=np.bool_)
        return bool((self.answers[pairs] != "undecided").all())


def decide(
    scores: npt.ArrayLike,
    *,
    margin: float,
    max_seeds: int,
    paired: bool,
    step: float | None = None,
    example: float | None = None,
    steps: Steps | None = None,
) -> Decision:
    """Return what the seeds say if one looks after each, from the third on, and stops when all pairs are decided.

    The answer depends on the order of the seeds and on `max_seeds`, and not on how many more seeds there are already.

    Args:
        scores: shape (entrants, seeds), or (entrants, tasks, seeds) of normalised scores. Higher is better; NaN where
            a seed has no score, which leaves the pairs of that entrant undecided from there on.
        margin: smallest difference that matters; 0 if none was declared, and then nothing is called equivalent.
        max_seeds: seeds at which one stops in any case, at least three.
        paired: see `compare_all`.
        step, example: see `compare_all`.
        steps: steps to solve the task, of the same seeds; None where it has no target. With them, pairs that solved it
            with every seed so far are compared by their steps, and scores and steps share the error.

    Raises:
        ValueError: fewer than three seeds are given or allowed, or fewer than two entrants.
    """
    array = np.asarray(scores, dtype=np.float64)
    array = (array.mean(axis=1) if array.ndim == 3 else array)[:, :max_seeds]
    entrants, seeds = array.shape
    if min(seeds, max_seeds) < MIN_SEEDS or entrants < 2:
        raise ValueError(f"{entrants} entrants with {seeds} seeds; a comparison needs two, and {MIN_SEEDS} seeds")
    level = nominal_level(max_seeds, entrants * (entrants - 1) // 2 * (1 if steps is None else 2))
    found = np.full((entrants, entrants), "undecided", dtype="<U10")
    when, by_steps = np.zeros(found.shape, dtype=np.int_), np.zeros(found.shape, dtype=np.bool_)
    for used in range(MIN_SEEDS, seeds + 1):
        seen = array[:, :used]
        least = step_of(seen[np.isfinite(seen).all(axis=1)], margin, example) if step is None else step
        scores_now = look(seen, level=level, paired=paired, step=least)
        now = _with_steps(scores_now, margin, steps and steps.until(used), level=level, paired=paired)
        open_ = found == "undecided"
        when = np.where(open_ & (now.answers != "undecided"), used, when)
        found, by_steps = np.where(open_, now.answers, found), np.where(open_, now.by_steps, by_steps)
        gaps, halves = (np.where(by_steps, *pair) for pair in zip(now.steps, scores_now, strict=True))
        decision = Decision(
            seeds=used, answers=found, decided_at=when, by_steps=by_steps, differences=gaps, half_widths=halves,
            level=level,
        )  # fmt: skip
        if decision.complete:
            break
    return decision


class _Look(NamedTuple):
    """Answers after some seeds, which pairs are compared by steps, and differences and half widths of the steps."""

    answers: npt.NDArray[np.str_]
    by_steps: npt.NDArray[np.bool_]
    steps: tuple[Floats, Floats]


def _with_steps(
    scores: tuple[Floats, Floats], margin: float, steps: Steps | None, *, level: float, paired: bool
) -> _Look:
    """Return the answers by differences and half widths of scores, or of pairs that solve the task by their steps."""
    said = classify(*scores, margin)
    if steps is None:
        return _Look(said, np.zeros(said.shape, dtype=np.bool_), scores)
    solvers = steps.solvers
    gaps, halves = look(-steps.taken, level=level, paired=paired, step=steps.step)
    sooner = (gaps > halves)[np.ix_(solvers, solvers)]
    return _Look(*prefer_steps(said, sooner, solvers), (gaps, halves))


def look(scores: Floats, *, level: float, paired: bool, step: float) -> tuple[Floats, Floats]:
    """Return the differences of all pairs, and half the widths of their t intervals (Welch's where not paired).

    Args:
        scores: shape (..., entrants, seeds).
        level: nominal error of each interval.
        paired: see `compare_all`.
        step: smallest change of a score; the variance of a difference is at least its square.

    Returns:
        Two arrays of shape (..., entrants, entrants); the half widths are infinite on the diagonal, and NaN where no
        seed shows a spread and there is no step: that is not certainty.
    """
    seeds = scores.shape[-1]
    means = scores.mean(axis=-1)
    centred = scores - means[..., None]
    products = centred @ np.swapaxes(centred, -1, -2) / (seeds - 1)
    own = np.diagonal(products, axis1=-2, axis2=-1)
    sums = own[..., :, None] + own[..., None, :]
    variances = np.maximum(sums - 2 * products if paired else sums, step**2)
    df = seeds - 1 if paired else _welch(own, seeds, sums)
    halves = special.stdtrit(df, 1 - level / 2) * np.sqrt(np.where(variances > 0, variances, np.nan) / seeds)
    halves[..., np.eye(scores.shape[-2], dtype=np.bool_)] = np.inf
    return means[..., :, None] - means[..., None, :], halves


@cache
def nominal_level(max_seeds: int, pairs: int) -> float:
    """Return the nominal error of each interval with which all looks at all pairs are wrong in 3.5%.

    Computed, not simulated, with an error of at most 0.01% of the level. The error is split over the pairs.

    Args:
        max_seeds: seeds of the last look; the first is after three.
        pairs: number of pairs.
    """
    target = ERROR / pairs
    # Secant steps between logarithms; the first guess is exact for a single look.
    position, slope = np.log(target / (max_seeds - MIN_SEEDS + 1) ** 0.7), 0.9
    excess = np.log(probability_to_leave(np.exp(position), max_seeds) / target)
    for _ in range(MOST_STEPS):
        if abs(excess) <= TOLERANCE:
            break
        step = -excess / slope
        following = np.log(probability_to_leave(np.exp(position + step), max_seeds) / target)
        position, slope, excess = position + step, (following - excess) / step, following
    return float(np.exp(position))


def _welch(own: Floats, seeds: int, sums: Floats) -> Floats:
    """Return degrees of freedom after Welch and Satterthwaite; those of one entrant where neither varies."""
    squares = (own**2)[..., :, None] + (own**2)[..., None, :]
    safe = np.where(squares > 0, squares, 1.0)
    return np.where(squares > 0, (seeds - 1) * sums**2 / safe, float(seeds - 1))
