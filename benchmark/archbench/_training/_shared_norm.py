"""Batch normalisation over all ranks: the statistics of a batch are those of one device, however it is divided.

torch's SyncBatchNorm does this on GPUs only. This works with every backend, so what is tested on CPUs is what runs on
GPUs; it takes elementwise operations where SyncBatchNorm has kernels.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


def share_statistics(network: nn.Module) -> None:
    """Let every layer of batch normalisation in a network take its statistics from the batches of all ranks.

    Names and values of its weights and running statistics stay as they are.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.forward = functools.partial(_normalise, module, module.forward)  # type: ignore[method-assign]


def _normalise(module: _BatchNorm, alone: Any, inputs: Tensor) -> Tensor:
    """Return what the layer gives for the share of this rank, (B, C, ...), B of each rank.

    Args:
        module: the layer.
        alone: its own `forward`, for evaluation with running statistics.
        inputs: (B, C, ...).
    """
    evaluates = not module.training and module.running_mean is not None
    if evaluates or not distributed.is_initialized():
        evaluated: Tensor = alone(inputs)
        return evaluated
    module._check_input_dim(inputs)  # type: ignore[no-untyped-call]
    over = [0, *range(2, inputs.dim())]
    shape = (1, -1, *[1] * (inputs.dim() - 2))
    own = inputs.new_full((1,), inputs.numel() / inputs.shape[1])
    total = _SumOverRanks.apply(torch.cat([inputs.sum(over), own]))
    sums, count = total[:-1], total[-1].detach()
    mean = sums / count
    centred = inputs - mean.view(shape)
    variance = _SumOverRanks.apply(centred.square().sum(over)) / count
    if module.training and module.track_running_stats:
        _remember(module, mean.detach(), variance.detach() * count / (count - 1))
    normalised: Tensor = centred * torch.rsqrt(variance + module.eps).view(shape)
    if module.affine:
        normalised = normalised * module.weight.view(shape) + module.bias.view(shape)
    return normalised


def _remember(module: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Add the statistics of a batch to the running ones, as torch's layer does."""
    assert module.running_mean is not None
    assert module.running_var is not None
    assert module.num_batches_tracked is not None
    module.num_batches_tracked.add_(1)
    share = 1 / float(module.num_batches_tracked) if module.momentum is None else module.momentum
    module.running_mean.lerp_(mean, share)
    module.running_var.lerp_(variance, share)


class _SumOverRanks(torch.autograd.Function):
    """The sum of a tensor over all ranks; its gradient is the sum of the gradients of all ranks."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total
