"""Reading a folder of records: which files count, and why the others do not."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from archbench._errors import RecordError
from archbench._garbage import without_collection
from archbench._records._files import checksum, decode_record, read_plain_file, unreadable
from archbench._records._fit import misfit
from archbench._records._parts import Parts
from archbench._records._record import Record

RESULTS = ("ok", "diverged")
"""Statuses that follow from the trial itself; the others depend on the machine, too."""


class Found(NamedTuple):
    """A folder as it was read.

    Args:
        records: the records of trials, by id.
        refused: records that say why a combination cannot exist; older versions wrote one for each seed.
        broken: the files that do not count, with reasons.
        contradictory: those among them whose records contradict each other, with these.
        newer: the files that a newer version wrote, with reasons.
        checksums: of every file by its path, in a list of one, which takes those of later contents.
    """

    records: dict[str, Record]
    refused: list[Record]
    broken: list[tuple[Path, str]]
    contradictory: list[tuple[Path, Record]]
    newer: list[tuple[Path, str]]
    checksums: dict[str, list[str]]


class _Copy(NamedTuple):
    path: str
    record: Record


def read_files(paths: Iterable[str]) -> Found:
    """Read these files, and decide which of them count.

    A file does not count if it is no whole record, has another name than the id of its trial, or does not fit its
    protocol. Files of one trial that agree count once. If they contradict each other, none of them counts.

    Raises:
        StoreError: a file cannot be read.
    """
    found = Found({}, [], [], [], [], {})
    copies: defaultdict[str, list[_Copy]] = defaultdict(list)
    parts = Parts()
    with without_collection():
        for path in paths:
            try:
                data = read_plain_file(path)
                found.checksums[path] = [checksum(data)]
                record = _fitting(decode_record(data, parts))
                copies[record.id].append(_Copy(path, record))
            except RecordError as error:
                found.newer.append((Path(path), str(error)))
            except ValueError as error:
                found.broken.append((Path(path), str(error)))
            except OSError as error:
                raise unreadable(path, error) from None
    for mine in copies.values():
        _choose(mine, found)
    return found


def _fitting(record: Record) -> Record:
    """Return the record; raise if it cannot be what its trial leaves."""
    try:
        reason = misfit(record)
    except Exception as error:  # no rule is written for numbers and lists that only a forger makes
        raise ValueError(f"does not fit its protocol: {type(error).__name__}: {error}") from None
    if reason:
        raise ValueError(f"does not fit its protocol: {reason}")
    return record


def _choose(copies: list[_Copy], found: Found) -> None:
    """Add the record that counts of one trial, or the reasons why none does."""
    if len(copies) > 1 and (reason := contradiction([copy.record for copy in copies])):
        found.broken.extend((Path(copy.path), reason) for copy in copies)
        found.contradictory.extend((Path(copy.path), copy.record) for copy in copies)
        return
    misnamed = [copy for copy in copies if not copy.path.endswith(f"{os.sep}{copy.record.id}.json")]
    found.broken.extend((Path(copy.path), "its name does not match its id") for copy in misnamed)
    named = [copy.record for copy in copies if copy not in misnamed]
    if named:
        best = choose(named)
        if best.status == "skipped":
            found.refused.append(best)
        else:
            found.records[best.id] = best


def choose(records: Iterable[Record]) -> Record:
    """Return the record of a trial that counts, among some that do not contradict each other."""
    return max(records, key=lambda record: (record.status in RESULTS, record.started))


def contradiction(records: Sequence[Record]) -> str:
    """Return how records of one trial contradict each other; empty if they do not.

    A crash on one machine does not contradict a result of another. Neither does a result under the recipe that an
    earlier tuning chose.
    """
    recipe = max(records, key=lambda record: record.started).trial.recipe
    results = [record for record in records if record.status in RESULTS and record.trial.recipe == recipe]
    if len({_outcome(record) for record in results}) < 2:
        return ""
    scores = sorted({_describe(record) for record in results})
    return f"records of one trial contradict each other: {' and '.join(scores)}; none of them counts"


def _outcome(record: Record) -> tuple[str, float | None, float | None]:
    """Return what the page shows of a result; times differ in every repetition, and losses in their last digits."""
    return record.status, record.scores.test if record.scores else None, record.validation


def _describe(record: Record) -> str:
    where = "" if record.environment is None else f" on {record.environment.place}"
    score = record.status if record.scores is None else f"{record.task_facts.metric} {record.scores.test!r}"
    return f"{score}{where}"
