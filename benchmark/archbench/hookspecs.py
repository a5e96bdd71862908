"""The hooks that a plugin can implement. The tests run every example.

A plugin is a module, a class or a single file with functions of these names, marked `@archbench.hookimpl`.
Hooks return data. The suite notes which plugin each item came from, checks the items, and takes all of them or none.
An implementation may leave out arguments, but may not give them default values: pluggy 1.6 never passes those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from archbench._declarations import Architecture, Claim, Reader, Section, Study, Task
    from archbench._protocols import Protocol
    from archbench._records import Record, Trial

PROJECT = "archbench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def archbench_architectures() -> Iterable[Architecture]:  # type: ignore[empty-body]
    """Register architectures.

    Called once per process, before anything is planned. Return or yield `Architecture` objects; if one of them is
    invalid, none is registered. Do not import torch here: import it inside `build`, or give `build` as a
    `"module:function"` string.

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

    Called once per process, before anything is planned. Return or yield `Task` objects; if one of them is invalid,
    none is registered. Import numpy and dataset libraries inside `load`, not here.

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
def archbench_readers() -> Iterable[Reader]:  # type: ignore[empty-body]
    """Register readers of people's own files, for `--task SCHEME:PATH`.

    Called once per process, before anything is planned. Return or yield `Reader` objects; if one of them is invalid,
    none is registered. `inspect` is called with the path when a command names the scheme; it must find everything that
    can be wrong with the files and raise it as a `DataError`. `load` is called in the worker of each trial. Import
    numpy and the libraries that read the files inside these two functions.

    Example:
        >>> import hashlib, pathlib, tempfile
        >>> import archbench
        >>> def rows(path):
        ...     lines = path.read_text().splitlines()
        ...     if len(lines) < 30:
        ...         raise archbench.DataError(f"{path} has {len(lines)} lines; at least 30 are needed")
        ...     return [line.split() for line in lines]
        >>> def inspect(path, options):
        ...     table = rows(path)
        ...     info = archbench.TaskInfo(kind="sequence", input_shape=(len(table[0]) - 1, 1), outputs=2)
        ...     content = hashlib.sha256(path.read_bytes()).hexdigest()
        ...     return archbench.Found(content=content, info=info, loss="cross_entropy", metric="accuracy", chance=0.5,
        ...                            oracle=1.0, summary=f"{len(table)} rows of numbers", facts={"rows": len(table)})
        >>> def load(path, options, content, seed):
        ...     import numpy as np
        ...     if hashlib.sha256(path.read_bytes()).hexdigest() != content:
        ...         raise archbench.DataError(f"{path.name} was changed after the run began; start the run again")
        ...     table = np.array(rows(path), np.float32)
        ...     inputs, targets = table[:, 1:, None], table[:, 0].astype(np.int64)
        ...     order = np.random.default_rng(seed).permutation(np.arange(10, len(table)))
        ...     parts = order[10:], order[:10], np.arange(10)
        ...     return archbench.Splits(*(archbench.Examples(inputs[part], targets[part]) for part in parts))
        >>> @archbench.hookimpl
        ... def archbench_readers():
        ...     yield archbench.Reader(scheme="numbers", inspect=inspect, load=load, summary="Label and numbers")
        >>> [reader] = archbench_readers()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "mine.txt")
        ...     _ = path.write_text("".join(f"{i % 2} {i} {i * i}\\n" for i in range(40)))
        ...     found = reader.inspect(path, None)
        ...     splits = reader.load(path, None, found.content, 0)
        >>> found.summary, splits.train.inputs.shape
        ('40 rows of numbers', (20, 2, 1))
    """


