"""CIFAR-10 and CIFAR-100, 32x32 colour photographs, and CIFAR-10 pixel by pixel.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, Toronto, 2009, ch. 3;
10 classes with 6,000 images each, or 100 (the fine labels) with 600 each.

`sequential-cifar-10` gives the pixels of an image in reading order, 1,024 steps of three colours, the label asked for
after the last one (the colour form of sequential CIFAR, as in Gu et al., arXiv:2111.00396). `permuted-cifar-10` gives
them in one fixed order that has nothing to do with the picture: step t shows pixel `permutation()[t]`. It is drawn as
the published order of permuted MNIST was (see `mnist`); none is published for CIFAR.

Splits: the publisher's 10,000 test images. Of its 50,000 training images the seed draws 5,000 for validation, class by
class; 45,000 and 5,000 are the sizes of He et al., arXiv:1512.03385, sec. 4.2, who then trained on all 50,000 for some
of their tables. Pixels from 0 to 1 are brought to mean 0 and standard deviation 1, channel by channel, with the usual
rounded constants of the training images: CIFAR-10 (0.4914, 0.4822, 0.4465) and (0.2470, 0.2435, 0.2616), CIFAR-100
(0.5071, 0.4865, 0.4409) and (0.2673, 0.2564, 0.2762). He et al. subtracted a mean image instead.

Augmentation, where the protocol asks for it: four pixels of padding, a random crop, a mirror image every other time
(He et al., sec. 4.2). Sequences are not augmented.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._downloaded import LIBRARIES, draw_validation, scale

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    Array = np.ndarray[Any, Any]

VALIDATION_SHARE = 0.1
SIDE = 32
PIXELS = SIDE * SIDE
PERMUTATION_SEED = 92916
SCALES = {
    "cifar-10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar-100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}
TRAIN = {
    "cifar-10": [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
    "cifar-100": ["cifar-100-python/train"],
}
TEST = {"cifar-10": ["cifar-10-batches-py/test_batch"], "cifar-100": ["cifar-100-python/test"]}
LABELS = {"cifar-10": b"labels", "cifar-100": b"fine_labels"}
# Sums: Keras, keras/src/datasets/cifar10.py and cifar100.py. Sizes: those of the publisher's files.
FILES = {
    name: archbench.RemoteFile(
        path=f"{name}/{name}-python.tar.gz",
        urls=(f"https://www.cs.toronto.edu/~kriz/{name}-python.tar.gz",),
        size=size,
        sha256=checksum,
        unpack=f"{name}/unpacked",
    )
    for name, size, checksum in (
        ("cifar-10", 170_498_071, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),
        ("cifar-100", 169_001_437, "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"),
    )
}
# All names in a pickled array of numpy; `_ArraysOnly` translates the old spelling of the first.
HARMLESS = {("numpy._core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}


def load_images(options: None, seed: int, *, name: str) -> archbench.Splits:
    """Return images (N, 3, 32, 32) of `cifar-10` or `cifar-100`, and labels (N,)."""
    mean, deviation = SCALES[name]
    return _load(name, partial(scale, mean=mean, deviation=deviation), seed)


def load_sequences(options: None, seed: int, *, permuted: bool) -> archbench.Splits:
    """Return sequences (N, 1024, 3): the pixels of CIFAR-10, row by row or in the order of `permutation`."""
    import numpy as np

    order = permutation() if permuted else np.arange(PIXELS)

    def finish(pixels: Array) -> Array:
        steps = scale(pixels, *SCALES["cifar-10"]).reshape(-1, 3, PIXELS).swapaxes(1, 2)  # (N, 1024, 3)
        return np.ascontiguousarray(steps[:, order])

    return _load("cifar-10", finish, seed)


def permutation() -> Array:
    """Return the order (1024,) of the pixels; a test keeps its hash."""
    import numpy as np

    order: Array = np.random.RandomState(PERMUTATION_SEED).permutation(PIXELS)
    return order


def _load(name: str, finish: Callable[[Array], Array], seed: int) -> archbench.Splits:
    train, test = _read(name, TRAIN[name]), _read(name, TEST[name])
    return draw_validation(train, test, finish, share=VALIDATION_SHARE, seed=seed)


def _read(name: str, files: list[str]) -> tuple[Array, Array]:
    """Return pixels (N, 3, 32, 32) and labels (N,) of several batches, one after the other."""
    import numpy as np

    folder = archbench.data_folder() / FILES[name].unpack
    batches = [read_batch(folder / file, LABELS[name]) for file in files]
    return np.concatenate([pixels for pixels, _ in batches]), np.concatenate([labels for _, labels in batches])


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that refuses everything but arrays of numpy."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle names, if it is harmless."""
        module = module.replace("numpy.core.", "numpy._core.")
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def read_batch(path: Path, key: bytes) -> tuple[Array, Array]:
    """Return pixels (N, 3, 32, 32) and labels (N,) of one pickled batch.

    Unpickling can run any code. The archive's checksum was compared before it was unpacked; even so, only arrays of
    numpy are unpickled here.

    Raises:
        DataError: something else is in it.
    """
    import numpy as np

    try:
        with open(path, "rb") as file:
            batch = _ArraysOnly(file, encoding="bytes").load()
        pixels = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, SIDE, SIDE)
        labels = np.asarray(batch[key], np.int64)
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise archbench.DataError(
            f"{path} is no batch of CIFAR images ({error}); see `benchmark data verify`"
        ) from None
    return pixels, labels


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the images of both sets, and those of CIFAR-10 pixel by pixel in two orders."""
    shared: dict[str, Any] = {
        "loss": "cross_entropy",
        "metric": "accuracy",
        "oracle": 1.0,
        "margin": 0.005,  # 50 of the 10,000 test images; papers claim less, over one seed
        "by_default": False,
        "libraries": LIBRARIES,
    }
    for name, classes in (("cifar-10", 10), ("cifar-100", 100)):
        yield archbench.Task(
            name=name,
            info=archbench.TaskInfo(kind="image", input_shape=(3, SIDE, SIDE), outputs=classes),
            load=partial(load_images, name=name),
            augment="archbench_tasks._augmentation:crop_and_flip",
            chance=1 / classes,
            files=(FILES[name],),
            summary=f"60,000 photographs of {classes} kinds of things, 32x32 colour pixels",
            source="Krizhevsky, technical report, Toronto, 2009",
            **shared,
        )
    for name, order in (
        ("sequential-cifar-10", "in reading order"),
        ("permuted-cifar-10", "in one fixed shuffled order"),
    ):
        yield archbench.Task(
            name=name,
            info=archbench.TaskInfo(kind="sequence", input_shape=(PIXELS, 3), outputs=10),
            load=partial(load_sequences, permuted=name == "permuted-cifar-10"),
            chance=0.1,
            files=(FILES["cifar-10"],),
            summary=f"The photographs of CIFAR-10, one pixel at a time {order}, 1,024 steps",
            source="as in arXiv:2111.00396",
            **shared,
        )
