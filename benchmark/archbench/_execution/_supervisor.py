"""The supervisor: one process per trial, a time limit, and a record for every ending."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import msgspec

from archbench._execution._channel import Channel
from archbench._execution._launchers import Child
from archbench._execution._pool import Pool
from archbench._planning import Device, Job, PlannedTrial
from archbench._records import Record, Status, Store, Weights

GRACE_SECONDS = 2.0
LOG_LINES = 20
TICK_SECONDS = 0.5


@dataclass(slots=True)
class _Running:
    job: Job
    child: Child
    device: Device
    started: str
    limit: float
    deadline: float
    channel: Channel
    terminated: float | None = None  # when SIGTERM was sent


def execute(
    planned: Sequence[PlannedTrial],
    store: Store,
    pool: Pool,
    *,
    timeout: float | None,
    keep: Callable[[PlannedTrial], Weights | None] = lambda planned: None,
    on_start: Callable[[PlannedTrial], None] = lambda planned: None,
    on_tick: Callable[[], None] = lambda: None,
) -> Generator[Record, None, None]:
    """Run trials, as many at a time as the pool has devices, and yield their records as they finish.

    Closing the iterator, or an exception in the caller (Ctrl-C), ends every running trial at once.

    Args:
        planned: the trials, in order.
        store: the store for the records.
        pool: the launcher and the devices.
        timeout: seconds that one trial may take; None for the limit of its protocol.
        keep: which weights of a trial to keep.
        on_start: called in this process when a trial is handed to a worker.
        on_tick: called at least twice a second.
    """
    waiting = list(reversed(planned))
    free = list(reversed(pool.devices))
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and free:
                item, device = waiting.pop(), free.pop()
                on_start(item)
                job = msgspec.structs.replace(item.job(device), keep=keep(item))
                running.append(_start(job, device, store, pool, timeout))
            wait([trial.child.sentinel for trial in running], TICK_SECONDS)
            on_tick()
            for trial in list(running):
                if trial.child.exit_code() is None:
                    _enforce_deadline(trial)
                    continue
                running.remove(trial)
                free.append(trial.device)
                yield _collect(trial, store)
    finally:
        for trial in running:  # do not wait for their end: the caller is shutting down
            _signal(trial.child, signal.SIGKILL)
            trial.channel.close()


def _start(job: Job, device: Device, store: Store, pool: Pool, timeout: float | None) -> _Running:
    limit = timeout or job.trial.protocol.timeout
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    job = msgspec.structs.replace(job, handed_over=time.monotonic())
    channel = Channel()
    child = pool.launcher.start(msgspec.json.encode(job), str(store.root.absolute()), channel)
    return _Running(job, child, device, started, limit, time.monotonic() + limit, channel)


def _enforce_deadline(trial: _Running) -> None:
    now = time.monotonic()
    if trial.terminated is not None:
        if now > trial.terminated + GRACE_SECONDS:
            _signal(trial.child, signal.SIGKILL)
    elif now > trial.deadline:
        trial.terminated = now
        _signal(trial.child, signal.SIGTERM)


def _collect(trial: _Running, store: Store) -> Record:
    """Write the record that the trial delivered, or if there is none, one that says how the trial ended; return it."""
    code = trial.child.exit_code()
    _signal(trial.child, signal.SIGKILL)  # ends processes that the trial started and left behind
    trial.child.close()
    log = store.log(trial.job.trial.id)
    record = trial.channel.receive(trial.job.trial.id)
    trial.channel.close()
    # Lightning turns SIGTERM into an exception; a trial at its time limit then delivers a record of a failure.
    if record is None or (trial.terminated is not None and record.status != "ok"):
        status: Status = "crashed" if trial.terminated is None else "timeout"
        message = _describe_exit(code) if trial.terminated is None else _describe_timeout(trial.limit)
        record = trial.job.record(status, message, detail=_tail(log), started=trial.started)
    record = store.write(record)
    if record.status == "ok":
        log.unlink(missing_ok=True)
    return record


def _describe_timeout(seconds: float) -> str:
    return f"not finished after {seconds:g} s; raise the limit with --timeout"


def _describe_exit(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = " (the kernel may have run out of memory)" if name == "SIGKILL" else ""
        return f"the process was ended by {name}{hint}"
    return f"the process ended with exit code {code} and left no record"


def _signal(child: Child, number: signal.Signals) -> None:
    """Signal the process group, and the process itself, which has no group of its own in its first milliseconds."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
    if child.exit_code() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)


def _tail(log: Path) -> str:
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-LOG_LINES:])
    except OSError:
        return ""
