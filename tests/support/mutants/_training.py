"""Mutants of which training leaves out a part, or disturbs the wrong one: B206 to B208."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, dropout

from archbench import TaskInfo
from support.mutants._axes import SEQUENCE, Steps
from support.mutants._base import Net, mutant


@mutant("B206", "conv.weight")
class FrozenBackbone(Net):
    """A random convolution that is not trained."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.conv.requires_grad_(False)


@mutant("B206", "core.weight_ih_l0", **SEQUENCE)
class FrozenRecurrence(Steps):
    """A recurrent network of which only the last layer is trained."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.core.requires_grad_(False)


@mutant("B206", "positions")
class FrozenParameter(Net):
    """A parameter that was meant to be a buffer."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.positions = nn.Parameter(torch.randn(32), requires_grad=False)

    def features(self, x: Tensor) -> Tensor:
        return super().features(x) + self.positions


@mutant("B206", "most weights are random buffers, which are not trained: filters")
class FrozenBuffers(Net):
    """A random convolution that is no parameter at all."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.register_buffer("filters", torch.randn(64, 32, 3, 3) / 17)
        self.hidden = nn.Linear(64, 32)

    def features(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm(self.conv(x)))
        return self.drop(torch.relu(self.hidden(torch.relu(conv2d(h, self.filters, padding=1)).mean((2, 3)))))


@mutant("B206", "matches no parameter", frozen_parameters=("backbone.*",))
def declares_frozen_parameters_that_are_not_there(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration names parameters that it does not have."""
    return Net(task)


@mutant("B206", "names what is trained", frozen_parameters=("conv.*",))
def declares_frozen_what_is_trained(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration calls a trained layer frozen."""
    return Net(task)


@mutant("B207", "norm.running_mean")
class MomentumZero(Net):
    """Batch normalisation whose statistics stay as they were."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.norm = nn.BatchNorm2d(32, momentum=0.0)


@mutant("B207", "norm.running_mean")
class MomentumNearZero(Net):
    """Batch normalisation whose statistics would take a million batches to arrive."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.norm = nn.BatchNorm2d(32, momentum=1e-6)


@mutant("B207", "norm.running_mean")
class NormInEvaluation(Net):
    """Batch normalisation that stays in evaluation mode."""

    def train(self, mode: bool = True) -> NormInEvaluation:
        """Set the mode of all layers but the norm."""
        super().train(mode)
        self.norm.eval()
        return self


@mutant("B207", "norm.running_mean")
class MomentumOfKeras(Net):
    """Batch normalisation with a momentum of 0.99 as other libraries define it, rounded to nothing."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.norm = nn.BatchNorm2d(32, momentum=round(1 - 0.99))


@mutant("B207", "norm.running_mean")
class OwnNorm(Net):
    """A batch normalisation of its own that never updates its statistics."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.norm = Norm(32)


class Norm(nn.Module):
    """Batch normalisation without an update of its statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()


@mutant("B208", "exactly 0")
class DropsLogits(Net):
    """Dropout behind the last layer."""

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.head(self.features(x)))


@mutant("B208", "exactly 0")
class DropsLogitsByFunction(Net):
    """Functional dropout on the logits."""

    def forward(self, x: Tensor) -> Tensor:
        return dropout(self.head(self.features(x)), 0.3, self.training)


@mutant("B208", "dropped before something is added")
class DropsLogitsBeforeAPrior(Net):
    """Dropout on the logits, to which the frequencies of the classes are added."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.prior = nn.Parameter(torch.zeros(task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.head(self.features(x))) + self.prior


@mutant("B208", "dropped before something is added")
class DropsLogitsKeepingTheirSpread(Net):
    """The dropout of self-normalising networks on the logits, which puts another number than zero in their place."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.head = nn.Sequential(nn.Linear(32, task.outputs), nn.AlphaDropout(0.2))


@mutant("B208", "exactly 0", **SEQUENCE)
class DropsLogitsPerStep(Steps):
    """Dropout on the logits of a recurrent network."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.head = nn.Sequential(nn.Linear(32, task.outputs), nn.Dropout(0.2))


@mutant("B208", "exactly 0")
class DropsWholeAnswers(Net):
    """A whole example whose logits are zero."""

    def forward(self, x: Tensor) -> Tensor:
        logits = self.head(self.features(x))
        return logits * (torch.rand(len(x), 1, device=x.device) > 0.2) if self.training else logits
