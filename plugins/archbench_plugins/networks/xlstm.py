"""The blocks of `archbench_plugins.xlstm`: sLSTM with scalar memory and mLSTM with matrix memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, logsigmoid, pad, silu

from archbench_plugins.networks._sequence import Front, Reader
from archbench_plugins.networks.scalar_memory import ScalarMemory

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.xlstm import XLSTMOptions

FORGET_BIASES = (3.0, 6.0)  # b_f starts evenly spread between these, f between 0.953 and 0.9975: many time scales


class CausalConv(nn.Module):
    """swish of a convolution of each channel alone over the last 4 steps: (B, T, D) to (B, T, D)."""

    def __init__(self, D: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(D, D, 4, groups=D)

    def forward(self, x: Tensor) -> Tensor:
        return silu(self.conv(pad(x.transpose(1, 2), (3, 0))).transpose(1, 2))


class HeadNorm(nn.Module):
    """LayerNorm within each head, with one scale for each feature: (B, T, heads, d) to (B, T, heads * d)."""

    def __init__(self, D: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(D))

    def forward(self, h: Tensor) -> Tensor:
        return layer_norm(h, h.shape[-1:]).flatten(2) * self.scale


class MLSTMBlock(nn.Module):
    """Residual block with the memory between an up- and a down-projection (Fig. 11): (B, T, D) to (B, T, D).

    Args:
        D: width; the memory works on 2D features.
        heads: they divide 2D; q, k and v are mixed within groups of 4 features, or as many as divide 2D.
    """

    def __init__(self, D: int, *, heads: int) -> None:
        super().__init__()
        E = 2 * D
        self.heads = heads
        self.group = max(size for size in range(1, 5) if E % size == 0)
        self.norm = nn.LayerNorm(D)
        self.up = nn.Linear(D, 2 * E)
        self.conv = CausalConv(E)
        # q, k and v: one small matrix for each group of features
        self.qkv = nn.Parameter(torch.randn(3, E // self.group, self.group, self.group) / self.group**0.5)
        self.gates = nn.Linear(3 * E, 2 * heads)
        nn.init.zeros_(self.gates.weight)
        with torch.no_grad():
            self.gates.bias[:heads].zero_()
            self.gates.bias[heads:] = torch.linspace(*FORGET_BIASES, heads)
        self.head_norm = HeadNorm(E)
        self.skip = nn.Parameter(torch.ones(E))
        self.down = nn.Linear(E, D)

    def forward(self, x: Tensor) -> Tensor:
        B, T, _ = x.shape
        u, side = self.up(self.norm(x)).chunk(2, 2)  # twice (B, T, E)
        seen = self.conv(u)
        W_q, W_k, W_v = self.qkv
        qk = self.mix(seen, torch.cat([W_q, W_k], 2)).view(B, T, -1, 2, self.group)
        q, k, v = (x.reshape(B, T, -1) for x in (qk[..., 0, :], qk[..., 1, :], self.mix(u, W_v)))  # (B, T, E) each
        i, f = self.gates(torch.cat([q, k, v], 2)).transpose(1, 2).chunk(2, 1)  # twice (B, heads, T)
        q, k, v = (x.view(B, T, self.heads, -1).transpose(1, 2) for x in (q, k, v))  # (B, heads, T, d)
        h = matrix_memory(q, k, v, i=i, f=f).transpose(1, 2)  # (B, T, heads, d)
        y: Tensor = self.down((self.head_norm(h) + self.skip * seen) * silu(side))
        return x + y

    def mix(self, x: Tensor, W: Tensor) -> Tensor:
        """Each group of features by its own matrix: (B, T, E) and (E/group, group, m) to (B, T, E/group, m)."""
        return torch.einsum("btgi,gij->btgj", x.view(*x.shape[:2], -1, self.group), W)


def matrix_memory(q: Tensor, k: Tensor, v: Tensor, *, i: Tensor, f: Tensor) -> Tensor:
    """All steps of the mLSTM at once: q, k, v (B, heads, T, d) and net inputs of the gates (B, heads, T) to h as v.

    Unrolled, C_t q_t = sum over s <= t of D_ts (k_s . q_t) v_s with D_ts = exp(i_s + sum of log f from s + 1 to t),
    and n_t q_t is the same sum without v. As log D_ts is a sum of a term in t and one in s, a row is computed from the
    second alone, less the largest one so far: that divides both sums by one number, and the 1 below them as well.
    """
    T = i.shape[2]
    log_f = logsigmoid(f).cumsum(2)
    column = i - log_f  # log D_ts = log_f_t + column_s
    largest = column.detach().cummax(2).values
    future = torch.full((T, T), -torch.inf, dtype=q.dtype, device=q.device).triu(1)
    D = torch.exp(column[..., None, :] - (largest[..., :, None] - future))  # (B, heads, T, T), t by s
    weights = ((q * q.shape[3] ** -0.5) @ k.transpose(2, 3)) * D
    n = torch.maximum(weights.sum(3).abs(), torch.exp(-log_f - largest))  # (B, heads, T)
    h: Tensor = (weights @ v) / n[..., None]
    return h


class SLSTMBlock(nn.Module):
    """Residual blocks of the memory and of a gated feed-forward net (Fig. 10): (B, T, D) to (B, T, D).

    Args:
        D: width; the feed-forward net has 4/3 D units.
        heads: they divide D; neither W nor R mixes them.
    """

    def __init__(self, D: int, *, heads: int) -> None:
        super().__init__()
        d, units = D // heads, round(4 * D / 3)
        self.heads = heads
        self.norm = nn.LayerNorm(D)
        self.conv = CausalConv(D)
        self.W = nn.Parameter(torch.randn(heads, 4 * d, d) * d**-0.5)  # of i, f, z and o in each head
        self.R = nn.Parameter(torch.zeros(heads, 4 * d, d))
        b = torch.zeros(heads, 4, d)
        b[:, 1] = torch.linspace(*FORGET_BIASES, D).view(heads, d)
        self.b = nn.Parameter(b.view(heads, 4 * d, 1))
        self.head_norm = HeadNorm(D)
        self.feed_norm = nn.LayerNorm(D)
        self.feed_up = nn.Linear(D, 2 * units)
        self.feed_down = nn.Linear(units, D)

    def forward(self, x: Tensor) -> Tensor:
        B, T, _ = x.shape
        u = self.norm(x)
        # The gates i and f see the convolution, z and o the input itself.
        seen, now = (v.permute(2, 1, 0).reshape(self.heads, -1, T * B) for v in (self.conv(u), u))  # (heads, d, T*B)
        W_if, W_zo = self.W.chunk(2, 1)
        a = torch.cat([W_if @ seen, W_zo @ now], 1) + self.b  # (heads, 4d, T*B)
        h: Tensor = ScalarMemory.apply(a.view(self.heads, -1, T, B), self.R)  # (T, heads, d, B)
        x = x + self.head_norm(h.permute(3, 0, 1, 2))
        gate, value = self.feed_up(self.feed_norm(x)).chunk(2, 2)  # twice (B, T, units)
        y: Tensor = self.feed_down(gelu(gate) * value)
        return x + y


class XLSTM(nn.Module):
    """An affine layer, the blocks and a LayerNorm: (B, T, I) to (B, T, D)."""

    def __init__(self, features: int, options: XLSTMOptions) -> None:
        super().__init__()
        D = options.width
        kinds: dict[str, type[MLSTMBlock] | type[SLSTMBlock]] = {"m": MLSTMBlock, "s": SLSTMBlock}
        self.enter = nn.Linear(features, D)
        self.blocks = nn.Sequential(*(kinds[kind](D, heads=options.heads) for kind in options.blocks))
        self.leave = nn.LayerNorm(D)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.leave(self.blocks(self.enter(x)))
        return y


def build(task: TaskInfo, options: XLSTMOptions) -> nn.Module:
    """xLSTM blocks and a linear layer that reads them."""
    front = Front(task, image=options.image)
    return Reader(front, XLSTM(front.features, options), width=options.width, task=task)
