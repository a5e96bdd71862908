"""The recurrence of the sLSTM: exponential gates, a normaliser, and a stabiliser that keeps both in range."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST = 80.0  # e^80 fits float32, and next to it no f counts


class ScalarMemory(torch.autograd.Function):
    """The loop over time and its gradient, written out as in `gated_memory`; heads h do not see each other.

        i~, f~, z~, o~ = a_t + R h_{t-1}              i = exp(i~)      f = sigmoid(f~)
        c_t = f c_{t-1} + i tanh(z~)                  n_t = f n_{t-1} + i
        h_t = sigmoid(o~) c_t / n_t

    Only quotients are kept. With the stabiliser m_t = log n_t, w = exp(i~ - m_{t-1}) and r = f / (f + w),

        e_t = c_t / n_t = r e_{t-1} + (1 - r) tanh(z~)         m_t = m_{t-1} + log(f + w)

    so that in units of n_t the normaliser is 1, the gates are r and 1 - r, and nothing grows. A stabiliser scales c and
    n alike, so h does not depend on it, and the gradient may take it for a number.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor) -> Tensor:
        """a (heads, 4d, T, B), net inputs but for R h; R (heads, 4d, d): to h (T, heads, d, B)."""
        heads, _, T, B = a.shape
        d = R.shape[2]
        z = a.new_empty(T, heads, 4 * d, B)  # net inputs, then activations
        gate = z.view(T, heads, 4, d, B)
        r, e, h = a.new_empty(T, heads, d, B), a.new_zeros(T + 1, heads, d, B), a.new_zeros(T + 1, heads, d, B)
        m, w = a.new_full((heads, d, B), -torch.inf), a.new_empty(heads, d, B)  # n is 0 at the start
        # One head takes the plain product, which starts faster than a batch of one.
        product, net_a, net_R, net_z, net_h = (
            (torch.addmm, a[0], R[0], z[:, 0], h[:-1, 0]) if heads == 1 else (torch.baddbmm, a, R, z, h[:-1])
        )
        steps = (net_z, *gate.unbind(2), r, e[:-1], e[1:], net_h, h[1:])
        rows = zip(net_a.unbind(-2), *(tensor.unbind(0) for tensor in steps), strict=True)
        for a_t, net, i, f, candidate, o, r_t, e_old, e_new, h_old, h_new in rows:
            product(a_t, net_R, h_old, out=net)
            f.sigmoid_()
            candidate.tanh_()
            o.sigmoid_()
            torch.sub(i, m, out=w).clamp_(-LARGEST, LARGEST).exp_().add_(f)  # f + w
            torch.div(f, w, out=r_t)
            torch.maximum(w.log_().add_(m), i, out=m)  # m_t is at least i~, and is i~ where w was clamped
            torch.lerp(candidate, e_old, r_t, out=e_new)
            torch.mul(o, e_new, out=h_new)
        ctx.save_for_backward(R, z, r, e, h)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """(T, heads, d, B), the gradient in h, to those in a and R."""
        R, z, r, e, h = ctx.saved_tensors
        T, heads, d, B = grad.shape
        grad = grad.contiguous()  # it comes batch first, and a step of it would be gathered number by number
        _, f, candidate, o = z.view(T, heads, 4, d, B).unbind(2)
        # First what each net input takes of the gradient in c, or for o in h; the loop multiplies by that gradient.
        dz = torch.empty_like(z)
        by_gate = dz.view(T, heads, 4, d, B)
        from_n = z.new_empty(T, heads, 2, d, B)  # what i~ and f~ take of the gradient in n
        i, slope_f = from_n.unbind(2)
        torch.sub(torch.ones_like(r), r, out=i)
        torch.mul(r, 1 - f, out=slope_f)
        torch.mul(i, candidate, out=by_gate[:, :, 0])
        torch.mul(slope_f, e[:-1], out=by_gate[:, :, 1])
        torch.mul(i, 1 - candidate.square(), out=by_gate[:, :, 2])
        torch.mul(h[1:], 1 - o, out=by_gate[:, :, 3])
        to_memory = torch.stack([o, -h[1:]], 1)  # (T, 2, heads, d, B)

        dm = torch.zeros_like(to_memory[0])  # of c and n
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
        dR = torch.bmm(da.view(heads, 4 * d, T * B), h[:-1].permute(1, 0, 3, 2).reshape(heads, T * B, d))
        return da, dR
