"""The LSTM of Greff et al. and its eight forms, as one layer with a gradient written by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from archbench_plugins.shared.sequences import FeatureMajor, Front, Readout, project

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.lstm_greff import LSTMGreffOptions


@dataclass(frozen=True)
class Form:
    """The parts that a cell has.

    Args:
        gates: names of its gates in the order of their rows; those that see the old memory come before o.
        coupled: f = 1 - i, and f has no rows.
        squash_input, squash_output: g and h are tanh, else the identity.
    """

    gates: str
    coupled: bool
    squash_input: bool
    squash_output: bool

    @classmethod
    def of(cls, options: LSTMGreffOptions) -> Form:
        """Return the form that the options name."""
        missing = {"input-gate": "i", "forget-gate": "f", "output-gate": "o"}.get(options.without, "")
        return cls(
            gates="".join(gate for gate in "ifo" if gate != missing and not (options.coupled and gate == "f")),
            coupled=options.coupled,
            squash_input=options.without != "input-activation",
            squash_output=options.without != "output-activation",
        )


class Memory(nn.Module):
    """One layer of memory cells: (I, T, B) to (H, T, B).

        z = g(W_z x + R_z y + b_z)                    c = z i + c f
        i = sigmoid(W_i x + R_i y + p_i c + b_i)      o = sigmoid(W_o x + R_o y + p_o c + b_o)
        f = sigmoid(W_f x + R_f y + p_f c + b_f)      y = h(c) o

    Gates i and f see the memory before the step, o the memory after it. W, R and b have the rows of the gates in the
    order of `form.gates`, then those of z.

    Args:
        features, H: I inputs and H cells.
        form: the parts that there are.
        peepholes: without them p = 0.
        gate_recurrence: the gates also see G times the gates of the step before, G of 3H rows and columns.
        longest: T of the chrono start, or 0 for b_f = 1.
    """

    def __init__(
        self, features: int, H: int, form: Form, *, peepholes: bool, gate_recurrence: bool, longest: int
    ) -> None:
        super().__init__()
        self.form, n = form, len(form.gates)
        self.W = nn.Parameter(torch.cat([nn.init.xavier_uniform_(torch.empty(H, features)) for _ in range(n + 1)]))
        self.R = nn.Parameter(torch.cat([nn.init.orthogonal_(torch.empty(H, H)) for _ in range(n + 1)]))
        self.b = nn.Parameter(torch.zeros((n + 1) * H))
        self.p = nn.Parameter(torch.zeros(n, H)) if peepholes else None
        self.G = nn.Parameter(_orthogonal_blocks(n, H)) if gate_recurrence else None
        with torch.no_grad():
            self._start_gates(H, longest)

    def _start_gates(self, H: int, longest: int) -> None:
        log_u = torch.log(torch.empty(H).uniform_(1, max(longest - 1, 1))) if longest else torch.ones(H)
        for gate, bias in zip(self.form.gates, self.b.view(-1, H), strict=False):
            if gate == "f":
                bias.copy_(log_u)
            elif gate == "i" and (longest or self.form.coupled):
                bias.copy_(-log_u)  # with coupled gates f = sigmoid(-net input of i)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = ThroughTime.apply(project(self.W, self.b, x), self.R, self.p, self.G, self.form)  # (T, H, B)
        return y.transpose(0, 1)  # (H, T, B)

    @torch.no_grad()
    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return how far the gates that there are open at all steps: i, f and o, (T, H, B) each."""
        act = _remember(project(self.W, self.b, x), self.R, self.p, self.G, self.form)[0]
        names = self.form.gates + "f" * self.form.coupled
        return {name: gate for name, gate in _by_name(act, self.form).items() if name in names}


def _orthogonal_blocks(n: int, H: int) -> Tensor:
    rows = [torch.cat([nn.init.orthogonal_(torch.empty(H, H)) for _ in range(n)], 1) for _ in range(n)]
    return torch.cat(rows)  # (n*H, n*H)


