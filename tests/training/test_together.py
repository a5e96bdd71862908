"""Seeds that are trained as one batched network have the records that they have when trained one by one."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from archbench._planning import Job
from archbench._protocols import equal_steps
from archbench._records import Progress, Record
from archbench._training import NotTogetherError, _together, compare, run_together, run_trial
from archbench._training._streams import stream_seed
from support import MakeJob, house_recipe

DOUBLE = """
def build(task, options):
    import torch
    class Double(torch.nn.Module):
        def __init__(self):
            super().__init__()
            size = math.prod(task.input_shape)
            self.net = torch.nn.Sequential(torch.nn.Linear(size, 8), torch.nn.Tanh(), torch.nn.Linear(8, task.outputs))
            self.net.double()
        def forward(self, x):
            return self.net(x.flatten(1).double())
    return Double()
"""
"""A network that computes in double precision, so that two trainings part late."""

NOISY_TASK = """
def load(options, seed):
    import numpy as np
    draw = np.random.default_rng(seed)
    def examples(count):
        inputs = draw.normal(size=(count, 1, 4, 4)).astype(np.float32)
        return archbench.Examples(inputs, (inputs.sum((1, 2, 3)) > 0).astype(np.int64))
    return archbench.Splits(examples(48), examples(40), examples(40))

def augment(inputs, generator):
    import torch
    return inputs + torch.randn(inputs.shape, generator=generator)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="image", input_shape=(1, 4, 4), outputs=2)
    yield archbench.Task(name="noisy", info=info, load=load, loss="cross_entropy", metric="accuracy", augment=augment,
                         chance=0.5, oracle=1.0, summary="Noisy")
"""

Seeds = Callable[..., list[Job]]


@pytest.fixture(autouse=True)
def _whatever_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train together even where that is slower, so that no load of the machine decides what is tested."""
    monkeypatch.setattr(_together, "LEAST_GAIN", 0.0)


@pytest.fixture
def seeds_of(make_job: MakeJob) -> Seeds:
    """Return `seeds_of(build, count)`, which makes the jobs of several seeds of a small plugin."""

    def make(build: str, count: int = 3, *, augment: bool = False, **options: Any) -> list[Job]:
        jobs = [make_job(build, seed=seed, **options) for seed in range(count)]
        return [with_protocol(job, augment=augment) for job in jobs]

    return make


def with_protocol(job: Job, **rules: Any) -> Job:
    """Return a job whose protocol has other rules."""
    trial = msgspec.structs.replace(job.trial, protocol=msgspec.structs.replace(job.trial.protocol, **rules))
    return msgspec.structs.replace(job, trial=trial)


def assert_alike(together: Record, alone: Record, tolerance: float) -> None:
    """Assert that two records have one status, the same data, and results that differ by at most a share."""
    assert (together.id, together.status, together.message) == (alone.id, alone.status, alone.message)
    assert together.pairing == alone.pairing
    for curve in ("step", "train_loss", "validation"):
        assert getattr(together.curves, curve) == pytest.approx(getattr(alone.curves, curve), rel=tolerance)
    assert (together.scores is None) == (alone.scores is None)
    if alone.scores is not None:
        ours, theirs = msgspec.structs.asdict(together.scores), msgspec.structs.asdict(alone.scores)
        assert ours.pop("further") == theirs.pop("further")
        assert ours == pytest.approx(theirs, rel=tolerance)
    assert (together.confusion, together.wrong) == (alone.confusion, alone.wrong)


@pytest.mark.parametrize("task", ["digits", "noisy"])
def test_every_seed_has_the_results_of_its_own_trial(task: str, seeds_of: Seeds) -> None:
    """With orders and augmentation of their own, three seeds agree with three trials to nine digits in float64."""
    jobs = seeds_of(DOUBLE, task=task, augment=True, extra=NOISY_TASK)
    records = run_together(jobs)

    assert [record.status for record in records] == ["ok"] * 3
    for record, job in zip(records, jobs, strict=True):
        assert_alike(record, run_trial(job), 1e-9)
    assert len({record.curves.train_loss[0] for record in records}) == 3


