"""Quantiles of ranges, against scipy, quadrature and the special cases that tables have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from archbench._statistics._ranges import (
    _range_of_normals,
    _unit_nodes,
    student_range,
    studentised_range,
)


@pytest.mark.parametrize(("entrants", "df"), [(2, 2), (5, 8), (10, 3.3), (28, 54), (3, np.inf), (200, 12)])
def test_studentised_range_agrees_with_scipy(entrants: int, df: float) -> None:
    """The quantile has the probability that scipy's studentised range gives it."""
    quantile = float(studentised_range(0.95, entrants, df))

    assert stats.studentized_range.cdf(quantile, entrants, min(df, 1e6)) == pytest.approx(0.95, abs=1e-4)


def test_studentised_range_of_two_is_student_t() -> None:
    """For two variates the range over the standard error is sqrt(2) times a Student t variate."""
    expected = np.sqrt(2) * stats.t.ppf(0.975, [2, 7, 30])

    np.testing.assert_allclose(studentised_range(0.95, 2, [2, 7, 30]), expected, rtol=1e-5)


@pytest.mark.parametrize(("entrants", "df"), [(2, 2.5), (5, 4), (28, 3), (28, 20)])
def test_range_of_t_variates_agrees_with_quadrature(entrants: int, df: float) -> None:
    """An adaptive quadrature of the textbook integral gives the quantile its probability."""
    width = float(student_range(0.95, entrants, df))

    def density(z: float) -> float:
        inside = stats.t.cdf(z, df) - stats.t.cdf(z - width, df)
        return float(entrants * stats.t.pdf(z, df) * inside ** (entrants - 1))

    assert integrate.quad(density, -np.inf, np.inf, limit=300)[0] == pytest.approx(0.95, abs=5e-4)


def test_ranges_agree_without_uncertainty() -> None:
    """With infinite degrees of freedom both ranges are that of normal variates: 3.3145 for three, as tables have it."""
    assert float(student_range(0.95, 3, np.inf)) == pytest.approx(3.3145, abs=1e-4)
    assert float(studentised_range(0.95, 3, np.inf)) == pytest.approx(3.3145, abs=1e-4)


def test_own_denominators_demand_more_where_variances_are_uncertain() -> None:
    """Among many entrants with few degrees of freedom, the one with the smallest variance is what misleads."""
    assert student_range(0.95, 28, 3) > 1.1 * studentised_range(0.95, 28, 3)


@pytest.mark.parametrize("entrants", [2, 3, 7, 28, 50, 129, 400])
def test_no_width_is_too_far_to_be_computed(entrants: int) -> None:
    """Beyond the width from which on the probability is taken for the last one, the whole formula has the same bits."""
    widths, found = _range_of_normals(entrants)
    nodes, weights = _unit_nodes()
    inside = nodes - special.ndtr(special.ndtri(nodes) - widths[:, None])

    np.testing.assert_array_equal(found, entrants * inside ** (entrants - 1) @ weights)
