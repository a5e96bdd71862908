"""The store: one JSON file per trial. A record on disk is complete or absent.

```
OUT/records/ab/ab12....json    one record; the name is the id of its trial
OUT/records/refused.json       which combinations cannot exist, and why; they have no trials
OUT/logs/ab12....log           what a trial printed; kept unless it ended `ok`
OUT/checkpoints/ab12....safetensors   the state of a long trial; there while it trains, or after it was stopped
OUT/states/                    states at the end of trials, for `--extend`; no part of the identity of a trial
OUT/networks/                  networks that were kept (`_network`); no part of the identity of a trial
OUT/live_logs/                 what `--logger` wrote
OUT/problems.json              plugins that the last run could not load; the page shows them
OUT/set-aside/                 files that do not count as records, moved here, never deleted
OUT/set-aside.json             why they do not count; the page shows it
OUT/.page.json                 what the page was made from, for a run that changes nothing
OUT/run.json                   how far a run has got; there while it trains, for `benchmark status`
OUT/.lock                      held while a run writes; the kernel frees it when the process dies
OUT/.archbench-tmp-shared/     what the trials of a run share; deleted at its end, or by the next run if it was killed
```

Folders of records that were copied below `records/`, such as those of another machine, are read too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from archbench._errors import RecordError, StoreError
from archbench._records._files import (
    TEMPORARY,
    checksum,
    decode_record,
    encode_record,
    read_plain_file,
    unreadable,
    write_atomically,
)
from archbench._records._holding import hold
from archbench._records._printable import printable
from archbench._records._record import Record
from archbench._records._refused import REFUSED, encode_refused, one_for_each_cell, read_refused
from archbench._records._scan import read_files
from archbench._records._trial import ID_DIGITS, CellKey


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file that was moved out of the way because it is not a valid record."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} is not a valid record ({self.reason}); it was moved to set-aside/"


class Store:
    """The records below one output folder.

    Args:
        root: the output folder; made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records = root / "records"
        self.networks = root / "networks"
        self.live_logs = root / "live_logs"
        self.states = root / "states"
        self.shared = root / f"{TEMPORARY}shared"
        self.refused: list[Record] = []
        """One record for each combination that cannot exist, as the folder was last read or written."""
        self.newer: dict[str, str] = {}
        """Why the records of some trials cannot be read, which a newer version wrote; by the ids of the trials."""
        self.contradictory: list[tuple[Path, Record]] = []
        """Files, as the folder was last read, of trials whose records contradict each other; none of them counts."""
        self._known: dict[str, list[str]] = {}  # checksums that files may have: as they were read, and as written

    def path(self, trial_id: str) -> Path:
        """Return the path of the record of a trial, whether or not it exists."""
        return self.records / trial_id[:2] / f"{trial_id}.json"

    def log(self, trial_id: str) -> Path:
        """Return the path of the file that takes the output of a trial."""
        return self.root / "logs" / f"{trial_id}.log"

    def checkpoint(self, trial_id: str) -> Path:
        """Return the path of the file that keeps the state of a long trial while it trains."""
        return self.root / "checkpoints" / f"{trial_id}.safetensors"

    def drop_checkpoint(self, trial_id: str) -> None:
        """Remove the state of a trial that has its result."""
        path = self.checkpoint(trial_id)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it holds that of another trial, or was never made
            path.parent.rmdir()

    def drop_checkpoints(self, finished: Iterable[str]) -> None:
        """Remove the states of trials that have their results; a run that was killed in between left them.

        Args:
            finished: ids of the trials that have one.
        """
        left = {path.stem for path in self.checkpoint("any").parent.glob("*.safetensors")}
        for trial_id in left.intersection(finished):
            self.drop_checkpoint(trial_id)

    def write(self, record: Record) -> Record:
        """Write a record, replacing an earlier one of the trial, and return it as a later `read` will."""
        data, path = encode_record(record), self.path(record.id)
        self._known.setdefault(os.fspath(path), []).append(
            checksum(data)
        )  # before writing, which a signal may interrupt
        write_atomically(path, data)
        return decode_record(data)  # turns tuples in options into lists, so that this run and later ones show the same

    def read(self, trial_id: str) -> Record | None:
        """Return the record of a trial; None if there is no valid one."""
        try:
            return decode_record(self.path(trial_id).read_bytes())
        except (OSError, ValueError, RecordError):
            return None

    def load(self) -> tuple[dict[str, Record], list[SetAside]]:
        """Return the records of all trials by id, and move invalid files to `set-aside/`.

        Raises:
            StoreError: the folder cannot be read.
        """
        readable, broken = self.scan()
        return readable, [self.set_aside(path, reason) for path, reason in broken]

    def scan(self) -> tuple[dict[str, Record], list[tuple[Path, str]]]:
        """Read records without moving files: those of trials by id, and the invalid files with reasons.

        Raises:
            StoreError: the folder cannot be read.
        """
        found = read_files(self._files())
        self._known = found.checksums
        self.contradictory = found.contradictory
        self.newer = {printable(path.stem): reason for path, reason in found.newer}
        self.refused = one_for_each_cell([*found.refused, *read_refused(sorted(self.records.rglob(REFUSED)))])
        return found.records, found.broken

    def set_aside(self, path: Path, reason: str) -> SetAside:
        """Move a file that is no valid record to `set-aside/`, keep the reason there, and return both.

        Raises:
            StoreError: the file cannot be moved.
        """
        name = printable(path.name)
        target = self.root / "set-aside" / name.replace("\\", "_")
        stem, number = target.stem, 1
        while os.path.lexists(target):
            target = target.with_name(f"{stem}-{number}.json")
            number += 1
        reasons = {**self._reasons(), target.name: reason}
        try:
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)
            self._known.pop(os.fspath(path), None)
            write_atomically(self._reasons_path, msgspec.json.encode(reasons, order="sorted") + b"\n")
        except OSError as error:
            raise StoreError(f"cannot move the unreadable record {path}: {error.strerror or error}") from None
        return SetAside(name=name, reason=reason)

    def checksums(self) -> list[tuple[str, str]]:
        """Return the path of each file of a record and the checksum of what was read or written last, in order."""
        return sorted((path, known[-1]) for path, known in self._known.items())

    def restore(self, records: Mapping[str, Record]) -> list[str]:
        """Put right what something else than this store changed among the files since they were read.

        Files that were added or changed are set aside, and records that are lost are written again.

        Args:
            records: by id, as they should be on disk.

        Returns:
            A line for each file that was not as it should be.
        """
        lines, lost = [], set(self._known)
        for name in self._files():
            if _checksum_of(name) in self._known.get(name, ()):
                lost.discard(name)
                continue
            path, done = Path(name), "changed" if name in self._known else "added"
            lines.append(f"{path.name} was {done} during the run by something else; it was moved to set-aside/")
            self.set_aside(path, f"{done} during a run by something else")
        for path in sorted(map(Path, lost)):
            if path.stem in records and path.stem not in self.newer:
                self.write(records[path.stem])
                lines.append(f"{path.name} was lost during the run; it was written again")
        return lines

    def drop_empty_logs(self) -> None:
        """Remove the folder of the logs if no trial left one; no trial may be running."""
        with contextlib.suppress(OSError):  # it holds the log of a trial that did not end ok, or was never made
            (self.root / "logs").rmdir()

    def write_refused(self, refused: Iterable[Record], possible: Container[CellKey]) -> None:
        """Write which combinations cannot exist, for the page.

        Args:
            refused: those of a plan; earlier ones of other plans stay.
            possible: the combinations that can exist by now.
        """
        kept = [record for record in self.refused if record.trial.cell not in possible]
        self.refused = one_for_each_cell([*kept, *refused])
        path, data = self.records / REFUSED, encode_refused(self.refused)
        if not self.refused:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_bytes() != data:
            write_atomically(path, data)

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
            return msgspec.json.decode(read_plain_file(self.root / "problems.json"), type=list[str])
        except FileNotFoundError:
            return []
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{self.root / 'problems.json'} is damaged ({error}); delete it") from None

    def read_reasons(self, counted: Container[str]) -> list[str]:
        """Return a line for each file that was set aside, unless its trial has a record that counts by now.

        Args:
            counted: ids of the trials that have one.
        """
        reasons = {**self._reasons(), **{f"{trial_id}.json": reason for trial_id, reason in self.newer.items()}}
        named = sorted(reasons.items())
        return [f"{name} does not count: {reason}" for name, reason in named if name[:ID_DIGITS] not in counted]

    def _reasons(self) -> dict[str, str]:
        try:
            reasons = msgspec.json.decode(read_plain_file(self._reasons_path), type=dict[str, str])
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        return {name: reason for name, reason in reasons.items() if os.path.lexists(self.root / "set-aside" / name)}

    @property
    def _reasons_path(self) -> Path:
        return self.root / "set-aside.json"

    def _files(self) -> list[str]:
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"{self.root} is a file; give a folder with --out")
        found = []
        for folder, folders, files in os.walk(self.records, onerror=_refuse_unreadable):
            found += [os.path.join(folder, name) for name in (*folders, *files) if name.endswith(".json")]
            # What lies in a folder that is called like a record is set aside with the folder.
            folders[:] = [name for name in folders if not name.endswith(".json")]
        mine = [path for path in found if not path.endswith(f"{os.sep}{REFUSED}")]
        return sorted(mine, key=lambda path: path.replace(os.sep, "\0"))  # in the order of their parts

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run, and delete the half-written files of a killed one.

        Raises:
            StoreError: the folder cannot be written, or another run holds it.
        """
        with hold(self.root, [self.records, self.root / "logs", self.root / "set-aside", self.shared]):
            yield

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Keep the folder `shared` for the trials of one run; without it, each trial makes its data itself."""
        try:
            with contextlib.suppress(OSError):
                self.shared.mkdir(mode=0o700, parents=True)  # nobody else may change the data of a trial
            yield
        finally:
            shutil.rmtree(self.shared, ignore_errors=True)


def _refuse_unreadable(error: OSError) -> None:
    """Raise if a folder is there and cannot be listed: its trials would count as open, and be trained again."""
    if not isinstance(error, FileNotFoundError):
        raise unreadable(error.filename, error) from None


def _checksum_of(path: str) -> str:
    """Return the checksum of a file; empty for what is none, such as a pipe."""
    try:
        return checksum(read_plain_file(path))
    except ValueError:
        return ""
