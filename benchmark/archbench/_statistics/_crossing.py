"""Probability that t statistics of a growing sample ever leave their bounds, by numerical integration.

Let S be the sum of n independent normal numbers of mean 0, and Q that of their squares. Then r = S / sqrt(Q) does not
depend on the variance, and t = r sqrt((n - 1) / (n - r^2)). Q is independent of all r so far (Basu 1955, Sankhya 15),
and hence so is u, the next number over sqrt(Q); sqrt(n) u has Student's distribution with n degrees of freedom. With
u = tan(phi), the density of phi is proportional to cos(phi)^(n - 1), and the next r is
(r + u) / sqrt(1 + u^2) = sqrt(1 + r^2) sin(phi + atan(r)). So r is a Markov chain, and the probability of leaving at a
later look follows for every r from that at the next look, backwards from the last one, where it is 0 (Armitage,
McPherson and Rowe 1969, "Repeated significance tests on accumulating data", J. R. Stat. Soc. A 132, 235-244).

This probability is not smooth in r. The next r is at most sqrt(1 + r^2): where that reaches the bound, it begins to
grow like a square root, and there are weaker kinks where the bound after k looks comes into reach. They are edges of
the pieces on which it is approximated, and of those on which it is integrated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from archbench._statistics._comparison import MIN_SEEDS
from archbench._statistics._ranges import Floats

NODES = 14
"""Chebyshev nodes of a piece: the polynomials have degree 13. With the numbers below, errors are at most 1e-4."""

POINTS = 10
"""Points of the quadrature of a piece."""

PARTS = 5
"""Equal pieces of the range of phi, in addition to those that the bounds and kinks cut."""

KINKS = 8
"""Looks ahead whose kinks are edges of pieces; that of the k-th is as smooth as the power k / 2."""

LONGEST = 0.5
"""Longest piece, in units of atanh(r / sqrt(n)): bounds of small levels crowd near sqrt(n)."""

TAIL = 1e-16
"""Density of phi, relative to that of phi = 0, that is left out."""

_UNIT = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
_FIT = np.linalg.inv(np.vander(_UNIT))
_ABSCISSAE, _LEGENDRE = np.polynomial.legendre.leggauss(POINTS)
_WHERE = (_ABSCISSAE + 1) ** 2 * (2 - _ABSCISSAE) / 4
_WEIGHTS = _LEGENDRE * 3 / 4 * (1 - _ABSCISSAE**2)
"""Gauss-Legendre after x^2 (3 - 2 x), which makes square roots at both ends smooth; on (0, 1)."""


class _Later(NamedTuple):
    """Probability of leaving the bounds at a later look, for every r within the bounds of this one.

    Args:
        edges: of the pieces, from 0 to the bound, shape (pieces + 1,); the probability is even in r.
        kinks: those edges from which on a bound comes into reach, the next bound first.
        coefficients: of each polynomial on (-1, 1), the highest power first, shape (NODES, pieces).
    """

    edges: Floats
    kinks: Floats
    coefficients: Floats

    @property
    def kinked(self) -> npt.NDArray[np.bool_]:
        """Pieces that begin at a kink, where the polynomial is one in the square root of the distance from it."""
        return np.isin(self.edges[:-1], self.kinks)

    def at(self, r: Floats) -> Floats:
        """Return the probability at r, and 1 outside the bounds; shape (ranges, POINTS), no edge inside a range."""
        size = np.abs(r)
        piece = np.searchsorted(self.edges, size[:, POINTS // 2], side="right") - 1
        outside = piece == len(self.edges) - 1
        piece[outside] -= 1
        begin, width, kinked = (part[piece, None] for part in (self.edges[:-1], np.diff(self.edges), self.kinked))
        way = np.clip((size - begin) / width, 0.0, 1.0)
        way = 2 * np.where(kinked, np.sqrt(way), way) - 1
        value = np.zeros_like(way)
        for power in self.coefficients:
            value = value * way + power[piece, None]
        return np.where(outside[:, None], 1.0, value)


def probability_to_leave(level: float, seeds: int) -> float:
    """Return the probability that a t test of mean 0, done after each number from the third on, ever rejects.

    Args:
        level: of each test.
        seeds: numbers at the last test.
    """
    counts = np.arange(MIN_SEEDS, seeds + 1)
    squares = special.stdtrit(counts - 1, level / 2) ** 2
    bounds = np.sqrt(counts * squares / (counts - 1 + squares))
    later = _Later(np.array([0.0, bounds[-1]]), np.empty(0), np.zeros((NODES, 1)))
    for count, bound in zip(counts[-2::-1].tolist(), bounds[-2::-1].tolist(), strict=True):
        later = _before(later, count, bound)
    # After three numbers r is uniform between -sqrt(3) and sqrt(3).
    widths = np.diff(later.edges)
    means = later.at(later.edges[:-1, None] + widths[:, None] * _WHERE) @ _WEIGHTS
    return float(level + means @ widths / np.sqrt(MIN_SEEDS))


def _before(later: _Later, count: int, bound: float) -> _Later:
    """Return the probability of leaving after `count` numbers, from that after one more."""
    reached = np.concatenate([later.edges[-1:], later.kinks])[:KINKS]
    kinks = np.sqrt(reached[reached**2 > 2] ** 2 - 1)
    edges = np.unique(np.concatenate([[0.0], _inner_edges(count, bound), kinks, [bound]]))
    now = _Later(edges, kinks, np.empty(0))
    way = np.where(now.kinked[:, None], ((1 + _UNIT) / 2) ** 2, (1 + _UNIT) / 2)
    r = edges[:-1, None] + np.diff(edges)[:, None] * way
    values = _expected(later, count, r.ravel()).reshape(r.shape)
    return now._replace(coefficients=_FIT @ values.T)


def _inner_edges(count: int, bound: float) -> Floats:
    """Return edges below the bound, at distances that double from about one step of the chain to the longest piece."""
    widths = np.minimum(2.0 ** np.arange(1, 64) / count, LONGEST)
    scaled = np.arctanh(bound / np.sqrt(count)) - widths.cumsum()
    return np.asarray(np.sqrt(count) * np.tanh(scaled[scaled > 0]))


def _expected(later: _Later, count: int, r: Floats) -> Floats:
    """Return the mean of `later` over the next value, for each r >= 0; shape (values,)."""
    radius, turn = np.sqrt(1 + r**2), np.arctan(r)
    limit = np.arccos(TAIL ** (1 / (count - 1)))
    # The next value passes an edge upwards and, past its largest value, downwards again; the other sign only upwards.
    up = np.arcsin(np.minimum(1.0, later.edges[1:, None] / radius))
    parts = np.repeat(np.linspace(-limit, limit, PARTS + 1)[:, None], len(r), axis=1)
    cuts = np.sort(np.clip(np.concatenate([parts, up - turn, np.pi - up - turn, -up - turn]), -limit, limit), axis=0)
    piece, which = np.nonzero(np.diff(cuts, axis=0) > 0)
    start, width = cuts[piece, which], cuts[piece + 1, which] - cuts[piece, which]
    phi = start[:, None] + width[:, None] * _WHERE
    density = np.cos(phi) ** (count - 1) / special.beta(count / 2, 0.5)
    means = (later.at(radius[which, None] * np.sin(phi + turn[which, None])) * density) @ _WEIGHTS
    return np.bincount(which, means * width, len(r)).astype(np.float64)
