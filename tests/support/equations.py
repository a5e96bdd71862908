"""The published equations of networks, written one step after the other: the controls of their faster forms.

Each takes the parameters of the fast form and is differentiated by autograd. Nothing is hoisted, fused or reordered.
"""

# ruff: noqa: N803, N806 - the papers' symbols are capitals

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from archbench_plugins.lstm.network import GatedMemory
from archbench_plugins.lstm_1997.network import MemoryBlocks
from archbench_plugins.recurrent_highway.network import RecurrentHighway
from archbench_plugins.tcn.network import CausalConv


def elman(x: Tensor, W: Tensor, R: Tensor, b: Tensor, squash: Callable[[Tensor], Tensor] = torch.tanh) -> Tensor:
    """Compute h_t = tanh(W x_t + R h_{t-1} + b): (B, T, I) to (B, T, H)."""
    h, states = x.new_zeros(len(x), len(R)), []
    for x_t in x.unbind(1):
        h = squash(x_t @ W.T + h @ R.T + b)
        states.append(h)
    return torch.stack(states, 1)


def lstm(x: Tensor, W: Tensor, R: Tensor, b: Tensor) -> Tensor:
    """Compute the six equations of `archbench_plugins.lstm`, a product for each matrix: (B, T, I) to (B, T, H)."""
    (W_i, W_f, W_c, W_o), (R_i, R_f, R_c, R_o), (b_i, b_f, b_c, b_o) = W.chunk(4), R.chunk(4), b.chunk(4)
    h = c = x.new_zeros(len(x), R.shape[1])
    states = []
    for x_t in x.unbind(1):
        i = torch.sigmoid(x_t @ W_i.T + h @ R_i.T + b_i)
        f = torch.sigmoid(x_t @ W_f.T + h @ R_f.T + b_f)
        o = torch.sigmoid(x_t @ W_o.T + h @ R_o.T + b_o)
        candidate = torch.tanh(x_t @ W_c.T + h @ R_c.T + b_c)
        c = f * c + i * candidate
        h = o * torch.tanh(c)
        states.append(h)
    return torch.stack(states, 1)


def gated_memory(cell: GatedMemory, x: Tensor) -> Tensor:
    """Compute the equations of `GatedMemory`, without the terms that a form lacks: (B, T, I) to (B, T, H)."""
    H = cell.R.shape[1]
    names = {"learned": "ifco", "coupled": "fco", "none": "ico"}[cell.forget_gate]
    W, R, b = (dict(zip(names, value.split(H), strict=True)) for value in (cell.W, cell.R, cell.b))
    p = dict(zip(names.replace("c", ""), cell.p if cell.p is not None else [0.0] * 3, strict=False))
    h = c = x.new_zeros(len(x), H)
    states = []

    def net(gate: str, x_t: Tensor, memory: Tensor) -> Tensor:
        return x_t @ W[gate].T + h @ R[gate].T + b[gate] + p.get(gate, 0.0) * memory

    for x_t in x.unbind(1):
        f = torch.sigmoid(net("f", x_t, c)) if "f" in names else torch.ones_like(c)
        i = torch.sigmoid(net("i", x_t, c)) if "i" in names else 1 - f
        new = f * c + i * torch.tanh(net("c", x_t, c))
        h = torch.sigmoid(net("o", x_t, new)) * torch.tanh(new)
        c = new
        states.append(h)
    return torch.stack(states, 1)


