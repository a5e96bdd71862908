"""Optimisers, schedules and averages that a plugin adds to its own recipe, against loops written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from archbench._errors import SelectionError
from archbench._planning import Device, Job, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import Protocol, equal_steps
from archbench._records import Progress
from archbench._selection import select
from archbench._suite._several_devices import refuse_what_cannot_be_shared
from archbench._training import _checkpoint, run_trial
from archbench._training._order import BatchOrder
from archbench._training._streams import stream_seed
from archbench._training._trial_run import TrialRun
from archbench_tasks.digits import load_images

STEPS = 6
PLUGIN = """
import archbench

def build(task, options):
    import torch
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(64), torch.nn.Linear(64, task.outputs))

def adagrad(network, recipe):
    import torch
    norm, linear = network[1], network[2]
    others = {{"params": [*norm.parameters(), linear.bias], "weight_decay": 0.5}}
    groups = [{{"params": [linear.weight], "lr": 0.2}}, others]
    return torch.optim.Adagrad(groups, lr=recipe.learning_rate)

def nested(network, recipe):
    import torch
    class Nested(torch.optim.Optimizer):
        def __init__(self):
            super().__init__(network.parameters(), {{"lr": recipe.learning_rate, "steps": 0, "worst": float("inf")}})
        def step(self, closure=None):
            group = self.param_groups[0]
            group["steps"] += 1
            for parameter in group["params"]:
                history = self.state[parameter].setdefault("history", [])
                history.append(parameter.grad.clone())
                del history[:-2]
                mean = sum(history) / len(history)
                parameter.data.sub_(mean, alpha=group["lr"] / group["steps"] ** 0.5)
    return Nested()

def opaque(network, recipe):
    optimizer = nested(network, recipe)
    optimizer.param_groups[0]["friend"] = object()
    return optimizer

def lbfgs(network, recipe):
    import torch
    return torch.optim.LBFGS(network.parameters())

def forgetful(network, recipe):
    import torch
    return torch.optim.Adagrad(network[2].parameters())

def nothing(network, recipe):
    return None

def falls(share):
    return 1 - share

def negative(share):
    return -share

paper = archbench.Recipe(optimizer={optimizer!r}, learning_rate=0.1, batch_size=16, epochs=1)
recipe = archbench.Published(source="nowhere", data="digits", recipe=paper, {added})

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("image",), recipe=recipe)
"""


@pytest.fixture
def own_job(tmp_path: Path) -> Callable[..., Job]:
    """`own_job("optimizer=adagrad", validations=2)` makes a job of an own recipe with these additions."""

    def make(added: str, *, optimizer: str = "custom", validations: int = 1) -> Job:
        path = tmp_path / "mine.py"
        path.write_text(PLUGIN.format(added=added, optimizer=optimizer))
        plugins = load_plugins(files=[path])
        rules = Protocol(name="own-test", recipe="own", steps=equal_steps(STEPS), validations=validations)
        entrants = select(["mine"], plugins.architectures, "architecture")
        (planned,) = make_plan(entrants, select(["digits"], plugins.tasks, "task"), protocol=rules, seeds=1).trials
        return planned.job(Device(kind="cpu"))

    return make


class ByHand:
    """A network on the digits, trained in a plain loop on the batches of a job."""

    def __init__(self, job: Job) -> None:
        train = load_images(None, stream_seed(job.trial, "splits")).train
        self.inputs, self.targets = torch.from_numpy(train.inputs), torch.from_numpy(train.targets)
        torch.manual_seed(stream_seed(job.trial, "weights"))
        norm, linear = torch.nn.BatchNorm1d(64), torch.nn.Linear(64, 10)
        self.network = torch.nn.Sequential(torch.nn.Flatten(), norm, linear)
        seed = stream_seed(job.trial, "order")
        (self.batches,) = BatchOrder(len(self.targets), 16, steps=STEPS, chunks=1, seed=seed)

    def run(self, update: Callable[[int], None]) -> list[float]:
        """Take the steps, and return their losses; `update` changes the weights after each backward pass."""
        losses = []
        for step, index in enumerate(self.batches):
            self.network.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.network(self.inputs[index]), self.targets[index])
            loss.backward()
            losses.append(loss.item())
            update(step)
        return losses


def test_optimiser_groups_and_schedule(own_job: Callable[..., Job]) -> None:
    """Adagrad (Duchi et al. 2011) with a rate and a decay for each group, under a rate that falls to zero."""
    job = own_job("optimizer=adagrad, schedule=falls", validations=STEPS)
    hand, sums = ByHand(job), {}
    settings = {id(p): (0.1, 0.5) for p in hand.network.parameters()}
    settings[id(hand.network[2].weight)] = (0.2, 0.0)

    @torch.no_grad()
    def update(step: int) -> None:
        for parameter in hand.network.parameters():
            rate, decay = settings[id(parameter)]
            gradient = parameter.grad + decay * parameter
            sums[id(parameter)] = sums.get(id(parameter), 0) + gradient**2
            change = rate * (1 - step / STEPS) * gradient / (sums[id(parameter)].sqrt() + 1e-10)
            parameter.sub_(change)

    record = run_trial(job)

    assert record.curves is not None, record.detail
    assert record.curves.train_loss == pytest.approx(hand.run(update), rel=1e-4)
    assert record.training is not None
    assert record.training.track == "own recipe"
    assert record.training.recipe.words() == (
        "optimiser of its own (adagrad), learning rate 0.1, schedule of its own (falls), no clipping, batches of 16"
    )


def test_the_average_is_evaluated(own_job: Callable[..., Job]) -> None:
    """What is selected and kept is the average of torch's `AveragedModel`, running statistics included.

    The last weights are averaged too, and training goes on with the weights themselves.
    """
    run = TrialRun(own_job("average=0.7", optimizer="sgd", validations=2))
    run.prepare()
    run.train()
    hand = ByHand(run.job)
    optimizer = torch.optim.SGD(hand.network.parameters(), lr=0.1)
    average = AveragedModel(hand.network, multi_avg_fn=get_ema_multi_avg_fn(0.7), use_buffers=True)

    def update(step: int) -> None:
        optimizer.step()
        average.update_parameters(hand.network)

    losses = hand.run(update)
    assert run.module is not None
    (at, selected), last = run.module.selected, run.module.network.state_dict()
    wanted = average.module.state_dict()

    assert torch.cat(run.module.losses).tolist() == pytest.approx(losses, rel=1e-4)
    for name in ("1.weight", "1.running_mean", "1.running_var", "2.weight", "2.bias"):
        assert torch.allclose(last[name], wanted[name], atol=1e-6), name
        assert at < STEPS or torch.equal(selected[name], last[name]), name
    assert not torch.allclose(last["2.weight"], hand.network[2].weight, atol=1e-3)  # type: ignore[arg-type]
    training = run.record("ok", "", "").training
    assert training is not None
    assert training.recipe.words().endswith("batches of 16, weights averaged with decay 0.7")


def test_the_average_is_what_validation_scores(own_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation sees the averaged weights, which are others than those that go on training."""
    from archbench._training import _module

    seen: list[tuple[bool, bool]] = []
    original = _module.TrialModule._validate

    def spy(self: Any, batches: Any) -> None:
        weights = self.average.weights
        seen.append((all(torch.equal(weights[n], v) for n, v in self.average.average.items()), self.network.training))
        original(self, batches)

    monkeypatch.setattr(_module.TrialModule, "_validate", spy)
    record = run_trial(own_job("average=0.7", optimizer="sgd", validations=3))

    assert record.status == "ok", record.detail
    assert seen == [(True, False)] * 3


