"""The recurrent highway network: a highway of depth L inside each time step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from archbench_plugins.shared.sequences import FeatureMajor, Front, Readout, project

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.recurrent_highway import RecurrentHighwayOptions


class RecurrentHighway(nn.Module):
    """One recurrent layer with L highway layers in each step: (I, T, B) to (H, T, B).

        h_l = tanh(W_H x [l=1] + R_Hl s_{l-1} + b_Hl)     t_l = sigmoid(W_T x [l=1] + R_Tl s_{l-1} + b_Tl)
        s_l = h_l t_l + s_{l-1} (1 - t_l)                 s_0 of a step is s_L of the step before

    Args:
        features, H, L: inputs I, units, and highway layers in each step.
        gate_bias: b_T at the start.
    """

    def __init__(self, features: int, H: int, L: int, *, gate_bias: float) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.cat([nn.init.xavier_uniform_(torch.empty(H, features)) for _ in "HT"]))
        R = [nn.init.orthogonal_(torch.empty(H, H)) for _ in range(2 * L)]
        self.R = nn.Parameter(torch.stack(R).view(L, 2 * H, H))
        self.b = nn.Parameter(torch.cat([torch.zeros(L, H), torch.full((L, H), gate_bias)], 1))

    def forward(self, x: Tensor) -> Tensor:
        s: Tensor = ThroughDepthAndTime.apply(project(self.W, self.b[0], x), self.R, self.b[1:])  # (T, H, B)
        return s.transpose(0, 1)  # (H, T, B)

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return t at all steps, (T, H, B); of several layers in a step as t1, t2 and so on."""
        s = x.new_zeros(self.R.shape[2], x.shape[2])
        opened = []
        for a in project(self.W, self.b[0], x).unbind(1):
            for layer, (R, b) in enumerate(zip(self.R, self.b, strict=True)):
                h, t = (R @ s + (b[:, None] if layer else a)).chunk(2)
                t = torch.sigmoid(t)
                s = torch.tanh(h) * t + s * (1 - t)
                opened.append(t)
        L = len(self.R)
        return {f"t{layer + 1 if L > 1 else ''}": torch.stack(opened[layer::L]) for layer in range(L)}


class ThroughDepthAndTime(torch.autograd.Function):
    """The loop over all T * L highway layers and its gradient, written by hand to save the overhead of torch's graph.

    The factors by which each layer multiplies the gradient do not depend on the gradient, so `backward` computes the
    factors of all layers at once, before its loop.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, b: Tensor) -> Tensor:
        """Return s_L, (T, H, B).

        Args:
            ctx: keeps what `backward` needs.
            a: net inputs of l = 1 without R s, (2H, T, B).
            R: (L, 2H, H).
            b: biases of the layers after the first, (L-1, 2H).
        """
        _, T, B = a.shape
        L, _, H = R.shape
        z = a.new_empty(T * L, 2 * H, B)  # net inputs, then h and t
        s = a.new_zeros(T * L + 1, H, B)
        first, others, Rs = a.unbind(1), [row[:, None] for row in b.unbind(0)], R.unbind(0)
        steps = zip(z.unbind(0), z[:, :H].unbind(0), z[:, H:].unbind(0), s[:-1].unbind(0), s[1:].unbind(0), strict=True)
        for k, (z_k, h_k, t_k, old, new) in enumerate(steps):
            step, layer = divmod(k, L)
            torch.addmm(first[step] if layer == 0 else others[layer - 1], Rs[layer], old, out=z_k)
            h_k.tanh_()
            t_k.sigmoid_()
            torch.lerp(old, h_k, t_k, out=new)
        ctx.save_for_backward(R, z, s)
        return s[L::L]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in a, R and b, given the gradient in s_L, (T, H, B)."""
        R, z, s = ctx.saved_tensors
        T, H, B = grad.shape
        grad = grad.contiguous()  # it comes with the batch first: each step would be gathered number by number
        L = len(R)
        h, t = z[:, :H], z[:, H:]
        dz = torch.empty_like(z)  # the derivative of s_l in each net input; the loop multiplies by the gradient in s_l
        torch.mul(t, 1 - h.square(), out=dz[:, :H])
        torch.mul(h - s[:-1], t * (1 - t), out=dz[:, H:])
        ds, back = torch.zeros_like(grad[0]), R.transpose(1, 2).contiguous().unbind(0)
        grads, dzs, pairs, carries = grad.unbind(0), dz.unbind(0), dz.view(T * L, 2, H, B).unbind(0), (1 - t).unbind(0)
        for k in range(T * L - 1, -1, -1):
            step, layer = divmod(k, L)
            if layer == L - 1:
                ds.add_(grads[step])
            pairs[k].mul_(ds)
            ds.mul_(carries[k]).addmm_(back[layer], dzs[k])
        by_layer = dz.view(T, L, 2 * H, B).permute(1, 2, 0, 3).reshape(L, 2 * H, T * B)
        seen = s[:-1].view(T, L, H, B).permute(1, 0, 3, 2).reshape(L, T * B, H)
        return by_layer[0].view(2 * H, T, B), torch.bmm(by_layer, seen), by_layer[1:].sum(2)


def build(task: TaskInfo, options: RecurrentHighwayOptions) -> nn.Module:
    """Return the network: a recurrent highway layer, and a linear layer that reads its state."""
    front = Front(task, image=options.image)
    layer = RecurrentHighway(front.features, options.width, options.depth, gate_bias=options.gate_bias)
    return Readout(front, FeatureMajor([layer]), width=options.width, task=task)
