"""The gated recurrent unit, computed by torch's kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from archbench_plugins.shared.sequences import Front, Readout, start_gates

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.gru import GRUOptions


def build(task: TaskInfo, options: GRUOptions) -> nn.Module:
    """Return the network: h_t = z_t * h_{t-1} + (1 - z_t) * h'_t, and a linear layer that reads h."""
    front = Front(task, image=options.image)
    core = nn.GRU(front.features, options.width, options.layers, batch_first=True)
    start_gates(core)
    return Readout(front, core, width=options.width, task=task)
