"""What surrounds the steps: whole trials, series of trials, and runs beside the usual script."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import torch

from archbench import Record
from archbench._execution import Pool, execute, libraries_of, open_pool
from archbench._execution._launchers import ForkserverLauncher
from archbench._planning import Device, PlannedTrial, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._protocols._protocol import equal_steps
from archbench._records import Store
from archbench._selection import select
from archbench._training._schedule import learning_rates
from support.speed.rows import Row, in_pairs, ratio, values
from support.speed.steps import WORK, indexed, prepared, train_by_hand

STEPS = 500
SUITE = [("mlp", "digits"), ("lenet-5", "digits"), ("resnet-20", "digits"), ("rnn", "temporal-order")]

USUAL = """
import sys
import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset
from archbench import TaskInfo
from archbench_plugins.mlp import MLPOptions
from archbench_plugins.mlp.network import build
from archbench_tasks.digits import load_images

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.network = build(TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10), MLPOptions())
    def training_step(self, batch, index):
        return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])
    def validation_step(self, batch, index):
        self.log("right", (self.network(batch[0]).argmax(1) == batch[1]).float().mean())
    test_step = validation_step
    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=0.01)

torch.set_num_threads(1)
pl.seed_everything(int(sys.argv[1]))
splits = load_images(None, int(sys.argv[1]))
train, validation, test = (
    DataLoader(TensorDataset(*map(torch.from_numpy, (part.inputs, part.targets))), 32, shuffle=part is splits.train)
    for part in (splits.train, splits.validation, splits.test)
)
trainer = pl.Trainer(accelerator="cpu", max_steps=500, val_check_interval=50, check_val_every_n_epoch=None,
                     gradient_clip_val=1.0, logger=False, enable_checkpointing=False, enable_progress_bar=False)
