"""Your own images: `--task images:PATH`, a folder with a folder of images for each class.

```
flowers/daisy/1.jpg         flowers/train/daisy/1.jpg
flowers/tulip/2.png   or    flowers/validation/...      (may be left out)
                            flowers/test/tulip/2.png
```

Every image is turned upright (EXIF), scaled so that its shorter side has `size` pixels, and cut to a square about its
centre; transparency is dropped, and of 16 bits a pixel the upper 8 are kept. Pixels are scaled to mean 0 and standard
deviation 1 of each channel by all but the test split, so that the test images are the same for every seed.
`_own_splits` says how splits are drawn. Files without the ending of an image are left alone and counted. An image that
cannot be read is an error; with `skip_bad` it is left out and counted.

Images that are equal once they are decoded lie in one split; where they have different classes, a warning says so.
With `group` all images of one group lie in one split, such as all of one patient; `_image_groups` says how a group is
read from the name of a file.

The contents of the image files and the names of the classes identify the task; names of files do not matter beyond the
groups. Decoded images are kept as bytes in the data folder (`ARCHBENCH_DATA`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import archbench
from archbench_tasks._decoded_images import REVISION, Decoded, decode, decode_new, read_decoded
from archbench_tasks._image_contradictions import warn_of_contradictions
from archbench_tasks._image_folders import ImageFile, content_of, find_images, list_images
from archbench_tasks._own_splits import SPLITS, check_classes, constant_accuracy, known_rows, own_margin, split_rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Rows = dict[str, Array]

SHOWN = 5  # unreadable images that a warning names
ON_DEMAND = 1 << 31
"""Bytes of floats, 2 GB; a split with more stays on the disk as bytes, and batches are read from there."""


@dataclass(frozen=True)
class ImageOptions:
    """How files become inputs."""

    size: Annotated[int, archbench.Meta(ge=4, le=1024, description="pixels of a side")] = (
        32  # all built-in image networks take it, in seconds to minutes on a CPU
    )
    channels: Annotated[Literal["colour", "grey"], archbench.Meta(description="three channels or one")] = (
        "colour"  # loses nothing
    )
    skip_bad: Annotated[bool, archbench.Meta(description="leave out images that cannot be read, with a warning")] = (
        False  # a broken file should be known about
    )
    group: Annotated[
        str | None, archbench.Meta(description="pattern of file names, as {group}_*: equal groups stay in one split")
    ] = None  # images are independent


def inspect(path: Path, options: ImageOptions) -> archbench.Found:
    """Return the task that a folder makes, after listing, hashing and decoding every image.

    Raises:
        DataError: the folder is not laid out as described, or its images cannot be used.
    """
    files, others = list_images(path, options.group)
    content = content_of(files)
    decoded = decode(files, content, size=options.size, channels=options.channels)
    unreadable = {str(file.path.relative_to(path)): decoded.bad[file.sha] for file in files if file.sha in decoded.bad}
    _check_readable(path, files, unreadable, options)
    _check_two_classes(path, decoded)
    rows = check_classes(decoded.pool, decoded.classes, "images")
    chance = constant_accuracy(decoded.pool, rows)
    return archbench.Found(
        content=content,
        info=archbench.TaskInfo(kind="image", input_shape=decoded.pixels.shape[1:], outputs=len(decoded.classes)),
        loss="cross_entropy",
        metric="accuracy",
        chance=chance,
        oracle=1.0,
        margin=own_margin(chance, 1.0),
        summary=_summary(decoded),
        fixed_splits="validation" in decoded.pool.assigned,
        facts=_facts(decoded, rows, len(unreadable), others),
        warnings=(
            *_warn_of_unreadable(list(unreadable)),
            *_warn_of_left_out(decoded, rows),
            *warn_of_contradictions(path, files, decoded),
        ),
    )


def _check_readable(path: Path, files: list[ImageFile], unreadable: dict[str, str], options: ImageOptions) -> None:
    if unreadable and not options.skip_bad:
        name, reason = next(iter(unreadable.items()))
        more = f", nor {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
        raise archbench.DataError(
            f"the image {name} in {path} cannot be read ({reason}){more}; repair it, remove it, or set skip_bad=true"
        )
    if len(unreadable) == len(files):
        raise archbench.DataError(f"none of the {len(files)} images in {path} can be read; are they images?")


def _check_two_classes(path: Path, decoded: Decoded) -> None:
    if len(decoded.classes) < 2:
        raise archbench.DataError(
            f"{path} has images of one class only, {decoded.classes[0]!r}; put the images of each class into a "
            "folder of its own, two or more"
        )


def _summary(decoded: Decoded) -> str:
    count, channels, height, width = decoded.pixels.shape
    pixels = "pixels in colour" if channels == 3 else "grey pixels"
    return f"Own images: {count:,} of {len(decoded.classes)} classes, {width}x{height} {pixels}"


def _facts(decoded: Decoded, rows: Rows, unreadable: int, others: int) -> dict[str, Any]:
    labels, groups = decoded.pool.labels, decoded.pool.groups
    return {
        "classes": {name: int((labels == label).sum()) for label, name in enumerate(decoded.classes)},
        "splits": {name: len(index) for name, index in rows.items()},
        **({} if groups is None else {"groups": {name: len({groups[row] for row in rows[name]}) for name in SPLITS}}),
        "equal images left out of training": _left_out(decoded, rows),
        "unreadable images left out": unreadable,
        "other files left alone": others,
    }


def _left_out(decoded: Decoded, rows: Rows) -> int:
    return len(decoded.pool.labels) - sum(map(len, rows.values()))


def _warn_of_left_out(decoded: Decoded, rows: Rows) -> list[str]:
    count = _left_out(decoded, rows)
    if not count or decoded.pool.groups is None:
        return []
    return [f"{count} images are left out, because their group, or an image equal to them, is in a later split"]


def _warn_of_unreadable(unreadable: list[str]) -> tuple[str, ...]:
    if not unreadable:
        return ()
    more = f" and {len(unreadable) - SHOWN} more" if len(unreadable) > SHOWN else ""
    return (f"{len(unreadable)} unreadable images are left out: {', '.join(unreadable[:SHOWN])}{more}",)


def load(path: Path, options: ImageOptions, content: str, seed: int) -> archbench.Splits:
    """Return images (N, C, size, size) float32 and labels (N,); many images are read on demand.

    Raises:
        DataError: the images are not those that were inspected.
    """
    import numpy as np

    decoded = _decoded(path, options, content)
    rows = split_rows(decoded.pool, seed)
    mean, spread = _moments(decoded.pixels[known_rows(decoded.pool)])

    def examples(index: Array) -> archbench.Examples:
        pixels = ScaledPixels(decoded.pixels, index, mean=mean, spread=spread)
        in_memory = pixels.nbytes <= ON_DEMAND
        return archbench.Examples(pixels[np.arange(len(index))] if in_memory else pixels, decoded.pool.labels[index])

    return archbench.Splits(*(examples(rows[name]) for name in SPLITS))


def fit(path: Path, options: ImageOptions, content: str) -> archbench.Fitted:
    """Return the classes, and mean and standard deviation of the pixels of each channel.

    Raises:
        DataError: the images are not those that were inspected.
    """
    decoded = _decoded(path, options, content)
    moments = _moments(decoded.pixels[known_rows(decoded.pool)])
    mean, spread = (values.ravel().tolist() for values in moments)
    return archbench.Fitted(outputs=tuple(decoded.classes), values={"mean": mean, "spread": spread})


def prepare(files: Sequence[Path], options: ImageOptions, fitted: archbench.Fitted) -> archbench.Prepared:
    """Return new images, decoded and scaled as those of the task were.

    Args:
        files: images, and folders with images in them.
        options: of the task.
        fitted: what `fit` returned.

    Raises:
        DataError: a file is no image that can be read, or a folder has none.
    """
    import numpy as np

    paths = find_images(files)
    pixels = np.stack([decode_new(path, size=options.size, channels=options.channels) for path in paths])
    mean, spread = (np.array(fitted.values[name], np.float32)[:, None, None] for name in ("mean", "spread"))
    scaled = ScaledPixels(pixels, np.arange(len(paths)), mean=mean, spread=spread)
    return archbench.Prepared(inputs=scaled[np.arange(len(paths))], rows={"file": [*map(str, paths)]})


def _decoded(path: Path, options: ImageOptions, content: str) -> Decoded:
    """Return the images that were inspected: from the cache, or decoded again on another machine."""
    decoded = read_decoded(content, size=options.size, channels=options.channels)
    if decoded is not None:
        return decoded
    files, _ = list_images(path, options.group)
    if content_of(files) != content:
        raise archbench.DataError("the images were changed after the run began; start the run again")
    return decode(files, content, size=options.size, channels=options.channels)


class ScaledPixels:
    """Some images of the cache, read and scaled to floats on demand: an `archbench.ArrayLike`.

    Args:
        pixels: all images, bytes (N, C, size, size), on the disk.
        index: rows of the images to choose, (M,).
        mean, spread: of each channel, (C, 1, 1).

    Attributes:
        shape, dtype, nbytes: those of the array (M, C, size, size) that this stands for.
    """

    def __init__(self, pixels: Array, index: Array, *, mean: Array, spread: Array) -> None:
        import numpy as np

        self.pixels, self.index, self.mean, self.spread = pixels, index, mean, spread
        self.shape = (len(index), *pixels.shape[1:])
        self.dtype = np.dtype(np.float32)
        self.nbytes = math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, chosen: Array) -> Array:
        """Return images (B, C, size, size), scaled."""
        floats: Array = self.pixels[self.index[chosen]].astype(self.dtype)
        floats -= self.mean
        floats /= self.spread
        return floats


def _moments(pixels: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of each channel, (C, 1, 1); 1 for a channel that is constant."""
    import numpy as np

    # From the counts of the 256 values: exact, and without a copy of all pixels as floats.
    counts = np.stack([np.bincount(channel.ravel(), minlength=256) for channel in pixels.swapaxes(0, 1)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    values = np.arange(256)
    mean = (shares @ values)[:, None]
    spread = np.sqrt((shares * (values - mean) ** 2).sum(axis=1, keepdims=True))
    spread[spread == 0] = 1
    return mean[..., None].astype(np.float32), spread[..., None].astype(np.float32)


@archbench.hookimpl
def archbench_readers() -> Iterable[archbench.Reader]:
    """Declare the reader of `images:`."""
    yield archbench.Reader(
        scheme="images",
        inspect=inspect,
        load=load,
        fit=fit,
        prepare=prepare,
        sample="archbench_tasks._samples:images",
        options=ImageOptions,
        summary="A folder with a folder of images for each class, or train/ and test/ of such",
        revision=REVISION,
    )
