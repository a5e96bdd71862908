"""Linear recurrences by elements, without a loop over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def linear_scan(f: Tensor, u: Tensor) -> Tensor:
    """h_t = f_t h_{t-1} + u_t with h_0 = 0, over axis 1: (N, T, M) and (N, T, M) to (N, T, M).

    Two steps in a row are one step of the same form, h_t = (f_t f_{t-1}) h_{t-2} + (f_t u_{t-1} + u_t). So pairs are
    joined, the sequence of half the length is solved in the same way, and the steps between follow from it: some
    5 log2 T kernels that work on 2T steps in all (Blelloch, "Prefix sums and their applications", 1990). Nothing is
    divided or taken the logarithm of, so gates of exactly 0 and values of either sign are fine.
    """
    h: Tensor = LinearScan.apply(f, u)
    return h


class LinearScan(torch.autograd.Function):
    """`linear_scan`; its gradient is the same recurrence, backwards in time."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, u: Tensor) -> Tensor:
        """h, (N, T, M)."""
        h = _solve(f, u)
        ctx.save_for_backward(f, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """dL/du_t = dL/dh_t + f_{t+1} dL/du_{t+1}, and dL/df_t = h_{t-1} dL/du_t."""
        f, h = ctx.saved_tensors
        back = torch.cat([torch.zeros_like(f[:, :1]), f[:, 1:].flip(1)], 1)  # f_{t+1} for t = T, ..., 1
        du = _solve(back, grad.flip(1)).flip(1)
        df = torch.cat([torch.zeros_like(f[:, :1]), du[:, 1:] * h[:, :-1]], 1)
        return df, du


def _solve(f: Tensor, u: Tensor) -> Tensor:
    T = u.shape[1]
    if T == 1:
        return u
    even = T - T % 2
    second = f[:, 1::2]
    joined = _solve(second * f[:, :even:2], torch.addcmul(u[:, 1::2], second, u[:, :even:2]))  # (N, T // 2, M)
    h = torch.empty_like(u)
    h[:, 0] = u[:, 0]
    h[:, 1::2] = joined
    if T > 2:
        rest = f[:, 2::2]
        h[:, 2::2] = torch.addcmul(u[:, 2::2], rest, joined[:, : rest.shape[1]])
    return h
