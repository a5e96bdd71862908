"""The temporal convolutional network: residual blocks of dilated causal convolutions.

`forward` of `CausalConv` and `TemporalBlock` is the paper's form. A CPU computes the same function in the form below
`build`, with time first and without work that no answer needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv1d, pad

from archbench import Block
from archbench_plugins.shared.sequences import Front, Readout, last_step

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.tcn import TCNOptions


class CausalConv(nn.Module):
    """A convolution over the steps t, t - d, ..., t - (k-1) d: (B, C, T) to (B, H, T), zeros before the first step.

    The weight is normalised: W = g V / |V|, one g for each output channel.

    Args:
        C, H: channels in and out.
        k, d: kernel size and dilation.
    """

    def __init__(self, C: int, H: int, *, k: int, d: int) -> None:
        super().__init__()
        conv = nn.Conv1d(C, H, k, dilation=d)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        self.V, self.b = conv.weight, conv.bias
        self.g = nn.Parameter(length(self.V).detach())
        self.d, self.past = d, (k - 1) * d

    def forward(self, x: Tensor) -> Tensor:
        # Normalised by hand: a network that uses torch's parametrisation of weights cannot be pickled.
        W = self.V * (self.g / length(self.V))  # (H, C, k)
        x = pad(x, (self.past, 0))  # (B, C, past + T)
        return conv1d(x, W, self.b, dilation=self.d)  # (B, H, T)


def length(V: Tensor) -> Tensor:
    """Return |V| of each output channel: (H, C, k) to (H, 1, 1)."""
    norm: Tensor = torch.linalg.vector_norm(V, dim=(1, 2), keepdim=True)
    return norm


class TemporalBlock(nn.Module):
    """A residual block relu(x + F(x)), F twice causal convolution, ReLU and dropout: (B, C, T) to (B, H, T).

    Args:
        C, H: channels in and out; where they differ, a 1x1 convolution brings x to H channels.
        k, d: kernel size and dilation.
        dropout: share of the channels that are zeroed, for all steps at once.
    """

    def __init__(self, C: int, H: int, *, k: int, d: int, dropout: float) -> None:
        super().__init__()
        self.F = nn.Sequential(
            *(CausalConv(C, H, k=k, d=d), nn.ReLU(), nn.Dropout1d(dropout)),
            *(CausalConv(H, H, k=k, d=d), nn.ReLU(), nn.Dropout1d(dropout)),
        )
        self.shortcut = nn.Identity() if C == H else nn.Conv1d(C, H, 1)
        if isinstance(self.shortcut, nn.Conv1d):
            nn.init.kaiming_normal_(self.shortcut.weight, nonlinearity="linear")

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.F(x))

    def as_block(self, name: str) -> Block:
        """Return the block."""
        return Block(name, self, branches=(self.F,))


class TCN(nn.Module):
    """Temporal blocks with dilation 1, 2, 4, ...: (B, T, I) to (B, T, H), or to (B, 1, H).

    Args:
        features: I.
        options: the options of the declaration.
        per_step: answer at every step. Else only at the last one, or at the last of each length.
    """

    def __init__(self, features: int, options: TCNOptions, *, per_step: bool) -> None:
        super().__init__()
        H, k = options.width, options.kernel
        widths = [features] + [H] * (options.levels - 1)
        blocks = [TemporalBlock(C, H, k=k, d=2**n, dropout=options.dropout) for n, C in enumerate(widths)]
        self.blocks = nn.Sequential(*blocks)
        self.per_step = per_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if are_windows_faster(x) and not self.is_watched():
            return all_by_windows(self, x) if self.per_step else last_by_windows(self, x, lengths)
        h: Tensor = self.blocks(x.transpose(1, 2))  # (B, H, T)
        if self.per_step:
            return h.transpose(1, 2)
        return last_step(h.permute(2, 0, 1), lengths)[:, None]

    def is_watched(self) -> bool:
        """Return whether someone put a hook on a module that the form for CPUs does not call."""
        return any(module._forward_hooks for module in self.blocks.modules())

    def name_blocks(self) -> list[Block]:
        """Return the blocks."""
        blocks = [block for block in self.blocks if isinstance(block, TemporalBlock)]
        return [block.as_block(str(number)) for number, block in enumerate(blocks, 1)]


def build(task: TaskInfo, options: TCNOptions) -> nn.Module:
    """Return the network: temporal blocks, and a linear layer that reads the last one."""
    front = Front(task, image=options.image)
    core = TCN(front.features, options, per_step=task.per_step)
    return Readout(front, core, width=options.width, task=task, pooled=not task.per_step)


# The form for CPUs. Block n, of dilation d = 2^n, is a dense convolution within each of d groups of steps: 0, d, 2d and
# so on, then 1, d + 1, 2d + 1 and so on. Groups do not see each other, so they are columns beside the batch. With time
# first, a window of k steps is one matrix in memory, and a dense convolution is one product for each window.


def are_windows_faster(x: Tensor) -> bool:
    """Return whether products with windows are faster: on a CPU in full precision that torch.compile does not trace."""
    return x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()


def all_by_windows(core: TCN, x: Tensor) -> Tensor:
    """Return the output at every step: (B, T, I) to (B, T, H)."""
    B, T, _ = x.shape
    h, groups = x.permute(1, 2, 0), 1  # (T, I, B)
    for n, block in enumerate(core.blocks):
        if n and len(h) > 1:  # split each group of steps in two
            even = pad(h, (0, 0, 0, 0, 0, len(h) % 2))  # a step after the last one, which no other step sees
            h = even.view(-1, 2, *h.shape[1:]).transpose(1, 2).flatten(2)  # (T / 2, H, 2 * groups * B)
            groups *= 2
        h = block_by_windows(block, h, groups=groups)
    H = h.shape[1]
    return h.view(-1, H, groups, B).permute(3, 0, 2, 1).reshape(B, -1, H)[:, :T]


def last_by_windows(core: TCN, x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the output at the last step, or at the last of each length: (B, T, I) to (B, 1, H).

    Of the two groups that each block makes of one, the answer only sees the group of the last step. So each block has
    half the steps of the one before it.
    """
    T = x.shape[1]
    real = None
    if lengths is not None:  # move each sequence to the end
        step = torch.arange(T, device=x.device) - T + lengths[:, None]  # (B, T)
        first = step < 0
        x = x[torch.arange(x.shape[0], device=x.device)[:, None], step.clamp(min=0)].masked_fill(first[:, :, None], 0)
        real = (~first).to(x.dtype).t()[:, None]  # (T, 1, B)
    h = x.permute(1, 2, 0)  # (T, I, B)
    for n, block in enumerate(core.blocks, 1):
        every = 2 if n < len(core.blocks) else len(h)
        h = block_by_windows(block, h, every=every, real=real)
        real = None if real is None else counted_back(real, every)
    return h.permute(2, 0, 1)


