"""Your own images: `--task images:PATH`, a folder with a folder of images for each class.

```
flowers/daisy/1.jpg         flowers/train/daisy/1.jpg
flowers/tulip/2.png   or    flowers/validation/...      (may be left out)
                            flowers/test/tulip/2.png
```

Every image is turned upright (EXIF), scaled so that its shorter side has `size` pixels, and cut to a square about its
centre; transparency is dropped, and of 16 bits a pixel the upper 8 are kept. Pixels are scaled to mean 0 and standard
deviation 1 of each channel by all but the test split, so that the test images are the same for every seed. `_own_data`
says how splits are drawn. Files that are no images by their ending are left alone and counted; an image that cannot be
read is an error, or with `skip_bad` left out and counted.

The task is identified by the contents of the image files and the names of the classes: names of files do not matter.
Decoded images are kept as bytes in the data folder (`ARCHBENCH_DATA`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import archbench
from archbench_tasks._image_folders import ImageFile, content_of, list_images
from archbench_tasks._own_data import (
    PARTS,
    Pool,
    cached,
    check_parts,
    constant_accuracy,
    known_rows,
    split,
)

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SHOWN = 5
ON_DEMAND = 1 << 31
"""Bytes of floats, 2 GB; images of a split that are more stay bytes on the disk and are read batch by batch."""


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


@dataclass(frozen=True)
class Decoded:
    """What the cache has: pixels uint8 (N, C, size, size), their pool, and which files could not be read, by hash."""

    pixels: np.ndarray[Any, Any]
    pool: Pool
    classes: list[str]
    bad: dict[str, str]


def inspect(path: Path, options: ImageOptions) -> archbench.Found:
    """List, hash and decode everything once."""
    files, others = list_images(path)
    content = content_of(files)
    decoded = decode(files, content, options)
    unreadable = {str(file.path.relative_to(path)): decoded.bad[file.sha] for file in files if file.sha in decoded.bad}
    if unreadable and not options.skip_bad:
        name, reason = next(iter(unreadable.items()))
        more = f", nor {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
        raise archbench.DataError(
            f"the image {name} in {path} cannot be read ({reason}){more}; repair it, remove it, or set skip_bad=true"
        )
    if len(unreadable) == len(files):
        raise archbench.DataError(f"none of the {len(files)} images in {path} can be read; are they images?")
    if len(decoded.classes) < 2:
        raise archbench.DataError(
            f"{path} has images of one class only, {decoded.classes[0]!r}; put the images of each class into a "
            "folder of its own, two or more"
        )
    parts = check_parts(decoded.pool, decoded.classes, "images")
    labels = decoded.pool.labels
    channels = decoded.pixels.shape[1]
    return archbench.Found(
        content=content,
        info=archbench.TaskInfo(
            kind="image", input_shape=(channels, options.size, options.size), outputs=len(decoded.classes)
        ),
        loss="cross_entropy",
        metric="accuracy",
        chance=constant_accuracy(labels, parts),
        oracle=1.0,
        summary=f"Own images: {len(labels):,} of {len(decoded.classes)} classes, "
        f"{options.size}x{options.size} {'pixels in colour' if channels == 3 else 'grey pixels'}",
        fixed_splits="validation" in decoded.pool.published,
        facts={
            "classes": {name: int((labels == label).sum()) for label, name in enumerate(decoded.classes)},
            "splits": {name: len(index) for name, index in parts.items()},
            "equal images left out of training": len(labels) - sum(map(len, parts.values())),
            "unreadable images left out": len(unreadable),
            "other files left alone": others,
        },
        warnings=_warnings(unreadable),
    )


def _warnings(unreadable: dict[str, str]) -> tuple[str, ...]:
    if not unreadable:
        return ()
    names = list(unreadable)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (f"{len(names)} unreadable images are left out: {', '.join(names[:SHOWN])}{more}",)


def load(path: Path, options: ImageOptions, content: str, seed: int) -> archbench.Splits:
    """Images (N, C, size, size) float32 and labels (N,); many images are read on demand."""
    import numpy as np

    decoded = _decoded(_cache_name(content, options))
    if decoded is None:  # another machine than the one that inspected them, or the cache was emptied
        files, _ = list_images(path)
        if content_of(files) != content:
            raise archbench.DataError("the images were changed after the run began; start the run again")
        decoded = decode(files, content, options)
    parts = split(decoded.pool, seed)
    mean, spread = _moments(decoded.pixels[known_rows(parts)])

    def examples(index: np.ndarray[Any, Any]) -> archbench.Examples:
        pixels = ScaledPixels(decoded.pixels, index, mean=mean, spread=spread)
        inputs: Any = pixels if pixels.nbytes > ON_DEMAND else pixels[np.arange(len(index))]
        return archbench.Examples(inputs, decoded.pool.labels[index])

    return archbench.Splits(*(examples(parts[name]) for name in PARTS))


class ScaledPixels:
    """Some images of the cache, as floats from the moment they are asked for.

    Args:
        pixels: all images, bytes (N, C, size, size), on the disk.
        index: which of them, (M,).
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
        """Images (B, C, size, size), scaled."""
        floats: Array = self.pixels[self.index[chosen]].astype(self.dtype)
        floats -= self.mean
        floats /= self.spread
        return floats


