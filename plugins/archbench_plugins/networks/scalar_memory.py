"""The recurrence of the sLSTM: exponential gates, a normaliser, and a stabiliser that keeps both in range."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class ScalarMemory(torch.autograd.Function):
    """The loop over time and its gradient, written out as in `gated_memory`; heads h do not see each other.

        i~, f~, z~, o~ = a_t + R h_{t-1}              m_t = max(log sigmoid(f~) + m_{t-1}, i~)
        i = exp(i~ - m_t)                             f = exp(log sigmoid(f~) + m_{t-1} - m_t)
        c_t = f c_{t-1} + i tanh(z~)                  n_t = f n_{t-1} + i
        h_t = sigmoid(o~) c_t / n_t

    m scales c and n alike, so h does not depend on it, and the gradient may take it for a number.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor) -> Tensor:
        """a (heads, 4d, T, B), net inputs but for R h; R (heads, 4d, d): to h (T, heads, d, B)."""
        heads, _, T, B = a.shape
        d = R.shape[2]
        z = a.new_empty(T, heads, 4 * d, B)  # net inputs, then activations
        gate = z.view(T, heads, 4, d, B)
        memory = a.new_zeros(T + 1, 2, heads, d, B)  # c and n, 0 at the start
        m = a.new_full((heads, d, B), -torch.inf)  # so the first f is 0 and the first i is 1
        h, log_f, new_m = a.new_zeros(T + 1, heads, d, B), a.new_empty(T, heads, d, B), torch.empty_like(m)
        # One head takes the plain product, which starts faster than a batch of one.
        product, net_a, net_R, net_z, net_h = (
            (torch.addmm, a[0], R[0], z[:, 0], h[:-1, 0]) if heads == 1 else (torch.baddbmm, a, R, z, h[:-1])
        )
        memories = memory.unbind(0)
        rows = zip(
            *(
                net_a.unbind(-2),
                net_z.unbind(0),
                gate[:, :, :2].unbind(0),
                gate[:, :, 1::2].unbind(0),
                *(gate[:, :, k].unbind(0) for k in range(4)),
            ),
            *(memories[:-1], memories[1:], memory[1:, 0].unbind(0), memory[1:, 1].unbind(0)),
            *(net_h.unbind(0), h[1:].unbind(0), log_f.unbind(0)),
            strict=True,
        )
        for a_t, net, exponents, squashed, i, f, candidate, o, old, new, c, n, h_old, h_new, log_f_t in rows:
            product(a_t, net_R, h_old, out=net)
            squashed.sigmoid_()  # f and o
            torch.log(f, out=log_f_t)  # with the sigmoid a tenth of the time of logsigmoid; below e^-100, f is 0
            f.copy_(log_f_t).add_(m)  # not out=f, which torch.compile wants to be contiguous
            torch.maximum(f, i, out=new_m)
            exponents.sub_(new_m[:, None]).exp_()
            m, new_m = new_m, m
            candidate.tanh_()
            torch.mul(old, f, out=new)
            c.addcmul_(i, candidate)
            n.add_(i)
            torch.div(c, n, out=h_new).mul_(o)
        ctx.save_for_backward(R, z, memory, h, log_f)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """(T, heads, d, B), the gradient in h, to those in a and R."""
        R, z, memory, h, log_f = ctx.saved_tensors
        T, heads, d, B = grad.shape
        i, f, candidate, o = z.view(T, heads, 4, d, B).unbind(2)
        # First what each net input takes of the gradient in c, or for o in h; the loop multiplies by that gradient.
        dz = torch.empty_like(z)
        by_gate = dz.view(T, heads, 4, d, B)
        slope_f = f * (1 - log_f.exp())  # f (1 - sigmoid(f~))
        torch.mul(i, candidate, out=by_gate[:, :, 0])
        torch.mul(memory[:-1, 0], slope_f, out=by_gate[:, :, 1])
        torch.mul(i, 1 - candidate.square(), out=by_gate[:, :, 2])
        torch.mul(h[1:], 1 - o, out=by_gate[:, :, 3])
        from_n = torch.stack([i, memory[:-1, 1] * slope_f], 2)  # what i~ and f~ take of the gradient in n
        to_c = o / memory[1:, 1]
        to_memory = torch.stack([to_c, -h[1:] / memory[1:, 1]], 1)  # (T, 2, heads, d, B)

        dm = torch.zeros_like(memory[0])  # of c and n
        d_c, d_n = dm[0][:, None], dm[1][:, None]  # twice (heads, 1, d, B)
        dh, back = grad[-1].clone(), R.transpose(1, 2).contiguous()
        product, back, net_dh, net_grad, net_dz = (
            (torch.addmm, back[0], dh[0], grad[:, 0], dz[:, 0]) if heads == 1 else (torch.baddbmm, back, dh, grad, dz)
        )
        steps = (net_grad, net_dz, by_gate[:, :, :3], by_gate[:, :, :2], by_gate[:, :, 3], from_n, to_memory, f)
        grads, dzs, d_by_c, d_by_n, d_o, from_ns, to_memories, fs = (tensor.unbind(0) for tensor in steps)
        for t in range(T - 1, -1, -1):
            if t < T - 1:
                product(grads[t], back, dzs[t + 1], out=net_dh)
            d_o[t].mul_(dh)
            dm.addcmul_(to_memories[t], dh)
            d_by_c[t].mul_(d_c)
            d_by_n[t].addcmul_(from_ns[t], d_n)
            dm.mul_(fs[t])
        da = dz.permute(1, 2, 0, 3).contiguous()  # (heads, 4d, T, B)
        dR = torch.bmm(da.view(heads, 4 * d, T * B), h[:-1].permute(1, 0, 3, 2).reshape(heads, T * B, d))
        return da, dR
