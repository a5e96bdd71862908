"""The LSTM: torch's kernel for the plain form, and a cell of its own for the forms that torch has no kernel for.

Those forms have peepholes, coupled gates or no forget gate.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, pad

from archbench_plugins.shared.sequences import FeatureMajor, Front, Readout, project, start_gates

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.lstm import LSTMOptions


def build(task: TaskInfo, options: LSTMOptions) -> nn.Module:
    """Return the network: c_t = f_t * c_{t-1} + i_t * c'_t, h_t = o_t * tanh(c_t), and a linear layer that reads h."""
    front, H = Front(task, image=options.image), options.units(task)
    if options.peepholes or options.forget_gate != "learned":
        form: dict[str, Any] = {
            "forget_gate": options.forget_gate,
            "peepholes": options.peepholes,
            "bias": options.forget_bias,
        }
        widths = [front.features, *[H] * options.layers]
        core: nn.Module = FeatureMajor([GatedMemory(*sizes, **form) for sizes in pairwise(widths)])
    else:
        core = LSTM(front.features, H, options.layers, batch_first=True)
        start_gates(core)
        set_forget_bias(core, options.forget_bias)
    return Readout(front, core, width=H, task=task)


class LSTM(nn.LSTM):
    """torch's layers, with a way to look at their gates."""

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return i, f and o at all steps, (B, T, H) each; of several layers as i1, f1, o1, i2 and so on.

        All states are computed first; they and the inputs give the net inputs of the gates at all steps at once.
        """
        gates: dict[str, Tensor] = {}
        for layer in range(self.num_layers):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            W, R, b_W, b_R = weights = [getattr(self, f"{name}_l{layer}") for name in names]
            start = x.new_zeros(1, len(x), self.hidden_size)
            h = torch.lstm(x, (start, start), weights, True, 1, 0.0, False, False, True)[0]
            before = pad(h, (0, 0, 1, -1))  # h_0 = 0
            i, f, _, o = torch.sigmoid(linear(x, W, b_W) + linear(before, R, b_R)).chunk(4, 2)
            number = layer + 1 if self.num_layers > 1 else ""
            gates |= {f"i{number}": i, f"f{number}": f, f"o{number}": o}
            x = h
        return gates


@torch.no_grad()
def set_forget_bias(core: nn.LSTM, value: float) -> None:
    """Let b_f start at `value` in every layer: torch adds two bias vectors, so one takes it and the other 0."""
    H = core.hidden_size
    for layer in range(core.num_layers):
        for name, start in ((f"bias_ih_l{layer}", value), (f"bias_hh_l{layer}", 0.0)):
            getattr(core, name)[H : 2 * H] = start  # torch's order is i, f, c', o


class GatedMemory(nn.Module):
    """One layer of memory cells with or without peepholes and forget gate: (I, T, B) to (H, T, B).

        i = sigmoid(W_i x + R_i h + p_i c + b_i)      f = sigmoid(W_f x + R_f h + p_f c + b_f)
        c' = tanh(W_c x + R_c h + b_c)                c = f c + i c'
        o = sigmoid(W_o x + R_o h + p_o c + b_o)      h = o tanh(c)

    Gates i and f see the memory before the step, o the memory after it. The p are vectors.

    Args:
        features, H: I inputs and H cells.
        forget_gate: `learned`; `coupled`, i = 1 - f and there is no i; or `none`, f = 1 and there is no f.
        peepholes: without them p = 0.
        bias: b_f at the start.
    """

    def __init__(self, features: int, H: int, *, forget_gate: str, peepholes: bool, bias: float) -> None:
        super().__init__()
        self.forget_gate = forget_gate
        gates = 4 if forget_gate == "learned" else 3  # in torch's order (i, f, c', o), without the missing gate
        self.W = nn.Parameter(torch.cat([nn.init.xavier_uniform_(torch.empty(H, features)) for _ in range(gates)]))
        self.R = nn.Parameter(torch.cat([nn.init.orthogonal_(torch.empty(H, H)) for _ in range(gates)]))
        self.b = nn.Parameter(torch.zeros(gates * H))
        self.p = nn.Parameter(torch.zeros(gates - 1, H)) if peepholes else None
        if forget_gate != "none":
            with torch.no_grad():
                self.b.view(gates, H)[gates - 3] = bias

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = ThroughTime.apply(project(self.W, self.b, x), self.R, self.p, self.forget_gate)  # (T, H, B)
        return h.transpose(0, 1)  # (H, T, B)

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return the gates at all steps, (T, H, B) each: i, f and o, or those that there are."""
        H = self.R.shape[1]
        p_in, p_o = (0.0, 0.0) if self.p is None else (self.p[:-1, :, None], self.p[-1, :, None])
        c = h = x.new_zeros(H, x.shape[2])
        opened = []
        for a in project(self.W, self.b, x).unbind(1):
            *before, candidate, o = (a + self.R @ h).view(-1, H, x.shape[2])
            before = list(torch.sigmoid(torch.stack(before) + p_in * c))
            f = torch.ones_like(c) if self.forget_gate == "none" else before[-1]
            i = 1 - f if self.forget_gate == "coupled" else before[0]
            c = f * c + i * torch.tanh(candidate)
            o = torch.sigmoid(o + p_o * c)
            h = o * torch.tanh(c)
            opened.append(torch.stack([i, f, o]))
        gates = dict(zip("ifo", torch.stack(opened, 1), strict=True))
        return {name: gate for name, gate in gates.items() if name != "f" or self.forget_gate != "none"}


