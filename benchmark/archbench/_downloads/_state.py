"""The state of the files that tasks need: ready, missing or unchecked; and the search for damage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from archbench._downloads._declared import LocalFolder, RemoteFile
from archbench._downloads._folder import data_folder

State = Literal["ready", "missing", "unchecked"]
"""`unchecked`: the file exists, but `prepare` has not compared its checksum, or the file was changed since."""

MANIFEST = ".archbench-manifest.json"


def state(needed: RemoteFile | LocalFolder) -> State:
    """Return the state of a file or folder without reading the data.

    A file is ready if its checksum was compared when it had its present size and time. So no task unpickles a file
    that somebody only put there.
    """
    path = data_folder() / needed.path
    if isinstance(needed, LocalFolder):
        return "ready" if path.is_dir() and any(path.iterdir()) else "missing"
    if not path.is_file():
        return "missing"
    if read_stamp(path) != make_stamp(path, needed):
        return "unchecked"
    return "unchecked" if needed.unpack and read_manifest(needed) is None else "ready"


def deciding_paths(needed: RemoteFile | LocalFolder) -> list[Path]:
    """Return the paths whose presence, size and time decide the state of a file or folder."""
    path = data_folder() / needed.path
    if isinstance(needed, LocalFolder):
        return [path]
    return [path, stamp_path(path), *([data_folder() / needed.unpack / MANIFEST] if needed.unpack else [])]


def missing(needed: Sequence[RemoteFile | LocalFolder]) -> list[RemoteFile | LocalFolder]:
    """Return the files and folders that are not ready."""
    return [item for item in needed if state(item) != "ready"]


def find_damage(needed: RemoteFile) -> str:
    """Return one line about the first damage and what to do; empty if there is none.

    Read the data again: compare the checksum of the file and of every member that was unpacked from it.
    """
    path = data_folder() / needed.path
    kind, wanted = needed.checksum
    found = hash_file(path, kind)
    if found != wanted:
        return f"{path}: its {kind} is {found}, declared is {wanted}; delete it and run `benchmark data prepare`"
    if not needed.unpack:
        return ""
    manifest = read_manifest(needed)
    if manifest is None:
        return f"{path}: not unpacked; run `benchmark data prepare`"
    folder = data_folder() / needed.unpack
    member = next(_damaged_members(folder, manifest["members"]), "")
    return member and f"{member}; delete the folder {folder} and run `benchmark data prepare`"


def _damaged_members(folder: Path, members: dict[str, str]) -> Iterator[str]:
    for name, digest in members.items():
        path = folder / name
        if not path.is_file():
            yield f"{path}: it was unpacked, and is gone"
        elif hash_file(path, "sha256") != digest:
            yield f"{path}: changed since it was unpacked"


def hash_file(path: Path, kind: str) -> str:
    """Return the checksum of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def stamp_path(path: Path) -> Path:
    """Return the path of the stamp, which notes that the checksum of a file was compared."""
    return path.with_name(f".{path.name}.checked")


def make_stamp(path: Path, needed: RemoteFile) -> str:
    """Return the stamp for a file as it is now."""
    kind, value = needed.checksum
    status = path.stat()
    return f"{kind} {value} {status.st_size} {status.st_mtime_ns}\n"


def read_stamp(path: Path) -> str:
    """Return the stamp of a file; empty if there is none."""
    try:
        return stamp_path(path).read_text()
    except OSError:
        return ""


def read_manifest(needed: RemoteFile) -> dict[str, Any] | None:
    """Return the list of members unpacked from this archive; None if it was not unpacked."""
    try:
        manifest: dict[str, Any] = json.loads((data_folder() / needed.unpack / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    return manifest if manifest.get("archive") == needed.checksum[1] else None
