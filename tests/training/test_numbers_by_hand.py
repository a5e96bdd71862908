"""The numbers of a trial beside loops written by hand, which take nothing but the data from the suite."""

from __future__ import annotations

import math
import time
from typing import Any

import msgspec
import pytest
import torch
from torch.nn import functional

from archbench._planning import Job
from archbench._records import Record
from archbench._training._trial_run import TrialRun
from support import MakeJob

SMALL_TASK = """
def load(options, seed):
    import numpy as np
    draw = np.random.default_rng(seed)
    def examples(count, draw):
        inputs = draw.normal(size=(count, 1, 2, 2)).astype(np.float32)
        targets = (inputs.sum((1, 2, 3)) > 0).astype(np.int64) + (inputs[:, 0, 0, 0] > 1)
        return archbench.Examples(inputs, targets)
    return archbench.Splits(examples(48, draw), examples(700, draw), examples(1100, np.random.default_rng(1)))

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=3)
    for name in ("signs", "signs-again"):
        yield archbench.Task(name=name, info=info, load=load, loss="cross_entropy", metric="accuracy",
                             chance=0.0, oracle=1.0)
"""
"""A task with 48 training examples, three batches of smoke, and evaluation splits that end with a partial batch."""

RECORDING = """
def build(task, options):
    import torch
    class Recording(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.seen, self.kept = linear(task), [], []
            self.start = {name: weight.clone() for name, weight in self.net.state_dict().items()}
        def forward(self, x):
            if self.training and torch.is_grad_enabled():
                self.seen.append(x.clone())
            elif self.seen and not self.training and (not self.kept or self.kept[-1][0] != len(self.seen)):
                weights = {name: weight.clone() for name, weight in self.net.state_dict().items()}
                self.kept.append((len(self.seen), weights))
            return self.net(x)
    return Recording()
"""
"""A linear network that keeps its training batches, and its weights at each evaluation."""


def trained(job: Job) -> TrialRun:
    """Return a trial after its training."""
    run = TrialRun(job)
    run.prepare()
    run.train()
    return run


@pytest.fixture
def recorded(make_job: MakeJob) -> TrialRun:
    """A finished trial of the recording network: 20 steps of 16 examples, which are six epochs and two batches."""
    return trained(make_job(RECORDING, task="signs", extra=SMALL_TASK))


def examples_of(run: TrialRun) -> list[int]:
    """Return the index in the training split of each example that the network saw in training, in order."""
    rows = [tuple(row.flatten().tolist()) for row in run.splits["train"].inputs]
    return [rows.index(tuple(row.flatten().tolist())) for batch in run.module.network.seen for row in batch]


def accuracy(weights: dict[str, torch.Tensor], inputs: Any, targets: torch.Tensor) -> float:
    """Return the share of right answers of a linear network, example by example."""
    right = 0
    for x, target in zip(inputs, targets, strict=True):
        logits = weights["1.weight"] @ x.flatten() + weights["1.bias"]
        right += int(logits.argmax() == target)
    return right / len(targets)


def test_every_epoch_has_each_example_once_in_a_new_order(recorded: TrialRun) -> None:
    """Each of the six whole epochs consists of all 48 examples, and no two have the same order."""
    order = examples_of(recorded)
    epochs = [tuple(order[start : start + 48]) for start in range(0, 48 * 6, 48)]

    assert len(order) == 20 * 16
    assert all(sorted(epoch) == list(range(48)) for epoch in epochs)
    assert len(set(epochs)) == 6


def test_losses_and_weights_follow_adamw_by_hand(recorded: TrialRun) -> None:
    """Training takes the steps of AdamW (Kingma and Ba 2015, Algorithm 1) with the rates and the clipping of smoke.

    The rates rise over the first tenth of the 20 steps and then fall along half a cosine, strictly between peak and 0.
    """
    network: Any = recorded.module.network
    targets = recorded.splits["train"].targets
    order = examples_of(recorded)
    weights = {name: value.clone().requires_grad_() for name, value in network.start.items()}
    first = {name: torch.zeros_like(value) for name, value in network.start.items()}
    second = {name: torch.zeros_like(value) for name, value in network.start.items()}
    rates = [0.005, 0.01] + [0.005 * (1 + math.cos(math.pi * k / 19)) for k in range(1, 19)]
    losses = []
    for step, (batch, rate) in enumerate(zip(network.seen, rates, strict=True)):
        labels = targets[order[16 * step : 16 * step + 16]]
        logits = batch.flatten(1) @ weights["1.weight"].T + weights["1.bias"]
        loss = -torch.log_softmax(logits, 1)[torch.arange(16), labels].mean()
        losses.append(loss.item())
        gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients.values()))
        for name, gradient in gradients.items():
            clipped = gradient * min(1.0, 1.0 / norm)
            first[name] = 0.9 * first[name] + 0.1 * clipped
            second[name] = 0.999 * second[name] + 0.001 * clipped**2
            mean, variance = first[name] / (1 - 0.9 ** (step + 1)), second[name] / (1 - 0.999 ** (step + 1))
            weights[name] = (weights[name] - rate * mean / (variance.sqrt() + 1e-8)).detach().requires_grad_()
    record = recorded.record("ok", "", "")

    assert record.curves is not None
    assert record.curves.step == [10, 20]
    assert record.curves.train_loss == pytest.approx([sum(losses[:10]) / 10, sum(losses[10:]) / 10], rel=1e-5)
    for name, value in network.kept[1][1].items():
        assert torch.allclose(value, weights[name], rtol=1e-4, atol=1e-6), name


