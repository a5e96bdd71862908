"""Nominal levels of repeated t tests: against plain simulations, and against integration on a grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from archbench._statistics import nominal_level


def leaving_on_a_grid(level: float, seeds: int, cells: int) -> float:
    """Return the probability that a t test rejects at any number from three to `seeds`, by the trapezoidal rule.

    The values that r = sum / root of the sum of squares can take are `cells` cells; the next r exceeds x for angles
    whose Student probability is known, and the later probability is taken to be the mean of a cell's two ends.
    """
    grids = []
    for count in range(3, seeds + 1):
        bound = stats.t.isf(level / 2, count - 1)
        widest = np.arcsinh(bound / np.sqrt(count - 1))
        grids.append(np.sqrt(count) * np.tanh(np.linspace(0, widest, cells + 1)))
    later = np.zeros(cells + 1)
    for count in range(seeds - 1, 2, -1):
        following = np.concatenate([-grids[count - 2][:0:-1], grids[count - 2]])
        r = grids[count - 3][:, None]
        angle, turn = np.arcsin(np.clip(following / np.sqrt(1 + r**2), -1, 1)), np.arctan(r)
        ends = [np.tan(np.clip(end - turn, -np.pi / 2, np.pi / 2)) for end in (angle, np.pi - angle)]
        low, high = special.stdtr(count, np.sqrt(count) * np.array(ends))
        beyond, values = high - low, np.concatenate([later[:0:-1], later])
        later = beyond[:, -1] + (beyond[:, :-1] - beyond[:, 1:]) @ (values[1:] + values[:-1]) / 2
    return float(level + np.trapezoid(later, grids[0]) / np.sqrt(3))


@pytest.mark.parametrize("pairs", [1, 3, 378])
def test_a_single_look_has_the_whole_error(pairs: int) -> None:
    """After three seeds alone, each pair has its share of the 3.5%."""
    assert nominal_level(3, pairs) == pytest.approx(0.035 / pairs, rel=1e-12)


@pytest.mark.parametrize(
    ("seeds", "pairs", "cells", "error"),
    [(4, 1, 600, 1e-4), (4, 756, 900, 2e-4), (10, 1, 300, 5e-4), (10, 45, 300, 1e-3), (10, 756, 300, 1e-3)],
)
def test_all_looks_together_have_the_error_of_a_pair(seeds: int, pairs: int, cells: int, error: float) -> None:
    """On a grid as fine as the stated error, the looks at one pair reject with a probability of 3.5% over the pairs."""
    found = leaving_on_a_grid(nominal_level(seeds, pairs), seeds, cells)
    print(f"\n{seeds} seeds, {pairs} pairs: {pairs * found:.6f} on a grid of {cells} cells")

    assert found == pytest.approx(0.035 / pairs, rel=error)


@pytest.mark.parametrize(("seeds", "pairs", "paths"), [(10, 1, 400_000), (60, 1, 100_000), (10, 45, 3_000_000)])
def test_paths_of_t_tests_are_wrong_as_often_as_promised(seeds: int, pairs: int, paths: int) -> None:
    """Of simulated normal samples, those that a t test rejects at any size from three on are as many as promised."""
    level, rng, wrong = nominal_level(seeds, pairs), np.random.default_rng(20), 0
    counts = np.arange(3, seeds + 1)
    bounds = stats.t.isf(level / 2, counts - 1)
    for _ in range(paths // 50_000):
        draws = rng.standard_normal((50_000, seeds))
        sums, squares = draws.cumsum(axis=1)[:, 2:], (draws**2).cumsum(axis=1)[:, 2:]
        errors = np.sqrt((squares - sums**2 / counts) / (counts - 1) / counts)
        wrong += int((np.abs(sums / counts) > bounds * errors).any(axis=1).sum())
    expected = paths * 0.035 / pairs
    print(f"\n{seeds} seeds, {pairs} pairs: {wrong} of {expected:.0f} ± {expected**0.5:.0f}")

    assert abs(wrong - expected) < 3 * np.sqrt(expected)


def test_levels_fall_with_looks_and_pairs_and_stay_above_bonferroni() -> None:
    """More looks and more pairs leave less for each, but never less than if all looks were independent."""
    levels = np.array([[nominal_level(seeds, pairs) for pairs in (1, 45, 2000)] for seeds in (4, 8, 20)])
    shares = 0.035 / np.array([1, 45, 2000]) / np.array([[2], [6], [18]])

    assert (np.diff(levels, axis=0) < 0).all()
    assert (np.diff(levels, axis=1) < 0).all()
    assert (levels > shares).all()
