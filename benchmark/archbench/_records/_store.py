"""The store: one JSON file per trial. A record on disk is complete or absent.

```
OUT/records/ab/ab12....json    one record; the name is the id of its trial
OUT/logs/ab12....log           what a trial printed; kept unless it ended `ok`
OUT/problems.json              plugins that the last run could not load; the page shows them
OUT/set-aside/                 files that could not be read as records, moved here, never deleted
OUT/.lock                      held while a run writes; the kernel frees it when the process dies
OUT/.archbench-tmp-shared/     what the trials of a run share; deleted at its end, or by the next run if it was killed
```
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from archbench._errors import RecordError, StoreError
from archbench._records._record import SCHEMA, Record

TEMPORARY = ".archbench-tmp-"
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)


class _Envelope(msgspec.Struct):
    """A record with its checksum, which reveals a flipped bit or an edit by hand."""

    schema: int
    sha256: str
    record: msgspec.Raw


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file that was moved out of the way because it is not a valid record."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} is not a valid record ({self.reason}); it was moved to set-aside/"


def encode_record(record: Record) -> bytes:
    """Return the bytes of a record file; equal records give equal bytes."""
    body = msgspec.json.encode(record, order="deterministic")
    envelope = _Envelope(schema=record.schema, sha256=hashlib.sha256(body).hexdigest(), record=msgspec.Raw(body))
    return msgspec.json.encode(envelope) + b"\n"


def decode_record(data: bytes) -> Record:
    """Return the record in the bytes of a record file.

    Raises:
        RecordError: the record comes from a newer version of the suite.
        ValueError: the bytes are not a whole, unchanged record.
    """
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    if envelope.schema > SCHEMA:
        raise RecordError(
            f"was written by a newer archbench (record format {envelope.schema}; this one reads up to {SCHEMA}). "
            "Upgrade archbench, or write to another folder with --out"
        )
    if envelope.schema < SCHEMA:
        raise ValueError(f"an older archbench wrote it, record format {envelope.schema}; today's trials differ")
    if hashlib.sha256(bytes(envelope.record)).hexdigest() != envelope.sha256:
        raise ValueError("its checksum does not match its content")
    try:
        record = msgspec.json.decode(envelope.record, type=Record)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    if record.id != record.trial.id:
        raise ValueError("its id does not match its trial")
    return record


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, leaves the old bytes or the new ones, never a part.

    Raises:
        StoreError: the folder cannot be written.
    """
    # The temporary file does not end in `.json`, so that listing `*.json` during a write does not find it.
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another --out"
        ) from None
    finally:  # the temporary file is still there if an error or Ctrl-C came before the rename
        with contextlib.suppress(OSError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Store:
    """The records below one output folder.

    Args:
        root: the output folder; made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records = root / "records"
        self.shared = root / f"{TEMPORARY}shared"

    def path(self, trial_id: str) -> Path:
        """Return the path of the record of a trial, whether or not it exists."""
        return self.records / trial_id[:2] / f"{trial_id}.json"

    def log(self, trial_id: str) -> Path:
        """Return the path of the file that takes the output of a trial."""
        return self.root / "logs" / f"{trial_id}.log"

    def write(self, record: Record) -> Record:
        """Write a record, replacing an earlier one of the trial, and return it as a later `read` will."""
        data = encode_record(record)
        write_atomically(self.path(record.id), data)
        return decode_record(data)  # turns tuples in options into lists, so that this run and later ones show the same

    def read(self, trial_id: str) -> Record | None:
        """Return the record of a trial; None if there is no valid one."""
        try:
            return decode_record(self.path(trial_id).read_bytes())
        except (OSError, ValueError):
            return None

    def load(self) -> tuple[dict[str, Record], list[SetAside]]:
        """Return all records by id, sorted by id, and move invalid files to `set-aside/`.

        Raises:
            RecordError: a record was written by a newer version; nothing is moved then.
            StoreError: the folder cannot be read.
        """
        readable, broken = self.scan()
        return readable, [self._set_aside(path, reason) for path, reason in broken]

    def scan(self) -> tuple[dict[str, Record], list[tuple[Path, str]]]:
        """Read records without moving files: all records by id, and the invalid files with reasons.

        Raises:
            RecordError: a record was written by a newer version.
            StoreError: the folder cannot be read.
        """
        readable: dict[str, Record] = {}
        broken: list[tuple[Path, str]] = []
        for path in self._files():
            try:
                record = decode_record(path.read_bytes())
                if path.stem != record.id:
                    raise ValueError("its name does not match its id")
                readable[record.id] = record
            except RecordError as error:
                raise RecordError(f"{path} {error}") from None
            except ValueError as error:
                broken.append((path, str(error)))
            except OSError as error:
                raise StoreError(f"cannot read {path}: {error.strerror or error}") from None
        return readable, broken

    def write_problems(self, problems: list[str]) -> None:
        """Write the problems of plugins in this run, one line each, so that the page depends on this folder only."""
        path = self.root / "problems.json"
        if problems:
            write_atomically(path, msgspec.json.encode(problems) + b"\n")
        else:
            path.unlink(missing_ok=True)

    def read_problems(self) -> list[str]:
        """Return the problems of plugins that the last run wrote."""
        try:
            return msgspec.json.decode((self.root / "problems.json").read_bytes(), type=list[str])
        except FileNotFoundError:
            return []
        except msgspec.DecodeError as error:
            raise StoreError(f"{self.root / 'problems.json'} is damaged ({error}); delete it") from None

    def _files(self) -> list[Path]:
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"{self.root} is a file; give a folder with --out")
        return sorted(self.records.glob("*/*.json"))

    def _set_aside(self, path: Path, reason: str) -> SetAside:
        target = self.root / "set-aside" / path.name
        number = 1
        while target.exists():
            target = target.with_name(f"{path.stem}-{number}.json")
            number += 1
        try:
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)
        except OSError as error:
            raise StoreError(f"cannot move the unreadable record {path}: {error.strerror or error}") from None
        return SetAside(name=path.name, reason=reason)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run, and delete the half-written files of a killed one.

        Raises:
            StoreError: the folder cannot be written, or another run holds it.
        """
        from filelock import FileLock, Timeout

        # The kernel frees the lock of a process that dies. A soft lock, filelock's fallback, would stay.
        lock = FileLock(self.root / ".lock", fallback_to_soft=False)
        try:
            self.records.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            raise StoreError(
                f"another run is writing to {self.root}; wait for it, or choose another folder with --out"
            ) from None
        except OSError as error:
            raise StoreError(f"{self._describe_refusal(error)}; choose another folder with --out") from None
        try:
            self._delete_leftovers()
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Keep the folder `shared` for the trials of one run; without it, each trial makes its data itself."""
        try:
            with contextlib.suppress(OSError):
                self.shared.mkdir(mode=0o700, parents=True)  # nobody else may change the data of a trial
            yield
        finally:
            shutil.rmtree(self.shared, ignore_errors=True)

    def _describe_refusal(self, error: OSError) -> str:
        reason = error.strerror or str(error)
        if error.errno in _NO_LOCKS:
            return f"cannot lock {self.root}: its file system has no locks ({reason})"
        return f"cannot write to {self.root}: {reason}"

    def _delete_leftovers(self) -> None:
        """Delete the temporary files of a killed run, only where this module writes: the folder may hold anything."""
        for pattern in (f"{TEMPORARY}*", f"records/*/{TEMPORARY}*"):
            for leftover in self.root.glob(pattern):
                if leftover.is_dir() and not leftover.is_symlink():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
