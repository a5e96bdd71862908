"""The xLSTM for CPUs: what `network.py` computes, with features first and gradients written by hand.

A CPU multiplies matrices faster if the result has many columns than if it has many rows, and what a layer does to each
feature is then done to one contiguous row. Written by hand, a gradient takes fewer passes over memory than torch's
graph, and the loop over time fewer operations. `network.py` is the form to read; tests hold the two together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import logsigmoid, silu

if TYPE_CHECKING:
    from archbench_plugins.xlstm.network import MLSTMBlock, SLSTMBlock

silu_gradient = torch.ops.aten.silu_backward
WIDEST = 80.0  # e^80 fits float32
LARGEST = 80.0  # next to e^80 no f counts


def is_plain(x: Tensor) -> bool:
    """Return whether a form that decides by numbers can be taken: on a CPU, if nothing traces the network."""
    is_traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return x.device.type == "cpu" and not torch.compiler.is_compiling() and not is_traced


def mlstm_block(block: MLSTMBlock, x: Tensor) -> Tensor:
    """Compute an mLSTM block: (D, B, T) to (D, B, T)."""
    D, B, T = x.shape
    x = x.flatten(1)
    norm, up, conv, gates = block.norm, block.up, block.conv.conv, block.gates
    u, side = NormedProduct.apply(x, norm.weight, norm.bias, up.weight, up.bias, norm.eps, 2)  # twice (E, B*T)
    seen, qkv, net = MixedInputs.apply(
        u.view(-1, B, T), conv.weight, conv.bias, block.qkv, gates.weight, gates.bias, block.heads
    )
    h = MatrixMemory.apply(qkv, net)  # (B*heads, d, T)
    y = GatedOutput.apply(h, seen.flatten(1), side, block.head_norm.scale, block.skip, block.heads)
    return (torch.addmm(block.down.bias[:, None], block.down.weight, y) + x).view(D, B, T)


def slstm_inputs(block: SLSTMBlock, x: Tensor) -> Tensor:
    """Return the net inputs of an sLSTM block's gates without R h: (D, B, T) to (heads, 4d, T, B)."""
    D, B, T = x.shape
    u = Norm.apply(x.flatten(1), block.norm.weight, block.norm.bias, block.norm.eps)
    u = u.view(D, B, T).transpose(1, 2).contiguous()  # (D, T, B)
    seen = SwishConv.apply(u, block.conv.conv.weight, block.conv.conv.bias, 1)
    seen, now = (v.view(block.heads, -1, T * B) for v in (seen, u))
    W_if, W_zo = block.W.chunk(2, 1)
    a = torch.cat([W_if @ seen, W_zo @ now], 1) + block.b
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


class Norm(torch.autograd.Function):
    """g y + s, y the standardised x: a LayerNorm over the features, (D, N) to (D, N)."""

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
        dg, ds = (grad * y).sum(1), grad.sum(1)
        return standardise_gradient(grad * g[:, None], y, scale), dg, ds, None


def convolve(x: Tensor, W: Tensor, b: Tensor, dim: int) -> Tensor:
    """Return b + sum over j of W_j x_{t-3+j}, a filter for each channel, with time on axis `dim` of x (D, ., .)."""
    T = x.shape[dim]
    W = W.view(-1, 4, 1, 1)
    y = torch.addcmul(b[:, None, None], x, W[:, 3])
    for back in range(1, min(4, T)):
        y.narrow(dim, back, T - back).addcmul_(x.narrow(dim, 0, T - back), W[:, 3 - back])
    return y


