"""The records that are to be reproduced: those of a folder, one of them, or the file of a record; and samples."""

from __future__ import annotations

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from archbench._errors import RecordError, SelectionError, StoreError
from archbench._protocols import identity_hash
from archbench._records import CellKey, Record, Store, decode_record, folder_exists, misfit
from archbench._suite._certificate import InvalidFile
from archbench._suite._settings import DEFAULT_OUT

_PREFIX = re.compile(r"[0-9a-f]{1,32}")
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Records that are to be reproduced, and those beside them.

    Args:
        root: the folder that holds `records/`; None for a file that lies in none.
        wanted: the records that are meant.
        beside: all records of the folder, among which are other seeds of the same cells.
        invalid: files of the folder that are no valid records, or of a newer version; none where one record is meant.
    """

    root: Path | None
    wanted: tuple[Record, ...]
    beside: tuple[Record, ...]
    invalid: tuple[InvalidFile, ...] = ()


def open_source(target: str) -> Source:
    """Return the records that a text names: a folder that holds `records/`, a file, `PREFIX` or `FOLDER/PREFIX`.

    Raises:
        SelectionError: there is nothing of this name, or a prefix fits several records.
        StoreError: the folder holds no record, or cannot be read.
        RecordError: the file is no valid record, or was written by a newer version.
    """
    path = Path(target)
    if os.path.isdir(path):
        return _open_folder(path)
    if os.path.isfile(path):
        return _open_file(path)
    return _find_by_prefix(target, path)


def draw(records: Collection[Record], count: int, *, seed: int) -> list[Record]:
    """Return a sample of records, one of each cell before a second of any; the same on every machine.

    Args:
        records: all of them, in any order.
        count: size of the sample; all records if there are fewer.
        seed: of the draw.

    Raises:
        SelectionError: the count is not positive.
    """
    if count < 1:
        raise SelectionError(f"`sample` is {count}; at least 1 is needed")
    cells: defaultdict[CellKey, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: identity_hash([seed, record.id])):
        cells[record.trial.cell].append(record)
    shuffled = sorted(cells, key=lambda cell: identity_hash([seed, *cell]))
    rounds = itertools.zip_longest(*(cells[cell] for cell in shuffled))
    return [record for turn in rounds for record in turn if record is not None][:count]


def _open_folder(root: Path) -> Source:
    if not folder_exists(root / "records"):
        above = next((path.parent for path in (root, *root.parents) if path.name == "records"), None)
        hint = f"give {above}" if above else "give the folder that a run wrote, or the file of a record"
        raise StoreError(f"{root} holds no folder records/; {hint}")
    store = Store(root)
    records, broken = store.scan()
    invalid = [InvalidFile(name=path.name, reason=reason) for path, reason in broken]
    invalid += [InvalidFile(name=f"{name}.json", reason=f"it {reason}") for name, reason in store.newer.items()]
    if not records:
        because = f"; the first of {len(invalid)} files that are none: {invalid[0].reason}" if invalid else ""
        raise StoreError(f"{root / 'records'} holds no record of a trial{because}; run `benchmark run` first")
    found = tuple(records.values())
    return Source(root=root, wanted=found, beside=found, invalid=tuple(invalid))


def _open_file(path: Path) -> Source:
    try:
        record = decode_record(path.read_bytes())
    except (RecordError, ValueError, OSError) as error:
        raise RecordError(f"{path} is no record that can be read: {error}") from None
    if reason := misfit(record):
        raise RecordError(f"{path} is no record that counts: it does not fit its protocol: {reason}")
    if record.status == "skipped":
        raise RecordError(f"{path} says why there is no trial ({record.message}); there is nothing to train again")
    root = next((above.parent for above in path.absolute().parents if above.name == "records"), None)
    beside = () if root is None else tuple(Store(root).scan()[0].values())
    return Source(root=root, wanted=(record,), beside=beside)


def _find_by_prefix(target: str, path: Path) -> Source:
    root, prefix = (path.parent if len(path.parts) > 1 else DEFAULT_OUT), path.name
    if not _PREFIX.fullmatch(prefix) or not os.path.isdir(root / "records"):
        raise SelectionError(
            f"there is no record or folder {target!r}; give a folder that a run wrote, the file of a record, "
            f"or the first digits of an id as FOLDER/DIGITS ({DEFAULT_OUT}/ if no folder is given)"
        )
    store = Store(root)
    records = tuple(store.scan()[0].values())
    found = [record for record in records if record.id.startswith(prefix)]
    newer = [f"{name}.json {reason}" for name, reason in store.newer.items() if name.startswith(prefix)]
    if newer and not found:
        raise RecordError(newer[0])
    if len(found) != 1:
        raise SelectionError(f"{_count(found)} in {root} begins with {prefix!r}; {_advise(found)}")
    return Source(root=root, wanted=tuple(found), beside=records)


def _count(found: Sequence[Record]) -> str:
    return f"the id of {len(found)} records" if found else "no id of a record"


def _advise(found: Sequence[Record]) -> str:
    if not found:
        return "the names of the files in records/ are the ids"
    shown = ", ".join(record.id for record in found[:_SHOWN])
    return f"give more digits, as of {shown}{' ...' if len(found) > _SHOWN else ''}"
