"""Affine layers and LayerNorms of CPUs, on features first: matrices (D, N) of N steps.

A CPU multiplies matrices faster if the result has many columns than if it has many rows, and what a layer does to each
feature is then done to one contiguous row. Gradients are written by hand, in fewer passes over memory than torch's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

# A product by oneDNN, with which torch's compiler replaces linear layers; None where torch comes without it.
ONE_DNN: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


def product(A: Tensor, X: Tensor) -> Tensor:
    """Return A X for matrices on a CPU, in single precision by oneDNN.

    `torch.mm` is MKL's, which on AMD's processors leaves AVX-512 unused and takes 1.6 to 2 times as long. What watches
    operations, such as torch's counter of FLOPs, knows `torch.mm` alone.
    """
    if ONE_DNN is None or A.dtype != torch.float32 or is_in_torch_dispatch_mode():
        return A @ X
    result: Tensor = ONE_DNN(A, X.t(), None, "none", [], "")
    return result


def standardise(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return (x - mean) / deviation over the features, and 1 / deviation: (D, N) to (D, N) and (1, N)."""
    y = x - x.mean(0, keepdim=True)
    scale = y.square().mean(0, keepdim=True).add_(eps).rsqrt_()
    return y.mul_(scale), scale


def standardise_gradient(grad: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """Return the gradient in x, given the one in y, which it overwrites."""
    along = (grad * y).mean(0, keepdim=True)
    grad.sub_(grad.mean(0, keepdim=True))
    return grad.addcmul_(y, along, value=-1).mul_(scale)


class Affine(torch.autograd.Function):
    """W x + b."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        """Return (M, N), given x (D, N), W (M, D) and b (M,)."""
        ctx.save_for_backward(x, W)
        return product(W, x).add_(b[:, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in x, W and b."""
        x, W = ctx.saved_tensors
        grad = grad.contiguous()
        return product(W.t(), grad), product(grad, x.t()), grad.sum(1)


class NormedAffine(torch.autograd.Function):
    """W (g y + s) + b, y the standardised x: a LayerNorm and the affine layer after it, as one product.

    The norm's g and s go into the weights, (W g) y + (W s + b).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, g: Tensor, s: Tensor, W: Tensor, b: Tensor, eps: float) -> Tensor:
        """Return (M, N), given x (D, N), g and s (D,), W (M, D) and b (M,)."""
        y, scale = standardise(x, eps)
        ctx.save_for_backward(y, scale, g, s, W)
        return product(W * g, y).add_((b + W @ s)[:, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in x, g, s, W and b."""
        y, scale, g, s, W = ctx.saved_tensors
        grad = grad.contiguous()
        db, dWg = grad.sum(1), product(grad, y.t())
        dx = standardise_gradient(product((W * g).t(), grad), y, scale)
        return dx, (dWg * W).sum(0), db @ W, torch.addr(dWg * g, db, s), db, None


class Norm(torch.autograd.Function):
    """g y + s, y the standardised x: a LayerNorm."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, g: Tensor, s: Tensor, eps: float) -> Tensor:
        """Return (D, N), given x (D, N), and g and s (D,)."""
        y, scale = standardise(x, eps)
        ctx.save_for_backward(y, scale, g)
        return torch.addcmul(s[:, None], y, g[:, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in x, g and s."""
        y, scale, g = ctx.saved_tensors
        grad = grad.contiguous()
        return standardise_gradient(grad * g[:, None], y, scale), (grad * y).sum(1), grad.sum(1), None
