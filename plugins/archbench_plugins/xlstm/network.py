"""The blocks of the xLSTM: sLSTM with scalar memory and mLSTM with matrix memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import gelu, layer_norm, logsigmoid, pad, silu

from archbench import Block
from archbench_plugins.shared.sequences import Front, Readout, last_step
from archbench_plugins.xlstm import by_hand

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.xlstm import XLSTMOptions

LARGEST = 80.0  # e^80 is in the range of float32, and next to it no gate f counts, nor a sum of weights
FORGET_BIASES = (3.0, 6.0)  # b_f starts evenly spread between these, f between 0.953 and 0.9975: many time scales


class CausalConv(nn.Module):
    """A convolution of each channel alone over the last 4 steps, then swish: (B, T, D) to (B, T, D)."""

    def __init__(self, D: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(D, D, 4, groups=D)

    def forward(self, x: Tensor) -> Tensor:
        return silu(self.conv(pad(x.transpose(1, 2), (3, 0))).transpose(1, 2))


class HeadNorm(nn.Module):
    """LayerNorm within each head, with one scale for each feature: (B, T, heads, d) to (B, T, heads * d)."""

    def __init__(self, D: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(D))

    def forward(self, h: Tensor) -> Tensor:
        return layer_norm(h, h.shape[-1:]).flatten(2) * self.scale


class MLSTMBlock(nn.Module):
    """Residual block with the memory between an up- and a down-projection (Fig. 11): (B, T, D) to (B, T, D).

    Args:
        D: width; the memory works on 2D features.
        heads: they divide 2D; q, k and v are mixed within groups of 4 features, or as many as divide 2D.
    """

    def __init__(self, D: int, *, heads: int) -> None:
        super().__init__()
        E = 2 * D
        self.heads = heads
        self.group = max(size for size in range(1, 5) if E % size == 0)
        self.norm = nn.LayerNorm(D)
        self.up = nn.Linear(D, 2 * E)
        self.conv = CausalConv(E)
        # q, k and v: one small matrix for each group of features
        self.qkv = nn.Parameter(torch.randn(3, E // self.group, self.group, self.group) / self.group**0.5)
        self.gates = nn.Linear(3 * E, 2 * heads)
        nn.init.zeros_(self.gates.weight)
        with torch.no_grad():
            self.gates.bias[:heads].zero_()
            self.gates.bias[heads:] = torch.linspace(*FORGET_BIASES, heads)
        self.head_norm = HeadNorm(E)
        self.skip = nn.Parameter(torch.ones(E))
        self.down = nn.Linear(E, D)

    def forward(self, x: Tensor) -> Tensor:
        B, T, _ = x.shape
        u, side = self.up(self.norm(x)).chunk(2, 2)  # twice (B, T, E)
        seen = self.conv(u)
        q, k, v, i, f = self.net_inputs(u, seen)
        q, k, v = (x.view(B, T, self.heads, -1).transpose(1, 2) for x in (q, k, v))  # (B, heads, T, d)
        h = matrix_memory(q, k, v, i=i, f=f).transpose(1, 2)  # (B, T, heads, d)
        y: Tensor = self.down((self.head_norm(h) + self.skip * seen) * silu(side))
        return x + y

    def net_inputs(self, u: Tensor, seen: Tensor) -> tuple[Tensor, ...]:
        """Return q, k and v, (B, T, E) each, and the net inputs of i and f, (B, heads, T) each."""
        B, T, _ = u.shape
        W_q, W_k, W_v = self.qkv
        qk = self.mix(seen, torch.cat([W_q, W_k], 2)).view(B, T, -1, 2, self.group)
        q, k, v = (x.reshape(B, T, -1) for x in (qk[..., 0, :], qk[..., 1, :], self.mix(u, W_v)))
        i, f = self.gates(torch.cat([q, k, v], 2)).transpose(1, 2).chunk(2, 1)
        return q, k, v, i, f

    def over_pairs(self, qkv: Tensor, net: Tensor) -> Tensor:
        """Return the memory with features first: (3, heads, d, T, B) and (2, heads, T, B) to (heads, d, T, B)."""
        (q, k, v), (i, f) = qkv.permute(0, 4, 1, 3, 2), net.permute(0, 3, 1, 2)
        return matrix_memory(q, k, v, i=i, f=f).permute(1, 3, 2, 0).contiguous()

    def forget_gate(self, x: Tensor) -> dict[str, Tensor]:
        """Return f at all steps, (B, heads, T)."""
        u = self.up(self.norm(x)).chunk(2, 2)[0]
        return {"f": torch.sigmoid(self.net_inputs(u, self.conv(u))[-1])}

    def as_block(self, name: str) -> Block:
        """Return the block; its gate f is a sigmoid, i is an exponential and has no bound."""
        return Block(name, self, branches=(self.down,), gates=self.forget_gate)

    def mix(self, x: Tensor, W: Tensor) -> Tensor:
        """Multiply each group of features by its own matrix: (B, T, E), (E/group, group, m) to (B, T, E/group, m)."""
        return torch.einsum("btgi,gij->btgj", x.view(*x.shape[:2], -1, self.group), W)


def matrix_memory(q: Tensor, k: Tensor, v: Tensor, *, i: Tensor, f: Tensor) -> Tensor:
    """Compute all steps of the mLSTM at once and return h, (B, heads, T, d).

    Unrolled, C_t q_t = sum over s <= t of D_ts (k_s . q_t) v_s with D_ts = exp(i_s + sum of log f from s + 1 to t),
    and n_t q_t is the same sum without v. log D_ts is the sum of a term in t and a term in s. A row is computed from
    the term in s alone, less the largest one so far, which keeps it in range: this divides both sums by one number, so
    the 1 in max(|n_t . q|, 1) is divided by it as well.

    Args:
        q, k, v: (B, heads, T, d).
        i, f: net inputs of the gates, (B, heads, T).
    """
    T = i.shape[2]
    log_f = logsigmoid(f).cumsum(2)
    column = i - log_f  # log D_ts = log_f_t + column_s
    largest = column.detach().cummax(2).values
    future = torch.full((T, T), -torch.inf, dtype=q.dtype, device=q.device).triu(1)
    D = torch.exp(column[..., None, :] - (largest[..., :, None] - future))  # (B, heads, T, T), t by s
    weights = ((q * q.shape[3] ** -0.5) @ k.transpose(2, 3)) * D
    n = torch.maximum(weights.sum(3).abs(), torch.exp((-log_f - largest).clamp(max=LARGEST)))  # (B, heads, T)
    h: Tensor = (weights @ v) / n[..., None]
    return h


class SLSTMBlock(nn.Module):
    """Two residual branches, the memory and a gated feed-forward net (Fig. 10): (B, T, D) to (B, T, D).

    Args:
        D: width; the feed-forward net has 4/3 D units.
        heads: they divide D; neither W nor R mixes them.
    """

    def __init__(self, D: int, *, heads: int) -> None:
        super().__init__()
        d, units = D // heads, round(4 * D / 3)
        self.heads = heads
        self.norm = nn.LayerNorm(D)
        self.conv = CausalConv(D)
        self.W = nn.Parameter(torch.randn(heads, 4 * d, d) * d**-0.5)  # of i, f, z and o in each head
        self.R = nn.Parameter(torch.zeros(heads, 4 * d, d))
        b = torch.zeros(heads, 4, d)
        b[:, 1] = torch.linspace(*FORGET_BIASES, D).view(heads, d)
        self.b = nn.Parameter(b.view(heads, 4 * d, 1))
        self.head_norm = HeadNorm(D)
        self.feed_norm = nn.LayerNorm(D)
        self.feed_up = nn.Linear(D, 2 * units)
        self.feed_down = nn.Linear(units, D)

    def forward(self, x: Tensor) -> Tensor:
        h = ScalarMemory.apply(self.net_inputs(x), self.R)  # (T, heads, d, B)
        return self.feed(x, h.permute(3, 0, 1, 2))

    def feed(self, x: Tensor, h: Tensor) -> Tensor:
        """Add the memory h, (B, T, heads, d), to x, (B, T, D), and what the feed-forward net makes of the sum."""
        x = x + self.head_norm(h)
        gate, value = self.feed_up(self.feed_norm(x)).chunk(2, 2)  # twice (B, T, units)
        y: Tensor = self.feed_down(gelu(gate) * value)
        return x + y

    def net_inputs(self, x: Tensor) -> Tensor:
        """Return the net inputs of the gates without R h, (heads, 4d, T, B)."""
        B, T, _ = x.shape
        u = self.norm(x)
        # Gates i and f see the convolution; z and o see the input itself.
        seen, now = (v.permute(2, 1, 0).reshape(self.heads, -1, T * B) for v in (self.conv(u), u))  # (heads, d, T*B)
        W_if, W_zo = self.W.chunk(2, 1)
        a = torch.cat([W_if @ seen, W_zo @ now], 1) + self.b
        return a.view(self.heads, -1, T, B)

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return f and o at all steps, (heads, d, T, B) each; i is an exponential and has no bound."""
        a = self.net_inputs(x)
        h = ScalarMemory.apply(a, self.R)  # (T, heads, d, B)
        before = pad(h, (0, 0, 0, 0, 0, 0, 1, -1)).permute(1, 2, 0, 3)  # h_0 = 0, (heads, d, T, B)
        net = a + (self.R @ before.flatten(2)).view(a.shape)
        _, f, _, o = torch.sigmoid(net).chunk(4, 1)
        return {"f": f, "o": o}

    def as_block(self, name: str) -> Block:
        """Return the block with its two branches."""
        return Block(name, self, branches=(self.head_norm, self.feed_down), gates=self.gates)