def gru(x: Tensor, core: nn.GRU, layer: int) -> Tensor:
    """Compute the four equations of `archbench_plugins.gru`: (B, T, I) to (B, T, H)."""
    W, R, b_W, b_R = (getattr(core, f"{n}_l{layer}") for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h, states = x.new_zeros(len(x), R.shape[1]), []
    for x_t in x.unbind(1):
        (a_r, a_z, a_h), (u_r, u_z, u_h) = (x_t @ W.T + b_W).chunk(3, 1), (h @ R.T + b_R).chunk(3, 1)
        r, z = torch.sigmoid(a_r + u_r), torch.sigmoid(a_z + u_z)
        h = z * h + (1 - z) * torch.tanh(a_h + r * u_h)
        states.append(h)
    return torch.stack(states, 1)


def min_gru(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Compute the equations of minGRU, sec. 3.1: (I, T, B) to (H, T, B)."""
    (W_z, W_h), (b_z, b_h) = W.chunk(2), b[:, None].chunk(2)
    h, states = x.new_zeros(len(W_z), x.shape[2]), []
    for x_t in x.unbind(1):
        z = torch.sigmoid(W_z @ x_t + b_z)
        h = (1 - z) * h + z * (W_h @ x_t + b_h)
        states.append(h)
    return torch.stack(states, 1)


def min_lstm(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Compute the equations of minLSTM, sec. 3.2: (I, T, B) to (H, T, B)."""
    (W_f, W_i, W_h), (b_f, b_i, b_h) = W.chunk(3), b[:, None].chunk(3)
    h, states = x.new_zeros(len(W_f), x.shape[2]), []
    for x_t in x.unbind(1):
        f, i = torch.sigmoid(W_f @ x_t + b_f), torch.sigmoid(W_i @ x_t + b_i)
        h = f / (f + i) * h + i / (f + i) * (W_h @ x_t + b_h)
        states.append(h)
    return torch.stack(states, 1)


def linear_recurrence(f: Tensor, u: Tensor) -> Tensor:
    """Compute h_t = f_t h_{t-1} + u_t: (N, T, M) and (N, T, M) to (N, T, M)."""
    h, states = torch.zeros_like(u[:, 0]), []
    for f_t, u_t in zip(f.unbind(1), u.unbind(1), strict=True):
        h = f_t * h + u_t
        states.append(h)
    return torch.stack(states, 1)


def scalar_memory(a: Tensor, R: Tensor) -> Tensor:
    """Compute the sLSTM without its stabiliser: a (heads, 4d, T, B) and R (heads, 4d, d) to h (T, heads, d, B)."""
    h = c = n = a.new_zeros(R.shape[0], R.shape[2], a.shape[3])
    states = []
    for a_t in a.unbind(2):
        i, f, z, o = (a_t + R @ h).chunk(4, 1)
        i, f = i.exp(), f.sigmoid()
        c, n = f * c + i * z.tanh(), f * n + i
        h = o.sigmoid() * c / n
        states.append(h)
    return torch.stack(states)


def matrix_memory(q: Tensor, k: Tensor, v: Tensor, *, i: Tensor, f: Tensor) -> Tensor:
    """Compute the mLSTM in its recurrent form, without its stabiliser; arguments as in the plugin's `matrix_memory`."""
    C = v.new_zeros(*v.shape[:2], v.shape[3], v.shape[3])
    n = torch.zeros_like(v[:, :, 0])
    states = []
    for t in range(v.shape[2]):
        gate_i, gate_f = i[:, :, t, None].exp(), f[:, :, t, None].sigmoid()
        key = k[:, :, t] * k.shape[3] ** -0.5
        C = gate_f[..., None] * C + gate_i[..., None] * v[:, :, t, :, None] * key[:, :, None]
        n = gate_f * n + gate_i * key
        scale = (n * q[:, :, t]).sum(2, keepdim=True).abs().clamp(min=1)
        states.append((C @ q[:, :, t, :, None])[..., 0] / scale)
    return torch.stack(states, 2)


def causal_convolution(conv: CausalConv, x: Tensor, *, k: int, d: int) -> Tensor:
    """Compute y_t = b + sum over j of W_j x_{t - (k-1-j) d}, W = g V / |V|: (B, C, T) to (B, H, T)."""
    W, steps = conv.g * conv.V / conv.V.flatten(1).norm(dim=1)[:, None, None], []
    for t in range(x.shape[2]):
        y = conv.b.expand(len(x), -1)
        for j in range(k):
            if (s := t - (k - 1 - j) * d) >= 0:
                y = y + x[:, :, s] @ W[:, :, j].T
        steps.append(y)
    return torch.stack(steps, 2)


def lstm_1997(core: MemoryBlocks, x: Tensor, *, truncated: bool) -> Tensor:
    """Compute the equations of `MemoryBlocks`: (B, T, I) to the core's (B, T, width)."""
    C, J = core.cells, core.blocks
    b = nn.functional.pad(core.b, (len(core.W) - len(core.b), 0)) if core.b is not None else 0.0
    y = x.new_zeros(len(x), len(core.W))
    s = x.new_zeros(len(x), J, core.size)
    answers = []
    for x_t in x.unbind(1):
        net = x_t @ core.W.T + b
        if core.R is not None:
            net = net + (y.detach() if truncated else y)[:, : core.R.shape[1]] @ core.R.T
        gates = torch.sigmoid(net[:, C:]).split(J, 1)
        y_f = gates[-1][..., None] if core.forget_gate else 1.0
        s = y_f * s + gates[0][..., None] * (4 * torch.sigmoid(net[:, :C].view_as(s)) - 2)
        y_out = gates[1][..., None] if core.output_gate else 1.0
        y = torch.cat([(y_out * (2 * torch.sigmoid(s) - 1)).flatten(1), *gates], 1)
        answers.append(torch.cat([x_t, y[:, :C]], 1) if core.outputs_see_inputs else y[:, :C])
    return torch.stack(answers, 1)


def recurrent_highway(layer: RecurrentHighway, x: Tensor) -> Tensor:
    """Compute the three equations of `RecurrentHighway`: (B, T, I) to (B, T, H)."""
    W_H, W_T = layer.W.chunk(2)
    s = x.new_zeros(len(x), len(W_H))
    states = []
    for x_t in x.unbind(1):
        for level, (R, b) in enumerate(zip(layer.R, layer.b, strict=True)):
            (R_H, R_T), (b_H, b_T) = R.chunk(2), b.chunk(2)
            h, t = s @ R_H.T + b_H, s @ R_T.T + b_T
            if level == 0:
                h, t = h + x_t @ W_H.T, t + x_t @ W_T.T
            t = torch.sigmoid(t)
            s = torch.tanh(h) * t + s * (1 - t)
        states.append(s)
    return torch.stack(states, 1)
