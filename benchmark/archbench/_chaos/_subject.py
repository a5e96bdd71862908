"""The small suite that faults strike: real trainings, started as people start them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from archbench._chaos._preloading import Started
from archbench._chaos._processes import MARKER
from archbench._declarations import Architecture
from archbench._errors import SelectionError
from archbench._planning import describe_task, make_plan
from archbench._plugins import Plugins, Registered
from archbench._protocols import find_protocol
from archbench._records import Record, Store
from archbench._selection import check_availability, select

ARCHITECTURES, SEEDS, WORKERS = 3, 3, 2
PROTOCOL = "smoke"


@dataclass(frozen=True, slots=True)
class Subject:
    """A suite of some architectures on one task.

    Args:
        architectures: their selectors.
        task: the selector of the task.
        devices: number of devices that train each trial together.
        libraries: that the task declares.
    """

    architectures: tuple[str, ...]
    task: str
    devices: int = 1
    libraries: tuple[str, ...] = ()

    def arguments(self, out: Path) -> list[str]:
        """Return the arguments of `benchmark` that train the suite into a folder."""
        return [
            *("run", *self.architectures, "--task", self.task, "--protocol", PROTOCOL, "--seeds", str(SEEDS)),
            *("--workers", str(WORKERS // self.devices), "--device", "cpu", "--out", str(out), "--json"),
            *(() if self.devices == 1 else ("--devices-per-trial", str(self.devices))),
        ]

    def start(
        self,
        out: Path,
        mark: str,
        *more: str,
        through: Sequence[str] = ("-m", "archbench"),
        stdout: Any = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> subprocess.Popen[bytes]:
        """Start the suite in a session of its own, with its messages in files beside the folder.

        Args:
            out: the output folder.
            mark: the mark that its processes carry.
            more: further options.
            through: what Python runs; the command line, or a module that disturbs it.
            stdout: where standard output goes; None for a file.
            environment: further variables.
        """
        command = [sys.executable, *through, *self.arguments(out), *more]
        with open(output_of(out), "wb") as output, open(messages_of(out), "wb") as messages:
            return subprocess.Popen(  # noqa: S603 - our own command
                command,
                env={**os.environ, **environment, MARKER: mark},
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=messages,
                start_new_session=True,
            )


def output_of(out: Path) -> Path:
    """Return the file that takes the standard output of a run."""
    return out.with_name("stdout.txt")


def messages_of(out: Path) -> Path:
    """Return the file that takes the messages of a run."""
    return out.with_name("stderr.txt")


def find_subject(plugins: Plugins) -> Subject:
    """Return the suite of the smallest architectures that fit the first task which is there, of images if possible.

    Small are those of which some variant declares few parameters.

    Raises:
        SelectionError: no architecture fits any task.
    """
    by_default = [task for task in plugins.tasks if task.item.by_default]
    tasks = check_availability(select(["all"], by_default, "task")).chosen
    tasks = sorted(tasks, key=lambda task: describe_task(task).kind != "image")  # those take the least time
    chosen = [registered for registered in plugins.architectures if registered.item.by_default]
    architectures = select(["all"], sorted(chosen, key=_parameters), "architecture")
    for task in tasks:
        plan = make_plan(architectures, [task], protocol=find_protocol(PROTOCOL), seeds=1)
        labels = [cell.architecture.component.label for cell in plan.cells if cell.refusal is None]
        if len(labels) >= ARCHITECTURES:
            libraries = tuple(task.registered.item.libraries)
            return Subject(tuple(labels[:ARCHITECTURES]), task.component.label, libraries=libraries)
    raise SelectionError(f"no task is there that fits {ARCHITECTURES} architectures; see `benchmark plugins`")


def _parameters(registered: Registered[Architecture]) -> float:
    """Return the fewest parameters that a variant declares."""
    return min((count for _, count in registered.item.parameters.values()), default=math.inf)


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The suite as it is without a fault.

    Args:
        first: seconds from its start to its first record.
        last: seconds from its start to its last record.
        seconds: from its start to its end.
        numbers: what each trial measured, by its id.
        out: the folder it left.
    """

    first: float
    last: float
    seconds: float
    numbers: dict[str, Any]
    out: Path


def run_undisturbed(start: Callable[[Path], Started], folder: Path) -> Undisturbed:
    """Run the suite without a fault.

    Args:
        start: starts it with an output folder.
        folder: for the output folder and the messages; made here.

    Raises:
        SelectionError: it does not end well even so.
    """
    out, begin = folder / "out", time.monotonic()
    folder.mkdir(parents=True)
    run, arrived = start(out), {0: 0.0}  # number of records -> seconds at which so many were seen first
    while run.poll() is None:
        arrived.setdefault(len(list(out.glob("records/*/*.json"))), time.monotonic() - begin)
        time.sleep(0.02)
    code, seconds = run.wait(), time.monotonic() - begin
    arrived.setdefault(len(list(out.glob("records/*/*.json"))), seconds)
    times = sorted(arrived.values())
    records = Store(out).scan()[0]
    if code or any(record.status != "ok" for record in records.values()):
        raise SelectionError(
            f"the suite does not run without a fault either (exit code {code}); see what `benchmark doctor` says. "
            f"Its last words: {messages_of(out).read_text(errors='replace')[-300:].strip()}"
        )
    return Undisturbed(times[1], times[-1], seconds, {key: numbers(record) for key, record in records.items()}, out)


def numbers(record: Record) -> Any:
    """Return the numbers of a record that no clock decides: scores and curves."""
    curves = None if record.curves is None else msgspec.structs.replace(record.curves, seconds=[])
    return msgspec.to_builtins([record.scores, curves, record.pairing])