class ThroughTime(torch.autograd.Function):
    """The loop over time and its gradient, written by hand to save the overhead of torch's graph."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, p: Tensor | None, G: Tensor | None, form: Form) -> Tensor:
        """Return y, (T, H, B).

        Args:
            ctx: keeps what `backward` needs.
            a: net inputs without the recurrent terms, ((n+1)*H, T, B) for n gates.
            R: ((n+1)*H, H).
            p: (n, H), or None for no peepholes.
            G: (n*H, n*H), or None for no gate recurrence.
            form: the parts that there are.
        """
        act, c, y, h = _remember(a, R, p, G, form)
        ctx.save_for_backward(R, p, G, act, c, y, h)
        ctx.form = form
        return y[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, None]:
        """Return the gradients in a, R, p and G, given the gradient in y, (T, H, B)."""
        R, p, G, act, c, y, h = ctx.saved_tensors
        form: Form = ctx.form
        T, H, B = grad.shape
        n, old = len(form.gates), sum(gate in "if" for gate in form.gates)
        grad = grad.contiguous()  # it comes with the batch first: each step would be gathered number by number
        gate = _by_name(act, form)
        d = _slopes(act, c[:-1], h, form)  # the loop multiplies by the gradient in c, or for o in y
        flat = d.view(T, (n + 1) * H, B)
        y_to_c = gate["o"] * (1 - h.square()) if form.squash_output else gate["o"].expand_as(h)
        gate_slopes = act[:, :n] * (1 - act[:, :n])
        p_old, p_o = _peepholes(p, form)
        back = R.t().contiguous()
        back_gates = None if G is None else G.t().contiguous()

        dc, dy = torch.zeros_like(grad[0]), grad[-1].clone()
        steps = (grad, flat, flat[:, : n * H], d[:, :old], d[:, old], d[:, n], y_to_c, gate["f"], gate_slopes)
        grads, nets, gate_nets, d_old, d_o, d_z, y_to_cs, fs, slopes = (tensor.unbind(0) for tensor in steps)
        for t in range(T - 1, -1, -1):
            from_gates = None  # the gradient in the gates of this step that comes from those of the next
            if t < T - 1:
                torch.addmm(grads[t], back, nets[t + 1], out=dy)
                if back_gates is not None:
                    from_gates = (back_gates @ gate_nets[t + 1]).view(n, H, B).mul_(slopes[t])
            dc.addcmul_(dy, y_to_cs[t])
            if "o" in form.gates:
                d_o[t].mul_(dy)
                if from_gates is not None:
                    d_o[t].add_(from_gates[old])
                if p_o is not None:
                    dc.addcmul_(d_o[t], p_o)
            d_old[t].mul_(dc)
            d_z[t].mul_(dc)
            dc.mul_(fs[t])
            if from_gates is not None:
                d_old[t].add_(from_gates[:old])
            if p_old is not None:
                dc.add_((d_old[t] * p_old).sum(0))

        da = flat.transpose(0, 1).contiguous()  # ((n+1)*H, T, B)
        dR = da.view(-1, T * B) @ y[:-1].permute(0, 2, 1).reshape(T * B, H)
        dp = dG = None
        if p is not None:
            seen = [
                (d[:, :old] * c[:-1, None]).sum((0, 3)),
                *((d[:, k] * c[1:]).sum((0, 2))[None] for k in range(old, n)),
            ]
            dp = torch.cat(seen)
        if G is not None:
            before = act[:-1, :n].reshape(T - 1, n * H, B)
            dG = torch.einsum("tib,tjb->ij", flat[1:, : n * H], before)
        return da, dR, dp, dG, None


def _remember(
    a: Tensor, R: Tensor, p: Tensor | None, G: Tensor | None, form: Form
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run the loop over time; the arguments are those of `ThroughTime.forward`.

    Returns:
        activations of the gates and of z (T, n+1, H, B); c and y (T+1, H, B), of which row 0 is the start, all 0;
        h(c) (T, H, B).
    """
    H, n = R.shape[1], len(form.gates)
    N, T, B = a.shape
    old = sum(gate in "if" for gate in form.gates)  # gates that see the old memory
    act = a.new_empty(T, n + 1, H, B)  # net inputs, then activations
    c, y, h = a.new_zeros(T + 1, H, B), a.new_zeros(T + 1, H, B), a.new_empty(T, H, B)
    gate = _by_name(act, form)
    flat = act.view(T, N, B)
    gates = flat[:, : n * H].unbind(0)
    p_old, p_o = _peepholes(p, form)
    steps = (flat, act[:, :old], act[:, n], gate["i"], gate["f"], gate["o"], c[:-1], c[1:], y[:-1], y[1:], h)
    rows = zip(a.unbind(1), *(tensor.unbind(0) for tensor in steps), strict=True)
    for t, (a_t, net, before, z, i, f, o, c_old, c_new, y_old, y_new, h_t) in enumerate(rows):
        torch.addmm(a_t, R, y_old, out=net)
        if G is not None and t:
            gates[t].addmm_(G, gates[t - 1])
        if p_old is not None:
            before.addcmul_(c_old, p_old)
        before.sigmoid_()
        if form.squash_input:
            z.tanh_()
        if form.coupled:
            torch.sub(1, i, out=f)
        torch.mul(f, c_old, out=c_new)
        c_new.addcmul_(i, z)
        if "o" in form.gates:
            if p_o is not None:
                o.addcmul_(c_new, p_o)
            o.sigmoid_()
        if form.squash_output:
            torch.tanh(c_new, out=h_t)
        else:
            h_t.copy_(c_new)
        torch.mul(o, h_t, out=y_new)
    return act, c, y, h


