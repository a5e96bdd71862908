"""Probes measure at their moments, and a trial ends in the same weights with and without them."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
import torch

from archbench import Probes, Protocol
from archbench._planning import Job
from archbench._protocols import Probe, equal_steps
from archbench._training import run_trial
from archbench._training._module import TrialModule
from archbench._training._probes import _prober
from archbench._training._probes._prober import moments
from archbench._training._probes._specimen import fixed_batch
from archbench._training._splits import ResidentSplit
from archbench._training._trial_run import TrialRun
from support import MakeJob

ALL = get_args(Probe)
DROPOUT_NET = """
def build(task, options):
    import random, torch
    from torch import nn
    class Drops(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter, self.norm, self.leave = nn.Linear(64, 32), nn.BatchNorm1d(32), nn.Linear(32, 10)
            self.drop, self.calls = nn.Dropout(0.3), 0
        def forward(self, x):
            self.calls += self.training
            noise = random.random() if self.training else 0
            return self.leave(self.drop(torch.relu(self.norm(self.enter(x.flatten(1)))))) + noise * (self.calls % 3)
    return Drops()
"""


def trained(job: Job) -> TrialRun:
    """A trial after training and scoring."""
    run = TrialRun(job)
    run.prepare()
    run.train()
    return run


def ends_equal(job: Job, probes: Probes) -> TrialRun:
    """Train with and without probes, compare all that training left, and return the probed trial."""
    protocol = msgspec.structs.replace(job.trial.protocol, probes=probes)
    probed_job = msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))
    plain, probed = trained(job), trained(probed_job)
    expected, found = plain.module.network.state_dict(), probed.module.network.state_dict()

    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert torch.equal(torch.cat(plain.module.losses), torch.cat(probed.module.losses))
    assert plain.module.validations == probed.module.validations
    assert plain.module.scores == probed.module.scores
    assert plain.module.plain_loss == probed.module.plain_loss
    return probed


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("resnet[depth=8]", "digits"),
        ("stochastic-depth[depth=8]", "digits"),
        pytest.param("googlenet[width=0.125]", "digits", marks=pytest.mark.slow),
        ("lstm", "adding"),
        pytest.param("transformer[dropout=0.1]", "brackets", marks=pytest.mark.slow),
    ],
)
def test_probes_change_nothing(architecture: str, task: str, probed_job: Any) -> None:
    """With all probes at three moments, weights, losses and scores are those of the trial without, bit for bit."""
    run = ends_equal(probed_job(architecture, task, None), Probes(measure=ALL, at=(0, 0.5, 1), examples=16))

    assert any(not reading.note for reading in run.prober.readings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("architecture", "task"), [("resnet[depth=8]", "digits"), ("lstm", "adding")])
def test_probes_on_a_gpu_change_nothing(architecture: str, task: str, probed_job: Any) -> None:
    """They leave the training as it is, also where its steps come from a CUDA graph, which knows where weights lie."""
    job = probed_job(architecture, task, None, kind="cuda", steps=equal_steps(60), validations=3)
    run = ends_equal(job, Probes(measure=ALL, at=(0, 0.5, 1), examples=16))

    assert any(not reading.note for reading in run.prober.readings)
    assert run.module.cuda_graph == "used"


def test_probes_do_not_shift_draws_or_counters(make_job: MakeJob) -> None:
    """Dropout, Python's generator and a counter in an attribute go on as if no probe had run the network."""
    run = ends_equal(make_job(DROPOUT_NET), Probes(measure=("gradient", "correlation", "lesion"), at=(0, 0.5, 1)))

    assert run.module.network.calls == run.module.steps[-1]
    assert all(parameter.grad is not None for parameter in run.module.network.parameters())


def test_moments_are_the_nearest_validations() -> None:
    """A share of the steps is rounded to the nearest validation; 0 is none of them and 1 is the last."""
    ends = [10, 20, 30, 40]

    assert moments((0, 0.3, 0.6, 1), ends) == {10, 20, 40}
    assert moments((0.99,), ends) == {40}
    assert moments((0.01,), ends) == {10}
    assert moments((0,), ends) == set()
    assert moments((0, 1), []) == set()


@pytest.mark.parametrize(
    ("at", "steps"), [((0, 1), [0, 20]), ((0, 0.4, 1), [0, 10, 20]), ((0.5,), [10]), ((1,), [20]), ((0,), [0])]
)
def test_each_moment_has_a_reading(at: tuple[float, ...], steps: list[int], probed_job: Any) -> None:
    """The record has one reading for each probe and moment, in order, and only these."""
    record = run_trial(probed_job("mlp", "digits", Probes(measure=("gradient", "rank"), at=at)))

    assert record.status == "ok", record.detail
    expected = [(probe, step) for step in steps for probe in ("gradient", "rank")]
    assert [(reading.probe, reading.step) for reading in record.readings] == expected
    assert all(len(reading.names) == len(reading.values) > 0 for reading in record.readings)


def test_a_lesion_is_measured_at_the_end_only(probed_job: Any) -> None:
    """Lesions are measured once, after the last step, whatever the moments of the others are."""
    record = run_trial(probed_job("mlp", "digits", Probes(measure=("lesion", "rank"), at=(0,))))

    assert [(reading.probe, reading.step) for reading in record.readings] == [("rank", 0), ("lesion", 20)]


def test_early_stop_is_the_last_moment(probed_job: Any) -> None:
    """Where training stops at the target, what was to be measured at the end is measured there, and once."""
    run = TrialRun(probed_job("mlp", "digits", Probes(measure=("rank",), at=(0.5, 1)), validations=4))
    run.prepare()
    run.module.stop_at_target = True
    run.module._solves = lambda value: True  # type: ignore[method-assign, assignment]
    run.train()

    assert run.module.steps == [5]
    assert [reading.step for reading in run.prober.readings] == [5]


def test_a_budget_in_seconds_is_probed_at_both_ends(probed_job: Any) -> None:
    """A trial whose steps are not known ahead is measured before the first and after the last step."""
    job = probed_job("mlp", "digits", Probes(measure=("rank",)), steps=None, seconds=0.2)
    record = run_trial(job)

    assert record.status == "ok", record.detail
    assert [reading.step for reading in record.readings] == [0, record.training.steps]
    with pytest.raises(ValueError, match="0 and 1 only"):
        Protocol(name="mine", seconds=1.0, batch_size=8, probes=Probes(measure=("rank",), at=(0.5,)))


def test_a_tuning_trial_measures_nothing(probed_job: Any) -> None:
    """Candidates of tuning have no readings."""
    job = probed_job("mlp", "digits", Probes(measure=ALL))
    record = run_trial(msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, tuning=True)))

    assert record.status == "ok", record.detail
    assert record.readings == []


