"""The GRU for CPUs: products by torch, and the rest of each step as one compiled loop."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from archbench_plugins.shared.loops import arrays, gru_gradient_step, gru_step
from archbench_plugins.shared.loops import takes_loops as takes_loops


class ThroughTime(torch.autograd.Function):
    """The loop over time and its gradient."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, b: Tensor) -> Tensor:
        """Return h, (T, H, B).

        Args:
            ctx: keeps what `backward` needs.
            a: net inputs of r, z and h' without R h, (3H, T, B).
            R: of r, z and h', (3H, H).
            b: b_R, (H,).
        """
        N, T, B = a.shape
        H = N // 3
        h = a.new_empty(T + 1, H, B)
        h[0] = 0
        kept = a.new_empty(4, T, H, B).unbind(0)  # r, z, u and h'
        start, net = torch.cat([b.new_zeros(2 * H), b])[:, None], a.new_empty(N, B)
        memory = arrays(a, net, *kept, h)
        for t, old in enumerate(h[:-1].unbind(0)):
            torch.addmm(start, R, old, out=net)
            gru_step(t, *memory)
        ctx.save_for_backward(R, *kept, h)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in a, R and b, given the gradient in h, (T, H, B)."""
        R, *kept, h = ctx.saved_tensors
        T, H, B = grad.shape
        grad = grad.contiguous()  # it comes with the batch first: each step would be gathered number by number
        dh, d, to_old = grad[-1].clone(), grad.new_empty(4 * H, T, B), grad.new_empty(3 * H, B)
        back = R.t().contiguous()
        memory = arrays(grad, dh, *kept, h, d, to_old)
        for t in range(T - 1, -1, -1):
            gru_gradient_step(t, *memory)
            if t:
                dh.addmm_(back, to_old)
        dR = d[: 3 * H].view(3 * H, -1) @ h[:-1].permute(0, 2, 1).reshape(T * B, H)
        return torch.cat([d[: 2 * H], d[3 * H :]]), dR, d[2 * H : 3 * H].sum((1, 2))
