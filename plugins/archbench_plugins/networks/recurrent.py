"""The recurrent nets that torch's kernels compute: `archbench_plugins.rnn`, `gru`, and the plain form of `lstm`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archbench_plugins.networks._sequence import FeatureMajor, Front, Reader
from archbench_plugins.networks.gated_memory import GatedMemory

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.gru import GRUOptions
    from archbench_plugins.lstm import LSTMOptions
    from archbench_plugins.rnn import RNNOptions


def build_rnn(task: TaskInfo, options: RNNOptions) -> nn.Module:
    """h_t = tanh(W x_t + R h_{t-1} + b)."""
    front = Front(task, image=options.image)
    core = nn.RNN(front.features, options.width, options.layers, nonlinearity=options.nonlinearity, batch_first=True)
    if options.initialisation != "uniform":  # torch's own start
        _start(core, identity=options.initialisation == "identity")
    return Reader(front, core, width=options.width, task=task)


def build_gru(task: TaskInfo, options: GRUOptions) -> nn.Module:
    """h_t = z_t * h_{t-1} + (1 - z_t) * h'_t."""
    front = Front(task, image=options.image)
    core = nn.GRU(front.features, options.width, options.layers, batch_first=True)
    _start(core)
    return Reader(front, core, width=options.width, task=task)


def build_lstm(task: TaskInfo, options: LSTMOptions) -> nn.Module:
    """c_t = f_t * c_{t-1} + i_t * c'_t, and h_t = o_t * tanh(c_t)."""
    front = Front(task, image=options.image)
    if options.peepholes or options.forget_gate != "learned":
        form: dict[str, Any] = {
            "forget_gate": options.forget_gate,
            "peepholes": options.peepholes,
            "bias": options.forget_bias,
        }
        widths = [front.features, *[options.width] * options.layers]
        core: nn.Module = FeatureMajor([GatedMemory(*sizes, **form) for sizes in pairwise(widths)])
    else:
        core = nn.LSTM(front.features, options.width, options.layers, batch_first=True)
        _start(core)
        set_forget_bias(core, options.forget_bias)
    return Reader(front, core, width=options.width, task=task)


@torch.no_grad()
def set_forget_bias(core: nn.LSTM, value: float) -> None:
    """Let b_f start at `value` in every layer: torch adds two bias vectors, so one takes it and the other 0."""
    H = core.hidden_size
    for layer in range(core.num_layers):
        for name, start in ((f"bias_ih_l{layer}", value), (f"bias_hh_l{layer}", 0.0)):
            getattr(core, name)[H : 2 * H] = start  # torch's order is i, f, c', o


@torch.no_grad()
def _start(core: nn.RNNBase, *, identity: bool = False) -> None:
    """Orthogonal R keeps the length of the state, Glorot's W the scale of the input; each gate has its own.

    With `identity`, R = 1 and W is drawn from N(0, 0.001^2), as in arXiv:1504.00941.
    """
    for name, parameter in core.named_parameters():
        for gate in torch.split(parameter, core.hidden_size):
            if name.startswith("weight_hh"):
                nn.init.eye_(gate) if identity else nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                nn.init.normal_(gate, std=0.001) if identity else nn.init.xavier_uniform_(gate)
            else:
                nn.init.zeros_(gate)
