"""A training that was stopped and goes on ends in the numbers of one that was never stopped."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from archbench import Probes
from archbench._planning import Job
from archbench._protocols import Recipe, equal_steps
from archbench._records import Progress, Record
from archbench._training import _checkpoint, run_trial
from archbench._training._measure import describe_environment
from archbench._training._order import BatchOrder, TimedOrder
from archbench._training._schedule import TrainingClock
from support import MakeJob
from support.going_on import EVERY_STREAM, NOISY_TASK, numbers, train_and_tell, with_rules

LINEAR = "def build(task, options):\n    return linear(task)\n"


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
        left[0] -= progress.training.steps not in progress.training.resumed_at  # a point that is told once more
        if not left[0]:
            raise StoppedError

    return listen


def stopped(job: Job, path: Path, validations: int) -> None:
    """Run a trial until this validation."""
    with pytest.raises(StoppedError):
        run_trial(job, None, stop_after(validations), path)


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


def test_points_before_a_stop_are_reported_again(make_job: MakeJob, tmp_path: Path) -> None:
    """A training that goes on reports at once what it had reached, and in every report where it went on."""
    job, path = with_rules(make_job(LINEAR), validations=5), tmp_path / "state"
    curves = numbers(run_trial(job))["curves"]
    stopped(job, path, 3)
    told: list[Progress] = []
    run_trial(job, None, told.append, path)
    points = [progress.point for progress in told]

    assert [point and point.validation for point in points] == curves.validation
    assert [point and point.train_loss for point in points] == curves.train_loss
    assert [progress.training.steps for progress in told] == [curves.step[at] for at in (1, 1, 2, 3, 4)]
    assert {tuple(progress.training.resumed_at) for progress in told} == {(curves.step[1],)}


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


def test_augmentation_goes_on(make_job: MakeJob, tmp_path: Path) -> None:
    """The stream of augmentation is taken up where it was."""
    job, path = make_job(LINEAR, task="noisy", extra=NOISY_TASK), tmp_path / "state"
    plain = with_rules(job, validations=5, augment=False)
    job = with_rules(job, validations=5, augment=True)
    whole = numbers(run_trial(job))
    stopped(job, path, 3)

    assert whole["curves"] != numbers(run_trial(plain))["curves"]
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


def test_short_trainings_keep_nothing(make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is written before a minute has passed, nor at the end."""
    path = tmp_path / "state"
    run_trial(with_rules(make_job(EVERY_STREAM), validations=1), None, lambda progress: None, path)
    timed = with_rules(make_job(EVERY_STREAM), steps=None, seconds=0.2, validations=1)
    run_trial(timed, None, lambda progress: None, path)
    assert not path.exists()
    monkeypatch.setattr(_checkpoint, "EVERY", 60.0)
    stopped(make_job(EVERY_STREAM), path, 2)
    assert not path.exists()


@pytest.mark.slow
def test_probes_go_on(probed_job: Callable[..., Job], tmp_path: Path) -> None:
    """Readings from before a stop are kept, none is taken twice, and later ones are those of a whole training."""
    probes = Probes(measure=("gradient", "activation", "lesion"), at=(0.0, 0.25, 0.5, 1.0))
    job, path = probed_job("resnet", "digits", probes, validations=8), tmp_path / "state"
    whole = run_trial(job)
    stopped(job, path, 5)
    record = run_trial(job, None, lambda progress: None, path)

    assert len({(reading.probe, reading.step) for reading in record.readings}) == len(record.readings) == 9
    assert numbers(record) == numbers(whole)
    assert len(record.training.resumed_at) == 1


def test_a_budget_in_seconds_goes_on(make_job: MakeJob, tmp_path: Path) -> None:
    """Stopped after two of four chunks, a training takes what is left of its time, from its place in the order on."""
    job, path = with_rules(make_job(EVERY_STREAM), steps=None, seconds=2.0, validations=4), tmp_path / "state"
    stopped(job, path, 3)
    start = time.monotonic()
    record = run_trial(job, None, lambda progress: None, path)
    curves, (resumed_at,) = record.curves, record.training.resumed_at

    assert record.status == "ok", record.detail
    assert len(curves.step) == 4
    assert curves.step[1] == resumed_at < curves.step[2]
    assert 1.9 < curves.seconds[-1] < 4
    assert time.monotonic() - start > 0.9  # the second half of the time was trained again


def test_an_order_goes_on() -> None:
    """What is left of an order are its later chunks, and of a timed one the batches after those that are done."""
    whole = BatchOrder(30, 4, steps=9, chunks=3, seed=5)
    rest = whole.after(1, 3)
    clock = TrainingClock(1.0, now=lambda: 0.0)  # its time never comes to an end
    timed = TimedOrder(30, 4, chunks=3, clock=clock, seed=5).after(1, 3)
    clock.start()
    first = next(iter(next(iter(timed))))

    assert (len(whole), len(rest), len(timed)) == (3, 2, 2)
    assert torch.equal(torch.cat(list(rest)), torch.cat(list(whole))[3:])
    assert torch.equal(first, torch.cat(list(whole))[3])


