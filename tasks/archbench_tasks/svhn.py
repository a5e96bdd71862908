"""SVHN, cropped house numbers, 32x32 colour images.

Source: Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu and A. Y. Ng, "Reading Digits in Natural Images with
Unsupervised Feature Learning", NIPS workshop, 2011, sec. 2, the format with one digit in the middle of each image.
Ten digits, of very different frequency; the publisher writes 0 as 10.

Splits: the publisher's 26,032 test images. Of its 73,257 training images the seed draws a tenth for validation, class
by class. The 531,131 easier images that the publisher calls extra are not used; with them the published errors are
lower.
Chance is the share of ones among the test images, 5,099 of 26,032. Pixels from 0 to 1 are brought to mean 0 and
standard deviation 1, channel by channel, with the usual rounded constants of the training images, (0.4377, 0.4438,
0.4728) and (0.1980, 0.2010, 0.1970). No augmentation: a mirrored digit is no digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._downloaded import LIBRARIES, draw_validation, scale

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

VALIDATION_SHARE = 0.1
SIDE = 32
MEAN, DEVIATION = (0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)
# Sizes and sums: TensorFlow Datasets, url_checksums/svhn_cropped.txt.
FILES = tuple(
    archbench.RemoteFile(
        path=f"svhn/{name}", urls=(f"https://ufldl.stanford.edu/housenumbers/{name}",), size=size, sha256=checksum
    )
    for name, size, checksum in (
        ("train_32x32.mat", 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
        ("test_32x32.mat", 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
    )
)


def load(options: None, seed: int) -> archbench.Splits:
    """Return images (N, 3, 32, 32) and labels (N,)."""
    return draw_validation(
        read_mat("train_32x32.mat"),
        read_mat("test_32x32.mat"),
        partial(scale, mean=MEAN, deviation=DEVIATION),
        share=VALIDATION_SHARE,
        seed=seed,
    )


def read_mat(name: str) -> tuple[Array, Array]:
    """Return images, bytes (N, 3, 32, 32), and labels (N,) of one MATLAB file.

    Raises:
        DataError: the file is no MATLAB file with images and labels.
    """
    import numpy as np
    from scipy.io import loadmat

    path = archbench.data_folder() / "svhn" / name
    try:
        content = loadmat(path, variable_names=["X", "y"])
        pixels, labels = content["X"], content["y"]  # (32, 32, 3, N) and (N, 1)
        images = np.ascontiguousarray(pixels.transpose(3, 2, 0, 1)).reshape(len(labels), 3, SIDE, SIDE)
    except Exception as error:  # scipy raises errors of many kinds, some of them directly below Exception
        raise archbench.DataError(
            f"{path} is no MATLAB file of SVHN ({error}); see `benchmark data verify svhn`"
        ) from None
    return images, labels.ravel().astype(np.int64) % 10


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the cropped digits."""
    yield archbench.Task(
        name="svhn",
        info=archbench.TaskInfo(kind="image", input_shape=(3, SIDE, SIDE), outputs=10),
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=5_099 / 26_032,
        oracle=1.0,
        margin=0.005,  # 130 of the 26,032 test images
        by_default=False,
        files=FILES,
        summary="99,289 digits of house numbers, 32x32 colour pixels",
        source="Netzer et al., NIPS workshop, 2011",
        libraries=(*LIBRARIES, "scipy.io"),
    )
