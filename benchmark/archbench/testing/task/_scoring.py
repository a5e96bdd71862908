"""Predictors that need no training, scored by the code that scores the network of a trial."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from archbench._declarations import IGNORED, METRICS
from archbench._protocols import HOUSE_RECIPE
from archbench._training._module import TrialModule
from archbench._training._splits import EvaluationBatches, ResidentSplit
from archbench.testing.task._subject import TaskSubject

SURE = 1e4
"""The logit of a certain answer: single precision gives exactly 0 to all others."""


class Table(nn.Module):
    """A network that looks its answers up: rows `start` to `end` of the split get `answer(slice(start, end))`.

    A trial gives a network slices of one tensor, so that the position of a slice in memory tells which rows it has.
    Answers are computed on demand, because with many classes those of all rows can fill the memory.

    Args:
        answer: takes a slice of the rows and returns their answers, as a network would.
    """

    def __init__(self, answer: Callable[[slice], Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the answers for the rows of inputs (B, ...)."""
        start = inputs.storage_offset() // inputs.stride(0)
        return self.answer(slice(start, start + len(inputs)))


def score_perfect(subject: TaskSubject) -> float:
    """Return the test score of the right answers."""
    targets = subject.tensors["test"].targets
    return _score(subject, lambda rows: _encode(subject, targets[rows]))


def score_random(subject: TaskSubject) -> float:
    """Return the test score of normally distributed random numbers."""
    targets, generator = subject.tensors["test"].targets, torch.Generator().manual_seed(0)

    def answer(rows: slice) -> Tensor:
        return torch.randn(_encode(subject, targets[rows]).shape, generator=generator)

    return _score(subject, answer)


def score_constant(subject: TaskSubject) -> tuple[float, float]:
    """Return the test score of the best constant answer, and its standard error.

    The constant is the best one for the validation targets. Those of training are not used, because training may ask
    for more than the test, such as an answer at every step where the test scores only one.
    """
    known, targets = subject.tensors["validation"].targets, subject.tensors["test"].targets
    if METRICS[subject.task.metric].of_distributions:
        return _score_frequencies(subject, targets)
    if subject.task.metric == "accuracy":
        answer = known[known != IGNORED].mode().values.expand(targets.shape)
        quality = (answer == targets).float()
    else:
        answer = known.mean(0).expand(targets.shape)
        quality = (answer - targets) ** 2
    asked = (targets != IGNORED).float()
    each = (quality * asked).flatten(1).sum(1) / asked.flatten(1).sum(1).clamp(min=1) if quality.dim() > 1 else quality
    score = _score(subject, lambda rows: _encode(subject, answer[rows]))
    return score, float(each.std()) / len(targets) ** 0.5


def _score_frequencies(subject: TaskSubject, targets: Tensor) -> tuple[float, float]:
    """Return the test score of the best constant distribution, and its standard error.

    The distribution has the frequencies of the test targets themselves, which no constant can beat. The frequencies of
    validation would not do: a class that is missing there would cost infinity in the test.
    """
    asked = targets != IGNORED
    logits = torch.bincount(targets[asked], minlength=subject.info.outputs).double().log().clamp(min=-1e9)
    score = _score(subject, lambda rows: logits.float().expand(*targets[rows].shape, -1))
    bits = -logits.log_softmax(0)[targets.clamp(min=0)] * asked / math.log(2)
    each = bits.view(len(targets), -1).sum(1) / asked.view(len(targets), -1).sum(1)
    error = float(each.nan_to_num().std()) / len(targets) ** 0.5
    return score, error if subject.task.metric == "bits_per_character" else error * score * math.log(2)


def _encode(subject: TaskSubject, targets: Tensor) -> Tensor:
    """Return the output of a predictor that is sure of these targets."""
    if subject.task.loss == "cross_entropy":
        sure = one_hot(targets.clamp(min=0), subject.info.outputs).float()  # an IGNORED target may get any answer
        return sure * SURE if METRICS[subject.task.metric].of_distributions else sure
    return targets.contiguous()


def _score(subject: TaskSubject, answer: Callable[[slice], Tensor]) -> float:
    """Return the test score of these answers, computed as a trial computes it."""
    splits = {name: ResidentSplit(split.inputs.contiguous(), split.targets) for name, split in subject.tensors.items()}
    module = TrialModule(
        Table(answer),
        subject.task,
        subject.info,
        recipe=HOUSE_RECIPE,
        steps=1,
        splits=splits,
        clock_start=time.monotonic(),
    )
    module.score(EvaluationBatches(splits["test"], "test", subject.info))
    return module.scores["selected"]
