"""Small networks with blocks, and specimens of them, for the tests of probes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from archbench import Block, TaskInfo
from archbench._training._probes._specimen import Specimen

IMAGES = TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=2)


class Scaled(nn.Module):
    """The block s x + F(x)."""

    def __init__(self, branch: nn.Module, s: float = 1.0) -> None:
        super().__init__()
        self.F, self.s = branch, s

    def forward(self, x: Tensor) -> Tensor:
        return self.s * x + self.F(x)


class Residual(nn.Module):
    """Blocks between a bottom layer and a linear head, named a, b, c and so on."""

    def __init__(self, *blocks: nn.Module, bottom: nn.Module | None = None, head: nn.Module | None = None) -> None:
        super().__init__()
        self.bottom, self.blocks, self.head = bottom or nn.Identity(), nn.ModuleList(blocks), head or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.bottom(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)

    def archbench_blocks(self) -> list[Block]:
        return [
            Block(name, block, branches=(block.F,) if isinstance(block, Scaled) else ())
            for name, block in zip("abcdefghi", self.blocks, strict=False)
        ]


def make_specimen(
    network: nn.Module,
    *arguments: Tensor,
    targets: Tensor | None = None,
    info: TaskInfo = IMAGES,
    loss: Callable[[Any, Tensor], Tensor] = mse_loss,
    score: Callable[[nn.Module], float] = lambda network: 0.0,
    seed: int = 0,
) -> Specimen:
    """A specimen with the loss and the score that a test wants."""
    targets = torch.zeros(len(arguments[0])) if targets is None else targets
    return Specimen(network, arguments, targets, loss=loss, info=info, seed=seed, score=score)
