"""The metrics that tasks may name, as torchmetrics objects."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import Metric
from torchmetrics.classification import BinaryCalibrationError, MulticlassAccuracy, MulticlassCalibrationError
from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError

from archbench._declarations import IGNORED, METRICS, Targets, Task, TaskInfo, TorchMetric, resolve
from archbench._training._adapted_metrics import Adapted, adapt_answers, adapt_known, make_declared
from archbench._training._counted_metrics import (
    ClassBalancedAccuracy,
    ClassMacroF1,
    DeterminationCoefficient,
    LabelAccuracy,
    LabelBalancedAccuracy,
    LabelMacroF1,
)
from archbench._training._losses import MeanLoss, TaskLoss

AnyMetric = Metric | Adapted


def make_metric(task: Task, info: TaskInfo, name: str = "") -> AnyMetric:
    """Return a metric of a task; its primary one unless another is named.

    It takes logits (N, classes) and classes (N,), or what the network returned and targets of the same shape.
    """
    name = name or task.metric
    for item in task.metrics:
        if isinstance(item, TorchMetric) and item.name == name:
            return make_declared(item, task.targets, info)
    metric: AnyMetric = resolve(METRICS[name].maker)(info, task.targets)
    if task.missing_targets and task.targets == "numbers" and not isinstance(metric, Adapted):
        return Adapted(metric, adapt_known)
    return metric


def make_further_metrics(task: Task, info: TaskInfo) -> nn.ModuleList:
    """Return the metrics of a task beside the primary one, in the order of `Task.further_metrics`."""
    return nn.ModuleList(make_metric(task, info, name) for name in task.further_metrics)


def make_loss_metric(task: Task, info: TaskInfo) -> Metric:
    """Return the loss of a task as a metric: the mean over all targets, however they are cut into batches."""
    if task.loss == "cross_entropy":
        return CrossEntropy()
    if task.loss == "mean_squared_error" and not task.missing_targets:
        return MeanSquaredError()
    return MeanLoss(TaskLoss(task, info))


def accuracy(info: TaskInfo, targets: Targets) -> Metric:
    """Return the share of right answers; targets that are `IGNORED` do not count."""
    if targets == "labels":
        return LabelAccuracy(info.outputs)
    return MulticlassAccuracy(num_classes=info.outputs, average="micro", ignore_index=IGNORED)


def balanced_accuracy(info: TaskInfo, targets: Targets) -> Metric:
    """Return the mean recall of the classes."""
    return (LabelBalancedAccuracy if targets == "labels" else ClassBalancedAccuracy)(info.outputs)


def macro_f1(info: TaskInfo, targets: Targets) -> Metric:
    """Return the mean F1 of the classes or labels."""
    return (LabelMacroF1 if targets == "labels" else ClassMacroF1)(info.outputs)


def calibration_error(info: TaskInfo, targets: Targets) -> AnyMetric:
    """Return the expected calibration error over 15 bins (Guo et al. 2017, arXiv:1706.04599, eq. 3).

    Of labels, it is that of the probabilities that a label is there, over all labels together.
    """
    if targets == "labels":
        return Adapted(BinaryCalibrationError(n_bins=15), lambda logits, labels: adapt_known(logits.sigmoid(), labels))
    metric = MulticlassCalibrationError(num_classes=info.outputs, n_bins=15)
    return Adapted(metric, lambda logits, labels: adapt_answers(logits, labels, "classes"))


def mean_squared_error(info: TaskInfo, targets: Targets) -> Metric:
    """Return the mean of the squared differences."""
    return MeanSquaredError()


def mean_absolute_error(info: TaskInfo, targets: Targets) -> AnyMetric:
    """Return the mean of the absolute differences."""
    return Adapted(MeanAbsoluteError(), adapt_known)


def r2(info: TaskInfo, targets: Targets) -> AnyMetric:
    """Return the share of the variance of the targets that is explained."""
    return Adapted(
        DeterminationCoefficient(info.outputs), lambda found, numbers: (found.flatten(0, -2), numbers.flatten(0, -2))
    )


def bits_per_character(info: TaskInfo, targets: Targets) -> Metric:
    """Return the cross entropy to the base 2."""
    return BitsPerCharacter()


def perplexity(info: TaskInfo, targets: Targets) -> Metric:
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
