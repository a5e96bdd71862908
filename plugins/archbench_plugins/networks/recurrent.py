"""The recurrent nets of `archbench_plugins.rnn` and `archbench_plugins.lstm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.lstm import LSTMOptions
    from archbench_plugins.rnn import RNNOptions


class Reader(nn.Module):
    """A recurrent core and a linear layer that reads its state.

    Args:
        core: maps (B, T, I) to states (B, T, H), as `nn.RNN` and `nn.LSTM` do with `batch_first`.
        outputs: K, logits of each answer.
        per_step: answer at every step, (B, T, K), and not once, (B, K).
    """

    def __init__(self, core: nn.RNNBase, *, outputs: int, per_step: bool) -> None:
        super().__init__()
        self.core = core
        self.head = nn.Linear(core.hidden_size, outputs)
        self.per_step = per_step

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.core(x)[0]  # (B, T, H)
        if not self.per_step:
            h = h[:, -1]  # (B, H)
        logits: Tensor = self.head(h)  # (B, T, K) or (B, K)
        return logits


def build_rnn(task: TaskInfo, options: RNNOptions) -> nn.Module:
    """h_t = tanh(W x_t + R h_{t-1} + b)."""
    core = nn.RNN(
        task.input_shape[-1], options.width, options.layers, nonlinearity=options.nonlinearity, batch_first=True
    )
    _start(core)
    return Reader(core, outputs=task.outputs, per_step=task.per_step)


def build_lstm(task: TaskInfo, options: LSTMOptions) -> nn.Module:
    """c_t = f_t * c_{t-1} + i_t * c'_t, and h_t = o_t * tanh(c_t)."""
    core = nn.LSTM(task.input_shape[-1], options.width, options.layers, batch_first=True)
    _start(core)
    set_forget_bias(core, options.forget_bias)
    return Reader(core, outputs=task.outputs, per_step=task.per_step)


@torch.no_grad()
def set_forget_bias(core: nn.LSTM, value: float) -> None:
    """Let b_f start at `value` in every layer: torch adds two bias vectors, so one takes it and the other 0."""
    H = core.hidden_size
    for layer in range(core.num_layers):
        for name, start in ((f"bias_ih_l{layer}", value), (f"bias_hh_l{layer}", 0.0)):
            getattr(core, name)[H : 2 * H] = start  # torch's order is i, f, c', o


@torch.no_grad()
def _start(core: nn.RNNBase) -> None:
    """Orthogonal R keeps the length of the state, Glorot's W the scale of the input; each gate has its own."""
    for name, parameter in core.named_parameters():
        for gate in torch.split(parameter, core.hidden_size):
            if name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
            else:
                nn.init.zeros_(gate)