@pytest.mark.parametrize(
    ("architecture", "task"), [("mlp", "digits"), ("rnn", "adding"), ("lstm", "adding"), ("gru", "adding")]
)
def test_built_ins_agree_in_single_precision(architecture: str, task: str, probed_job: Callable[..., Job]) -> None:
    """Built-in networks agree with their trials to three digits over the twenty steps of smoke, by gradient descent.

    Adam would turn the rounding of a gradient that is almost 0 into a whole step.
    """
    recipe = house_recipe(optimizer="sgd", momentum=0.9)
    jobs = [probed_job(architecture, task, None, seed=seed, recipe=recipe) for seed in range(2)]

    for record, job in zip(run_together(jobs), jobs, strict=True):
        assert_alike(record, run_trial(job), 1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("architecture", "task"),
    [("mlp", "digits"), ("lstm", "digits"), ("gru", "adding"), ("fixup", "digits"), ("resnet[depth=8]", "digits")],
)
def test_built_ins_agree_on_a_gpu(architecture: str, task: str, probed_job: Callable[..., Job]) -> None:
    """On a GPU, too, where cuDNN gathers the weights of a recurrent layer in memory of its own.

    Rounding grows over the steps, so that a label may flip; with the weights of the start the scores would be far off.
    """
    rules = {"recipe": house_recipe(optimizer="sgd", momentum=0.9, learning_rate=0.1), "steps": equal_steps(100)}
    jobs = [probed_job(architecture, task, None, seed=seed, kind="cuda", **rules) for seed in range(2)]

    for record, job in zip(run_together(jobs), jobs, strict=True):
        alone = run_trial(job)
        assert (record.status, alone.status) == ("ok", "ok")
        assert record.curves.train_loss == pytest.approx(alone.curves.train_loss, rel=0.05)
        assert record.scores.plain_train_loss == pytest.approx(alone.scores.plain_train_loss, rel=0.05)
        assert record.scores.test == pytest.approx(alone.scores.test, rel=0.1)


MOVING = DOUBLE.replace(
    "        def forward",
    """        def _apply(self, fn, recurse=True):
            super()._apply(fn, recurse)
            self.move()
            return self
        def move(self):
            for parameter in self.parameters():
                parameter.data = parameter.data.clone()
        def forward""",
).replace("return self.net(", "self.training or self.move()\n            return self.net(")
"""A network that moves its weights to other memory when it is moved or evaluated, as cuDNN's recurrent layers do."""


def test_networks_that_move_their_weights_are_validated_with_those_that_were_trained(seeds_of: Seeds) -> None:
    """Scores are those of the trained weights, wherever a network has its own by then."""
    jobs = seeds_of(MOVING)

    for record, job in zip(run_together(jobs), jobs, strict=True):
        assert_alike(record, run_trial(job), 1e-9)


def test_records_say_with_how_many_seeds_they_were_trained(seeds_of: Seeds) -> None:
    """The environment of a record names the seeds of its network; seconds are the share of each seed."""
    alone, *together = run_trial(seeds_of(DOUBLE)[0]), *run_together(seeds_of(DOUBLE))

    assert alone.environment.seeds_together == 1
    assert [record.environment.seeds_together for record in together] == [3, 3, 3]
    assert all(0 < r.resources.train_seconds < r.resources.total_seconds for r in together)
    assert len({record.resources.train_seconds for record in together}) == 1


def test_a_seed_that_diverges_spoils_no_other(seeds_of: Seeds) -> None:
    """A seed whose weights overflow ends as alone, and the others have the results of their own trials."""
    seed = stream_seed(seeds_of(DOUBLE)[1].trial, "weights")
    large = f"self.net[0].weight.data *= 1e308 if torch.initial_seed() == {seed} else 1.0"
    build = DOUBLE.replace("self.net.double()", f"self.net.double()\n            {large}")
    jobs = seeds_of(build.replace("Tanh", "ReLU"))
    records, alone = run_together(jobs), [run_trial(job) for job in jobs]

    assert [record.status for record in records] == ["ok", "diverged", "ok"]
    assert (records[1].message, records[1].training.steps) == (alone[1].message, alone[1].training.steps)
    for number in (0, 2):
        assert_alike(records[number], alone[number], 1e-9)