def convolve_gradient(grad: Tensor, x: Tensor, W: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of `convolve` in x, W and b."""
    T = x.shape[dim]
    dW, W_j = torch.zeros_like(W), W.view(-1, 4, 1, 1)
    dx = grad * W_j[:, 3]
    dW[:, 0, 3] = row_products(grad, x)
    for back in range(1, min(4, T)):
        later, earlier = grad.narrow(dim, back, T - back), x.narrow(dim, 0, T - back)
        dx.narrow(dim, 0, T - back).addcmul_(later, W_j[:, 3 - back])
        dW[:, 0, 3 - back] = row_products(later, earlier)
    return dx, dW, grad.sum((1, 2))


def row_products(x: Tensor, y: Tensor) -> Tensor:
    """Return the product of each row of x with that of y: twice (D, ...) to (D,)."""
    return (x * y).flatten(1).sum(1)


class SwishConv(torch.autograd.Function):
    """`CausalConv` on features first, with time on axis 1 or 2."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor, dim: int) -> Tensor:
        """Return swish of the convolution, (D, ., .), given x (D, ., .), W (D, 1, 4) and b (D,)."""
        y = convolve(x, W, b, dim)
        ctx.save_for_backward(x, W, y)
        ctx.dim = dim
        return silu(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in x, W and b."""
        x, W, y = ctx.saved_tensors
        return *convolve_gradient(silu_gradient(grad, y), x, W, ctx.dim), None


class MixedInputs(torch.autograd.Function):
    """The convolution of an mLSTM block, its q, k and v, and the net inputs of its gates."""

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, W: Tensor, b: Tensor, mix: Tensor, gates: Tensor, gates_b: Tensor, heads: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the convolution sees (E, B, T), q, k and v (3, B*heads, d, T), and i~ and f~ (2, B*heads, T).

        Args:
            ctx: keeps what `backward` needs.
            u: (E, B, T).
            W, b: of the convolution, (E, 1, 4) and (E,).
            mix: for q, k and v, a matrix for each group of features, (3, E / m, m, m).
            gates, gates_b: (2 heads, 3E) and (2 heads,).
            heads: their number.
        """
        E, B, T = u.shape
        _, G, m, _ = mix.shape
        y = convolve(u, W, b, 2)
        seen = silu(y)
        qkv = u.new_empty(3 * E, B * T)
        for x, M, out in zip((seen, seen, u), mix.transpose(2, 3), qkv.view(3, G, m, -1), strict=True):
            torch.bmm(M, x.view(G, m, -1), out=out)
        net = torch.addmm(gates_b[:, None], gates, qkv)
        ctx.save_for_backward(u, W, y, seen, mix, gates, qkv)
        return (
            seen,
            qkv.view(3, heads, -1, B, T).permute(0, 3, 1, 2, 4).reshape(3, B * heads, -1, T),
            net.view(2, heads, B, T).transpose(1, 2).reshape(2, -1, T),
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, d_qkv: Tensor, d_net: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in u, W, b, mix, gates and gates_b."""
        u, W, y, seen, mix, gates, qkv = ctx.saved_tensors
        E, B, T = u.shape
        _, G, m, _ = mix.shape
        heads = len(gates) // 2
        d_net = d_net.view(2, B, heads, T).transpose(1, 2).reshape(2 * heads, -1)
        d_qkv = d_qkv.view(3, B, heads, -1, T).permute(0, 2, 3, 1, 4).reshape(3 * E, -1)
        d_qkv.addmm_(gates.t(), d_net)
        d_gates = d_net @ qkv.t()
        dq, dk, dv = d_qkv.view(3, G, m, -1)
        seen_m, u_m = seen.view(G, m, -1), u.view(G, m, -1)
        d_mix = torch.stack([torch.bmm(x, dy.transpose(1, 2)) for x, dy in ((seen_m, dq), (seen_m, dk), (u_m, dv))])
        d_seen = torch.baddbmm(grad.view(G, m, -1), mix[0], dq).baddbmm_(mix[1], dk)
        du, dW, db = convolve_gradient(silu_gradient(d_seen.view(E, B, T), y), u, W, 2)
        du.view(G, m, -1).baddbmm_(mix[2], dv)
        return du, dW, db, d_mix, d_gates, d_net.sum(1), None


class MatrixMemory(torch.autograd.Function):
    """`matrix_memory` with its gradient.

    Where the terms of log D in s lie within 80, D_ts is a product of a factor in t and one in s. These multiply q_t and
    k_s before the product of all pairs, and no exponential of a pair is needed.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, net: Tensor) -> Tensor:
        """Return h (N, d, T), given q, k and v (3, N, d, T), and the net inputs of i and f (2, N, T)."""
        q, k, v = qkv
        i, f = net
        T, scale = q.shape[2], q.shape[1] ** -0.5
        log_f = logsigmoid(f).cumsum(1)
        column = i - log_f  # log D_ts = log_f_t + column_s
        largest = column.cummax(1).values
        low, high = column.aminmax()
        D: Tensor | None = None
        if bool(high - low <= WIDEST):
            middle = (low + high) / 2
            by_s, by_t = torch.exp(column - middle)[:, None], torch.exp(middle - largest).mul_(scale)[:, None]
            q, k = q * by_t, k * by_s
            P = torch.bmm(q.transpose(1, 2), k).tril_()  # (N, T, T), t by s
        else:
            by_s = by_t = torch.ones_like(column)[:, None]
            future = q.new_full((T, T), -torch.inf).triu(1)
            D = torch.exp(column[:, None] - (largest[:, :, None] - future)).mul_(scale)
            P = torch.bmm(q.transpose(1, 2), k).mul_(D)
        total, least = P.sum(2), torch.exp(-log_f - largest)
        n = torch.maximum(total.abs(), least)
        h = torch.bmm(v, P.transpose(1, 2)).div_(n[:, None])
        is_sum = total.sign() * (total.abs() > least)  # the derivative of n in the total
        ctx.save_for_backward(q, k, v, by_s, by_t, D, P, is_sum, n, h, f)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients in q, k and v, and in the net inputs."""
        q, k, v, by_s, by_t, D, P, is_sum, n, h, f = ctx.saved_tensors
        dy = grad / n[:, None]
        dn = (dy * h).sum(1).neg_()  # (N, T)
        dP = torch.baddbmm((dn * is_sum)[:, :, None], dy.transpose(1, 2), v)
        dP = dP.tril_() if D is None else dP.mul_(D)
        d_qkv = q.new_empty(3, *q.shape)
        dq, dk, dv = d_qkv
        torch.bmm(k, dP.transpose(1, 2), out=dq)
        torch.bmm(q, dP, out=dk)
        torch.bmm(dy, P, out=dv)
        d_column = (dk * k).sum(1)
        dq *= by_t
        dk *= by_s
        from_least = torch.where(is_sum == 0, dn * n, 0.0)
        d_log_f = from_least.add_(d_column).neg_()  # of the sum up to each step
        d_f = d_log_f.flip(1).cumsum(1).flip(1).mul_(torch.sigmoid(-f))
        return d_qkv, torch.stack([d_column, d_f])


class GatedOutput(torch.autograd.Function):
    """The gated output of an mLSTM block before its down-projection: (HeadNorm(h) + skip seen) swish(side)."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, seen: Tensor, side: Tensor, scale: Tensor, skip: Tensor, heads: int) -> Tensor:
        """Return (E, B*T), given h (B*heads, d, T), seen and side (E, B*T), and scale and skip (E,)."""
        _, d, T = h.shape
        h = h.view(-1, heads, d, T).permute(1, 2, 0, 3).reshape(heads, d, -1)
        y, deviation = standardise(h, 1e-5)
        mixed = (y.view(seen.shape) * scale[:, None]).addcmul_(seen, skip[:, None])
        gate = silu(side)
        ctx.save_for_backward(y, deviation, seen, side, scale, skip, mixed, gate)
        ctx.T = T
        return mixed * gate

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in h, seen, side, scale and skip."""
        y, deviation, seen, side, scale, skip, mixed, gate = ctx.saved_tensors
        heads, d, _ = y.shape
        d_mixed = grad * gate
        d_side = silu_gradient(grad * mixed, side)
        d_scale, d_skip = row_products(d_mixed, y.view(seen.shape)), row_products(d_mixed, seen)
        d_seen = d_mixed * skip[:, None]
        dh = standardise_gradient(d_mixed.mul_(scale[:, None]).view(y.shape), y, deviation)
        dh = dh.view(heads, d, -1, ctx.T).permute(2, 0, 1, 3).reshape(-1, d, ctx.T)
        return dh, d_seen, d_side, d_scale, d_skip, None


class ScalarMemory(torch.autograd.Function):
    """The loop of the sLSTM over time and its gradient.

    Heads do not see each other. In each,

        i~, f~, z~, o~ = a_t + R h_{t-1}              i = exp(i~)      f = sigmoid(f~)
        c_t = f c_{t-1} + i tanh(z~)                  n_t = f n_{t-1} + i
        h_t = sigmoid(o~) c_t / n_t

    Only quotients are kept: e_t = c_t / n_t is an average of the candidates so far, and p = i / n_t is the weight of
    the newest, e_t = e_{t-1} + p (tanh(z~) - e_{t-1}). An average of sigmoid(2 z~) in place of tanh(z~), which is twice
    that less 1, lets one operation squash f, z and o; so h_t = o (2 e_t - 1).

    On a CPU the loop runs without a stabiliser, which takes half the operations. Where i or n then leave their range,
    and on other devices, it runs with m_t = log n_t, w = exp(i~ - m_{t-1}), p = w / (f + w) and
    m_t = m_{t-1} + log(f + w). A stabiliser scales c and n alike, so h does not depend on it, and the gradient may
    treat it as a constant.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor) -> Tensor:
        """Return h (T, heads, d, B), given the net inputs without R h, a (heads, 4d, T, B), and R (heads, 4d, d)."""
        heads, _, T, B = a.shape
        d = R.shape[2]
        twice = R.new_ones(4 * d, 1)
        twice[2 * d : 3 * d] = 2.0  # from no list: a GPU would wait for its numbers
        start, back = a.new_empty(T, heads, 4 * d, B), R * -twice  # the loop keeps -h
        torch.mul(a.permute(2, 0, 1, 3), twice, out=start)
        p, e = a.new_empty(T, heads, d, B), a.new_zeros(T + 1, heads, d, B)
        minus_h = torch.zeros_like(e)
        z = start.clone()
        if is_plain(a):
            _run(z, back, p, e, minus_h)
        if not is_plain(a) or not _is_in_range(z[:, :, :d]):
            z = start
            _run_stabilised(z, back, p, e, minus_h)
        ctx.save_for_backward(R, z, p, e, minus_h)
        return minus_h[1:].neg()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients in a and R, given the gradient in h, (T, heads, d, B)."""
        R, z, p, e, minus_h = ctx.saved_tensors
        T, heads, d, B = grad.shape
        grad = grad.contiguous()  # it comes with the batch first: each step would be gathered number by number
        gate = z.view(T, heads, 4, d, B)
        r = 1 - p
        by_gate, from_n = _slopes(gate, p, r, e, minus_h)  # the loop multiplies them by the gradients in c, n and h
        dz = by_gate.view(T, heads, 4 * d, B)
        to_memory = torch.stack([2 * gate[:, :, 3], -2 * gate[:, :, 3] * e[1:]], 1)  # (T, 2, heads, d, B)
        dm = torch.zeros_like(to_memory[0])  # the gradients in c and n
        d_c, d_n = dm[0][:, None], dm[1][:, None]  # twice (heads, 1, d, B)
        dh, back = grad[-1].clone(), R.transpose(1, 2).contiguous()
        product, back, net_dh, net_grad, net_dz = (
            (torch.addmm, back[0], dh[0], grad[:, 0], dz[:, 0]) if heads == 1 else (torch.baddbmm, back, dh, grad, dz)
        )
        steps = (net_grad, net_dz, by_gate[:, :, :3], by_gate[:, :, :2], by_gate[:, :, 3], from_n, to_memory, r)
        grads, dzs, d_by_c, d_by_n, d_o, from_ns, to_memories, rs = (tensor.unbind(0) for tensor in steps)
        for t in range(T - 1, -1, -1):
            if t < T - 1:
                product(grads[t], back, dzs[t + 1], out=net_dh)
            d_o[t].mul_(dh)
            dm.addcmul_(to_memories[t], dh)
            d_by_c[t].mul_(d_c)
            d_by_n[t].addcmul_(from_ns[t], d_n)
            dm.mul_(rs[t])
        da = dz.permute(1, 2, 0, 3).contiguous()  # (heads, 4d, T, B)
        before = minus_h[:-1].permute(1, 0, 3, 2).reshape(heads, T * B, d)
        dR = torch.bmm(da.view(heads, 4 * d, T * B), before).neg_()
        return da, dR


def _run(z: Tensor, back: Tensor, p: Tensor, e: Tensor, minus_h: Tensor) -> None:
    """Compute all steps of the sLSTM without a stabiliser.

    Args:
        z: net inputs without R h, z~ doubled; becomes i and, squashed, f, z and o, (T, heads, 4d, B).
        back: -R, its rows of z doubled, (heads, 4d, d).
        p: receives i / n, (T, heads, d, B).
        e, minus_h: receive e and -h after their first step, which is the start, (T + 1, heads, d, B).
    """
    T, heads, _, B = z.shape
    gate = z.view(T, heads, 4, -1, B)
    n = torch.zeros_like(e[0])
    # A single head takes the plain product, which starts faster than a batched product with a batch of 1.
    is_one = heads == 1
    nets, back, olds = (z[:, 0], back[0], minus_h[:-1, 0]) if is_one else (z, back, minus_h[:-1])
    product: Any = torch.Tensor.addmm_ if is_one else torch.Tensor.baddbmm_
    steps = (nets, gate[:, :, 1:], *gate.unbind(2), p, e[:-1], e[1:], olds, minus_h[1:])
    rows = zip(*(tensor.unbind(0) for tensor in steps), strict=True)
    for net, squashed, i, f, candidate, o, p_t, e_old, e_new, h_old, h_new in rows:
        product(net, back, h_old)
        squashed.sigmoid_()
        i.exp_()
        torch.addcmul(i, f, n, out=n)
        torch.div(i, n, out=p_t)
        torch.lerp(e_old, candidate, p_t, out=e_new)
        torch.addcmul(o, o, e_new, value=-2, out=h_new)


def _is_in_range(i: Tensor) -> bool:
    """Return whether sums of the gates i, and quotients by them, keep their precision."""
    low, high = i.aminmax()
    return bool(low >= math.exp(-WIDEST / 2)) and bool(high <= math.exp(WIDEST / 2))


def _run_stabilised(z: Tensor, back: Tensor, p: Tensor, e: Tensor, minus_h: Tensor) -> None:
    """Compute all steps of the sLSTM with a stabiliser; arguments as in `_run`, but i~ stays."""
    T, heads, _, B = z.shape
    d = p.shape[2]
    m, w = torch.full_like(e[0], -torch.inf), torch.empty_like(e[0])  # n is 0 at the start
    for t in range(T):
        i, f, candidate, o = z[t].baddbmm_(back, minus_h[t]).view(heads, 4, d, B).unbind(1)
        z[t, :, d:].sigmoid_()
        torch.sub(i, m, out=w).clamp_(-LARGEST, LARGEST).exp_()
        n = w + f
        torch.div(w, n, out=p[t])
        torch.maximum(n.log_().add_(m), i, out=m)  # m_t is at least i~, and is i~ where w was clamped
        torch.lerp(e[t], candidate, p[t], out=e[t + 1])
        torch.addcmul(o, o, e[t + 1], value=-2, out=minus_h[t + 1])


def _slopes(gate: Tensor, p: Tensor, r: Tensor, e: Tensor, minus_h: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives of the sLSTM's memory in its net inputs, in units of n_t, for all steps at once.

    Returns:
        The derivative of c, or for o~ of h, in i~, f~, z~ and o~: (T, heads, 4, d, B).
        The derivative of n in i~ and f~: (T, heads, 2, d, B).
    """
    T, heads, _, d, B = gate.shape
    _, f, candidate, o = gate.unbind(2)
    by_gate = torch.empty_like(gate)
    from_n = gate.new_empty(T, heads, 2, d, B)
    i, slope_f = from_n.unbind(2)
    i.copy_(p)
    torch.addcmul(r, r, f, value=-1, out=slope_f)
    torch.mul(p, candidate, out=by_gate[:, :, 0])
    torch.mul(slope_f, e[:-1], out=by_gate[:, :, 1])
    torch.addcmul(candidate, candidate, candidate, value=-1, out=by_gate[:, :, 2]).mul_(p).mul_(2)
    torch.addcmul(minus_h[1:], minus_h[1:], o, value=-1, out=by_gate[:, :, 3]).neg_()
    return by_gate, from_n
