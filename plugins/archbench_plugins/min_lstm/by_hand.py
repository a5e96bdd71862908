"""The minLSTM for CPUs: products by torch, and all steps as one compiled loop."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from archbench_plugins.shared.loops import arrays, min_lstm_gradient, min_lstm_steps
from archbench_plugins.shared.loops import takes_loops as takes_loops
from archbench_plugins.shared.sequences import project, project_gradient


class StepByStep(torch.autograd.Function):
    """`in_parallel` of network.py as a loop over time, and its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        """Return h (H, T, B), given x (I, T, B) and W and b of f, i and h'."""
        x = x.to(W.dtype)
        a = project(W, b, x)
        h = a.new_empty(len(a) // 3, *a.shape[1:])
        min_lstm_steps(*arrays(a, h))
        ctx.save_for_backward(x, W, a, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in x, W and b."""
        x, W, a, h = ctx.saved_tensors
        da = torch.empty_like(a)
        min_lstm_gradient(*arrays(grad.clone(memory_format=torch.contiguous_format), a, h, da))
        return project_gradient(da, x, W)
