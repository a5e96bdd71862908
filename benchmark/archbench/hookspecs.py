"""The hooks. Each example is run as a test.

A plugin is a module (or a class, or a single file) with functions of these names, marked `@archbench.hookimpl`.
Hooks return data; the host attributes it to its plugin, checks it, and takes all of it or none.
Arguments may be left out of an implementation, but may not have default values: pluggy 1.6 never passes those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from archbench._declarations import Architecture, Section, Task
    from archbench._records import Record
    from archbench._trial import Trial

PROJECT = "archbench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def archbench_architectures() -> Iterable[Architecture]:  # type: ignore[empty-body]
    """Register architectures.

    Called once per process, before anything is planned. Return or yield `Architecture` objects; nothing is
    registered if one of them is invalid. Do not import torch here: use a `"module:function"` string for
    `build`, or import torch inside it.

    Example:
        >>> import math
        >>> import archbench
        >>> def build(task, options):
        ...     from torch import nn
        ...     return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))
        >>> @archbench.hookimpl
        ... def archbench_architectures():
        ...     yield archbench.Architecture(name="linear", build=build, inputs=("image",))
        >>> [architecture.name for architecture in archbench_architectures()]
        ['linear']
    """


@hookspec
def archbench_tasks() -> Iterable[Task]:  # type: ignore[empty-body]
    """Register tasks.

    Called once per process, before anything is planned. Return or yield `Task` objects; nothing is registered
    if one of them is invalid. Import numpy and dataset libraries inside `load`, not here.

    Example:
        >>> import archbench
        >>> def load(options, seed):
        ...     import numpy as np
        ...     def part(n, random):
        ...         bits = random.integers(0, 2, (n, 10, 1))
        ...         return archbench.Examples(bits.astype(np.float32), bits.sum(axis=(1, 2)) % 2)
        ...     draw = np.random.default_rng(seed)
        ...     return archbench.Splits(part(1000, draw), part(200, draw), part(200, np.random.default_rng(0)))
        >>> @archbench.hookimpl
        ... def archbench_tasks():
        ...     info = archbench.TaskInfo(kind="sequence", input_shape=(10, 1), outputs=2)
        ...     yield archbench.Task(name="parity-10", info=info, load=load, loss="cross_entropy",
        ...                          metric="accuracy", chance=0.5, oracle=1.0)
        >>> [task.name for task in archbench_tasks()]
        ['parity-10']
    """


@hookspec
def archbench_trial_started(trial: Trial) -> None:
    """Observe that a trial was handed to a worker.

    Called in the parent process, never in the worker. An exception is reported once and does not stop the run.

    Example:
        >>> import archbench
        >>> @archbench.hookimpl
        ... def archbench_trial_started(trial):
        ...     print(f"started: {trial}")
    """


@hookspec
def archbench_trial_finished(trial: Trial, record: Record) -> None:
    """Observe that a trial has a record.

    Called in the parent process for every status: `ok`, `diverged`, `oom`, `timeout`, `crashed`, `failed` and
    `skipped`. An exception is reported once and does not stop the run.

    Example:
        >>> import archbench
        >>> @archbench.hookimpl
        ... def archbench_trial_finished(trial, record):
        ...     print(f"{record.status}: {trial}")
    """


@hookspec
def archbench_leaderboard_sections(records: Sequence[Record]) -> Iterable[Section]:  # type: ignore[empty-body]
    """Add sections to the leaderboard.

    Called each time the leaderboard is built, with all valid records in order of their ids. The result must
    depend on the records only: the same records must give the same page. A plugin that raises loses its own
    sections, and the page says so.

    Example:
        >>> import archbench
        >>> @archbench.hookimpl
        ... def archbench_leaderboard_sections(records):
        ...     failed = sum(record.status not in ("ok", "skipped") for record in records)
        ...     yield archbench.Section(title="Failures", text=f"{failed} trials did not finish.")
        >>> [section.text for section in archbench_leaderboard_sections([])]
        ['0 trials did not finish.']
    """
