"""A worker makes the task of a reader again, from what came with the job."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archbench._planning import Device, Job, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._selection import select, select_tasks
from archbench._training import run_trial

READER = """
import math
import archbench

def inspect(path, options):
    info = archbench.TaskInfo(kind="sequence", input_shape=(4, 1), outputs=2)
    return archbench.Found(content=path.read_text(), info=info, loss="cross_entropy", metric="accuracy", chance=0.5,
                           oracle=1.0, summary="Made of a number")

def load(path, options, content, seed):
    import numpy as np
    if path.read_text() != content:
        raise archbench.DataError(f"{path.name} was changed after the run began")
    draw = np.random.default_rng([int(content, 16), seed])
    def part(count):
        inputs = draw.standard_normal((count, 4, 1)).astype(np.float32)
        return archbench.Examples(inputs, (inputs.sum(axis=(1, 2)) > 0).astype(np.int64))
    return archbench.Splits(part(100), part(20), part(20))

def build(task, options):
    from torch import nn
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))

@archbench.hookimpl
def archbench_readers():
    yield archbench.Reader(scheme="number", inspect=inspect, load=load, summary="A number")

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("sequence",), summary="Linear")
"""


@pytest.fixture(autouse=True)
def _same_threads() -> object:
    """run_trial sets the threads of its process; give the other tests theirs back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job over a one-file plugin with a reader, and a file for it."""
    (tmp_path / "reads.py").write_text(READER)
    (tmp_path / "data").write_text("123456789abc")
    plugins = load_plugins(files=[tmp_path / "reads.py"])
    (planned,) = make_plan(
        select(["mine"], plugins.architectures, "architecture"),
        select_tasks([f"number:{tmp_path / 'data'}"], plugins.tasks, plugins.readers),
        protocol=find_protocol("smoke"),
        seeds=1,
    ).trials
    return planned.job(Device(kind="cpu"))


def test_reader_of_a_file_trains(job: Job) -> None:
    """The reader of a one-file plugin provides the data of its trial."""
    record = run_trial(job)

    assert record.status == "ok", record.detail
    assert record.trial.task.name == "number-123456789abc"
    assert record.trial.task.fingerprint


def test_changed_data_fail_without_naming_a_folder(job: Job, tmp_path: Path) -> None:
    """Data that are no longer those of the plan are refused, by the name of the file alone."""
    (tmp_path / "data").write_text("cba987654321")
    record = run_trial(job)

    assert (record.status, record.message) == ("failed", "DataError: data was changed after the run began")


def test_changed_reader_fails(job: Job, tmp_path: Path) -> None:
    """A plugin that was edited after the plan is not used."""
    (tmp_path / "reads.py").write_text(READER + "# edited\n")
    record = run_trial(job)

    assert record.status == "failed"
    assert "reads.py was changed after this run began" in record.message


def test_scheme_that_is_gone(job: Job, tmp_path: Path) -> None:
    """A plugin that no longer has the reader is named."""
    (tmp_path / "reads.py").write_text(READER.replace('scheme="number"', 'scheme="other"'))
    record = run_trial(job)

    assert record.status == "failed"
    assert "reads.py no longer reads 'number'" in record.message


def test_two_readers_of_one_scheme_in_one_file(tmp_path: Path) -> None:
    """A distribution may use a scheme once."""
    from archbench import PluginError

    yields = '    yield archbench.Reader(scheme="number", inspect=inspect, load=load, summary="A number")\n'
    (tmp_path / "reads.py").write_text(READER.replace(yields, yields * 2))
    with pytest.raises(PluginError, match=r"reader 'number' of file:reads.py clashes with reader 'number'"):
        load_plugins(files=[tmp_path / "reads.py"])
