"""The metrics of a network, and the pass over a split that fills them.

Lightning's loop over test batches takes longer to start than a small network needs for a whole split.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from archbench._declarations import Outputs, Task, TaskInfo
from archbench._training._backends import stays
from archbench._training._evaluation import copy_of_state, evaluating, put_state
from archbench._training._losses import TaskLoss, logits_of
from archbench._training._metrics import AnyMetric, make_further_metrics, make_loss_metric, make_metric
from archbench._training._precision import widened
from archbench._training._predictions import make_predictions
from archbench._training._splits import EvaluationBatches, Split, evaluation_size
from archbench._training._streaming import Batch

MOST_LOSS_EXAMPLES = 2_000
"""Most training examples on which the plain loss is measured, so that it costs no more than one validation."""


class ScoredModule(pl.LightningModule):
    """A network with the metrics of a task.

    Args:
        network: maps inputs, and lengths where the splits have them, to logits, or to `Outputs`.
        task, info: the loss, the metric and the shapes.
        splits: the splits by name, already on the device.

    Attributes:
        steps: optimiser steps done at the end of each chunk.
        selected: the step after which validation was best, the later of equals, and the weights at that step.
        predictions: the classes that the selected weights gave the test examples; None unless each example has one.
        scores: the test scores of the `selected` and the `last` weights.
        further_scores: the test scores of the selected weights in the further metrics; None where one is not defined.
        plain_loss: loss of the last weights on training examples in evaluation mode; None until the test is over.
    """

    def __init__(self, network: nn.Module, task: Task, info: TaskInfo, splits: Mapping[str, Split]) -> None:
        super().__init__()
        self.network, self.task, self.info, self.splits = network, task, info, splits
        self.metric = make_metric(task, info)
        self.metric_selected = make_metric(task, info)
        self.metrics_further = make_further_metrics(task, info)
        self.predictions = make_predictions(task, info)
        self.task_loss = TaskLoss(task, info)
        self.loss_metric = make_loss_metric(task, info)
        self.steps: list[int] = []
        self.selected: tuple[int, Mapping[str, Tensor]] = (0, {})
        self.scores: dict[str, float] = {}
        self.further_scores: dict[str, float | None] = {}
        self.plain_loss: float | None = None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ScoredModule:
        """Move the network and the metrics to a device, as far as it has what they need."""
        for child in self.children():
            if not stays(child, fn):
                child._apply(fn)  # type: ignore[no-untyped-call]
        return self

    def score(self, batches: EvaluationBatches) -> None:
        """Score the last and the selected weights in one pass over the test split; then measure the plain loss."""
        with evaluating(self.network):
            last = copy_of_state(self.network)  # the selected weights will take their place
            for batch in batches:
                self._score_batch(batch, last)
            self.scores = {"last": float(self.metric.compute()), "selected": float(self.metric_selected.compute())}
            values = (float(metric.compute()) for metric in self.metrics_further)  # type: ignore[operator]
            finite = (value if math.isfinite(value) else None for value in values)
            self.further_scores = dict(zip(self.task.further_metrics, finite, strict=True))
            self.plain_loss = self._measure_plain_loss()

    def whole(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return weights of which each rank may have a part, for one rank to write; here there is one rank."""
        return state

    def score_network(self, network: nn.Module, batches: EvaluationBatches) -> float:
        """Return the score of another network, which gets into evaluation mode for it."""
        metric = make_metric(self.task, self.info).to(self.metric.device)
        with evaluating(network):
            for batch in batches:
                arguments, targets = self._fetch(batch)
                self._update(metric, network(*arguments), targets)
            return float(metric.compute())

    def _score_batch(self, batch: tuple[str, int, int], last: Mapping[str, Tensor]) -> None:
        arguments, targets = self._fetch(batch)
        answer = self.network(*arguments)
        self._update(self.metric, answer, targets)
        step, weights = self.selected
        if weights and step != self.steps[-1]:
            put_state(self.network, weights)
            answer = self.network(*arguments)
            put_state(self.network, last)
        for metric in (self.metric_selected, *self.metrics_further):
            self._update(metric, answer, targets)
        self._add_predictions(answer, targets)

    def _add_predictions(self, outputs: Tensor | Outputs, targets: Tensor) -> None:
        if self.predictions is not None:
            self.predictions.update(logits_of(outputs), targets)

    def _measure_plain_loss(self) -> float:
        """Return the loss of the main output on training examples, without dropout, auxiliary losses, augmentation.

        The examples are spread evenly over the split, since some splits are ordered by label. There are as many as
        validation has, so that the two are equally precise. It comes last, so that no score depends on it.
        """
        train = self.splits["train"]
        count = min(len(train), len(self.splits["validation"]), MOST_LOSS_EXAMPLES)
        examples = torch.arange(count) * len(train) // count
        for arguments, targets in train.batches(torch.split(examples, evaluation_size(train, self.info))):
            self._update(self.loss_metric, self.network(*arguments), targets)
        return float(self.loss_metric.compute())

    def _fetch(self, batch: tuple[str, int, int]) -> Batch:
        name, start, end = batch
        return self.splits[name].scan(start, end)

    def _update(self, metric: AnyMetric | nn.Module, outputs: Tensor | Outputs, targets: Tensor) -> None:
        logits = widened(logits_of(outputs))
        logits, targets = logits.to(metric.device), targets.to(metric.device)  # type: ignore[arg-type]
        if self.task_loss.targets == "classes":
            metric.update(logits.flatten(0, -2), targets.flatten())  # type: ignore[operator]
        else:
            metric.update(logits, targets)  # type: ignore[operator]
