"""The Transformer: attention and a feed-forward net in residual branches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from archbench import Block
from archbench_plugins.shared.sequences import Front, Readout
from archbench_plugins.transformer import by_hand

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.transformer import TransformerOptions

# Where the form by hand is faster on a CPU. At 192 steps the weights of all pairs of steps no longer fit a cache, and a
# batch of fewer steps in all takes less time than the form needs to start its operations.
SHORTEST, LONGEST, FEWEST = 24, 128, 640


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
        Q, K, V = self.QKV(x).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # three times (B, heads, T, d)
        y = scaled_dot_product_attention(Q, K, V, attn_mask=seen, is_causal=self.causal)
        mixed: Tensor = self.out(y.transpose(1, 2).reshape(B, T, D))
        return mixed


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
        self.heads, self.causal = options.heads, causal

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        seen = None if lengths is None else torch.arange(x.shape[1], device=x.device) < lengths[:, None]  # (B, T)
        if is_faster_by_hand(x) and not self.is_watched():
            y = by_hand.transform(self, x, seen)
        else:
            y = self.enter(x) + self.position
            for layer in self.layers:
                y = layer(y, None if seen is None else seen[:, None, None])
            y = self.leave(y)
        if self.causal:
            return y
        # An encoder has no step that has seen all the others last, so its one answer is read from the mean of them.
        if seen is None or lengths is None:
            return y.mean(1, keepdim=True)
        return (y * seen[:, :, None]).sum(1, keepdim=True) / lengths[:, None, None]

    def is_watched(self) -> bool:
        """Return whether someone put a hook on a module inside, which the form for CPUs does not call."""
        inner = (module for module in self.modules() if module is not self)
        return any(module._forward_hooks or module._forward_pre_hooks for module in inner)

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
    """Return whether to take the form for CPUs: for some sizes, in full precision, if nothing traces the network."""
    B, T, _ = x.shape
    is_traced: bool = torch.jit.is_tracing() or torch.compiler.is_compiling()  # type: ignore[attr-defined, no-untyped-call]
    is_plain = x.device.type == "cpu" and not is_traced and not torch.is_autocast_enabled("cpu")
    # torch's counter of FLOPs, which sees a single sequence, does not know the products of torch's own attention.
    return is_plain and SHORTEST <= T <= LONGEST and (B * T >= FEWEST or is_in_torch_dispatch_mode())
