"""A mutant that is another network when torch batches it: B602."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from archbench import TaskInfo
from support.mutants._base import mutant


class Double(torch.autograd.Function):
    """Two times x, but three times where a batch of networks is computed."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return 2 * grad

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor) -> tuple[Tensor, int]:
        return 3 * x, in_dims[0]


@mutant("B602", "it computes other numbers")
class BatchesWrongly(nn.Module):
    """A wrong rule for batches of networks."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.conv = nn.Conv2d(task.input_shape[0], 32, 3, padding=1)
        self.norm = nn.BatchNorm2d(32)
        self.hidden = nn.Linear(32, 32)
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm(self.conv(x))).mean((2, 3))
        return self.head(Double.apply(torch.relu(self.hidden(h))))
