"""The cell of minGRU and the network of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from archbench_plugins.shared.sequences import (
    Affine,
    Front,
    Readout,
    Stack,
    affine_gates,
    gated_average,
    gated_average_gradient,
    is_faster_step_by_step,
    linear_scan,
    project,
    project_gradient,
)

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.min_gru import MinGRUOptions


class MinGRU(nn.Module):
    """One layer: (I, T, B) to (H, T, B).

        z_t = sigmoid(W_z x_t + b_z)     h'_t = W_h x_t + b_h     h_t = (1 - z_t) h_{t-1} + z_t h'_t

    Args:
        features, H: inputs I and units.
        gate_bias: b_z at the start.
    """

    def __init__(self, features: int, H: int, *, gate_bias: float) -> None:
        super().__init__()
        self.affine = affine_gates(features, H, (gate_bias, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        form = StepByStep.apply if is_faster_step_by_step(x) else in_parallel
        h: Tensor = form(x, self.affine.weight, self.affine.bias)
        return h

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return z at all steps, (H, T, B)."""
        z, _ = project(self.affine.weight, self.affine.bias, x).chunk(2)
        return {"z": torch.sigmoid(z)}


def in_parallel(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Return h (H, T, B), all steps computed at once, given x (I, T, B) and W and b of z and h'."""
    z, candidate = Affine.apply(x, W, b).chunk(2)  # twice (H, T, B)
    z = torch.sigmoid(z)
    return linear_scan(1 - z, z * candidate)


class StepByStep(torch.autograd.Function):
    """`in_parallel` as a loop over time, with a gradient written by hand."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        """Return h (H, T, B), given x (I, T, B) and W and b of z and h'."""
        x = x.to(W.dtype)
        z, candidate = project(W, b, x).chunk(2)
        keep = z.neg_().sigmoid_()  # 1 - sigmoid(z)
        h = gated_average(keep, candidate)
        ctx.save_for_backward(x, W, keep, candidate, h)
        return h[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in x, W and b."""
        x, W, keep, candidate, h = ctx.saved_tensors
        H, T, B = grad.shape
        da = grad.new_empty(2 * H, T, B)  # the gradients in W x + b
        dz, d_candidate = da.chunk(2)
        gated_average_gradient(grad, keep, candidate, h, d_update=dz, d_candidate=d_candidate)
        return project_gradient(da, x, W)


def build(task: TaskInfo, options: MinGRUOptions) -> nn.Module:
    """Return the network: a stack of minGRU layers, and a linear layer that reads it."""
    D = options.units(task)
    H = D * options.expansion
    cells: list[nn.Module] = [MinGRU(D, H, gate_bias=options.gate_bias) for _ in range(options.layers)]
    front = Front(task, image=options.image)
    core = Stack(front.features, D, cells, H=H, per_step=task.per_step)
    return Readout(front, core, width=D, task=task, pooled=not task.per_step)
