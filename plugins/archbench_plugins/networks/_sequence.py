"""What all recurrent and sequence nets share: how an input becomes a sequence of vectors, and how an answer is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from archbench import TaskInfo

EMBEDDING = 32  # features of a token: more than most small vocabularies need, a fraction of the default cores


class Front(nn.Module):
    """Sequences, tokens or images to sequences of vectors, (B, T, I).

    A sequence passes unchanged. Tokens (B, T) are embedded, I = 32. An image (B, C, height, width) is read from top to
    bottom: as rows, T = height and I = C * width; or as pixels, line by line, T = height * width and I = C.

    Args:
        task: the kind and shape of the input.
        image: `rows` or `pixels`.

    Attributes:
        steps, features: T and I.
    """

    def __init__(self, task: TaskInfo, *, image: str) -> None:
        super().__init__()
        self.kind, self.image = task.kind, image
        if task.kind == "tokens":
            assert task.vocabulary is not None
            self.embedding = nn.Embedding(task.vocabulary, EMBEDDING)
            self.steps, self.features = task.input_shape[0], EMBEDDING
        elif task.kind == "image":
            C, height, width = task.input_shape
            self.steps, self.features = (height, C * width) if image == "rows" else (height * width, C)
        else:
            self.steps, self.features = task.input_shape

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "tokens":
            embedded: Tensor = self.embedding(x)  # (B, T, I)
            return embedded
        if self.kind == "image" and self.image == "rows":
            return x.transpose(1, 2).flatten(2)  # (B, height, C*width)
        if self.kind == "image":
            return x.flatten(2).transpose(1, 2)  # (B, height*width, C)
        return x


class Reader(nn.Module):
    """A front, a core that turns its vectors into states, and a linear layer that reads them.

    Args:
        front: maps inputs to (B, T, I).
        core: maps (B, T, I) to states (B, T, H), alone or first in a tuple, as `nn.RNN` and `nn.LSTM` do. A state sees
            its step and those before it.
        width: H.
        task: K = `outputs` logits of each answer, at every step, (B, T, K), if `per_step`, else at the last, (B, K).
        pooled: the core is called with the lengths and gives one state for an example, (B, 1, H); it may see all steps.

    With lengths (B,), inputs are padded at the end. No state of a causal core has seen what comes after its step, so
    the one at the last real step is what packing the sequences would give.
    """

    def __init__(self, front: Front, core: nn.Module, *, width: int, task: TaskInfo, pooled: bool = False) -> None:
        super().__init__()
        self.front = front
        self.core = core
        self.head = nn.Linear(width, task.outputs)
        self.per_step, self.pooled = task.per_step, pooled

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        x = self.front(x)
        h = self.core(x, lengths) if self.pooled else self.core(x)
        h = h[0] if isinstance(h, tuple) else h  # (B, T, H)
        if not self.per_step:
            h = h[:, -1] if self.pooled or lengths is None else h[torch.arange(len(h), device=h.device), lengths - 1]
        logits: Tensor = self.head(h)  # (B, T, K) or (B, K)
        return logits


class FeatureMajor(nn.Module):
    """Layers of (I, T, B) to (H, T, B), fed and read as (B, T, I) and (B, T, H).

    With the batch last, the part of each gate in a product W x is one contiguous block, so that a step of a cell needs
    no copies.

    Args:
        layers: the layers, the first one first.
    """

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(2, 1, 0)  # (I, T, B)
        for layer in self.layers:
            x = layer(x)  # (H, T, B)
        return x.permute(2, 1, 0)  # (B, T, H)


def project(W: Tensor, b: Tensor | None, x: Tensor) -> Tensor:
    """W x + b for all steps in one product: (N, I), (N,) and (I, T, B) to (N, T, B).

    Under autocast the product is in half precision; what comes after it, a loop over time, has that of the weights.
    """
    flat = x.reshape(x.shape[0], -1)  # (I, T*B)
    a = W @ flat if b is None else torch.addmm(b[:, None], W, flat)
    return a.to(W.dtype).view(-1, *x.shape[1:])
