"""Parts of networks that read sequences: from an input to vectors, through a core, to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from archbench import Block

if TYPE_CHECKING:
    from archbench import TaskInfo

EMBEDDING = 32  # features of a token: more than most small vocabularies need, a fraction of the default cores


class Front(nn.Module):
    """The way from sequences, tokens or images to sequences of vectors, (B, T, I).

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


class Readout(nn.Module):
    """A whole network: a front, a core that turns its vectors into states, and a linear layer that reads the states.

    With lengths (B,), inputs are padded at the end. No state of a causal core has seen the steps after it, so the
    state at the last real step equals the one that packed sequences would give.

    Args:
        front: maps inputs to (B, T, I).
        core: maps (B, T, I) to states (B, T, H), alone or first in a tuple, as `nn.RNN` and `nn.LSTM` do. A state sees
            its step and those before it.
        width: H.
        task: K = `outputs` logits of each answer, at every step, (B, T, K), if `per_step`, else at the last, (B, K).
        pooled: the core is called with the lengths and gives one state for an example, (B, 1, H); it may see all steps.
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
            h = last_step(h.transpose(0, 1), None if self.pooled else lengths)
        logits: Tensor = self.head(h)  # (B, T, K) or (B, K)
        return logits

    def archbench_blocks(self) -> list[Block]:
        """Return the blocks of the core, which is one block if it names none."""
        name_blocks = getattr(self.core, "name_blocks", None)
        if name_blocks is not None:
            blocks: list[Block] = name_blocks()
            return blocks
        return [Block("1", self.core, gates=getattr(self.core, "gates", None))]


class FeatureMajor(nn.Module):
    """A stack of layers that work with the batch last: (B, T, I) to (B, T, H).

    Each layer maps (I, T, B) to (H, T, B). With the batch last, each gate's part of a product W x is one contiguous
    block, so that a step of a cell needs no copies.

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

    def name_blocks(self) -> list[Block]:
        """Return the layers."""
        return [
            Block(str(number), layer, gates=getattr(layer, "gates", None), batch_axis=2)
            for number, layer in enumerate(self.layers, 1)
        ]


class Stack(nn.Module):
    """Cells in residual branches, between an affine layer and a LayerNorm: (B, T, I) to (B, T, D), or to (B, 1, D).

    Each cell adds x + V cell(LayerNorm(x)), V a linear layer. Time comes first inside, so that cells which step through
    it find each step in one place.

    Args:
        features, D: inputs I and width.
        cells: they map (D, T, B) to (H, T, B).
        H: units of each cell.
        per_step: give the state at every step. Else only the one at the last step, or at the last of each length: what
            follows the last cell is then computed for this step alone.
    """

    def __init__(self, features: int, D: int, cells: list[nn.Module], *, H: int, per_step: bool) -> None:
        super().__init__()
        self.per_step = per_step
        self.enter = nn.Linear(features, D)
        self.norms = nn.ModuleList(nn.LayerNorm(D) for _ in cells)
        self.cells = nn.ModuleList(cells)
        self.down = nn.ModuleList(nn.Linear(H, D) for _ in cells)
        self.leave = nn.LayerNorm(D)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        x = self.enter(x.transpose(0, 1))  # (T, B, D)
        for layer, (norm, cell, down) in enumerate(zip(self.norms, self.cells, self.down, strict=True), 1):
            h = cell(norm(x).permute(2, 0, 1))  # (H, T, B)
            if layer == len(self.cells) and not self.per_step:
                x = last_step(x, lengths)[None]  # (1, B, D)
                h = last_step(h.permute(1, 2, 0), lengths).t()[:, None]  # (H, 1, B)
            x = x + Affine.apply(h, down.weight, down.bias).permute(1, 2, 0)
        left: Tensor = self.leave(x)
        return left.transpose(0, 1)  # (B, T, D) or (B, 1, D)

    def name_blocks(self) -> list[Block]:
        """Return the cells, which are branches; a branch without its cell adds the bias of V."""
        return [
            Block(str(number), cell, branches=(cell,), strength=1.0, gates=getattr(cell, "gates", None), batch_axis=2)
            for number, cell in enumerate(self.cells, 1)
        ]


