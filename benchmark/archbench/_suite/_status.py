"""The status of a run: a small file in its folder that another process can read, while the run goes on.

The file is there as long as trials are trained. A run that was killed leaves it behind; the lock of the folder tells.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from archbench._errors import StoreError
from archbench._planning import Device
from archbench._records import Record, Store, Trial, folder_exists, is_held, printable, write_atomically
from archbench._suite._observer import Observer
from archbench._suite._pace import Pace

NAME = "run.json"
"""Name of the file below the output folder."""

HEARTBEAT = 10.0
"""Seconds after which the file is written again though nothing happened, so that the time left is not old."""

SILENCE = 60.0
"""Seconds without a new status after which a run whose lock cannot be seen from here counts as killed."""

_LAST_FAILURES = 10


class RunningTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that is being trained: what it is, and for how many seconds."""

    trial: str
    seconds: float


class EndedBadly(msgspec.Struct, frozen=True, kw_only=True):
    """A trial of this run that did not end ok: what it is, its status, the reason, and the id of its record."""

    trial: str
    status: str
    message: str
    record: str


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has got.

    Args:
        host, pid: the machine and the process that train.
        started, updated: UTC, ISO 8601.
        kept: trials of the plan that had their records before.
        total: trials that this run has to train, those that tuning may still decide on included.
        done: how many of them are finished.
        statuses: number of finished trials by status.
        device: `cpu` or `cuda`; empty as long as the run looks for it.
        workers: trials at a time; None as long as that is not known.
        running: the trials that are being trained.
        failures: the last trials that did not end ok, the newest last.
        seconds_left: a guess; None until a trial is finished.
    """

    host: str
    pid: int
    started: str
    updated: str
    kept: int
    total: int
    done: int
    statuses: dict[str, int]
    device: str
    workers: int | None
    running: list[RunningTrial]
    failures: list[EndedBadly]
    seconds_left: float | None


class StatusFile(Observer):
    """Writes the status of a run into its folder, and never stops the run if that is not possible.

    Args:
        root: the output folder.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / NAME
        self.pace = Pace()
        self.started, self.kept, self.device = _now(), 0, ""
        self.statuses: Counter[str] = Counter()
        self.failures: list[EndedBadly] = []

    def training_started(self, total: int, kept: int) -> None:
        """Note how much there is to do."""
        self.pace.expect(total)
        self.kept = kept
        self._write()

    def workers_ready(self, devices: Sequence[Device], warning: str) -> None:
        """Note the device and how many trials run at a time."""
        self.pace.workers, self.device = len(devices), devices[0].kind
        self._write()

    def trial_started(self, trial: Trial) -> None:
        """Note the trial."""
        self.pace.start(trial)
        self._write()

    def trial_finished(self, record: Record) -> None:
        """Note the result."""
        self.pace.finish(record.trial)
        self.statuses[record.status] += 1
        if record.status != "ok":
            message = record.message[:200]
            self.failures.append(
                EndedBadly(trial=str(record.trial), status=record.status, message=message, record=record.id)
            )
        self._write()

    def waiting(self) -> None:
        """Write again from time to time."""
        if self.pace.clock() - self._written > HEARTBEAT:
            self._write()

    def training_ended(self) -> None:
        """Take the file away."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        self._written = self.pace.clock()
        status = RunStatus(
            host=platform.node(),
            pid=os.getpid(),
            started=self.started,
            updated=_now(),
            kept=self.kept,
            total=self.pace.total,
            done=self.pace.done,
            statuses=dict(sorted(self.statuses.items())),
            device=self.device,
            workers=self.pace.workers if self.device else None,
            running=[RunningTrial(trial=str(t), seconds=round(s, 1)) for t, s in self.pace.running_for()],
            failures=self.failures[-_LAST_FAILURES:],
            seconds_left=self.pace.seconds_left(),
        )
        with contextlib.suppress(StoreError):
            write_atomically(self.path, msgspec.json.encode(status) + b"\n", durable=False)


class FolderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a folder, as another process sees it.

    Args:
        state: `running` while a run trains, `killed` if one left its status behind, else `idle`.
        run: how far the run has got, or had when it was killed; None where none trains.
        records: number of records in the folder, by status.
        broken: files among them that are no valid records: each with its name and what is wrong.
        newer: why the records of some trials cannot be read, which a newer version wrote; by the ids of the trials.
    """

    state: str
    run: RunStatus | None
    records: dict[str, int]
    broken: dict[str, str]
    newer: dict[str, str]


def read_folder_status(root: Path) -> FolderStatus:
    """Return the status of a folder; nothing in it is changed, and a run that holds it is not disturbed.

    Raises:
        StoreError: the folder is not there or cannot be read.
    """
    if not folder_exists(root):
        raise StoreError(f"there is no folder {root}; name the folder of a run with --out")
    store = Store(root)
    found, broken = store.scan()
    run = _read(root / NAME)
    alive = run is not None and _is_alive(run, root)
    if not alive:
        run = _read(root / NAME)  # it may have ended since, and taken its status away
    return FolderStatus(
        state="idle" if run is None else "running" if alive else "killed",
        run=run,
        records=dict(sorted(Counter(record.status for record in found.values()).items())),
        broken={printable(path.relative_to(root).as_posix()): reason for path, reason in broken},
        newer=store.newer,
    )


def _read(path: Path) -> RunStatus | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunStatus)
    except (OSError, msgspec.DecodeError):
        return None


def _is_alive(run: RunStatus, root: Path) -> bool:
    """Return whether the run of a folder goes on: whether it holds the folder, else whether it wrote lately.

    Its process tells nothing: containers have their own numbers, and numbers are given again.
    """
    held = is_held(root)
    if held or (held is False and run.host == platform.node()):
        return held
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(run.updated)
    return age.total_seconds() < SILENCE


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
