"""What tasks with a published test set share: how the rest is split, and how pixels are scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LIBRARIES = ("numpy", "sklearn.model_selection")


def draw_validation(
    train: tuple[Array, Array],
    test: tuple[Array, Array],
    finish: Callable[[Array], Array],
    *,
    share: float,
    seed: int,
) -> archbench.Splits:
    """The publisher's test set as it is; of its training set, the seed draws a share for validation, class by class.

    Args:
        train, test: inputs and labels as published.
        finish: makes the inputs what the network sees; applied last, as bytes take a quarter of the memory.
        share: of the training set that becomes validation.
        seed: of the draw.
    """
    inputs, labels = train
    parts = [archbench.Examples(finish(inputs[rows]), labels[rows]) for rows in draw_rows(labels, share, seed=seed)]
    return archbench.Splits(parts[0], parts[1], archbench.Examples(finish(test[0]), test[1]))


def draw_rows(labels: Array, share: float, *, seed: int) -> tuple[Array, Array]:
    """The rows of training and those of validation, which is a share of each class."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    kept, drawn = train_test_split(rows, test_size=round(share * len(rows)), random_state=seed, stratify=labels)
    return kept, drawn


def scale(pixels: Array, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Array:
    """Bytes (N, channels, ...) to float32 with about mean 0 and standard deviation 1, channel by channel.

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
