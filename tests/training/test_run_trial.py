"""`run_trial`: every ending becomes a record, and the rules of fairness hold."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
import torch

from archbench._records import misfit
from archbench._training import run_trial
from support import MakeJob

LINEAR = "def build(task, options): return linear(task)\n"


def test_ok(make_job: MakeJob) -> None:
    """A trial that ends well has a record with scores, curves, costs and hashes of its data."""
    record = run_trial(make_job(LINEAR))

    assert record.status == "ok", record.detail
    assert record.scores is not None
    assert record.curves is not None
    assert record.scores.validation == max(record.curves.validation)
    assert record.scores.selected_step == record.curves.step[record.curves.validation.index(record.scores.validation)]
    assert record.resources.parameters == 64 * 10 + 10
    assert record.resources.flops == 2 * 64 * 10
    assert record.resources.samples_per_second == pytest.approx(16 / (record.resources.step_seconds or 0))


def test_costs_begin_with_the_trial(make_job: MakeJob) -> None:
    """The clock of a trial that no process was handed starts with the trial, and not with the machine."""
    start = time.monotonic()
    record = run_trial(make_job(LINEAR))

    assert record.resources.total_seconds is not None
    assert record.resources.total_seconds <= time.monotonic() - start


def test_an_error_without_a_text(make_job: MakeJob) -> None:
    """An error that raises when asked for its text is a failure like any other, with its class and traceback."""
    build = """
class Silent(Exception):
    def __str__(self):
        raise RuntimeError("it has no text")

def build(task, options):
    raise Silent
"""
    record = run_trial(make_job(build))

    assert record.status == "failed"
    assert record.message == "Silent: <exception str() failed>"
    assert "raise Silent" in record.detail


def test_a_score_outside_its_declared_range_fails(make_job: MakeJob) -> None:
    """What no later command would read is no result: the trial fails, and its message says what does not fit."""
    squares = """
def load(options, seed):
    import numpy as np
    draw = np.random.default_rng(seed)
    def split(count):
        inputs = draw.normal(size=(count, 4, 2)).astype(np.float32)
        return archbench.Examples(inputs=inputs, targets=inputs.sum((1, 2))[:, None] + 5)
    return archbench.Splits(train=split(64), validation=split(32), test=split(32))

@archbench.hookimpl
def archbench_tasks():
    squared = archbench.TorchMetric(name="squared", metric="MeanSquaredError", higher_is_better=False, highest=-1)
    yield archbench.Task(name="squares", info=archbench.TaskInfo(kind="sequence", input_shape=(4, 2), outputs=1),
                         load=load, loss="mean_squared_error", metric="mean_squared_error", metrics=(squared,),
                         chance=2.0, oracle=0.0, summary="")
"""
    record = run_trial(make_job(LINEAR, task="squares", extra=squares))

    assert record.status == "failed", record.scores
    assert record.message.startswith("what it measured does not fit its protocol, and counts for nothing: it has")
    assert record.message.endswith(", which is impossible")
    assert misfit(record) == ""
    assert (record.scores, record.curves) == (None, None)


def test_nan_loss_is_diverged_with_its_step(make_job: MakeJob) -> None:
    """A loss that is not finite ends the trial as diverged, and the message names the step."""
    build = """
