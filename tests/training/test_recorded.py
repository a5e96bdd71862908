"""Steps that are repeated from a recording lead where single steps lead; what cannot be repeated is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch

from archbench._protocols import equal_steps
from archbench._records import Record
from archbench._training import _together, _trial_run, run_together, run_trial
from archbench._training._module import TrialModule
from archbench._training._recorded import COMPARED, WARM_UP, RecordedSteps
from support import MakeJob, house_recipe
from support.repeating import Repeater

STEPS, VALIDATIONS = 61, 4
FALLING = {"learning_rate": 2**-7, "warmup": 0.0, "milestones": (0.1, 0.4, 0.7), "decay": 0.5}
"""Learning rates that float32 holds exactly, as a GPU reads them."""
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

NETWORK = """
def build(task, options):
    import torch
    from torch import nn
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls, self.notes = 0, {"calls": []}
            self.seen = torch.zeros(1)
            # Batch normalisation leaves a bias before it without a gradient.
            hidden = nn.Linear(math.prod(task.input_shape), 16, bias=False)
            self.net = nn.Sequential(nn.Flatten(), hidden, nn.BatchNorm1d(16), NOISE, nn.Linear(16, 10))
        def forward(self, x):
            y = self.net(x)
            DO
            return y
    return Net()
"""
PLAIN = NETWORK.replace("NOISE", "nn.Tanh()").replace("DO", "pass")
PENALISED = PLAIN.replace("return y", "return archbench.Outputs(y, penalties={'size': (y.square().mean(), 0.01)})")


AUGMENTED = """
def load(options, seed):
    import numpy as np
    inputs = np.random.default_rng(seed).normal(size=(64, 1, 8, 8)).astype(np.float32)
    examples = archbench.Examples(inputs, (inputs.sum((1, 2, 3)) > 0).astype(np.int64))
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
    yield archbench.Task(name="flipped", info=info, load=load, loss="cross_entropy", metric="accuracy",
                         augment=lambda inputs, generator: inputs.flip(-1), chance=0.5, oracle=1.0, summary="Flipped")
