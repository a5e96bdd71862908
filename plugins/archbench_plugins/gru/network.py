"""The gated recurrent unit: torch's kernel on a GPU, and a faster loop over time of its own on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from archbench_plugins.gru.by_hand import ThroughTime, takes_loops
from archbench_plugins.shared.sequences import Front, Readout, project, start_gates

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.gru import GRUOptions


def build(task: TaskInfo, options: GRUOptions) -> nn.Module:
    """Return the network: h_t = z_t * h_{t-1} + (1 - z_t) * h'_t, and a linear layer that reads h."""
    front, H = Front(task, image=options.image), options.units(task)
    core = GRU(front.features, H, options.layers, batch_first=True)
    start_gates(core)
    return Readout(front, core, width=H, task=task)


class GRU(nn.GRU):
    """torch's layers, which a CPU computes with a loop of our own: (B, T, I) to (B, T, H).

        r = sigmoid(W_r x + R_r h + b_r)                  z = sigmoid(W_z x + R_z h + b_z)
        h' = tanh(W_h x + b_h + r * (R_h h + b_R))        h = z * h + (1 - z) * h'

    torch has a fused kernel of this cell for GPUs only. On a CPU it takes some fifteen operations for each step, and
    more for their gradients. The loop is for tensors without a first state; the rest of what nn.GRU can do is torch's.
    """

    def forward(self, x: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Return the states of the last layer, (B, T, H), and the last state of each layer, (layers, B, H)."""
        if not isinstance(x, Tensor) or hx is not None or not takes_loops(x):
            states, last = super().forward(x, hx)
            return states, last
        x = x.permute(2, 1, 0)  # (I, T, B)
        gates = 2 * self.hidden_size
        ends = []
        for layer in range(self.num_layers):
            W, R, b_W, b_R = (getattr(self, f"{n}_l{layer}") for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            b = torch.cat([b_W[:gates] + b_R[:gates], b_W[gates:]])
            h = ThroughTime.apply(project(W, b, x), R, b_R[gates:])  # (T, H, B)
            ends.append(h[-1].t())
            x = h.transpose(0, 1)  # (H, T, B)
        return x.permute(2, 1, 0), torch.stack(ends)

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return r and z at all steps, (B, T, H) each; of several layers as r1, z1, r2 and so on."""
        gates: dict[str, Tensor] = {}
        H = self.hidden_size
        for layer in range(self.num_layers):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            W, R, b_W, b_R = weights = [getattr(self, f"{name}_l{layer}") for name in names]
            h = torch.gru(x, x.new_zeros(1, len(x), H), weights, True, 1, 0.0, False, False, True)[0]
            before = pad(h, (0, 0, 1, -1))  # h_0 = 0
            net = linear(x, W[: 2 * H], b_W[: 2 * H]) + linear(before, R[: 2 * H], b_R[: 2 * H])
            r, z = torch.sigmoid(net).chunk(2, 2)
            number = layer + 1 if self.num_layers > 1 else ""
            gates |= {f"r{number}": r, f"z{number}": z}
            x = h
        return gates
