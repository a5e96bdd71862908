"""The noise of each entrant over seeds, and the critical value that goes with what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archbench._statistics._moderation import CAUTION, fit_prior, moderate
from archbench._statistics._ranges import Floats, student_range, studentised_range

Range = Callable[[float, int, npt.ArrayLike], Floats]

WIDENING = 0.2, 5.0
"""A critical value is widened by 1 + (0.2 + 5 / K) / df: few entrants say little about the variance that they share."""

ROUNDS = 3
"""Rounds of weights and variances; in a fourth, weights move by less than a percent."""


class Noise(NamedTuple):
    """Moderated variances over seeds.

    Args:
        variances: of one score, shape (..., entrants).
        df: degrees of freedom of each of them, shape (...); infinite where all entrants share one variance.
        pooled_df: degrees of freedom of all the scores together.
    """

    variances: Floats
    df: Floats
    pooled_df: int

    def standard_errors(self, seeds: int) -> Floats:
        """Return the standard errors of all differences of means; shape (..., entrants, entrants)."""
        return np.asarray(np.sqrt((self.variances[..., :, None] + self.variances[..., None, :]) / seeds))


def estimate_noise(scores: Floats, *, paired: bool, step: float = 0.0, caution: float = CAUTION) -> Noise:
    """Return the moderated variance of each entrant.

    Args:
        scores: shape (..., entrants, seeds), finite, at least two entrants and two seeds.
        paired: leave out the noise that all entrants share at a seed.
        step: smallest change of a score; variances below its square are raised to it.
        caution: see `fit_prior`.
    """
    entrants, seeds = scores.shape[-2:]
    df = seeds - 1
    residuals = scores - scores.mean(axis=-1, keepdims=True)
    if not paired:
        return _moderated((residuals**2).sum(axis=-1) / df, df, entrants * df, step, caution)
    weights = np.full(scores.shape[:-1], 1 / entrants)
    for _ in range(ROUNDS):
        noise = _moderated(_without_seed_effect(residuals, weights), df, (entrants - 1) * df, step, caution)
        # The noise of an entrant much noisier than the others would otherwise be taken for an effect of the seed.
        weights = np.minimum(1, np.median(noise.variances, axis=-1, keepdims=True) / noise.variances)
        weights /= weights.sum(axis=-1, keepdims=True)
    return noise


def critical_value(
    level: float,
    entrants: int,
    noise: Noise,
    *,
    widening: tuple[float, float] = WIDENING,
    common: Range = studentised_range,
    own: Range = student_range,
) -> Floats:
    """Return how many standard errors of a difference its simultaneous interval reaches to each side.

    The larger of two: the studentised range, whose variance is uncertain as a whole, and the range of t variates, whose
    variances are uncertain one by one.

    Args:
        level: probability that the intervals of all pairs hold.
        entrants: number of entrants.
        noise: their noise.
        widening: see `WIDENING`. With (0, 0) and infinite degrees of freedom the value is Tukey's.
        common, own: quantiles of the two ranges; a simulation passes tabulated ones.

    Returns:
        Shape (...), that of `noise.df`.
    """
    pooled = common(level, entrants, np.minimum(noise.df, noise.pooled_df))
    separate = own(level, entrants, noise.df)
    base, per_entrant = widening
    return np.asarray(np.maximum(pooled, separate) / np.sqrt(2) * (1 + (base + per_entrant / entrants) / noise.df))


def _moderated(variances: Floats, df: int, pooled_df: int, step: float, caution: float) -> Noise:
    """Return raised and moderated variances. Where there is only one to know, as of a paired difference, it stays."""
    raised = np.maximum(variances, step**2)
    if pooled_df == df:
        return Noise(raised, np.full(raised.shape[:-1], np.inf), pooled_df)
    prior_df, prior = fit_prior(raised, df, caution=caution)
    return Noise(moderate(raised, df, prior_df, prior), prior_df + df, pooled_df)


def _without_seed_effect(residuals: Floats, weights: Floats) -> Floats:
    """Return variances about the weighted mean of all entrants at each seed.

    Where weights are inverse to the variances, an entrant's residual keeps the share 1 - weight of its variance.
    """
    effect = (weights[..., None] * residuals).sum(axis=-2, keepdims=True)
    squares = ((residuals - effect) ** 2).sum(axis=-1) / (residuals.shape[-1] - 1)
    return np.asarray(squares / (1 - weights))
