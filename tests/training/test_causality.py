"""Networks that see the symbol that they must predict are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from archbench import IGNORED, TaskInfo
from archbench._planning import Job
from archbench._training._causality import asks_for_next, refuse_foresight
from archbench._training._runner import run_trial

INFO = TaskInfo(kind="tokens", input_shape=(6,), outputs=5, per_step=True, vocabulary=5)
BUILD = """
def build(task, options):
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(task.vocabulary, 8)
            self.core = nn.GRU(8, 8, batch_first=True, bidirectional={both_ways})
            self.out = nn.Linear({width}, task.outputs)
            self.gate = nn.Parameter(torch.tensor({gate}))

        def forward(self, tokens):
            y, _ = self.core(self.embed(tokens))
            forward, backward = y[..., :8], y[..., 8:]
            return self.out(torch.cat([forward, self.gate * backward], dim=-1))

    return Net()
"""


@pytest.mark.parametrize(
    ("both_ways", "gate", "status"), [(True, 1.0, "failed"), (True, 0.0, "failed"), (False, 1.0, "ok")]
)
def test_looking_ahead_is_refused(make_job: Callable[..., Job], both_ways: bool, gate: float, status: str) -> None:
    """A network that reads both ways fails on next-symbol tasks, even if its gate opens only in training."""
    build = BUILD.format(both_ways=both_ways, gate=gate, width=16 if both_ways else 8)
    record = run_trial(make_job(build, task="brackets[length=10]"))

    assert record.status == status
    if status == "failed":
        assert "looks ahead" in record.message
        assert "mask what comes later" in record.message


def test_what_counts_as_asking_for_the_next_symbol() -> None:
    """A task asks for the next symbol only if every target that counts is the input of the following step."""
    inputs = torch.tensor([[1, 2, 3, 4, 0, 1]])
    following = torch.tensor([[IGNORED, 3, 4, 0, 1, 2]])

    assert asks_for_next(inputs, following, INFO)
    assert not asks_for_next(inputs, torch.full((1, 6), IGNORED), INFO)
    assert not asks_for_next(inputs, inputs, INFO)
    assert not asks_for_next(inputs, following, TaskInfo(kind="tokens", input_shape=(6,), outputs=5, vocabulary=5))


def test_what_counts_as_asking_for_a_later_number() -> None:
    """Numbers that are a feature of a later step, where they are known, are asked ahead; others are not."""
    info = TaskInfo(kind="sequence", input_shape=(6, 2), outputs=1, per_step=True)
    inputs = torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(0))
    ahead = torch.cat([inputs[:, 2:, 1:], torch.randn(3, 2, 1, generator=torch.Generator().manual_seed(1))], 1)
    gaps = ahead.clone()
    gaps[:, 1] = torch.nan

    assert asks_for_next(inputs, ahead, info)
    assert asks_for_next(inputs, gaps, info)
    assert not asks_for_next(inputs, inputs[..., 1:], info)
    assert not asks_for_next(inputs, ahead + 0.1, info)
    assert not asks_for_next(inputs, torch.full((3, 6, 1), torch.nan), info)


@pytest.mark.parametrize("both_ways", [False, True])
def test_looking_ahead_at_numbers_is_refused(both_ways: bool) -> None:
    """A network that reads both ways is refused where the answers are later inputs; one that reads forward is not."""
    info = TaskInfo(kind="sequence", input_shape=(6, 2), outputs=1, per_step=True)
    core = torch.nn.GRU(2, 4, batch_first=True, bidirectional=both_ways)
    network = torch.nn.Module()
    network.forward = lambda x: core(x)[0][..., -1:]  # type: ignore[method-assign]
    inputs = torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(0))

    if both_ways:
        with pytest.raises(ValueError, match="the network looks ahead"):
            refuse_foresight(network, (inputs,), info)
    else:
        refuse_foresight(network, (inputs,), info)
