"""Layers of torch for the networks of several seeds at once: those that torch cannot batch, or batches slowly.

They are called under `torch.vmap`, where the seed is an axis that they do not see: S seeds, B examples, T steps.
"""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from archbench._training._stacked_cells import CELLS, Compute

Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
NORMS = get_args(Norm)


def with_stacked_layers(network: nn.Module) -> nn.Module:
    """Return the network with stacked layers in the place of torch's linear, recurrent and batch-normalising layers."""
    for name, child in network.named_children():
        setattr(network, name, with_stacked_layers(child))
    if type(network) is nn.Linear and network.bias is not None:
        return StackedLinear(network)
    if isinstance(network, NORMS) and type(network) in NORMS and _has_all(network):
        return StackedNorm(network)
    return StackedRecurrent(network) if isinstance(network, nn.RNNBase) and _is_plain(network) else network


def _is_plain(layers: nn.RNNBase) -> bool:
    return not layers.bidirectional and not layers.dropout and not layers.proj_size and layers.bias


def _has_all(norm: Norm) -> bool:
    return norm.affine and norm.track_running_stats and norm.momentum is not None


class StackedLinear(nn.Module):
    """A linear layer with a bias, whose weights differ from seed to seed."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b over the last axis; with W first, its gradient comes out in the order of its numbers."""
        y = torch.addmm(self.bias[:, None], self.weight, x.flatten(0, -2).t())
        return y.t().view(*x.shape[:-1], -1)


class StackedNorm(nn.Module):
    """Batch normalisation whose weights and running statistics differ from seed to seed, called under `torch.vmap`.

    torch cannot batch its own on a GPU. Here the features of all seeds are the features of one layer.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, layer: Norm) -> None:
        super().__init__()
        for name, parameter in layer.named_parameters():
            self.register_parameter(name, parameter)
        for name, buffer in layer.named_buffers():
            self.register_buffer(name, buffer)
        self.momentum, self.eps, self.training = layer.momentum or 0.0, layer.eps, layer.training

    def forward(self, x: Tensor) -> Tensor:
        """Return x (B, C, ...), normalised over all axes but C; in training, the running statistics move."""
        if self.training:
            self.num_batches_tracked.add_(1)
        y: Tensor = _Stacked.apply(self._compute, x, self.weight, self.bias, self.running_mean, self.running_var)
        return y

    def _compute(self, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        """Return x (S, B, C, ...), normalised, given what each feature of each seed has, (S, C)."""
        S, B, C, *rest = x.shape  # noqa: N806 - the symbols of the module
        y = batch_norm(
            x.transpose(0, 1).reshape(B, S * C, *rest),
            mean.view(-1),  # of the tensors themselves, which move
            variance.view(-1),
            weight.flatten(),
            bias.flatten(),
            self.training,
            self.momentum,
            self.eps,
        )
        return y.view(B, S, C, *rest).transpose(0, 1)


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
