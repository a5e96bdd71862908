"""Data sets with a published training and test set: how a validation split is drawn, and how pixels are scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LIBRARIES = ("numpy", "sklearn.model_selection")
"""Modules that these tasks import while they load, for `Task.libraries`."""


def draw_validation(
    train: tuple[Array, Array],
    test: tuple[Array, Array],
    finish: Callable[[Array], Array],
    *,
    share: float,
    seed: int,
) -> archbench.Splits:
    """Return the published test set as it is, and the training set with a share of each class drawn for validation.

    Args:
        train, test: inputs and labels as published.
        finish: makes the inputs what the network sees; applied last, as bytes take a quarter of the memory.
        share: of the training set that becomes validation.
        seed: of the draw.
    """
    inputs, labels = train
    train_rows, validation_rows = draw_rows(labels, share, seed=seed)
    return archbench.Splits(
        archbench.Examples(finish(inputs[train_rows]), labels[train_rows]),
        archbench.Examples(finish(inputs[validation_rows]), labels[validation_rows]),
        archbench.Examples(finish(test[0]), test[1]),
    )


def draw_rows(labels: Array, share: float, *, seed: int) -> tuple[Array, Array]:
    """Return the rows of the training and of the validation split, which is a share of each class."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    kept, drawn = train_test_split(rows, test_size=round(share * len(rows)), random_state=seed, stratify=labels)
    return kept, drawn


def scale(pixels: Array, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Array:
    """Return bytes (N, channels, ...) as float32 with about mean 0 and standard deviation 1 in each channel.

    Args:
        pixels: 0 to 255.
        mean, deviation: of each channel, for pixels from 0 to 1.
    """
    import numpy as np

    shape = (1, -1, *(1,) * (pixels.ndim - 2))
    centre: Array = np.array(mean, np.float32).reshape(shape)
    width: Array = np.array(deviation, np.float32).reshape(shape)
    scaled: Array = np.multiply(pixels, 1 / (255 * width), dtype=np.float32)
    scaled -= centre / width  # in place: two passes over what may be half a gigabyte
    return scaled