def test_each_validation_counts_every_example_of_its_own_weights(recorded: TrialRun) -> None:
    """Each validation is the accuracy of the weights at that time over all 700 examples, and so is the test score."""
    network: Any = recorded.module.network
    validation, test = recorded.splits["validation"], recorded.splits["test"]
    by_hand = [accuracy(weights, validation.inputs, validation.targets) for _, weights in network.kept[:2]]
    record = recorded.record("ok", "", "")

    assert [step for step, _ in network.kept[:2]] == [10, 20]
    assert record.curves is not None
    assert by_hand[0] != by_hand[1]
    assert record.curves.validation == pytest.approx(by_hand, abs=1e-6)
    assert record.scores is not None
    assert record.scores.test_last == pytest.approx(accuracy(network.kept[1][1], test.inputs, test.targets), abs=1e-6)


ERROR_TASK = """
def load(options, seed):
    import numpy as np
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(64, 3, 2)).astype(np.float32)
    examples = archbench.Examples(inputs, inputs.mean((1, 2))[:, None])
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(3, 2), outputs=1)
    yield archbench.Task(name="means", info=info, load=load, loss="mean_squared_error", metric="mean_squared_error",
                         chance=0.2, oracle=0.0)
"""
SCALED = """
def build(task, options):
    import torch
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
            self.register_buffer("steps", torch.zeros(()))
        def forward(self, x):
            self.steps += self.training
            return x.mean((1, 2))[:, None] + 0 * self.net(x) + (FIRST if self.steps <= 10 else SECOND)
    return Scaled()
"""


@pytest.mark.parametrize(("first", "second", "step"), [(0.5, 1.0, 10), (1.0, 0.5, 20)])
def test_the_smallest_error_is_selected(first: float, second: float, step: int, make_job: MakeJob) -> None:
    """Under an error the weights with the smallest validation error are scored, whether first or last."""
    build = SCALED.replace("FIRST", str(first)).replace("SECOND", str(second))
    run = trained(make_job(build, task="means", extra=ERROR_TASK))
    record = run.record("ok", "", "")

    assert record.scores is not None
    assert record.scores.selected_step == step
    assert record.scores.validation == pytest.approx(0.25, rel=1e-5)
    assert record.scores.test == pytest.approx(0.25, rel=1e-5)
    assert record.scores.test_last == pytest.approx(second**2, rel=1e-5)


NOISY = """
def build(task, options):
    import torch
    net = torch.nn.Sequential(torch.nn.Dropout(0.5), linear(task))
    DRAW
    return net
"""


def test_noise_does_not_depend_on_what_build_draws(make_job: MakeJob) -> None:
    """Two networks with equal weights have the same dropout masks, though one drew numbers after its weights."""
    plain = record_of(make_job(NOISY.replace("DRAW", "pass")))
    greedy = record_of(make_job(NOISY.replace("DRAW", "torch.rand(1000)")))

    assert plain.curves is not None
    assert greedy.curves is not None
    assert plain.curves.train_loss == greedy.curves.train_loss


def record_of(job: Job) -> Record:
    """Return the record of a trial that ends well."""
    return trained(job).record("ok", "", "")


def test_streams_are_separate(make_job: MakeJob) -> None:
    """No two purposes share a seed; those of the data depend on task and seed, the others on the seed alone."""
    from typing import get_args

    from archbench._training._streams import Stream, stream_seed

    trial = make_job(RECORDING, task="signs", extra=SMALL_TASK).trial
    other_task = make_job(RECORDING, task="signs-again", extra=SMALL_TASK).trial
    other_seed = msgspec.structs.replace(trial, seed=7)
    streams = get_args(Stream)

    assert len({stream_seed(trial, stream) for stream in streams}) == len(streams) == 6
    assert all(stream_seed(trial, stream) != stream_seed(other_seed, stream) for stream in streams)
    shared = {stream for stream in streams if stream_seed(trial, stream) == stream_seed(other_task, stream)}
    assert shared == {"weights", "noise", "probes"}