@hookspec
def archbench_studies() -> Iterable[Study]:  # type: ignore[empty-body]
    """Register studies.

    Called once per process, before anything is planned. Return or yield `Study` objects; if one of them is invalid,
    none is registered. `analyse` is called with the records of the study whenever the leaderboard is built; it must
    depend on them only. Import numpy inside it, or give it as a `"module:function"` string.

    Example:
        >>> import archbench
        >>> rules = archbench.Protocol(name="width", steps=archbench.equal_steps(500), batch_size=32, seeds=5,
        ...                            for_studies=True)
        >>> def analyse(data):
        ...     losses = data.where("mlp").train_losses
        ...     return archbench.Findings(text=f"{len(losses)} seeds were trained.", numbers={"seeds": len(losses)})
        >>> @archbench.hookimpl
        ... def archbench_studies():
        ...     part = archbench.Part(architectures=("mlp[width=16,128]",), tasks=("digits",), protocol=rules)
        ...     yield archbench.Study(name="width", question="Does width help?", sizes={"quick": (part,)},
        ...                           analyse=analyse)
        >>> [study.name for study in archbench_studies()]
        ['width']
    """


@hookspec
def archbench_claims() -> Iterable[Claim]:  # type: ignore[empty-body]
    """Register claims.

    Called once per process, before anything is planned. Return or yield `Claim` objects; if one of them is invalid,
    none is registered. The rule of a claim is hashed into the records of its study when they are planned, so a rule
    that is changed afterwards shows.

    Example:
        >>> import archbench
        >>> def statistic(data):
        ...     narrow, wide = data.where("mlp", width=16).scores, data.where("mlp", width=128).scores
        ...     return {seed: wide[seed] - narrow[seed] for seed in narrow.keys() & wide.keys()}
        >>> @archbench.hookimpl
        ... def archbench_claims():
        ...     yield archbench.Claim(name="width-helps", statement="A wider net is more accurate.", source="folklore",
        ...                           study="width", effect="accuracy of width 128 minus that of width 16",
        ...                           statistic=statistic, rule="above", threshold=0.0, noise=0.002, seeds=5)
        >>> [claim.name for claim in archbench_claims()]
        ['width-helps']
    """


@hookspec
def archbench_protocols() -> Iterable[Protocol]:  # type: ignore[empty-body]
    """Register protocols, for `--protocol NAME`.

    Called once per process, before anything is planned. Return or yield `Protocol` objects; if one of them is invalid,
    none is registered. Raise `revision` when a rule changes. A protocol of a study belongs to its parts.

    Example:
        >>> import archbench
        >>> @archbench.hookimpl
        ... def archbench_protocols():
        ...     yield archbench.Protocol(name="lab", summary="Our machines: an hour each, five seeds",
        ...                              steps=archbench.equal_steps(20_000), batch_size=128, seeds=5, timeout=3_600.0)
        >>> [protocol.name for protocol in archbench_protocols()]
        ['lab']
    """


@hookspec
def archbench_trial_started(trial: Trial) -> None:
    """Take note that a trial was handed to a worker.

    Called in the parent process, never in the worker. An exception is reported once and does not stop the run.

    Example:
        >>> import archbench
        >>> @archbench.hookimpl
        ... def archbench_trial_started(trial):
        ...     print(f"started: {trial}")
    """


@hookspec
def archbench_trial_finished(trial: Trial, record: Record) -> None:
    """Take note that a trial has a record.

    Called in the parent process for every status: `ok`, `diverged`, `oom`, `timeout`, `crashed` and `failed`. An
    exception is reported once and does not stop the run.

    Example:
        >>> import archbench
        >>> @archbench.hookimpl
        ... def archbench_trial_finished(trial, record):
        ...     print(f"{record.status}: {trial}")
    """


@hookspec
def archbench_leaderboard_sections(records: Sequence[Record]) -> Iterable[Section]:  # type: ignore[empty-body]
    """Add sections to the leaderboard.

    Called each time the leaderboard is built, with all valid records in order of their ids. The result must depend
    on the records only: the same records must give the same page. Records of tuning trials are included; they have
    `trial.tuning` set, and no scores. If a plugin raises, its sections are left out and the page says so. A section
    may have text, a table, charts as data, and PNG or SVG pictures of the plugin, which are shown as images.

    Example:
        >>> import archbench
        >>> @archbench.hookimpl
        ... def archbench_leaderboard_sections(records):
        ...     failed = sum(record.status != "ok" for record in records)
        ...     yield archbench.Section(title="Failures", text=f"{failed} trials did not finish.")
        >>> [section.text for section in archbench_leaderboard_sections([])]
        ['0 trials did not finish.']
    """
