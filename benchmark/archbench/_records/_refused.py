"""Combinations that cannot exist, as one file beside the records. Each is a record of no trial that says why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from archbench._errors import StoreError
from archbench._protocols import Protocol
from archbench._records._files import read_plain_file
from archbench._records._printable import printable
from archbench._records._record import ArchitectureFacts, Origin, Record
from archbench._records._task_facts import TaskFacts
from archbench._records._trial import Component, Trial

REFUSED = "refused.json"
"""Name of the file; it may lie in every folder of records."""


class _Table(msgspec.Struct):
    """The combinations, with everything that several of them share written once; rows refer to it by position."""

    protocols: list[Protocol]
    architectures: list[tuple[Component, Origin, ArchitectureFacts]]
    tasks: list[tuple[Component, Origin, TaskFacts]]
    refused: list[tuple[int, int, int, str]]


def encode_refused(refused: Iterable[Record]) -> bytes:
    """Return the bytes of the file; equal combinations give equal bytes."""
    table = _Table([], [], [], [])
    for record in refused:
        trial = record.trial
        architecture = (trial.architecture, record.architecture_origin, record.architecture_facts)
        task = (trial.task, record.task_origin, record.task_facts)
        table.refused.append(
            (
                _position(table.protocols, trial.protocol),
                _position(table.architectures, architecture),
                _position(table.tasks, task),
                record.message,
            )
        )
    return msgspec.json.format(msgspec.json.encode(table, order="deterministic"), indent=1) + b"\n"


def read_refused(paths: Iterable[Path]) -> list[Record]:
    """Return one record for each combination in these files.

    Raises:
        StoreError: a file is damaged.
    """
    found: list[Record] = []
    for path in paths:
        try:
            table = msgspec.json.decode(read_plain_file(path), type=_Table)
            found += [_record(table, *row) for row in table.refused]
        except (ValueError, OSError, IndexError, RecursionError, OverflowError) as error:
            raise StoreError(f"{path} is damaged ({error}); delete it") from None
    return found


def one_for_each_cell(refused: Iterable[Record]) -> list[Record]:
    """Return the last of these records for each combination, in the order of ids."""
    return sorted({record.trial.cell: record for record in refused}.values(), key=lambda record: record.id)


def _position(known: list[Any], item: Any) -> int:
    if item not in known:
        known.append(item)
    return known.index(item)


def _record(table: _Table, protocol: int, architecture: int, task: int, reason: str) -> Record:
    left, left_origin, left_facts = table.architectures[architecture]
    right, right_origin, right_facts = table.tasks[task]
    trial = Trial(architecture=left, task=right, protocol=table.protocols[protocol], seed=0)
    return Record(
        id=trial.id,
        trial=trial,
        status="skipped",
        message=printable(reason),
        architecture_origin=left_origin,
        task_origin=right_origin,
        architecture_facts=left_facts,
        task_facts=right_facts,
    )
