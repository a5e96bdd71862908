"""`profile_trial`: times go to the layers and phases that took them, and what was not measured is absent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from archbench._planning._profile import Layer, Profile, ProfileFailure, ProfileRequest
from archbench._training import _layers, _peak, _streaming
from archbench._training._layer_costs import merge_orders
from archbench._training._profile import profile_trial
from archbench._training._profiled_steps import PhaseClock, ProfiledSteps
from archbench._training._streams import seed_globals
from archbench._training._trial_run import TrialRun
from support import MakeJob

MODULES = """
def build(task, options):
    import time
    import torch
    from torch import nn

    class Sleep(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, ahead, back):
            ctx.back = back
            time.sleep(ahead)
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            time.sleep(ctx.back)
            return gradient, None, None

    class Slow(nn.Module):
        def __init__(self, ahead, back):
            super().__init__()
            self.ahead, self.back = ahead, back
        def forward(self, x):
            return Sleep.apply(x, self.ahead, self.back)

    class Named(nn.Module):
        def __init__(self, **modules):
            super().__init__()
            for name, module in modules.items():
                setattr(self, name, module)
"""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measure the peak in no time, and give the other tests their threads back."""
    monkeypatch.setattr(_peak, "SECONDS", 0.0)
    monkeypatch.setattr(_peak, "SIZES", {"cpu": (128,)})
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def profile(make_job: MakeJob) -> Callable[..., Profile]:
    """`profile("return ...")`: the profile of a network whose build function ends so."""

    def make(body: str, *, trace: Path | None = None, steps: int = 3, **options: Any) -> Profile:
        job = make_job(MODULES + body, **options)
        place = None if trace is None else str(trace)
        found = profile_trial(ProfileRequest(job=job, device="cpu", threads=1, warm_up=2, steps=steps, trace=place))
        assert isinstance(found, Profile), found.detail
        return found

    return make


def layer(profile: Profile, name: str) -> Layer:
    """Return the layer of this name."""
    (found,) = [layer for layer in profile.layers if layer.name == name]
    return found


def test_slow_layers_are_named(profile: Callable[..., Profile]) -> None:
    """A layer that sleeps in its forward pass, and one that sleeps in its backward pass, get just that time."""
    found = profile("""
    class Branches(Named):
        def forward(self, x):
            x = self.first(x)
            return self.left(x) + self.right(x) + self.quick(x)
    quick, left, right = nn.Identity(), Slow(0.02, 0), Slow(0, 0.03)
    return Branches(first=linear(task), quick=quick, left=left, right=right)
""")
    left, right = layer(found, "left"), layer(found, "right")
    others = [each for each in found.layers if each.name not in ("left", "right")]

    assert sorted(found.layers, key=lambda each: each.seconds)[-2:] == [left, right]
    assert left.forward_seconds == pytest.approx(0.02, rel=0.5)
    assert right.backward_seconds == pytest.approx(0.03, rel=0.5)
    assert (left.backward_seconds or 0) < 0.01
    assert (right.forward_seconds or 0) < 0.01
    assert sum(each.seconds for each in others) < 0.02
    assert [each.name for each in found.layers][-3:] == ["left", "right", "quick"]


def test_work_of_a_module_around_others_is_its_own(profile: Callable[..., Profile]) -> None:
    """A module that has parts and also computes something itself has that time, without the time of its parts."""
    found = profile("""
    class Around(Named):
        def forward(self, x):
            return Sleep.apply(self.inner(Sleep.apply(x, 0.01, 0.02)), 0.01, 0.02)
    return nn.Sequential(linear(task), Around(inner=Slow(0.03, 0.03)))
""")
    around, inner = layer(found, "1"), layer(found, "1.inner")

    assert (around.type, around.leaf, inner.leaf) == ("Around", False, True)
    assert (around.forward_seconds, around.backward_seconds) == (
        pytest.approx(0.02, rel=0.5),
        pytest.approx(0.04, rel=0.5),
    )
    assert (inner.forward_seconds, inner.backward_seconds) == (
        pytest.approx(0.03, rel=0.5),
        pytest.approx(0.03, rel=0.5),
    )
    assert around.output_bytes is None


