"""Variances of few seeds, moderated towards a common one (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3(1), art. 3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

CAUTION = 0.75
"""Standard errors that are added to the estimated heterogeneity of the variances.

Few entrants can look alike by chance, and to pool variances that differ is what makes a comparison claim too much.
"""

LEAST_HETEROGENEITY = 1e-4
"""A smaller variance of the log variances counts as none: all entrants then share one variance."""


def fit_prior(variances: npt.ArrayLike, df: float, *, caution: float = CAUTION) -> tuple[Floats, Floats]:
    """Return the degrees of freedom and the scale of the distribution that the true variances come from.

    Smyth's section 6.2: the log variances have mean log s0^2 + digamma(d/2) - digamma(d0/2) + log(d0/d) and variance
    trigamma(d/2) + trigamma(d0/2); both equations are solved for d0 and s0^2. Without heterogeneity d0 is infinite
    and s0^2 the mean variance, which is pooling.

    Args:
        variances: shape (..., entrants), positive, at least two entrants.
        df: degrees of freedom d of each variance.
        caution: standard errors added to the estimate of trigamma(d0/2); 0 is Smyth's estimate.

    Returns:
        d0 and s0^2, each of shape (...).
    """
    values = np.asarray(variances, dtype=np.float64)
    entrants = values.shape[-1]
    noise = special.polygamma(1, df / 2)
    excess = special.polygamma(3, df / 2) / noise**2  # kurtosis of the log of a chi-squared variate
    error = noise * np.sqrt(2 / (entrants - 1) + excess / entrants)
    centred = np.log(values) - special.digamma(df / 2) + np.log(df / 2)
    heterogeneity = centred.var(axis=-1, ddof=1) - noise + caution * error
    some = heterogeneity > LEAST_HETEROGENEITY
    half = inverse_trigamma(np.where(some, heterogeneity, 1.0))
    scale = np.exp(centred.mean(axis=-1) + special.digamma(half) - np.log(half))
    return np.where(some, 2 * half, np.inf), np.where(some, scale, values.mean(axis=-1))


def moderate(variances: npt.ArrayLike, df: float, prior_df: npt.ArrayLike, prior: npt.ArrayLike) -> Floats:
    """Return the variances drawn towards the common one: (d0 s0^2 + d s^2) / (d0 + d), Smyth's section 3.

    Args:
        variances: shape (..., entrants).
        df: degrees of freedom d of each variance.
        prior_df: d0, shape (...); infinity gives the common variance to everybody.
        prior: s0^2, shape (...).
    """
    weight = np.asarray(df / (np.asarray(prior_df, dtype=np.float64) + df))[..., None]
    common = np.asarray(prior, dtype=np.float64)[..., None]
    return np.asarray(weight * np.asarray(variances) + (1 - weight) * common, dtype=np.float64)


def inverse_trigamma(values: npt.ArrayLike) -> Floats:
    """Return y with trigamma(y) = value, by the Newton iteration of Smyth's appendix, which cannot overshoot.

    Args:
        values: positive, any shape.
    """
    wanted = np.asarray(values, dtype=np.float64)
    found = 0.5 + 1 / wanted
    for _ in range(50):
        here = special.polygamma(1, found)
        step = here * (1 - here / wanted) / special.polygamma(2, found)
        found = found + step
        if np.all(-step <= 1e-9 * found):
            break
    return np.asarray(found, dtype=np.float64)
