"""Layers of torch for the networks of several seeds at once: those that torch cannot batch, or batches slowly.

They are called under `torch.vmap`, where the seed is an axis that they do not see: S seeds, B examples, T steps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from archbench._training._stacked_cells import CELLS, Compute


def with_stacked_layers(network: nn.Module) -> nn.Module:
    """Return the network with stacked layers in the place of the linear and recurrent layers of torch."""
    for name, child in network.named_children():
        setattr(network, name, with_stacked_layers(child))
    if type(network) is nn.Linear and network.bias is not None:
        return StackedLinear(network)
    return StackedRecurrent(network) if isinstance(network, nn.RNNBase) and _is_plain(network) else network


def _is_plain(layers: nn.RNNBase) -> bool:
    return not layers.bidirectional and not layers.dropout and not layers.proj_size and layers.bias


class StackedLinear(nn.Module):
    """A linear layer with a bias, whose weights differ from seed to seed."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b over the last axis; with W first, its gradient comes out in the order of its numbers."""
        y = torch.addmm(self.bias[:, None], self.weight, x.flatten(0, -2).t())
        return y.t().view(*x.shape[:-1], -1)


class StackedRecurrent(nn.Module):
    """Layers of `nn.RNN`, `nn.LSTM` or `nn.GRU`, called under `torch.vmap` with weights that differ from seed to seed.

    They start from a state of zeros, have one direction, biases, and no dropout. Of an LSTM the last memory is not
    returned.

    Args:
        layers: have the weights, which keep their names.
    """

    def __init__(self, layers: nn.RNNBase) -> None:
        super().__init__()
        for name, parameter in layers.named_parameters():
            self.register_parameter(name, parameter)
        self.compute, self.count, self.batch_first = CELLS[layers.mode], layers.num_layers, layers.batch_first
        self.is_lstm = isinstance(layers, nn.LSTM)

    def forward(self, x: Tensor, hx: None = None) -> tuple[Tensor, Any]:
        """Return the states of the last layer and the last state of each layer, as torch's layers do."""
        if hx is not None:
            raise ValueError("a recurrent layer is given a first state")
        x = x if self.batch_first else x.transpose(0, 1)  # (B, T, I)
        ends = []
        for layer in range(self.count):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            x = _Stacked.apply(self.compute, x, *(getattr(self, f"{name}_l{layer}") for name in names))
            ends.append(x[:, -1])
        last = torch.stack(ends)  # (layers, B, H)
        return x if self.batch_first else x.transpose(0, 1), (last, None) if self.is_lstm else last


class _Stacked(torch.autograd.Function):
    """A layer that is computed for all seeds at once by a function of tensors whose first axis is the seed."""

    @staticmethod
    def forward(compute: Compute, x: Tensor, *weights: Tensor) -> Tensor:
        """Refuse a call outside `torch.vmap`."""
        raise NotImplementedError("stacked layers are for torch.vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep nothing: gradients come from what `vmap` calls."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, compute: Compute, x: Tensor, *weights: Tensor) -> tuple[Tensor, int]:
        """Return what the function computes, and the axis of the seeds."""
        _, *dims = in_dims
        stacked = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip((x, *weights), dims, strict=True)
        ]
        return compute(*stacked), 0
