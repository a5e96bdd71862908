"""The Transformer: attention and a feed-forward net in residual branches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import scaled_dot_product_attention

from archbench import Block
from archbench_plugins.shared.sequences import Front, Readout

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.transformer import TransformerOptions

# Lengths at which our own attention is faster than torch's on a CPU: at 8 steps torch's is, and at 256, where the
# weights of all pairs of steps no longer fit a cache, it is again.
SHORTEST, LONGEST = 24, 128


class Attention(nn.Module):
    """Attention softmax(Q K' / sqrt(d)) V in each head: (B, T, D) to (B, T, D).

    Args:
        D: width; d = D / heads.
        heads: their number.
        causal: a step sees itself and the steps before it.
    """

    def __init__(self, D: int, *, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.QKV = nn.Linear(D, 3 * D)
        self.out = nn.Linear(D, D)
        for W in self.QKV.weight.detach().chunk(3):
            nn.init.xavier_uniform_(W)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.QKV.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return the mixed values, (B, T, D).

        Args:
            x: (B, T, D).
            seen: which keys are real steps and no padding, (B, 1, 1, T); None for all.
        """
        B, T, D = x.shape
        if is_faster_by_hand(x):
            W, b, W_out, b_out = self.QKV.weight, self.QKV.bias, self.out.weight, self.out.bias
            joined: Tensor = AttentionByHand.apply(x, W, b, W_out, b_out, self.heads, self.mask(x, seen))
            return joined
        Q, K, V = self.QKV(x).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # three times (B, heads, T, d)
        y = scaled_dot_product_attention(Q, K, V, attn_mask=seen, is_causal=self.causal)
        mixed: Tensor = self.out(y.transpose(1, 2).reshape(B, T, D))
        return mixed

    def mask(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """Return -inf for pairs of a step and a key that it must not see, and else 0: (B * heads, T, T) or one for all.

        Args:
            x, seen: as in `forward`.
        """
        B, T, _ = x.shape
        if self.causal:
            return x.new_full((1, T, T), -torch.inf).triu(1)
        if seen is None:
            return x.new_zeros(1, 1, 1)
        return x.new_zeros(seen.shape).masked_fill(~seen, -torch.inf).expand(B, self.heads, T, T).flatten(0, 1)


class Layer(nn.Module):
    """Two branches, x + Attention(LayerNorm(x)), then x + W_2 relu(W_1 LayerNorm(x)): (B, T, D) to (B, T, D).

    Args:
        D: width; the feed-forward net has 4D units.
        heads, causal: as in `Attention`.
        dropout: share zeroed at the end of each branch.
    """

    def __init__(self, D: int, *, heads: int, causal: bool, dropout: float) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(D), Attention(D, heads=heads, causal=causal), nn.Dropout(dropout))
        feed_forward = (nn.Linear(D, 4 * D), nn.ReLU(), nn.Linear(4 * D, D))
        self.feed_forward = nn.Sequential(nn.LayerNorm(D), *feed_forward, nn.Dropout(dropout))

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        norm, attention, dropout = self.attention
        x = x + dropout(attention(norm(x), seen))
        y: Tensor = x + self.feed_forward(x)
        return y

    def as_block(self, name: str) -> Block:
        """Return the layer as a block with two branches."""
        return Block(name, self, branches=(self.attention[2], self.feed_forward))


class Transformer(nn.Module):
    """The core of the network: an affine layer, positions, the layers and a LayerNorm.

    It maps (B, T, I) to (B, T, D) if causal, and else to the mean over the real steps, (B, 1, D).

    Args:
        steps, features: T and I.
        options: the options of the declaration.
        causal: a step sees itself and the steps before it.
    """

    position: Tensor

    def __init__(self, steps: int, features: int, options: TransformerOptions, *, causal: bool) -> None:
        super().__init__()
        D = options.width
        self.enter = nn.Linear(features, D)
        if options.positions == "learned":
            self.position = nn.Parameter(torch.randn(steps, D) * 0.02)
        else:
            self.register_buffer("position", sinusoids(steps, D), persistent=False)
        self.layers = nn.Sequential(
            *(Layer(D, heads=options.heads, causal=causal, dropout=options.dropout) for _ in range(options.layers))
        )
        self.leave = nn.LayerNorm(D)
        self.causal = causal

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        seen = None if lengths is None else torch.arange(x.shape[1], device=x.device) < lengths[:, None]  # (B, T)
        x = self.enter(x) + self.position
        for layer in self.layers:
            x = layer(x, None if seen is None else seen[:, None, None])
        y: Tensor = self.leave(x)
        if self.causal:
            return y
        # An encoder has no step that has seen all the others last, so its one answer is read from the mean of them.
        if seen is None or lengths is None:
            return y.mean(1, keepdim=True)
        return (y * seen[:, :, None]).sum(1, keepdim=True) / lengths[:, None, None]

    def name_blocks(self) -> list[Block]:
        """Return the layers."""
        layers = [layer for layer in self.layers if isinstance(layer, Layer)]
        return [layer.as_block(str(number)) for number, layer in enumerate(layers, 1)]


def sinusoids(T: int, D: int) -> Tensor:
    """Return PE, (T, D): PE(t, 2i) = sin(t / 10000^(2i/D)) and PE(t, 2i+1) = cos(t / 10000^(2i/D))."""
    i = torch.arange(0, D, 2)
    angle = torch.arange(T)[:, None] * torch.exp(i * (-math.log(10_000.0) / D))  # (T, D/2)
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, :D]


