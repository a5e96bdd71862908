"""Handwritten digits, 8x8: real images that ship with scikit-learn, as pictures and as sequences.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository, 1998; the 1,797 images
of its test part as scikit-learn bundles them. 10 classes, pixels 0 to 16.

`digits` gives the images; `sequential-digits` gives the same pixels one at a time in reading order, 64 steps, the
label asked for after the last one: the small form of pixel-by-pixel MNIST (Le et al., arXiv:1504.00941, sec. 4.2).
`permuted-digits` gives them in one fixed order that has nothing to do with the picture, the same for every image and
every seed, so that neighbours in time are no longer neighbours in space (also sec. 4.2): step t shows pixel
`permutation()[t]`.

`noisy-digits` makes the images hard in two ways in which images are hard: nothing stays where it was, and little of it
is seen. An image is one of the digits, moved by up to one pixel up or down and to either side, each of the nine places
equally likely; what leaves the image is lost, and what comes in is empty. Gaussian noise of standard deviation 0.8 is
added to each pixel, where the pixels of all digits have one of 1. Every example is another move and other noise, so
that nothing can be learned by heart. Labels are balanced. Its `oracle` is 1, though the noise now and then hides what
tells a digit from another. It has 10,000 training and 500 validation images, new for every seed, and 2,000 test images,
always the same, of the digits that the splits below have.

Splits: 397 test images, drawn once, class by class, and the same for every seed. Of the other 1,400 the seed
draws 200 for validation, class by class. One test image is 0.25 points of accuracy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._generated import TEST_SEED

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TEST_IMAGES = 397
VALIDATION_IMAGES = 200
TEST_SPLIT_SEED = 0
PIXELS = 64
SIDE = 8
CLASSES = 10
NOISY_SIZES = (10_000, 500, 2_000)
EMPTY = -4.88 / 6.02  # an empty pixel
NOISE = 0.8
PERMUTATION_SEED = 0


def load_images(options: None, seed: int) -> archbench.Splits:
    """Return images (N, 1, 8, 8), scaled to mean 0 and standard deviation 1 by constants of the whole set."""
    return _load((1, 8, 8), seed)


def load_sequences(options: None, seed: int) -> archbench.Splits:
    """Return sequences (N, 64, 1): the pixels of the images, row by row."""
    return _load((64, 1), seed)


def load_permuted(options: None, seed: int) -> archbench.Splits:
    """Return sequences (N, 64, 1): the pixels of the images, in the order of `permutation`."""
    return _load((64, 1), seed, order=permutation())


def load_noisy(options: None, seed: int) -> archbench.Splits:
    """Return images (N, 1, 8, 8) of moved digits in noise, on the same scale."""
    import numpy as np

    digits, draw = load_images(None, seed), np.random.default_rng(seed)
    train, validation, test = NOISY_SIZES
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


def permutation() -> Array:
    """Return the order (64,) of the pixels: the permutation of seed 0 of numpy's old generator, which never changes.

    It begins 45, 29, 43, 61, and a test keeps its hash.
    """
    import numpy as np

    order: Array = np.random.RandomState(PERMUTATION_SEED).permutation(PIXELS)
    return order


def _load(shape: tuple[int, ...], seed: int, *, order: Array | None = None) -> archbench.Splits:
    """Return the splits with inputs of this shape, their pixels in this order."""
    import numpy as np

    from archbench_tasks._scikit import IMAGES, LABELS, train_test_split

    # The constants are those of the 1,797 images, rounded; fixed, so that no split leaks into another through them.
    pixels = ((IMAGES - 4.88) / 6.02).astype(np.float32)  # (N, 64)
    inputs = (pixels if order is None else pixels[:, order].copy()).reshape(-1, *shape)
    labels = LABELS.astype(np.int64)

    def split(index: Array, size: int, state: int) -> list[Array]:
        both: list[Array] = train_test_split(index, test_size=size, random_state=state, stratify=labels[index])
        return both

    rest, test = split(np.arange(len(labels)), TEST_IMAGES, TEST_SPLIT_SEED)
    train, validation = split(rest, VALIDATION_IMAGES, seed)
    return archbench.Splits(*(archbench.Examples(inputs[index], labels[index]) for index in (train, validation, test)))


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the images, the same in noise, and the images pixel by pixel in two orders."""
    shared: dict[str, Any] = {
        "loss": "cross_entropy",
        "metric": "accuracy",
        "chance": 0.1,
        "oracle": 1.0,
        "margin": 0.02,  # eight of the 397 test images; one standard error of an accuracy of 0.9 is six
        "by_default": False,  # nearly all networks solve the images; the two orders of pixels tell much the same
        "libraries": ("archbench_tasks._scikit",),
    }
    noisy = {"margin": 0.05, "by_default": True}  # the networks of this suite lie between 0.3 and 0.9
    images = archbench.TaskInfo(kind="image", input_shape=(1, SIDE, SIDE), outputs=CLASSES)
    yield archbench.Task(
        name="noisy-digits",
        info=images,
        load=load_noisy,
        summary="Handwritten digits out of place and in noise, 8x8 grey pixels",
        source="UCI Optical Recognition of Handwritten Digits, 1998, as bundled with scikit-learn; made for this suite",
        **{**shared, **noisy},
    )
    yield archbench.Task(
        name="digits",
        info=images,
        load=load_images,
        summary="1,797 handwritten digits, 8x8 grey pixels",
        source="UCI Optical Recognition of Handwritten Digits, 1998, as bundled with scikit-learn",
        **shared,
    )
    for name, load, pixels in (
        ("sequential-digits", load_sequences, "one pixel at a time"),
        ("permuted-digits", load_permuted, "one pixel at a time in one fixed shuffled order"),
    ):
        yield archbench.Task(
            name=name,
            info=archbench.TaskInfo(kind="sequence", input_shape=(64, 1), outputs=10),
            load=load,
            effort=4.0,  # after 1,000 steps of the quick protocol five of ten networks were still learning
            summary=f"The same digits, {pixels}, 64 steps",
            source="after arXiv:1504.00941, sec. 4.2",
            **{**shared, "by_default": name == "permuted-digits"},
        )