SIGN = """
def load(options, seed):
    import numpy as np
    bits = np.random.default_rng(seed).integers(0, 2, 200)
    examples = archbench.Examples((4 * bits[:, None, None] - 2).astype(np.float32), bits)
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(1, 1), outputs=2)
    yield archbench.Task(name="sign", info=info, load=load, loss="cross_entropy", metric="accuracy",
                         chance=0.5, oracle=1.0, target=0.99)
"""


def test_a_reached_target_is_the_end(make_job: MakeJob, tmp_path: Path) -> None:
    """No state is kept of the validation that reached the target, so that nothing trains on from there."""
    job = make_job("def build(task, options):\n    return linear(task)\n", task="sign", extra=SIGN)
    job, path = with_rules(job, steps=equal_steps(200), validations=40, stop_at_target=True), tmp_path / "state"
    record = run_trial(job, None, lambda progress: None, path)
    state = _checkpoint.Checkpoint(path, job).load()
    again = run_trial(job, None, lambda progress: None, path)

    assert record.training.stopped == again.training.stopped == "target"
    assert state.step < record.training.steps == again.training.steps


def test_a_full_disk_costs_the_state_only(make_job: MakeJob, tmp_path: Path) -> None:
    """A state that cannot be written does not end the trial."""
    (tmp_path / "file").write_text("")
    record = run_trial(make_job(EVERY_STREAM), None, lambda progress: None, tmp_path / "file" / "state")

    assert record.status == "ok"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_random_moments(probed_job: Callable[..., Job], tmp_path: Path) -> None:
    """A trial whose process is killed ten times, anywhere, ends in the record of one that was not."""
    job = probed_job("resnet", "digits", None, validations=60, steps=equal_steps(60))
    state, out = tmp_path / "state", tmp_path / "record.json"
    forks = multiprocessing.get_context("forkserver")  # ten fresh interpreters would load torch ten times
    forks.set_forkserver_preload(["torch", "lightning.pytorch", "torchmetrics", "archbench._training"])
    chance, kills = random.Random(0), 0
    while not out.exists():
        heard, told = forks.Pipe(duplex=False)
        process = forks.Process(target=train_and_tell, args=(msgspec.json.encode(job), state, out, told))
        process.start()
        told.close()
        with contextlib.suppress(EOFError):  # it has ended
            for _ in range(chance.randrange(2, 5) if kills < 10 else 1000):
                heard.recv_bytes()
        if kills < 10:
            process.join(chance.random() * 0.02)
            assert process.is_alive()
            process.kill()
            kills += 1
        process.join()
    record = msgspec.json.decode(out.read_bytes(), type=Record)

    assert kills == 10
    assert record.training is not None
    assert len(record.training.resumed_at) >= 9
    assert numbers(record) == numbers(run_trial(job))


@pytest.mark.parametrize(("fused", "device"), [(True, "meta"), (False, "cpu")])
def test_the_count_of_steps_comes_back_to_where_it_is_read(fused: bool, device: str) -> None:
    """A fused kernel of a GPU reads it there, and would read any memory if it were left on the host."""
    weight = torch.nn.Parameter(torch.empty(3, device="meta"))
    optimizer = torch.optim.Optimizer([weight], {"fused": fused})
    tensors = {"moment.0.step": torch.tensor(5.0), "moment.0.exp_avg": torch.zeros(3)}
    _checkpoint._restore_moments(optimizer, [{}], tensors)

    assert optimizer.state[weight]["step"].device.type == device
    assert optimizer.state[weight]["exp_avg"].device.type == "meta"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("architecture", "task"), [("resnet-20", "digits"), ("transformer", "copy-memory")])
def test_a_training_on_a_gpu_goes_on(
    architecture: str, task: str, probed_job: Callable[..., Job], tmp_path: Path
) -> None:
    """Stopped and gone on, a training with a CUDA graph ends in the bits of one that was not stopped."""
    job = probed_job(architecture, task, None, kind="cuda", validations=5, steps=equal_steps(100))
    path = tmp_path / "state"
    first = run_trial(job)
    stopped(job, path, 3)
    record = run_trial(job, None, lambda progress: None, path)

    assert record.training is not None
    assert record.curves is not None
    assert record.training.resumed_at == record.curves.step[1:2]
    assert numbers(record) == numbers(first)
    for trained in (first, record):
        assert trained.environment is not None
        assert trained.environment.cuda_graph == "used"