def counted_back(x: Tensor, every: int) -> Tensor:
    """Return the last step and each `every`-th one before it: (T, ...) to (ceil(T / every), ...)."""
    return x[(len(x) - 1) % every :: every]


def block_by_windows(block: Any, x: Tensor, *, every: int = 1, groups: int = 1, real: Tensor | None = None) -> Tensor:
    """Return a block's output at the last step and each `every`-th one before it: (T, C, N) to (ceil(T/every), H, N).

    Args:
        block: a `TemporalBlock` of dilation d.
        x: every d-th step, with N = groups * B columns.
        every: 1 for all steps.
        groups: how many groups of steps stand side by side.
        real: 0 before the start of a sequence and else 1, (T, 1, N); None for 1.
    """
    h = x
    for (conv, _, drop), step in ((block.F[:3], 1), (block.F[3:], every)):
        h = Windows.apply(h, conv.V, conv.g, conv.b, step)
        if drop.training and drop.p:
            kept = drop(h.new_ones(h.shape[2] // groups, h.shape[1], 1))  # (B, H, 1), as for all steps at once
            h = h * kept.permute(2, 1, 0).tile(groups)
        if real is not None:
            real = counted_back(real, step)
            h = h * real
    x = counted_back(x, every)
    if not isinstance(block.shortcut, nn.Identity):  # it has a 1x1 convolution
        x = torch.matmul(block.shortcut.weight[:, :, 0], x) + block.shortcut.bias[:, None]
        x = x if real is None else x * real
    return torch.relu(x + h)


class Windows(torch.autograd.Function):
    """relu(W * x + b), W = g V / |V|, with a gradient written by hand."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, V: Tensor, g: Tensor, b: Tensor, every: int) -> Tensor:
        """Return the last step and each `every`-th one before it, (n, H, N), n = ceil(T / every).

        Args:
            ctx: keeps what `backward` needs.
            x: (T, C, N).
            V, g, b: (H, C, k), (H, 1, 1) and (H,).
            every: 1 for all steps.
        """
        norm = length(V)
        W = (V * (g / norm)).transpose(1, 2).flatten(1)  # (H, k*C)
        past = V.shape[2] - 1
        seen = windows(pad(x, (0, 0, 0, 0, past - (len(x) - 1) % every, 0)), past + 1, every)  # (n, k*C, N)
        y = torch.baddbmm(b[:, None], W.expand(len(seen), -1, -1), seen).relu_()
        ctx.save_for_backward(V, g, norm, W, seen, y)
        ctx.T, ctx.every = len(x), every
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in x, V, g and b, given the one in y."""
        V, g, norm, W, seen, y = ctx.saved_tensors
        H, C, k = V.shape
        da = torch.ops.aten.threshold_backward(grad, y, 0)  # where y > 0: the gradient in W * x + b, (n, H, N)
        dx = None
        if ctx.needs_input_grad[0]:
            back = W.view(H, k, C)
            dx = _correlate(da, back) if ctx.every == 1 else _scatter(da, back, ctx.T, ctx.every)
        dW = torch.addbmm(W, da, seen.transpose(1, 2), beta=0).view(H, k, C).transpose(1, 2)
        dg = (dW * V).sum((1, 2), keepdim=True) / norm
        dV = (dW - V * (dg / norm)) * (g / norm)
        return dx, dV, dg, da.sum((0, 2)), None


def windows(x: Tensor, k: int, every: int = 1) -> Tensor:
    """Return the windows of k steps that start at each `every`-th step, as a view: (T, C, N) to (n, k*C, N)."""
    return x.unfold(0, k, every).permute(0, 3, 1, 2).flatten(1, 2)


def _correlate(da: Tensor, W: Tensor) -> Tensor:
    """Return the gradient in x where all steps were computed: dx_s = sum over j of W_j' da_{s + k-1-j}, (T, C, N)."""
    _, k, C = W.shape
    back = W.flip(1).permute(2, 1, 0).reshape(C, -1)  # (C, k*H)
    return torch.bmm(back.expand(len(da), -1, -1), windows(pad(da, (0, 0, 0, 0, 0, k - 1)), k))


def _scatter(da: Tensor, W: Tensor, T: int, every: int) -> Tensor:
    """Return the gradient in x where some steps were computed, (T, C, N): each adds W_j' da_t to the steps it saw."""
    H, k, C = W.shape
    n, _, N = da.shape
    shares = torch.bmm(W.view(H, -1).t().expand(n, -1, -1), da).view(n, k, C, N)
    dx = da.new_zeros(k - 1 + T, C, N)
    for j in range(k):
        dx[(T - 1) % every + j :: every][:n] += shares[:, j]
    return dx[k - 1 :]
