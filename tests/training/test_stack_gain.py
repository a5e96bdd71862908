"""The probe of seeds together takes steps as the training will, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from archbench._planning import Job
from archbench._protocols import equal_steps
from archbench._training import _stack_gain, _trial_run
from archbench._training._recorded import COMPARED, RecordedSteps
from archbench._training._streams import host_states
from archbench._training._together import JointTraining
from archbench._training._trial_run import TrialRun
from support import MakeJob
from support.repeating import Repeater

SEEDS = 3
BUILD = """
def build(task, options):
    import torch
    from torch import nn
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            size = math.prod(task.input_shape)
            self.net = nn.Sequential(nn.Linear(size, 8), nn.BatchNorm1d(8), nn.Linear(8, task.outputs))
        def forward(self, x):
            return self.net(x.flatten(1))
    return Net()
"""
RECURRENT = """
def build(task, options):
    import torch
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = torch.nn.LSTM(8, 4, batch_first=True)
            self.head = torch.nn.Linear(4, task.outputs)
        def forward(self, x):
            return self.head(self.core(x[:, 0])[0][:, -1])
    return Net()
"""


class Recorder(Repeater):
    """Counts the repetitions of each recording, and refuses those of one number."""

    def __init__(self, refused: int | None = None) -> None:
        super().__init__()
        self.repetitions: list[int] = []
        self.refused = refused

    def record(self, step: Callable[[], None]) -> Callable[[], object]:
        """Return the step, which counts itself."""
        number = len(self.repetitions)
        self.repetitions.append(0)
        if number == self.refused:
            raise RuntimeError("no recording")

        def repeat() -> None:
            self.repetitions[number] += 1
            step()

        return repeat


@pytest.fixture(autouse=True)
def _whatever_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the probe end soon, and refuse no gain."""
    monkeypatch.setattr("archbench._training._together.LEAST_GAIN", 0.0)
    monkeypatch.setattr(_stack_gain, "PROBE_SECONDS", 0.2)


@pytest.fixture
def training(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JointTraining]:
    """Return `training(build, recorder)`, which prepares the seeds of a network with a recorder."""

    def prepare(build: str, recorder: Any = None, *, steps: int = 60) -> JointTraining:
        monkeypatch.setattr(_trial_run, "recorder_of", lambda device: recorder)
        runs = [TrialRun(with_steps(make_job(build, seed=seed), steps)) for seed in range(SEEDS)]
        for run in runs:
            run.prepare()
        return JointTraining(runs)

    return prepare


def with_steps(job: Job, steps: int) -> Job:
    """Return a job of so many steps, without augmentation."""
    protocol = msgspec.structs.replace(job.trial.protocol, steps=equal_steps(steps), augment=False)
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


def networks(joint: JointTraining) -> list[nn.Module]:
    """Return the networks of all seeds."""
    return [module.network for module in joint.modules_of_seeds]


def test_both_sides_repeat_recordings_and_nothing_else_moves(training: Callable[..., JointTraining]) -> None:
    """Seeds together and one alone are recorded once each; weights, buffers, gradients and streams stay."""
    joint = training(BUILD, recorder := Recorder())
    before = [{name: value.clone() for name, value in each.state_dict().items()} for each in networks(joint)]
    states = host_states()

    assert joint.probe() > 0
    assert len(recorder.repetitions) == 2
    assert min(recorder.repetitions) > COMPARED + 2  # those compared, one to choose how many, and pairs
    assert recorder.repetitions[0] == recorder.repetitions[1]
    for network, state in zip(networks(joint), before, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())
    assert host_states() == states
    assert all(module.recorded is None and not module.cuda_graph for module in joint.modules_of_seeds)


@pytest.mark.parametrize("refused", [0, 1], ids=["together", "alone"])
def test_a_side_that_cannot_be_recorded_takes_single_steps(
    training: Callable[..., JointTraining], refused: int
) -> None:
    """The other one repeats its recording all the same, as the training will."""
    joint = training(BUILD, recorder := Recorder(refused))

    assert joint.probe() > 0
    assert recorder.repetitions[refused] == 0
    assert recorder.repetitions[1 - refused] > COMPARED + 2


@pytest.mark.parametrize("steps", [20, 60])
def test_what_is_not_recorded_is_measured_in_single_steps(
    training: Callable[..., JointTraining], steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that is too short for a recording, or on a device without one, is measured as before."""
    monkeypatch.setattr(_stack_gain, "RecordedSteps", None)
    recorder = Recorder() if steps == 20 else None

    assert training(BUILD, recorder, steps=steps).probe() > 0


def test_the_gain_is_that_of_repeated_steps(
    training: Callable[..., JointTraining], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single steps of 9 seconds do not count where repeated ones take 3 and 2 milliseconds."""
    clock = Clock()
    original = RecordedSteps._step

    def step(self: RecordedSteps) -> None:
        original(self)
        clock.seconds += clock.step

    monkeypatch.setattr(RecordedSteps, "_step", step)
    monkeypatch.setattr(_stack_gain, "_now", lambda device: clock.seconds)

    assert training(BUILD, clock).probe() == pytest.approx(SEEDS * 2 / 3)


class Clock(Recorder):
    """Counts the seconds of single and repeated steps."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.step = 0.0, 9.0

    def record(self, step: Callable[[], None]) -> Callable[[], object]:
        """Return the step, which takes milliseconds: 3 of all seeds together, 2 of one alone."""
        fast, repeat = (0.003, 0.002)[len(self.repetitions)], super().record(step)

        def timed() -> None:
            self.step = fast
            repeat()
            self.step = 9.0

        return timed


def test_the_clock_waits_for_the_device_of_the_data(
    training: Callable[..., JointTraining], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a GPU has yet to do is counted, though a module is told its device only when it trains."""
    waited: list[torch.device] = []
    monkeypatch.setattr(_stack_gain, "wait_for", waited.append)
    joint = training(BUILD)
    for module in joint.modules_of_seeds:
        module._device = torch.device("meta")

    assert joint.probe() > 0
    assert set(waited) == {torch.device("cpu")}


def test_recurrent_weights_of_the_copy_lie_together(
    training: Callable[..., JointTraining], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied layer gathers its weights again; else a GPU would copy them in each step of the side alone."""
    gathered: list[nn.RNNBase] = []
    joint = training(RECURRENT)
    monkeypatch.setattr(nn.RNNBase, "flatten_parameters", lambda self: gathered.append(self))
    joint.probe()

    assert len(gathered) == 1
    assert all(gathered[0] is not network.core for network in networks(joint))
