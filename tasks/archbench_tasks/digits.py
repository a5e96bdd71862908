"""Handwritten digits, 8x8: real images that ship with scikit-learn, as pictures and as sequences.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository, 1998; the 1,797 images
of its test part as scikit-learn bundles them. 10 classes, pixels 0 to 16.

`digits` gives the images; `sequential-digits` gives the same pixels one at a time in reading order, 64 steps, the
label asked for after the last one: the small form of pixel-by-pixel MNIST (Le et al., arXiv:1504.00941, sec. 4.2).
`permuted-digits` gives them in one fixed order that has nothing to do with the picture, the same for every image and
every seed, so that neighbours in time are no longer neighbours in space (the same section): step t shows pixel
`permutation()[t]`.

Splits: 397 test images, drawn once, class by class, and the same for every seed. Of the other 1,400 the seed
draws 200 for validation, class by class. One test image is 0.25 points of accuracy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

TEST_IMAGES = 397
VALIDATION_IMAGES = 200
TEST_SPLIT_SEED = 0
PIXELS = 64
PERMUTATION_SEED = 0


def load_images(options: None, seed: int) -> archbench.Splits:
    """Images (N, 1, 8, 8), pixels scaled to mean 0 and standard deviation 1 by the constants of the whole set."""
    return _load((1, 8, 8), seed)


def load_sequences(options: None, seed: int) -> archbench.Splits:
    """Sequences (N, 64, 1): the same pixels, row by row."""
    return _load((64, 1), seed)


def load_permuted(options: None, seed: int) -> archbench.Splits:
    """Sequences (N, 64, 1): the same pixels in the order of `permutation`."""
    splits = load_sequences(options, seed)
    order = permutation()

    def permuted(examples: archbench.Examples) -> archbench.Examples:
        return archbench.Examples(examples.inputs[:, order].copy(), examples.targets)

    return archbench.Splits(permuted(splits.train), permuted(splits.validation), permuted(splits.test))


def permutation() -> np.ndarray[Any, Any]:
    """The order (64,) of the pixels: the permutation of seed 0 of numpy's old generator, which is frozen for good.

    It begins 45, 29, 43, 61, and a test keeps its hash.
    """
    import numpy as np

    order: np.ndarray[Any, Any] = np.random.RandomState(PERMUTATION_SEED).permutation(PIXELS)
    return order


def _load(shape: tuple[int, ...], seed: int) -> archbench.Splits:
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    # The constants are those of the 1,797 images, rounded; fixed, so that no split leaks into another through them.
    pixels = ((images - 4.88) / 6.02).astype(np.float32).reshape(-1, *shape)
    labels = labels.astype(np.int64)

    def split(index: np.ndarray[Any, Any], size: int, state: int) -> list[np.ndarray[Any, Any]]:
        parts: list[np.ndarray[Any, Any]] = train_test_split(
            index, test_size=size, random_state=state, stratify=labels[index]
        )
        return parts

    rest, test = split(np.arange(len(labels)), TEST_IMAGES, TEST_SPLIT_SEED)
    train, validation = split(rest, VALIDATION_IMAGES, seed)
    part = [archbench.Examples(pixels[index], labels[index]) for index in (train, validation, test)]
    return archbench.Splits(*part)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """The images, and the same images pixel by pixel in two orders."""
    yield archbench.Task(
        name="digits",
        info=archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10),
        load=load_images,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.1,
        oracle=1.0,
        summary="1,797 handwritten digits, 8x8 grey pixels",
        source="UCI Optical Recognition of Handwritten Digits, 1998, as bundled with scikit-learn",
        libraries=("sklearn.datasets", "sklearn.model_selection"),
    )
    yield archbench.Task(
        name="sequential-digits",
        info=archbench.TaskInfo(kind="sequence", input_shape=(64, 1), outputs=10),
        load=load_sequences,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.1,
        oracle=1.0,
        summary="The same digits, one pixel at a time, 64 steps",
        source="after arXiv:1504.00941, sec. 4.2",
        libraries=("sklearn.datasets", "sklearn.model_selection"),
    )
    yield archbench.Task(
        name="permuted-digits",
        info=archbench.TaskInfo(kind="sequence", input_shape=(64, 1), outputs=10),
        load=load_permuted,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.1,
        oracle=1.0,
        summary="The same digits, one pixel at a time in one fixed shuffled order, 64 steps",
        source="after arXiv:1504.00941, sec. 4.2",
        libraries=("sklearn.datasets", "sklearn.model_selection"),
    )
