"""Networks that are kept: what is written, and that the same network comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

import archbench
from archbench import RecordError
from archbench._planning import Job
from archbench._plugins import load_plugins
from archbench._records import read_sidecar, read_weights
from archbench._training import run_trial
from archbench._training._rebuilding import rebuild
from support import MakeJob

# After ten steps it answers nothing but zeros, so that validation selects the weights at step 10 of 20.
FORGETS = """
def build(task, options):
    import torch
    class Forgets(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.twin = linear(task), linear(task)
            self.twin[1].weight = self.net[1].weight
            self.scale = torch.rand(())  # no part of the state
            self.register_buffer("steps", torch.zeros(()))
        def forward(self, x):
            self.steps += self.training
            return (self.net(x) + self.twin(x)) * self.scale * (1.0 if self.steps <= 10 else 0.0)
    return Forgets()
"""


def kept(job: Job, weights: Any, folder: Path) -> archbench.Record:
    """Return the record of a trial whose network is kept in a folder."""
    record = run_trial(msgspec.structs.replace(job, keep=weights), networks=folder)
    assert record.status == "ok", record.detail
    return record


def build_again(record: archbench.Record, folder: Path, plugin: Path) -> Any:
    """Return the kept network of a record."""
    sidecar = read_sidecar(folder, record.id)
    (mine,) = [a.item for a in load_plugins(files=[plugin]).architectures if a.item.name == "mine"]
    return rebuild(sidecar, read_weights(folder, sidecar), mine, None)


@pytest.mark.parametrize(("weights", "step"), [("selected", 10), ("last", 20)])
def test_the_weights_that_were_asked_for(weights: str, step: int, make_job: MakeJob, tmp_path: Path) -> None:
    """The network has the weights that validation selected, or those of its end, and scores what the record says."""
    job = make_job(FORGETS)
    record = kept(job, weights, tmp_path / "networks")
    torch.manual_seed(99)
    before = torch.get_rng_state()
    network = build_again(record, tmp_path / "networks", tmp_path / "mine.py")

    assert read_sidecar(tmp_path / "networks", record.id).step == step
    assert (int(network.steps), network.training) == (step, False)
    assert network.twin[1].weight is network.net[1].weight
    assert torch.equal(torch.get_rng_state(), before)
    assert record.scores is not None
    expected = record.scores.test if weights == "selected" else record.scores.test_last
    assert accuracy_on_digits(network, job) == expected


def accuracy_on_digits(network: Any, job: Job) -> float:
    """Return the accuracy on the test split of the digits, in a plain loop."""
    from archbench._training._loading import load_task
    from archbench._training._streams import stream_seed

    test = load_task(job).load(None, stream_seed(job.trial, "splits")).test
    with torch.inference_mode():
        answers = network(torch.as_tensor(test.inputs)).argmax(1)
    return float((answers == torch.as_tensor(test.targets)).float().mean())


def test_keeping_changes_no_result(make_job: MakeJob, tmp_path: Path) -> None:
    """Id, scores and curves are those of a trial that keeps nothing, and nothing is written for that one."""
    job = make_job(FORGETS)
    without = run_trial(job, networks=tmp_path / "none")
    record = kept(job, "last", tmp_path / "some")

    assert without.scores is not None
    assert (record.id, record.scores) == (without.id, without.scores)
    assert record.curves is not None
    assert without.curves is not None
    assert record.curves.train_loss == without.curves.train_loss
    assert not (tmp_path / "none").exists()
    assert sorted(path.suffix for path in (tmp_path / "some").iterdir()) == [".json", ".safetensors"]


def test_a_network_that_cannot_be_written_keeps_its_record(make_job: MakeJob, tmp_path: Path) -> None:
    """State that is no tensor is not written; the trial is ok, its record says why, and there is no half a network."""
    odd = """
def build(task, options):
    import torch
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            return self.net(x)
        def get_extra_state(self):
            return {"words": "no tensor"}
        def set_extra_state(self, state):
            pass
    return Odd()
"""
    record = kept(make_job(odd), "last", tmp_path / "networks")

    assert record.detail.startswith("the network was not kept: ")
    assert not (tmp_path / "networks").exists()


def test_damage_is_seen(make_job: MakeJob, tmp_path: Path) -> None:
    """Weights that are changed, cut short or missing, and a torn or foreign sidecar, are errors that name the file."""
    folder = tmp_path / "networks"
    record = kept(make_job(FORGETS), "selected", folder)
    weights, sidecar = folder / f"{record.id}.safetensors", folder / f"{record.id}.json"
    whole, words = weights.read_bytes(), sidecar.read_bytes()

    for damaged in (whole[:-1], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:], b""):
        weights.write_bytes(damaged)
        with pytest.raises(RecordError, match=f"{weights.name} are damaged"):
            read_weights(folder, read_sidecar(folder, record.id))
    weights.unlink()
    with pytest.raises(RecordError, match=f"{weights.name} cannot be read: No such file"):
        read_weights(folder, read_sidecar(folder, record.id))
    sidecar.write_bytes(words[:-20])
    with pytest.raises(RecordError, match=f"{sidecar.name} cannot be read"):
        read_sidecar(folder, record.id)
    sidecar.write_bytes(words.replace(b'"format":1', b'"format":2'))
    with pytest.raises(RecordError, match="newer archbench"):
        read_sidecar(folder, record.id)
    (folder / f"{'0' * 32}.json").write_bytes(words)
    with pytest.raises(RecordError, match=f"sidecar of trial {record.id}"):
        read_sidecar(folder, "0" * 32)
    with pytest.raises(RecordError, match="no network of trial 1111 is kept"):
        read_sidecar(folder, "1111")


def test_another_network_does_not_get_the_weights(make_job: MakeJob, tmp_path: Path) -> None:
    """Weights of other names or shapes than those of the network that is built now are an error."""
    record = kept(make_job(FORGETS), "selected", tmp_path / "networks")
    make_job("def build(task, options): return linear(task)\n")

    with pytest.raises(RecordError, match="do not fit the network that mine builds now"):
        build_again(record, tmp_path / "networks", tmp_path / "mine.py")
