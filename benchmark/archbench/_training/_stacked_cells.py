"""Recurrent cells of several seeds at once, with gradients written by hand.

All that a step reads lies side by side, x_t, h_{t-1} and a 1, and so do the weights, V = [W R b]. A step of all seeds
is then one batched product, and so is its part of the gradient in V. On a CPU what a step needs is used at once, while
it is in the cache: arrays of all seeds and steps are larger than that. For a GPU fewer kernels count for more, so there
the gradients in V and x are one product over all steps. S seeds, B examples, T steps, I features, H units.
"""

# ruff: noqa: N803, N806 - the symbols of recurrent nets are capitals

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Compute = Callable[..., Tensor]
"""From x (S, B, T, I) and the weights W, R, b_W and b_R of all seeds, as torch has them, to states (S, B, T, H)."""

_tanh_gradient = torch.ops.aten.tanh_backward.grad_input  # of the gradient and of tanh itself
_sigmoid_gradient = torch.ops.aten.sigmoid_backward.grad_input
_fused_lstm = torch.ops.aten._thnn_fused_lstm_cell
_fused_lstm_gradient = torch.ops.aten._thnn_fused_lstm_cell_backward_impl
ALL_STEPS_AT_ONCE = ("cuda",)
"""Devices on which the gradients in x and V are one product over all steps."""


class Cell(Protocol):
    """The part of a step after the product with V; it keeps what its gradient needs."""

    def forward(self, t: int, z: Tensor, old: Tensor, new: Tensor) -> None:
        """Compute the state `new` (S, B, H) from the net inputs z (S, B, N) and the state before."""

    def backward(self, t: int, z: Tensor, old: Tensor, new: Tensor, dh: Tensor, dz: Tensor) -> Tensor | None:
        """Compute the gradient in the net inputs of step t into `dz`, given that in the state.

        Returns:
            The part of the gradient in the state before that does not come through V; None for none.
        """


def _simple(x: Tensor, W: Tensor, R: Tensor, b_W: Tensor, b_R: Tensor) -> Tensor:
    return _through_time(x, torch.cat([W, R, (b_W + b_R)[:, :, None]], 2), Tanh())


def _rectified(x: Tensor, W: Tensor, R: Tensor, b_W: Tensor, b_R: Tensor) -> Tensor:
    return _through_time(x, torch.cat([W, R, (b_W + b_R)[:, :, None]], 2), Rectified())


def _lstm(x: Tensor, W: Tensor, R: Tensor, b_W: Tensor, b_R: Tensor) -> Tensor:
    V = torch.cat([W, R, (b_W + b_R)[:, :, None]], 2)
    return _through_time(x, V, LSTMS.get(x.device.type, LSTM)(x, R.shape[2]))


def _gru(x: Tensor, W: Tensor, R: Tensor, b_W: Tensor, b_R: Tensor) -> Tensor:
    """Compute h_t = z h_{t-1} + (1 - z) tanh(W_h x_t + b_W + r (R_h h_{t-1} + b_R)): V has four parts, u among them."""
    S, B, T, _ = x.shape
    H = R.shape[2]
    gates = torch.cat([W[:, : 2 * H], R[:, : 2 * H], (b_W + b_R)[:, : 2 * H, None]], 2)
    u = torch.cat([torch.zeros_like(W[:, :H]), R[:, 2 * H :], b_R[:, 2 * H :, None]], 2)
    candidate = torch.cat([W[:, 2 * H :], torch.zeros_like(R[:, :H]), b_W[:, 2 * H :, None]], 2)
    return _through_time(x, torch.cat([gates, u, candidate], 1), GRU(x.new_empty(T, S, B, H)))


CELLS: dict[str, Compute] = {"RNN_TANH": _simple, "RNN_RELU": _rectified, "LSTM": _lstm, "GRU": _gru}
"""What computes a layer of all seeds, by torch's name of its cell."""


class Tanh:
    """h_t = tanh(z_t)."""

    def forward(self, t: int, z: Tensor, old: Tensor, new: Tensor) -> None:
        """Compute a state."""
        torch.tanh(z, out=new)

    def backward(self, t: int, z: Tensor, old: Tensor, new: Tensor, dh: Tensor, dz: Tensor) -> None:
        """Compute a gradient."""
        _tanh_gradient(dh, new, grad_input=dz)


