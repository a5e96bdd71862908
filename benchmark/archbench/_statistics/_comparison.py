"""Comparison of all pairs of entrants at once, from a few seeds each.

With three seeds the variance of one entrant is hardly known, and 28 entrants are 378 pairs to be wrong about. So each
entrant's variance is moderated towards the common one, and one critical value covers all pairs. The rules for what real
scores do (docs/statistics.md has the simulation that they were chosen by):

- Scores equal at all seeds, at the ceiling or elsewhere: a variance is at least one step of the score, squared, so that
  no interval has zero width. `step_of` says what a step is.
- Scores near 0 and 1: no transformation. An entrant near a bound has a small variance of its own, and variances that
  differ widen the critical value.
- Errors over orders of magnitude: the caller compares logarithms (`Scale`).
- A seed without a score (diverged, missing): the entrant is not compared. Its mean over other seeds would be another
  quantity, and to diverge is worse than any score.
- Unequal numbers of seeds: the caller keeps the seeds that all have.
- Scores of other data at the same seed: `paired=False`, and nothing is taken to be shared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archbench._statistics._noise import critical_value, estimate_noise
from archbench._statistics._ranges import Floats

Booleans = npt.NDArray[np.bool_]

LEVEL = 0.95
"""Probability that no statement about any pair is wrong."""

MIN_SEEDS = 3
"""With fewer seeds there is no comparison: two seeds can lie close together by chance in every entrant."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """Statements about all pairs of entrants that hold together with 95% probability.

    Entrants keep the positions that they were given in. One that is not compared has NaN in the matrices and no rank
    interval.

    Args:
        seeds: number of seeds of each entrant.
        compared: positions of the entrants that take part.
        differences: mean of the row's entrant minus mean of the column's, shape (K, K).
        standard_errors: of the differences, shape (K, K).
        half_widths: half the width of the simultaneous interval of each difference, shape (K, K).
        degrees_of_freedom: of each moderated variance, infinite where all entrants share one; None without comparison.
        reason: why nothing could be compared; empty where something was.
    """

    seeds: int
    compared: tuple[int, ...]
    differences: Floats
    standard_errors: Floats
    half_widths: Floats
    degrees_of_freedom: float | None
    reason: str = ""

    @property
    def better(self) -> Booleans:
        """Pairs in which the entrant of the row is certainly better than that of the column; shape (K, K)."""
        better: Booleans = self.differences > self.half_widths  # False for NaN
        return better

    @property
    def could_be_best(self) -> tuple[int, ...]:
        """Positions of the compared entrants that nobody is certainly better than."""
        beaten: Booleans = np.asarray(self.better.any(axis=0))
        return tuple(index for index in self.compared if not beaten[index])

    @property
    def rank_intervals(self) -> tuple[tuple[int, int] | None, ...]:
        """Ranks that each entrant can have: from 1 + those certainly better to K - those certainly worse.

        Confidence sets by inversion of the comparisons, after Mogstad, Romano, Shaikh and Wilhelm (2024), Review of
        Economic Studies 91(1), 476-518. K counts the compared entrants.
        """
        above, below, count = self.better.sum(axis=0), self.better.sum(axis=1), len(self.compared)
        ranks: list[tuple[int, int] | None] = [None] * len(self.differences)
        for index in self.compared:
            ranks[index] = (1 + int(above[index]), count - int(below[index]))
        return tuple(ranks)

    @property
    def resolution(self) -> float | None:
        """Share of the pairs that are told apart; None without comparison."""
        pairs = len(self.compared) * (len(self.compared) - 1) / 2
        return None if self.reason else float(self.better.sum() / pairs)


def compare_all(
    scores: npt.ArrayLike,
    *,
    paired: bool,
    step: float | None = None,
    margin: float | None = None,
    example: float | None = None,
    level: float = LEVEL,
) -> Comparison:
    """Return the simultaneous comparison of all pairs of entrants.

    Args:
        scores: shape (entrants, seeds); or (entrants, tasks, seeds) of normalised scores, whose mean over the tasks is
            compared. Higher is better; NaN where a seed has no score.
        paired: column i is the same seed and the same data for all entrants.
        step: smallest change of a score, such as 1 / test examples for an accuracy; None for what `step_of` finds.
        margin: smallest difference that matters, which helps to find the step; None if none was declared.
        example: what one test example is worth, which helps to find it, too; None if that is unknown.
        level: probability that all the intervals hold.

    Returns:
        The comparison; its `reason` says why when fewer than two entrants or three seeds can be compared.
    """
    array = np.asarray(scores, dtype=np.float64)
    array = array.mean(axis=1) if array.ndim == 3 else array
    compared = np.flatnonzero(np.isfinite(array).all(axis=1))
    table = array[compared]
    least = step_of(table, margin, example) if step is None else step
    entrants, seeds = table.shape
    if reason := _obstacle(entrants, seeds, least):
        return _without_comparison(array, compared, reason)
    noise = estimate_noise(table, paired=paired, step=least)
    errors = noise.standard_errors(seeds)
    means = table.mean(axis=1)
    return Comparison(
        seeds=seeds,
        compared=tuple(compared.tolist()),
        differences=_spread(means[:, None] - means[None, :], compared, len(array)),
        standard_errors=_spread(errors, compared, len(array)),
        half_widths=_spread(errors * critical_value(level, entrants, noise), compared, len(array)),
        degrees_of_freedom=float(noise.df),
    )


def _obstacle(entrants: int, seeds: int, step: float) -> str:
    """Return why nothing can be compared, or an empty string."""
    if entrants < 2:
        return "fewer than two entrants have a score at every seed"
    if seeds < MIN_SEEDS:
        return f"{seeds} of the {MIN_SEEDS} seeds that a comparison needs"
    return "" if step > 0 else "all scores are equal, and nothing says how finely they are measured"


def _without_comparison(array: Floats, compared: npt.NDArray[np.intp], reason: str) -> Comparison:
    """Return the differences alone."""
    unknown = np.full((len(array), len(array)), np.nan)
    means = array.mean(axis=1)
    return Comparison(
        seeds=array.shape[1],
        compared=tuple(compared.tolist()),
        differences=means[:, None] - means[None, :],
        standard_errors=unknown,
        half_widths=unknown,
        degrees_of_freedom=None,
        reason=reason,
    )


def step_of(table: Floats, margin: float | None, example: float | None = None) -> float:
    """Return the smallest difference between two scores that is more than rounding.

    Where each entrant scores the same at all of its seeds, only entrants differ, and what they differ by is no measure
    of how finely scores are measured. There it is what one test example is worth. If that is unknown and all scores
    are equal, a quarter of the margin stands for it: no margin is declared that is less than a few test examples.
    Without a margin it is then 0.

    Args:
        table: shape (entrants, seeds), finite.
        margin: smallest difference that matters; None if none was declared.
        example: what one test example is worth; None if that is unknown.
    """
    if example is not None and (table == table[:, :1]).all():
        return example
    gaps = np.diff(np.sort(table, axis=None))
    real = gaps[gaps > 1e-9 * np.abs(table).max(initial=0.0)]
    return float(real.min()) if real.size else (margin or 0.0) / 4


def _spread(matrix: Floats, positions: npt.NDArray[np.intp], size: int) -> Floats:
    """Return a matrix of the compared entrants at their positions among all, NaN elsewhere."""
    whole = np.full((size, size), np.nan)
    whole[np.ix_(positions, positions)] = matrix
    return whole
