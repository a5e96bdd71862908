"""Folders of decoded examples, so that people's own files are decoded once and not in every trial."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import archbench


def hash_texts(*texts: str) -> str:
    """Return a hash of some texts: 32 hex digits."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]


def cache_folder(name: str) -> Path:
    """Return the path of a folder in the cache, whether it exists or not."""
    return archbench.data_folder() / "own" / name


def fill_cache(name: str, write: Callable[[Path], None]) -> Path:
    """Return a folder of the cache; the first time, let `write(folder)` fill it. It exists whole or not at all.

    Raises:
        DataError: the folder cannot be written.
    """
    target = cache_folder(name)
    if target.exists():
        return target
    try:
        scratch = target.with_name(f".making-{os.getpid()}-{secrets.token_hex(4)}")
        scratch.mkdir(parents=True)  # `tempfile` would make it unreadable to others who share the data folder
    except OSError as error:
        raise archbench.DataError(
            f"the data folder {target.parent} cannot be written ({error.strerror}); set ARCHBENCH_DATA to another"
        ) from None
    try:
        write(scratch)
        try:
            scratch.rename(target)
        except OSError:
            if not target.exists():  # if it does, another process was faster and wrote the same content
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target