class Rectified:
    """h_t = max(z_t, 0)."""

    def forward(self, t: int, z: Tensor, old: Tensor, new: Tensor) -> None:
        """Compute a state."""
        torch.clamp(z, min=0, out=new)

    def backward(self, t: int, z: Tensor, old: Tensor, new: Tensor, dh: Tensor, dz: Tensor) -> None:
        """Compute a gradient."""
        torch.mul(dh, new > 0, out=dz)


class LSTM:
    """c_t = f c_{t-1} + i c'_t, h_t = o tanh(c_t), with net inputs in torch's order i, f, c', o.

    Args:
        x: (S, B, T, I).
        H: units.
    """

    def __init__(self, x: Tensor, H: int) -> None:
        S, B, T, _ = x.shape
        self.c, self.squashed = x.new_empty(T + 1, S, B, H).unbind(0), x.new_empty(T, S, B, H).unbind(0)
        self.c[0].zero_()
        self.dc = torch.zeros_like(self.c[0])

    def forward(self, t: int, z: Tensor, old: Tensor, new: Tensor) -> None:
        """Compute a state; z becomes the activations."""
        H = new.shape[2]
        z[..., : 2 * H].sigmoid_()
        i, f, candidate, o = torch.split(z, H, 2)
        candidate.tanh_()
        o.sigmoid_()
        torch.mul(f, self.c[t], out=self.c[t + 1]).addcmul_(i, candidate)
        torch.tanh(self.c[t + 1], out=self.squashed[t])
        torch.mul(o, self.squashed[t], out=new)

    def backward(self, t: int, z: Tensor, old: Tensor, new: Tensor, dh: Tensor, dz: Tensor) -> None:
        """Compute a gradient; that in the memory goes from step to step."""
        (i, f, candidate, o), (d_i, d_f, d_candidate, d_o) = (torch.split(part, new.shape[2], 2) for part in (z, dz))
        squashed, dc = self.squashed[t], self.dc
        _sigmoid_gradient(dh * squashed, o, grad_input=d_o)
        dc += _tanh_gradient(dh * o, squashed, grad_input=torch.empty_like(dc))
        _sigmoid_gradient(dc * candidate, i, grad_input=d_i)
        _sigmoid_gradient(dc * self.c[t], f, grad_input=d_f)
        _tanh_gradient(dc * i, candidate, grad_input=d_candidate)
        dc.mul_(f)


class FusedLSTM:
    """An `LSTM` whose steps are one kernel of a GPU each, that of `nn.LSTMCell`.

    Args:
        x: (S, B, T, I).
        H: units.
    """

    def __init__(self, x: Tensor, H: int) -> None:
        S, B, _, _ = x.shape
        self.c = [x.new_zeros(S * B, H)]
        self.activations: list[Tensor] = []
        self.none = x.new_zeros(S * B, 4 * H)  # the kernel adds two net inputs
        self.dc = self.c[0]

    def forward(self, t: int, z: Tensor, old: Tensor, new: Tensor) -> None:
        """Compute a state."""
        h, c, activations = _fused_lstm(z.flatten(0, 1), self.none, self.c[t])
        new.copy_(h.view_as(new))
        self.c.append(c)
        self.activations.append(activations)

    def backward(self, t: int, z: Tensor, old: Tensor, new: Tensor, dh: Tensor, dz: Tensor) -> None:
        """Compute a gradient; that in the memory goes from step to step."""
        before, after = self.c[t], self.c[t + 1]
        found, self.dc, _ = _fused_lstm_gradient(
            dh.flatten(0, 1).contiguous(), self.dc, before, after, self.activations[t], False
        )
        dz.copy_(found.view_as(dz))


LSTMS: dict[str, Callable[[Tensor, int], LSTM | FusedLSTM]] = {"cuda": FusedLSTM}
"""The LSTM of a kind of device, where it has one of its own."""


