"""Trials that lack memory, or meet a fault of the GPU, beside others: they run once more, alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archbench._execution import Pool, execute, open_pool
from archbench._execution._endings import may_be_of_company
from archbench._planning import PlannedTrial, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Record, Store
from archbench._selection import select
from support import MakeRecord

PLUGIN = """
import os, time
from pathlib import Path

import archbench

FOLDER = Path({folder!r})

def neighbours():
    return [path for path in FOLDER.glob("neighbour-*") if Path("/proc", path.name.partition("-")[2]).exists()]

def wait_for(found):
    end = time.monotonic() + 60
    while not found() and time.monotonic() < end:
        time.sleep(0.01)

def note():
    with open(FOLDER / "tries", "a") as file:
        file.write("hungry ")

def network(task):
    import torch
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, task.outputs))

def neighbour(task, options):
    (FOLDER / f"neighbour-{{os.getpid()}}").touch()
    wait_for((FOLDER / "tries").exists)
    time.sleep(0.3)
    return network(task)

def hungry(task, options):
    import torch
    if not (FOLDER / "lone").exists():
        if not (FOLDER / "tries").exists():
            wait_for(neighbours)
        note()
        if neighbours():
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    return network(task)

def greedy(task, options):
    import torch
    note()
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2000.00 GiB.")

def wrong(task, options):
    note()
    raise ValueError("no such layer")

@archbench.hookimpl
def archbench_architectures():
    for build in (neighbour, hungry, greedy, wrong):
        yield archbench.Architecture(name=build.__name__, build=build, inputs=("image",), summary="Small")
"""

Train = Callable[..., tuple[list[Record], list[str]]]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """`train(*names, workers=2)` trains small networks on digits; a name that comes again is a further seed.

    It returns their records in the order in which they came, and the lines on what happened.
    """
    path = tmp_path / "small.py"
    path.write_text(PLUGIN.format(folder=str(tmp_path)))
    plugins = load_plugins(files=[path])

    def planned(name: str, seed: int) -> PlannedTrial:
        architectures = select([name], plugins.architectures, "architecture")
        tasks = select(["digits"], plugins.tasks, "task")
        return make_plan(architectures, tasks, protocol=find_protocol("smoke"), seeds=seed + 1).trials[seed]

    def run(*names: str, workers: int = 2) -> tuple[list[Record], list[str]]:
        trials = [planned(name, names[:at].count(name)) for at, name in enumerate(names)]
        store, lines = Store(tmp_path / f"out-{workers}"), list[str]()
        pool = open_pool(device="cpu", workers=2)
        pool = Pool(pool.launcher, pool.devices[:workers])  # with equal threads, on which the last bits depend
        return list(execute(trials, store, pool, timeout=120, on_news=lines.append)), lines

    return run


def test_memory_that_ends_beside_others(train: Train, tmp_path: Path) -> None:
    """A trial that lacks memory beside others runs again when all others have ended, with the score of a lone one."""
    (tmp_path / "lone").touch()
    (alone,), nothing = train("hungry", workers=1)
    (tmp_path / "lone").unlink()
    records, lines = train("neighbour", "hungry", "neighbour", "neighbour")
    *others, record = records

    assert (tmp_path / "tries").read_text().split() == ["hungry"] * 2
    assert [other.trial.architecture.name for other in others] == ["neighbour"] * 3
    assert (alone.status, record.status, record.message) == ("ok", "ok", "")
    assert record.environment.alone_again
    assert record.scores == alone.scores
    assert record.curves.validation == alone.curves.validation
    assert lines == ["hungry on digits, seed 0: oom beside others; it runs again at the end, alone"]
    assert nothing == []
    assert not any(other.environment.alone_again for other in [alone, *others])


def test_a_trial_that_lacks_memory_alone_too(train: Train, tmp_path: Path) -> None:
    """A trial that is too large for the device runs twice and no more, and its record says so."""
    (record,) = [r for r in train("greedy", "neighbour")[0] if r.trial.architecture.name == "greedy"]

    assert (tmp_path / "tries").read_text().split() == ["hungry"] * 2
    assert record.status == "oom"
    assert record.message.endswith("2000.00 GiB.; so it ended alone, too, and first beside others")
    assert record.environment.alone_again
    assert "2000.00 GiB" in Store(tmp_path / "out-2").log(record.id).read_text()


@pytest.mark.parametrize(
    ("names", "workers"), [(("greedy",), 2), (("greedy", "neighbour"), 1), (("wrong", "neighbour"), 2)]
)
def test_what_company_cannot_have_caused(names: tuple[str, ...], workers: int, train: Train, tmp_path: Path) -> None:
    """A trial that was alone anyway, or fails for another reason, runs once."""
    records, lines = train(*names, workers=workers)

    assert (tmp_path / "tries").read_text().split() == ["hungry"]
    assert lines == []
    assert records[0].status in ("oom", "failed")
    assert not records[0].environment.alone_again
    assert "alone" not in records[0].message


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        ("oom", "OutOfMemoryError: CUDA out of memory", True),
        ("failed", "AcceleratorError: CUDA error: an illegal memory access was encountered", True),
        ("failed", "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", True),
        ("failed", "ValueError: no such layer", False),
        ("timeout", "CUDA error", False),
        ("diverged", "", False),
        ("ok", "", False),
    ],
)
def test_endings_that_company_may_have_caused(
    status: str, message: str, expected: bool, make_record: MakeRecord
) -> None:
    """Memory is shared, and under NVIDIA's service so are faults; all else is a trial's own."""
    assert may_be_of_company(make_record(status=status, message=message)) is expected
