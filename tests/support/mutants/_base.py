"""The sound network that most mutants change, and their register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archbench import Architecture, Outputs, TaskInfo


@dataclass(frozen=True)
class Mutant:
    """A broken architecture, the code of the check that must find it, and words of the message."""

    id: str
    code: str
    architecture: Architecture
    says: str = ""


MUTANTS: list[Mutant] = []


class Net(nn.Module):
    """A sound network: convolution, normalisation, dropout, linear layer. Mutants replace its layers and methods."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.conv = nn.Conv2d(task.input_shape[0], 32, 3, padding=1)
        self.norm = nn.BatchNorm2d(32)
        self.drop = nn.Dropout(0.1)
        self.hidden = nn.Linear(32, 32)
        self.head = nn.Linear(32, task.outputs)

    def features(self, x: Tensor) -> Tensor:
        """Map images to features (B, 32)."""
        h = torch.relu(self.norm(self.conv(x))).mean((2, 3))
        return self.drop(torch.relu(self.hidden(h)))

    def forward(self, x: Tensor) -> Tensor | Outputs:
        return self.head(self.features(x))


def mutant(code: str, says: str = "", **declared: Any) -> Callable[[Any], Any]:
    """Register a network class, or a function of the task, as a mutant that `code` must find."""

    def register(broken: Any) -> Any:
        name = broken.__name__.lower().replace("_", "-")
        values = {"inputs": ("image",), "summary": "Broken", **declared}
        architecture = Architecture(name=name, build=lambda task, options: broken(task), **values)
        MUTANTS.append(Mutant(name, code, architecture, says))
        return broken

    return register
