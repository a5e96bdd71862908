"""Recipes: optimisers and budgets against loops written by hand."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor

from archbench._planning import Job
from archbench._protocols import HOUSE_RECIPE, Recipe, equal_steps
from archbench._training import run_trial
from archbench._training._order import BatchOrder, TimedOrder
from archbench._training._schedule import TrainingClock, learning_rates
from archbench._training._streams import stream_seed
from archbench_tasks.digits import load_images
from support import MakeJob, house_recipe

LINEAR = "def build(task, options): return linear(task)\n"
STEPS = 6


def under(job: Job, **changes: Any) -> Job:
    """Return the job with changes to its protocol."""
    protocol = msgspec.structs.replace(job.trial.protocol, **changes)
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


class ByHand:
    """The update of each optimiser for one parameter, as its paper or torch's documentation writes it."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.state = recipe, {}

    def update(self, w: Tensor, rate: float, decay: float) -> None:
        """Take one step for `w`, whose gradient is set."""
        assert w.grad is not None
        g, state = w.grad.clone(), self.state.setdefault(id(w), {"t": 0})
        state["t"] += 1
        if self.recipe.optimizer == "adamw":
            w.mul_(1 - rate * decay)
        else:
            g = g + decay * w
        w.sub_(rate * getattr(self, self.recipe.optimizer)(g, state))

    def sgd(self, g: Tensor, state: dict[str, Any]) -> Tensor:
        """Return v = m v + g."""
        state["v"] = self.recipe.momentum * state.get("v", 0.0) + g
        return state["v"]

    def nesterov(self, g: Tensor, state: dict[str, Any]) -> Tensor:
        """Return g + m v, where v = m v + g."""
        return g + self.recipe.momentum * self.sgd(g, state)

    def adam(self, g: Tensor, state: dict[str, Any]) -> Tensor:
        """Return the update of Algorithm 1 of arXiv:1412.6980."""
        b1, b2 = self.recipe.betas
        state["m"] = b1 * state.get("m", 0.0) + (1 - b1) * g
        state["v"] = b2 * state.get("v", 0.0) + (1 - b2) * g**2
        return (state["m"] / (1 - b1 ** state["t"])) / ((state["v"] / (1 - b2 ** state["t"])).sqrt() + 1e-8)

    adamw = adam

    def rmsprop(self, g: Tensor, state: dict[str, Any]) -> Tensor:
        """Return the gradient over the root of its running mean square, with momentum applied afterwards."""
        state["s"] = 0.99 * state.get("s", 0.0) + 0.01 * g**2
        return self.sgd(g / (state["s"].sqrt() + 1e-8), state)


def losses_by_hand(job: Job, recipe: Recipe) -> list[float]:
    """Return the training losses of a linear network on the digits, with a loop written by hand."""
    train = load_images(None, stream_seed(job.trial, "splits")).train
    inputs, targets = torch.from_numpy(train.inputs), torch.from_numpy(train.targets)
    torch.manual_seed(stream_seed(job.trial, "weights"))
    layer = torch.nn.Linear(64, 10)
    hand, losses = ByHand(recipe), []
    order = BatchOrder(len(targets), 16, steps=STEPS, chunks=1, seed=stream_seed(job.trial, "order"))
    (chunk,) = order
    for index, rate in zip(chunk, learning_rates(recipe, STEPS), strict=True):
        layer.zero_grad()
        loss = torch.nn.functional.cross_entropy(layer(inputs[index].flatten(1)), targets[index])
        loss.backward()
        losses.append(loss.item())
        norm = torch.cat([layer.weight.grad.flatten(), layer.bias.grad]).norm()
        if recipe.clip_norm:
            for p in (layer.weight, layer.bias):
                p.grad *= min(1.0, recipe.clip_norm / (float(norm) + 1e-6))
        with torch.no_grad():
            hand.update(layer.weight, rate, recipe.weight_decay)
            hand.update(layer.bias, rate * recipe.bias_rate, recipe.weight_decay if recipe.decay_biases else 0.0)
    return losses


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "learning_rate": 0.5, "milestones": (), "warmup": 0.0, "clip_norm": 0.0},
        {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.1, "weight_decay": 0.1, "milestones": (0.5,)},
        {"optimizer": "nesterov", "momentum": 0.9, "learning_rate": 0.1, "warmup": 0.4, "warmup_rate": 0.01},
        {"optimizer": "nesterov", "momentum": 0.5, "weight_decay": 0.5, "decay_biases": False, "bias_rate": 2.0},
        {"optimizer": "adam", "weight_decay": 0.3, "betas": (0.8, 0.9)},
        {"optimizer": "adamw", "weight_decay": 0.3, "clip_norm": 0.1, "bias_rate": 3.0},
        {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.3, "bias_rate": 0.1},
        {"optimizer": "rmsprop", "momentum": 0.5, "weight_decay": 0.1, "clip_norm": 0.5},
    ],
    ids=lambda settings: " ".join(map(str, list(settings.values())[:2])),
)
def test_optimisers_against_loops_by_hand(settings: dict[str, Any], make_job: MakeJob) -> None:
    """The losses of the first steps are those of the formula of the optimiser, with warm-up and clipping."""
    recipe = house_recipe(**settings)
    job = under(make_job(LINEAR), recipe=recipe, steps=equal_steps(STEPS), validations=STEPS)
    record = run_trial(job)

    assert record.curves is not None, record.detail
    assert record.curves.train_loss == pytest.approx(losses_by_hand(job, recipe), rel=1e-4)
    assert record.training is not None
    assert record.training.recipe == recipe
    assert (record.training.track, record.training.steps, record.training.stopped) == ("house recipe", STEPS, "budget")