def test_a_probe_that_fails_says_why(make_job: MakeJob, probed_job: Any) -> None:
    """A network without blocks, and a task without time, get a reading whose note gives the reason."""
    run = ends_equal(make_job(DROPOUT_NET), Probes(measure=("rank", "time-gradient", "lesion"), at=(1,)))

    notes = {reading.probe: reading.note for reading in run.prober.readings}
    assert notes == {
        "rank": "the network names no blocks",
        "time-gradient": "images have no time steps",
        "lesion": "the network names no blocks",
    }


def test_examples_are_spread_over_the_split() -> None:
    """Probes read examples from all of the split, since some splits are ordered by label, and at most as many."""
    split = ResidentSplit(torch.arange(10)[:, None], torch.arange(10))

    assert fixed_batch(split, 3)[1].tolist() == [0, 3, 6]
    assert fixed_batch(split, 64)[1].tolist() == list(range(10))
    assert fixed_batch(split, 3)[0][0].tolist() == [[0], [3], [6]]


def test_a_network_that_cannot_be_copied_trains_on(make_job: MakeJob) -> None:
    """A network that cannot be copied gets a note and trains on."""
    build = DROPOUT_NET.replace("self.calls += self.training", "if self.training: self.kept = self.leave.weight * 2")
    run = ends_equal(make_job(build), Probes(measure=("gradient",), at=(0, 1)))

    assert not run.prober.readings[0].note
    assert "cannot be copied" in run.prober.readings[1].note


def test_a_note_can_be_written(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that names a file whose name is no UTF-8 leaves a note in UTF-8."""

    def fail(specimen: Any) -> None:
        raise OSError("no \udcff")

    monkeypatch.setitem(_prober.MEASURES, "gradient", fail)
    run = ends_equal(make_job(DROPOUT_NET), Probes(measure=("gradient",), at=(1,)))

    assert [reading.note for reading in run.prober.readings] == [r"OSError: no \udcff"]


def test_a_loss_is_on_the_device_before_probes_call_it(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of a trial, and with it the tensors of a loss, is moved before the first probe, not by Lightning."""
    done: list[str] = []
    move = TrialModule.to
    monkeypatch.setattr(TrialModule, "to", lambda module, *where: done.append("moved") or move(module, *where))
    monkeypatch.setattr(_prober.Prober, "before", lambda prober: done.append("probed"))
    job = make_job(DROPOUT_NET)
    protocol = msgspec.structs.replace(job.trial.protocol, probes=Probes(measure=("gradient",)))
    trained(msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol)))

    assert done[:2] == ["moved", "probed"]
