"""How a run scales: with workers, with the number of trials, and with the number of those that are done."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Container
from pathlib import Path
from typing import Any

import msgspec

from archbench import Observer, Record
from archbench._execution import Executor, LocalExecutor, Pool, Wanted
from archbench._execution._channel import Channel, deliver
from archbench._planning import Device, Job, Plan, make_plan
from archbench._plugins import Plugins, load_plugins
from archbench._protocols import find_protocol
from archbench._records import Store, encode_record
from archbench._selection import select
from archbench._suite import RunSettings
from archbench._suite._run import Run
from support.speed.rows import Row, in_pairs, values
from support.speed.spent import spent
from support.speed.steps import bare, prepared
from support.speed.trials import fresh
from support.speed.trials import plan as plan_cell

REFERENCE = Path(__file__).parents[3] / "leaderboard" / "reference"
TASKS, SEEDS = 20, 50

NETS = """
import archbench

def info(options):
    return archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)

@archbench.hookimpl
def archbench_architectures():
    for number in range({architectures}):
        yield archbench.Architecture(name=f"net-{{number:03d}}", build="torch.nn:Linear", inputs=("image",))

@archbench.hookimpl
def archbench_tasks():
    for number in range({tasks}):
        yield archbench.Task(name=f"task-{{number:02d}}", info=info, load="nowhere:load", loss="cross_entropy",
                             metric="accuracy", chance=0.1, oracle=1.0)