def test_a_budget_in_seconds_ends_within_a_chunk() -> None:
    """Chunks end by the clock, and their batches are those of a budget in steps."""
    ticks = itertools.count()
    clock = TrainingClock(10.0, now=lambda: float(next(ticks)))  # each reading takes a second
    sizes, stream = [], []
    for chunk in TimedOrder(30, 4, chunks=2, clock=clock, seed=5):
        clock.start()
        taken = list(chunk)
        clock.stop()
        sizes.append(len(taken))
        stream += taken

    assert sizes == [5, 4]
    (same,) = BatchOrder(30, 4, steps=9, chunks=1, seed=5)
    assert torch.equal(torch.stack(stream), same)


SLOW = """
def build(task, options):
    import time
    from torch import nn
    class Slow(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            time.sleep(0.02 * self.training)
            return self.net(x)
    return Slow()
"""


def test_a_trial_by_the_clock(make_job: MakeJob) -> None:
    """Training ends with the step in which the seconds run out, however many validations were planned."""
    job = under(make_job(SLOW), steps=None, seconds=0.05, validations=10)
    record = run_trial(job)

    assert record.status == "ok", record.detail
    assert record.training is not None
    assert record.curves is not None
    assert record.training.planned_steps is None
    assert 1 <= record.training.steps == record.curves.step[-1] <= 3
    assert (record.resources.train_seconds or 0) >= 0.05
    assert all(seconds < 0.05 for seconds in record.curves.seconds[:-1])


TARGET = """
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


@pytest.mark.parametrize("stops", [False, True])
def test_target(stops: bool, make_job: MakeJob) -> None:
    """The record says when the target was reached, and training ends there if the protocol says so."""
    job = make_job(LINEAR, task="sign", extra=TARGET)
    record = run_trial(under(job, stop_at_target=stops, steps=equal_steps(200), validations=20))

    assert record.training is not None, record.detail
    assert record.curves is not None
    facts = record.training
    first = next(i for i, value in enumerate(record.curves.validation) if value >= 0.99)
    assert 0 < first + 1 < 20
    assert facts.steps_to_target == 10 * (first + 1)
    assert facts.seconds_to_target == pytest.approx(record.curves.seconds[first], abs=1e-3)
    assert facts.stopped == ("target" if stops else "budget")
    assert facts.steps == (facts.steps_to_target if stops else 200)
    assert record.status == "ok"


def test_own_recipe_has_its_own_batches_and_epochs(make_job: MakeJob) -> None:
    """Batch size and epochs are those of the recipe of the architecture; epochs count in training examples."""
    job = make_job(LINEAR)
    recipe = Recipe(optimizer="sgd", learning_rate=0.1, batch_size=100, epochs=1.5, warmup=0.0, milestones=())
    protocol = msgspec.structs.replace(
        job.trial.protocol, name="with-own-recipe", recipe="own", batch_size=None, steps=None
    )
    trial = msgspec.structs.replace(job.trial, protocol=protocol, recipe=recipe)
    record = run_trial(msgspec.structs.replace(job, trial=trial))

    assert record.training is not None, record.detail
    assert record.training.track == "own recipe"
    assert record.training.batch_size == 100
    assert record.training.steps == round(1.5 * record.training.examples / 100)


def test_a_tuning_trial_never_reads_the_test_split(make_job: MakeJob) -> None:
    """A tuning trial ends after validation, without scores."""
    job = make_job(LINEAR)
    trial = msgspec.structs.replace(job.trial, recipe=HOUSE_RECIPE, tuning=True)
    record = run_trial(msgspec.structs.replace(job, trial=trial))

    assert record.status == "ok"
    assert record.scores is None
    assert record.curves is not None
    assert record.validation == max(record.curves.validation)
