"""The way of reports and the record from the process of a trial to the supervisor, which alone writes records.

It is a file without a name, which both processes have open, and which the kernel frees with them. They share its
offset, so the kernel puts what is written at its end, and reading leaves the offset alone. A message counts only behind
the token of its trial, so what a network writes into the output folder, or into this file, is not taken for one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import tempfile
from typing import TypeVar

import msgspec

from archbench._errors import RecordError
from archbench._records import Progress, Record, Together, decode_record, encode_record

Report = TypeVar("Report", Progress, Together)
_TOKEN_BYTES = 16


class Channel:
    """The supervisor's end."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(_TOKEN_BYTES)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the trial runs
        fcntl.fcntl(self._file, fcntl.F_SETFL, fcntl.fcntl(self._file, fcntl.F_GETFL) | os.O_APPEND)

    def fileno(self) -> int:
        """Return the descriptor that the process of the trial gets a copy of."""
        return self._file.fileno()

    def receive(self, trial_id: str) -> Record | None:
        """Return the record that a trial delivered last; None if there is none."""
        return next(reversed(self.receive_all(trial_id)), None)

    def receive_all(self, trial_id: str) -> list[Record]:
        """Return all records that the ranks of a trial delivered, the first one first."""
        found = (_decode(data, trial_id) for data in self._messages())
        return [record for record in found if record is not None]

    def reports(self, trial_id: str) -> list[Progress]:
        """Return the reports of a trial, in their order."""
        return [report for report in self._reports(Progress) if report.trial == trial_id]

    def together(self) -> Together | None:
        """Return the report on seeds that were to be trained together; None as long as there is none."""
        return next(iter(self._reports(Together)), None)

    def _reports(self, kind: type[Report]) -> list[Report]:
        reports = []
        for data in self._messages():
            with contextlib.suppress(msgspec.DecodeError):  # something else, or a message that was cut off
                reports.append(msgspec.json.decode(data, type=kind))
        return reports

    def _messages(self) -> list[bytes]:
        """Return every line behind the token; other bytes may lie between them."""
        _, *parts = _read(self.fileno()).split(self.token.encode() + b"\n")
        return [part.partition(b"\n")[0] for part in parts]

    def close(self) -> None:
        """Free the file."""
        self._file.close()


def _decode(data: bytes, trial_id: str) -> Record | None:
    try:
        record = decode_record(data)
    except (ValueError, RecordError):
        return None
    return record if record.id == trial_id else None


def deliver(descriptor: int, token: str, record: Record) -> None:
    """Hand a record to the supervisor, in the process of the trial.

    Args:
        descriptor: of the open file.
        token: of the trial.
        record: what the trial left.
    """
    _append(descriptor, token, encode_record(record))


def report(descriptor: int, token: str, said: Progress | Together) -> None:
    """Tell the supervisor how far a trial has got, or how seeds are trained; the arguments are those of `deliver`."""
    _append(descriptor, token, msgspec.json.encode(said) + b"\n")


def _append(descriptor: int, token: str, line: bytes) -> None:
    data = token.encode() + b"\n" + line
    while data:  # all at once, except on a full disk
        data = data[os.write(descriptor, data) :]


def _read(descriptor: int) -> bytes:
    data = b""
    while more := os.pread(descriptor, os.fstat(descriptor).st_size, len(data)):
        data += more
    return data
