"""Deliberately broken architectures: each has one fault, and one check must find it.

Most are `Net`, a sound convolutional network, with one change. Only the check of the mutant's `code` may fail; checks
that require it may be blocked.
"""

from __future__ import annotations

import os
import random
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, dropout

from archbench import Architecture, Block, Outputs, TaskInfo


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


def without_summary(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration has no summary."""
    return Net(task)


mutant("B002", "summary is empty", summary="")(without_summary)


@mutant("B002", "expected_failures has 'B999'", expected_failures={"B999": "no such check"})
def expects_an_unknown_check(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration names a check that does not exist."""
    return Net(task)


@mutant("B101", "expected (3, 7)")
class HardCodedClasses(Net):
    """A network with two outputs, whatever the task."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.head = nn.Linear(32, 2)


@mutant("B101", "RuntimeError")
class HardCodedChannels(Net):
    """A network for one channel, whatever the images."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.conv = nn.Conv2d(1, 32, 3, padding=1)


@mutant("B101", "lazy parameters")
class Lazy(Net):
    """A layer whose shape is known only after the first batch."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.hidden = nn.LazyLinear(32)


@mutant("B101", "not a torch.nn.Module")
def returns_a_function(task: TaskInfo) -> Any:
    """Return a function instead of a module."""
    return Net(task).forward


@mutant("B101", "no trainable parameters")
class Frozen(Net):
    """A network without trainable parameters."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.requires_grad_(False)


@mutant("B107", "noise in place of the padding", inputs=("sequence",), takes_lengths=True)
class ReadsTheLastStep(nn.Module):
    """A network that takes lengths but lets the padding into its answers."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.core = nn.Conv1d(task.input_shape[1], 32, 3, padding=1)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        h = torch.relu(self.core(x.transpose(1, 2))).transpose(1, 2)
        return self.head(h if self.per_step else h.mean(1))


@mutant("B107", "full lengths move the logits", inputs=("sequence",), takes_lengths=True)
class CountsFromZero(nn.Module):
    """A network that reads one step too early if it is told the lengths."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.core = nn.Linear(task.input_shape[1], 32)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        h = torch.relu(self.core(x)).cumsum(1)
        if self.per_step:
            return self.head(h)
        last = torch.full((len(x),), -1) if lengths is None else (lengths - 2).clamp(min=0)
        return self.head(h[torch.arange(len(x), device=x.device), last.to(x.device)])


@mutant("B101", "per step", inputs=("sequence",))
class IgnoresPerStep(nn.Module):
    """A network that answers once where the task asks for an answer at every step."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.core = nn.Linear(task.input_shape[1], 32)
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.core(x)).mean(1))


@mutant("B101", "refuses every image shape", incompatible=lambda task, options: "too small")
def refuses_everything(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration refuses every task."""
    return Net(task)


@mutant("B102", "a batch of 1 gave (2,)")
class Squeezes(Net):
    """A network that drops the batch axis of a batch of one."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).squeeze()


@mutant("B103", "probabilities")
class Softmax(Net):
    """A network that returns probabilities instead of logits."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).softmax(-1)


@mutant("B103", "not finite")
class NanInit(Net):
    """A weight that was never initialised."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.hidden.weight.data.fill_(float("nan"))


@mutant("B104", "moves the logits")
class BatchMean(Net):
    """Features that are centred over the batch."""

    def features(self, x: Tensor) -> Tensor:
        h = super().features(x)
        return h - h.mean(0)


@mutant("B104", "moves the logits")
class BatchStatistics(Net):
    """Batch normalisation with statistics of the batch even in evaluation."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.norm = nn.BatchNorm2d(32, track_running_stats=False)


@mutant("B104", "moves the logits", inputs=("tokens",))
class AttendsOverTheBatch(nn.Module):
    """Attention without batch_first=True."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.embed = nn.Embedding(task.vocabulary, 32)
        self.attention = nn.MultiheadAttention(32, 2)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        h = h + self.attention(h, h, h, need_weights=False)[0]
        return self.head(h if self.per_step else h.mean(1))


@mutant("B105", "different logits")
class FunctionalDropout(Net):
    """Functional dropout, which is on unless told otherwise."""

    def features(self, x: Tensor) -> Tensor:
        return dropout(super().features(x), 0.5)


@mutant("B105", "draws from torch")
class DrawsInEvaluation(Net):
    """A random number that changes no logit, but shifts all later draws."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x) + 0.0 * torch.rand(1, device=x.device, dtype=x.dtype)


@mutant("B106", "writes into its input")
class InPlaceInput(Net):
    """A network that scales its input in place."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.mul_(0.5))


@mutant("B106", "calls")
class CountsCalls(Net):
    """A buffer that counts forward passes."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


@mutant("B106", "norm.running_mean")
class TracksInEvaluation(Net):
    """Running statistics that move in evaluation."""

    def features(self, x: Tensor) -> Tensor:
        norm = self.norm
        h = batch_norm(self.conv(x), norm.running_mean, norm.running_var, norm.weight, norm.bias, training=True)
        return self.drop(torch.relu(self.hidden(torch.relu(h).mean((2, 3)))))


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