"""


@pytest.fixture
def train(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Record]:
    """Return `train(build, recorder, **recipe)`, which trains with that recorder."""

    def run(build: str, recorder: Any = None, *, kind: str = "cpu", **recipe: Any) -> Record:
        if kind == "cpu":
            monkeypatch.setattr(_trial_run, "recorder_of", lambda device: recorder)
        job = with_rules(make_job(build, kind=kind), **recipe)
        record = run_trial(job)
        assert record.status == "ok", record.detail
        return record

    return run


def with_rules(job: Any, **recipe: Any) -> Any:
    """Return a job of more steps, with a recipe."""
    protocol = job.trial.protocol
    protocol = msgspec.structs.replace(
        protocol,
        steps=equal_steps(STEPS),
        validations=VALIDATIONS,
        augment=False,
        recipe=house_recipe(**{**FALLING, **recipe}),
    )
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


def assert_same(one: Record, other: Record) -> None:
    """Assert that two trainings had the same curves and scores, bit for bit."""
    assert one.scores == other.scores
    assert one.curves is not None
    assert other.curves is not None
    for curve in ("step", "train_loss", "validation", "penalty"):
        assert getattr(one.curves, curve) == getattr(other.curves, curve), curve


@pytest.mark.parametrize("build", [PLAIN, PENALISED], ids=["plain", "penalised"])
@pytest.mark.parametrize(
    "recipe",
    [{}, {"optimizer": "sgd", "momentum": 0.9}, {"bias_rate": 2.0, "decay_biases": False, "clip_norm": 0.0}],
    ids=["house", "sgd", "two groups"],
)
def test_repeated_steps_lead_where_single_steps_lead(
    train: Callable[..., Record], build: str, recipe: dict[str, Any]
) -> None:
    """All but the first steps are repeated, with their own examples and rates, over chunks of unequal length."""
    recorder = Repeater()
    repeated, single = train(build, recorder, **recipe), train(build, **recipe)

    assert_same(repeated, single)
    assert recorder.repeated == STEPS - WARM_UP  # the compared ones are taken in both ways
    assert repeated.environment is not None
    assert single.environment is not None
    assert (repeated.environment.cuda_graph, single.environment.cuda_graph) == ("used", "")


@pytest.mark.parametrize(
    ("noise", "do"),
    [
        ("nn.Dropout()", "pass"),
        ("nn.Tanh()", "import random; random.random()"),
        ("nn.Tanh()", "import numpy; numpy.random.rand()"),
        ("nn.Tanh()", "self.calls += 1"),
        ("nn.Tanh()", "self.notes['calls'].append(0)"),
        ("nn.Tanh()", "if self.training: self.net[2].running_mean = self.net[2].running_mean.clone()"),
    ],
    ids=["torch", "random", "numpy", "counts", "collects", "replaces"],
)
def test_what_a_step_does_on_the_host_is_done_in_each(train: Callable[..., Record], noise: str, do: str) -> None:
    """A network that draws, counts or replaces tensors on the host takes its steps one by one, and says why."""
    build, recorder = NETWORK.replace("NOISE", noise).replace("DO", do), Repeater()
    record = train(build, recorder)

    assert recorder.repeated == 0
    assert_same(record, train(build))
    assert record.environment is not None
    assert record.environment.cuda_graph.startswith("a step draws or counts on the host")


def test_a_recording_that_leads_elsewhere_is_not_used(train: Callable[..., Record]) -> None:
    """What a recording did to weights, moments and buffers before that was seen is undone."""
    record = train(PLAIN, recorder := Repeater(before=lambda: _disturb(taken[-1])))

    assert recorder.repeated == COMPARED
    assert record.environment is not None
    assert record.environment.cuda_graph == "steps from a recording lead to other weights"
    assert_same(record, train(PLAIN))


taken: list[TrialModule] = []


@pytest.fixture(autouse=True)
def _modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the modules that record."""
    original = TrialModule._make_recorded

    def make(self: TrialModule, optimizer: torch.optim.Optimizer) -> RecordedSteps:
        taken.append(self)
        return original(self, optimizer)

    monkeypatch.setattr(TrialModule, "_make_recorded", make)


@torch.no_grad()
def _disturb(module: TrialModule) -> None:
    next(module.network.parameters()).add_(0.01)


@pytest.mark.parametrize(
    ("recorder", "message"),
    [
        (Repeater(error="out of memory\nand more"), "a step cannot be recorded: out of memory"),
        (
            Repeater(waits="a step waits for the GPU, in loss.py, line 7"),
            "a step waits for the GPU, in loss.py, line 7",
        ),
    ],
    ids=["refused", "waits"],
)
def test_steps_that_a_recorder_refuses(train: Callable[..., Record], recorder: Repeater, message: str) -> None:
    """The training goes on one by one, with the reason in its log."""
    record = train(PLAIN, recorder)

    assert recorder.repeated == 0
    assert record.environment is not None
    assert record.environment.cuda_graph == message
    assert_same(record, train(PLAIN))


def test_weights_that_moved_are_recorded_anew(train: Callable[..., Record], monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording knows where weights lie; if they lie elsewhere in the next chunk, it is made again."""
    original = TrialModule.on_train_batch_end

    def move(self: TrialModule, *arguments: Any) -> None:
        original(self, *arguments)
        for parameter in self.network.parameters():
            parameter.data = parameter.data.clone()

    monkeypatch.setattr(TrialModule, "on_train_batch_end", move)
    recorder = Repeater()
    record = train(PLAIN, recorder)

    assert recorder.repeated == STEPS - VALIDATIONS * WARM_UP
    assert_same(record, train(PLAIN))


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"steps": equal_steps(49)}, "there are fewer than 50 steps"),
        ({"augment": True}, "examples are augmented or read from files"),
        ({"steps": None, "seconds": 0.2}, "the budget is a time"),
        ({"recipe": house_recipe(optimizer="rmsprop")}, "the optimiser has no fused kernel"),
        ({"validations": 61}, "chunks of steps are too short"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_trainings_that_are_not_recorded(
    make_job: MakeJob, rules: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short ones are not, nor those whose batches, rates or ends are made on the host; the record says why."""
    recorder = Repeater()
    monkeypatch.setattr(_trial_run, "recorder_of", lambda device: recorder)
    job = with_rules(make_job(PLAIN, task="flipped", extra=AUGMENTED))
    protocol = msgspec.structs.replace(job.trial.protocol, **rules)
    record = run_trial(msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol)))

    assert record.status == "ok", record.detail
    assert recorder.repeated == 0
    assert record.environment is not None
    assert record.environment.cuda_graph == reason