def test_operations_are_counted_as_by_hand(profile: Callable[..., Profile]) -> None:
    """A linear layer of 64 inputs and 10 outputs takes 2 x 64 x 10 operations, and a step three times that."""
    found = profile("    return linear(task)\n")

    assert found.flops_per_example == 2 * 64 * 10
    assert found.flops_per_step == 3 * 2 * 64 * 10 * 16
    assert found.flops_per_second == pytest.approx(found.flops_per_step / found.suite_step.median)
    assert found.peak_share == pytest.approx(found.flops_per_second / found.peak_flops_per_second)
    assert found.peak_flops_per_second > 1e8


def test_memory_and_parameters_of_a_layer(profile: Callable[..., Profile]) -> None:
    """Outputs count where they take new memory: a view and an operation in place take none."""
    found = profile("    return nn.Sequential(*linear(task), nn.ReLU(inplace=True))\n")

    assert [each.output_bytes for each in found.layers] == [None, 0, 16 * 10 * 4, 0]
    assert [each.parameters for each in found.layers] == [0, 0, 64 * 10 + 10, 0]
    assert found.parameters == 650


def test_layer_that_is_called_twice_counts_twice(profile: Callable[..., Profile]) -> None:
    """Calls, time and memory of a shared layer add up over the calls of a step."""
    found = profile("""
    class Twice(Named):
        def forward(self, x):
            return self.last(self.shared(self.shared(x)))
    return Twice(shared=Slow(0.01, 0.01), last=linear(task))
""")
    shared = layer(found, "shared")

    assert (shared.calls, layer(found, "last").calls) == (2, 1)
    assert shared.forward_seconds == pytest.approx(0.02, rel=0.5)
    assert shared.output_bytes == 2 * 16 * 64 * 4


def test_skipped_layers(profile: Callable[..., Profile]) -> None:
    """A layer that runs in every second step counts half and keeps its place; one that never runs has no time."""
    found = profile(
        """
    class Skips(Named):
        def forward(self, x):
            self.count = getattr(self, "count", 0) + 1
            x = self.first(x)
            return self.last(self.some(x) if self.count % 2 else x)
    part = nn.Linear(10, 10)
    return Skips(never=nn.Linear(2, 3), last=nn.Linear(10, 10), first=linear(task), some=Slow(0.02, 0.02))
""",
        steps=2,
    )
    never, some = layer(found, "never"), layer(found, "some")

    assert [each.name for each in found.layers] == ["", "first", "first.0", "first.1", "some", "last", "never"]
    assert some.calls == 0.5
    assert some.forward_seconds == pytest.approx(0.01, rel=0.5)
    assert (never.calls, never.forward_seconds, never.backward_seconds, never.output_bytes) == (0, None, None, None)
    assert never.parameters == 9


def test_awkward_modules(profile: Callable[..., Profile]) -> None:
    """Checkpointed modules, named arguments, tables as outputs and changes in place are no obstacle."""
    found = profile("""
    from torch.utils.checkpoint import checkpoint
    class Table(nn.Module):
        def forward(self, *, x):
            return {"x": x * 2}
    class Awkward(Named):
        def forward(self, x):
            x = checkpoint(self.again, self.first(x), use_reentrant=False)
            return self.table(x=x)["x"].mul_(2)
    return Awkward(first=linear(task), again=nn.Linear(10, 10), table=Table())
""")

    assert layer(found, "again").calls == 1
    assert layer(found, "table").output_bytes == 16 * 10 * 4
    assert all(each.backward_seconds is not None for each in found.layers if each.name in ("again", "table"))


