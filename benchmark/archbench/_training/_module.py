"""The one LightningModule: it trains any network on any task under a recipe.

Lightning hands over a *chunk* of steps at a time, and `training_step` takes them in a plain loop under manual
optimisation. Lightning's own loop costs about 0.4 ms a step on a CPU, as much as a small network; a chunk pays once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from archbench._declarations import Outputs, Published, Task, TaskInfo, resolve
from archbench._protocols import Recipe
from archbench._training._augmentation import Augmented
from archbench._training._averaging import WeightAverage
from archbench._training._backends import stays, wait_for
from archbench._training._evaluation import copy_of_state, evaluating, put_state
from archbench._training._losses import TaskLoss
from archbench._training._metrics import AnyMetric, make_further_metrics, make_loss_metric, make_metric
from archbench._training._optimizers import make_optimizer
from archbench._training._penalties import Penalties, total_penalty
from archbench._training._precision import widened
from archbench._training._predictions import make_predictions
from archbench._training._schedule import TrainingClock, learning_rates, rate_at
from archbench._training._splits import EvaluationBatches, Split, evaluation_size
from archbench._training._streaming import Batch
from archbench._training._updates import Updates

MOST_LOSS_EXAMPLES = 2_000
"""Most training examples on which the plain loss is measured, so that it costs no more than one validation."""


class DivergedError(Exception):
    """The training loss is not finite.

    Args:
        step: the first step with such a loss, counted from 1.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"the training loss is not finite at step {step}")


