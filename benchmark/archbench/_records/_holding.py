"""Holding a folder for one run: its lock, what a killed run left, and words for errors of its files."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from archbench._errors import StoreError
from archbench._records._files import TEMPORARY

LOCK = ".lock"
"""Name of the lock below the folder."""

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
_PATIENCE = 0.5
"""Seconds for which a run asks for the lock, which `is_held` may have for a moment."""


@contextlib.contextmanager
def hold(root: Path, written: Sequence[Path]) -> Iterator[None]:
    """Hold a folder for one run, and delete the half-written files of a killed one.

    Args:
        root: the folder.
        written: folders in it that are written into; the first one is that of the records, and is made.

    Raises:
        StoreError: the folder cannot be written, another run holds it, or an error of one of its files came up.
    """
    with _explaining(root), _locked(root, written):
        yield


def is_held(root: Path) -> bool | None:
    """Return whether a process of this machine holds a folder, in whatever container; None where nothing tells.

    A lock that is free is taken for a moment, so that several may look at a time; a run that starts in it asks again.
    """
    import fcntl

    try:
        descriptor = os.open(root / LOCK, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:  # it is not there, or is not ours to read
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def _explaining(root: Path) -> Iterator[None]:
    """Turn the error of a file in a folder, whoever meets it, into one that says what to do."""
    try:
        yield
    except OSError as error:
        name = error.filename
        if not isinstance(name, str | bytes | os.PathLike):
            raise
        path = Path(os.fsdecode(name))
        if not path.absolute().is_relative_to(root.absolute()):
            raise
        reason = error.strerror or error
        raise StoreError(f"cannot use {path}: {reason}; free some space or choose another --out") from error


@contextlib.contextmanager
def _locked(root: Path, written: Sequence[Path]) -> Iterator[None]:
    from filelock import FileLock, Timeout

    records = written[0]
    _refuse_links([root / LOCK, *written], records)
    # The kernel frees the lock of a process that dies. A soft lock, filelock's fallback, would stay.
    lock = FileLock(root / LOCK, fallback_to_soft=False)
    try:
        records.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE, poll_interval=_PATIENCE / 20)
    except Timeout:
        raise StoreError(
            f"another run is writing to {root}; wait for it, or choose another folder with --out"
        ) from None
    except OSError as error:
        raise StoreError(f"{_describe_refusal(root, error)}; choose another folder with --out") from None
    try:
        _delete_leftovers(root)
        yield
    finally:
        lock.release()


def _refuse_links(names: Sequence[Path], records: Path) -> None:
    """Raise if something that is written into is a link: it would lead the writing out of the folder."""
    for path in [*names, *(records.glob("[0-9a-f][0-9a-f]") if not records.is_symlink() else ())]:
        if path.is_symlink():
            raise StoreError(f"{path} is a link, through which nothing is written; remove it, or use another --out")


def _describe_refusal(root: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno in _NO_LOCKS:
        return f"cannot lock {root}: its file system has no locks ({reason})"
    return f"cannot write to {root}: {reason}"


def _delete_leftovers(root: Path) -> None:
    """Delete the temporary files of a killed run, only where a run writes: the folder may hold anything."""
    folders = ("", "records/*/", "networks/", "states/", "checkpoints/")
    for pattern in (f"{folder}{TEMPORARY}*" for folder in folders):
        for leftover in root.glob(pattern):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)
            elif leftover.parent != root or not _is_being_written(leftover):
                leftover.unlink(missing_ok=True)


def _is_being_written(temporary: Path) -> bool:
    """Return whether another process is writing a file: `benchmark leaderboard` writes the page without the lock."""
    writer = temporary.name.removeprefix(TEMPORARY).partition("-")[0]
    if not writer.isdecimal() or int(writer) == os.getpid():  # one of this id was killed, as in a new container
        return False
    try:
        os.kill(int(writer), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True
