"""Moderated variances, against published results of limma and the equations of Smyth (2004)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from archbench._statistics._moderation import fit_prior, inverse_trigamma, moderate


def test_moderation_agrees_with_a_published_example_of_limma() -> None:
    """limma's moderated variances and t of the estrogen data come out (printed eBayes fit of a course at Zurich, 2014).

    Five probes of 12,625: residual standard deviations with 4 degrees of freedom, prior 4.479981 and 0.02199399.
    """
    sigma = np.array([0.07649887, 0.21776253, 0.12832927, 0.11769183, 0.15544260])
    published = [0.01437986, 0.03398766, 0.01938757, 0.01815312, 0.02301683]
    effects = np.array([-0.24686537, -0.37251645, 0.10748492, -0.06760315, 0.04060842])
    published_t = [-2.0586514, -2.0206207, 0.7719440, -0.5017545, 0.2676661]
    published_p = [0.07153470, 0.07597743, 0.46111710, 0.62860708, 0.79535224]

    variances = moderate(sigma**2, 4, 4.479981, 0.02199399)
    t = effects / np.sqrt(variances)

    np.testing.assert_allclose(variances, published, rtol=1e-6)
    np.testing.assert_allclose(t, published_t, rtol=1e-6)
    np.testing.assert_allclose(2 * stats.t.sf(np.abs(t), 4 + 4.479981), published_p, rtol=1e-6)


def test_prior_solves_the_equations_of_smyth() -> None:
    """d0 and s0^2 solve the two moment equations of section 6.2, here with a root finder and plain sums."""
    variances, df = [0.8, 0.02, 3.1, 0.4, 0.09, 12.0, 0.6], 4
    logs = [np.log(v) for v in variances]
    mean = sum(logs) / len(logs)
    spread = sum((x - mean) ** 2 for x in logs) / (len(logs) - 1)
    d0 = 2 * optimize.brentq(lambda y: special.polygamma(1, y) - (spread - special.polygamma(1, df / 2)), 0.01, 100)
    scale = np.exp(mean - special.digamma(df / 2) + special.digamma(d0 / 2) - np.log(d0 / df))

    prior_df, prior = fit_prior(variances, df, caution=0)

    assert float(prior_df) == pytest.approx(d0, rel=1e-6)
    assert float(prior) == pytest.approx(scale, rel=1e-6)


def test_prior_of_many_variances_is_found() -> None:
    """From 200,000 variances with scaled inverse chi-squared truth, its parameters come back."""
    rng = np.random.default_rng(3)
    truth = 5 * 0.3 / rng.chisquare(5, size=200_000)
    prior_df, prior = fit_prior(truth * rng.chisquare(2, size=truth.size) / 2, 2, caution=0)

    assert float(prior_df) == pytest.approx(5, rel=0.05)
    assert float(prior) == pytest.approx(0.3, rel=0.02)


def test_the_iteration_ends_when_it_has_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newton's iteration doubles its digits in every round, so that far fewer than its 50 rounds give nine of them."""
    rounds = []
    polygamma = special.polygamma

    def count(order: int, values: Any) -> Any:
        rounds.append(order)
        return polygamma(order, values)

    monkeypatch.setattr(special, "polygamma", count)
    inverse_trigamma([1e-3, 1.0, 1e3])

    assert rounds.count(1) <= 10


def test_equal_variances_are_pooled() -> None:
    """Variances that differ less than chance explains share their mean, with infinite degrees of freedom."""
    prior_df, prior = fit_prior([1.0, 1.1, 0.9, 1.2], 10, caution=0)

    assert np.isinf(prior_df)
    assert float(prior) == pytest.approx(1.05)
    np.testing.assert_allclose(moderate([1.0, 1.1, 0.9, 1.2], 10, prior_df, prior), 1.05)


def test_caution_lowers_the_degrees_of_freedom() -> None:
    """The more standard errors are added to the heterogeneity, the less the common variance counts."""
    variances = [0.5, 1.0, 4.0, 0.2, 2.0, 0.9]
    found = [float(fit_prior(variances, 2, caution=caution)[0]) for caution in (0.5, 1, 2)]

    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 3


@pytest.mark.parametrize("caution", [0.5, 2.0])
def test_caution_counts_standard_errors_of_a_sample_variance(caution: float) -> None:
    """n numbers with variance v and excess kurtosis k have a sample variance with standard error v sqrt(2/(n-1) + k/n).

    The numbers are logs of chi-squared variates, whose moments scipy has as those of the log-gamma distribution.
    """
    variances, df = [0.8, 0.02, 3.1, 0.4], 4
    noise, excess = (float(moment) for moment in stats.loggamma(df / 2).stats("vk"))
    spread = float(np.var(np.log(variances), ddof=1))
    wanted = spread - noise + caution * noise * (2 / 3 + excess / 4) ** 0.5
    d0 = 2 * optimize.brentq(lambda y: special.polygamma(1, y) - wanted, 0.01, 100)

    assert float(fit_prior(variances, df, caution=caution)[0]) == pytest.approx(d0, rel=1e-6)


def test_trigamma_is_inverted() -> None:
    """The inverse undoes scipy's trigamma function over ten orders of magnitude."""
    values = np.logspace(-5, 5, 40)

    np.testing.assert_allclose(special.polygamma(1, inverse_trigamma(values)), values, rtol=1e-8)
