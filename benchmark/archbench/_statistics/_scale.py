"""The scale on which scores are compared: differences, or ratios of errors that lie orders of magnitude apart.

On the linear scale, the noise of an entrant with an error of 0.1 hides all that could be said of errors of 0.001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archbench._statistics._ranges import Floats

NEGLIGIBLE = 1e-6
"""An error of this part of chance counts as none: its root is a thousandth of the root error of the best constant."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Scores as they are compared.

    Without a factor, differences are compared. With one, the ratio of two errors: their logarithms are compared, so
    that half the error counts equally at any size. Then these rules hold for errors near 0:

    - An error below the floor counts as the floor, 0 too, which has no logarithm.
    - A variance counts as at least a tenth of the logarithm of the factor, squared, so that errors that are equal, at
      the floor or above it, are not taken for exact.

    Args:
        higher_is_better: direction of the metric.
        margin: smallest difference that matters, in the unit of the metric; None if there is none.
        factor: smallest ratio of the larger error to the smaller that matters, 1 or more; None for differences.
        floor: smallest error that counts, in the unit of the metric; above 0 where ratios are compared.
        example: what one test example is worth, 1 / test examples for an accuracy; None where that is unknown.

    Raises:
        ValueError: ratios cannot be compared: more is better, the factor is below 1, or nothing bounds the logarithms.
    """

    higher_is_better: bool = True
    margin: float | None = None
    factor: float | None = None
    floor: float = 0.0
    example: float | None = None

    def __post_init__(self) -> None:
        if self.factor is not None and (self.higher_is_better or not self.factor >= 1 or not self.floor > 0):
            raise ValueError(
                f"ratios need an error, a factor of 1 or more and a floor above 0; given were factor {self.factor:g} "
                f"and floor {self.floor:g}" + (" where more is better" if self.higher_is_better else "")
            )

    def oriented(self, values: npt.ArrayLike) -> Floats:
        """Return values as `compare_all` takes them: higher is better, and logarithms where ratios are compared.

        Args:
            values: any shape, in the unit of the metric; NaN stays NaN.
        """
        array = np.asarray(values, dtype=np.float64)
        array = array if self.factor is None else np.log(np.maximum(array, self.floor))
        return array if self.higher_is_better else -array

    def restored(self, oriented: npt.ArrayLike) -> Floats:
        """Return means of oriented values in the unit of the metric: of logarithms, the geometric means."""
        array = np.asarray(oriented, dtype=np.float64)
        array = array if self.higher_is_better else 0.0 - array  # an error of 0 has no sign
        return array if self.factor is None else np.exp(array)

    @property
    def threshold(self) -> float:
        """Smallest difference of oriented values that matters; 0 if nothing says so."""
        return (self.margin or 0.0) if self.factor is None else math.log(self.factor)

    @property
    def step(self) -> float | None:
        """Smallest change of an oriented value; None where the scores have to show it."""
        return None if self.factor is None or self.factor == 1 else self.threshold / 10


def floor_of(chance: float, target: float | None) -> float:
    """Return the smallest error that counts where ratios are compared.

    That is the target where a task has one, since errors below it are all good enough; else a millionth of chance.

    Args:
        chance: the error of the best constant.
        target: the error from which on the task counts as solved; None if there is none.
    """
    return max(NEGLIGIBLE * chance, target or 0.0)
