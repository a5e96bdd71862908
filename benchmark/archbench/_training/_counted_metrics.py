"""Metrics of answers that come from counts: how often each class, or each label, was right and wrong."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import MulticlassConfusionMatrix

from archbench._declarations import IGNORED


class ClassCounts(MulticlassConfusionMatrix):
    """How many targets of each true class (row) got each class (column).

    Args:
        classes: number of classes.
    """

    def __init__(self, classes: int) -> None:
        super().__init__(num_classes=classes, ignore_index=IGNORED)

    def counts(self) -> Tensor:
        """Return the matrix (classes, classes) in double precision."""
        return super().compute().double()


class ClassBalancedAccuracy(ClassCounts):
    """The mean recall of the classes that occur among the targets."""

    def compute(self) -> Tensor:
        """Return it over all batches."""
        counts = self.counts()
        there = counts.sum(1)
        return (counts.diag()[there > 0] / there[there > 0]).mean()


class ClassMacroF1(ClassCounts):
    """The mean F1 of the classes that occur among the targets or the answers: 2 TP / (2 TP + FP + FN)."""

    def compute(self) -> Tensor:
        """Return it over all batches."""
        counts = self.counts()
        both = counts.sum(0) + counts.sum(1)
        return (2 * counts.diag()[both > 0] / both[both > 0]).mean()


class LabelCounts(Metric):
    """How often each label was there or not, by what was answered; logits above 0 say that it is there.

    Args:
        labels: number of labels.
    """

    cells: Tensor

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.add_state("cells", torch.zeros((labels, 2, 2), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Add a batch: logits and targets (N, labels) or (N, steps, labels); `IGNORED` targets add nothing."""
        logits, targets = logits.flatten(0, -2), targets.flatten(0, -2)
        for truth in (0, 1):
            for answer in (0, 1):
                self.cells[:, truth, answer] += ((targets == truth) & ((logits > 0) == bool(answer))).sum(0)

    def counts(self) -> Tensor:
        """Return the counts (labels, truth, answer) in double precision."""
        return self.cells.double()


class LabelAccuracy(LabelCounts):
    """The share of labels that were answered rightly, over all labels together."""

    def compute(self) -> Tensor:
        """Return it over all batches."""
        counts = self.counts()
        return counts.diagonal(dim1=1, dim2=2).sum() / counts.sum()


class LabelBalancedAccuracy(LabelCounts):
    """The mean over labels of the mean recall of what is there and of what is not, of those that occur."""

    def compute(self) -> Tensor:
        """Return it over all batches."""
        counts = self.counts()
        recall = counts.diagonal(dim1=1, dim2=2) / counts.sum(2)  # NaN where none occurs
        return recall.nanmean(1).nanmean()


class LabelMacroF1(LabelCounts):
    """The mean F1 of the labels: 2 TP / (2 TP + FP + FN), 0 where a label neither occurs nor is answered."""

    def compute(self) -> Tensor:
        """Return it over all batches."""
        counts = self.counts()
        right, wrong = 2 * counts[:, 1, 1], counts[:, 0, 1] + counts[:, 1, 0]
        return (right / (right + wrong).clamp(min=1)).mean()


class DeterminationCoefficient(Metric):
    """R2, 1 minus the squared error over the variance of the targets; the mean over outputs.

    torchmetrics adds up in single precision, where the variance of numbers far from 0 is lost.

    Args:
        outputs: number of numbers that are predicted.
    """

    sums: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros((4, outputs), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, predicted: Tensor, targets: Tensor) -> None:
        """Add a batch: (N, outputs) each; targets that are NaN add nothing."""
        asked = ~torch.isnan(targets)
        known = torch.where(asked, targets, 0).double()
        error = torch.where(asked, predicted - targets, 0).double()
        self.sums += torch.stack([asked.double(), known, known**2, error**2]).sum(1)

    def compute(self) -> Tensor:
        """Return it over all batches; NaN if the targets of an output are all equal."""
        count, total, squares, error = self.sums
        spread = squares - total**2 / count
        shares: Tensor = 1 - error / torch.where(spread > 0, spread, torch.nan)  # (outputs,)
        return shares.mean()
