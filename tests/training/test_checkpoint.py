"""A training that was stopped and goes on ends in the numbers of one that was never stopped."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import Probes
from archbench._planning import Job
from archbench._protocols import Recipe, equal_steps
from archbench._records import Progress, Record
from archbench._training import _checkpoint, run_trial
from archbench._training._measure import describe_environment
from support import MakeJob

EVERY_STREAM = """
def build(task, options):
    import random
    import numpy as np
    import torch
    from torch import nn

    class Net(nn.Module):
        \"\"\"Draws from every global generator, has tied weights, and a buffer that it does not call its state.\"\"\"
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(64, 64), nn.Linear(64, 64)
            self.two.weight = self.one.weight
            self.norm, self.drop, self.out = nn.BatchNorm1d(64), nn.Dropout(0.3), nn.Linear(64, task.outputs)
            self.register_buffer("seen", torch.zeros(1), persistent=False)
        def forward(self, x):
            x = self.drop(torch.relu(self.norm(self.two(torch.tanh(self.one(x.flatten(1)))))))
            if self.training:
                self.seen += 1
                x = x * (1 + 0.1 * random.gauss(0, 1)) + 0.1 * float(np.random.standard_normal()) + 1e-3 * self.seen
            return self.out(x)

    return Net()
"""


class StoppedError(BaseException):
    """Stands for the end of the process: nothing that the trial does can catch it."""


@pytest.fixture(autouse=True)
def _every_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """States are kept after every chunk."""
    monkeypatch.setattr(_checkpoint, "EVERY", 0.0)


def stop_after(validations: int) -> Callable[[Progress], None]:
    """Return a listener that ends the trial in the moment of this validation, before its state is kept."""
    left = [validations]

    def listen(progress: Progress) -> None:
        left[0] -= 1
        if not left[0]:
            raise StoppedError

    return listen


def stopped(job: Job, path: Path, validations: int) -> None:
    """Run a trial until this validation."""
    with pytest.raises(StoppedError):
        run_trial(job, None, stop_after(validations), path)


def numbers(record: Record) -> dict[str, Any]:
    """Return all of a record that does not depend on the clock."""
    assert record.status == "ok", record.detail
    assert record.curves is not None
    assert record.training is not None
    curves = msgspec.structs.replace(record.curves, seconds=[])
    training = msgspec.structs.replace(record.training, resumed_at=[], seconds_to_target=None)
    kept = ("id", "scores", "pairing", "confusion", "wrong", "readings")
    return {name: getattr(record, name) for name in kept} | {"curves": curves, "training": training}


def with_rules(job: Job, **changes: Any) -> Job:
    """Return a job whose protocol is changed."""
    protocol = msgspec.structs.replace(job.trial.protocol, **changes)
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


RECIPES = {
    "adam": Recipe(optimizer="adam", learning_rate=0.01),
    "adamw": Recipe(optimizer="adamw", learning_rate=0.01, weight_decay=0.1, clip_norm=1.0),
    "sgd with momentum": Recipe(optimizer="sgd", learning_rate=0.05, momentum=0.9),
    "plain sgd": Recipe(optimizer="sgd", learning_rate=0.05),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_all_streams_and_moments_come_back(recipe: str, make_job: MakeJob, tmp_path: Path) -> None:
    """Stopped twice, a network that draws from every generator ends in the record of one that was not stopped."""
    job, path = with_rules(make_job(EVERY_STREAM), recipe=RECIPES[recipe], validations=6), tmp_path / "state"
    whole = numbers(run_trial(job))
    stopped(job, path, 3)
    stopped(job, path, 2)
    record = run_trial(job, None, lambda progress: None, path)

    assert numbers(record) == whole
    assert record.training is not None
    assert record.curves is not None
    assert record.training.resumed_at == record.curves.step[1:3]


@pytest.mark.parametrize(
    ("architecture", "task"),
    [("stochastic-depth", "digits"), ("lstm", "parity"), ("transformer", "copy-memory"), ("googlenet", "digits")],
)
def test_built_in_networks_go_on(architecture: str, task: str, probed_job: Callable[..., Job], tmp_path: Path) -> None:
    """Networks with dropped layers, recurrence, attention and auxiliary losses go on bit for bit."""
    job, path = probed_job(architecture, task, None, validations=5), tmp_path / "state"
    whole = numbers(run_trial(job))
    stopped(job, path, 4)

    assert numbers(run_trial(job, None, lambda progress: None, path)) == whole


PENALISED = """
def build(task, options):
    import archbench, torch
    class Penalised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            return archbench.Outputs(self.net(x), penalties={"mean": (self.net[1].weight.square().mean(), 0.5)})
    return Penalised()
