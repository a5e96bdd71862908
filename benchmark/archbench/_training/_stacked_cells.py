"""Recurrent cells of several seeds at once: loops over time, whose gradients are written by hand.

The seed is the first axis of all weights, and a step of all seeds is one batched product. The batch comes last, so that
each gate's part of a product is one contiguous block. S seeds, T steps, B examples, I features, H units.
"""

# ruff: noqa: N803, N806 - the symbols of recurrent nets are capitals

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Compute = Callable[..., Tensor]
"""From x (S, B, T, I) and the weights W, R, b_W and b_R of all seeds, as torch has them, to states (S, B, T, H)."""


def _project(W: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """Return W x + b for all steps, (S, N, T, B), given x (S, B, T, I), W (S, N, I) and b (S, N)."""
    S, B, T, features = x.shape
    flat = x.permute(0, 3, 2, 1).reshape(S, features, T * B)
    return torch.baddbmm(b[:, :, None], W, flat).view(S, -1, T, B)


def _batch_first(h: Tensor) -> Tensor:
    """Return states (T, S, H, B) as (S, B, T, H)."""
    return h.permute(1, 3, 0, 2)


def _simple(relu: bool) -> Compute:
    def compute(x: Tensor, W: Tensor, R: Tensor, b_W: Tensor, b_R: Tensor) -> Tensor:
        return _batch_first(_Simple.apply(_project(W, b_W + b_R, x), R, relu))

    return compute


def _lstm(x: Tensor, W: Tensor, R: Tensor, b_W: Tensor, b_R: Tensor) -> Tensor:
    return _batch_first(_LSTM.apply(_project(W, b_W + b_R, x), R))


def _gru(x: Tensor, W: Tensor, R: Tensor, b_W: Tensor, b_R: Tensor) -> Tensor:
    gates = 2 * R.shape[2]
    b = torch.cat([b_W[:, :gates] + b_R[:, :gates], b_W[:, gates:]], 1)
    return _batch_first(_GRU.apply(_project(W, b, x), R, b_R[:, gates:]))


CELLS: dict[str, Compute] = {
    "RNN_TANH": _simple(relu=False),
    "RNN_RELU": _simple(relu=True),
    "LSTM": _lstm,
    "GRU": _gru,
}
"""What computes a layer of all seeds, by torch's name of its cell."""


def _by_unit(d: Tensor) -> Tensor:
    """Return gradients of net inputs (T, S, N, B) as (S, N, T, B), contiguous."""
    return d.permute(1, 2, 0, 3).contiguous()


def _weight_gradient(d: Tensor, h: Tensor) -> Tensor:
    """Return the gradient in R, (S, N, H), given that in R h, (S, N, T, B), and the states before, (T, S, H, B)."""
    return d.flatten(2) @ h.permute(1, 0, 3, 2).flatten(1, 2)


class _Simple(torch.autograd.Function):
    """The loop of the simple net: h_t = tanh(a_t + R h_{t-1}), or with ReLU."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, relu: bool) -> Tensor:
        """Return h, (T, S, H, B), given a (S, H, T, B) and R (S, H, H)."""
        S, H, T, B = a.shape
        h = a.new_empty(T + 1, S, H, B)
        h[0] = 0
        states = h.unbind(0)
        for a_t, old, new in zip(a.unbind(2), states[:-1], states[1:], strict=True):
            torch.baddbmm(a_t, R, old, out=new)
            new.relu_() if relu else new.tanh_()
        ctx.save_for_backward(R, h)
        ctx.relu = relu
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients in a and R, given that in h."""
        R, h = ctx.saved_tensors
        grad = grad.contiguous()
        d = (h[1:] > 0).to(h.dtype) if ctx.relu else 1 - h[1:].square()  # the loop multiplies by the gradient in h
        back, dh = R.transpose(1, 2).contiguous(), grad[-1].clone()
        grads, ds = grad.unbind(0), d.unbind(0)
        for t in range(len(ds) - 1, -1, -1):
            ds[t].mul_(dh)
            if t:
                torch.baddbmm(grads[t - 1], back, ds[t], out=dh)
        da = _by_unit(d)
        return da, _weight_gradient(da, h[:-1]), None


class _LSTM(torch.autograd.Function):
    """The loop of the LSTM, gates in torch's order i, f, c', o: c = f c + i c', h = o tanh(c)."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor) -> Tensor:
        """Return h, (T, S, H, B), given a (S, 4H, T, B) and R (S, 4H, H)."""
        S, N, T, B = a.shape
        H = N // 4
        net = a.new_empty(T, S, N, B)
        gate = net.view(T, S, 4, H, B)
        c, h = a.new_empty(T + 1, S, H, B), a.new_empty(T + 1, S, H, B)
        c[0] = h[0] = 0
        squashed = a.new_empty(T, S, H, B)  # tanh(c)
        rows = zip(
            a.unbind(2), net.unbind(0), gate[:, :, :2].unbind(0), *(gate[:, :, k].unbind(0) for k in range(4)),
            c[:-1].unbind(0), c[1:].unbind(0), h[:-1].unbind(0), h[1:].unbind(0), squashed.unbind(0), strict=True,
        )  # fmt: skip
        for a_t, net_t, i_f, i, f, candidate, o, c_old, c_new, h_old, h_new, squashed_t in rows:
            torch.baddbmm(a_t, R, h_old, out=net_t)
            i_f.sigmoid_()
            candidate.tanh_()
            o.sigmoid_()
            torch.mul(f, c_old, out=c_new).addcmul_(i, candidate)
            torch.tanh(c_new, out=squashed_t)
            torch.mul(o, squashed_t, out=h_new)
        ctx.save_for_backward(R, gate, c, h, squashed)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients in a and R, given that in h."""
        R, gate, c, h, squashed = ctx.saved_tensors
        grad = grad.contiguous()
        f, o = gate[:, :, 1], gate[:, :, 3]
        d = _lstm_slopes(gate, c[:-1], squashed)  # the loop multiplies by the gradient in c, or for o in h
        dz = d.flatten(2, 3)  # (T, S, 4H, B)
        to_c = o * (1 - squashed.square())
        back, dh, dc = R.transpose(1, 2).contiguous(), grad[-1].clone(), torch.zeros_like(grad[0])
        steps = (grad, dz, d[:, :, :3], d[:, :, 3], to_c, f)
        grads, dzs, d_memory, d_o, to_cs, fs = (tensor.unbind(0) for tensor in steps)
        for t in range(len(grads) - 1, -1, -1):
            if t < len(grads) - 1:
                torch.baddbmm(grads[t], back, dzs[t + 1], out=dh)
            d_o[t].mul_(dh)
            dc.addcmul_(dh, to_cs[t])
            d_memory[t].mul_(dc[:, None])
            dc.mul_(fs[t])
        da = _by_unit(dz)
        return da, _weight_gradient(da, h[:-1])


def _lstm_slopes(gate: Tensor, old: Tensor, squashed: Tensor) -> Tensor:
    """Return the derivative of c, or for o of h, in each net input, (T, S, 4, H, B)."""
    i, f, candidate, o = gate.unbind(2)
    d = torch.empty_like(gate)
    torch.mul(candidate, i * (1 - i), out=d[:, :, 0])
    torch.mul(old, f * (1 - f), out=d[:, :, 1])
    torch.mul(i, 1 - candidate.square(), out=d[:, :, 2])
    torch.mul(squashed, o * (1 - o), out=d[:, :, 3])
    return d


class _GRU(torch.autograd.Function):
    """The loop of the GRU, gates in torch's order r, z, h': h = z h + (1 - z) h', h' = tanh(a + r (R h + b))."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, b: Tensor) -> Tensor:
        """Return h, (T, S, H, B), given a (S, 3H, T, B), R (S, 3H, H) and b (S, H)."""
        S, N, T, B = a.shape
        H = N // 3
        h = a.new_empty(T + 1, S, H, B)
        h[0] = 0
        gates, u, candidate = (a.new_empty(T, S, k * H, B) for k in (2, 1, 1))  # u: R_h h + b
        R_gates, R_h, b = R[:, : 2 * H].contiguous(), R[:, 2 * H :].contiguous(), b[:, :, None]
        states = h.unbind(0)
        rows = zip(
            a[:, : 2 * H].unbind(2), a[:, 2 * H :].unbind(2), gates.unbind(0), gates[:, :, :H].unbind(0),
            gates[:, :, H:].unbind(0), u.unbind(0), candidate.unbind(0), states[:-1], states[1:], strict=True,
        )  # fmt: skip
        for a_gates, a_h, gates_t, r, z, u_t, candidate_t, old, new in rows:
            torch.baddbmm(a_gates, R_gates, old, out=gates_t).sigmoid_()
            torch.baddbmm(b, R_h, old, out=u_t)
            torch.addcmul(a_h, r, u_t, out=candidate_t).tanh_()
            torch.lerp(candidate_t, old, z, out=new)
        ctx.save_for_backward(R, gates, u, candidate, h)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in a, R and b, given that in h."""
        R, gates, u, candidate, h = ctx.saved_tensors
        grad = grad.contiguous()
        T, H = grad.shape[0], grad.shape[2]
        d = _gru_slopes(gates, u, candidate, h[:-1])  # the loop multiplies by the gradient in h
        rows = d.flatten(2, 3)  # (T, S, 4H, B), by u, r, z and h'
        back = R.roll(H, 1).transpose(1, 2).contiguous()  # u, r, z
        dh = grad[-1].clone()
        grads, zs, ds, ds_u_r_z = (x.unbind(0) for x in (grad, gates[:, :, H:], d, rows[:, :, : 3 * H]))
        for t in range(T - 1, -1, -1):
            ds[t].mul_(dh[:, None])
            if t:
                torch.addcmul(grads[t - 1], dh, zs[t], out=dh).baddbmm_(back, ds_u_r_z[t])
        by_unit = _by_unit(rows)
        dR = _weight_gradient(by_unit[:, : 3 * H], h[:-1]).roll(-H, 1)
        return by_unit[:, H:], dR, by_unit[:, :H].sum((2, 3))


def _gru_slopes(gates: Tensor, u: Tensor, candidate: Tensor, old: Tensor) -> Tensor:
    """Return the derivative of h in u and in the net inputs of r, z and h', (T, S, 4, H, B)."""
    T, S, H, B = u.shape
    r, z = gates.view(T, S, 2, H, B).unbind(2)
    d = u.new_empty(T, S, 4, H, B)
    d_u, d_r, d_z, d_h = d.unbind(2)
    torch.mul(1 - z, 1 - candidate.square(), out=d_h)
    torch.mul(d_h, r, out=d_u)
    torch.mul(d_u, u * (1 - r), out=d_r)
    torch.mul(old - candidate, z * (1 - z), out=d_z)
    return d
