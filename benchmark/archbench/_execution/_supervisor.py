"""The supervisor: one process per trial, a time limit, and a record for every ending."""

from __future__ import annotations

import datetime
import signal
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

import msgspec

from archbench._execution._arrivals import Arrivals, Runnable
from archbench._execution._channel import Channel
from archbench._execution._endings import describe_exit, describe_timeout, reached
from archbench._execution._logs import cut, cut_if_large, drop_if_empty, tail
from archbench._execution._pool import Pool
from archbench._execution._ranks import Ranks, start_ranks
from archbench._planning import Device, Job, LoggerName
from archbench._records import RESULTS, Record, Store, Weights, printable

GRACE_SECONDS = 2.0
TICK_SECONDS = 0.5
LOST = "the server that trials are forked from ended twice while this trial ran, so nobody knows how it ended"


@dataclass(slots=True)
class _Running:
    planned: Runnable
    job: Job
    child: Ranks
    device: Device
    started: str
    limit: float
    deadline: float
    channel: Channel
    terminated: float | None = None  # when SIGTERM was sent


def execute(
    planned: Sequence[Runnable],
    store: Store,
    pool: Pool,
    *,
    timeout: float | None,
    keep: Callable[[Any], Weights | None] = lambda planned: None,
    logger: LoggerName | None = None,
    extend: bool = False,
    on_start: Callable[[Any], None] = lambda planned: None,
    on_tick: Callable[[], None] = lambda: None,
    arrivals: Arrivals | None = None,
) -> Generator[Record, None, None]:
    """Run trials, as many at a time as the pool has devices, and yield their records as they finish.

    Closing the iterator, or an exception in the caller (Ctrl-C), ends every running trial at once.

    Args:
        planned: the trials, in order.
        store: the store for the records.
        pool: the launcher and the devices.
        timeout: seconds that one trial may take; None for the limit of its protocol.
        keep: which weights of a trial to keep.
        logger: which logger follows the trials.
        extend: trials go on from those with a smaller budget.
        on_start: called in this process when a trial is handed to a worker.
        on_tick: called at least twice a second.
        arrivals: further trials that come meanwhile; None if none will. The iterator ends when they are closed, too.
    """
    arrivals = arrivals or Arrivals(is_open=False)
    waiting = list(reversed(planned))
    free = list(reversed(pool.devices))
    running: list[_Running] = []
    lost: set[str] = set()
    try:
        while waiting or running or arrivals.is_open:
            waiting[:0] = reversed(arrivals.take())
            while waiting and free:
                item, device = waiting.pop(), free.pop()
                on_start(item)
                job = msgspec.structs.replace(item.job(device), keep=keep(item), logger=logger, extend=extend)
                running.append(_start(item, job, device, store, pool, timeout))
            ends = [sentinel for trial in running for sentinel in trial.child.sentinels]
            wait([arrivals.bell, *ends], TICK_SECONDS)
            on_tick()
            for trial in list(running):
                if trial.child.exit_code() is None:
                    cut_if_large(store.log(trial.job.trial.id))
                    _enforce_deadline(trial)
                    continue
                running.remove(trial)
                free.append(trial.device)
                again = trial.child.lost and trial.planned.id not in lost
                record = _collect(trial, store, again=again)
                pool.launcher.clear([number for other in running for number in other.child.process_ids])
                if record is None:
                    lost.add(trial.planned.id)
                    waiting.append(trial.planned)
                else:
                    yield record
    finally:
        for trial in running:  # do not wait for their end: the caller is shutting down
            trial.child.end()
            trial.channel.close()


def _start(planned: Runnable, job: Job, device: Device, store: Store, pool: Pool, timeout: float | None) -> _Running:
    job = msgspec.structs.replace(job, handed_over=time.monotonic())
    limit = timeout or job.trial.protocol.timeout
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    channel = Channel()
    child = start_ranks(pool.launcher, job, store, channel)
    return _Running(planned, job, child, device, started, limit, time.monotonic() + limit, channel)


def _enforce_deadline(trial: _Running) -> None:
    now = time.monotonic()
    if trial.terminated is not None:
        if now > trial.terminated + GRACE_SECONDS:
            trial.child.signal(signal.SIGKILL)
    elif now > trial.deadline:
        trial.terminated = now
        trial.child.signal(signal.SIGTERM)


def _collect(trial: _Running, store: Store, *, again: bool) -> Record | None:
    """Write the record that the trial delivered, or if there is none, one that says how the trial ended; return it.

    Args:
        trial: the trial, which has ended.
        store: takes the record.
        again: write no record of an end that is unknown, and return None.
    """
    code, lost = trial.child.exit_code(), trial.child.lost
    trial.child.end()  # and what it started and left behind
    trial.child.close()
    log = store.log(trial.job.trial.id)
    cut(log)
    record = trial.child.receive(trial.channel, trial.job.trial.id)
    if record is None and again and trial.terminated is None:
        trial.channel.close()
        return None
    # Lightning turns SIGTERM into an exception; a trial at its time limit then delivers a record of a failure.
    if trial.terminated is not None and (record is None or record.status != "ok"):
        record = _timed_out(trial, record, tail(log))
    elif record is None:
        record = _crashed(trial, code, tail(log), lost=lost)
    trial.channel.close()
    record = store.write(
        msgspec.structs.replace(record, message=printable(record.message), detail=printable(record.detail))
    )
    if record.status == "ok":
        log.unlink(missing_ok=True)
    drop_if_empty(log)
    if record.status in RESULTS:
        store.drop_checkpoint(record.id)
    return record


def _timed_out(trial: _Running, delivered: Record | None, detail: str) -> Record:
    """Return the record of a trial that reached its time limit, with all that it had reached."""
    reports = trial.channel.reports()
    needed = reports[-1].needed if reports else None
    record = delivered or trial.job.record("timeout", started=trial.started, **reached(reports))
    message = describe_timeout(trial.limit, record.training, needed)
    return msgspec.structs.replace(record, status="timeout", message=message, detail=detail)


def _crashed(trial: _Running, code: int | None, detail: str, *, lost: bool) -> Record:
    """Return the record of a trial whose process ended by itself and delivered none."""
    known = reached(trial.channel.reports())
    message = LOST if lost else trial.child.name_of_dead + describe_exit(code, known.get("training"))
    return trial.job.record("crashed", message, detail=detail, started=trial.started, **known)