def last_step(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the last step of sequences (T, B, D), or the last step of each length: (B, D)."""
    return x[-1] if lengths is None else x[lengths - 1, torch.arange(lengths.shape[0], device=x.device)]


def project(W: Tensor, b: Tensor | None, x: Tensor) -> Tensor:
    """Return W x + b for all steps, computed as one product: (N, I), (N,) and (I, T, B) to (N, T, B).

    Under autocast the product is in half precision. The loop over time that follows needs the precision of the
    weights, so the result is converted back to it.
    """
    flat = x.reshape(x.shape[0], -1)  # (I, T*B)
    a = W @ flat if b is None else torch.addmm(b[:, None], W, flat)
    return a.to(W.dtype).view(-1, *x.shape[1:])


@torch.no_grad()
def start_gates(core: nn.RNNBase) -> None:
    """Start a recurrent kernel of torch gate by gate: R orthogonal, W from Glorot's initialisation, b at 0.

    An orthogonal R keeps the length of the state, Glorot's W the scale of the input. torch stores the gates of a layer
    as one matrix; each gate is drawn on its own.
    """
    for name, parameter in core.named_parameters():
        for gate in torch.split(parameter, core.hidden_size):
            if name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
            else:
                nn.init.zeros_(gate)


def affine_gates(features: int, H: int, biases: tuple[float, ...]) -> nn.Linear:
    """Return one linear layer that computes several gates of H units, each started on its own.

    Args:
        features: inputs.
        H: units of each gate.
        biases: b of each gate at the start. W starts from Glorot's initialisation.
    """
    affine = nn.Linear(features, H * len(biases))
    for W, b, start in zip(torch.split(affine.weight, H), torch.split(affine.bias, H), biases, strict=True):
        nn.init.xavier_uniform_(W.detach())
        nn.init.constant_(b.detach(), start)
    return affine


class Affine(torch.autograd.Function):
    """`project` with the gradient of `project_gradient`, which is faster than torch's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        """Return W x + b, (N, T, B), given x (I, T, B), W (N, I) and b (N,)."""
        x = x.to(W.dtype)
        ctx.save_for_backward(x, W)
        return project(W, b, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in x, W and b."""
        x, W = ctx.saved_tensors
        return project_gradient(grad, x, W)


def project_gradient(grad: Tensor, x: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of `project` in x, W and b, given the one in W x + b, (N, T, B).

    A product of matrices is some 1.6 times faster on a CPU if its result has many columns rather than many rows. So the
    gradient in W is computed as its transpose if W has more rows than columns.
    """
    flat, grad = x.flatten(1), grad.flatten(1)  # (I, T*B) and (N, T*B)
    tall = W.shape[0] > W.shape[1]
    dW = (flat @ grad.t()).t().contiguous() if tall else grad @ flat.t()
    return (W.t() @ grad).view(x.shape), dW, grad.sum(1)


def linear_scan(f: Tensor, u: Tensor) -> Tensor:
    """Solve h_t = f_t h_{t-1} + u_t with h_0 = 0 over axis 1, without a loop: (N, T, M) and (N, T, M) to (N, T, M).

    Two steps in a row are one step of the same form, h_t = (f_t f_{t-1}) h_{t-2} + (f_t u_{t-1} + u_t). So pairs are
    joined, the sequence of half the length is solved in the same way, and the steps between follow from it: some
    5 log2 T kernels that work on 2T steps in all (Blelloch, "Prefix sums and their applications", 1990). There is no
    division and no logarithm, so gates of exactly 0 and values of either sign are fine.
    """
    h: Tensor = LinearScan.apply(f, u)
    return h


class LinearScan(torch.autograd.Function):
    """The scan with a gradient of its own, which is one more scan, backwards in time."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, u: Tensor) -> Tensor:
        """Return h, (N, T, M)."""
        h = _solve(f, u)
        ctx.save_for_backward(f, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return dL/df_t = h_{t-1} dL/du_t, and dL/du_t = dL/dh_t + f_{t+1} dL/du_{t+1}."""
        f, h = ctx.saved_tensors
        back = torch.cat([torch.zeros_like(f[:, :1]), f[:, 1:].flip(1)], 1)  # f_{t+1} for t = T, ..., 1
        du = _solve(back, grad.flip(1)).flip(1)
        df = torch.cat([torch.zeros_like(f[:, :1]), du[:, 1:] * h[:, :-1]], 1)
        return df, du


def _solve(f: Tensor, u: Tensor) -> Tensor:
    T = u.shape[1]
    if T == 1:
        return u
    even = T - T % 2
    second = f[:, 1::2]
    joined = _solve(second * f[:, :even:2], torch.addcmul(u[:, 1::2], second, u[:, :even:2]))  # (N, T // 2, M)
    h = torch.empty_like(u)
    h[:, 0] = u[:, 0]
    h[:, 1::2] = joined
    if T > 2:
        rest = f[:, 2::2]
        h[:, 2::2] = torch.addcmul(u[:, 2::2], rest, joined[:, : rest.shape[1]])
    return h