def test_seeds_together_are_recorded(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each seed has its own examples and losses, as without a recording."""
    monkeypatch.setattr(_together, "measure_gain", lambda *of: 2.0)

    def train_all(recorder: Repeater | None) -> list[Record]:
        monkeypatch.setattr(_trial_run, "recorder_of", lambda device: recorder)
        return run_together([with_rules(make_job(PLAIN, seed=seed)) for seed in range(3)])

    recorder = Repeater()
    repeated, single = train_all(recorder), train_all(None)

    assert recorder.repeated == STEPS - WARM_UP
    assert len(repeated) == len(single) == 3
    for one, other in zip(repeated, single, strict=True):
        assert_same(one, other)
        assert one.environment is not None
        assert one.environment.cuda_graph == "used"


NOISY_ON_A_GPU = NETWORK.replace("NOISE", "nn.Dropout()").replace("DO", "pass")
WAITS = NETWORK.replace("NOISE", "nn.Dropout()").replace("DO", "self.seen = float(y.mean())")
FAILS = NETWORK.replace("NOISE", "nn.Dropout()").replace(
    "DO", "torch.cuda.is_current_stream_capturing() and y.mean().item()"
)
LARGE = PLAIN.replace("return y", "return y + 0 * x.new_zeros(2**28).sum() if self.training else y")
"""Takes 1 GiB in a step."""


@pytest.mark.gpu
@CUDA
@pytest.mark.parametrize("build", [PLAIN, PENALISED, NOISY_ON_A_GPU], ids=["plain", "penalised", "dropout"])
@pytest.mark.parametrize("recipe", [{}, {"optimizer": "sgd", "momentum": 0.9}], ids=["adamw", "sgd"])
def test_a_cuda_graph_changes_no_bit(
    train: Callable[..., Record], build: str, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Curves and scores are those of single steps, bit for bit, with the same draws of dropout on the GPU."""
    graph = train(build, kind="cuda", **recipe)
    monkeypatch.setattr("archbench._training._recorded.WARM_UP", 1_000)
    single = train(build, kind="cuda", **recipe)

    assert graph.environment is not None
    assert single.environment is not None
    assert (graph.environment.cuda_graph, single.environment.cuda_graph) == ("used", "chunks of steps are too short")
    assert graph.curves is not None
    assert single.curves is not None
    assert graph.curves.train_loss == single.curves.train_loss
    assert graph.scores == single.scores


@pytest.mark.gpu
@CUDA
@pytest.mark.parametrize(
    ("build", "message"), [(WAITS, "a step waits for the GPU, in mine.py"), (FAILS, "a step cannot be recorded")]
)
def test_a_step_that_no_cuda_graph_can_hold(train: Callable[..., Record], build: str, message: str) -> None:
    """It is seen, or fails while it is recorded; the training goes on, and dropout draws as ever."""
    record = train(build, kind="cuda")

    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert record.environment is not None
    assert record.environment.cuda_graph.startswith(message)
    assert record.curves is not None
    assert record.curves.train_loss == train(NOISY_ON_A_GPU, kind="cuda").curves.train_loss  # type: ignore[union-attr]


@pytest.mark.gpu
@CUDA
def test_a_gpu_with_room_for_a_step_or_its_recording(train: Callable[..., Record]) -> None:
    """The step is repeated, though no single step has room beside it."""
    torch.cuda.empty_cache()
    room = torch.cuda.memory_reserved() + 1.5 * 2**30
    torch.cuda.set_per_process_memory_fraction(room / torch.cuda.get_device_properties(0).total_memory)
    try:
        record = train(LARGE, kind="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)

    assert record.environment is not None
    assert record.environment.cuda_graph == "used"
