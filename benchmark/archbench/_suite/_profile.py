"""A profile: from what a user asks for to where a training step goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from archbench._declarations import Architecture, Task
from archbench._errors import DeviceError, IncompatibleError, SelectionError, StoreError
from archbench._execution._profiling import run_profiler
from archbench._planning import Cell, Device, PlannedTrial, make_cell
from archbench._planning._profile import Profile, ProfileFailure, ProfileRequest, steps_needed
from archbench._plugins import Plugins
from archbench._protocols import Protocol, equal_steps
from archbench._selection import Selected, check_availability, select
from archbench._suite._observer import Observer
from archbench._suite._request import choose_tasks
from archbench._suite._settings import DeviceChoice

Item = TypeVar("Item", Architecture, Task)

WARM_UP = 10
SHOWN = 5  # labels in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSettings:
    """How a profile is made.

    Args:
        seed: of the trial.
        device: where to measure; `auto` takes the first GPU if there is one.
        threads: CPU threads; None for as many as a run gives to a trial.
        steps: steps to measure.
        timeout: seconds after which measuring is ended.
        trace: file for a trace of a few steps; None for no trace.
    """

    seed: int = 0
    device: DeviceChoice = "auto"
    threads: int | None = None
    steps: int = 30
    timeout: float = 600.0
    trace: Path | None = None


def profile_cell(cell: Cell, settings: ProfileSettings, observer: Observer) -> Profile | ProfileFailure:
    """Return where a training step of a cell goes, measured in a process of its own, or why that is not known.

    Args:
        cell: the cell.
        settings: how to measure.
        observer: is told when that begins.

    Raises:
        IncompatibleError: the cell will not be trained.
        DeviceError: the device asked for is not there.
    """
    labels = f"{cell.architecture.component.label} on {cell.task.component.label}"
    if cell.refusal is not None:
        raise IncompatibleError(f"{labels} is not trained: {cell.refusal.reason}; see `benchmark list`")
    observer.informed(f"Profiling {labels}, {WARM_UP} + 3 x {settings.steps} steps ...")
    found = run_profiler(_request(cell, settings), timeout=settings.timeout)
    if isinstance(found, ProfileFailure) and found.no_device:
        raise DeviceError(found.message)
    return found


def choose_cell(
    plugins: Plugins, protocol: Protocol, architecture: str, tasks: Sequence[str], observer: Observer
) -> Cell:
    """Return the cell of one architecture and one task.

    Args:
        plugins: what there is to choose from.
        protocol: the rules.
        architecture: a selector of one architecture.
        tasks: selectors of one task, which may be own data.
        observer: is told of flaws in own data.

    Raises:
        SelectionError: a selector matches nothing, is malformed, or names several.
        DataError: files of the architecture or the task are missing, or own data cannot be used.
    """
    entrants = check_availability(select([architecture], plugins.architectures, "architecture"))
    entrant = _the_one(entrants.chosen, "architecture")
    task = _the_one(check_availability(choose_tasks(plugins, tasks, observer)).chosen, "task")
    return make_cell(entrant, task, protocol, seeds=1)


def refuse_unwritable(path: Path | None) -> None:
    """Raise before anything is measured if a file cannot be written.

    Raises:
        StoreError: it has no folder, or is one.
    """
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise StoreError(f"{path} cannot be written; give a file in a folder that exists")


def _the_one(found: Sequence[Selected[Item]], what: str) -> Selected[Item]:
    if len(found) == 1:
        return found[0]
    labels = ", ".join([*(item.component.label for item in found[:SHOWN]), *(["..."] if found[SHOWN:] else [])])
    raise SelectionError(f"a profile is of one {what}, and {len(found)} are selected ({labels}); name one of them")


def _request(cell: Cell, settings: ProfileSettings) -> ProfileRequest:
    (planned,) = cell.trials()
    needed = steps_needed(warm_up=WARM_UP, steps=settings.steps)
    protocol = _with_steps(cell.protocol, math.ceil(needed / planned.trial.task.effort))
    trial = msgspec.structs.replace(planned.trial, protocol=protocol, seed=settings.seed)
    return ProfileRequest(
        job=PlannedTrial(cell, trial, trial.id).job(Device(kind="cpu")),
        device=settings.device,
        threads=settings.threads,
        warm_up=WARM_UP,
        steps=settings.steps,
        trace=None if settings.trace is None else str(settings.trace.absolute()),
    )


def _with_steps(protocol: Protocol, steps: int) -> Protocol:
    """Return the protocol with another budget: a profile takes few steps of a trial, which may have its end in time."""
    return msgspec.structs.replace(
        protocol, steps=equal_steps(steps), epochs=None, seconds=None, validations=1, stop_at_target=False, tuning=None
    )
