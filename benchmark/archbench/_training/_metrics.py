"""The metrics that tasks may name, as torchmetrics objects."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.regression import MeanSquaredError

from archbench._declarations import IGNORED, METRICS, Task, TaskInfo, resolve


def make_metric(task: Task, info: TaskInfo) -> Metric:
    """Return the metric that a task names."""
    metric: Metric = resolve(METRICS[task.metric].maker)(info)
    return metric


def accuracy(info: TaskInfo) -> Metric:
    """Return the share of right answers; targets that are `IGNORED` do not count."""
    return MulticlassAccuracy(num_classes=info.outputs, average="micro", ignore_index=IGNORED)


def mean_squared_error(info: TaskInfo) -> Metric:
    """Return the mean of the squared differences."""
    return MeanSquaredError()


def bits_per_character(info: TaskInfo) -> Metric:
    """Return the cross entropy to the base 2."""
    return BitsPerCharacter()


def perplexity(info: TaskInfo) -> Metric:
    """Return the exponential of the cross entropy."""
    return Perplexity()


class CrossEntropy(Metric):
    """The mean cross entropy over the targets that are asked for, in nats; the base of the two below.

    The Perplexity of torchmetrics takes the logarithm of a softmax in single precision: a target to which a network
    gives less than 1e-45 then costs infinity. Here the logarithm is of the logits, and the sum is double.
    """

    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Add a batch: logits (N, outputs), targets (N,); `IGNORED` targets add nothing."""
        each = functional.cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="none")  # (N,)
        self.total += each.double().sum()
        self.count += (targets != IGNORED).sum()

    def compute(self) -> Tensor:
        """The mean over all batches."""
        return self.total / self.count


class BitsPerCharacter(CrossEntropy):
    """Cross entropy to the base 2: bits that a coder which uses the network needs for a character."""

    def compute(self) -> Tensor:
        """The mean in bits."""
        return super().compute() / math.log(2)


class Perplexity(CrossEntropy):
    """The exponential of the cross entropy: among how many equally likely words the network is in doubt."""

    def compute(self) -> Tensor:
        """The exponential of the mean in nats."""
        return super().compute().exp()
