"""Noisy digits: handwritten digits out of place and in noise, 8x8 pixels.

Source: the images of `digits`, which nearly every image network solves to within a few of its 397 test images. Here
they are made hard in two ways in which images are hard: nothing stays where it was, and little of it is seen.

An image is one of the digits, moved by up to one pixel up or down and to either side, each of the nine places equally
likely; what leaves the image is lost, and what comes in is empty. Then Gaussian noise is added to each pixel, of
standard deviation 0.8, where the pixels of all digits have one of 1. Every example is another move and other noise, so
that nothing can be learned by heart. Labels are balanced in every split: `chance` is 1/10. `oracle` is 1, though the
noise now and then hides what tells a digit from another.

Splits: 10,000 training and 500 validation images, new for every seed, of the 1,200 and the 200 digits that `digits` has
there; 2,000 test images, always the same, of its 397 test digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._generated import TEST_SEED
from archbench_tasks.digits import load_images

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SIZES = (10_000, 500, 2_000)
CLASSES = 10
SIDE = 8
EMPTY = -4.88 / 6.02  # an empty pixel on the scale of `digits`
NOISE = 0.8


def load(options: None, seed: int) -> archbench.Splits:
    """Return images (N, 1, 8, 8) float32 and labels (N,) int64."""
    import numpy as np

    digits, draw = load_images(None, seed), np.random.default_rng(seed)
    train, validation, test = SIZES
    return archbench.Splits(
        train=spoil(digits.train, train, draw),
        validation=spoil(digits.validation, validation, draw),
        test=spoil(digits.test, test, np.random.default_rng(TEST_SEED)),
    )


def spoil(digits: archbench.Examples, count: int, draw: np.random.Generator) -> archbench.Examples:
    """Draw `count` moved and noisy images of these digits, equally many of each class."""
    import numpy as np

    labels = draw.permutation(np.arange(count) % CLASSES)
    chosen = np.empty(count, np.int64)
    for label in range(CLASSES):
        rows = labels == label
        chosen[rows] = draw.choice(np.flatnonzero(digits.targets == label), rows.sum())
    bordered = np.pad(np.asarray(digits.inputs)[:, 0], [(0, 0), (1, 1), (1, 1)], constant_values=np.float32(EMPTY))
    down, right = draw.integers(0, 3, (2, count, 1, 1))  # where the picture is cut out of the bordered one
    rows, columns = down + np.arange(SIDE)[:, None], right + np.arange(SIDE)
    images = bordered[chosen[:, None, None], rows, columns][:, None]
    images += np.float32(NOISE) * draw.standard_normal(images.shape, dtype=np.float32)
    return archbench.Examples(images, labels)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the images."""
    yield archbench.Task(
        name="noisy-digits",
        info=archbench.TaskInfo(kind="image", input_shape=(1, SIDE, SIDE), outputs=CLASSES),
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=1 / CLASSES,
        oracle=1.0,
        margin=0.05,  # one image in twenty: the networks of this suite lie between 0.3 and 0.9
        libraries=("sklearn.datasets", "sklearn.model_selection"),
        summary="Handwritten digits out of place and in noise, 8x8 grey pixels",
        source="UCI Optical Recognition of Handwritten Digits, 1998, as bundled with scikit-learn; made for this suite",
    )
