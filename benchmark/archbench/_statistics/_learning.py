"""Learning curves: is an entrant still improving when its training ends?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archbench._statistics._ranges import Floats

LAST_PART = 0.2
"""Part of the budget at the end that is compared with an equally long part before it.

The shortest with two validations in each part, of the ten of the built-in protocols. Their learning rate falls to 0, so
that every curve is flat at its very end, and rises while the rate is still falling: a longer part would call nearly all
unfinished, a shorter one nobody.
"""

NOISE_LIMIT = 2.0
"""A gain of fewer standard errors of the noise from one validation to the next is no gain."""

MIN_POINTS = 2
"""Validations that each of the two parts needs; with fewer, noise cannot be told from progress."""


def still_improving(steps: npt.ArrayLike, validation: npt.ArrayLike, *, higher_is_better: bool, margin: float) -> bool:
    """Return whether an entrant was still improving by more than the margin when its training ended.

    The mean validation score of the last fifth of the budget is compared with that of the fifth before, on the mean
    curve of all seeds. The entrant is still improving if it gained more than the margin, and more than two standard
    errors of the noise. The noise is taken from the differences of neighbouring validations, which a trend hardly
    touches (von Neumann 1941, Ann. Math. Stat. 12).

    Args:
        steps: steps done at each validation, shape (points,), increasing.
        validation: shape (points,) or (seeds, points), in the unit of the metric.
        higher_is_better: direction of the metric.
        margin: smallest difference that matters, in the unit of the metric.

    Returns:
        False also where a part has fewer than two validations, since then nothing can be said.
    """
    done = np.asarray(steps, dtype=np.float64)
    curve = np.atleast_2d(np.asarray(validation, dtype=np.float64)).mean(axis=0)
    curve = curve if higher_is_better else -curve
    end = done[-1] if done.size else 0.0
    last = done > (1 - LAST_PART) * end
    before = (done > (1 - 2 * LAST_PART) * end) & ~last
    fewest = int(min(last.sum(), before.sum()))
    if fewest < MIN_POINTS or not np.isfinite(curve[last | before]).all():
        return False
    gain = curve[last].mean() - curve[before].mean()
    if not gain > margin:
        return False
    error = _noise(curve[last | before]) * np.sqrt(1 / last.sum() + 1 / before.sum())
    return bool(gain > NOISE_LIMIT * error)


def _noise(curve: Floats) -> float:
    """Return the standard deviation about a slow trend, from the differences of neighbouring points."""
    return float(np.sqrt(np.mean(np.diff(curve) ** 2) / 2))
