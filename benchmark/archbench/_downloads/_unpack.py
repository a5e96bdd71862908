"""Unpack archives as if they were hostile.

Only plain files and folders are unpacked, below the target, with limits on their number and size. `extractall` is not
used: links can lead the filters of `tarfile` astray in Python before 3.11.13 (CVE-2025-4517).
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from archbench._downloads._fetch import unwritable
from archbench._errors import DataError

MEMBERS = 2_000_000  # ImageNet has 1.3 million images
RATIO = 200  # bytes unpacked per byte of archive; data compress 1:1 to 1:10, bombs 1:1000
SMALLEST_LIMIT = 1 << 24  # bytes that any archive may unpack to, so that a few zeros are not taken for a bomb
BLOCK = 1 << 20

_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
)

_IMPOSSIBLE = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
"""Error numbers for a file and a folder of one name, and for a name that the disk does not take."""


def unpack(archive: Path, target: Path) -> list[str]:
    """Unpack an archive into a new folder and return the sorted relative names of its files.

    Args:
        archive: zip or tar, with any compression that the standard library knows.
        target: the folder to make; it is removed again on any error.

    Raises:
        DataError: the archive is damaged, or has a member that no data set needs.
    """
    try:
        target.mkdir(parents=True)
        return _extract(archive, target)
    except _DAMAGED as error:
        shutil.rmtree(target, ignore_errors=True)
        raise DataError(f"{archive.name} is damaged and was not unpacked ({error})") from None
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        if error.errno is None:  # raised by gzip and bz2 for bytes that they cannot read, not by the disk
            raise DataError(f"{archive.name} is damaged and was not unpacked ({error})") from None
        raise unwritable(target, error) from None
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _extract(archive: Path, target: Path) -> list[str]:
    limit = max(SMALLEST_LIMIT, archive.stat().st_size * RATIO)
    names: set[str] = set()
    total = 0
    for count, (name, source) in enumerate(_members(archive), start=1):
        if count > MEMBERS:
            raise DataError(f"{archive.name} has more than {MEMBERS:,} members; nothing was unpacked")
        relative = _safe_name(archive, name)
        if relative in names:
            raise DataError(f"{archive.name} has the member {name!r} twice; nothing was unpacked")
        try:
            if source is None:
                (target / relative).mkdir(parents=True, exist_ok=True)
                continue
            names.add(relative)
            total = _copy(source, target / relative, total, limit, archive)
        except OSError as error:
            if error.errno not in _IMPOSSIBLE:
                raise
            raise DataError(
                f"{archive.name} has the member {name[:80]!r}, which cannot be made ({error.strerror}); nothing was "
                "unpacked"
            ) from None
    return sorted(names)


def _copy(source: IO[bytes], path: Path, total: int, limit: int, archive: Path) -> int:
    """Write one member and return the new sum of bytes; count the real bytes, whatever size the archive claims."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with source, open(path, "xb") as file:
        while block := source.read(BLOCK):
            total += len(block)
            if total > limit:
                raise DataError(
                    f"{archive.name} unpacks to more than {limit:,} bytes, {RATIO} times its size; nothing was unpacked"
                )
            file.write(block)
    return total


def _safe_name(archive: Path, name: str) -> str:
    parts = PurePosixPath(name).parts
    if name.startswith(("/", "\\")) or ".." in parts or "\\" in name or ":" in name or "\0" in name or not parts:
        raise DataError(f"{archive.name} has the member {name!r}, which leads out of its folder; nothing was unpacked")
    return "/".join(parts)


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Yield the name and content of each member; None as the content of a folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield from _zip_members(file, archive)
    else:
        with _decompressed(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as file:  # read once, from front to back
                yield from _tar_members(file, archive)
            # tarfile stops at the end mark and also where a truncated file ends; reading on raises for the latter.
            while stream.read(BLOCK):
                pass


def _decompressed(archive: Path) -> IO[bytes]:
    with open(archive, "rb") as file:
        head = file.read(6)
    openers: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
    opener = next((found for magic, found in openers.items() if head.startswith(magic)), open)
    stream: IO[bytes] = opener(archive, "rb")
    return stream


def _zip_members(file: zipfile.ZipFile, archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    for info in file.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _odd_member(archive, info.orig_filename)
        name = info.orig_filename  # the name in the archive; zipfile has changed `filename`
        yield name, None if info.is_dir() else file.open(info)


def _tar_members(file: tarfile.TarFile, archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    for member in file:
        if not member.isreg() and not member.isdir():
            raise _odd_member(archive, member.name)
        content: Any = None if member.isdir() else file.extractfile(member)
        if member.name not in (".", "./"):
            yield member.name, content


def _odd_member(archive: Path, name: str) -> DataError:
    return DataError(
        f"{archive.name} has the member {name!r}, which is a link or a device and no file; nothing was unpacked"
    )
