"""The supervisor: one process per trial, or for some seeds together, a time limit, and a record for every ending."""

from __future__ import annotations

import datetime
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import msgspec

from archbench._execution._arrivals import Arrivals, Runnable
from archbench._execution._channel import Channel
from archbench._execution._endings import describe_exit, describe_timeout, may_be_of_company, ran_alone, reached
from archbench._execution._groups import Group, Waiting
from archbench._execution._logs import cut, cut_if_large, drop_if_empty, tail
from archbench._execution._pool import Pool
from archbench._execution._ranks import Ranks, start_ranks
from archbench._execution._slots import Slots, for_itself, place_of
from archbench._planning import Device, Job, LoggerName
from archbench._records import RESULTS, Record, Store, Weights

GRACE_SECONDS = 2.0
TICK_SECONDS = 0.5
LEAVING_SECONDS = 1.0
"""How long the end of killed trials is waited for, which takes milliseconds; a driver may hold one for longer."""
LOST = "the server that trials are forked from ended twice while this trial ran, so nobody knows how it ended"


@dataclass(slots=True)
class _Running:
    planned: Runnable
    job: Job
    child: Ranks
    taken: list[Device]  # its device; where it runs alone, all there is of it
    started: str
    limit: float
    deadline: float
    channel: Channel
    terminated: float | None = None  # when SIGTERM was sent
    beside: Group = ()  # further seeds in the same process
    alone: bool = False  # it runs for the second time, with the device for itself
    company: bool = False  # another trial ran on its device meanwhile

    @property
    def group(self) -> Group:
        """All trials of the process."""
        return self.planned, *self.beside

    def each(self) -> Iterator[_Running]:
        """Yield each trial of the process as if it ran alone."""
        for planned in self.group:
            yield replace(self, planned=planned, job=msgspec.structs.replace(self.job, trial=planned.trial, beside=[]))


def execute(
    planned: Sequence[Runnable],
    store: Store,
    pool: Pool,
    *,
    timeout: float | None,
    keep: Callable[[Any], Weights | None] = lambda planned: None,
    logger: LoggerName | None = None,
    extend: bool = False,
    seeds_together: bool = False,
    on_start: Callable[[Any], None] = lambda planned: None,
    on_tick: Callable[[], None] = lambda: None,
    on_news: Callable[[str], None] = lambda line: None,
    arrivals: Arrivals | None = None,
) -> Generator[Record, None, None]:
    """Run trials, as many at a time as the pool has devices, and yield their records as they finish.

    A trial for which there was not enough memory beside others on its device runs once more at the end, alone on it.
    Closing the iterator, or an exception in the caller (Ctrl-C), ends every running trial at once.

    Args:
        planned: the trials, in order.
        store: the store for the records.
        pool: the launcher and the devices.
        timeout: seconds that one trial may take; None for the limit of its protocol.
        seeds_together: train seeds of a cell in one process, as one batched network, where that is faster.
        keep: which weights of a trial to keep.
        logger: which logger follows the trials.
        extend: trials go on from those with a smaller budget.
        on_start: called in this process when a trial is handed to a worker.
        on_tick: called at least twice a second.
        on_news: called with a line for each cell on how its seeds are trained, if they were to be trained together, and
            for each trial that runs again alone.
        arrivals: further trials that come meanwhile; None if none will. The iterator ends when they are closed, too.
    """
    arrivals = arrivals or Arrivals(is_open=False)
    waiting = Waiting(planned, len(pool.devices) if seeds_together else None)
    slots = Slots(pool.devices)
    running: list[_Running] = []
    alone: deque[Runnable] = deque()
    lost: set[str] = set()

    def start(group: Group, taken: list[Device], *, again: bool = False) -> None:
        for item in group:
            on_start(item)
        device = for_itself(taken) if again else taken[0]
        job = msgspec.structs.replace(group[0].job(device), keep=keep(group[0]), logger=logger, extend=extend)
        started = _start(group, job, taken, store, pool, timeout)
        started.alone = again
        running.append(started)
        _note_company(running)

    try:
        while waiting or alone or running or arrivals.is_open:
            waiting.add(arrivals.take())
            while waiting and slots:
                start(waiting.take(), slots.take())
            while alone and not waiting and (whole := slots.take_whole()):
                start((alone.popleft(),), whole, again=True)
            ends = [sentinel for trial in running for sentinel in trial.child.sentinels]
            wait([arrivals.bell, *ends], TICK_SECONDS)
            on_tick()
            for trial in list(running):
                if trial.child.exit_code() is None:
                    cut_if_large(store.log(trial.job.trial.id))
                    _enforce_deadline(trial)
                    continue
                running.remove(trial)
                slots.give_back(trial.taken)
                if trial.beside and (found := trial.channel.together()) and (line := waiting.note(trial.group, found)):
                    on_news(line)
                ended = _collect(trial, store, lost)
                pool.launcher.clear([number for other in running for number in other.child.process_ids])
                waiting.put_back(ended.again)
                alone.extend(planned for planned, _ in ended.alone)
                for planned_again, record in ended.alone:
                    on_news(f"{planned_again.trial}: {record.status} beside others; it runs again at the end, alone")
                yield from ended.records
    finally:
        for trial in running:
            trial.child.end()
            trial.channel.close()
        deadline = time.monotonic() + LEAVING_SECONDS  # the caller is shutting down
        for trial in running:
            trial.child.close(deadline)


