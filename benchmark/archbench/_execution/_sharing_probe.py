"""The probe that measures how many trials share a device: it runs copies of one beside each other for ten seconds.

The copies are real trials in real processes: 1 at first, then 2, 4 and so on, of which none ends before the last is
measured. What a copy takes is counted from the reports that it makes after each validation, so neither its start nor
its validations count. Nothing of it is kept.
"""

from __future__ import annotations

import functools
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from archbench._errors import DeviceError
from archbench._execution._arrivals import Runnable
from archbench._execution._capacity import available_cores, memory_of_this_machine
from archbench._execution._channel import Channel
from archbench._execution._cuda_service import service_runs
from archbench._execution._launchers import Launcher
from archbench._execution._pool import Pool, open_pool, with_sharing
from archbench._execution._ranks import Ranks, start_ranks
from archbench._execution._sharing import Level, Memory, PerDevice, Sharing, choose, following
from archbench._planning import Device, Job
from archbench._records import Point, Store

PROBE_SECONDS = 10.0
"""Seconds after which no further number of trials is tried, from the first one on."""
WINDOW_SECONDS = 1.0
"""Seconds for which each number of trials is measured at least."""
CHUNK_SECONDS = 0.25
"""Seconds of training between two reports."""
PATIENCE_SECONDS = 120.0
"""Seconds after which trials that do not report are not waited for any longer: torch may come from a slow disk."""
WARM_REPORTS, MEASURED_REPORTS = 2, 2
POLL_SECONDS = 0.1
MEMORY_SECONDS = 60.0
MOST = 48
"""Most trials on a GPU: NVIDIA's service takes no more processes."""

LATE = "the ten seconds were over"

Meter = Callable[[], Memory | None]
"""Returns the memory of a device; None if it is not known."""


