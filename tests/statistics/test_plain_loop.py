"""The intervals of a comparison against plain loops over entrants and seeds, with scipy's quantiles."""

from __future__ import annotations

import statistics
from math import exp, log, sqrt

import numpy as np
import pytest
from scipy import optimize, special, stats

from archbench._statistics import compare_all

ENTRANTS = [
    [0.61, 0.72, 0.55, 0.69, 0.64],
    [0.50, 0.52, 0.49, 0.53, 0.51],
    [0.80, 0.80, 0.80, 0.80, 0.80],  # at its ceiling: one step of .01 is its spread
    [0.33, 0.58, 0.21, 0.47, 0.40],
]


def moderated(variances: list[float], df: int) -> tuple[list[float], float]:
    """Return variances between their own and the common one, and their degrees of freedom (docs/statistics.md)."""
    k, raised = len(variances), [max(v, 0.01**2) for v in variances]
    noise, excess = (float(moment) for moment in stats.loggamma(df / 2).stats("vk"))
    spread = statistics.variance([log(v) for v in raised])
    own = spread - noise + 0.75 * noise * sqrt(2 / (k - 1) + excess / k)
    d0 = 2 * optimize.brentq(lambda y: special.polygamma(1, y) - own, 0.01, 1000)
    mean = statistics.mean(log(v) for v in raised)
    common = exp(mean - special.digamma(df / 2) + special.digamma(d0 / 2) - log(d0 / df))
    return [(d0 * common + df * v) / (d0 + df) for v in raised], d0 + df


def without_seeds(table: list[list[float]]) -> tuple[list[float], float]:
    """Return the moderated variances about what all entrants share at a seed, noisy entrants counting less."""
    k, seeds = len(table), len(table[0])
    rest = [[score - statistics.mean(row) for score in row] for row in table]
    weights = [1 / k] * k
    for _ in range(3):
        shared = [sum(w * row[seed] for w, row in zip(weights, rest, strict=True)) for seed in range(seeds)]
        sums = [sum((a - b) ** 2 for a, b in zip(row, shared, strict=True)) for row in rest]
        variances, df = moderated([s / (seeds - 1) / (1 - w) for s, w in zip(sums, weights, strict=True)], seeds - 1)
        weights = [min(1, statistics.median(variances) / v) for v in variances]
        weights = [w / sum(weights) for w in weights]
    return variances, df


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("seeds", [4, 5])
def test_intervals_are_those_of_plain_loops(paired: bool, seeds: int) -> None:
    """Half widths have the moderated variances, Tukey's quantile, and the widening for few entrants."""
    table = [row[:seeds] for row in ENTRANTS]
    k = len(table)
    plain = [statistics.variance(row) for row in table]
    variances, df = without_seeds(table) if paired else moderated(plain, seeds - 1)
    pooled = (k - 1 if paired else k) * (seeds - 1)
    critical = stats.studentized_range.ppf(0.95, k, min(df, pooled)) / sqrt(2) * (1 + (0.2 + 5 / k) / df)

    found = compare_all(table, paired=paired)

    assert found.degrees_of_freedom == pytest.approx(df, rel=1e-6)
    for i in range(k):
        for j in range(k):
            error = sqrt((variances[i] + variances[j]) / seeds)
            gap = statistics.mean(table[i]) - statistics.mean(table[j])
            assert found.standard_errors[i, j] == pytest.approx(error, rel=1e-6)
            assert found.differences[i, j] == pytest.approx(gap, abs=1e-12)
            assert found.half_widths[i, j] == pytest.approx(error * critical, rel=1e-4), (i, j)
    assert np.isfinite(found.half_widths).all()