def test_batch_normalisation_keeps_the_statistics_of_each_seed(seeds_of: Seeds) -> None:
    """Running means and variances, with which evaluation normalises, are those of each seed's own batches."""
    norm = "self.net.insert(1, torch.nn.BatchNorm1d(8))\n            self.net.double()"
    jobs = seeds_of(DOUBLE.replace("self.net.double()", norm))

    for record, job in zip(run_together(jobs), jobs, strict=True):
        assert_alike(record, run_trial(job), 1e-9)


def test_reports_tell_of_each_seed(seeds_of: Seeds) -> None:
    """After each validation every seed reports under its own id how far it has got."""
    jobs, reports = seeds_of(DOUBLE), []
    run_together(jobs, report=reports.append)
    last: dict[str, Progress] = {report.trial: report for report in reports}

    assert set(last) == {job.trial.id for job in jobs}
    assert {report.training.steps for report in last.values()} == {20}


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("torch.nn.Dropout(0.5)", "it draws random numbers"),
        ("Draws()", "it draws random numbers"),
        ("Asks()", "torch cannot batch it"),
        ("ByHand()", "an autograd.Function of its own has no vmap()"),
        ("Differs()", "it computes other numbers"),
    ],
)
def test_what_cannot_be_batched_says_why(layer: str, reason: str, seeds_of: Seeds) -> None:
    """Noise, decisions by values, gradients by hand and state outside of parameters and buffers are refused."""
    classes = """
        import numpy as np
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x): return 2 * x
            @staticmethod
            def backward(ctx, grad): return 2 * grad
        class ByHand(torch.nn.Module):
            def forward(self, x): return Twice.apply(x)
        class Draws(torch.nn.Module):
            def forward(self, x): return x + (np.random.rand() if self.training else 0.5)
        class Asks(torch.nn.Module):
            def forward(self, x): return x if x.sum() > 0 else -x
        class Differs(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.scale = float(torch.rand(()))
            def forward(self, x): return self.scale * x
"""
    head = "def build(task, options):\n    import torch\n"
    build = DOUBLE.replace(head, head + classes.replace("\n    ", "\n")).replace("torch.nn.Tanh()", layer)
    with pytest.raises(NotTogetherError, match=reason.replace("(", r"\(").replace(")", r"\)")):
        run_together(seeds_of(build))


@pytest.mark.parametrize(
    ("rules", "reason"),
    [({"steps": None, "seconds": 1.0}, "budget"), ({"stop_at_target": True}, "at a target")],
)
def test_protocols_that_need_trials_of_their_own(rules: dict[str, Any], reason: str, seeds_of: Seeds) -> None:
    """A budget in seconds and a stop at a target belong to one seed each."""
    with pytest.raises(NotTogetherError, match=reason):
        run_together([with_protocol(job, **rules) for job in seeds_of(DOUBLE)])


def test_slower_is_refused(seeds_of: Seeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds that would gain less than asked for are trained one by one, and the reason has the number."""
    monkeypatch.setattr(_together, "LEAST_GAIN", 1e9)
    with pytest.raises(NotTogetherError, match="times as many steps per second"):
        run_together(seeds_of(DOUBLE))


def test_a_trial_that_fails_is_left_to_its_own_process(seeds_of: Seeds) -> None:
    """What raises while seeds are prepared or trained costs no record: each is trained alone then."""
    with pytest.raises(NotTogetherError, match="KeyError: 'lost'"):
        run_together(seeds_of("def build(task, options): raise KeyError('lost')\n"))


def test_comparing_leaves_networks_and_streams_as_they_were() -> None:
    """Neither weights, buffers nor random streams move when networks are compared with their stack."""
    torch.manual_seed(0)
    networks = [nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)) for _ in range(2)]
    before = [copy.deepcopy(network.state_dict()) for network in networks]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    inputs, targets = torch.randn(2, 5, 3, generator=torch.Generator()), torch.tensor([[0, 1, 0, 1, 1]] * 2)
    compare(networks, [inputs], targets, loss="cross_entropy", control=nn.functional.cross_entropy)

    for network, state in zip(networks, before, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states[1:]
