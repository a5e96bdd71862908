"""The xLSTM for CPUs in single precision: what `network.py` computes, with features first and gradients by hand.

A CPU multiplies matrices faster if the result has many columns than if it has many rows, and what a layer does to each
feature is then done to one contiguous row. Loops over time and the convolutions are compiled; the loops of this file
call none of another, for the reason that `loops.py` gives. Written by hand, a gradient takes fewer passes over memory
than torch's graph. `network.py` is the form to read; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import logsigmoid, silu

from archbench_plugins.shared.features_first import Norm
from archbench_plugins.shared.loops import (
    ONE,
    ZERO,
    add_product,
    arrays,
    compiled,
    scalar_memory_gradient,
    scalar_memory_steps,
    swish_conv,
    swish_conv_gradient,
)
from archbench_plugins.shared.loops import takes_loops as takes_loops

if TYPE_CHECKING:
    from archbench_plugins.xlstm.network import MLSTMBlock, SLSTMBlock

silu_gradient = torch.ops.aten.silu_backward
IN_CACHE = 2**16  # numbers of C; heads side by side make longer, faster loops as long as it stays in cache


def mlstm_block(block: MLSTMBlock, x: Tensor) -> Tensor:
    """Compute an mLSTM block: (D, T, B) to (D, T, B)."""
    D, T, B = x.shape
    x = x.flatten(1)
    norm, up, conv, gates = block.norm, block.up, block.conv.conv, block.gates
    u, side = NormedProduct.apply(x, norm.weight, norm.bias, up.weight, up.bias, norm.eps, 2)  # twice (E, T*B)
    u = u.view(-1, T, B)
    seen = SwishConv.apply(u, conv.weight, conv.bias)
    qkv, net = MixedInputs.apply(seen, u, block.qkv, gates.weight, gates.bias)
    # A step of the recurrence takes d^2 products in each head, a pair of steps takes d.
    h = MatrixMemory.apply(qkv, net) if qkv.shape[2] <= T else block.over_pairs(qkv, net)  # (heads, d, T, B)
    y = GatedOutput.apply(h.flatten(2), seen.flatten(1), side, block.head_norm.scale, block.skip)
    return (torch.addmm(block.down.bias[:, None], block.down.weight, y) + x).view(D, T, B)


def slstm_inputs(block: SLSTMBlock, x: Tensor) -> Tensor:
    """Return the net inputs of an sLSTM block's gates without R h: (D, T, B) to (heads, 4d, T, B)."""
    D, T, B = x.shape
    u = Norm.apply(x.flatten(1), block.norm.weight, block.norm.bias, block.norm.eps)
    seen = SwishConv.apply(u.view(D, T, B), block.conv.conv.weight, block.conv.conv.bias)
    seen, now = (v.view(block.heads, -1, T * B) for v in (seen, u))
    pairs = zip(block.b.chunk(2, 1), block.W.chunk(2, 1), (seen, now), strict=True)
    a = torch.cat([torch.baddbmm(b, W, x) for b, W, x in pairs], 1)
    return a.view(block.heads, -1, T, B)