"""


def test_penalties_go_on(make_job: MakeJob, tmp_path: Path) -> None:
    """The curve of penalties is that of a training that was not stopped."""
    job, path = with_rules(make_job(PENALISED), validations=5), tmp_path / "state"
    whole = numbers(run_trial(job))
    stopped(job, path, 3)

    assert len(whole["curves"].penalty) == 5
    assert numbers(run_trial(job, None, lambda progress: None, path)) == whole


def test_augmentation_goes_on(probed_job: Callable[..., Job], tmp_path: Path) -> None:
    """The stream of augmentation is taken up where it was."""
    job, path = probed_job("lenet", "shapes", None, validations=5, augment=True), tmp_path / "state"
    whole = numbers(run_trial(job))
    stopped(job, path, 3)

    assert numbers(run_trial(job, None, lambda progress: None, path)) == whole


@pytest.mark.parametrize("damage", ["cut", "garbled", "of another version", "of another trial", "missing"])
def test_a_state_that_does_not_fit_is_not_taken_up(
    damage: str, make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is damaged, or was written by another version or for another trial, costs time and nothing else."""
    job, path = with_rules(make_job(EVERY_STREAM), validations=6), tmp_path / "state"
    whole = numbers(run_trial(job))
    other = with_rules(make_job(EVERY_STREAM, seed=1), validations=6)
    stopped(other if damage == "of another trial" else job, path, 3)
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "garbled":
        path.write_bytes(b"{" * 5000)
    elif damage == "missing":
        path.unlink()
    elif damage == "of another version":
        newer = msgspec.structs.replace(describe_environment(job.device), torch="9.9")
        monkeypatch.setattr(_checkpoint, "describe_environment", lambda device: newer)
    record = run_trial(job, None, lambda progress: None, path)

    assert numbers(record) == whole
    assert record.training is not None
    assert record.training.resumed_at == []


def test_short_trainings_and_probed_ones_keep_nothing(
    probed_job: Callable[..., Job], make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is written with probes, with a budget in seconds, or before a minute has passed."""
    path = tmp_path / "state"
    probes = Probes(measure=("gradient",))
    run_trial(probed_job("mlp", "digits", probes), None, lambda progress: None, path)
    timed = with_rules(make_job(EVERY_STREAM), steps=None, seconds=0.2)
    run_trial(timed, None, lambda progress: None, path)
    assert not path.exists()
    monkeypatch.setattr(_checkpoint, "EVERY", 60.0)
    stopped(make_job(EVERY_STREAM), path, 2)
    assert not path.exists()


def test_a_full_disk_costs_the_state_only(make_job: MakeJob, tmp_path: Path) -> None:
    """A state that cannot be written does not end the trial."""
    (tmp_path / "file").write_text("")
    record = run_trial(make_job(EVERY_STREAM), None, lambda progress: None, tmp_path / "file" / "state")

    assert record.status == "ok"


KILLED = """
import sys, msgspec
from pathlib import Path
from archbench._planning import Job
from archbench._records import Record
from archbench._training import _checkpoint, run_trial
from archbench._training._measure import describe_environment
_checkpoint.EVERY = 0.0
job, state, out = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job), Path(sys.argv[2]), Path(sys.argv[3])
record = run_trial(job, None, lambda progress: print("validated", flush=True), state)
out.write_bytes(msgspec.json.encode(record))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_random_moments(probed_job: Callable[..., Job], tmp_path: Path) -> None:
    """A trial whose process is killed ten times, anywhere, ends in the record of one that was not."""
    job = probed_job("resnet", "digits", None, validations=60, steps=equal_steps(60))
    paths = [tmp_path / name for name in ("job.json", "state", "record.json")]
    paths[0].write_bytes(msgspec.json.encode(job))
    chance, kills = random.Random(0), 0
    while not paths[2].exists():
        with subprocess.Popen([sys.executable, "-c", KILLED, *map(str, paths)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(2, 5) if kills < 10 else 1000):
                if not process.stdout.readline():
                    break
            if kills < 10:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(timeout=chance.random() * 0.02)
                process.kill()
                kills += 1
    record = msgspec.json.decode(paths[2].read_bytes(), type=Record)

    assert kills == 10
    assert record.training is not None
    assert len(record.training.resumed_at) >= 9
    assert numbers(record) == numbers(run_trial(job))
