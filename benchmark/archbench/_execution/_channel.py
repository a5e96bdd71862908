"""The way of a record from the process of a trial to the supervisor, which alone writes into the folder of records.

It is a file without a name, which both processes have open, and which the kernel frees with them. A record counts only
behind the token of its trial, so what a network writes into the output folder, or into this file, is not taken for one.
"""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile

from archbench._errors import RecordError
from archbench._records import Record, decode_record, encode_record

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
        """Return the record that the trial delivered; None if there is none, or it is of another trial."""
        self._file.seek(0)
        token, _, data = self._file.read().partition(b"\n")
        if not hmac.compare_digest(token, self.token.encode()):
            return None
        try:
            record = decode_record(data)
        except (ValueError, RecordError):
            return None
        return record if record.id == trial_id else None

    def close(self) -> None:
        """Free the file."""
        self._file.close()


def deliver(descriptor: int, token: str, record: Record) -> None:
    """Hand a record to the supervisor, in the process of the trial.

    Args:
        descriptor: of the open file.
        token: of the trial.
        record: what the trial left.
    """
    os.ftruncate(descriptor, 0)  # whatever else wrote there
    with open(descriptor, "wb", closefd=False) as file:
        file.seek(0)
        file.write(token.encode() + b"\n" + encode_record(record))
