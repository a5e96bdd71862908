"""Images that are equal and lie under two classes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archbench_tasks._decoded_images import Decoded
    from archbench_tasks._image_folders import ImageFile

SHOWN = 3  # pairs that a warning names


def warn_of_contradictions(path: Path, files: Iterable[ImageFile], decoded: Decoded) -> list[str]:
    """Return a warning of images that are equal and lie under different classes, with the first pairs.

    Args:
        path: of the folder, below which files are named.
        files: all images.
        decoded: the images, without those that cannot be read.
    """
    first: dict[str, ImageFile] = {}
    pairs: dict[str, str] = {}
    readable = (file for file in files if file.sha not in decoded.bad)
    for file, key in zip(readable, decoded.pool.keys, strict=True):
        known = first.setdefault(key, file)
        if known.label != file.label:
            pairs.setdefault(key, f"{known.path.relative_to(path)} and {file.path.relative_to(path)}")
    if not pairs:
        return []
    shown = "; ".join([*pairs.values()][:SHOWN]) + (f"; and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else "")
    size = f"{decoded.pixels.shape[2]}x{decoded.pixels.shape[3]} pixels"
    return [f"{len(pairs)} images lie under two classes, equal at {size}: {shown}. Remove what is wrong"]
