"""Training trials again: each on the kind of device and with the threads of its record, into a temporary folder."""

from __future__ import annotations

import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from archbench._execution import Pool, execute, libraries_of, open_pool
from archbench._planning import PlannedTrial
from archbench._records import Record, Store
from archbench._suite._forecast import makespan
from archbench._suite._observer import Observer
from archbench._suite._progress import format_seconds
from archbench._suite._run import have_common_data
from archbench._suite._settings import DeviceChoice, RunSettings


class Group(NamedTuple):
    """The conditions of trials that run in one pool.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`.
        devices: number of devices that train one trial together.
        sharded: each of these keeps its part of the weights only.
        threads: CPU threads of each trial; None for what a run gives it.
        timeout: seconds after which a trial is ended.
    """

    device: DeviceChoice
    devices: int
    sharded: bool
    threads: int | None
    timeout: float


def train_again(
    trials: Sequence[PlannedTrial], records: Mapping[str, Record], settings: RunSettings, observer: Observer
) -> dict[str, Record]:
    """Train every trial, and return what each left by its id. Nothing is kept on disk.

    Args:
        trials: in any order.
        records: what each trial left before, by id.
        settings: the device, workers and time limit; the folder is not used.
        observer: is told what happens. Hooks of plugins are not called: a repetition is nobody's result.

    Raises:
        DeviceError: the device asked for is not there.
    """
    if not trials:
        return {}
    groups: defaultdict[Group, list[PlannedTrial]] = defaultdict(list)
    for planned in trials:
        groups[_group(records[planned.id], settings)].append(planned)
    observer.training_started(len(trials), 0)
    try:
        pools = _open_pools(groups, settings)
        observer.informed(_say_forecast(groups, pools, records))
        found = [record for group in groups for record in _train(groups[group], pools[group], group, observer)]
    finally:
        observer.training_ended()
    return {record.id: record for record in found}


def _group(record: Record, settings: RunSettings) -> Group:
    """Return where a trial runs: as it did then, as far as nobody asks for another device."""
    there = record.environment
    device = settings.device
    if device == "auto" and there is not None and there.device in ("cpu", "mps"):
        device = "mps" if there.device == "mps" else "cpu"
    timeout = settings.timeout or record.trial.protocol.timeout
    if there is None:
        return Group(device, 1, False, None, timeout)
    return Group(device, there.devices, there.sharded, there.threads, timeout)


def _open_pools(groups: Mapping[Group, Sequence[PlannedTrial]], settings: RunSettings) -> dict[Group, Pool]:
    trials = [planned for group in groups.values() for planned in group]
    libraries = libraries_of([planned.cell.libraries for planned in trials])
    opened = {
        (device, devices, sharded): open_pool(
            device=device, workers=settings.workers, per_trial=devices, sharded=sharded, libraries=libraries
        )
        for device, devices, sharded in {group[:3] for group in groups}
    }
    return {group: _with_threads(opened[group[:3]], group.threads, settings.workers) for group in groups}


def _with_threads(pool: Pool, threads: int | None, workers: int | None) -> Pool:
    """Return a pool that gives each trial so many threads, on which its last bits depend, and not more than fit."""
    if threads is None:
        return pool
    devices = [msgspec.structs.replace(device, threads=threads) for device in pool.devices]
    if workers is None and devices[0].kind == "cpu":
        cores = sum(device.threads * device.count for device in pool.devices)
        devices = devices[: max(1, cores // (threads * devices[0].count))]
    return Pool(pool.launcher, devices, pool.warning)


def _train(trials: Sequence[PlannedTrial], pool: Pool, group: Group, observer: Observer) -> Iterator[Record]:
    observer.workers_ready(pool.devices, pool.warning)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="archbench-"))
        store = Store(Path(folder))
        if have_common_data(trials):
            stack.enter_context(store.sharing())
        done = stack.enter_context(
            contextlib.closing(
                execute(
                    trials,
                    store,
                    pool,
                    timeout=group.timeout,
                    on_start=lambda planned: observer.trial_started(planned.trial),
                    on_tick=observer.waiting,
                )
            )
        )
        for record in done:
            observer.trial_finished(record)
            yield record


def _say_forecast(
    groups: Mapping[Group, Sequence[PlannedTrial]], pools: Mapping[Group, Pool], records: Mapping[str, Record]
) -> str:
    """Return how long it will take, from what the trials took then."""
    total, unknown = 0.0, 0
    for group, trials in groups.items():
        taken = [records[planned.id].resources.total_seconds for planned in trials]
        known = [seconds for seconds in taken if seconds is not None]
        total += makespan(known, len(pools[group].devices), longest=max(known, default=0.0))
        unknown += len(taken) - len(known)
    more = f", and {unknown} of unknown length" if unknown else ""
    return f"Forecast: about {format_seconds(total)}{more}, if this machine is as fast as that of the records."
