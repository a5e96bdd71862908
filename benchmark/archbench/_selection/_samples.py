"""Small sample files of a kind of own data, which its reader writes, for people to try it with."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archbench._declarations import Reader, resolve
from archbench._errors import DataError, PluginError, SelectionError
from archbench._plugins import CallError, Registered, call_apart
from archbench._selection._own_data import find_reader, refuse_name


@dataclass(frozen=True, slots=True)
class Sample:
    """The files that were written, relative to their folder, and the selector that trains on them."""

    files: list[str]
    selector: str


def write_sample(scheme: str, folder: Path, readers: Sequence[Registered[Reader]]) -> Sample:
    """Write the sample of a reader into a folder.

    Raises:
        SelectionError: there is no such reader, or it has no sample.
        DataError: a file of this name is there already, or the folder has a name that no trial can use, or cannot be
            written.
        PluginError: the reader fails.
    """
    registered = find_reader(scheme, readers)
    if registered.item.sample is None:
        raise SelectionError(f"{scheme} has no sample; `benchmark show {scheme}` says what it reads")
    refuse_name(folder)
    with tempfile.TemporaryDirectory(prefix="archbench-") as name:
        fresh = Path(name)
        try:
            rest = call_apart(functools.partial(_call_sample, registered, fresh), str, foreign=registered.foreign)
        except CallError as error:
            provider = registered.origin.distribution
            raise PluginError(f"the sample of the reader {scheme}: of {provider} failed: {error}") from error
        files = sorted(str(path.relative_to(fresh)) for path in fresh.rglob("*") if path.is_file())
        _move(files, fresh, folder)
    return Sample(files, f"{scheme}:{folder / rest if rest else folder}")


def _call_sample(registered: Registered[Reader], folder: Path) -> object:
    assert registered.item.sample is not None
    return resolve(registered.item.sample)(folder)


def _move(files: Sequence[str], fresh: Path, folder: Path) -> None:
    """Move files into a folder, all or none."""
    there = [file for file in files if (folder / file).exists()]
    if there:
        raise DataError(f"{folder / there[0]} is there already; nothing was written, name another folder")
    try:
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(fresh / file, folder / file)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror or error}; name another folder") from None
