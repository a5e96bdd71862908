"""Elman's recurrent network, computed by torch's kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from archbench_plugins.shared.sequences import Front, Readout, start_gates

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.rnn import RNNOptions


def build(task: TaskInfo, options: RNNOptions) -> nn.Module:
    """Return the network: h_t = tanh(W x_t + R h_{t-1} + b), and a linear layer that reads h."""
    front = Front(task, image=options.image)
    core = nn.RNN(front.features, options.width, options.layers, nonlinearity=options.nonlinearity, batch_first=True)
    if options.initialisation == "orthogonal":
        start_gates(core)
    elif options.initialisation == "identity":
        start_as_identity(core)
    # `uniform` keeps the weights that torch has drawn.
    return Readout(front, core, width=options.width, task=task)


@torch.no_grad()
def start_as_identity(core: nn.RNN) -> None:
    """Start with R = 1, W from N(0, 0.001^2) and b at 0, as in arXiv:1504.00941: the state is copied."""
    for name, parameter in core.named_parameters():
        if name.startswith("weight_hh"):
            nn.init.eye_(parameter)
        elif name.startswith("weight_ih"):
            nn.init.normal_(parameter, std=0.001)
        else:
            nn.init.zeros_(parameter)
