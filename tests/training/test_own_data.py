"""Tasks over people's own files: a worker makes the task again from the job."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

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
    def examples(count):
        inputs = draw.standard_normal((count, 4, 1)).astype(np.float32)
        return archbench.Examples(inputs, (inputs.sum(axis=(1, 2)) > 0).astype(np.int64))
    return archbench.Splits(examples(100), examples(20), examples(20))

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


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Return a job of a one-file plugin with a reader, and of a file for that reader."""
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
    """A trial trains on the data that the reader of a one-file plugin loads."""
    record = run_trial(job)

    assert record.status == "ok", record.detail
    assert record.trial.task.name == "number-123456789abc"
    assert record.trial.task.fingerprint


def test_changed_data_fail_without_naming_a_folder(job: Job, tmp_path: Path) -> None:
    """A file that was changed after the plan fails the trial, and the message names the file without its folder."""
    (tmp_path / "data").write_text("cba987654321")
    record = run_trial(job)

    assert (record.status, record.message) == ("failed", "DataError: data was changed after the run began")


def test_changed_reader_fails(job: Job, tmp_path: Path) -> None:
    """A plugin that was edited after the plan fails the trial."""
    (tmp_path / "reads.py").write_text(READER + "# edited\n")
    record = run_trial(job)

    assert record.status == "failed"
    assert "reads.py was changed after this run began" in record.message


def test_scheme_that_is_gone(job: Job, tmp_path: Path) -> None:
    """A plugin that lost its reader after the plan fails the trial and is named."""
    (tmp_path / "reads.py").write_text(READER.replace('scheme="number"', 'scheme="other"'))
    record = run_trial(job)

    assert record.status == "failed"
    assert "reads.py no longer reads 'number'" in record.message


def test_two_readers_of_one_scheme_in_one_file(tmp_path: Path) -> None:
    """Two readers of one scheme in one plugin are refused."""
    from archbench import PluginError

    yields = '    yield archbench.Reader(scheme="number", inspect=inspect, load=load, summary="A number")\n'
    (tmp_path / "reads.py").write_text(READER.replace(yields, yields * 2))
    with pytest.raises(PluginError, match=r"reader 'number' of file:reads.py clashes with reader 'number'"):
        load_plugins(files=[tmp_path / "reads.py"])


def test_the_names_of_classes_are_kept_and_no_example(job: Job) -> None:
    """Records name the classes that the reader found, when it found one for each output, and hold no file."""
    assert job.own_data is not None
    plain = run_trial(job).task_facts
    named = []
    for classes in ({"dull": 3, "x" * 200: 4}, {"one": 1}, 7):
        found = dataclasses.replace(job.own_data.found, facts={"classes": classes})
        data = msgspec.structs.replace(job.own_data, found=found)
        named.append(run_trial(msgspec.structs.replace(job, own_data=data)).task_facts.classes)

    assert named == [["dull", "x" * 80], [], []]
    assert (plain.classes, plain.example, plain.test_examples) == ([], None, 20)
