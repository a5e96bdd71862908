"""Mutants that name their blocks in wrong ways: B601."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from archbench import Block, TaskInfo
from support.mutants._base import Net, mutant


class Blocks(Net):
    """A sound network with a residual unit behind its features; mutants name it in wrong ways."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.unit = Unit()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.unit(self.features(x)))


class Unit(nn.Module):
    """The unit x + G(F(x))."""

    def __init__(self) -> None:
        super().__init__()
        self.F, self.G = nn.Linear(32, 32), nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.G(torch.relu(self.F(x)))


@mutant("B601", "two blocks are named")
class NamesTwoBlocksAlike(Blocks):
    """Two blocks with one name."""

    def archbench_blocks(self) -> list[Block]:
        return [Block("a", self.hidden), Block("a", self.unit)]


@mutant("B601", "in the order of the list")
class NamesBlocksBackwards(Blocks):
    """Blocks in another order than that of the forward pass."""

    def archbench_blocks(self) -> list[Block]:
        return [Block("unit", self.unit), Block("hidden", self.hidden)]


@mutant("B601", "is not the batch")
class HasTheBatchElsewhere(Blocks):
    """A wrong axis of the batch."""

    def archbench_blocks(self) -> list[Block]:
        return [Block("unit", self.unit, batch_axis=1)]


@mutant("B601", "called 0 times")
class NamesABranchThatIsNotCalled(Blocks):
    """A branch that the block computes without calling it."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.unit = Unrolled()

    def archbench_blocks(self) -> list[Block]:
        return [Block("unit", self.unit, branches=(self.unit.F,))]


class Unrolled(Unit):
    """The unit, whose F is called layer by layer."""

    def __init__(self) -> None:
        super().__init__()
        self.F: Any = nn.Sequential(nn.Linear(32, 32), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for layer in self.F:
            h = layer(h)
        return x + self.G(h)


@mutant("B601", "gives another output")
class RemembersInABlock(Blocks):
    """A block that is added to what another part of the network left in it."""

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        self.unit.F.extra = features.sum(1, keepdim=True)
        logits = self.head(self.unit(features))
        self.unit.F.extra = None
        return logits

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.unit.F = Extra()

    def archbench_blocks(self) -> list[Block]:
        return [Block("unit", self.unit)]


class Extra(nn.Linear):
    """A linear layer that adds what someone else left in it."""

    def __init__(self) -> None:
        super().__init__(32, 32)
        self.extra: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (0 if self.extra is None else self.extra)


@mutant("B601", "outside 0 to 1")
class HasGatesOfAnySize(Blocks):
    """Gates before their sigmoid."""

    def archbench_blocks(self) -> list[Block]:
        return [Block("unit", self.unit, branches=(self.unit.G,), gates=lambda x: {"g": self.unit.F(x)})]


@mutant("B601", "does not depend on its branch")
class NamesABranchThatDoesNothing(Blocks):
    """A branch whose output is thrown away."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.unit = Idle()

    def archbench_blocks(self) -> list[Block]:
        return [Block("unit", self.unit, branches=(self.unit.seen,))]


class Idle(Unit):
    """The unit, which calls a module for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        self.seen(x)
        return super().forward(x)


@mutant("B601", "no list of archbench.Block")
class NamesModules(Blocks):
    """Modules where blocks are asked for."""

    def archbench_blocks(self) -> list[Any]:
        return [self.unit]
