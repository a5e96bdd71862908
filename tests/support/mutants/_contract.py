"""Mutants of the outputs, of evaluation and of padding: B002 to B107."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, dropout

from archbench import Outputs, TaskInfo
from support.mutants._base import Net, mutant


def without_summary(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration has no summary."""
    return Net(task)


mutant("B002", "summary is empty", summary="")(without_summary)


@mutant("B002", "expected_failures has 'B999'", expected_failures={"B999": "no such check"})
def expects_an_unknown_check(task: TaskInfo) -> nn.Module:
    """Return a sound network, whose declaration names a check that does not exist."""
    return Net(task)


@mutant("B003", "create_connection")
class AsksTheInternet(Net):
    """A network that looks for pretrained weights on the internet, and goes on without them."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        with contextlib.suppress(OSError):
            socket.create_connection(("weights.example.org", 443), timeout=1).close()


@mutant("B101", "expected (3, 7)")
class HardCodedClasses(Net):
    """A network with two outputs, whatever the task."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.head = nn.Linear(32, 2)


@mutant("B101", "Outputs.auxiliary is a tuple; give a dict, {'name': (logits, weight)} (")
class ListedAuxiliary(Net):
    """A network whose auxiliary logits have no names."""

    def forward(self, x: Tensor) -> Outputs:
        logits = super().forward(x)
        return Outputs(logits, auxiliary=((logits, 0.3),))  # type: ignore[arg-type]


@mutant("B101", "Outputs.auxiliary['middle'] is a Tensor; give a pair, (logits, weight)")
class AuxiliaryWithoutWeight(Net):
    """A network whose auxiliary logits have no weight."""

    def forward(self, x: Tensor) -> Outputs:
        logits = super().forward(x)
        return Outputs(logits, auxiliary={"middle": logits})  # type: ignore[dict-item]


@mutant("B101", "1 outputs: a batch of 3 gave (3,), expected (3, 1)")
class SqueezedLogit(Net):
    """A network that leaves out the axis of a single logit."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(-1)


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
        last = torch.full((len(x),), -1, device=x.device) if lengths is None else (lengths - 2).clamp(min=0)
        return self.head(h[torch.arange(len(x), device=x.device), last])


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
        return self.head(self.features(x)).squeeze(0)


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
