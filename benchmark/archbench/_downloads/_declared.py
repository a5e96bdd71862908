"""Declarations of the files that a task needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from archbench._errors import DeclarationError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CHECKSUMS = {"sha256": 64, "md5": 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file that `benchmark data prepare` downloads.

    Args:
        path: where it lies below the data folder, such as `mnist/train-labels-idx1-ubyte.gz`.
        urls: its addresses, in the order to try; https, or http on this machine.
        size: bytes. A server that sends more is cut off.
        sha256, md5: its checksum in hexadecimal digits; md5 only where nothing better is published.
        unpack: the folder below the data folder into which this archive is unpacked (zip, or tar with or without
            compression); empty to leave it packed.

    Raises:
        DeclarationError: a path leads out of the data folder, an address is not https, or there is no checksum.
    """

    path: str
    urls: tuple[str, ...]
    size: int
    sha256: str = ""
    md5: str = ""
    unpack: str = ""

    def __post_init__(self) -> None:
        _check_path(self.path)
        if self.unpack:
            _check_path(self.unpack)
            if f"{self.path}/".startswith(f"{self.unpack}/"):
                raise DeclarationError(
                    f"RemoteFile {self.path!r}: unpack is {self.unpack!r}, where the archive lies; name a folder "
                    "that has nothing else in it"
                )
        if not isinstance(self.urls, tuple) or not self.urls:
            raise DeclarationError(f"RemoteFile {self.path!r}: urls is {self.urls!r}; give a tuple of at least one")
        for url in self.urls:
            if refusal := refuse_url(url):
                raise DeclarationError(f"RemoteFile {self.path!r}: {url!r} {refusal}")
        if type(self.size) is not int or self.size < 1:
            raise DeclarationError(f"RemoteFile {self.path!r}: size is {self.size!r}; give the number of bytes")
        self._check_checksums()

    def _check_checksums(self) -> None:
        for kind, digits in _CHECKSUMS.items():
            value = getattr(self, kind)
            if value and not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
                raise DeclarationError(
                    f"RemoteFile {self.path!r}: {kind} is {value!r}; it has {digits} lower-case hexadecimal digits"
                )
        if not self.sha256 and not self.md5:
            raise DeclarationError(f"RemoteFile {self.path!r}: give its sha256, or its md5 if only that is published")

    @property
    def checksum(self) -> tuple[str, str]:
        """The stronger declared checksum: its kind and its value."""
        return ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFolder:
    """A folder that users fill themselves, for instance because the data need a signed licence.

    Args:
        path: where it lies below the data folder; it may be a link to another disk.
        advice: where the data come from and how they must be laid out, in one sentence.

    Raises:
        DeclarationError: the path leads out of the data folder, or there is no advice.
    """

    path: str
    advice: str

    def __post_init__(self) -> None:
        _check_path(self.path)
        if not isinstance(self.advice, str) or not self.advice.strip():
            raise DeclarationError(f"LocalFolder {self.path!r}: advice is empty; say where the data come from")


def refuse_url(url: str) -> str:
    """Return why an address may not be used; empty if it may."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except (ValueError, AttributeError):
        return "is not an address"
    if not host:
        return "names no host"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return "is not https; plain http is taken from this machine only, as anyone between could change the data"


def _check_path(path: str) -> None:
    parts = PurePosixPath(path).parts if isinstance(path, str) else ()
    plain = all(re.fullmatch(r"[A-Za-z0-9][\w.+-]*", part) for part in parts)
    if not parts or not plain or "/".join(parts) != path:
        raise DeclarationError(
            f"{path!r} is not a path below the data folder; write 'folder/file' with letters, digits, '.', '_', '-'"
        )
