"""Folders of images: which file is of which class and split, in an order that content alone decides."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import archbench
from archbench_tasks._own_data import digest

ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
PUBLISHED = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
"""What people call the folders of splits, in lower case."""


@dataclass(frozen=True)
class ImageFile:
    """One image: where it is, its class, its part if the folders say so, and the hash of its bytes."""

    path: Path
    label: str
    part: str
    sha: str = ""


def list_images(path: Path) -> tuple[list[ImageFile], int]:
    """Every image below a folder with its class, in an order that content alone decides, and how many files are none.

    Raises:
        DataError: the folder is not laid out as the module says.
    """
    from concurrent.futures import ThreadPoolExecutor

    if not path.is_dir():
        raise archbench.DataError(f"{path} is a file; images: needs a folder with a folder of images for each class")
    found, others = [], 0
    for folder, label, part in _class_folders(path):
        mine = [file for file in _files_below(folder) if file.suffix.lower() in ENDINGS]
        others += sum(1 for _ in _files_below(folder)) - len(mine)
        if not mine:
            raise archbench.DataError(
                f"the folder {folder.relative_to(path)} in {path} has no images ({', '.join(sorted(ENDINGS))}); "
                "put its images there, or remove it"
            )
        found += [ImageFile(file, label, part) for file in mine]
    others += sum(1 for file in path.iterdir() if file.is_file())
    with ThreadPoolExecutor() as threads:
        shas = threads.map(_sha, (file.path for file in found))
        hashed = [ImageFile(file.path, file.label, file.part, sha) for file, sha in zip(found, shas, strict=True)]
    return sorted(hashed, key=lambda file: (file.part, file.label, file.sha)), others


def _class_folders(path: Path) -> Iterator[tuple[Path, str, str]]:
    """(folder, class, part) of each folder of a class; the part is empty where the folders do not say it."""
    tops = _folders(path)
    if not tops:
        raise archbench.DataError(f"{path} has no folders in it; put the images of each class into a folder of its own")
    parts = {folder: PUBLISHED[folder.name.lower()] for folder in tops if folder.name.lower() in PUBLISHED}
    others = [folder for folder in tops if folder not in parts]
    if others and {"train", "test"} <= set(parts.values()):
        raise archbench.DataError(
            f"{path} has {', '.join(f'{folder.name}/' for folder in parts)} and beside them {others[0].name}/; is that "
            "a class, or are those the splits? give folders of splits only, or folders of classes only"
        )
    if others:  # there are classes called train: they go by rail
        yield from ((folder, folder.name, "") for folder in tops)
        return
    if not {"train", "test"} <= set(parts.values()):
        missing = " and ".join(sorted({"train", "test"} - set(parts.values())))
        raise archbench.DataError(
            f"{path} has {', '.join(f'{folder.name}/' for folder in tops)} but no {missing}/; give train/, test/ and "
            "perhaps validation/, or folders of classes only"
        )
    for top, part in parts.items():
        classes = _folders(top)
        if not classes:
            raise archbench.DataError(f"the split {top.name}/ in {path} is empty: it has no folders of classes")
        yield from ((folder, folder.name, part) for folder in classes)


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__")))


def _files_below(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where, name) for name in sorted(names) if not name.startswith("."))


def _sha(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise archbench.DataError(f"{path} cannot be opened ({error.strerror}); check its permissions") from None


def content_of(files: Iterable[ImageFile]) -> str:
    """The hash of all contents with their classes and parts."""
    return digest(*(text for file in files for text in (file.part, file.label, file.sha)))
