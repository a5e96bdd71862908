"""Mutants with an unlucky start: B204 and B205."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archbench import TaskInfo
from support.mutants._axes import SEQUENCE, Steps
from support.mutants._base import Net, mutant


@mutant("B204", "root mean square")
class HugeHead(Net):
    """A last layer whose weights are a thousand times too large."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        nn.init.normal_(self.head.weight, std=100.0)


@mutant("B204", "root mean square")
class SharpLogits(Net):
    """Logits that are multiplied by a large temperature."""

    def forward(self, x: Tensor) -> Tensor:
        return 500.0 * self.head(self.features(x))


@mutant("B204", "root mean square")
class SurePrior(Net):
    """A bias that is sure of the first class."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        nn.init.zeros_(self.head.bias)
        self.head.bias.data[0] = 80.0


@mutant("B204", "root mean square", **SEQUENCE)
class HugeRecurrentHead(Steps):
    """A recurrent network whose last layer was initialised for inputs of width one."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        nn.init.normal_(self.head.weight, std=1000.0)


@mutant("B205", "the same logits")
class ZeroHead(Net):
    """A last layer that starts at zero."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)


@mutant("B205", "the same logits")
class ZeroHeadWithBias(Net):
    """A last layer whose weights start at zero and whose bias does not."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        nn.init.zeros_(self.head.weight)


@mutant("B205", "the same logits")
class ZeroTemperature(Net):
    """Logits that are multiplied by a learnt scale, which starts at zero."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.head(self.features(x))