class ThroughTime(torch.autograd.Function):
    """The loop over time and its gradient, written by hand: torch's graph of this loop is some five times slower.

    The factors by which each step multiplies the gradient do not depend on the gradient. So `backward` first computes
    the factors of all steps at once; its loop has only a product with R and a few products by element left.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, p: Tensor | None, forget_gate: str) -> Tensor:
        """Return h, (T, H, B).

        Args:
            ctx: keeps what `backward` needs.
            a: net inputs without R h, (n*H, T, B) for n gates, the candidate included.
            R: (n*H, H).
            p: (n-1, H), or None for no peepholes.
            forget_gate: as in `GatedMemory`.
        """
        N, T, B = a.shape
        H = R.shape[1]
        n = N // H
        z = a.new_empty(T, N, B)  # net inputs, then activations
        c, h = a.new_zeros(T + 1, H, B), a.new_zeros(T + 1, H, B)  # c[0] = h[0] = 0
        squashed = a.new_empty(T, H, B)  # tanh(c)
        gate = z.view(T, n, H, B)
        before, candidate, o = gate[:, :-2], gate[:, -2], gate[:, -1]  # before: the gates that see the old memory
        p_before, p_o = (None, None) if p is None else (p[:-1, :, None], p[-1, :, None])
        rows = zip(
            a.unbind(1), z.unbind(0), before.unbind(0), before[:, 0].unbind(0), before[:, -1].unbind(0),
            candidate.unbind(0), o.unbind(0), c[:-1].unbind(0), c[1:].unbind(0), h[:-1].unbind(0), h[1:].unbind(0),
            squashed.unbind(0), strict=True,
        )  # fmt: skip
        for a_t, z_t, before_t, i_t, f_t, candidate_t, o_t, c_old, c_new, h_old, h_new, squashed_t in rows:
            torch.addmm(a_t, R, h_old, out=z_t)
            if p_before is not None:
                before_t.addcmul_(c_old, p_before)
            before_t.sigmoid_()
            candidate_t.tanh_()
            if forget_gate == "coupled":
                torch.lerp(candidate_t, c_old, f_t, out=c_new)
            elif forget_gate == "none":
                torch.addcmul(c_old, i_t, candidate_t, out=c_new)
            else:
                torch.mul(f_t, c_old, out=c_new)
                c_new.addcmul_(i_t, candidate_t)
            if p_o is not None:
                o_t.addcmul_(c_new, p_o)
            o_t.sigmoid_()
            torch.tanh(c_new, out=squashed_t)
            torch.mul(o_t, squashed_t, out=h_new)
        ctx.save_for_backward(R, p, z, c, h, squashed)
        ctx.forget_gate = forget_gate
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        """Return the gradients in a, R and p, given the gradient in h, (T, H, B)."""
        R, p, z, c, h, squashed = ctx.saved_tensors
        T, H, B = grad.shape
        grad = grad.contiguous()  # it comes with the batch first: each step would be gathered number by number
        n = z.shape[1] // H
        gate, old = z.view(T, n, H, B), c[:-1]
        d = _slopes(gate, old, squashed, ctx.forget_gate)  # the loop multiplies by the gradient in c, or for o in h
        dz = d.view(T, n * H, B)
        to_c = gate[:, -1] * (1 - squashed.square())

        dc, dh, back = torch.zeros_like(grad[0]), grad[-1].clone(), R.t().contiguous()
        p_before, p_o = ([], None) if p is None else (p[:-1, :, None].unbind(0), p[-1, :, None])
        steps = (grad, dz, d[:, :-1], d[:, -1], to_c, gate[:, -3])
        grads, dzs, d_memory, d_o, to_cs, f_s = (tensor.unbind(0) for tensor in steps)
        d_before = [d[:, k].unbind(0) for k in range(len(p_before))]
        for t in range(T - 1, -1, -1):
            if t < T - 1:
                torch.addmm(grads[t], back, dzs[t + 1], out=dh)
            d_o[t].mul_(dh)
            dc.addcmul_(dh, to_cs[t])
            if p_o is not None:
                dc.addcmul_(d_o[t], p_o)
            d_memory[t].mul_(dc)
            if ctx.forget_gate != "none":
                dc.mul_(f_s[t])
            for d_gate, p_gate in zip(d_before, p_before, strict=True):
                dc.addcmul_(d_gate[t], p_gate)

        da = dz.transpose(0, 1).contiguous()  # (n*H, T, B)
        dR = da.view(n * H, T * B) @ h[:-1].permute(0, 2, 1).reshape(T * B, H)
        dp = None
        if p is not None:
            dp = torch.cat([(d[:, :-2] * old[:, None]).sum((0, 3)), (d[:, -1] * c[1:]).sum((0, 2))[None]])
        return da, dR, dp, None


def _slopes(gate: Tensor, old: Tensor, squashed: Tensor, forget_gate: str) -> Tensor:
    """Return the derivative of c, or for o of h, in each net input: (T, n, H, B), for all steps at once."""
    candidate, o = gate[:, -2], gate[:, -1]
    d = torch.empty_like(gate)
    if forget_gate == "coupled":
        f = gate[:, 0]
        torch.mul(old - candidate, f * (1 - f), out=d[:, 0])
        torch.mul(1 - f, 1 - candidate.square(), out=d[:, 1])
    else:
        i = gate[:, 0]
        torch.mul(candidate, i * (1 - i), out=d[:, 0])
        torch.mul(i, 1 - candidate.square(), out=d[:, -2])
        if forget_gate == "learned":
            torch.mul(old, gate[:, 1] * (1 - gate[:, 1]), out=d[:, 1])
    torch.mul(squashed, o * (1 - o), out=d[:, -1])
    return d