def test_what_cannot_be_measured_is_absent(profile: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fused recurrent kernels have no count of operations; without autograd's numbers layers have no backward pass."""
    recurrent = """
    class Net(Named):
        def forward(self, x):
            return self.head(self.core(x)[0][:, -1])
    return Net(core=nn.LSTM(2, 3, batch_first=True), head=nn.Linear(3, 1))
"""
    found = profile(recurrent, task="adding")

    assert (found.flops_per_example, found.flops_per_second, found.peak_share) == (None, None, None)
    assert layer(found, "core").backward_seconds is not None

    monkeypatch.setattr(_layers, "read_number", None)
    found = profile(recurrent, task="adding")

    assert {each.backward_seconds for each in found.layers} == {None}
    assert found.loss_seconds is None
    assert layer(found, "core").forward_seconds is not None


def test_phases_are_the_parts_of_a_step(profile: Callable[..., Profile]) -> None:
    """Phases come in order, each with its quartiles and its share."""
    found = profile("    return linear(task)\n")

    assert [phase.name for phase in found.phases] == ["data", "forward", "backward", "clip", "optimizer", "host"]
    assert sum(phase.share for phase in found.phases) == pytest.approx(1)
    assert all(phase.seconds.low <= phase.seconds.median <= phase.seconds.high for phase in found.phases)


def test_no_clipping_is_no_phase(make_job: MakeJob) -> None:
    """Where the recipe does not clip, there is no such phase."""
    job = make_job("def build(task, options): return linear(task)\n")
    recipe = msgspec.structs.replace(job.trial.settings, clip_norm=None)
    job = msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, recipe=recipe))
    found = profile_trial(ProfileRequest(job=job, device="cpu", threads=1, warm_up=1, steps=1, trace=None))

    assert isinstance(found, Profile)
    assert "clip" not in [phase.name for phase in found.phases]


def test_timed_steps_train_as_the_suite_does(make_job: MakeJob) -> None:
    """Steps that are timed by phases or by layers leave the very weights that the suite's own steps leave."""
    noisy = (
        "def build(task, options):\n    from torch import nn\n    return nn.Sequential(linear(task), nn.Dropout(0.2))\n"
    )

    def train(take: Callable[[ProfiledSteps], Any]) -> bytes:
        run = TrialRun(make_job(noisy))
        run.prepare()
        seed_globals(1)
        steps = ProfiledSteps(run)
        take(steps)
        return b"".join(value.detach().numpy().tobytes() for value in steps.module.network.parameters())

    def by_phases(steps: ProfiledSteps) -> None:
        clock = PhaseClock(lambda: 0.0)
        for _ in range(5):
            clock.time_step(steps)

    def by_layers(steps: ProfiledSteps) -> None:
        clock = _layers.LayerClock(steps.module.network, lambda: 0.0)
        for _ in range(5):
            clock.time_step(steps)

    usual = train(lambda steps: steps.take_as_the_suite(5))

    assert train(by_phases) == usual
    assert train(by_layers) == usual


def test_watching_leaves_the_network_as_it_was(make_job: MakeJob) -> None:
    """After a timed step no module has a `forward` of its own, unless it had one before."""
    run = TrialRun(make_job("def build(task, options): return linear(task)\n"))
    run.prepare()
    steps = ProfiledSteps(run)
    flatten, last = steps.module.network.children()
    flatten.forward = own = flatten.forward
    _layers.LayerClock(steps.module.network, lambda: 0.0).time_step(steps)

    assert vars(flatten)["forward"] is own
    assert "forward" not in vars(last)


def test_streamed_data(profile: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs that are read by workers are profiled too, on one stream for all steps."""
    monkeypatch.setattr(_streaming, "STREAM_SHARE", 0.0)

    assert profile("    return linear(task)\n").phases[0].name == "data"


@pytest.mark.slow
def test_trace_has_phases_and_layers(profile: Callable[..., Profile], tmp_path: Path) -> None:
    """The trace is JSON with one range for each phase, layer and operation of the steps."""
    profile("    return linear(task)\n", trace=tmp_path / "trace.json")
    names = {event.get("name") for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"]}

    assert {"step 3", "data", "forward", "backward", "optimizer", "1 (Linear)", "aten::addmm"} <= names


@pytest.mark.parametrize("cause", ["raise ValueError('bad\\nluck')", "raise SystemExit(3)"])
def test_failure_is_one_line(make_job: MakeJob, cause: str) -> None:
    """An exception of the network becomes a line, with the traceback beside it."""
    job = make_job(f"def build(task, options): {cause}\n")
    found = profile_trial(ProfileRequest(job=job, device="cpu", threads=1, warm_up=1, steps=1, trace=None))

    assert isinstance(found, ProfileFailure)
    assert found.message in ("ValueError: bad luck", "SystemExit: 3")
    assert "Traceback" in found.detail


def test_orders_are_merged() -> None:
    """A name that is missing at first comes after the one that it follows elsewhere."""
    assert merge_orders(["acd", "abd", "ad"]) == ["a", "b", "c", "d"]
    assert merge_orders(["b", "ab"]) == ["a", "b"]
