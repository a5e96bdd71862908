"""What tasks with a published test set share: how the rest is split, and how pixels are scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LIBRARIES = ("numpy", "sklearn.model_selection")


def draw_validation(
    inputs: Array, labels: Array, test: archbench.Examples, *, share: float, seed: int, lengths: Array | None = None
) -> archbench.Splits:
    """The publisher's test set as it is; of its training set, the seed draws a share for validation, class by class.

    Args:
        inputs, labels: the publisher's training set.
        test: the publisher's test set.
        share: of the training set that becomes validation.
        seed: of the draw.
        lengths: of the examples of the training set, where they vary.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    train, validation = train_test_split(
        np.arange(len(labels)), test_size=round(share * len(labels)), random_state=seed, stratify=labels
    )
    parts = [
        archbench.Examples(inputs[index], labels[index], None if lengths is None else lengths[index])
        for index in (train, validation)
    ]
    return archbench.Splits(parts[0], parts[1], test)


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
    scaled: Array = pixels.astype(np.float32)
    scaled /= 255
    scaled -= centre
    scaled /= width
    return scaled