def open_shared_pool(
    *,
    device: str,
    workers: int | None,
    per_trial: int,
    per_device: PerDevice | None,
    libraries: Sequence[str],
    sharded: bool = False,
    sample: Runnable | None = None,
    tick: Callable[[], None] = lambda: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[Pool, Sharing | None]:
    """Open a pool as `open_pool` does, and measure how many trials share a device if that is to be measured.

    Args:
        device, workers, per_trial, libraries, sharded, meanwhile: see `open_pool`.
        per_device: number of trials on each GPU, or on the CPU in all; None where `workers` says how many.
        sample: the trial to measure with; needed if `per_device` is `auto`.
        tick: called several times a second while it measures.

    Returns:
        The pool, and how many trials share a device, or None where `workers` says how many.

    Raises:
        DeviceError: the device asked for is not there, or there are GPUs of several kinds to measure.
    """
    number = None if per_device == "auto" else per_device
    pool = open_pool(
        device=device, workers=workers, per_trial=per_trial, sharded=sharded, per_device=number, libraries=libraries,
        meanwhile=meanwhile,
    )  # fmt: skip
    kind = pool.devices[0].kind
    service = service_runs() if kind == "cuda" else None
    if number is not None:
        return pool, Sharing(asked=number, trials=number, device=kind, service=service)
    if per_device is None or sample is None:
        return pool, None
    sharing = msgspec.structs.replace(measure(pool, sample, tick=tick), service=service)
    shared = with_sharing(pool, sharing.trials)
    if kind == "cpu":  # one thread each, as without this option, so that no bit of a score depends on a measurement
        shared.devices[:] = [msgspec.structs.replace(device, threads=1) for device in shared.devices]
    return shared, sharing


def measure(
    pool: Pool, sample: Runnable, *, meter: Meter | None = None, tick: Callable[[], None] = lambda: None
) -> Sharing:
    """Return how many trials one device of a pool takes, from copies of a trial that run beside each other on it.

    Args:
        pool: has one device for each GPU, or core.
        sample: the trial.
        meter: tells the memory of the device; None for the usual way.
        tick: called several times a second.

    Raises:
        DeviceError: the pool has GPUs of several kinds.
    """
    device = pool.devices[0]
    if device.kind == "cuda" and len(set(pool.gpus)) > 1:
        kinds = ", ".join(sorted(set(pool.gpus)))
        raise DeviceError(
            f"--per-device auto measures one GPU for all, and torch sees several kinds here ({kinds}); give a number, "
            "or choose equal ones with CUDA_VISIBLE_DEVICES"
        )
    gpus = 1 if device.kind == "cpu" else len(pool.devices)
    most = min(MOST, max(1, available_cores() // gpus))
    meter = meter or find_meter(pool.launcher, device)
    before = meter()
    with tempfile.TemporaryDirectory(prefix="archbench-") as folder, (store := Store(Path(folder))).sharing():
        copies = Copies(pool.launcher, msgspec.structs.replace(device, threads=1), sample, store, tick)
        try:
            levels, ended = _climb(copies, before, meter, most)
        finally:
            copies.end()
    total = None if before is None else before.total
    trials, reason = choose(levels, total)
    return Sharing(
        asked="auto", trials=trials, device=device.kind, measured=levels, memory_bytes=total, reason=reason or ended
    )


def find_meter(launcher: Launcher, device: Device) -> Meter:
    """Return the meter of a device; that of the GPU of a Mac knows nothing."""
    meters: dict[str, Meter] = {
        "cpu": memory_of_this_machine,
        "cuda": functools.partial(_memory_of_gpu, launcher, device.index),
    }
    return meters.get(device.kind, lambda: None)


def _memory_of_gpu(launcher: Launcher, index: int) -> Memory | None:
    answer = launcher.ask_memory(index, MEMORY_SECONDS)
    return None if answer is None else msgspec.json.decode(answer, type=Memory)


def _climb(copies: Copies, before: Memory | None, meter: Meter, most: int) -> tuple[list[Level], str]:
    """Measure with more and more copies; return what was measured, and why no more."""
    levels: list[Level] = []
    end = math.inf
    while True:
        number, ended = following(levels, before, most)
        if number == 0 or time.monotonic() > end:
            return levels, ended or LATE
        steps_per_second = copies.measure(number)
        if steps_per_second is None:
            return levels, copies.problem
        end = time.monotonic() - WINDOW_SECONDS + PROBE_SECONDS if not levels else end
        memory = meter()
        used = None if memory is None else memory.used
        levels.append(Level(trials=number, steps_per_second=steps_per_second, memory_bytes=used))


class _Copy(NamedTuple):
    job: Job
    ranks: Ranks
    channel: Channel

    def points(self) -> list[Point]:
        """Return the points of the curves that the copy has reported."""
        reports = self.channel.reports(self.job.trial.id)
        return [report.point for report in reports if report.point is not None]


class Copies:
    """Copies of a trial that run beside each other on one device.

    Args:
        launcher: starts their processes.
        device: of each.
        sample: the trial.
        store: a folder for their logs.
        tick: called several times a second.

    Attributes:
        problem: why nothing could be measured; empty until that happens.
    """

    def __init__(
        self, launcher: Launcher, device: Device, sample: Runnable, store: Store, tick: Callable[[], None]
    ) -> None:
        self.launcher, self.device, self.sample, self.store, self.tick = launcher, device, sample, store, tick
        self.running: list[_Copy] = []
        self.problem = ""

    def measure(self, number: int) -> float | None:
        """Start copies until there are so many; return the steps per second of all, or None if one of them ends."""
        while len(self.running) < number:
            self._start()
        if not self._wait([WARM_REPORTS] * number, 0.0):
            return None
        first = [len(copy.points()) for copy in self.running]
        if not self._wait([count + MEASURED_REPORTS for count in first], WINDOW_SECONDS):
            return None
        return sum(pace(copy.points()[count - 1 :]) for copy, count in zip(self.running, first, strict=True))

    def end(self) -> None:
        """End all copies."""
        for copy in self.running:
            copy.ranks.end()
        for copy in self.running:
            copy.ranks.close()
            copy.channel.close()
        self.running.clear()

    def _start(self) -> None:
        job, channel = make_copy(self.sample.job(self.device), len(self.running)), Channel()
        self.running.append(_Copy(job, start_ranks(self.launcher, job, self.store, channel), channel))

    def _wait(self, counts: Sequence[int], seconds: float) -> bool:
        """Wait until each copy has made so many reports, and at least so long; return whether that happened."""
        begun = time.monotonic()
        while time.monotonic() < begun + PATIENCE_SECONDS:
            self.tick()
            for copy in self.running:
                if copy.ranks.exit_code() is not None:
                    self.problem = _describe_end(copy, len(self.running))
                    return False
            reported = all(len(copy.points()) >= count for copy, count in zip(self.running, counts, strict=True))
            if reported and time.monotonic() >= begun + seconds:
                return True
            time.sleep(POLL_SECONDS)
        self.problem = f"{len(self.running)} at a time made no step within {PATIENCE_SECONDS:g} s"
        return False


def pace(points: Sequence[Point]) -> float:
    """Return the optimiser steps per second of training between the first and the last point."""
    seconds = points[-1].seconds - points[0].seconds
    return (points[-1].step - points[0].step) / seconds if seconds > 0 else 0.0


def make_copy(job: Job, number: int) -> Job:
    """Return the job of a copy that trains long enough, reports often, and shares the data of the others.

    Args:
        job: of the trial.
        number: of the copy.
    """
    seconds = 4 * PATIENCE_SECONDS
    protocol = msgspec.structs.replace(
        job.trial.protocol,
        name=f"copy-{number}",  # which gives it an id of its own
        steps=None,
        epochs=None,
        seconds=seconds / job.trial.task.effort,
        validations=int(seconds / CHUNK_SECONDS),
        stop_at_target=False,
        tuning=None,
        probes=None,
    )
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


def _describe_end(copy: _Copy, beside: int) -> str:
    record = copy.ranks.receive(copy.channel, copy.job.trial.id)
    said = "died" if record is None else f"{record.status}: {record.message}"
    return f"one of {beside} at a time {said}"
