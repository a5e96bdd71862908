"""Download one file over HTTP, from the first server that has it; an interrupted download is resumed."""

from __future__ import annotations

import email.message
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NoReturn

from archbench._downloads._declared import RemoteFile, refuse_url
from archbench._downloads._state import hash_file
from archbench._errors import DataError

TIMEOUT = 30.0  # seconds to wait for the next byte
BLOCK = 1 << 18
ATTEMPTS = 4  # attempts in a row at one address that bring no new byte
PAUSE = 0.5  # seconds before the second of these attempts; doubled before each further one

Progress = Callable[[int], None]


class _FetchError(Exception):
    """One attempt failed; `again` says that another attempt may succeed."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http, nor to http on another machine."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request, or raise if the new address is not safe."""
        refusal = refuse_url(newurl)
        if not refusal and req.type == "https" and not newurl.startswith("https:"):
            refusal = "is not https, unlike the address that redirects to it"
        if refusal:
            raise _FetchError(f"is redirected to {newurl}, which {refusal}", again=False)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_opener = urllib.request.build_opener(_CarefulRedirects)


def fetch(needed: RemoteFile, partial: Path, progress: Progress) -> None:
    """Download a file to `partial` and compare its checksum.

    Resume the partial file if the server says that it still has the same version.

    Args:
        needed: the file to download.
        partial: where to write it; a `.json` file beside it notes where its bytes came from.
        progress: called with the number of bytes that have arrived.

    Raises:
        DataError: no address has the file; the message says what happened at each. The bytes that arrived are kept
            for the next call, unless they are not the declared ones.
    """
    failures = []
    for url in needed.urls:
        try:
            _fetch_from(url, needed, partial, progress)
            return
        except _FetchError as error:
            failures.append(f"{url} {error}")
    _give_up(needed, partial, failures)


def _fetch_from(url: str, needed: RemoteFile, partial: Path, progress: Progress) -> None:
    tries = 0
    while True:
        before = _length(partial)
        try:
            resumed = _attempt(url, needed, partial, progress)
            _compare(needed, partial, resumed=resumed)
            return
        except _FetchError as error:
            tries = 1 if _length(partial) > before else tries + 1
            if not error.again or tries == ATTEMPTS:
                raise
        time.sleep(PAUSE * 2 ** (tries - 1))


def _compare(needed: RemoteFile, partial: Path, *, resumed: bool) -> None:
    """Discard the file and raise if its checksum is wrong; a resumed file may mix two versions, so try that again."""
    kind, wanted = needed.checksum
    found = hash_file(partial, kind)
    if found != wanted:
        discard(partial)
        raise _FetchError(f"has another file: its {kind} is {found}, declared is {wanted}", again=resumed)


def _give_up(needed: RemoteFile, partial: Path, failures: list[str]) -> NoReturn:
    there = _length(partial)
    kept = f"; {there:,} of {needed.size:,} bytes are kept, and the same command goes on from there" if there else ""
    raise DataError(f"{needed.path} could not be downloaded: {'; '.join(failures)}{kept}")


def _attempt(url: str, needed: RemoteFile, partial: Path, progress: Progress) -> bool:
    """Request the missing bytes once; return whether bytes of an earlier answer were kept."""
    source = _read_source(partial)
    there = _length(partial) if source.get("url") == url else 0
    if there == needed.size:
        return True
    request = urllib.request.Request(url, headers={"User-Agent": "archbench", "Accept-Encoding": "identity"})  # noqa: S310
    if 0 < there < needed.size:
        request.add_header("Range", f"bytes={there}-")
        if source.get("validator"):
            request.add_header("If-Range", source["validator"])
    try:
        with _opener.open(request, timeout=TIMEOUT) as response:
            start = _start_of(response, there, needed)
            _write_source(partial, url, response.headers)
            _receive(response, partial, start, needed.size, progress)
            return start > 0
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # Range Not Satisfiable: the partial file is longer than the server's file
            discard(partial)
        raise _FetchError(f"answers {error.code} {error.reason}", again=error.code in (416, 429, 503)) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        again = isinstance(reason, TimeoutError | ConnectionResetError | http.client.HTTPException)
        raise _FetchError(f"does not answer ({str(reason) or type(reason).__name__})", again=again) from None


def _start_of(response: Any, there: int, needed: RemoteFile) -> int:
    """Return the byte at which the answer begins; a server may ignore the range, or have another file by now."""
    if response.status != 206:
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) != needed.size:
            raise _FetchError(f"has a file of {int(announced):,} bytes, declared are {needed.size:,}", again=False)
        return 0
    span = response.headers.get("Content-Range", "")
    if span != f"bytes {there}-{needed.size - 1}/{needed.size}":
        raise _FetchError(f"answers with the part {span!r} of another file", again=False)
    return there


def _receive(response: Any, partial: Path, start: int, size: int, progress: Progress) -> None:
    there = start
    with _open(partial, "r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        progress(there)
        while True:
            try:
                block = response.read1(BLOCK)
            except (OSError, http.client.HTTPException) as error:
                raise _FetchError(f"broke off after {there:,} of {size:,} bytes ({error})", again=True) from None
            if not block:
                break
            there += len(block)
            if there > size:
                break
            _write(file, block)
            progress(there)
    if there < size:
        raise _FetchError(f"broke off after {there:,} of {size:,} bytes", again=True)
    if there > size:
        discard(partial)
        raise _FetchError(f"sends more than the declared {size:,} bytes", again=False)


def _open(path: Path, mode: str) -> IO[bytes]:
    try:
        return open(path, mode)
    except OSError as error:
        raise unwritable(path, error) from None


def _write(file: IO[bytes], block: bytes) -> None:
    try:
        file.write(block)
    except OSError as error:
        raise unwritable(Path(file.name), error) from None


def unwritable(path: Path, error: OSError) -> DataError:
    """Return the error for a data folder that cannot be written."""
    return DataError(
        f"cannot write {path}: {error.strerror or error}; free some space or name another folder in ARCHBENCH_DATA"
    )


def discard(partial: Path) -> None:
    """Delete an unfinished download and its note."""
    partial.unlink(missing_ok=True)
    _source_path(partial).unlink(missing_ok=True)


def _length(partial: Path) -> int:
    try:
        return os.path.getsize(partial)
    except OSError:
        return 0


def _source_path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _read_source(partial: Path) -> dict[str, str]:
    try:
        source: dict[str, str] = json.loads(_source_path(partial).read_text())
    except (OSError, ValueError):
        return {}
    return source


def _write_source(partial: Path, url: str, headers: email.message.Message) -> None:
    """Note the server's tag for this version of the file, so that a later request can ask for the rest of it."""
    tag = headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
    try:
        _source_path(partial).write_text(json.dumps({"url": url, "validator": validator}))
    except OSError as error:
        raise unwritable(partial, error) from None