class GRU:
    """h_t = z h_{t-1} + (1 - z) tanh(n + r u), with net inputs r, z, u and n.

    Args:
        candidate: room for the tanh, (T, S, B, H).
    """

    def __init__(self, candidate: Tensor) -> None:
        self.candidate = candidate.unbind(0)

    def forward(self, t: int, z: Tensor, old: Tensor, new: Tensor) -> None:
        """Compute a state; the net inputs of r and z become the gates."""
        H = new.shape[2]
        z[..., : 2 * H].sigmoid_()
        r, keep, u, n = torch.split(z, H, 2)
        torch.addcmul(n, r, u, out=self.candidate[t]).tanh_()
        torch.lerp(self.candidate[t], old, keep, out=new)

    def backward(self, t: int, z: Tensor, old: Tensor, new: Tensor, dh: Tensor, dz: Tensor) -> Tensor:
        """Compute a gradient."""
        (r, keep, u, _), (d_r, d_keep, d_u, d_n) = (torch.split(part, new.shape[2], 2) for part in (z, dz))
        candidate = self.candidate[t]
        direct: Tensor = dh * keep
        _tanh_gradient(dh - direct, candidate, grad_input=d_n)
        torch.mul(d_n, r, out=d_u)
        _sigmoid_gradient(d_n * u, r, grad_input=d_r)
        _sigmoid_gradient(dh * (old - candidate), keep, grad_input=d_keep)
        return direct


def _through_time(x: Tensor, V: Tensor, cell: Cell) -> Tensor:
    h: Tensor = _ThroughTime.apply(x, V, cell)
    return h


class _ThroughTime(torch.autograd.Function):
    """The loop over time of a cell, and its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, V: Tensor, cell: Cell) -> Tensor:
        """Return h (S, B, T, H), given x (S, B, T, I) and V (S, N, I + H + 1)."""
        S, B, T, features = x.shape
        read = x.new_empty(T + 1, S, B, V.shape[2])  # x_t, h_{t-1} and 1; nothing reads x_T
        read[:T, ..., :features] = x.permute(2, 0, 1, 3)
        read[..., -1] = 1
        states = read[..., features:-1]
        states[0] = 0
        z = x.new_empty(T, S, B, V.shape[1])
        each, back = states.unbind(0), V.transpose(1, 2)
        for t, (read_t, z_t) in enumerate(zip(read.unbind(0), z.unbind(0), strict=False)):
            torch.bmm(read_t, back, out=z_t)
            cell.forward(t, z_t, each[t], each[t + 1])
        ctx.save_for_backward(V)
        ctx.kept = read, z, cell
        return states[1:].permute(1, 2, 0, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None]:
        """Return the gradients in x and V, given that in h."""
        (V,), (read, z, cell) = ctx.saved_tensors, ctx.kept
        T, features = len(z), V.shape[2] - grad.shape[3] - 1
        W, R = V[:, :, :features], V[:, :, features:-1].contiguous()
        each, grads = read[..., features:-1].unbind(0), grad.unbind(2)
        dx = read.new_empty(T, *grad.shape[:2], features) if ctx.needs_input_grad[0] else None
        at_once = z.device.type in ALL_STEPS_AT_ONCE
        dz = torch.empty_like(z if at_once else z[:1])
        dV, dh = torch.zeros_like(V), grads[-1].contiguous()
        for t in range(T - 1, -1, -1):
            dz_t = dz[t if at_once else 0]
            direct = cell.backward(t, z[t], each[t], each[t + 1], dh, dz_t)
            if not at_once:
                dV.baddbmm_(dz_t.transpose(1, 2), read[t])
                if dx is not None:
                    torch.bmm(dz_t, W, out=dx[t])
            if t:
                dh = torch.baddbmm(grads[t - 1], dz_t, R)
                if direct is not None:
                    dh += direct
        if at_once:
            rows = dz.transpose(0, 1).flatten(1, 2)  # (S, T B, N)
            dV = torch.bmm(rows.transpose(1, 2), read[:T].transpose(0, 1).flatten(1, 2))
            dx = None if dx is None else torch.bmm(rows, W).view(len(V), T, -1, features).transpose(0, 1)
        return None if dx is None else dx.permute(1, 2, 0, 3), dV, None
