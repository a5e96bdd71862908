"""The transformer for CPUs: what `network.py` computes, with features first and gradients written by hand.

With features first, a head is some rows of the product that gives Q, K and V. `network.py` is the form to read; tests
hold the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from archbench_plugins.shared.features_first import Affine, Norm, NormedAffine

if TYPE_CHECKING:
    from archbench_plugins.transformer.network import Layer, Transformer


def transform(core: Transformer, x: Tensor, seen: Tensor | None) -> Tensor:
    """Compute the core of the network up to its last LayerNorm: (B, T, I) to (B, T, D).

    Args:
        core: its weights.
        x: (B, T, I).
        seen: which steps are real and no padding, (B, T); None for all.
    """
    B, T, _ = x.shape
    mask = attention_mask(x, seen, heads=core.heads, causal=core.causal)
    x = torch.addmm(core.enter.bias[:, None], core.enter.weight, x.flatten(0, 1).t()).view(-1, B, T)
    x = x + core.position.t()[:, None]  # (D, B, T)
    for layer in core.layers:
        x = compute_layer(cast("Layer", layer), x, mask)
    y: Tensor = Norm.apply(x.flatten(1), core.leave.weight, core.leave.bias, core.leave.eps)
    return y.view(x.shape).permute(1, 2, 0)


def compute_layer(layer: Layer, x: Tensor, mask: Tensor) -> Tensor:
    """Compute a layer: (D, B, T) to (D, B, T).

    Args:
        layer: its weights.
        x: (D, B, T).
        mask: as for `Attention`.
    """
    D, B, T = x.shape
    branches: Any = (layer.attention, layer.feed_forward)
    (norm, mix, dropout), (feed_norm, up, _, down, feed_dropout) = branches
    x = x.flatten(1)
    QKV = NormedAffine.apply(x, norm.weight, norm.bias, mix.QKV.weight, mix.QKV.bias, norm.eps)
    joined = Attention.apply(QKV.view(3, mix.heads, -1, B, T), mask)
    x = x + dropout(Affine.apply(joined, mix.out.weight, mix.out.bias))
    u = NormedAffine.apply(x, feed_norm.weight, feed_norm.bias, up.weight, up.bias, feed_norm.eps).relu_()
    x = x + feed_dropout(Affine.apply(u, down.weight, down.bias))
    return x.view(D, B, T)


def attention_mask(x: Tensor, seen: Tensor | None, *, heads: int, causal: bool) -> Tensor:
    """Return -inf for pairs of a step and a key that it must not see, and else 0: (B * heads, T, T) or one for all.

    Args:
        x: (B, T, I).
        seen: which keys are real steps and no padding, (B, T); None for all.
        heads: their number.
        causal: a step sees itself and the steps before it.
    """
    B, T, _ = x.shape
    if causal:  # padding comes after the real steps, which do not see it
        return x.new_full((1, T, T), -torch.inf).triu(1)
    if seen is None:
        return x.new_zeros(1, 1, 1)
    return x.new_zeros(B, T).masked_fill(~seen, -torch.inf)[:, None, None].expand(B, heads, T, T).flatten(0, 1)


class Attention(torch.autograd.Function):
    """softmax(Q' K / sqrt(d)) V in each head, with its gradient.

    The features of Q, K and V come before the steps, so that the result of a product has many columns, which a CPU
    computes faster than many rows. The weights P of all pairs are kept for the gradient; torch computes them again.
    """

    @staticmethod
    def forward(ctx: Any, QKV: Tensor, mask: Tensor) -> Tensor:
        """Return the joined outputs of all heads, (D, B*T).

        Args:
            ctx: keeps what `backward` needs.
            QKV: (3, heads, d, B, T).
            mask: what is added before the softmax, (B * heads, T, T), or 1 in place of a size.
        """
        _, heads, d, B, T = QKV.shape
        Q, K, V = QKV.permute(0, 3, 1, 2, 4).reshape(3, B * heads, d, T)
        Q = Q * d**-0.5
        P = torch.baddbmm(mask, Q.transpose(1, 2), K).softmax(2)  # (B*heads, T, T), a row for each query
        y = torch.bmm(V, P.transpose(1, 2))
        ctx.save_for_backward(Q, K, V, P, y)
        return y.view(B, heads * d, T).transpose(0, 1).reshape(-1, B * T)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Return the gradient in Q, K and V, given the one in the joined outputs."""
        Q, K, V, P, y = ctx.saved_tensors
        N, d, T = Q.shape
        D = len(grad)
        heads = D // d
        B = N // heads
        dy = grad.reshape(D, B, T).transpose(0, 1).reshape(Q.shape)
        dP = torch.bmm(dy.transpose(1, 2), V)
        dS = dP.sub_((dy * y).sum(1)[:, :, None]).mul_(P)  # (P * dP).sum(2) is (dy * y).sum(1)
        dQ = torch.bmm(K, dS.transpose(1, 2)) * d**-0.5
        dK, dV = torch.bmm(Q, dS), torch.bmm(dy, P)
        dQKV = torch.stack([part.view(B, D, T).transpose(0, 1) for part in (dQ, dK, dV)])
        return dQKV.view(3, heads, d, B, T), None
