"""The way of reports and the record from the process of a trial to the supervisor, which alone writes records.

It is a file without a name, which both processes have open, and which the kernel frees with them. A message counts only
behind the token of its trial, so what a network writes into the output folder, or into this file, is not taken for one.
"""

from __future__ import annotations

import os
import secrets
import tempfile

import msgspec

from archbench._errors import RecordError
from archbench._records import Progress, Record, decode_record, encode_record

_TOKEN_BYTES = 16


class Channel:
    """The supervisor's end."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(_TOKEN_BYTES)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the trial runs

    def fileno(self) -> int:
        """Return the descriptor that the process of the trial gets a copy of."""
        return self._file.fileno()

    def receive(self, trial_id: str) -> Record | None:
        """Return the record that the trial delivered last; None if there is none, or it is of another trial."""
        *_, data = self._messages() or [b""]
        return _decode(data, trial_id)

    def receive_all(self, trial_id: str) -> list[Record]:
        """Return all records that the ranks of a trial delivered, the first one first."""
        found = (_decode(data, trial_id) for data in self._messages())
        return [record for record in found if record is not None]

    def reports(self) -> list[Progress]:
        """Return the reports of the trial, in their order."""
        reports = []
        for data in self._messages():
            try:
                reports.append(msgspec.json.decode(data, type=Progress))
            except msgspec.DecodeError:
                continue  # the record, or a message that was cut off
        return reports

    def _messages(self) -> list[bytes]:
        """Return every line behind the token; other bytes may lie between them."""
        self._file.seek(0)
        _, *parts = self._file.read().split(self.token.encode() + b"\n")
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


def report(descriptor: int, token: str, progress: Progress) -> None:
    """Tell the supervisor how far the trial has got; the arguments are those of `deliver`."""
    _append(descriptor, token, msgspec.json.encode(progress) + b"\n")


def _append(descriptor: int, token: str, line: bytes) -> None:
    os.lseek(descriptor, 0, os.SEEK_END)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(token.encode() + b"\n" + line)