def _moments(pixels: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Mean and standard deviation of each channel, (C, 1, 1); 1 for a channel that is constant."""
    import numpy as np

    # From the counts of the 256 values: exact, and without a copy of all pixels as floats.
    counts = np.stack([np.bincount(channel.ravel(), minlength=256) for channel in pixels.swapaxes(0, 1)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    values = np.arange(256)
    mean = (shares @ values)[:, None]
    spread = np.sqrt((shares * (values - mean) ** 2).sum(axis=1, keepdims=True))
    spread[spread == 0] = 1
    return mean[..., None].astype(np.float32), spread[..., None].astype(np.float32)


def decode(files: list[ImageFile], content: str, options: ImageOptions) -> Decoded:
    """The images as bytes: decoded the first time, read from the cache afterwards."""
    folder = cached(_cache_name(content, options), lambda scratch: _decode_into(scratch, files, content, options))
    decoded = _decoded(folder.name)
    assert decoded is not None
    return decoded


def _cache_name(content: str, options: ImageOptions) -> str:
    return f"images-{content}-{options.size}-{options.channels}"


def _decoded(name: str) -> Decoded | None:
    import numpy as np

    folder = archbench.data_folder() / "own" / name
    if not folder.exists():
        return None
    kept = json.loads((folder / "index.json").read_text())
    pool = Pool(np.array(kept["labels"], np.int64), kept["keys"], kept["published"], kept["content"])
    return Decoded(np.load(folder / "pixels.npy", mmap_mode="r"), pool, kept["classes"], kept["bad"])


def _decode_into(folder: Path, files: list[ImageFile], content: str, options: ImageOptions) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    channels = 3 if options.channels == "colour" else 1
    bad: dict[str, str] = {}
    good: list[ImageFile] = []
    keys: list[str] = []
    shape = (len(files), channels, options.size, options.size)
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, shape)
    with ThreadPoolExecutor() as threads:
        decoded = threads.map(lambda file: _decode_one(file.path, options), files)
        for file, result in zip(files, decoded, strict=True):
            if isinstance(result, str):
                bad[file.sha] = result
                continue
            pixels[len(good)] = result
            good.append(file)
            keys.append(hashlib.sha256(result.tobytes()).hexdigest()[:16])
    pixels.flush()
    if bad:
        kept = pixels[: len(good)].copy()
        np.save(folder / "pixels.npy", kept)
    classes = sorted({file.label for file in files})
    index = {
        "classes": classes,
        "labels": [classes.index(file.label) for file in good],
        "published": [file.part for file in good],
        "keys": keys,
        "bad": bad,
        "content": content,
    }
    (folder / "index.json").write_text(json.dumps(index))


def _decode_one(path: Path, options: ImageOptions) -> np.ndarray[Any, Any] | str:
    """Pixels (C, size, size), or why there are none."""
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            if opened.mode == "F" or (opened.mode == "I" and opened.format == "TIFF"):
                numbers = "floats" if opened.mode == "F" else "numbers of 32 bits"
                return f"its pixels are {numbers}, of which nobody says what is white; save it with 8 or 16 bits"
            image: Image.Image = ImageOps.exif_transpose(opened)
            if image.mode == "P" and "transparency" in image.info:  # else Pillow warns on the user's terminal
                image = image.convert("RGBA")
            if image.mode.startswith("I"):  # 16 bits a pixel, of which Pillow would clip all but the darkest
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            image = image.convert("RGB" if options.channels == "colour" else "L")
            array = np.asarray(ImageOps.fit(image, (options.size, options.size), Image.Resampling.BICUBIC))
    except Exception as error:  # decoders of broken files raise whatever comes
        return f"{type(error).__name__}: {error}".replace(str(path), path.name)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


@archbench.hookimpl
def archbench_readers() -> Iterable[archbench.Reader]:
    """`images:`."""
    yield archbench.Reader(
        scheme="images",
        inspect=inspect,
        load=load,
        options=ImageOptions,
        summary="A folder with a folder of images for each class, or train/ and test/ of such",
    )
