"""Tasks of variable length: the arguments of networks, the padding, and the hashes of the lengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from archbench import IGNORED, DeclarationError, Examples, Splits, Task, TaskInfo
from archbench._training import run_trial
from archbench._training._pairing import hash_splits
from archbench._training._split_checks import resident_splits
from archbench._training._splits import ResidentSplit, pad_in_front
from support import MakeJob

WATCH = """
def build(task, options):
    import torch
    class Watches(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(task.input_shape[1], task.outputs)
        def forward(self, x, lengths=None):
            real = x[:, :, 0] != 0
            steps = 12 if self.training else (12, 30)[int(real.any(1).any() and real.sum(1).max() > 12)]
            {check}
            return self.head(x.sum(1))
    return Watches()
"""
FRONT = "assert lengths is None and x.shape[1] == 30 and real[:, -steps:].all() and not real[:, :-steps].any()"
END = "assert lengths.tolist() == [steps] * len(x) and real[:, :steps].all() and not real[:, steps:].any()"
TAKES = """
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("sequence",), takes_lengths=True)
"""
TASK = "adding[length=12,test_length=30]"
STEPS = TaskInfo(kind="tokens", input_shape=(4,), outputs=2, vocabulary=3, per_step=True, variable_length=True)


def test_networks_get_lengths_or_padding_in_front(make_job: MakeJob) -> None:
    """A network that takes lengths gets them, another gets the padding in front, and both see the same data."""
    told = run_trial(make_job(WATCH.format(check=END), task=TASK, extra=TAKES))
    front = run_trial(make_job(WATCH.format(check=FRONT), task=TASK))

    assert told.status == "ok", told.detail
    assert front.status == "ok", front.detail
    assert told.pairing == front.pairing
    assert told.scores is not None
    assert front.scores is not None
    assert told.scores.test == pytest.approx(front.scores.test, rel=1e-5)  # a sum does not mind where the zeros are


def test_network_that_takes_lengths_is_called_plainly_elsewhere(make_job: MakeJob) -> None:
    """A network that takes lengths gets only the inputs on a task without variable length."""
    record = run_trial(make_job(WATCH.format(check="assert lengths is None"), task="adding[length=12]", extra=TAKES))

    assert record.status == "ok", record.detail


def test_labels_of_steps_move_with_the_steps() -> None:
    """Moving the padding in front moves the label of each step with its input, and leaves full rows as they are."""
    inputs = torch.tensor([[1, 2, 0, 0], [1, 1, 2, 2], [3, 4, 5, 0]])
    targets = torch.tensor([[0, 1, IGNORED, IGNORED], [0, 0, 1, 1], [1, 1, 0, IGNORED]])
    turned = pad_in_front(ResidentSplit(inputs, targets, torch.tensor([2, 4, 3])), STEPS)

    assert turned.inputs.tolist() == [[0, 0, 1, 2], [1, 1, 2, 2], [0, 3, 4, 5]]
    assert turned.targets.tolist() == [[IGNORED, IGNORED, 0, 1], [0, 0, 1, 1], [IGNORED, 1, 1, 0]]
    assert turned.lengths is None


def test_hash_covers_the_lengths() -> None:
    """Equal arrays with other lengths have another hash, and missing lengths count as those of full rows."""

    def hashed(lengths: list[int] | None) -> str:
        examples = Examples(
            np.zeros((2, 4), np.int64),
            np.where(np.arange(4) < 1, 1, [[IGNORED], [IGNORED]]),
            None if lengths is None else np.array(lengths),
        )
        task = Task(
            name="t", info=STEPS, load=lambda o, s: None, loss="cross_entropy", metric="accuracy", chance=0.5, oracle=1
        )
        return hash_splits(resident_splits(Splits(examples, examples, examples), task, STEPS))

    assert len({hashed([1, 4]), hashed([2, 4]), hashed([4, 4])}) == 3
    assert hashed([4, 4]) == hashed(None)


def test_declarations_that_cannot_work_are_refused() -> None:
    """Images of variable length are refused, and so are numbers to predict at every step of padded sequences."""
    with pytest.raises(DeclarationError, match="images have no steps"):
        TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=2, variable_length=True)
    info = TaskInfo(kind="sequence", input_shape=(4, 1), outputs=1, per_step=True, variable_length=True)
    measure = {"loss": "mean_squared_error", "metric": "mean_squared_error", "chance": 1.0, "oracle": 0.0}
    task = Task(name="t", info=info, load="a:b", **measure)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="numbers at every step of sequences of variable length"):
        task.describe(None)
