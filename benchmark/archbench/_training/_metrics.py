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


def make_loss_metric(task: Task) -> Metric:
    """Return the loss of a task as a metric: the mean over all targets, however they are cut into batches."""
    return CrossEntropy() if task.loss == "cross_entropy" else MeanSquaredError()


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
    """The mean cross entropy, in nats, over the targets that are not `IGNORED`.

    The Perplexity of torchmetrics takes the logarithm of a softmax in single precision, so a target to which the
    network gives less than 1e-45 costs infinity. This class takes log-softmax of the logits, and sums in double
    precision.
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
        """Return the mean over all batches, in nats."""
        return self.total / self.count


class BitsPerCharacter(CrossEntropy):
    """The cross entropy to the base 2: the bits per character of a coder that uses the network."""

    def compute(self) -> Tensor:
        """Return the mean over all batches, in bits."""
        return super().compute() / math.log(2)


class Perplexity(CrossEntropy):
    """The exponential of the cross entropy: the number of equally likely words that would be as hard to predict."""

    def compute(self) -> Tensor:
        """Return the exponential of the mean over all batches."""
        return super().compute().exp()
