"""The doctor: looks at everything that a run needs, and says what to mend."""

from __future__ import annotations

import contextlib
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec
from packaging.requirements import Requirement

from archbench._downloads import data_folder
from archbench._errors import ArchbenchError, DeviceError
from archbench._execution import Pool, available_cores, execute, open_pool
from archbench._planning import Device, PlannedTrial, make_plan
from archbench._plugins import Plugins
from archbench._protocols import equal_steps, find_protocol
from archbench._records import Record, Store
from archbench._selection import check_availability, select

State = Literal["ok", "warning", "problem"]

LITTLE_MEMORY = 1.5e9
"""Bytes for each trial at a time; torch alone takes about a fifth of that."""
LITTLE_DISK = 1e9
TRAINING_SECONDS = 120.0


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Args:
        about: in a word or two.
        state: `ok`; `warning` if runs work and something could be better; `problem` if they do not.
        found: what is there.
        advice: what to do; empty if nothing has to be done.
    """

    about: str
    state: State
    found: str
    advice: str = ""


def examine(plugins: Plugins, out: Path, device: str) -> Iterator[Symptom]:
    """Yield what a run on this machine would meet, the quick checks first. Leaves nothing behind.

    Args:
        plugins: those that are loaded.
        out: the folder that a run would write to.
        device: `auto`, `cpu`, `cuda` or `mps`.
    """
    yield from _versions()
    yield from _extras()
    yield _folder("output folder", out, "choose another with --out")
    yield _folder("data folder", data_folder(), "set ARCHBENCH_DATA to another")
    yield _folder("temporary folder", Path(tempfile.gettempdir()), "set TMPDIR to another")
    yield from _plugins(plugins)
    try:
        pool = open_pool(device=device, workers=None)
    except DeviceError as error:
        yield Symptom(about="devices", state="problem", found=str(error))
        return
    yield _start_of_trials(pool)
    yield _devices(pool)
    yield _memory(len(pool.devices))
    yield from _trainings(plugins, pool)


def _versions() -> Iterator[Symptom]:
    """Compare the installed libraries with what archbench needs."""
    found = platform.python_version()
    yield Symptom(about="Python", state="ok", found=f"{found} on {platform.system()} {platform.machine()}")
    for text in metadata.requires("archbench") or ():
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            yield Symptom(about=need.name, state="problem", found="not installed", advice=f"pip install '{text}'")
            continue
        fits = need.specifier.contains(version, prereleases=True)
        if not fits or need.name in ("torch", "torchvision", "lightning"):
            advice = "" if fits else f"pip install '{text}'"
            yield Symptom(about=need.name, state="ok" if fits else "problem", found=version, advice=advice)


def _extras() -> Iterator[Symptom]:
    """Say which extras are installed; one that is not is no fault."""
    extras = sorted(set(metadata.metadata("archbench").get_all("Provides-Extra") or ()) - {"test", "mutation"})
    for extra in extras:
        lacking = [
            need.name
            for need in map(Requirement, metadata.requires("archbench") or ())
            if need.marker is not None
            and need.marker.evaluate({"extra": extra})
            and not need.marker.evaluate({"extra": ""})
            and not _is_installed(need.name)
        ]
        said = f"not installed, {', '.join(lacking)} lacking; if you need it: pip install 'archbench[{extra}]'"
        yield Symptom(about=f"extra {extra}", state="ok", found=said if lacking else "installed")


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _folder(about: str, folder: Path, advice: str) -> Symptom:
    """Try to write a file where the folder is, or where it would be made, and look for free space."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".archbench-tmp-"):
            free = shutil.disk_usage(there).free
    except OSError as error:
        return Symptom(about=about, state="problem", found=f"{folder}: {error.strerror or error}", advice=advice)
    found = f"{folder}, {free / 1e9:.1f} GB free"
    if free < LITTLE_DISK:
        return Symptom(about=about, state="warning", found=found, advice=f"free some space, or {advice}")
    return Symptom(about=about, state="ok", found=found)


def _plugins(plugins: Plugins) -> Iterator[Symptom]:
    number = f"{len(plugins.architectures)} architectures, {len(plugins.tasks)} tasks"
    yield Symptom(about="plugins", state="ok", found=number)
    for problem in plugins.problems:
        state: State = "problem" if problem.fatal else "warning"
        advice = f"mend it, or leave it out with --no-plugin {problem.plugin}"
        yield Symptom(about=f"plugin {problem.plugin}", state=state, found=problem.message, advice=advice)