def _note_company(running: Sequence[_Running]) -> None:
    """Mark the trials that share a device with another one, or the memory of this machine."""
    trials = Counter(place_of(trial.taken[0]) for trial in running)
    for trial in running:
        trial.company |= trials[place_of(trial.taken[0])] > 1


def _start(group: Group, job: Job, taken: list[Device], store: Store, pool: Pool, timeout: float | None) -> _Running:
    planned, *beside = group
    job = msgspec.structs.replace(job, beside=[other.trial for other in beside], handed_over=time.monotonic())
    limit = timeout or job.trial.protocol.timeout
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    channel = Channel()
    child = start_ranks(pool.launcher, job, store, channel)
    deadline = time.monotonic() + limit * len(group)
    return _Running(planned, job, child, taken, started, limit, deadline, channel, beside=tuple(beside))


def _enforce_deadline(trial: _Running) -> None:
    now = time.monotonic()
    if trial.terminated is not None:
        if now > trial.terminated + GRACE_SECONDS:
            trial.child.signal(signal.SIGKILL)
    elif now > trial.deadline:
        trial.terminated = now
        trial.child.signal(signal.SIGTERM)


@dataclass(slots=True)
class _Ended:
    """Records of an ended process, and its trials that run again, or that run again alone on their device."""

    records: list[Record] = field(default_factory=list)
    again: list[Runnable] = field(default_factory=list)
    alone: list[tuple[Runnable, Record]] = field(default_factory=list)  # with what they delivered


def _collect(trial: _Running, store: Store, lost_before: set[str]) -> _Ended:
    """Write what a process delivered, except the records of trials that have to run again.

    Args:
        trial: the trial, or several seeds, whose process has ended.
        store: takes the records.
        lost_before: trials whose end was unknown before; takes those of which it is now.
    """
    code, lost = trial.child.exit_code(), trial.child.lost
    trial.child.end()  # and what it started and left behind
    trial.child.close()
    log = store.log(trial.job.trial.id)
    cut(log)
    ended = _Ended()
    for one in trial.each():
        delivered = one.child.receive(trial.channel, one.planned.id)
        known = delivered is not None or trial.terminated is not None
        if delivered is not None and trial.terminated is None and trial.company and may_be_of_company(delivered):
            ended.alone.append((one.planned, delivered))
        elif known or not (trial.beside or (lost and one.planned.id not in lost_before)):
            ended.records.append(_write(one, delivered, store, code, log, lost=lost))
        else:
            ended.again.append(one.planned)
    if not trial.beside:
        lost_before.update(planned.id for planned in ended.again)
    trial.channel.close()
    if all(record.status == "ok" for record in ended.records):
        log.unlink(missing_ok=True)
    drop_if_empty(log)
    return ended


def _write(trial: _Running, record: Record | None, store: Store, code: int | None, log: Path, *, lost: bool) -> Record:
    """Write the record that a trial delivered, or if there is none, one that says how it ended; return it."""
    # Lightning turns SIGTERM into an exception; a trial at its time limit then delivers a record of a failure.
    if trial.terminated is not None and (record is None or record.status != "ok"):
        record = _timed_out(trial, record, tail(log))
    elif record is None:
        record = _crashed(trial, code, tail(log), lost=lost)
    if trial.alone:
        record = ran_alone(record)
    record = store.write(record)
    if record.status in RESULTS:
        store.drop_checkpoint(record.id)
    return record


def _timed_out(trial: _Running, delivered: Record | None, detail: str) -> Record:
    """Return the record of a trial that reached its time limit, with all that it had reached."""
    reports = trial.channel.reports(trial.planned.id)
    needed = reports[-1].needed if reports else None
    needed = needed and needed / len(trial.group)
    record = delivered or trial.job.record("timeout", started=trial.started, **reached(reports))
    message = describe_timeout(trial.limit, record.training, needed)
    return msgspec.structs.replace(record, status="timeout", message=message, detail=detail)


def _crashed(trial: _Running, code: int | None, detail: str, *, lost: bool) -> Record:
    """Return the record of a trial whose process ended by itself and delivered none."""
    known = reached(trial.channel.reports(trial.planned.id))
    message = LOST if lost else trial.child.name_of_dead + describe_exit(code, known.get("training"))
    return trial.job.record("crashed", message, detail=detail, started=trial.started, **known)