class StoppedError(BaseException):
    """Stands for the end of the process."""


def stopped(job: Job, path: Path, validations: int) -> None:
    """Run a trial until this validation."""
    left = [validations]

    def listen(progress: Progress) -> None:
        left[0] -= 1
        if not left[0]:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_trial(job, None, listen, path)


@pytest.mark.parametrize("added", ["optimizer=adagrad, schedule=falls", "optimizer=nested, average=0.9"])
def test_a_stopped_training_goes_on(
    added: str, own_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An optimiser of a plugin, its nested state and an average go on bit for bit."""
    monkeypatch.setattr(_checkpoint, "EVERY", 0.0)
    job, path = own_job(added, validations=STEPS), tmp_path / "state"
    whole = run_trial(job)
    stopped(job, path, 4)
    record = run_trial(job, None, lambda progress: None, path)

    assert record.training is not None
    assert record.training.resumed_at == [3]
    assert record.scores == whole.scores
    assert record.curves is not None
    assert whole.curves is not None
    assert record.curves.train_loss == whole.curves.train_loss
    assert record.curves.validation == whole.curves.validation


def test_a_state_that_no_file_can_hold(
    own_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An optimiser that keeps a foreign object trains as ever, no state is kept, and the log says why."""
    monkeypatch.setattr(_checkpoint, "EVERY", 0.0)
    record = run_trial(own_job("optimizer=opaque", validations=2), None, lambda progress: None, tmp_path / "state")

    assert record.status == "ok", record.detail
    assert not (tmp_path / "state").exists()
    assert "could not be kept: its optimiser keeps an object of type object" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("optimizer=lbfgs", "a step of LBFGS calls the network several times"),
        ("optimizer=forgetful", "leaves out 2 trainable parameters, such as 1.weight"),
        ("optimizer=nothing", "the own optimiser is NoneType, not a torch.optim.Optimizer"),
        ("optimizer=adagrad, schedule=negative", "the schedule returned -0.167 at 0.167 of the budget"),
    ],
)
def test_what_cannot_train(added: str, message: str, own_job: Callable[..., Job]) -> None:
    """An optimiser or a schedule that cannot work fails the trial with its reason."""
    record = run_trial(own_job(added))

    assert record.status == "failed"
    assert message in record.message


def test_sharded_weights_are_left_to_optimisers_of_torch(tmp_path: Path) -> None:
    """A plan in which a plugin brings the optimiser is refused for sharded weights, and for those alone."""
    (tmp_path / "mine.py").write_text(PLUGIN.format(added="optimizer=adagrad", optimizer="custom"))
    plugins = load_plugins(files=[tmp_path / "mine.py"])
    rules = Protocol(name="own-test", recipe="own", steps=equal_steps(STEPS), validations=1)
    entrants = select(["mine"], plugins.architectures, "architecture")
    plan = make_plan(entrants, select(["digits"], plugins.tasks, "task"), protocol=rules, seeds=1)

    refuse_what_cannot_be_shared(plan, 2)
    with pytest.raises(SelectionError, match="mine brings an optimiser of its own, written for whole weights"):
        refuse_what_cannot_be_shared(plan, 2, sharded=True)
