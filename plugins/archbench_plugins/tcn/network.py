"""The temporal convolutional network: residual blocks of dilated causal convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archbench_plugins.shared.sequences import Front, Readout

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
        x = nn.functional.pad(x, (self.past, 0))  # (B, C, past + T)
        return nn.functional.conv1d(x, W, self.b, dilation=self.d)  # (B, H, T)


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


class TCN(nn.Module):
    """Temporal blocks with dilation 1, 2, 4, ...: (B, T, I) to (B, T, H).

    Args:
        features: I.
        options: the options of the declaration.
    """

    def __init__(self, features: int, options: TCNOptions) -> None:
        super().__init__()
        H, k = options.width, options.kernel
        widths = [features] + [H] * (options.levels - 1)
        blocks = [TemporalBlock(C, H, k=k, d=2**n, dropout=options.dropout) for n, C in enumerate(widths)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.blocks(x.transpose(1, 2))  # (B, H, T)
        return h.transpose(1, 2)  # (B, T, H)


def build(task: TaskInfo, options: TCNOptions) -> nn.Module:
    """Return the network: temporal blocks, and a linear layer that reads the last one."""
    front = Front(task, image=options.image)
    return Readout(front, TCN(front.features, options), width=options.width, task=task)
