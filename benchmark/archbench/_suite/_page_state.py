"""The state of a page, kept beside it: its inputs and files, so that a run that changes nothing need not build it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from archbench._plugins import Plugins, Problem
from archbench._records import Record, Store, read_plain_file, write_atomically
from archbench._version import __version__

NAME = ".page.json"
_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = ("jinja2", "numpy", "scipy")
_EXTRA = ("trials.parquet", "details/*.html")
"""Files that a page has or lacks; one that is there without belonging to it is removed with the next page."""


class Page(msgspec.Struct, frozen=True):
    """A page as it was written.

    Args:
        made_from: the digest of its inputs.
        files: size in bytes and time of change in ns of each file, by name.
        problems: warnings that were found while it was built.
    """

    made_from: str
    files: dict[str, tuple[int, int]]
    problems: list[Problem]


def digest_inputs(store: Store, records: Sequence[Record], plugins: Plugins, notes: Sequence[str]) -> str:
    """Return a digest of everything that a page is made from; empty if it may depend on anything else.

    Such are the sections of plugins, hooks that hear of trials, and analyses of studies: nobody knows what they read.

    Args:
        store: the folder, which was read.
        records: what is shown.
        plugins: those of the run.
        notes: problems that the page shows.
    """
    if plugins.may_change_pages or store.newer or any(r.trial.protocol.for_studies for r in records):
        return ""
    try:
        code = [__version__, sys.version, *map(version, _LIBRARIES), *_files_of(_PACKAGE)]
        inputs = [code, plugins.states(), store.checksums(), store.refused, notes]
    except OSError:  # the source of a plugin is gone
        return ""
    return hashlib.sha256(msgspec.json.encode(inputs)).hexdigest()


def _files_of(package: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and time of change of the files of a package, which change without its version."""
    for folder, folders, names in os.walk(package):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(folder, name)
            yield path, *_state_of(path)


def _state_of(path: Path | str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def find_page(root: Path, made_from: str) -> Page | None:
    """Return the page of a folder if it was made from these inputs and nobody touched its files; else None."""
    try:
        page = msgspec.json.decode(read_plain_file(root / NAME), type=Page)
        states = {name: _state_of(root / name) for name in page.files}
    except (OSError, ValueError, RecursionError):
        return None
    extra = {path.relative_to(root).as_posix() for pattern in _EXTRA for path in root.glob(pattern)}
    current = made_from and page.made_from == made_from and states == page.files and extra <= page.files.keys()
    return page if current else None


def keep_page(root: Path, made_from: str, files: Iterable[str], problems: list[Problem]) -> None:
    """Write down what the page of a folder was made from, if that is known.

    Raises:
        StoreError: the folder cannot be written.
    """
    if made_from:
        page = Page(made_from, {name: _state_of(root / name) for name in files}, problems)
        write_atomically(root / NAME, msgspec.json.encode(page), durable=False)
