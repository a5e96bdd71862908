"""Groups of images by the names of their files, and images that lie under two classes.

A pattern is the name of a file with `{group}` in the place of the group, `*` for any text and `?` for any one sign.
`{group}` takes as little as fits: of `p1_3.png` and `{group}_*` the group is `p1`, and so it is of `p1_3_b.png`. A
pattern with a slash is compared with the path below the folder of the class: `{group}/*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import archbench

if TYPE_CHECKING:
    from archbench_tasks._decoded_images import Decoded
    from archbench_tasks._image_folders import ImageFile

SHOWN = 3  # pairs that a warning names


def group_finder(pattern: str) -> Callable[[Path], str]:
    """Return a function from the path of an image below the folder of its class to its group.

    Raises:
        DataError: the pattern does not have `{group}` once; the function raises it where the pattern does not fit.
    """
    if pattern.count("{group}") != 1:
        raise archbench.DataError(
            f"group={pattern} needs {{group}} once, in the place of the group in the names of files: group={{group}}_*"
        )
    signs = {"*": "[^/]*", "?": "[^/]"}
    before, after = ("".join(signs.get(sign, re.escape(sign)) for sign in part) for part in pattern.split("{group}"))
    compiled = re.compile(f"{before}([^/]+?){after}")

    def find(path: Path) -> str:
        name = path.as_posix() if "/" in pattern else path.name
        match = compiled.fullmatch(name)
        if match is None:
            raise archbench.DataError(f"group={pattern} does not fit the image {name}; give a pattern that fits all")
        return match[1]

    return find


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
