"""Mutants of training, of state and of devices: B201 to B406."""

from __future__ import annotations

import os
import random
import threading
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archbench import TaskInfo
from support.mutants._base import Net, mutant


@mutant("B201", "layers[0]")
class ListOfModules(Net):
    """Layers in a plain list."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.layers = [nn.Linear(32, 32), nn.Linear(32, 32)]

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        for layer in self.layers:
            h = h + torch.relu(layer(h))
        return h


@mutant("B201", "scale")
class PlainTensorParameter(Net):
    """A tensor with requires_grad, but not an nn.Parameter."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.scale = torch.ones(32, requires_grad=True)

    def features(self, x: Tensor) -> Tensor:
        return super().features(x) * self.scale


@mutant("B202", "no gradient on some batch: spare.weight")
class UnusedLayer(Net):
    """A layer that forward() does not use."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.spare = nn.Linear(4, 4)


@mutant("B202", "zero on all batches")
class DeadLayer(Net):
    """A layer whose output is multiplied by zero."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.spare = nn.Linear(32, 32)

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        return h + 0.0 * self.spare(h)


@mutant("B202", "conv.weight")
class Detached(Net):
    """A convolution that is cut off from the gradient."""

    def features(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm(self.conv(x))).mean((2, 3)).detach()
        return self.drop(torch.relu(self.hidden(h)))


@mutant("B202", "matches no parameter", unused_parameters=("experts.*",))
def declares_parameters_that_are_not_there(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration names parameters that it does not have."""
    return Net(task)


@mutant("B203", "is still")
class CannotLearn(Net):
    """Logits that are too small to matter."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.01 * torch.tanh(self.head(self.features(x)))


@mutant("B203", "is still")
class IgnoresInput(nn.Module):
    """A network whose answer does not depend on its input."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.answer = nn.Parameter(torch.randn(task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.answer.expand(len(x), -1).clone()


@mutant("B301", "reseeds")
class SeedsInInit(Net):
    """A network that sets the global seed, so that its weights are always the same."""

    def __init__(self, task: TaskInfo) -> None:
        torch.manual_seed(42)
        super().__init__(task)


@mutant("B301", "different weights")
class NumpyInit(Net):
    """Weights from numpy's global stream, which torch.manual_seed does not seed."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.hidden.weight.data = torch.from_numpy(np.random.randn(32, 32).astype("float32") / 6)


@mutant("B301", "gave the same weights")
class FixedInit(nn.Module):
    """Weights from a generator with a constant seed."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        features = int(np.prod(task.input_shape))
        self.first = nn.Parameter(torch.randn(64, features, generator=generator) / features**0.5)
        self.second = nn.Parameter(torch.randn(task.outputs, 64, generator=generator) / 8)
        torch.rand(1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x.flatten(1) @ self.first.T) @ self.second.T


@mutant("B302", "torch.get_num_threads")
class SetsThreads(Net):
    """A network that sets the number of threads of the process."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        torch.set_num_threads(1)


@mutant("B302", "os.environ[ARCHBENCH_MUTANT]")
class SetsEnvironment(Net):
    """A network that sets an environment variable."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        os.environ["ARCHBENCH_MUTANT"] = str(threading.get_ident())


@mutant("B302", "warnings.filters")
class SilencesWarnings(Net):
    """A network that silences warnings for the whole process."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            warnings.simplefilter("ignore", category=DeprecationWarning)
        return super().forward(x)


@mutant("B302", "numpy's global random stream")
class DrawsFromNumpy(Net):
    """A network that draws from numpy's global stream in training."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            np.random.random()
        return super().forward(x)


@mutant("B303", "other logits")
class PlainAttributeState(Net):
    """A random projection that is not in state_dict."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.projection = torch.randn(32, 32) / 32**0.5

    def features(self, x: Tensor) -> Tensor:
        return super().features(x) @ self.projection


@mutant("B304", "pickle")
class LambdaAttribute(Net):
    """A lambda, which cannot be pickled."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.activation = lambda h: torch.relu(h)

    def features(self, x: Tensor) -> Tensor:
        return self.activation(super().features(x))


@mutant("B304", "copy.deepcopy")
class KeepsGraph(Net):
    """A network that keeps the features of the last batch with their graph."""

    def features(self, x: Tensor) -> Tensor:
        self.last = super().features(x)
        return self.last


@mutant("B305", "different weights")
class NoiseFromElsewhere(Net):
    """Noise from a stream that no seed reaches."""

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        return h + 0.01 * random.SystemRandom().random() if self.training else h


@mutant("B401", "device")
class FixedDevice(Net):
    """A constant that is always made on the CPU."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x) * torch.linspace(0.5, 1, 32, dtype=x.dtype, device="cpu")


@mutant("B401", "meta")
class CopiesToCpu(Net):
    """A network that moves its features to the CPU."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).cpu())


@mutant("B402", "float64")
class CastsToFloat32(Net):
    """A network that computes in float32, whatever it is given."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


@mutant("B402", "float64")
class Float32Constant(Net):
    """A float32 matrix that meets features in float64."""

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        return h if h.dtype == torch.bfloat16 else h @ torch.eye(32, device=x.device)


@mutant("B402", "bfloat16")
class LosesPrecision(Net):
    """A small difference of two large numbers."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return (logits + 300.0) - 300.0


@mutant("B403", "")
class BranchesOnValues(Net):
    """A branch that depends on the data."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return logits if logits.sum() > 0 else logits * 1.0


@mutant("B404", "view")
class Views(nn.Module):
    """A call of view(), which needs one particular memory layout."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        features = int(np.prod(task.input_shape))
        self.net = nn.Sequential(nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.view(len(x), -1))


@mutant(
    "B405",
    "declared are 1,000",
    parameters={"miscounted": (TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10), 1000)},
)
def miscounted(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration has another number of parameters."""
    return Net(task)


@mutant("B406", "sends numbers to a GPU, in _learning.py")
class SendsNumbers(Net):
    """A constant that is made from a list in every step."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * x.new_tensor([0.5])


@mutant("B406", "sends numbers to a GPU, in _learning.py")
class SendsIndices(Net):
    """Indices that are made on the host in every step."""

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        return h[:, torch.arange(h.shape[1] - 1, -1, -1)]


class _Clamped(torch.autograd.Function):
    """An identity whose gradient is scaled by a tensor that is made from a list."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * torch.tensor([0.5], device=grad.device)


@mutant("B406", "sends numbers to a GPU, in _learning.py")
class SendsNumbersInTheGradient(Net):
    """A constant that is made from a list in every backward pass."""

    def features(self, x: Tensor) -> Tensor:
        h: Tensor = _Clamped.apply(super().features(x))
        return h