def build(task, options):
    import torch
    class Breaks(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.calls = linear(task), 0
        def forward(self, x):
            self.calls += self.training
            return self.net(x) * (float("nan") if self.calls > 7 else 1)
    return Breaks()
"""
    record = run_trial(make_job(build))

    assert (record.status, record.message) == ("diverged", "the training loss is not finite at step 8")
    assert record.scores is None


def test_nan_only_in_evaluation_is_diverged(make_job: MakeJob) -> None:
    """A network whose losses are finite and whose scores are not has diverged."""
    build = """
def build(task, options):
    import torch
    class Breaks(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.LSTM(2, 1, batch_first=True)
        def forward(self, x):
            return self.net(x)[0][:, -1] * (1 if self.training else float("nan"))
    return Breaks()
"""
    record = run_trial(make_job(build, task="adding"))

    assert record.status == "diverged"
    assert "score" in record.message


@pytest.mark.parametrize(
    ("build", "status", "words"),
    [
        ("def build(task, options): raise MemoryError('too big')\n", "oom", "too big"),
        (
            "def build(task, options):\n    import torch\n    raise torch.OutOfMemoryError('CUDA out')\n",
            "oom",
            "CUDA out",
        ),
        ("def build(task, options):\n    import torch\n    return torch.empty(1 << 50)\n", "oom", "memory"),
        ("def build(task, options): raise RuntimeError('CUDA error: out of memory')\n", "oom", "out of memory"),
        (
            "def build(task, options): raise RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling')\n",
            "oom",
            "ALLOC_FAILED",
        ),
        (
            "def build(task, options):\n    raise RuntimeError("
            "'cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED')\n",
            "oom",
            "ALLOCATION_FAILED",
        ),
        ("def build(task, options): raise RuntimeError('CUDA error: a misaligned address')\n", "failed", "misaligned"),
        ("def build(task, options): raise SystemExit(3)\n", "failed", "SystemExit: 3"),
        ("def build(task, options):\n    from torch import nn\n    return nn.Flatten()\n", "failed", "no trainable"),
        ("def build(task, options): return 1\n", "failed", "not a torch.nn.Module"),
    ],
)
def test_other_endings(build: str, status: str, words: str, make_job: MakeJob) -> None:
    """Running out of memory is `oom`, other errors are `failed`, and the message says what happened in one line."""
    record = run_trial(make_job(build))

    assert record.status == status
    assert words in record.message
    assert "\n" not in record.message
    assert record.detail


def test_regression_output_of_the_wrong_shape_is_an_error(make_job: MakeJob) -> None:
    """An output (B,) for targets (B, 1) is refused, because it would broadcast to (B, B) in silence."""
    build = """
def build(task, options):
    import torch
    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            return self.net(x)[:, 0]
    return Flat()
"""
    record = run_trial(make_job(build, task="adding"))

    assert record.status == "failed"
    assert "(16,)" in record.message


def test_answers_in_time_order_are_an_error(make_job: MakeJob) -> None:
    """An output (T, B, classes) for (B, T, classes) is refused, because it would train on labels of other examples."""
    build = """
def build(task, options):
    from torch import nn
    class TimeFirst(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(1, 2)
        def forward(self, x):
            return self.net(x).transpose(0, 1)
    return TimeFirst()
"""
    record = run_trial(make_job(build, task="last-bit", extra=PER_STEP_TASK.replace("IGNORE ", "True ")))

    assert record.status == "failed"
    assert "(6, 16, 2), the task needs (16, 6, 2)" in record.message


@pytest.mark.parametrize("draw", ["random.random()", "numpy.random.rand()", "torch.rand(())"])
def test_every_global_generator_is_seeded(draw: str, make_job: MakeJob) -> None:
    """Networks that draw from the global generators of Python, numpy or torch repeat by seed and differ between."""
    build = f"""
def build(task, options):
    import random, numpy, torch
    net = linear(task)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        net[1].weight[0] += {draw}  # of one class: the loss ignores what all classes gain
    return net
"""
    losses = []
    for seed in (0, 0, 1):
        record = run_trial(make_job(build, seed=seed))
        assert record.curves is not None, record.detail
        losses.append(record.curves.train_loss)

    assert losses[0] == losses[1] != losses[2]


def test_auxiliary_outputs_train_but_do_not_score(make_job: MakeJob) -> None:
    """Auxiliary logits add to the training loss with their weight, and do not count in evaluation."""
    build = """
def build(task, options):
    import archbench, torch
    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.main, self.side = linear(task), linear(task)
        def forward(self, x):
            return archbench.Outputs(self.main(x), {"side": (self.side(x), WEIGHT)})
    return Two()
"""
    with_side = run_trial(make_job(build.replace("WEIGHT", "0.3")))
    without = run_trial(make_job(build.replace("WEIGHT", "0.0")))

    assert with_side.status == without.status == "ok", with_side.detail
    assert with_side.curves is not None
    assert without.curves is not None
    assert with_side.curves.train_loss[0] > without.curves.train_loss[0] * 1.2


def test_validation_selects_and_test_is_read_once(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """The score is that of the weights with the best validation, and the test split is read once, at the end."""
    from archbench._training import _module

    seen: list[str] = []
    original = _module.TrialModule._fetch

    def spy(self: Any, batch: tuple[str, int, int]) -> Any:
        seen.append(batch[0])
        return original(self, batch)

    monkeypatch.setattr(_module.TrialModule, "_fetch", spy)
    build = """
def build(task, options):
    import torch
    class Forgets(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.register = linear(task), None
            self.register_buffer("steps", torch.zeros(()))
        def forward(self, x):
            self.steps += self.training
            return self.net(x) * (1.0 if self.steps <= 10 else 0.0)
    return Forgets()
"""
    record = run_trial(make_job(build))

    assert record.scores is not None, record.detail
    assert record.scores.selected_step == 10
    assert record.scores.test > record.scores.test_last + 0.2
    assert seen == ["validation", "validation", "test"]


def test_the_last_weights_score_every_batch(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """The score of the last weights is theirs for all batches, not only for those before the selected ones came in.

    The labels are the bits of the inputs. After five steps the network answers right, later always 0.
    """
    from archbench._training import _splits

    monkeypatch.setattr(_splits, "EVALUATION_BATCH", 4)
    build = """
def build(task, options):
    import torch
    class Forgets(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
            self.register_buffer("steps", torch.zeros(()))
        def forward(self, x):
            self.steps += self.training
            if self.training:
                return self.net(x)
            bit = x[:, 0, 0] * (self.steps <= 10)
            return torch.stack([1 - bit, bit], 1)
    return Forgets()
"""
    task = """
def load(options, seed):
    import numpy as np
    bits = (np.arange(32) % 4 == 3).astype(np.int64)
    examples = archbench.Examples(bits[:, None, None].astype(np.float32), bits)
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(1, 1), outputs=2)
    facts = {"loss": "cross_entropy", "metric": "accuracy", "chance": 0.5, "oracle": 1.0}
    yield archbench.Task(name="bits", info=info, load=load, **facts)
"""
    record = run_trial(make_job(build, task="bits", extra=task))

    assert record.scores is not None, record.detail
    assert (record.scores.selected_step, record.scores.test, record.scores.test_last) == (10, 1.0, 0.75)


def test_tied_weights_and_references_are_scored_as_selected(make_job: MakeJob) -> None:
    """A network with tied weights, or with a reference to a weight, is scored with the selected weights."""
    build = """
def build(task, options):
    import torch
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = linear(task), linear(task)
            self.b[1].weight = self.a[1].weight
            self.kept = [self.a[1].weight]
            self.register_buffer("steps", torch.zeros(()))
        def forward(self, x):
            self.steps += self.training
            scale = 1.0 if self.steps <= 10 else 0.0
            return (self.a(x) + x.flatten(1) @ self.kept[0].T) * scale
    return Tied()
"""
    record = run_trial(make_job(build))

    assert record.scores is not None, record.detail
    assert record.scores.selected_step == 10
    assert record.scores.test > record.scores.test_last + 0.2


def test_repeats_and_seeds(make_job: MakeJob) -> None:
    """A job gives the same scores whatever the global random state, and another seed gives others."""
    build = """
def build(task, options):
    from torch import nn
    return nn.Sequential(linear(task), nn.Dropout(0.2))
"""
    torch.manual_seed(1)
    first = run_trial(make_job(build))
    torch.manual_seed(2)
    again = run_trial(make_job(build))
    other = run_trial(make_job(build, seed=1))

    assert first.scores == again.scores
    assert first.pairing == again.pairing
    assert first.curves is not None
    assert other.curves is not None
    assert first.curves.train_loss != other.curves.train_loss
    assert first.pairing != other.pairing


def test_data_do_not_depend_on_what_the_network_draws(make_job: MakeJob) -> None:
    """A network that draws random numbers while it is built sees the same data as a network that does not."""
    greedy = """
def build(task, options):
    import random, numpy, torch
    torch.rand(1000); numpy.random.rand(10); random.random()
    return linear(task)
"""

    assert run_trial(make_job(LINEAR)).pairing == run_trial(make_job(greedy)).pairing


def test_changed_file_is_refused(make_job: MakeJob) -> None:
    """A one-file plugin that was edited after planning is refused, because its record would have the wrong id."""
    job = make_job(LINEAR)
    with open(job.architecture_source.path, "a") as file:
        file.write("# edited\n")
    record = run_trial(job)

    assert record.status == "failed"
    assert "changed after this run began" in record.message


BAD_TASK = """
def load(options, seed):
    import numpy as np
    examples = archbench.Examples(INPUTS, TARGETS)
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=3)
    yield archbench.Task(name="bad", info=info, load=load, loss="cross_entropy", metric="accuracy",
                         chance=0.3, oracle=1.0)
"""


@pytest.mark.parametrize(
    ("inputs", "targets", "words"),
    [
        ("np.zeros((4, 1, 2, 2))", "np.zeros(4, np.int64)", "float64"),
        ("np.zeros((4, 2, 2), np.float32)", "np.zeros(4, np.int64)", "TaskInfo says float32(1, 2, 2)"),
        ("np.zeros((4, 1, 2, 2), np.float32)", "np.zeros(3, np.int64)", "4 inputs and 3 targets"),
        ("np.zeros((0, 1, 2, 2), np.float32)", "np.zeros(0, np.int64)", "at least 1"),
        ("np.full((4, 1, 2, 2), np.nan, np.float32)", "np.zeros(4, np.int64)", "an input is NaN or infinite"),
        ("np.full((4, 1, 2, 2), -np.inf, np.float32)", "np.zeros(4, np.int64)", "an input is NaN or infinite"),
        ("np.zeros((4, 1, 2, 2), np.float32)", "np.full(4, 3)", "labels run from 3 to 3, not 0 to 2"),
        ("np.zeros((4, 1, 2, 2), np.float32)", "np.zeros((4, 1), np.int64)", "targets are"),
        ("[1, 2]", "[1, 2]", "numpy arrays"),
    ],
)
def test_task_data_that_break_their_declaration(inputs: str, targets: str, words: str, make_job: MakeJob) -> None:
    """Splits that do not fit the TaskInfo are refused before training, with the name of the split and the reason."""
    extra = BAD_TASK.replace("INPUTS", inputs).replace("TARGETS", targets)
    record = run_trial(make_job(LINEAR, task="bad", extra=extra))

    assert record.status == "failed"
    assert "train split" in record.message
    assert words in record.message


PER_STEP_TASK = """
def load(options, seed):
    import numpy as np
    bits = np.random.default_rng(seed).integers(0, 2, (200, 6))
    labels = bits.copy()
    labels[:, :-1] = archbench.IGNORED if IGNORE else 1 - bits[:, :-1]
    examples = archbench.Examples((40 * bits[:, :, None] - 20).astype(np.float32), labels)
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(6, 1), outputs=2, per_step=True)
    yield archbench.Task(name="last-bit", info=info, load=load, loss="cross_entropy", metric="accuracy",
                         chance=0.5, oracle=1.0)
"""


def test_ignored_labels_are_neither_trained_nor_scored(make_job: MakeJob) -> None:
    """A network scores high if wrong labels are `IGNORED`, and low if they count."""
    build = """
def build(task, options):
    from torch import nn
    return nn.Linear(1, 2)
"""
    scores = []
    for ignore in (True, False):
        record = run_trial(make_job(build, task="last-bit", extra=PER_STEP_TASK.replace("IGNORE ", f"{ignore} ")))
        assert record.scores is not None, record.detail
        scores.append(record.scores.test)

    assert scores[0] > 0.9 > scores[1]


def test_split_hash_covers_every_example(make_job: MakeJob) -> None:
    """The hash changes with a value of any split."""
    from archbench._training._pairing import hash_splits
    from archbench._training._splits import ResidentSplit

    splits = {name: ResidentSplit(torch.zeros(3, 2), torch.zeros(3)) for name in ("train", "validation", "test")}
    before = hash_splits(splits)
    splits["test"].targets[2] = 1
    proofs = {before, hash_splits(splits)}
    for name in splits:  # the first and the last example of each
        for place in (0, 2):
            splits[name].inputs[place, 1] += 1
            proofs.add(hash_splits(splits))

    assert len(proofs) == 8
    assert len(before) == len(hashlib.sha256().hexdigest()[:16])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu(make_job: MakeJob) -> None:
    """A trial runs on a GPU, and its scores repeat."""
    first, again = (run_trial(make_job(LINEAR, kind="cuda")) for _ in range(2))

    assert first.status == "ok", first.detail
    assert first.scores == again.scores
    assert first.environment is not None
    assert first.environment.device == torch.cuda.get_device_name(0)


def test_an_edit_while_the_network_is_built_is_refused(make_job: MakeJob) -> None:
    """A plugin that is edited after it was loaded gets no score: its later imports may be of the new source."""
    build = (
        "def build(task, options):\n    import pathlib\n    pathlib.Path(__file__).write_text('# edited')\n"
        "    return linear(task)\n"
    )
    record = run_trial(make_job(build))

    assert record.status == "failed"
    assert "mine.py was changed after this run began" in record.message