"""


FEW, MANY = 1, 5
"""Seeds of two runs; what the larger takes longer is the time of trials, without the start and the page of a run."""


def two_workers(folder: Path, count: int, architectures: list[str]) -> list[Row]:
    """Return the wall time of trials with one worker over that with two, and what two cores can give at most.

    One worker has one core, so that each trial has one thread in either run.
    """
    folders = fresh(folder)

    def run(workers: int, seeds: int) -> float:
        """Return the seconds of a command, from its start to its end."""
        command = [sys.executable, "-m", "archbench", "run", *architectures, "--task", "digits", "--seeds", str(seeds)]
        more = ["--workers", str(workers), "--out", str(next(folders)), "--device", "cpu", "--no-live"]
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(cores)[:workers])  # the command inherits it
        try:
            start = time.perf_counter()
            subprocess.run([*command, *more], check=True, capture_output=True)
            return time.perf_counter() - start
        finally:
            os.sched_setaffinity(0, cores)

    def trials(workers: int) -> float:
        return run(workers, MANY) - run(workers, FEW)

    pairs = in_pairs(lambda: trials(1), lambda: trials(2), count)
    number = len(architectures) * (MANY - FEW)
    return [
        values(f"{number} trials of quick, one worker over two", [a / b for a, b in pairs], "ratio", at_least=1.9),
        values("a bare loop alone, twice, over two at a time", [_two_loops() for _ in range(3)], "ratio"),
    ]


def _two_loops() -> float:
    """Return the seconds of two bare loops one after the other over those of both at a time, a process each."""
    (trial,) = plan_cell("lenet-5", "digits")
    run, fork = prepared(trial), multiprocessing.get_context("fork")

    def seconds(number: int) -> float:
        """Return the seconds of so many loops at a time, which are forked, so that they share data and network."""
        loops = [fork.Process(target=bare, args=(run, 300)) for _ in range(number)]
        start = time.perf_counter()
        for loop in loops:
            loop.start()
        for loop in loops:
            loop.join()
        assert {loop.exitcode for loop in loops} == {0}
        return time.perf_counter() - start

    return 2 * seconds(1) / seconds(2)


class Delivered:
    """The process of a trial that has ended in the moment of its start."""

    pid = 2**22 + 1  # no process has this id, and none is ended by signals to it
    lost = False

    def __init__(self) -> None:
        self.sentinel, writer = os.pipe()
        os.close(writer)

    def exit_code(self) -> int:
        """Return that it ended well."""
        return 0

    def close(self, seconds: float | None = None) -> None:
        """Free the pipe."""
        os.close(self.sentinel)


class NoProcess:
    """Delivers a record in place of a process, so that nothing but the scheduling takes time.

    Args:
        model: the record of a trial, which all others get as well.
    """

    def __init__(self, model: Record) -> None:
        self.model = model

    def start(self, job: bytes, root: str, channel: Channel) -> Delivered:
        """Deliver the record."""
        trial = msgspec.json.decode(job, type=Job).trial
        deliver(channel.fileno(), channel.token, _record_of(self.model, trial))
        return Delivered()

    def clear(self, running: Container[int]) -> None:
        """Do nothing."""

    def ask_memory(self, index: int, timeout: float) -> bytes | None:
        """Return None: no GPU takes part."""
        return None


class ScheduledOnly(Run):
    """A run whose trials take no time."""

    def _open_executor(self, wanted: Wanted) -> Executor:
        return LocalExecutor(Pool(NoProcess(_model()), [Device(kind="cpu")] * 2), wanted)


def scheduling(folder: Path, number: int) -> list[Row]:
    """Return the seconds per trial of a run whose trials take no time, and how its process grows."""
    plugins = nets(folder, architectures=max(1, number // (TASKS * 5)))
    plan = plan_all(plugins, seeds=5)
    settings = RunSettings(out=folder / "out")
    before, start = _resident(), time.perf_counter()
    run = ScheduledOnly(plan, settings, plugins=plugins, observer=Observer())
    with run.store.locked():
        run._train_all()
    trained = len(run.trained)
    seconds = (time.perf_counter() - start) / trained
    return [
        values(f"scheduling of one of {trained:,} trials, beyond its process", [seconds], "s", at_most=0.05),
        values(f"growth of the process that schedules {trained:,} trials", [(_resident() - before) / 1e6], "MB"),
    ]


def parent_memory(folder: Path, seeds: int) -> list[Row]:
    """Return the peak memory of the process of `benchmark run` itself, without its trials and their server."""
    command = [sys.executable, "-m", "archbench", "run", "mlp", "--task", "digits", "--protocol", "smoke"]
    more = ["--seeds", str(seeds), "--out", str(folder / "out")]
    peak = 0
    with subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, _peak_of(process.pid))
            time.sleep(0.05)
    assert process.returncode == 0
    return [values(f"peak memory of a run of {seeds} trials, its own process", [peak / 1e6], "MB", at_most=300)]


def all_done(folder: Path, number: int) -> list[Row]:
    """Return processor seconds and peak memory of `benchmark run` where every trial of a large plan has its record."""
    plugins = nets(folder, architectures=number // (TASKS * SEEDS))
    write_records(plan_all(plugins, seeds=SEEDS), folder / "out")
    command = [sys.executable, "-m", "archbench", "run", "net-*", "--task", "task-*", "--seeds", str(SEEDS)]
    command += ["--plugin", str(folder / "nets.py"), "--out", str(folder / "out")]
    first, again = spent(command), spent(command)  # the first one writes the page; had it to train, it would fail
    name = f"going on with a plan of {number:,} trials, all done"
    return [
        values(f"{name}, without a page", [first.seconds], "s"),
        values(f"{name}, peak memory", [again.peak], "MB", at_most=500),
        values(name, [again.seconds], "s", at_most=10),
    ]


def write_records(plan: Plan, out: Path) -> None:
    """Write a record for each trial of a plan."""
    model = _model()
    for planned in plan.trials:
        path = Store(out).path(planned.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_record(_record_of(model, planned.trial)))


def nets(folder: Path, *, architectures: int) -> Plugins:
    """Return plugins with so many made-up architectures, and made-up tasks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nets.py"
    path.write_text(NETS.format(architectures=architectures, tasks=TASKS))
    return load_plugins(files=[path])


def plan_all(plugins: Plugins, *, seeds: int) -> Plan:
    """Return the plan of all made-up architectures and tasks."""
    return make_plan(
        select(["net-*"], plugins.architectures, "architecture"),
        select(["task-*"], plugins.tasks, "task"),
        protocol=find_protocol("quick"),
        seeds=seeds,
    )


def _model() -> Record:
    records = Store(REFERENCE).scan()[0].values()
    return next(r for r in records if r.scores and r.task_facts.kind == "image" and r.trial.protocol.name == "quick")


def _record_of(model: Record, trial: Any) -> Record:
    # A matrix of confusions would not fit other scores, and equal splits of different tasks would be a contradiction.
    pairing = msgspec.structs.replace(model.pairing, splits=f"{trial.task.name} {trial.seed}")
    return msgspec.structs.replace(model, id=trial.id, trial=trial, pairing=pairing, confusion=None, wrong=[])


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak_of(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
