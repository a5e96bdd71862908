"""The files of records: their bytes, their checksum, and writing them whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from archbench._errors import DeclarationError, RecordError, StoreError
from archbench._records._parts import Parts
from archbench._records._printable import printable
from archbench._records._record import SCHEMA, Record

TEMPORARY = ".archbench-tmp-"
_LONG = b"0" * 19
_AS_ZEROS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
"""Turns each digit into a zero: a long number is then found at once, where a pattern would try from every digit."""
_MOST_BITS = 64
_PIECE = 1 << 20
_AS_A_RECORD = 1 << 16
_NO_RECORD = (msgspec.DecodeError, OverflowError, DeclarationError, RecursionError)
"""What decoding raises."""


class _Envelope(msgspec.Struct):
    """A record with its checksum, which reveals a flipped bit or an edit by hand."""

    schema: int
    sha256: str
    record: msgspec.Raw


def encode_record(record: Record) -> bytes:
    """Return the bytes of a record file; equal records give equal bytes."""
    body = msgspec.json.encode(_with_printable_words(record), order="deterministic")
    envelope = _Envelope(schema=record.schema, sha256=hashlib.sha256(body).hexdigest(), record=msgspec.Raw(body))
    return msgspec.json.encode(envelope) + b"\n"


def decode_record(data: bytes, parts: Parts | None = None) -> Record:
    """Return the record in the bytes of a record file.

    Args:
        data: the bytes.
        parts: of the records that were read before it, to share those that are equal.

    Raises:
        RecordError: the record comes from a newer version of the suite.
        ValueError: the bytes are not a whole, unchanged record.
    """
    envelope: _Envelope = _decode(data, _Envelope)
    if envelope.schema > SCHEMA:
        raise RecordError(
            f"was written by a newer archbench (record format {envelope.schema}; this one reads up to {SCHEMA}). "
            "Upgrade archbench, or write to another folder with --out"
        )
    if envelope.schema < SCHEMA:
        raise ValueError(f"an older archbench wrote it, record format {envelope.schema}; today's trials differ")
    if hashlib.sha256(envelope.record).hexdigest() != envelope.sha256:
        raise ValueError("its checksum does not match its content")
    record = _decode_record(envelope.record, parts)
    if _may_have_long_integer(data) and _has_long_integer(msgspec.to_builtins(record)):
        raise ValueError("it holds an integer of more than 64 bits")
    if record.id != record.trial.id:
        raise ValueError("its id does not match its trial")
    return _with_printable_words(record)


def _decode_record(data: msgspec.Raw, parts: Parts | None) -> Record:
    try:
        if parts is not None:
            return parts.decode(data)
    except _NO_RECORD:
        pass  # decoding it as a whole tells which field is wrong
    record: Record = _decode(data, Record)
    return record


def _with_printable_words(record: Record) -> Record:
    """Return a record whose message and detail UTF-8 can hold and that can be shown, whoever wrote it."""
    if not record.message and not record.detail:
        return record
    message, detail = printable(record.message), printable(record.detail)
    if (message, detail) == (record.message, record.detail):
        return record
    return msgspec.structs.replace(record, message=message, detail=detail)


def checksum(data: bytes) -> str:
    """Return the SHA-256 of the bytes of a file."""
    return hashlib.sha256(data).hexdigest()


def _decode(data: Any, form: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=form)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except _NO_RECORD as error:
        raise ValueError(str(error)) from None


def _may_have_long_integer(data: bytes) -> bool:
    """Return whether a JSON object has that many digits in a row, other than behind a point, in a fraction."""
    digits, place = data.translate(_AS_ZEROS), -1
    while (place := digits.find(_LONG, place + 1)) >= 0:
        if data[place - 1 : place] != b".":
            return True
        place = digits.find(b" ", place)  # the end of these digits; the bracket of the object is behind them
    return False


def _has_long_integer(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_long_integer, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_long_integer, value))
    return isinstance(value, int) and value.bit_length() > _MOST_BITS


def read_plain_file(path: Path | str) -> bytes:
    """Return the bytes of a file; anything else of its name is not opened, since a pipe or a device may block.

    Raises:
        ValueError: it is no file.
        OSError: it cannot be read.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if not os.path.islink(path):
            raise
        raise ValueError("it is a link to nothing") from None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise ValueError("it is a link to itself") from None
    if not stat.S_ISREG(mode := found.st_mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a socket" if not _is_device(mode) else "a device"
        raise ValueError(f"it is {'a link to ' if os.path.islink(path) else ''}{kind}, not a file")
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # a file object costs a third of the reading
    try:
        data = os.read(descriptor, found.st_size + 1)
        # It may grow, or be larger than it says.
        while len(data) != found.st_size and (more := os.read(descriptor, _PIECE)):
            data += more
        return data
    finally:
        os.close(descriptor)


def folder_exists(path: Path) -> bool:
    """Return whether a folder is there.

    Raises:
        StoreError: the system does not say, as below a folder of somebody else.
    """
    try:
        return path.is_dir()
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path | str, error: OSError) -> StoreError:
    """Return the error about a file or a folder that the system does not let us read."""
    return StoreError(f"cannot read {path}: {error.strerror or error}; make it readable, or give another folder")


def _is_device(mode: int) -> bool:
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that a reader, or a crash at any moment, leaves the old bytes or the new ones, never a part.

    Args:
        path: the file; its folder is made.
        data: the whole content.
        durable: it is on the disk at the return, and survives a loss of power.

    Raises:
        StoreError: the folder cannot be written.
    """
    # The temporary file does not end in `.json`, so that listing `*.json` during a write does not find it.
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # a process of this id may have been killed
        with open(temporary, "xb") as file:  # never through a link
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise _refusal(path, error) from None
    finally:  # the temporary file is still there if an error or Ctrl-C came before the rename
        with contextlib.suppress(OSError):
            temporary.unlink()


def try_writing(folder: Path) -> None:
    """Make a folder and write as much into it as a record takes, of which nothing stays.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=TEMPORARY) as file:
            file.write(bytes(_AS_A_RECORD))
            file.flush()
            os.fsync(file.fileno())  # some file systems say only now that they are full
    except OSError as error:
        raise _refusal(folder, error) from None


def _refusal(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write {path}: {error.strerror or error}; free some space or choose another folder")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
