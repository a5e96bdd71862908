"""MNIST and Fashion-MNIST, 28x28 grey images, and MNIST pixel by pixel.

Sources: `mnist`: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
recognition", Proc. IEEE 86(11), 1998, sec. III-A; ten digits. `fashion-mnist`: H. Xiao, K. Rasul and R. Vollgraf,
arXiv:1708.07747; ten kinds of clothing, 7,000 images of each.

`sequential-mnist` gives the digits one pixel at a time in reading order, 784 steps, the label asked for after the last
one (Le et al., arXiv:1504.00941, sec. 4.2). `permuted-mnist` gives the pixels in one fixed order, the same for every
image and seed. Le et al. did not publish theirs; this is `numpy.random.RandomState(92916).permutation(784)`, the order
of the code of scoRNN (Helfrich et al., arXiv:1707.09520) and expRNN (Lezcano-Casado and Martinez-Rubio,
arXiv:1901.08428): step t shows pixel `permutation()[t]`.

Splits: the publisher's 10,000 test images. Of its 60,000 training images the seed draws 5,000 for validation, class by
class. Chance on `mnist` is the share of ones among the test images, 1,135 of 10,000. Pixels from 0 to 1 are brought to
mean 0 and standard deviation 1 with constants of the training images: 0.1307 and 0.3081 for MNIST, as in PyTorch's own
example, 0.2860 and 0.3530 for Fashion-MNIST. No augmentation: the papers of the networks here used none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._downloaded import LIBRARIES, draw_validation, scale

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

VALIDATION_SHARE = 1 / 12
SIDE = 28
PIXELS = SIDE * SIDE
PERMUTATION_SEED = 92916
SCALES = {"mnist": ((0.1307,), (0.3081,)), "fashion-mnist": ((0.2860,), (0.3530,))}
MIRRORS = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    "fashion-mnist": (
        # Zalando names the same bucket under an address that has no https.
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
}
# Sizes and sums: TensorFlow Datasets, url_checksums/mnist.txt and fashion_mnist.txt.
FILES = {
    "mnist": {
        "train-images-idx3-ubyte.gz": (
            9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte.gz": (
            28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": (
            1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": (
            4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": (
            26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        "train-labels-idx1-ubyte.gz": (
            29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "t10k-images-idx3-ubyte.gz": (
            4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "t10k-labels-idx1-ubyte.gz": (
            5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    },
}  # fmt: skip


def load_images(options: None, seed: int, *, name: str) -> archbench.Splits:
    """Return images (N, 1, 28, 28) of `mnist` or `fashion-mnist`, and labels (N,)."""
    return _load(name, (1, SIDE, SIDE), seed)


def load_sequences(options: None, seed: int) -> archbench.Splits:
    """Return sequences (N, 784, 1): the pixels of MNIST, row by row."""
    return _load("mnist", (PIXELS, 1), seed)


def load_permuted(options: None, seed: int) -> archbench.Splits:
    """Return sequences (N, 784, 1): the pixels of MNIST, in the order of `permutation`."""
    return _load("mnist", (PIXELS, 1), seed, order=permutation())


def permutation() -> Array:
    """Return the order (784,) of the pixels; it begins 319, 576, and a test keeps its hash."""
    import numpy as np

    order: Array = np.random.RandomState(PERMUTATION_SEED).permutation(PIXELS)
    return order


def _load(name: str, shape: tuple[int, ...], seed: int, *, order: Array | None = None) -> archbench.Splits:
    """Return the splits with inputs of this shape, their pixels in this order."""
    import numpy as np

    def read(which: str) -> tuple[Array, Array]:
        pixels = read_idx(name, f"{which}-images-idx3-ubyte.gz", 3).reshape(-1, 1, PIXELS)
        labels = read_idx(name, f"{which}-labels-idx1-ubyte.gz", 1).astype(np.int64)
        return pixels if order is None else pixels[:, :, order], labels

    def finish(pixels: Array) -> Array:
        return scale(pixels, *SCALES[name]).reshape(-1, *shape)

    return draw_validation(read("train"), read("t10k"), finish, share=VALIDATION_SHARE, seed=seed)


def read_idx(name: str, file: str, axes: int) -> Array:
    """Return the array of bytes in a compressed idx file: a magic number, the sizes of the axes, the values.

    Raises:
        DataError: the file is no idx file of bytes with so many axes.
    """
    import gzip

    import numpy as np

    path = archbench.data_folder() / name / file
    with gzip.open(path) as stream:
        data = stream.read()
    head = 4 + 4 * axes
    sizes = np.frombuffer(data[4:head], ">u4").tolist()
    # 8 stands for unsigned bytes, the only type that is used here.
    if data[:4] != bytes([0, 0, 8, axes]) or len(data) != head + math.prod(sizes):
        raise archbench.DataError(
            f"{path} is no idx file of bytes with {axes} axes; see `benchmark data verify {name}`"
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(sizes)


def _files(name: str) -> tuple[archbench.RemoteFile, ...]:
    return tuple(
        archbench.RemoteFile(
            path=f"{name}/{file}", urls=tuple(mirror + file for mirror in MIRRORS[name]), size=size, sha256=checksum
        )
        for file, (size, checksum) in FILES[name].items()
    )


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the images of both sets, and the digits pixel by pixel in two orders."""
    shared: dict[str, Any] = {
        "loss": "cross_entropy",
        "metric": "accuracy",
        "oracle": 1.0,
        "margin": 0.002,  # 20 of the 10,000 test images; good networks lie within a hundredth
        "by_default": False,
        "libraries": LIBRARIES,
    }
    images = archbench.TaskInfo(kind="image", input_shape=(1, SIDE, SIDE), outputs=10)
    sequences = archbench.TaskInfo(kind="sequence", input_shape=(PIXELS, 1), outputs=10)
    for name, chance, things, source in (
        ("mnist", 0.1135, "handwritten digits", "LeCun et al., Proc. IEEE 86(11), 1998"),
        ("fashion-mnist", 0.1, "pictures of clothing", "arXiv:1708.07747"),
    ):
        yield archbench.Task(
            name=name,
            info=images,
            load=partial(load_images, name=name),
            chance=chance,
            files=_files(name),
            summary=f"70,000 {things}, 28x28 grey pixels",
            source=source,
            **shared,
        )
    for name, load, order in (
        ("sequential-mnist", load_sequences, "in reading order"),
        ("permuted-mnist", load_permuted, "in one fixed shuffled order"),
    ):
        yield archbench.Task(
            name=name,
            info=sequences,
            load=load,
            chance=0.1135,
            files=_files("mnist"),
            summary=f"The digits of MNIST, one pixel at a time {order}, 784 steps",
            source="after arXiv:1504.00941, sec. 4.2",
            **shared,
        )
