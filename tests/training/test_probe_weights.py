"""The probe `weights`: the network at chosen steps, in files beside the record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.numpy
import torch

from archbench import Probes, Protocol, RecordError
from archbench._planning import Device, Job, Rank, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import equal_steps
from archbench._records import Progress, kept_steps, name_network, read_sidecar, read_weights
from archbench._selection import select
from archbench._training import _checkpoint, run_trial
from archbench._training._keeping import keep_steps
from archbench._training._rebuilding import rebuild
from archbench._training._streams import stream_seed
from archbench._training._trial_run import TrialRun
from archbench_tasks.digits import load_images
from support import MakeJob
from support.going_on import EVERY_STREAM, with_rules

NORMED = """
def build(task, options):
    from torch import nn
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, task.outputs))
"""
WEIGHTS = Probes(measure=("weights",), at=(0.0, 0.5, 1.0))
ENDS = Probes(measure=("weights",))


def network_after(job: Job, step: int, folder: Path, plugin: Path) -> Any:
    """Return the network that was kept at a step."""
    sidecar = read_sidecar(folder, name_network(job.trial.id, step))
    (mine,) = [each.item for each in load_plugins(files=[plugin]).architectures if each.item.name == "mine"]
    return rebuild(sidecar, read_weights(folder, sidecar), mine, None)


def accuracy_in_validation(network: Any, job: Job) -> float:
    """Return the accuracy on the validation split of the digits, in a plain loop."""
    split = load_images(None, stream_seed(job.trial, "splits")).validation
    with torch.inference_mode():
        answers = network(torch.as_tensor(split.inputs)).argmax(1)
    return float((answers == torch.as_tensor(split.targets)).float().mean())


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the content of all files of a folder by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_network_of_each_step(make_job: MakeJob, tmp_path: Path) -> None:
    """The files have the start of the training, and the networks whose validation scores are in the curve."""
    job = with_rules(make_job(NORMED), probes=WEIGHTS, validations=4)
    begun = TrialRun(job)
    begun.prepare()
    folder = tmp_path / "networks"
    record = run_trial(msgspec.structs.replace(job, keep="last"), networks=folder)
    start = network_after(job, 0, folder, tmp_path / "mine.py").state_dict()
    validated = dict(zip(record.curves.step, record.curves.validation, strict=True))

    assert record.status == "ok", record.detail
    assert [(reading.step, reading.note) for reading in record.readings] == [(0, ""), (10, ""), (20, "")]
    names = [f"{record.id}{mark}" for mark in ("", ".step-0", ".step-10", ".step-20")]
    assert set(files_of(folder)) == {f"{name}.{ending}" for name in names for ending in ("json", "safetensors")}
    assert all(torch.equal(value, start[name]) for name, value in begun.module.network.state_dict().items())
    for step in (10, 20):
        network = network_after(job, step, folder, tmp_path / "mine.py")
        assert accuracy_in_validation(network, job) == pytest.approx(validated[step], abs=1e-7)
        assert (int(network[1].num_batches_tracked), network.training) == (step, False)
    assert validated[10] != validated[20]
    assert files_of(folder)[f"{record.id}.safetensors"] == files_of(folder)[f"{record.id}.step-20.safetensors"]


def test_readings_have_the_norms_of_the_files(make_job: MakeJob, tmp_path: Path) -> None:
    """Names and values of a reading are the tensors of its file and their Euclidean norms, as numpy has them."""
    job = with_rules(make_job(NORMED), probes=WEIGHTS)
    record = run_trial(job, networks=tmp_path)

    for reading in record.readings:
        tensors = safetensors.numpy.load_file(tmp_path / f"{record.id}.step-{reading.step}.safetensors")
        assert set(reading.names) == set(tensors)
        assert len(reading.names) == 9
        for name, value in zip(reading.names, reading.values, strict=True):
            assert value == pytest.approx(np.sqrt((tensors[name].astype(np.float64) ** 2).sum()), rel=1e-12)


AVERAGED = f"""
import archbench
{NORMED}
paper = archbench.Recipe(optimizer="sgd", learning_rate=0.5, batch_size=16, epochs=1)
recipe = archbench.Published(source="nowhere", data="digits", recipe=paper, average=0.9)

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("image",), recipe=recipe)
"""


@pytest.mark.parametrize("budget", [{"steps": equal_steps(20), "probes": WEIGHTS}, {"seconds": 0.3, "probes": ENDS}])
def test_an_average_is_kept_where_it_is_evaluated(budget: Any, tmp_path: Path) -> None:
    """With averaged weights, the files have the networks that validation scored, at the end of a time as well."""
    (tmp_path / "mine.py").write_text(AVERAGED)
    plugins = load_plugins(files=[tmp_path / "mine.py"])
    rules = Protocol(name="averaged", recipe="own", validations=4, **budget)
    entrants = select(["mine"], plugins.architectures, "architecture")
    (planned,) = make_plan(entrants, select(["digits"], plugins.tasks, "task"), protocol=rules, seeds=1).trials
    job = planned.job(Device(kind="cpu"))
    record = run_trial(job, networks=tmp_path / "networks")
    validated = dict(zip(record.curves.step, record.curves.validation, strict=True))

    assert record.status == "ok", record.detail
    steps = [reading.step for reading in record.readings][1:]
    assert steps[-1] == record.training.steps
    for step in steps:
        network = network_after(job, step, tmp_path / "networks", tmp_path / "mine.py")
        assert accuracy_in_validation(network, job) == pytest.approx(validated[step], abs=1e-7)


def test_a_training_that_goes_on_has_kept_what_came_before(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after three of four chunks, it leaves the files of a training that was not stopped, bit for bit."""

    class StoppedError(BaseException):
        """Stands for the end of the process."""

    def stop(progress: Progress) -> None:
        if progress.training.steps == 15:
            raise StoppedError

    monkeypatch.setattr(_checkpoint, "EVERY", 0.0)
    job, state = with_rules(make_job(EVERY_STREAM), probes=WEIGHTS, validations=4), tmp_path / "state"
    run_trial(job, networks=tmp_path / "whole")
    with pytest.raises(StoppedError):
        run_trial(job, None, stop, state, networks=tmp_path / "parts")
    assert not (tmp_path / "parts").exists()
    record = run_trial(job, None, lambda progress: None, state, networks=tmp_path / "parts")

    assert record.training.resumed_at == [10]
    assert len(files_of(tmp_path / "parts")) == 6
    assert files_of(tmp_path / "parts") == files_of(tmp_path / "whole")


