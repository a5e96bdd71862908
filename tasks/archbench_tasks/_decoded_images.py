"""Decoded images: one array of bytes in the cache, and what decoding says of each file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._image_folders import ImageFile
from archbench_tasks._own_cache import cache_folder, fill_cache
from archbench_tasks._own_splits import Pool

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Array = np.ndarray[Any, Any]

REVISION = 1
"""Raised when the same files give other pixels; folders of an older revision are then not read any more."""


MOST_PIXELS = 80_000_000
"""Pixels of the largest image that is decoded, which then takes some hundred megabytes; Pillow warns of 89 millions."""
LARGE = 10_000_000
"""Images with more pixels are decoded one at a time, so that threads together take no gigabytes either."""
_ONE_LARGE = threading.Lock()


@dataclass(frozen=True)
class Decoded:
    """The images of a folder.

    Args:
        pixels: bytes (N, C, size, size), in a file on the disk.
        pool: the images as `_own_splits` needs them.
        classes: their names, sorted.
        bad: why a file could not be read, by the hash of its bytes.
    """

    pixels: Array
    pool: Pool
    classes: list[str]
    bad: dict[str, str]


def decode(files: list[ImageFile], content: str, *, size: int, channels: str) -> Decoded:
    """Return the images as bytes: decoded the first time, read from the cache afterwards.

    Args:
        files: to decode.
        content: the hash of all files.
        size: height and width in pixels.
        channels: `colour` or `grey`.
    """

    def write(folder: Path) -> None:
        _write_decoded(folder, files, content, size, channels)

    fill_cache(_cache_name(content, size, channels), write)
    decoded = read_decoded(content, size=size, channels=channels)
    assert decoded is not None
    return decoded


def read_decoded(content: str, *, size: int, channels: str) -> Decoded | None:
    """Return the images with this hash from the cache, or None if they are not there."""
    import numpy as np

    folder = cache_folder(_cache_name(content, size, channels))
    if not folder.exists():
        return None
    kept = json.loads((folder / "index.json").read_text())
    labels = np.array(kept["labels"], np.int64)
    pool = Pool(labels, kept["keys"], kept["published"], kept["content"], kept.get("groups"))
    return Decoded(np.load(folder / "pixels.npy", mmap_mode="r"), pool, kept["classes"], kept["bad"])


def _cache_name(content: str, size: int, channels: str) -> str:
    return f"images-{REVISION}-{content}-{size}-{channels}"


def _write_decoded(folder: Path, files: list[ImageFile], content: str, size: int, channels: str) -> None:
    good, keys, bad = _write_pixels(folder / "pixels.npy", files, size, channels)
    classes = sorted({file.label for file in files})
    index = {
        "classes": classes,
        "labels": [classes.index(file.label) for file in good],
        "published": [file.split for file in good],
        "keys": keys,
        "bad": bad,
        "content": content,
        "groups": [file.group for file in good] if any(file.group for file in files) else None,
    }
    (folder / "index.json").write_text(json.dumps(index))


def _write_pixels(
    path: Path, files: list[ImageFile], size: int, channels: str
) -> tuple[list[ImageFile], list[str], dict[str, str]]:
    """Write the pixels of all readable images; return these files, the hashes of their pixels, and `Decoded.bad`."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    good: list[ImageFile] = []
    keys: list[str] = []
    bad: dict[str, str] = {}
    shape = (len(files), 3 if channels == "colour" else 1, size, size)
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    with _no_warning_of_size(), ThreadPoolExecutor() as threads:
        decoded = threads.map(lambda file: _decode_file(file.path, size, channels), files)
        for file, result in zip(files, decoded, strict=True):
            if isinstance(result, str):
                bad[file.sha] = result
                continue
            pixels[len(good)] = result
            good.append(file)
            keys.append(hashlib.sha256(result.tobytes()).hexdigest()[:16])
    pixels.flush()
    if bad:  # the file has room for these too: write it again, shorter
        np.save(path, pixels[: len(good)].copy())
    return good, keys, bad


def decode_new(path: Path, *, size: int, channels: str) -> Array:
    """Return the pixels of an image that is no part of a task (C, size, size), decoded as those of a task are.

    Raises:
        DataError: it cannot be read.
    """
    with _no_warning_of_size():
        pixels = _decode_file(path, size, channels)
    if isinstance(pixels, str):
        raise archbench.DataError(f"the image {path} cannot be read ({pixels}); repair it, or leave it out")
    return pixels


def _decode_file(path: Path, size: int, channels: str) -> Array | str:
    """Return the pixels (C, size, size), or the reason why there are none."""
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            if opened.mode == "F" or (opened.mode == "I" and opened.format == "TIFF"):
                numbers = "floats" if opened.mode == "F" else "numbers of 32 bits"
                return f"its pixels are {numbers}, of which nobody says what is white; save it with 8 or 16 bits"
            check_pixels(opened)
            with _ONE_LARGE if math.prod(opened.size) > LARGE else contextlib.nullcontext():
                image = _eight_bits(ImageOps.exif_transpose(opened)).convert("RGB" if channels == "colour" else "L")
                array = np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC))
    except Exception as error:  # decoders of broken files raise errors of any type
        return f"{type(error).__name__}: {error}".replace(str(path), path.name)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def check_pixels(image: Image.Image) -> None:
    """Raise if an image, of which only the header was read, has so many pixels that decoding it may take gigabytes.

    Raises:
        ValueError: it has.
    """
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels are more than {MOST_PIXELS:,}; save it smaller")


@contextlib.contextmanager
def _no_warning_of_size() -> Iterator[None]:
    """Let Pillow open large images in silence, also in threads started meanwhile; `check_pixels` refuses them."""
    from PIL import Image

    with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
        yield


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image with at most 8 bits a channel, in a mode that Pillow converts without a warning."""
    import numpy as np
    from PIL import Image

    if image.mode == "P" and "transparency" in image.info:  # else Pillow warns on the user's terminal
        return image.convert("RGBA")
    if image.mode.startswith("I"):  # 16 bits a pixel, of which Pillow would clip all but the darkest
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image
