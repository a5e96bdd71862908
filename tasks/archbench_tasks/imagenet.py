"""ImageNet 2012, photographs of 1,000 kinds of things, from your own copy.

Source: O. Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", arXiv:1409.0575. 1,281,167 training
images and 50,000 that the publisher calls validation. The data may not be passed on: ask for it at image-net.org,
unpack it, and put or link the folders `train` and `val`, each with a folder for every class, below `imagenet` in the
data folder.

Splits: the labels of the publisher's test set were never published, so the test split here is its validation set, as in
every paper. Of the training images the seed draws about 10,000 for validation, class by class. Classes are numbered in
the order of their folders' names. Images are brought to a shorter side of `size` * 256 / 224 pixels, and the middle
`size` x `size` are cut out (Krizhevsky et al., NIPS 2012, sec. 2 and 4.1, with 256 and 224), in training as in
evaluation: a deviation from the papers, which cut training images at random from larger ones. Pixels from 0 to 1 are
brought to mean 0 and standard deviation 1 with the constants that torchvision's models use, (0.485, 0.456, 0.406) and
(0.229, 0.224, 0.225).

Augmentation, where the protocol asks for it: a mirror image every other time.

Images are read and decoded by worker processes while the network trains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._decoded_images import check_pixels
from archbench_tasks._downloaded import scale

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    Array = np.ndarray[Any, Any]

CLASSES = 1_000
VALIDATION_SHARE = 1 / 128
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ADVICE = "put or link the folders of this name there that image-net.org gives you, in each a folder for every class"


@dataclass(frozen=True)
class ImagenetOptions:
    """Settings of the images."""

    size: Annotated[int, archbench.Meta(ge=16, description="height and width in pixels")] = 224  # that of the papers


def info(options: ImagenetOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: colour images, 1,000 classes."""
    return archbench.TaskInfo(kind="image", input_shape=(3, options.size, options.size), outputs=CLASSES)


class Pictures:
    """Images that are decoded on demand: an `archbench.ArrayLike`.

    Args:
        paths: the files.
        size: height and width.

    Attributes:
        shape, dtype: those of the array (N, 3, size, size) that this stands for.
    """

    def __init__(self, paths: Array, size: int) -> None:
        import numpy as np

        self.paths, self.size = paths, size
        self.shape = (len(paths), 3, size, size)
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Array) -> Array:
        """Return images (B, 3, size, size), scaled.

        Raises:
            DataError: one cannot be read; the message says which.
        """
        import numpy as np

        images = np.stack([decode(path, self.size) for path in self.paths[index]])  # (B, size, size, 3)
        return scale(images.transpose(0, 3, 1, 2), MEAN, DEVIATION)


def decode(path: str, size: int) -> Array:
    """Return the middle of one image, bytes (size, size, 3)."""
    import numpy as np
    from PIL import Image

    shorter = round(size * 256 / 224)
    try:
        with Image.open(path) as image:
            check_pixels(image)
            image.draft("RGB", (shorter, shorter))  # a JPEG file can be decoded at a half or a quarter of its size
            factor = shorter / min(image.size)
            width, height = (max(size, round(side * factor)) for side in image.size)
            left, top = (width - size) // 2, (height - size) // 2
            scaled = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
            return np.asarray(scaled.crop((left, top, left + size, top + size)))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise archbench.DataError(f"{path} is no image that can be read ({error}); put a sound copy there") from None


def load(options: ImagenetOptions, seed: int) -> archbench.Splits:
    """Return pictures (N, 3, size, size) that are read on demand, and labels (N,)."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    folder = archbench.data_folder() / "imagenet"
    paths, labels, names = list_images(folder / "train")
    test_paths, test_labels, test_names = list_images(folder / "val")
    if test_names != names:
        odd = sorted(set(names) ^ set(test_names))
        raise archbench.DataError(f"{folder}: train and val must have the same classes; only in one: {odd[:3]}")
    size = max(len(names), round(VALIDATION_SHARE * len(labels)))
    train, validation = train_test_split(np.arange(len(labels)), test_size=size, random_state=seed, stratify=labels)
    return archbench.Splits(
        archbench.Examples(Pictures(paths[train], options.size), labels[train]),
        archbench.Examples(Pictures(paths[validation], options.size), labels[validation]),
        archbench.Examples(Pictures(test_paths, options.size), test_labels),
    )


def list_images(folder: Path) -> tuple[Array, Array, list[str]]:
    """Return the files of every class in the order of their names, their labels, and the names of the classes.

    Raises:
        DataError: there are not 1,000 classes, or one has no images.
    """
    import os

    import numpy as np

    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
    if len(names) != CLASSES:
        raise archbench.DataError(f"{folder} has {len(names):,} folders, one for each of {CLASSES:,} classes is needed")
    files = [sorted(entry.path for entry in os.scandir(folder / name) if entry.name[0] != ".") for name in names]
    empty = [name for name, inside in zip(names, files, strict=True) if not inside]
    if empty:
        raise archbench.DataError(f"{folder / empty[0]} has no images; {len(empty)} of the classes are empty")
    labels = np.repeat(np.arange(CLASSES), [len(inside) for inside in files])
    return np.array([path for inside in files for path in inside]), labels, names


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the photographs, at any size."""
    yield archbench.Task(
        name="imagenet",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=1 / CLASSES,
        oracle=1.0,
        margin=0.005,  # 250 of the 50,000 test images, about what separates neighbours in published tables
        by_default=False,
        options=ImagenetOptions,
        variants={"imagenet-64": {"size": 64}},
        files=(
            archbench.LocalFolder(path="imagenet/train", advice=ADVICE),
            archbench.LocalFolder(path="imagenet/val", advice=ADVICE),
        ),
        augment="archbench_tasks._augmentation:flip",
        summary="1.3 million photographs of 1,000 kinds of things, from your own copy",
        source="arXiv:1409.0575",
        libraries=("numpy", "sklearn.model_selection", "PIL.Image"),
    )