def _by_name(act: Tensor, form: Form) -> dict[str, Tensor]:
    """Return the activations of the gates i, f and o, (T, H, B) each, of all activations (T, n+1, H, B).

    A gate that is missing is 1 at every step. A coupled f is 1 - i, as far as i is known.
    """
    gate = {name: act[:, k] for k, name in enumerate(form.gates)}
    missing = act.new_ones(1, 1, 1).expand(len(act), 1, 1)
    if form.coupled:
        gate["f"] = 1 - gate["i"]
    return {name: gate.get(name, missing) for name in "ifo"}


def _peepholes(p: Tensor | None, form: Form) -> tuple[Tensor | None, Tensor | None]:
    """Return the peepholes of the gates that see the old memory, (gates, H, 1), and that of o, (H, 1)."""
    if p is None:
        return None, None
    old = sum(gate in "if" for gate in form.gates)
    return p[:old, :, None], p[old, :, None] if "o" in form.gates else None


def _slopes(act: Tensor, old: Tensor, h: Tensor, form: Form) -> Tensor:
    """Return the derivative of c, or for o of y, in each net input: (T, n+1, H, B), for all steps at once."""
    gate, z = _by_name(act, form), act[:, -1]
    d = torch.empty_like(act)
    torch.mul(gate["i"], 1 - z.square() if form.squash_input else torch.ones_like(z), out=d[:, -1])
    factors = {"i": z - old if form.coupled else z, "f": old, "o": h}
    for k, name in enumerate(form.gates):
        torch.mul(factors[name], gate[name] * (1 - gate[name]), out=d[:, k])
    return d


def build(task: TaskInfo, options: LSTMGreffOptions) -> nn.Module:
    """Return the network: a layer of memory cells, and a linear layer that reads y."""
    front = Front(task, image=options.image)
    layer = Memory(
        front.features,
        options.width,
        Form.of(options),
        peepholes=options.without != "peepholes",
        gate_recurrence=options.gate_recurrence,
        longest=front.steps if options.start == "chrono" else 0,
    )
    return Readout(front, FeatureMajor([layer]), width=options.width, task=task)