class ScalarMemory(torch.autograd.Function):
    """The loop of the sLSTM over time and its gradient.

    Heads do not see each other. In each,

        i~, f~, z~, o~ = a_t + R h_{t-1}              i = exp(i~)      f = sigmoid(f~)
        c_t = f c_{t-1} + i tanh(z~)                  n_t = f n_{t-1} + i
        h_t = sigmoid(o~) c_t / n_t

    Only quotients are kept: e_t = c_t / n_t is an average of the candidates so far, and p = i / n_t is the weight of
    the newest, e_t = e_{t-1} + p (tanh(z~) - e_{t-1}). An average of sigmoid(2 z~) in place of tanh(z~), which is twice
    that less 1, lets one operation squash f, z and o; so h_t = o (2 e_t - 1).

    With m_t = log n_t as the stabiliser, w = exp(i~ - m_{t-1}), p = w / (f + w) and m_t = m_{t-1} + log(f + w). It
    scales c and n alike, so h does not depend on it, and the gradient may treat it as a constant.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor) -> Tensor:
        """Return h (T, heads, d, B), given the net inputs without R h, a (heads, 4d, T, B), and R (heads, 4d, d)."""
        heads, _, T, B = a.shape
        d = R.shape[2]
        twice = R.new_ones(4 * d, 1)
        twice[2 * d : 3 * d] = 2.0  # from no list: a GPU would wait for its numbers
        z, back = a.new_empty(T, heads, 4 * d, B), R * -twice  # the loop keeps -h
        torch.mul(a.permute(2, 0, 1, 3), twice, out=z)
        p, e = a.new_empty(T, heads, d, B), a.new_zeros(T + 1, heads, d, B)
        minus_h = torch.zeros_like(e)
        _run(z, back, p, e, minus_h)
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
    """Compute all steps of the sLSTM.

    Args:
        z: net inputs without R h, z~ doubled; R h is added, and f~, z~ and o~ are squashed, (T, heads, 4d, B).
        back: -R, its rows of z doubled, (heads, 4d, d).
        p: receives i / n, (T, heads, d, B).
        e, minus_h: receive e and -h after their first step, which is the start, (T + 1, heads, d, B).
    """
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


class XLSTM(nn.Module):
    """The core of the network, an affine layer, the blocks and a LayerNorm: (B, T, I) to (B, T, D), or to (B, 1, D).

    Args:
        features: I.
        options: the options of the declaration.
        per_step: give the state at every step, else only the one at the last step, or at the last of each length.
    """

    def __init__(self, features: int, options: XLSTMOptions, *, per_step: bool) -> None:
        super().__init__()
        D = options.width
        kinds: dict[str, type[MLSTMBlock] | type[SLSTMBlock]] = {"m": MLSTMBlock, "s": SLSTMBlock}
        self.enter = nn.Linear(features, D)
        self.blocks = nn.Sequential(*(kinds[kind](D, heads=options.heads) for kind in options.blocks))
        self.leave = nn.LayerNorm(D)
        self.per_step = per_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if is_faster_by_hand(x) and not self.is_watched():
            x = self.by_hand(x, lengths)
        else:
            x = self.blocks(self.enter(x))
            if not self.per_step:
                x = last_step(x.transpose(0, 1), lengths)[:, None]
        y: Tensor = self.leave(x)
        return y

    def by_hand(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """Compute all but the last LayerNorm with features first."""
        B, T, _ = x.shape
        x = torch.addmm(self.enter.bias[:, None], self.enter.weight, x.permute(2, 1, 0).flatten(1)).view(-1, T, B)
        for number, block in enumerate(self.blocks, 1):
            if isinstance(block, MLSTMBlock):
                x = by_hand.mlstm_block(block, x)
                continue
            assert isinstance(block, SLSTMBlock)
            h = by_hand.ScalarMemory.apply(by_hand.slstm_inputs(block, x), block.R)  # (T, heads, d, B)
            x, h = x.permute(1, 2, 0), h.permute(0, 3, 1, 2)  # time first
            if number == len(self.blocks) and not self.per_step:  # no later step is needed
                return block.feed(last_step(x, lengths)[:, None], last_step(h, lengths)[:, None])
            x = block.feed(x, h).permute(2, 0, 1)
        return x.permute(2, 1, 0) if self.per_step else last_step(x.permute(1, 2, 0), lengths)[:, None]

    def is_watched(self) -> bool:
        """Return whether someone put a hook on a module inside, most of which the form for CPUs does not call."""
        inner = (module for module in self.modules() if module is not self)
        return any(module._forward_hooks or module._forward_pre_hooks for module in inner)

    def name_blocks(self) -> list[Block]:
        """Return the blocks."""
        blocks = [block for block in self.blocks if isinstance(block, MLSTMBlock | SLSTMBlock)]
        return [block.as_block(str(number)) for number, block in enumerate(blocks, 1)]


def is_faster_by_hand(x: Tensor) -> bool:
    """Return whether to take the form for CPUs: in single precision, and where nothing traces the network."""
    return by_hand.takes_loops(x) and not torch.is_autocast_enabled("cpu")


def build(task: TaskInfo, options: XLSTMOptions) -> nn.Module:
    """Return the network: xLSTM blocks, and a linear layer that reads the last one."""
    front = Front(task, image=options.image)
    core = XLSTM(front.features, options, per_step=task.per_step)
    return Readout(front, core, width=options.width, task=task, pooled=not task.per_step)