def test_noise_and_weights_are_drawn_apart(make_job: MakeJob) -> None:
    """The first numbers that training draws are not those that the first weights were made of."""
    build = """
def build(task, options):
    import torch
    class Drawing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.drawn, self.net = torch.rand(4), [], linear(task)
        def forward(self, x):
            if self.training and torch.is_grad_enabled():
                self.drawn.append(torch.rand(4))
            return self.net(x)
    return Drawing()
"""
    network: Any = trained(make_job(build)).module.network

    assert not torch.equal(network.first, network.drawn[0])


def test_proof_of_the_batches_covers_targets_and_order(recorded: TrialRun) -> None:
    """The hash of the first batches changes with an input, with a target, and with the order of the examples."""
    from archbench._training._order import BatchOrder
    from archbench._training._pairing import hash_first_batches
    from archbench._training._splits import ResidentSplit

    train: Any = recorded.splits["train"]
    order = BatchOrder(48, 16, steps=20, chunks=2, seed=5)
    first = int(next(iter(order))[0, 0])
    inputs, targets = train.inputs.clone(), train.targets.clone()
    inputs[first] += 1
    targets[first] = (targets[first] + 1) % 3
    proofs = {
        hash_first_batches(ResidentSplit(train.inputs, train.targets), order),
        hash_first_batches(ResidentSplit(inputs, train.targets), order),
        hash_first_batches(ResidentSplit(train.inputs, targets), order),
        hash_first_batches(train, BatchOrder(48, 16, steps=20, chunks=2, seed=6)),
    }

    assert len(proofs) == 4


@pytest.mark.parametrize("threads", [1, 2])
def test_the_device_says_how_many_threads(threads: int, make_job: MakeJob) -> None:
    """A trial runs with the number of threads of its device, and its record says so."""
    record = record_of(make_job(RECORDING, task="signs", extra=SMALL_TASK, threads=threads))

    assert torch.get_num_threads() == threads
    assert record.environment is not None
    assert record.environment.threads == threads


KNOWING = """
def build(task, options):
    import torch
    class Knowing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
            self.register_buffer("steps", torch.zeros(()))
        def forward(self, x):
            self.steps += self.training
            label = (x.sum((1, 2, 3)) > 0).long() + (x[:, 0, 0, 0] > 1).long()
            right = torch.nn.functional.one_hot(label, 3).float()
            return (right if RIGHT else -right) + 0 * self.net(x)
    return Knowing()
"""


@pytest.mark.parametrize(
    ("right", "steps"),
    [("True", 10), ("self.steps <= 10", 10), ("self.steps > 10", 20), ("False", None)],
    ids=["always", "early", "late", "never"],
)
def test_steps_to_the_target_are_those_of_the_first_validation_that_reached_it(
    right: str, steps: int | None, make_job: MakeJob
) -> None:
    """A target is reached at the first validation that is as good, and one that is never reached has no steps."""
    extra = SMALL_TASK.replace("oracle=1.0)", "oracle=1.0, target=1.0)")
    training = record_of(make_job(KNOWING.replace("RIGHT", right), task="signs", extra=extra)).training

    assert training is not None
    assert training.steps_to_target == steps
    assert (training.seconds_to_target is None) == (steps is None)
    assert (training.steps, training.planned_steps, training.examples, training.stopped) == (20, 20, 48, "budget")


def test_plain_cross_entropy_of_ignored_steps(make_job: MakeJob) -> None:
    """The training loss of a task per step is the mean over the labels that are asked for."""
    extra = """
def load(options, seed):
    import numpy as np
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(16, 4, 1)).astype(np.float32)
    targets = draw.integers(0, 2, (16, 4))
    targets[:, :3] = archbench.IGNORED
    examples = archbench.Examples(inputs, targets)
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(4, 1), outputs=2, per_step=True)
    yield archbench.Task(name="last", info=info, load=load, loss="cross_entropy", metric="accuracy",
                         chance=0.5, oracle=1.0)
"""
    build = "def build(task, options):\n    from torch import nn\n    return nn.Linear(1, 2)\n"
    run = TrialRun(make_job(build, task="last", extra=extra))
    run.prepare()
    assert run.module is not None
    train, network = run.splits["train"], run.module.network
    by_hand = functional.cross_entropy(network(train.inputs)[:, 3], train.targets[:, 3]).item()
    run.train()

    assert float(run.module.losses[0][0]) == pytest.approx(by_hand, rel=1e-5)


def test_a_trial_takes_as_long_as_a_clock_says(make_job: MakeJob) -> None:
    """The seconds of a trial are those since its hand-over, and training is a part of them."""
    before = time.monotonic()
    record = record_of(make_job(RECORDING, task="signs", extra=SMALL_TASK))
    passed = time.monotonic() - before

    assert record.resources.total_seconds is not None
    assert record.resources.train_seconds is not None
    assert 0 < record.resources.train_seconds < record.resources.total_seconds <= passed
