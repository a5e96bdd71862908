"""Job files: one for each trial that a run would train, for `python -m archbench.worker` to train it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from archbench._errors import SelectionError
from archbench._planning import Device, Plan, PlannedTrial, next_round
from archbench._records import Store, write_atomically
from archbench._suite._settings import RunSettings
from archbench._suite._several_devices import refuse_what_cannot_be_shared


@dataclass(frozen=True, slots=True)
class JobFile:
    """A job file that was written."""

    planned: PlannedTrial
    path: Path


def write(plan: Plan, settings: RunSettings, folder: Path) -> list[JobFile]:
    """Write a job file for each trial that a run would train now; of a tuned protocol, that is the tuning at first.

    Args:
        plan: the cells.
        settings: of the run. Its output folder says what is trained already; nothing is written into it.
        folder: of the files; made if needed.

    Raises:
        SelectionError: a setting is of no use to a trial that is trained elsewhere, or several devices cannot share it.
        StoreError: a folder cannot be read or written.
    """
    _refuse_what_has_no_use(settings)
    refuse_what_cannot_be_shared(plan, settings.devices_per_trial, sharded=settings.sharded)
    store = Store(settings.out)
    records, _ = store.scan()
    ready = next_round(plan.assess(records, blocked=store.newer), retry=settings.retry, tried=()).trials
    return [_write_one(planned, settings, folder) for planned in ready]


def _write_one(planned: PlannedTrial, settings: RunSettings, folder: Path) -> JobFile:
    job = planned.job(Device(kind=_kind_of(settings), sharded=settings.sharded))
    path = folder / f"{planned.id}.json"
    job = msgspec.structs.replace(job, keep=settings.weights_of(planned))
    write_atomically(path, msgspec.json.format(msgspec.json.encode(job)) + b"\n")
    return JobFile(planned, path)


def _refuse_what_has_no_use(settings: RunSettings) -> None:
    _kind_of(settings)
    given = {
        "--executor": settings.executor != "local",
        "--workers": settings.workers is not None,
        "--timeout": settings.timeout is not None,
        "--logger": settings.logger is not None,
        "--extend": settings.extend,
        "--seeds-together": settings.seeds_together,
    }
    for name, is_given in given.items():
        if is_given:
            raise SelectionError(
                f"{name} is of no use to job files, each of which is trained by itself; leave it out, or --write-jobs"
            )


def _kind_of(settings: RunSettings) -> str:
    if settings.device == "auto":
        raise SelectionError("job files may be trained on another machine; say on what, such as --device cuda")
    return settings.device