def build(task: TaskInfo, options: TransformerOptions) -> nn.Module:
    """Return the network: a decoder if the task wants an answer at every step or `causal` is set, else an encoder."""
    front = Front(task, image=options.image)
    causal = options.causal or task.per_step
    core = Transformer(front.steps, front.features, options, causal=causal)
    return Readout(front, core, width=options.width, task=task, pooled=not causal)


def is_faster_by_hand(x: Tensor) -> bool:
    """Return whether to take `AttentionByHand`: on a CPU in full precision, for some lengths, without torch.compile."""
    by_hand = SHORTEST <= x.shape[1] <= LONGEST and not torch.is_autocast_enabled("cpu")
    return by_hand and x.device.type == "cpu" and not torch.compiler.is_compiling()


class AttentionByHand(torch.autograd.Function):
    """`Attention.forward` with a gradient written by hand, for short sequences on a CPU.

    The features of Q, K and V come before the steps, so that the result of a product has many columns, which a CPU
    computes faster than many rows. The weights P of all pairs are kept for the gradient; torch computes them again.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, W: Tensor, b: Tensor, W_out: Tensor, b_out: Tensor, heads: int, mask: Tensor
    ) -> Tensor:
        """Return the mixed values, (B, T, D).

        Args:
            ctx: keeps what `backward` needs.
            x: (B, T, D).
            W, b: of Q, K and V, (3D, D) and (3D,).
            W_out, b_out: (D, D) and (D,).
            heads: their number.
            mask: what is added before the softmax, (B * heads, T, T), or 1 in place of a size.
        """
        B, T, D = x.shape
        x = x.reshape(-1, D)
        QKV = torch.addmm(b[:, None], W, x.t())  # (3D, B*T)
        Q, K, V = QKV.view(3, heads, -1, B, T).permute(0, 3, 1, 2, 4).reshape(3, B * heads, -1, T)  # (B*heads, d, T)
        Q *= Q.shape[1] ** -0.5
        P = torch.baddbmm(mask, Q.transpose(1, 2), K).softmax(2)  # (B*heads, T, T), a row for each query
        y = torch.bmm(V, P.transpose(1, 2))
        joined = y.view(B, D, T).transpose(0, 1).reshape(D, -1)  # (D, B*T)
        ctx.save_for_backward(x, W, W_out, Q, K, V, P, y, joined)
        return torch.addmm(b_out, joined.t(), W_out.t()).view(B, T, D)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients in x, W, b, W_out and b_out, given the one in the mixed values."""
        x, W, W_out, Q, K, V, P, y, joined = ctx.saved_tensors
        B, T, D = grad.shape
        grad = grad.reshape(-1, D)
        dy = (W_out.t() @ grad.t()).view(D, B, T).transpose(0, 1).reshape(Q.shape)
        dP = torch.bmm(dy.transpose(1, 2), V)
        dS = dP.sub_((dy * y).sum(1)[:, :, None]).mul_(P)  # (P * dP).sum(2) is (dy * y).sum(1)
        dQ = torch.bmm(K, dS.transpose(1, 2)) * Q.shape[1] ** -0.5
        dK, dV = torch.bmm(Q, dS), torch.bmm(dy, P)
        dQKV = torch.stack([d.view(B, D, T).transpose(0, 1) for d in (dQ, dK, dV)]).view(3 * D, -1)
        dx = (W.t() @ dQKV).t().reshape(B, T, D)
        return dx, (x.t() @ dQKV.t()).t(), dQKV.sum(1), (joined @ grad).t(), grad.sum(0), None, None