def _start_of_trials(pool: Pool) -> Symptom:
    if pool.warning:
        advice = "runs work, only slower; a library that starts threads when it is imported is the usual reason"
        return Symptom(about="start of trials", state="warning", found=pool.warning, advice=advice)
    found = "trials are forked from a process that has torch loaded"
    return Symptom(about="start of trials", state="ok", found=found)


def _devices(pool: Pool) -> Symptom:
    names = ", ".join(sorted({_name(device) for device in pool.devices}))
    each = f"{len(pool.devices)} at a time with {pool.devices[0].threads} of {available_cores()} cores each"
    return Symptom(about="devices", state="ok", found=f"{names}; trials run {each}")


def _name(device: Device) -> str:
    name = f"cuda {device.index}" if device.kind == "cuda" else device.kind.replace("mps", "mps (the GPU of this Mac)")
    return name if device.count == 1 else f"{device.count} {device.kind} devices together"


def _memory(workers: int) -> Symptom:
    free = _available_memory()
    if free is None:
        return Symptom(about="memory", state="ok", found="not known on this system")
    found = f"{free / 1e9:.1f} GB available for {workers} trials at a time"
    if free / workers < LITTLE_MEMORY:
        advice = f"use fewer with --workers {max(1, int(free / LITTLE_MEMORY))}, or end other programs"
        return Symptom(about="memory", state="warning", found=found, advice=advice)
    return Symptom(about="memory", state="ok", found=found)


def _available_memory() -> int | None:
    """Return the bytes that programs may still take; None where the system does not say so in Linux's way."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
    return None


def _trainings(plugins: Plugins, pool: Pool) -> Iterator[Symptom]:
    """Train one step on each device, of the first architecture that fits a task which is there."""
    planned = _shortest_trial(plugins)
    if planned is None:
        advice = "see `benchmark plugins`; the plugins of archbench itself are found after it was installed with pip"
        yield Symptom(about="training", state="problem", found="no architecture fits any task", advice=advice)
        return
    devices = {(device.kind, device.index): device for device in pool.devices}
    several = _several(list(devices.values()))
    for device in [*devices.values(), *([] if several is None else [several])]:
        yield _train(planned, Pool(pool.launcher, [device], pool.warning), device)


def _several(devices: Sequence[Device]) -> Device | None:
    """Return two devices for one trial: the first two GPUs, or two processes on a CPU; None where there is one GPU."""
    first = devices[0]
    if first.kind == "cuda" and {0, 1} - {device.index for device in devices}:
        return None
    return msgspec.structs.replace(first, threads=1, count=2)


def _shortest_trial(plugins: Plugins) -> PlannedTrial | None:
    """Return a trial of one step; None if there is none."""
    rules = msgspec.structs.replace(find_protocol("smoke"), name="doctor", steps=equal_steps(1), validations=1)
    by_default = [task for task in plugins.tasks if task.item.by_default]
    with contextlib.suppress(ArchbenchError):
        tasks = check_availability(select(["all"], by_default, "task")).chosen
        entrants = check_availability(select(["all"], plugins.architectures, "architecture")).chosen
        plan = make_plan(entrants, tasks, protocol=rules, seeds=1)
        return next((trial for trial in plan.trials if trial.cell.refusal is None), None)
    return None


def _train(planned: PlannedTrial, pool: Pool, device: Device) -> Symptom:
    with tempfile.TemporaryDirectory(prefix="archbench-") as folder:
        (record,) = execute([planned], Store(Path(folder)), pool, timeout=TRAINING_SECONDS)
    return _judge(f"training on {_name(device)}", record)


def _judge(about: str, record: Record) -> Symptom:
    what = f"{record.trial.architecture.label} on {record.trial.task.label}"
    if record.status in ("ok", "diverged"):
        first = record.resources.first_step_seconds
        return Symptom(about=about, state="ok", found=f"{what}, first step after {first or 0:.2f} s")
    advice = f"see what `benchmark check {record.trial.architecture.name}` says"
    return Symptom(about=about, state="problem", found=f"{what} {record.status}: {record.message}", advice=advice)
