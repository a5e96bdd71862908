"""Seconds of a training step of sequence networks: against torch.nn.LSTM, and of the LSTM in forms of one ladder.

B = 32, T = 64, H = 64, one thread, forward and backward.
"""

# ruff: noqa: N803 - the papers' symbols are capitals

from __future__ import annotations

import time
from collections.abc import Callable

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
from archbench_plugins.xlstm.by_hand import ScalarMemory
from support import equations
from support.speed.rows import Row, in_pairs, ratio

B, T, FEATURES, H = 32, 64, 2, 64
WARM_UP = 10
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
        a = project(self.W, self.b, x.permute(2, 1, 0))[None]  # one head
        h: Tensor = ScalarMemory.apply(a, self.R)  # (T, 1, H, B)
        return h[:, 0].permute(2, 0, 1)  # (B, T, H)


def gated(forget_gate: str, *, peepholes: bool, features: int = FEATURES) -> nn.Module:
    """Return a network of one LSTM layer with a gradient written by hand."""
    return FeatureMajor([GatedMemory(features, H, forget_gate=forget_gate, peepholes=peepholes, bias=1.0)])


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
"""Cells of as many units as the LSTM, and default networks, which have as many parameters as it has. `tcn` with one
answer computes fewer steps than with an answer at every step, so both have a row."""


def gates_in_one_product(x: Tensor, W: Tensor, R: Tensor, b: Tensor) -> Tensor:
    """Compute the LSTM with one product for the four gates of each side: (B, T, I) to (B, T, H)."""
    return _loop([x_t @ W.T + b for x_t in x.unbind(1)], R)


def input_product_hoisted(x: Tensor, W: Tensor, R: Tensor, b: Tensor) -> Tensor:
    """Compute the LSTM with the input's product for all steps at once: (B, T, I) to (B, T, H)."""
    return _loop((x @ W.T + b).unbind(1), R)


def _loop(net: list[Tensor] | tuple[Tensor, ...], R: Tensor) -> Tensor:
    h = c = net[0].new_zeros(len(net[0]), R.shape[1])
    states = []
    for a_t in net:
        i, f, candidate, o = (a_t + h @ R.T).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(candidate)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states, 1)


class Written(nn.Module):
    """An LSTM layer whose gradient autograd finds, with the weights of a `torch.nn.LSTM` of one bias vector."""

    def __init__(self, compute: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor], features: int) -> None:
        super().__init__()
        core = nn.LSTM(features, H)
        self.W, self.R, self.b, self.compute = core.weight_ih_l0, core.weight_hh_l0, core.bias_ih_l0, compute

    def forward(self, x: Tensor) -> Tensor:
        """Return the states (B, T, H) for inputs (B, T, I)."""
        return self.compute(x, self.W, self.R, self.b)


LADDER: dict[str, Callable[[], nn.Module]] = {
    "eight products in each step": lambda: Written(equations.lstm, H),
    "one product for the four gates": lambda: Written(gates_in_one_product, H),
    "the input's product for all steps at once": lambda: Written(input_product_hoisted, H),
    "fused: `torch.nn.LSTM`, the form of `lstm`": lambda: nn.LSTM(H, H, batch_first=True),
    "gradient by hand: `GatedMemory`, the form of `lstm` with peepholes": lambda: gated(
        "learned", peepholes=False, features=H
    ),
}
"""One LSTM layer of 64 units on 64 inputs; each form but the last has the changes of those above it. The rungs are
those of Appleyard, Kocisky and Blunsom (2016), arXiv:1604.01946, which cuDNN 5 climbed."""


def seconds(network: nn.Module, x: Tensor) -> float:
    """Return the seconds of one forward and backward pass over all steps."""
    network.zero_grad(set_to_none=True)
    start = time.perf_counter()
    y = network(x)
    (y[0] if isinstance(y, tuple) else y).square().sum().backward()
    return time.perf_counter() - start


def against_torch(name: str, count: int) -> Row:
    """Return the row of a step of a cell over that of torch.nn.LSTM; default networks have a target."""
    torch.manual_seed(0)
    reference, cell = nn.LSTM(FEATURES, H, batch_first=True), CELLS[name]()
    x = torch.randn(B, T, FEATURES)
    pairs = in_pairs(lambda: seconds(cell, x), lambda: seconds(reference, x), count, warm_up=WARM_UP)
    return ratio(name, pairs, **({"at_most": 2.0} if "default" in name else {}))


def rung(name: str, count: int) -> Row:
    """Return the row of a step of a form of the LSTM over that of the first form of the ladder."""
    torch.manual_seed(0)
    first, form = next(iter(LADDER.values()))(), LADDER[name]()
    x = torch.randn(B, T, H)
    return ratio(name, in_pairs(lambda: seconds(form, x), lambda: seconds(first, x), count, warm_up=WARM_UP // 2))
