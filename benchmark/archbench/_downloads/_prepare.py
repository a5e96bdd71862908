"""Prepare the files that tasks need: download, compare the checksum, give the final name, unpack."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from archbench._downloads._declared import RemoteFile
from archbench._downloads._fetch import discard, fetch, unwritable
from archbench._downloads._folder import data_folder
from archbench._downloads._state import MANIFEST, hash_file, make_stamp, read_manifest, read_stamp, stamp_path, state
from archbench._downloads._unpack import unpack
from archbench._errors import DataError

if TYPE_CHECKING:
    from filelock import BaseFileLock

PARTIAL = ".partial"
SPARE = 1 << 26  # bytes to leave free on the disk

Event = Literal["download", "check", "unpack", "ready", "wait"]


class Report(Protocol):
    """A function that is called with each event of a preparation."""

    def __call__(self, event: Event, needed: RemoteFile, done: int = 0) -> None:
        """Take an event; for `download`, `done` bytes of the file have arrived."""


def prepare(needed: Sequence[RemoteFile], report: Report) -> None:
    """Download and unpack the files that are not ready, in order; open no connection for a file that is ready.

    Only one process prepares data at a time; another one waits for it.

    Args:
        needed: the files.
        report: called at every step.

    Raises:
        DataError: a file cannot be downloaded, or is not the declared one. The files before it are kept.
    """
    _refuse_contradictions(needed)
    todo = [item for item in needed if state(item) != "ready"]
    if not todo:
        return
    with _locked(lambda: report("wait", todo[0])):
        for item in todo:
            if state(item) != "ready":  # the process that we waited for may have prepared it
                _prepare_one(item, report)
            report("ready", item)


def _refuse_contradictions(needed: Sequence[RemoteFile]) -> None:
    known: dict[str, tuple[str, str]] = {}
    for item in needed:
        for path in filter(None, (item.path, item.unpack)):
            if known.setdefault(path, item.checksum) != item.checksum:
                raise DataError(
                    f"two tasks declare different files as {path}; one of their plugins must choose another path"
                )


def _prepare_one(needed: RemoteFile, report: Report) -> None:
    final = data_folder() / needed.path
    if not final.exists():
        _download(needed, final, report)
    elif read_stamp(final) != make_stamp(final, needed):
        report("check", needed)
        _compare(needed, final)
        _write_note(stamp_path(final), make_stamp(final, needed))
    if needed.unpack and read_manifest(needed) is None:
        report("unpack", needed)
        _unpack(needed, final)


def _download(needed: RemoteFile, final: Path, report: Report) -> None:
    name = hashlib.sha256(needed.path.encode()).hexdigest()[:16]
    partial = data_folder() / PARTIAL / f"{name}-{final.name}"
    _make_folder(partial.parent)
    there = partial.stat().st_size if partial.exists() else 0
    _need_room(needed, needed.size - there)
    try:
        fetch(needed, partial, lambda done: report("download", needed, done))
    except DataError as error:
        raise DataError(f"{error}; or put the file at {final} yourself and run the command again") from None
    with open(partial, "rb") as file:
        os.fsync(file.fileno())
    _make_folder(final.parent)
    _write_note(stamp_path(final), make_stamp(partial, needed))  # a rename changes neither size nor time
    os.replace(partial, final)
    discard(partial)


def _compare(needed: RemoteFile, path: Path) -> None:
    kind, wanted = needed.checksum
    found = hash_file(path, kind)
    if found != wanted:
        size = path.stat().st_size
        raise DataError(
            f"{path} is not the file that was declared: {size:,} bytes with {kind} {found}, not {needed.size:,} bytes "
            f"with {wanted}; move it away, and the same command downloads the right one"
        )


def _unpack(needed: RemoteFile, archive: Path) -> None:
    target = data_folder() / needed.unpack
    fresh = data_folder() / PARTIAL / f"unpacking-{hashlib.sha256(needed.unpack.encode()).hexdigest()[:16]}"
    shutil.rmtree(fresh, ignore_errors=True)
    names = unpack(archive, fresh)
    manifest = {
        "archive": needed.checksum[1],
        "members": {name: hash_file(fresh / name, "sha256") for name in names},
    }
    _write_note(fresh / MANIFEST, json.dumps(manifest))
    _make_folder(target.parent)
    if target.exists():
        if not (target / MANIFEST).exists() and any(target.iterdir()):
            shutil.rmtree(fresh)
            raise DataError(f"{target} exists and was not made by `benchmark data prepare`; move it away")
        shutil.rmtree(target)
    os.replace(fresh, target)


def _need_room(needed: RemoteFile, size: int) -> None:
    free = shutil.disk_usage(data_folder()).free
    if free < size + SPARE:
        raise DataError(
            f"{needed.path} needs {size:,} more bytes, and {data_folder()} has {free:,} free; "
            "free some space or name another folder in ARCHBENCH_DATA"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def _write_note(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise unwritable(path, error) from None


@contextlib.contextmanager
def _locked(waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the data folder; call `waiting` first if another process holds it."""
    from filelock import FileLock

    _make_folder(data_folder())
    # The kernel frees the lock of a process that dies. A soft lock, filelock's fallback, would stay.
    lock = FileLock(data_folder() / ".lock", fallback_to_soft=False)
    if not _try_lock(lock):
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (data_folder() / PARTIAL).rmdir()  # fails, as it should, while an unfinished download is kept there
        lock.release()


def _try_lock(lock: BaseFileLock) -> bool:
    """Take the lock if it is free, and return whether it was."""
    from filelock import Timeout

    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except OSError as error:
        raise unwritable(data_folder(), error) from None
    return True