def test_a_training_that_diverges_has_its_weights(make_job: MakeJob, tmp_path: Path) -> None:
    """The weights of the steps before a loss that is not finite are there."""
    build = NORMED.replace("return nn", "net = nn") + BREAKS
    job = with_rules(make_job(build), probes=WEIGHTS, validations=4)
    record = run_trial(job, networks=tmp_path)

    assert record.status == "diverged"
    assert [reading.step for reading in record.readings] == kept_steps(tmp_path, record.id) == [0, 10]


BREAKS = """
    class Breaks(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.calls = net, 0
        def forward(self, x):
            self.calls += self.training
            return self.net(x) * (1.0 if self.calls < 15 else float("nan"))
    return Breaks()
"""


def test_what_cannot_be_written_is_noted(make_job: MakeJob, tmp_path: Path) -> None:
    """The trial is ok and has no file where a state is no tensor, the folder is a file, or there is none."""
    odd = NORMED.replace("nn.Tanh()", "Odd()").replace("    return", "    class Odd(nn.Tanh):" + ODD + "    return")
    places = {"the network calls 3._extra_state its state": odd, "StoreError": NORMED, "there is no folder": NORMED}
    (tmp_path / "file").touch()
    for (said, build), folder in zip(places.items(), (tmp_path / "networks", tmp_path / "file", None), strict=True):
        record = run_trial(with_rules(make_job(build), probes=WEIGHTS), networks=folder)

        assert record.status == "ok", record.detail
        assert [(reading.step, reading.names, said in reading.note) for reading in record.readings] == [
            (step, [], True) for step in (0, 10, 20)
        ]
    assert not (tmp_path / "networks").exists()


ODD = """
        def get_extra_state(self):
            return {"words": "no tensor"}
        def set_extra_state(self, state):
            pass
"""


def test_an_earlier_training_leaves_nothing(make_job: MakeJob, tmp_path: Path) -> None:
    """Files of steps that the last training of a trial did not keep are removed, and those of others stay."""
    job = with_rules(make_job(NORMED), probes=WEIGHTS)
    others = (f"{job.trial.id}.json", f"{job.trial.id}.safetensors", f"{'0' * 32}.step-7.safetensors")
    for name in (f"{job.trial.id}.step-7.json", f"{job.trial.id}.step-7.safetensors", *others):
        (tmp_path / name).write_text("old")
    run_trial(job, networks=tmp_path)

    assert kept_steps(tmp_path, job.trial.id) == [0, 10, 20]
    assert not (tmp_path / f"{job.trial.id}.step-7.json").exists()
    assert [(tmp_path / name).read_text() for name in others] == ["old"] * 3


def test_of_several_ranks_one_writes(make_job: MakeJob, tmp_path: Path) -> None:
    """Only the leading rank writes the weights of a trial."""
    job = with_rules(make_job(NORMED), probes=WEIGHTS)
    run = TrialRun(job)
    run.prepare()
    run.train()
    record = run.record("ok", "", "")
    for rank in (1, 0):
        mine = msgspec.structs.replace(job, rank=Rank(number=rank, total=2, local_number=rank, local_total=2))
        keep_steps(mine, record, run.module, run.prober.weights, tmp_path / str(rank))

    assert [(tmp_path / str(rank)).exists() for rank in (0, 1)] == [True, False]


def test_other_probes_keep_nothing(probed_job: Callable[..., Job], tmp_path: Path) -> None:
    """A trial whose probes do not measure weights writes no network."""
    record = run_trial(probed_job("mlp", "digits", Probes(measure=("gradient",))), networks=tmp_path / "networks")

    assert record.status == "ok", record.detail
    assert not (tmp_path / "networks").exists()


def test_mistakes_are_told(make_job: MakeJob, tmp_path: Path) -> None:
    """A step without weights names those that have some; damage and files of another name are errors."""
    job, folder = with_rules(make_job(NORMED), probes=ENDS), tmp_path / "networks"
    trial_id = run_trial(job, networks=folder).id
    with pytest.raises(RecordError, match=r"after step 7 are kept in .*; there are those after 0, 20"):
        read_sidecar(folder, f"{trial_id}.step-7")
    with pytest.raises(RecordError, match="a study whose probes measure weights keeps them"):
        read_sidecar(folder, f"{'0' * 32}.step-7")
    with pytest.raises(RecordError, match="no network of trial"):
        read_sidecar(folder, trial_id)
    (folder / f"{trial_id}.step-7.json").write_bytes((folder / f"{trial_id}.step-20.json").read_bytes())
    with pytest.raises(RecordError, match=rf"sidecar of trial {trial_id}\.step-20"):
        read_sidecar(folder, f"{trial_id}.step-7")
    (folder / f"{trial_id}.step-20.safetensors").write_bytes(b"")
    with pytest.raises(RecordError, match="are damaged"):
        read_weights(folder, read_sidecar(folder, f"{trial_id}.step-20"))