def standardise(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return (x - mean) / deviation over axis -2, and 1 / deviation: (..., D, N) to (..., D, N) and (..., 1, N)."""
    y = x - x.mean(-2, keepdim=True)
    scale = y.square().mean(-2, keepdim=True).add_(eps).rsqrt_()
    return y.mul_(scale), scale


def standardise_gradient(grad: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """Return the gradient in x, given the one in y, which it overwrites."""
    along = (grad * y).mean(-2, keepdim=True)
    grad.sub_(grad.mean(-2, keepdim=True))
    return grad.addcmul_(y, along, value=-1).mul_(scale)


class NormedProduct(torch.autograd.Function):
    """W (g y + s) + b, y the standardised x: a LayerNorm and the linear layer after it, as one product.

    The norm's g and s go into the weights, (W g) y + (W s + b).
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, g: Tensor, s: Tensor, W: Tensor, b: Tensor, eps: float, parts: int
    ) -> tuple[Tensor, ...]:
        """Return the result in equal parts, (M / parts, N) each, given x (D, N), g and s (D,), W (M, D) and b (M,)."""
        y, scale = standardise(x, eps)
        ctx.save_for_backward(y, scale, g, s, W)
        pairs = zip((b + W @ s)[:, None].chunk(parts), (W * g).chunk(parts), strict=True)
        return tuple(torch.addmm(b_part, W_part, y) for b_part, W_part in pairs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in x, g, s, W and b."""
        y, scale, g, s, W = ctx.saved_tensors
        db = torch.cat([grad.sum(1) for grad in grads])
        dWg = torch.cat([grad @ y.t() for grad in grads])
        dy = torch.zeros_like(y)
        for grad, W_part in zip(grads, (W * g).chunk(len(grads)), strict=True):
            dy.addmm_(W_part.t(), grad)
        dx = standardise_gradient(dy, y, scale)
        return dx, (dWg * W).sum(0), db @ W, torch.addr(dWg * g, db, s), db, None, None


def row_products(x: Tensor, y: Tensor) -> Tensor:
    """Return the product of each row of x with that of y: twice (D, ...) to (D,)."""
    return (x * y).flatten(1).sum(1)


class SwishConv(torch.autograd.Function):
    """`CausalConv` on features first."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        """Return swish of the convolution, (D, T, B), given x (D, T, B), W (D, 1, 4) and b (D,)."""
        net, y = torch.empty_like(x), torch.empty_like(x)
        swish_conv(x.shape[2], *arrays(*rows(x, W), b, *rows(net, y)))
        ctx.save_for_backward(x, W, net)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients in x, W and b."""
        x, W, net = ctx.saved_tensors
        dx, dW, db = torch.empty_like(x), torch.zeros_like(W), x.new_empty(len(x))
        swish_conv_gradient(x.shape[2], *arrays(*rows(grad.contiguous(), x, W, net, dx, dW), db))
        return dx, dW, db


def rows(*tensors: Tensor) -> Iterator[Tensor]:
    """Yield tensors (D, ., .) as (D, N)."""
    return (tensor.flatten(1) for tensor in tensors)


class MixedInputs(torch.autograd.Function):
    """The q, k and v of an mLSTM block, and the net inputs of its gates."""

    @staticmethod
    def forward(ctx: Any, seen: Tensor, u: Tensor, mix: Tensor, gates: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return q, k and v (3, heads, d, T, B), and i~ and f~ (2, heads, T, B).

        Args:
            ctx: keeps what `backward` needs.
            seen, u: what q and k are made of, and v, (E, T, B).
            mix: for q, k and v, a matrix for each group of features, (3, E / m, m, m).
            gates, b: (2 heads, 3E) and (2 heads,).
        """
        E, T, B = u.shape
        _, G, m, _ = mix.shape
        heads = len(b) // 2
        qkv = u.new_empty(3 * E, T * B)
        for x, M, out in zip((seen, seen, u), mix.transpose(2, 3), qkv.view(3, G, m, -1), strict=True):
            torch.bmm(M, x.view(G, m, -1), out=out)
        net = torch.addmm(b[:, None], gates, qkv)
        ctx.save_for_backward(seen, u, mix, gates, qkv)
        return qkv.view(3, heads, -1, T, B), net.view(2, heads, T, B)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_qkv: Tensor, d_net: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients in seen, u, mix, gates and b."""
        seen, u, mix, gates, qkv = ctx.saved_tensors
        _, G, m, _ = mix.shape
        d_net, d_qkv = d_net.reshape(len(gates), -1), d_qkv.reshape(len(qkv), -1)
        add_product(*arrays(gates.t().contiguous(), d_net, d_qkv))
        d_gates = d_net @ qkv.t()
        dq, dk, dv = d_qkv.view(3, G, m, -1)
        seen_m, u_m = seen.view(G, m, -1), u.view(G, m, -1)
        d_mix = torch.stack([torch.bmm(x, dy.transpose(1, 2)) for x, dy in ((seen_m, dq), (seen_m, dk), (u_m, dv))])
        d_seen = torch.bmm(mix[0], dq).baddbmm_(mix[1], dk)
        return d_seen.view_as(seen), torch.bmm(mix[2], dv).view_as(u), d_mix, d_gates, d_net.sum(1)


@compiled()
def take(x: Any, first: int, t: int, rows: Any) -> None:
    """Copy step t of heads from the first on, of x (heads, M, T, B), to rows (M, L), L the B of one after the other."""
    _, M, _, B = x.shape
    for head in range(rows.shape[1] // B):
        for m in range(M):
            for j in range(B):
                rows[m, head * B + j] = x[first + head, m, t, j]


@compiled()
def put(rows: Any, first: int, t: int, x: Any) -> None:
    """Copy rows back to where `take` has them from."""
    _, M, _, B = x.shape
    for head in range(rows.shape[1] // B):
        for m in range(M):
            for j in range(B):
                x[first + head, m, t, j] = rows[m, head * B + j]


@compiled()
def remember(C: Any, keep: Any, k: Any, v: Any) -> None:
    """Replace C by keep C + k v', given C (M, N, B), keep (B,), k (M, B) and v (N, B)."""
    M, N, B = C.shape
    for m in range(M):
        for n in range(N):
            for j in range(B):
                C[m, n, j] = keep[j] * C[m, n, j] + k[m, j] * v[n, j]


@compiled()
def recall(C: Any, q: Any, y: Any) -> None:
    """Store C' q in y, given C (M, N, B), q (M, B) and y (N, B)."""
    M, N, B = C.shape
    y[:] = 0
    for m in range(M):
        for n in range(N):
            for j in range(B):
                y[n, j] += C[m, n, j] * q[m, j]


@compiled()
def scale(x: Any, by: Any) -> None:
    """Multiply each row of x (M, B) by the row `by` (B,)."""
    for m in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[m, j] *= by[j]


@compiled()
def add_products(x: Any, y: Any, to: Any) -> None:
    """Add the sum over rows of x y, twice (M, B), to a row (B,)."""
    for m in range(x.shape[0]):
        for j in range(x.shape[1]):
            to[j] += x[m, j] * y[m, j]


@compiled(int, 5, 3, 2, 4)
def matrix_memory_steps(group: int, qkv: Any, kept: Any, total: Any, h: Any) -> None:
    """Compute all steps of an mLSTM, with C and n divided by the largest weight so far.

    Args:
        group: heads that are computed side by side; they divide the heads.
        qkv: (3, heads, d, T, B).
        kept: the weights of old and new, and the least divisor of C' q, (3, T, heads * B).
        total: receives n . q, (T, heads * B).
        h: receives h, (heads, d, T, B).
    """
    heads, d, T, B = h.shape
    L = group * B
    C, q, k = np.empty((d, d + 1, L), h.dtype), np.empty((d, L), h.dtype), np.empty((d, L), h.dtype)
    v, y = np.ones((d + 1, L), h.dtype), np.empty((d + 1, L), h.dtype)
    for head in range(0, heads, group):
        at = head * B
        C[:] = ZERO
        for t in range(T):
            keep, weight, least = kept[0, t, at : at + L], kept[1, t, at : at + L], kept[2, t, at : at + L]
            take(qkv[0], head, t, q)
            take(qkv[1], head, t, k)
            take(qkv[2], head, t, v)  # a 1 stays after it, so the last column of C is n
            scale(k, weight)
            remember(C, keep, k, v)
            recall(C, q, y)
            for j in range(L):
                total[t, at + j] = y[d, j]
                y[d, j] = ONE / max(abs(y[d, j]), least[j])
            scale(y[:d], y[d])
            put(y, head, t, h)


@compiled(int, 4, 5, 3, 2, 4, 5, 2, 2)
def matrix_memory_gradient(
    group: int, grad: Any, qkv: Any, kept: Any, total: Any, h: Any, d_qkv: Any, from_least: Any, d_column: Any
) -> None:
    """Compute the gradients of an mLSTM.

    The gradient in q is C times that in y = C' q, so C is computed anew. The gradient in C, from the last step to the
    first, is a memory of the same kind, into which q dy' is written.

    Args:
        group, qkv, kept, total, h: as in `matrix_memory_steps`.
        grad: the gradient in h, (heads, d, T, B).
        d_qkv: receives the gradients in q, k and v, (3, heads, d, T, B).
        from_least: receives the gradient in the logarithm of the divisor where it is the least one, (T, heads * B).
        d_column: receives the gradient in log D_ts of `matrix_memory`, summed over t, (T, heads * B).
    """
    heads, d, T, B = h.shape
    L = group * B
    q, k, v = np.empty((d, L), h.dtype), np.empty((d, L), h.dtype), np.ones((d + 1, L), h.dtype)
    dy, dk, dv = v.copy(), q.copy(), v.copy()
    C, dC, dn = np.empty((d + 1, d, L), h.dtype), np.empty((d, d + 1, L), h.dtype), np.empty((T, L), h.dtype)
    for head in range(0, heads, group):
        at = head * B
        C[:], dC[:] = ZERO, ZERO
        for t in range(T):
            keep, weight, least = kept[0, t, at : at + L], kept[1, t, at : at + L], kept[2, t, at : at + L]
            totals, from_leasts = total[t, at : at + L], from_least[t, at : at + L]
            take(qkv[1], head, t, k)
            take(qkv[2], head, t, v)
            take(grad, head, t, dy)
            take(h, head, t, q)
            scale(k, weight)
            dn[t] = ZERO
            add_products(dy[:d], q, dn[t])
            for j in range(L):
                is_sum, along = abs(totals[j]) > least[j], dn[t, j]
                dy[d, j] = ONE / max(abs(totals[j]), least[j])
                from_leasts[j] = ZERO if is_sum else -along
                dn[t, j] = (-along if totals[j] > ZERO else along) * dy[d, j] if is_sum else ZERO
            scale(dy[:d], dy[d])
            dy[d] = dn[t]
            put(dy, head, t, d_qkv[2])  # until the gradient in v comes there
            remember(C, keep, v, k)
            recall(C, dy, q)
            put(q, head, t, d_qkv[0])
        for t in range(T - 1, -1, -1):
            weight, d_columns = kept[1, t, at : at + L], d_column[t, at : at + L]
            take(qkv[0], head, t, q)
            take(qkv[1], head, t, k)
            take(qkv[2], head, t, v)
            take(d_qkv[2], head, t, dy)
            dy[d] = dn[t]
            scale(k, weight)
            remember(dC, kept[0, min(t + 1, T - 1), at : at + L], q, dy)
            recall(dC, k, dv)
            dk[:], d_columns[:] = ZERO, ZERO
            for m in range(d):
                add_products(dC[m], v, dk[m])
            add_products(dk, k, d_columns)
            scale(dk, weight)
            put(dk, head, t, d_qkv[1])
            put(dv, head, t, d_qkv[2])


class MatrixMemory(torch.autograd.Function):
    """`matrix_memory` as a recurrence over C and n, divided by the largest weight so far, with its gradient."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, net: Tensor) -> Tensor:
        """Return h (heads, d, T, B), given q, k and v (3, heads, d, T, B), and i~ and f~ (2, heads, T, B)."""
        _, heads, d, T, B = qkv.shape
        i, f = net.transpose(1, 2).reshape(2, T, -1)
        log_f = logsigmoid(f).cumsum(0)
        column = i - log_f
        largest = column.cummax(0).values
        kept = torch.stack([largest.roll(1, 0) - largest, column - largest, -log_f - largest]).exp_()  # (3, T, heads*B)
        kept[0, 0] = 0  # nothing is kept of the time before the first step
        kept[1] *= d**-0.5
        h, total = torch.empty_like(qkv[0]), torch.empty_like(f)
        fitting = (size for size in range(heads, 1, -1) if heads % size == 0 and size * d * d * B <= IN_CACHE)
        ctx.group = next(fitting, 1)
        matrix_memory_steps(ctx.group, *arrays(qkv, kept, total, h))
        ctx.save_for_backward(qkv, f, kept, total, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients in q, k and v, and in the net inputs."""
        qkv, f, kept, total, h = ctx.saved_tensors
        _, heads, _, T, B = qkv.shape
        d_qkv, d_column, d_log_f = torch.empty_like(qkv), torch.empty_like(f), torch.empty_like(f)
        inputs = (grad.contiguous(), qkv, kept, total, h, d_qkv, d_log_f, d_column)
        matrix_memory_gradient(ctx.group, *arrays(*inputs))
        d_log_f.add_(d_column).neg_()  # of the sum up to each step
        d_f = d_log_f.flip(0).cumsum(0).flip(0).mul_(torch.sigmoid(-f))
        return d_qkv, torch.stack([d_column, d_f]).view(2, T, heads, B).transpose(1, 2)


class GatedOutput(torch.autograd.Function):
    """The gated output of an mLSTM block before its down-projection: (HeadNorm(h) + skip seen) swish(side)."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, seen: Tensor, side: Tensor, scale: Tensor, skip: Tensor) -> Tensor:
        """Return (E, N), given h (heads, d, N), seen and side (E, N), and scale and skip (E,)."""
        y, deviation = standardise(h, 1e-5)
        mixed = (y.view(seen.shape) * scale[:, None]).addcmul_(seen, skip[:, None])
        gate = silu(side)
        ctx.save_for_backward(y, deviation, seen, side, scale, skip, mixed, gate)
        return mixed * gate

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in h, seen, side, scale and skip."""
        y, deviation, seen, side, scale, skip, mixed, gate = ctx.saved_tensors
        d_mixed = grad * gate
        d_side = silu_gradient(grad * mixed, side)
        d_scale, d_skip = row_products(d_mixed, y.view(seen.shape)), row_products(d_mixed, seen)
        d_seen = d_mixed * skip[:, None]
        dh = standardise_gradient(d_mixed.mul_(scale[:, None]).view(y.shape), y, deviation)
        return dh, d_seen, d_side, d_scale, d_skip


class ScalarMemory(torch.autograd.Function):
    """`ScalarMemory` of `network.py` as two compiled loops."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor) -> Tensor:
        """Return h (T, heads, d, B), given the net inputs without R h, a (heads, 4d, T, B), and R (heads, 4d, d)."""
        heads, _, T, B = a.shape
        gates = torch.empty_like(a)
        e, h = a.new_empty(2, heads, R.shape[2], T, B).unbind(0)
        scalar_memory_steps(*arrays(a, R, gates, e, h))
        ctx.save_for_backward(R, gates, e, h)
        return h.permute(2, 0, 1, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients in a and R, given the gradient in h, (T, heads, d, B)."""
        R, gates, e, h = ctx.saved_tensors
        B, da = grad.shape[3], torch.empty_like(gates)
        grad, back = grad.permute(1, 2, 0, 3).contiguous(), R.transpose(1, 2).contiguous()
        scalar_memory_gradient(*arrays(grad, back, gates, e, da))
        after, before = da.flatten(2)[:, :, B:], h.flatten(2)[:, :, :-B]  # h_0 = 0
        return da, torch.bmm(after, before.transpose(1, 2))
