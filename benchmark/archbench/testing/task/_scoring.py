"""Predictors that need no training, scored by the code that scores the network of a trial."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from archbench._declarations import IGNORED
from archbench._protocols import HOUSE_RECIPE
from archbench._training._metrics import make_metric
from archbench._training._module import TrialModule
from archbench._training._splits import EvaluationBatches, ResidentSplit
from archbench.testing.task._subject import TaskSubject

MOST_ANSWERS = 20
"""Most classes that are tried as a constant answer, the most frequent ones."""
PARTS = 10
"""Parts of the test split whose scores tell how much a score varies."""
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
    task = subject.task
    if task.rules.of_distributions:
        return _score_frequencies(subject, targets)
    plain = task.metric == ("accuracy" if task.targets == "classes" else "mean_squared_error")
    if not plain or task.missing_targets:
        return score_best_constant(subject, known)
    if task.metric == "accuracy":
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
    if subject.task.targets == "classes":
        sure = one_hot(targets.clamp(min=0), subject.info.outputs).float()  # an IGNORED target may get any answer
        return sure if subject.task.metric == "accuracy" else sure * SURE
    if subject.task.targets == "labels":
        return (targets.clamp(min=0).float() * 2 - 1) * SURE
    return targets.nan_to_num().contiguous()  # a target that is not known may get any answer


def score_best_constant(subject: TaskSubject, known: Tensor) -> tuple[float, float]:
    """Return the test score of the best of some constant answers, and its standard error.

    The answers are each class, or the median and the mean of the numbers, or each label as it is most often, and the
    frequencies of classes and labels. The error comes from the scores of ten parts of the test split.

    Args:
        subject: the task under test.
        known: targets to choose by, those of validation.
    """
    better = max if subject.task.higher_is_better else min
    answers = _constants(subject, known)
    scored = [(_score_answer(subject, answer), number) for number, answer in enumerate(answers)]
    score, number = better(pair for pair in scored if math.isfinite(pair[0]))
    parts = [_score_answer(subject, answers[number], part) for part in range(PARTS)]
    finite = torch.tensor([part for part in parts if math.isfinite(part)])
    return score, float(finite.std()) / len(finite) ** 0.5 if len(finite) > 1 else 0.0


def _constants(subject: TaskSubject, known: Tensor) -> list[Tensor]:
    """Return constant outputs of a network, (outputs,) each."""
    outputs = subject.info.outputs
    rows = known.reshape(-1) if subject.task.targets == "classes" else known.reshape(-1, outputs)
    if subject.task.targets == "numbers":
        return [rows.nanmean(0), rows.nanmedian(0).values]
    if subject.task.targets == "classes":
        counts = torch.bincount(rows[rows != IGNORED], minlength=outputs).float()
        sure = [one_hot(place, outputs) * SURE for place in counts.argsort(descending=True)[:MOST_ANSWERS]]
        return [*sure, counts.log().clamp(min=-SURE)]
    share = torch.where(rows == IGNORED, torch.nan, rows.float()).nanmean(0)
    all_or_none = [torch.full((outputs,), SURE), torch.full((outputs,), -SURE)]
    return [*all_or_none, (share >= 0.5) * 2 * SURE - SURE, torch.logit(share, eps=1e-9)]


def _score_answer(subject: TaskSubject, answer: Tensor, part: int | None = None) -> float:
    """Return the score of a constant answer (outputs,) on the test split, or on one of its parts."""
    targets = subject.tensors["test"].targets
    targets = targets if part is None else targets[part::PARTS]
    targets = targets.flatten() if subject.task.targets == "classes" else targets
    if not len(targets):
        return math.nan
    lead = targets.shape if subject.task.targets == "classes" else targets.shape[:-1]
    metric = make_metric(subject.task, subject.info)
    metric.update(answer.float().expand(*lead, -1), targets)
    return float(metric.compute())


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