module = Module()
trainer.fit(module, train, validation)
trainer.test(module, test, verbose=False)
"""
"""The script that starts anew for every training: 500 steps of the mlp on digits, ten validations, one test."""


def plan(
    architecture: str,
    task: str,
    protocol: str = "quick",
    *,
    seeds: int = 1,
    steps: int | None = None,
    validations: int = 1,
) -> list[PlannedTrial]:
    """Return the trials of a cell under a protocol, or with another number of steps and so many validations."""
    plugins = load_plugins()
    rules = find_protocol(protocol)
    if steps is not None:
        rules = msgspec.structs.replace(rules, name="steps", steps=equal_steps(steps), validations=validations)
    return make_plan(
        select([architecture], plugins.architectures, "architecture"),
        select([task], plugins.tasks, "task"),
        protocol=rules,
        seeds=seeds,
    ).trials[:seeds]


def cpu_pool(trials: list[PlannedTrial], workers: int | None = None) -> Pool:
    """Return workers of one thread each for some trials; by default as many workers as there are cores."""
    libraries = libraries_of([planned.cell.libraries for planned in trials])
    pool = open_pool(device="cpu", workers=workers, libraries=libraries)
    return replace(pool, devices=[Device(kind="cpu", threads=1) for _ in pool.devices])


def under_way(pool: Pool) -> Pool:
    """Return the workers after so many forks that their server has gathered its memory, as in a run of many trials."""
    assert isinstance(pool.launcher, ForkserverLauncher)
    for _ in range(60):
        assert pool.launcher.probe(timeout=60) is not None
    return pool


def carry_out(trials: list[PlannedTrial], folder: Path, pool: Pool) -> tuple[float, list[Record]]:
    """Run trials as a run of the suite does; return the seconds and the records."""
    store = Store(folder)
    start = time.perf_counter()
    with store.sharing():
        records = list(execute(trials, store, pool, timeout=600))
    assert {record.status for record in records} == {"ok"}
    return time.perf_counter() - start, records


def bare_trial(planned: PlannedTrial) -> float:
    """Return the seconds of all steps of a trial in a plain PyTorch loop on one thread, data and network at hand."""
    threads = torch.get_num_threads()
    try:
        run = prepared(planned)
        rates = learning_rates(run.trial.settings, run.steps)
        return train_by_hand(run, indexed(run.splits["train"], run.order), rates)
    finally:
        torch.set_num_threads(threads)


def fresh(folder: Path) -> Iterator[Path]:
    """Yield new folders below one, without end."""
    number = len(list(folder.iterdir())) if folder.exists() else 0
    while True:
        yield folder / f"out-{number}"
        number += 1


def whole_trials(folder: Path, count: int) -> list[Row]:
    """Return a trial of the mlp, from one hand-over to the next, over the steps of its bare loop.

    It finds its data, as nearly all trials of a run do, or makes them, as the first one does.
    """
    (trial,), (before,) = plan("mlp", "digits"), plan("lenet-5", "digits", "smoke")
    pool, folders = under_way(cpu_pool([before, trial], workers=1)), fresh(folder)

    def second() -> float:
        """Return the seconds from the record of another trial on the same data to that of the trial."""
        store = Store(next(folders))
        with store.sharing():
            records = execute([before, trial], store, pool, timeout=600)
            first, start = next(records), time.perf_counter()
            last = list(records)
        assert [record.id for record in (first, *last)] == [before.trial.id, trial.trial.id]
        return time.perf_counter() - start

    ways = {"": second, ", which makes its data": lambda: carry_out([trial], next(folders), pool)[0]}
    name = f"a whole trial of mlp on digits over its bare loop of {STEPS} steps"
    return [
        ratio(name + which, in_pairs(seconds, lambda: bare_trial(trial), count, warm_up=1), at_most=1.3)
        for which, seconds in ways.items()
    ]


def first_steps(folder: Path, count: int) -> list[Row]:
    """Return the seconds from the hand-over of a trial to the end of its first step.

    The first trial of a run with some data makes them; the others of a run, which has dozens, find them.
    """
    others = {"adding": "rnn", "digits": "lenet-5"}
    cells = [[*plan(others[task], task, "smoke"), *plan(architecture, task, "smoke")] for architecture, task in WORK]
    pool = under_way(cpu_pool([trial for trials in cells for trial in trials], workers=1))
    folders, rows = fresh(folder), []
    for (architecture, task), trials in zip(WORK, cells, strict=True):
        found: dict[str, list[float]] = {"": [], ", which makes its data": []}
        for first, second in [trials, trials[::-1]] * count:
            records = {record.id: record for record in carry_out([first, second], next(folders), pool)[1]}
            mine = records[trials[1].trial.id].resources.first_step_seconds
            assert mine is not None
            found["" if second is trials[1] else ", which makes its data"].append(mine)
        name = f"hand-over to first step, {architecture} on {task}"
        rows += [values(f"{name}{which}", seconds, "s", at_most=0.15) for which, seconds in found.items()]
    return rows


def efficiency(folder: Path, count: int, seeds: int = 3) -> Row:
    """Return the seconds of all steps in bare loops, the mean of before and after, over workers times wall."""
    trials = [trial for cell in SUITE for trial in plan(*cell, seeds=seeds)]
    pool, folders, shares, trained = under_way(cpu_pool(trials)), fresh(folder), [], []

    def bare_loops() -> float:
        return seeds * sum(bare_trial(plan(*cell)[0]) for cell in SUITE)

    after = bare_loops()
    for _ in range(count):
        before, (wall, records), after = after, carry_out(trials, next(folders), pool), bare_loops()
        total = len(pool.devices) * wall
        shares.append((before + after) / 2 / total)
        trained.append(sum(record.resources.train_seconds or 0.0 for record in records) / total)
    name = f"bare-loop seconds of {len(trials)} trials over {len(pool.devices)} workers times wall"
    return values(name, shares, "ratio", own_steps=statistics.median(trained), at_least=0.9)


def series(folder: Path, lengths: list[int], count: int) -> list[Row]:
    """Return the seconds per one-step trial in series of several lengths, the longest over the shortest, and memory.

    The shortest series is run before and after each of the others, `count` times.
    """
    shortest, *longer = lengths
    trials = plan("mlp", "digits", seeds=lengths[-1], steps=1)
    pool, folders = cpu_pool(trials), fresh(folder)

    def seconds(length: int) -> float:
        store, start = Store(next(folders)), time.perf_counter()
        with store.sharing():  # records are counted and not kept, so that memory shows what the suite keeps
            done = sum(record.status == "ok" for record in execute(trials[:length], store, pool, timeout=600))
        assert done == length
        return (time.perf_counter() - start) / length

    def short() -> list[float]:
        return [seconds(shortest) for _ in range(count)]

    found, around, resident = {shortest: short()[count // 2 :]}, {}, _resident()
    for length in longer:
        before = short()
        found[length] = [seconds(length)]
        around[length] = before + short()
        found[shortest] += around[length]
    grown = (_resident() - resident) / 1e6
    rows = [values(f"a one-step trial in a series of {length:,}", found[length], "s") for length in lengths]
    times = [found[lengths[-1]][0] / base for base in around[lengths[-1]]]
    name = f"a one-step trial in a series of {lengths[-1]:,} over one in a series of {shortest}"
    rows.append(values(name, times, "ratio", at_most=1.1))
    return [*rows, values(f"growth of the process that runs all series up to {lengths[-1]:,}", [grown], "MB")]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def against_processes(folder: Path, count: int, seeds: int = 6) -> Row:
    """Return the wall time of the usual script, one process for each training, over that of `benchmark run`."""
    folder.mkdir(parents=True, exist_ok=True)
    script, folders = folder / "usual.py", fresh(folder)
    script.write_text(USUAL)
    pairs = in_pairs(lambda: _usual(script, seeds), lambda: benchmark_run(next(folders), seeds), count)
    name = f"{seeds} trainings in a process each, as Lightning's guide has it, over `benchmark run`"
    return ratio(name, pairs, at_least=3.0)


def benchmark_run(out: Path, seeds: int) -> float:
    """Return the wall time of `benchmark run` for the mlp on digits."""
    command = [sys.executable, "-m", "archbench", "run", "mlp", "--task", "digits", "--seeds", str(seeds)]
    start = time.perf_counter()
    subprocess.run([*command, "--out", str(out)], check=True, capture_output=True)
    return time.perf_counter() - start


def _usual(script: Path, seeds: int) -> float:
    workers, waiting = len(os.sched_getaffinity(0)), list(range(seeds))
    running: list[subprocess.Popen[bytes]] = []
    start = time.perf_counter()
    while waiting or running:
        while waiting and len(running) < workers:
            command = [sys.executable, "-W", "ignore", str(script), str(waiting.pop())]
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        assert running.pop(0).wait() == 0
    return time.perf_counter() - start
