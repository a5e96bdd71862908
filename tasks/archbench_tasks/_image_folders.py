"""Folders of images: the class and the split of each file, in an order that content alone decides."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import archbench
from archbench_tasks._image_groups import group_finder
from archbench_tasks._own_cache import hash_texts

ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
"""The split that a folder holds, by the name of the folder in lower case."""


@dataclass(frozen=True)
class ImageFile:
    """An image.

    Args:
        path: of the file.
        label: its class.
        split: where the folders name one; else empty.
        group: where a pattern finds one in the name; else empty.
        sha: the hash of its bytes.
    """

    path: Path
    label: str
    split: str
    group: str = ""
    sha: str = ""


def list_images(path: Path, group: str | None = None) -> tuple[list[ImageFile], int]:
    """Return every image below a folder, ordered by split, class, content and group, and the number of other files.

    Args:
        path: of the folder.
        group: the pattern of the names, from which the group of a file is read; None for no groups.

    Raises:
        DataError: the folder is not laid out as `own_images` says, or the pattern does not fit.
    """
    find_group = group_finder(group) if group is not None else lambda name: ""
    if not path.is_dir():
        raise archbench.DataError(f"{path} is a file; images: needs a folder with a folder of images for each class")
    found: list[ImageFile] = []
    others = 0
    for folder, label, split in _class_folders(path):
        files = list(_files_below(folder))
        images = [file for file in files if file.suffix.lower() in ENDINGS]
        others += len(files) - len(images)
        if not images:
            raise archbench.DataError(
                f"the folder {folder.relative_to(path)} in {path} has no images ({', '.join(sorted(ENDINGS))}); "
                "put its images there, or remove it"
            )
        found += [ImageFile(file, label, split, find_group(file.relative_to(folder))) for file in images]
    others += sum(1 for file in path.iterdir() if file.is_file())
    return sorted(_hashed(found), key=lambda file: (file.split, file.label, file.sha, file.group)), others


def find_images(files: Iterable[Path]) -> list[Path]:
    """Return the images among files and below folders, those of a folder in the order of their names.

    Raises:
        DataError: a file is not there, or a folder has no images.
    """
    found: list[Path] = []
    for file in files:
        below = [path for path in _files_below(file) if path.suffix.lower() in ENDINGS] if file.is_dir() else [file]
        if not below or not file.exists():
            what = "has no images in it" if file.is_dir() else "is not there"
            raise archbench.DataError(f"{file} {what}; give images, or folders with images")
        found += sorted(below)
    return found


def _hashed(found: list[ImageFile]) -> list[ImageFile]:
    """Return the files with the hashes of their bytes."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as threads:
        shas = threads.map(_sha, (file.path for file in found))
        return [replace(file, sha=sha) for file, sha in zip(found, shas, strict=True)]


def _class_folders(path: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield (folder, class, split) for each folder of a class; the split is empty where the folders name none."""
    tops = _folders(path)
    if not tops:
        raise archbench.DataError(f"{path} has no folders in it; put the images of each class into a folder of its own")
    splits = {folder: SPLIT_FOLDERS[folder.name.lower()] for folder in tops if folder.name.lower() in SPLIT_FOLDERS}
    others = [folder for folder in tops if folder not in splits]
    if others and {"train", "test"} <= set(splits.values()):
        raise archbench.DataError(
            f"{path} has {_names(splits)} and beside them {others[0].name}/; is that "
            "a class, or are those the splits? give folders of splits only, or folders of classes only"
        )
    if others:  # not both train/ and test/: among cars and ships, `train` is a class
        yield from ((folder, folder.name, "") for folder in tops)
    else:
        yield from _split_folders(path, splits)


def _split_folders(path: Path, splits: dict[Path, str]) -> Iterator[tuple[Path, str, str]]:
    """Yield (folder, class, split) for each folder of a class in the folders of the splits."""
    if not {"train", "test"} <= set(splits.values()):
        missing = " and ".join(sorted({"train", "test"} - set(splits.values())))
        raise archbench.DataError(
            f"{path} has {_names(splits)} but no {missing}/; give train/, test/ and "
            "perhaps validation/, or folders of classes only"
        )
    for top, split in splits.items():
        classes = _folders(top)
        if not classes:
            raise archbench.DataError(f"the split {top.name}/ in {path} is empty: it has no folders of classes")
        yield from ((folder, folder.name, split) for folder in classes)


def _names(folders: Iterable[Path]) -> str:
    return ", ".join(f"{folder.name}/" for folder in folders)


def _folders(path: Path) -> list[Path]:
    """Return the folders in a folder; those of classes give them their names, which records hold as UTF-8."""
    found = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__")))
    for folder in found:
        name = os.fsencode(folder.name)
        if (readable := name.decode(errors="replace")) != folder.name:
            raise archbench.DataError(f"the name of the folder {readable} in {path} is not UTF-8; rename it")
    return found


def _files_below(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where, name) for name in sorted(names) if not name.startswith("."))


def _sha(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        advice = "check its permissions" if path.exists() else "it is a link to a file that is gone; remove it"
        raise archbench.DataError(f"{path} cannot be opened ({error.strerror}); {advice}") from None


def content_of(files: Iterable[ImageFile]) -> str:
    """Return the hash of the contents of all files, with their classes, splits, and groups where there are any."""
    return hash_texts(
        *(text for file in files for text in (file.split, file.label, file.sha, file.group)[: 4 if file.group else 3])
    )