class TrialModule(pl.LightningModule):
    """The training, validation and test of one network.

    Args:
        network: maps inputs, and lengths where the splits have them, to logits, or to `Outputs`.
        task, info: the loss, the metric and the shapes.
        recipe: how the weights are updated.
        published: has the optimiser, the schedule and the average of an own recipe, if it adds any; else None.
        steps: the budget in steps, over which the learning rate rises and falls; None where it is a time.
        splits: the splits by name, already on the device.
        train: the augmented training split; None to train on `splits["train"]` as it is.
        clock_start: reading of the monotonic clock from which the first step is timed.
        seconds: the budget in seconds; None where it is a number of steps.
        stop_at_target: whether training ends once validation has reached the target of the task.
        validation: the batches that each chunk of steps is followed by; None to train only.

    Attributes:
        steps: optimiser steps done at the end of each chunk.
        losses: training losses of each chunk, (steps of the chunk,), without penalties.
        penalties: the weighted penalties of each chunk, which training minimises too.
        validations: validation score after each chunk.
        seconds: seconds of training of each chunk.
        running: training losses of the steps of the chunk that is under way.
        clock: seconds of training so far.
        average: the average of the weights that is evaluated; None for the weights themselves.
        reached: index of the chunk after which validation first reached the target of the task; None until then.
        selected: the step after which validation was best, the later of equals, and the weights at that step.
        predictions: the classes that the selected weights gave the test examples; None unless each example has one.
        scores: the test scores of the `selected` and the `last` weights.
        further_scores: the test scores of the selected weights in the further metrics; None where one is not defined.
        after_validation: called with the steps done after each validation; None for nothing.
        plain_loss: loss of the last weights on training examples in evaluation mode; None until the test is over.
        before_training: called when the optimiser is there, before the first chunk; None for nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        info: TaskInfo,
        *,
        recipe: Recipe,
        steps: int | None,
        splits: Mapping[str, Split],
        train: Augmented | None = None,
        clock_start: float,
        seconds: float | None = None,
        stop_at_target: bool = False,
        validation: EvaluationBatches | None = None,
        published: Published | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network, self.task, self.recipe, self.splits = network, task, recipe, splits
        self.train_split = train or splits["train"]
        self.published = published
        self.schedule = resolve(published.schedule) if published and published.schedule else None
        self.average = WeightAverage(network, published.average) if published and published.average else None
        self.rates = [] if steps is None else learning_rates(recipe, steps, self.schedule)
        self.clock = TrainingClock(seconds, self._now)
        self.stop_at_target = stop_at_target
        self.validation = validation
        self.reached: int | None = None
        self.info = info
        self.metric = make_metric(task, info)
        self.metric_selected = make_metric(task, info)
        self.metrics_further = make_further_metrics(task, info)
        self.predictions = make_predictions(task, info)
        self.task_loss = TaskLoss(task, info)
        self.loss_metric = make_loss_metric(task, info)
        self.clock_start = clock_start
        self.first_step_seconds: float | None = None
        self.steps: list[int] = []
        self.losses: list[Tensor] = []
        self.penalties = Penalties()
        self.validations: list[float] = []
        self.seconds: list[float] = []
        self.running: list[Tensor] = []
        self.selected: tuple[int, Mapping[str, Tensor]] = (0, {})
        self.scores: dict[str, float] = {}
        self.further_scores: dict[str, float | None] = {}
        self.after_validation: Callable[[int], None] | None = None
        self.plain_loss: float | None = None
        self.before_training: Callable[[TrialModule], None] | None = None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser of the recipe."""
        return make_optimizer(self.network, self.recipe, self.published)

    def on_train_start(self) -> None:
        """Put back the state of a training that was stopped, if there is one."""
        if self.before_training is not None:
            self.before_training(self)

    def training_step(self, chunk: Iterable[Tensor], chunk_index: int) -> None:
        """Take the steps of one chunk; it yields the indices of the examples of each step, (batch,)."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        updates = Updates(optimizer, self.recipe.clip_norm)
        groups = optimizer.param_groups
        network = self.network
        done = self.steps[-1] if self.steps else 0
        losses = self.running = []
        self.clock.start()
        for offset, (arguments, targets) in enumerate(self.train_split.batches(chunk)):
            outputs = network(*arguments)
            loss, penalty = self.loss(outputs, targets), total_penalty(outputs)
            updates.clear()
            loss = self.differentiate(loss, penalty)
            if updates.clip_norm:
                updates.clip()
            rate = self._rate(done + offset)
            for group in groups:
                group["lr"] = rate * group["share"]
            updates.apply()
            if self.average is not None:
                self.average.update()
            losses.append(loss)
            if penalty is not None:
                self.penalties.note(offset, penalty)
            if self.first_step_seconds is None:
                self.first_step_seconds = self._now() - self.clock_start
        self.seconds.append(self.clock.stop())
        self.running = []  # first, since a signal may ask between the two lines, and no step may count twice
        self.steps.append(done + len(losses))
        self.losses.append(self.collect(losses))
        self.penalties.end_chunk(len(losses))
        self._stop_if_diverged(done)
        if self.clock.seconds is not None and self.clock.share() >= 1:
            self.trainer.should_stop = True  # every chunk has at least one step, so fewer may fit than were planned

    def differentiate(self, loss: Tensor, penalty: Tensor | None) -> Tensor:
        """Compute the gradients of a loss and a penalty, and return the loss to be noted."""
        (loss if penalty is None else loss + penalty).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def collect(self, losses: list[Tensor]) -> Tensor:
        """Return the losses of a chunk in host memory, (steps,)."""
        return torch.stack(losses).cpu()

    @property
    def done(self) -> int:
        """Optimiser steps done so far, those of the chunk that is under way included."""
        return (self.steps[-1] if self.steps else 0) + len(self.running)

    def _rate(self, step: int) -> float:
        return self.rates[step] if self.rates else rate_at(self.recipe, self.clock.share(), self.schedule)

    def objective(self, outputs: Tensor | Outputs, targets: Tensor) -> Tensor:
        """Return what training minimises: the training loss and the penalties of the network."""
        loss, penalty = self.loss(outputs, targets), total_penalty(outputs)
        return loss if penalty is None else loss + penalty

    def loss(self, outputs: Tensor | Outputs, targets: Tensor) -> Tensor:
        """Return the training loss, auxiliary losses included."""
        if isinstance(outputs, Outputs):
            loss: Tensor = self.task_loss(outputs.logits, targets)
            for logits, weight in outputs.auxiliary.values():
                loss = loss + weight * self.task_loss(logits, targets)
            return loss
        return self.task_loss(outputs, targets)  # type: ignore[no-any-return]

    def _stop_if_diverged(self, done: int) -> None:
        finite = torch.isfinite(self.losses[-1] + self.penalties.chunks[-1])
        if not finite.all():
            raise DivergedError(done + int((~finite).nonzero()[0]) + 1)

    def _now(self) -> float:
        wait_for(self.device)
        return time.monotonic()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TrialModule:
        """Move the network and the metrics to a device, as far as it has what they need."""
        for child in self.children():
            if not stays(child, fn):
                child._apply(fn)  # type: ignore[no-untyped-call]
        return self

    def on_train_batch_end(self, outputs: Any, chunk: Iterable[Tensor], chunk_index: int) -> None:
        """Validate after a chunk, then let probes measure."""
        if self.validation is not None:
            with self.evaluated(), evaluating(self.network):
                self._validate(self.validation)
        if self.after_validation is not None:
            self.after_validation(self.steps[-1])

    def evaluated(self) -> AbstractContextManager[None]:
        """Let the network have the weights that are evaluated meanwhile: their average, if there is one."""
        return self.average.in_place() if self.average else nullcontext()

    def on_train_end(self) -> None:
        """Let the network keep the average of its weights, if that is what is evaluated."""
        if self.average is not None:
            self.average.put()

    def _validate(self, batches: EvaluationBatches) -> None:
        """Note the validation score, and keep the weights if none before were better."""
        for batch in batches:
            arguments, targets = self._fetch(batch)
            self._update(self.metric, self.network(*arguments), targets)
        value = float(self.metric.compute())
        self.metric.reset()
        if self._is_best(value):
            self.selected = (self.steps[-1], copy_of_state(self.network))
        self.validations.append(value)
        if self.reached is None and self._solves(value):
            self.reached = len(self.validations) - 1
            self.trainer.should_stop = self.trainer.should_stop or self.stop_at_target

    def _solves(self, value: float) -> bool:
        target = self.task.target
        return target is not None and (value >= target if self.task.higher_is_better else value <= target)

    def _is_best(self, value: float) -> bool:
        """Return whether no validation so far was better; of equal ones the later counts, which trained longer."""
        if not self.validations:
            return True
        best = max(self.validations) if self.task.higher_is_better else min(self.validations)
        return value >= best if self.task.higher_is_better else value <= best

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
            self.predictions.update(outputs.logits if isinstance(outputs, Outputs) else outputs, targets)

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
        logits = widened(outputs.logits if isinstance(outputs, Outputs) else outputs)
        logits, targets = logits.to(metric.device), targets.to(metric.device)  # type: ignore[arg-type]
        if self.task_loss.targets == "classes":
            metric.update(logits.flatten(0, -2), targets.flatten())  # type: ignore[operator]
        else:
            metric.update(logits, targets)  # type: ignore[operator]
