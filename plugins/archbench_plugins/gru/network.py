"""The gated recurrent unit: torch's kernel on a GPU, and a faster loop over time of its own on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, pad

from archbench_plugins.shared.sequences import Front, Readout, project, start_gates

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.gru import GRUOptions


def build(task: TaskInfo, options: GRUOptions) -> nn.Module:
    """Return the network: h_t = z_t * h_{t-1} + (1 - z_t) * h'_t, and a linear layer that reads h."""
    front, H = Front(task, image=options.image), options.units(task)
    core = GRU(front.features, H, options.layers, batch_first=True)
    start_gates(core)
    return Readout(front, core, width=H, task=task)


class GRU(nn.GRU):
    """torch's layers, which a CPU computes with a loop of our own: (B, T, I) to (B, T, H).

        r = sigmoid(W_r x + R_r h + b_r)                  z = sigmoid(W_z x + R_z h + b_z)
        h' = tanh(W_h x + b_h + r * (R_h h + b_R))        h = z * h + (1 - z) * h'

    torch has a fused kernel of this cell for GPUs only. On a CPU it takes some fifteen operations for each step, and
    more for their gradients. The loop is for tensors without a first state; the rest of what nn.GRU can do is torch's.
    """

    def forward(self, x: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Return the states of the last layer, (B, T, H), and the last state of each layer, (layers, B, H)."""
        if not isinstance(x, Tensor) or x.device.type != "cpu" or hx is not None:
            states, last = super().forward(x, hx)
            return states, last
        x = x.permute(2, 1, 0)  # (I, T, B)
        gates = 2 * self.hidden_size
        ends = []
        for layer in range(self.num_layers):
            W, R, b_W, b_R = (getattr(self, f"{n}_l{layer}") for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            b = torch.cat([b_W[:gates] + b_R[:gates], b_W[gates:]])
            h = ThroughTime.apply(project(W, b, x), R, b_R[gates:])  # (T, H, B)
            ends.append(h[-1].t())
            x = h.transpose(0, 1)  # (H, T, B)
        return x.permute(2, 1, 0), torch.stack(ends)

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return r and z at all steps, (B, T, H) each; of several layers as r1, z1, r2 and so on."""
        gates: dict[str, Tensor] = {}
        H = self.hidden_size
        for layer in range(self.num_layers):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            W, R, b_W, b_R = weights = [getattr(self, f"{name}_l{layer}") for name in names]
            h = torch.gru(x, x.new_zeros(1, len(x), H), weights, True, 1, 0.0, False, False, True)[0]
            before = pad(h, (0, 0, 1, -1))  # h_0 = 0
            net = linear(x, W[: 2 * H], b_W[: 2 * H]) + linear(before, R[: 2 * H], b_R[: 2 * H])
            r, z = torch.sigmoid(net).chunk(2, 2)
            number = layer + 1 if self.num_layers > 1 else ""
            gates |= {f"r{number}": r, f"z{number}": z}
            x = h
        return gates


class ThroughTime(torch.autograd.Function):
    """The loop over time and its gradient, written by hand.

    The factors by which each step multiplies the gradient do not depend on the gradient. So `backward` first computes
    the factors of all steps at once; its loop has only a product with R and two products by element left.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, b: Tensor) -> Tensor:
        """Return h, (T, H, B).

        Args:
            ctx: keeps what `backward` needs.
            a: net inputs of r, z and h' without R h, (3H, T, B).
            R: of r, z and h', (3H, H).
            b: b_R, (H,).
        """
        N, T, B = a.shape
        H = N // 3
        h = a.new_empty(T + 1, H, B)
        h[0] = 0
        gates, u, candidate = a.new_empty(T, 2 * H, B), a.new_empty(T, H, B), a.new_empty(T, H, B)  # u: R_h h + b_R
        R_gates, R_h, b = R[: 2 * H], R[2 * H :], b[:, None]
        states = h.unbind(0)
        rows = zip(
            a[: 2 * H].unbind(1), a[2 * H :].unbind(1), gates.unbind(0), gates[:, :H].unbind(0),
            gates[:, H:].unbind(0), u.unbind(0), candidate.unbind(0), states[:-1], states[1:], strict=True,
        )  # fmt: skip
        for a_gates, a_h, gates_t, r_t, z_t, u_t, candidate_t, old, new in rows:
            torch.addmm(a_gates, R_gates, old, out=gates_t).sigmoid_()
            torch.addmm(b, R_h, old, out=u_t)
            torch.addcmul(a_h, r_t, u_t, out=candidate_t).tanh_()
            torch.lerp(candidate_t, old, z_t, out=new)
        ctx.save_for_backward(R, gates, u, candidate, h)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in a, R and b, given the gradient in h, (T, H, B)."""
        R, gates, u, candidate, h = ctx.saved_tensors
        T, H, B = grad.shape
        grad = grad.contiguous()  # it comes with the batch first: each step would be gathered number by number
        d = _slopes(gates, u, candidate, h[:-1])  # the loop multiplies by the gradient in h
        rows = d.view(T, 4 * H, B)
        back = R.roll(H, 0).t().contiguous()  # u, r, z as in d
        dh = grad[-1].clone()
        grads, zs, ds, ds_u_r_z = (x.unbind(0) for x in (grad, gates[:, H:], d, rows[:, : 3 * H]))
        for t in range(T - 1, -1, -1):
            ds[t].mul_(dh)
            if t:
                torch.addcmul(grads[t - 1], dh, zs[t], out=dh).addmm_(back, ds_u_r_z[t])

        by_unit = rows.transpose(0, 1).contiguous().view(4 * H, T * B)
        dR = (by_unit[: 3 * H] @ h[:-1].permute(0, 2, 1).reshape(T * B, H)).roll(-H, 0)
        return by_unit[H:].view(3 * H, T, B), dR, by_unit[:H].sum(1)


def _slopes(gates: Tensor, u: Tensor, candidate: Tensor, old: Tensor) -> Tensor:
    """Return the derivative of h in u = R_h h + b_R and in the net inputs of r, z and h', (T, 4, H, B)."""
    T, H, B = u.shape
    r, z = gates.view(T, 2, H, B).unbind(1)
    d = u.new_empty(T, 4, H, B)
    d_u, d_r, d_z, d_h = d.unbind(1)
    torch.mul(1 - z, 1 - candidate.square(), out=d_h)
    torch.mul(d_h, r, out=d_u)
    torch.mul(d_u, u * (1 - r), out=d_r)
    torch.mul(old - candidate, z * (1 - z), out=d_z)
    return d
